"""The life of anomaly detection jobs and datafeeds: configuration, states, lookback, real time, results."""

from anomalyops_engine.jobs.errors import MlError
from anomalyops_engine.jobs.service import JobService

__all__ = ["JobService", "MlError"]
