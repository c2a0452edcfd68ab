"""How `kubectl wait`, Argo CD and Flux read a status: the generic rules of kstatus, in a few lines.

Source: cli-utils, `pkg/kstatus/status/generic.go`.
"""

from __future__ import annotations

from anomalyops.resources import ConditionStatus, find_condition


def kstatus(resource, status):
    """Current, InProgress, Failed or Terminating."""
    if resource.metadata.deletion_timestamp is not None:
        return "Terminating"
    if status is None or status.observed_generation != resource.metadata.generation:
        return "InProgress"
    for condition in status.conditions:
        if condition.type == "Reconciling" and condition.status is ConditionStatus.TRUE:
            return "InProgress"
        if condition.type == "Stalled" and condition.status is ConditionStatus.TRUE:
            return "Failed"
    ready = find_condition(status.conditions, "Ready")
    return "Current" if ready is not None and ready.status is ConditionStatus.TRUE else "InProgress"
