"""What is said about objects that break a rule which admission could not check."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from anomalyops.health import Notice
from anomalyops.resources import Kind, Reason
from anomalyops.watching.controller import Report
from anomalyops.watching.objects import Objects, Seen
from anomalyops.watching.options import ObjectKey


class Refusals:
    """Has the invalid objects of a kind say what is wrong with them; their server side is kept.

    What counts is what the object says and not what happened to it: a status that was on its way when the object
    became invalid can arrive after the refusal and replace it.

    Args:
        kind: Whose objects.
        objects: All objects.
    """

    def __init__(self, kind: Kind, objects: Objects) -> None:
        self.name = f"invalid-{kind.plural}"
        self._kind = kind
        self._objects = objects

    def concerned(self, seen: Seen[Any]) -> Iterable[ObjectKey]:
        """An object that is invalid and does not say so."""
        return [seen.key] if seen.kind is self._kind and _refusal(seen) is not None else []

    def lane(self, key: ObjectKey) -> Hashable:
        """No server is asked, so none is waited for."""
        return self.name

    async def process(self, key: ObjectKey) -> Report:
        """Say what is wrong, in the status and in an Event."""
        seen = self._objects.of_kind(self._kind).get(key)
        status = _refusal(seen) if seen is not None else None
        if seen is None or status is None:
            return Report()
        return Report(statuses=((seen, status),), notices=((seen, invalid_notice(seen)),))

    async def stop(self) -> None:
        """Nothing runs outside the queue."""


def _refusal(seen: Seen[Any]) -> Mapping[str, Any] | None:
    """The status that an object is to have because it is invalid; None when it is not, has it, or is on its way out."""
    if seen.resource is not None or seen.metadata.deletion_timestamp is not None:
        return None
    status = invalid_status(seen, datetime.now(UTC))
    return status if status != seen.status else None


def invalid_status(seen: Seen[Any], now: datetime) -> dict[str, Any]:
    """The status of an object that breaks a rule which admission could not check.

    Such an object has no model, so the status is built from its stored form. `now` is in UTC.
    """
    known: Mapping[str, Any] = seen.status or {}
    previous = {one.get("type"): one for one in known.get("conditions", [])}
    conditions = []
    for type_, status in (("Ready", "False"), ("Stalled", "True")):
        before = previous.get(type_, {})
        kept = before.get("lastTransitionTime") if before.get("status") == status else None
        conditions.append(
            {
                "type": type_,
                "status": status,
                "reason": str(Reason.INVALID_SPEC),
                "message": seen.problem,
                "lastTransitionTime": kept or now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "observedGeneration": seen.metadata.generation,
            }
        )
    return {**known, "observedGeneration": seen.metadata.generation, "conditions": conditions}


def invalid_notice(seen: Seen[Any]) -> Notice:
    """The Event about such an object."""
    return Notice(
        kind=seen.kind.name,
        name=seen.metadata.name,
        type="Warning",
        reason=Reason.INVALID_SPEC,
        message=seen.problem,
    )
