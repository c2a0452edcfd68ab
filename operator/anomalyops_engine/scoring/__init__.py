"""Probabilities to scores: multi-bucket, aggregation, influencers, normalisation and renormalisation."""

from anomalyops_engine.features import UnsupportedAnalysis
from anomalyops_engine.scoring.analysis import JobAnalysis
from anomalyops_engine.scoring.estimating import estimated_bytes
from anomalyops_engine.scoring.inputs import StepInputs
from anomalyops_engine.scoring.results import Result, Results
from anomalyops_engine.scoring.rules import Filters, ItemSet
from anomalyops_engine.scoring.schedule import Event, Schedule
from anomalyops_engine.scoring.snapshot import SnapshotError

__all__ = [
    "Event",
    "Filters",
    "ItemSet",
    "JobAnalysis",
    "Result",
    "Results",
    "Schedule",
    "SnapshotError",
    "StepInputs",
    "UnsupportedAnalysis",
    "estimated_bytes",
]
