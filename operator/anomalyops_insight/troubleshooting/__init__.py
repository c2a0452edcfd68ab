"""Is a job healthy, and if not, what to do in which order."""

from anomalyops_insight.troubleshooting.diagnosis import Diagnosis, Facts, Finding, Severity, diagnose
from anomalyops_insight.troubleshooting.gathering import troubleshoot
from anomalyops_insight.troubleshooting.remedies import Remedy, Step

__all__ = ["Diagnosis", "Facts", "Finding", "Remedy", "Severity", "Step", "diagnose", "troubleshoot"]
