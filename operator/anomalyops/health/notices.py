"""What of a changed status is worth an Event: conditions that came, went or changed their reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from anomalyops.resources import (
    AnomalyJobStatus,
    AnyResource,
    Condition,
    ConditionStatus,
    ConditionType,
    DatafeedStatus,
    Reason,
    ResourceStatus,
    find_condition,
)

_TROUBLE = (
    ConditionType.MEMORY_LIMITED,
    ConditionType.DATA_DELAYED,
    ConditionType.DATAFEED_STOPPED,
    ConditionType.JOB_FAILED,
    ConditionType.SNAPSHOT_TOO_OLD,
    ConditionType.CONNECTION_UNAVAILABLE,
    ConditionType.LICENSE_INVALID,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """An Event to be.

    Attributes:
        kind: Of the resource that it is about.
        name: Of that resource.
        type: How grave it is.
        reason: Why, in one word.
        message: What is said.
        related: Kind and name of another resource that it is about too.
    """

    kind: str
    name: str
    type: Literal["Normal", "Warning"]
    reason: str
    message: str
    related: tuple[str, str] | None = None


def transitions(
    resource: AnyResource,
    previous: ResourceStatus | None,
    current: ResourceStatus,
) -> tuple[Notice, ...]:
    """The notices for the change from one status to the next; none when no condition changed.

    Each fact is told once: when `Ready` changes for the same reason as a typed condition, only one is told.
    """
    before = [] if previous is None else previous.conditions
    told: dict[str, Notice] = {}
    for grave, reason, message in _changes(before, current.conditions):
        notice = Notice(
            kind=resource.KIND,
            name=resource.metadata.name,
            type="Warning" if grave else "Normal",
            reason=reason,
            message=message,
        )
        told.setdefault(reason, notice)
    if (found := _recommendation(resource, previous, current)) is not None:
        told.setdefault(found.reason, found)
    return tuple(told.values())


def _recommendation(resource: AnyResource, previous: ResourceStatus | None, current: ResourceStatus) -> Notice | None:
    """A memory limit or a query delay that is newly recommended."""
    message = _recommended(current)
    if message is None or message == _recommended(previous):
        return None
    return Notice(
        kind=resource.KIND, name=resource.metadata.name, type="Normal", reason=Reason.RECOMMENDATION, message=message
    )


def _recommended(status: ResourceStatus | None) -> str | None:
    if isinstance(status, AnomalyJobStatus) and status.memory is not None and status.memory.recommended_limit:
        limit = status.memory.recommended_limit
        return f"the job needs more memory: spec.analysisLimits.modelMemoryLimit {limit} is recommended"
    if isinstance(status, DatafeedStatus) and status.query_delay is not None and status.query_delay.recommended_delay:
        delay = status.query_delay.recommended_delay
        return f"documents come later than the datafeed waits for them: spec.queryDelay {delay} is recommended"
    return None


def _changes(before: Sequence[Condition], after: Sequence[Condition]) -> Iterator[tuple[bool, str, str]]:
    for type_ in _TROUBLE:
        old, new = find_condition(before, type_), find_condition(after, type_)
        if new is not None and (old is None or old.reason != new.reason):
            yield True, new.reason, new.message
        elif new is None and old is not None:
            yield False, Reason.RECOVERED.value, f"no longer: {old.message}"
    drift = find_condition(after, ConditionType.SYNCED)
    if drift is not None and drift.reason == Reason.DRIFTED and _changed(before, drift):
        yield True, drift.reason, drift.message
    ready = find_condition(after, ConditionType.READY)
    if ready is not None and _changed(before, ready):
        stalled = find_condition(after, ConditionType.STALLED) is not None
        reconciling = find_condition(after, ConditionType.RECONCILING) is not None
        grave = stalled or (ready.status is not ConditionStatus.TRUE and not reconciling)
        yield grave, ready.reason, ready.message


def _changed(before: Sequence[Condition], condition: Condition) -> bool:
    old = find_condition(before, condition.type)
    return old is None or (old.status, old.reason) != (condition.status, condition.reason)
