"""From documents to one value per series and bucket, for every detector function, by push-down."""

from anomalyops_engine.features.resolving import ResolvedDetector, UnsupportedAnalysis

__all__ = ["ResolvedDetector", "UnsupportedAnalysis"]
