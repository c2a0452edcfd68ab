"""The status of objects that the operator cannot work on, whatever the server says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from anomalyops.handlers.state import Seen
from anomalyops.health import Messages, Notice, PlanState, datafeed_status
from anomalyops.plan import Obstacle, Subject
from anomalyops.resources import AnomalyJob, Datafeed, DatafeedStatus, Reason


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
        kind=seen.kind,
        name=seen.metadata.name,
        type="Warning",
        reason=Reason.INVALID_SPEC,
        message=seen.problem,
    )


def released_notice(seen: Seen[Any], message: str) -> Notice:
    """The Event about an object that was let go without its deletion policy being carried out."""
    return Notice(kind=seen.kind, name=seen.metadata.name, type="Warning", reason=Reason.RELEASED, message=message)


def waiting_status(datafeed: Datafeed, now: datetime) -> DatafeedStatus:
    """The status of a Datafeed whose AnomalyJob does not exist yet. `now` is in UTC."""
    message = f"AnomalyJob {datafeed.spec.job_ref.name!r} of spec.jobRef does not exist yet"
    obstacle = Obstacle(reason=Reason.WAITING_FOR_JOB, message=message, subject=Subject.DATAFEED, waiting=True)
    state = PlanState(obstacles=(obstacle,))
    return datafeed_status(datafeed.status, datafeed, None, None, None, state, Messages(), now)


def duplicate_status(datafeed: Datafeed, job: AnomalyJob | None, *, winner: str, now: datetime) -> DatafeedStatus:
    """The status of a Datafeed whose job has an older Datafeed, named `winner`, already. `now` is in UTC."""
    message = (
        f"spec.jobRef.name: AnomalyJob {datafeed.spec.job_ref.name!r} has Datafeed {winner!r} already; "
        "a job has one datafeed: delete one of the two"
    )
    obstacle = Obstacle(reason=Reason.CONFLICT, message=message, subject=Subject.DATAFEED)
    state = PlanState(obstacles=(obstacle,))
    return datafeed_status(datafeed.status, datafeed, job, None, None, state, Messages(), now)
