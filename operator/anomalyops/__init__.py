"""anomalyops: Elastic-style anomaly detection as Kubernetes resources."""

__version__ = "0.1.0"
