"""The life of anomaly detection jobs and datafeeds: configuration, states, lookback, real time, results."""

from anomalyops_engine.jobs.service import JobService
from anomalyops_engine.refusals import MlError

__all__ = ["JobService", "MlError"]
