"""Why a score is what it is, and why something was not flagged."""

from anomalyops_insight.explaining.context import Part
from anomalyops_insight.explaining.explanation import Explanation, Subject
from anomalyops_insight.explaining.gathering import explain

__all__ = ["Explanation", "Part", "Subject", "explain"]
