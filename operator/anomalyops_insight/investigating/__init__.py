"""What broke: the protocol of an investigation as a program, and its report."""

from anomalyops_insight.investigating.investigation import Incident, Investigation
from anomalyops_insight.investigating.protocol import STEPS, investigate
from anomalyops_insight.investigating.ranking import Appearance, Complaint, Suspect, rank
from anomalyops_insight.investigating.report import report

__all__ = [
    "STEPS",
    "Appearance",
    "Complaint",
    "Incident",
    "Investigation",
    "Suspect",
    "investigate",
    "rank",
    "report",
]
