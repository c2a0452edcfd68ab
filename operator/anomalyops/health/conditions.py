"""Conditions after kstatus: made from findings, with their history kept.

`Ready` is always there. `Reconciling`, `Stalled` and the typed conditions are there only while they hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from anomalyops.resources import Condition, ConditionStatus, ConditionType, Reason, find_condition

_ORDER = {type_.value: place for place, type_ in enumerate(ConditionType)}


@dataclass(frozen=True, slots=True)
class Finding:
    """What holds now: a condition without its history."""

    type: ConditionType
    status: ConditionStatus
    reason: Reason
    message: str


def ready(reason: Reason, message: str) -> Finding:
    """The server does what the manifest asks for."""
    return Finding(ConditionType.READY, ConditionStatus.TRUE, reason, message)


def not_ready(reason: Reason, message: str) -> Finding:
    """The server does not do what the manifest asks for."""
    return Finding(ConditionType.READY, ConditionStatus.FALSE, reason, message)


def holds(type_: ConditionType, reason: Reason, message: str) -> Finding:
    """A condition that is true."""
    return Finding(type_, ConditionStatus.TRUE, reason, message)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What conditions are carried on from.

    Attributes:
        previous: The conditions of the last status.
        generation: The generation of the spec that the findings are about; None when none was compared yet.
        now: The time of this look.
    """

    previous: Sequence[Condition]
    generation: int | None
    now: datetime

    def find(self, type_: ConditionType) -> Condition | None:
        """The last condition of this type."""
        return find_condition(self.previous, type_)

    def conditions(self, findings: Iterable[Finding | Condition]) -> list[Condition]:
        """The new conditions, one a type, in a fixed order.

        Args:
            findings: What holds now, and earlier conditions that are carried on as they are; of several with one type
                the first counts.
        """
        made: dict[str, Condition] = {}
        for finding in findings:
            condition = finding if isinstance(finding, Condition) else self._condition(finding)
            made.setdefault(condition.type, condition)
        return sorted(made.values(), key=lambda condition: _ORDER.get(condition.type, len(_ORDER)))

    def _condition(self, finding: Finding) -> Condition:
        last = self.find(finding.type)
        changed = last is None or last.status is not finding.status
        return Condition(
            type=finding.type.value,
            status=finding.status,
            reason=finding.reason.value,
            message=finding.message,
            last_transition_time=self.now if last is None or changed else last.last_transition_time,
            observed_generation=self.generation,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The summary, and what it means for kstatus.

    Attributes:
        ready: The `Ready` finding.
        working: Whether what is missing comes by itself (`Reconciling`, kstatus InProgress).
        stuck: Whether a person has to act (`Stalled`, kstatus Failed).
    """

    ready: Finding
    working: bool = False
    stuck: bool = False

    def findings(self) -> list[Finding]:
        """`Ready`, with `Stalled` or `Reconciling` where it says so. Never both: a stall is no progress."""
        found = [self.ready]
        if self.stuck:
            found.append(holds(ConditionType.STALLED, self.ready.reason, self.ready.message))
        elif self.working:
            found.append(holds(ConditionType.RECONCILING, self.ready.reason, self.ready.message))
        return found


def fine(reason: Reason, message: str) -> Verdict:
    """As the manifest asks."""
    return Verdict(ready=ready(reason, message))


def working(reason: Reason, message: str) -> Verdict:
    """Not there yet, and on the way."""
    return Verdict(ready=not_ready(reason, message), working=True)


def unwell(reason: Reason, message: str) -> Verdict:
    """Something is wrong that may pass by itself, and that the operator cannot change."""
    return Verdict(ready=not_ready(reason, message))


def stuck(reason: Reason, message: str) -> Verdict:
    """Nothing will change until a person acts."""
    return Verdict(ready=not_ready(reason, message), stuck=True)
