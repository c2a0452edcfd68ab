"""From documents to one value per series and bucket, for every detector function, by push-down."""

from anomalyops_engine.features.detectors import Detector, UnsupportedAnalysis, required_fields

__all__ = ["Detector", "UnsupportedAnalysis", "required_fields"]
