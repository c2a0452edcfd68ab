"""What is said about objects that break a rule which admission could not check."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from anomalyops.health import Notice
from anomalyops.resources import Reason
from anomalyops.watching.objects import Seen


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
