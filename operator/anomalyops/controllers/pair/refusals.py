"""The status of objects that the operator cannot work on, whatever the server says."""

from __future__ import annotations

from datetime import datetime

from anomalyops.health import Messages, PlanState, datafeed_status
from anomalyops.plan import Obstacle, Subject
from anomalyops.resources import AnomalyJob, Datafeed, DatafeedStatus, Reason


def waiting_status(datafeed: Datafeed, now: datetime, why: str = "") -> DatafeedStatus:
    """The status of a Datafeed whose AnomalyJob does not exist yet, or cannot be used. `now` is in UTC."""
    message = why or f"AnomalyJob {datafeed.spec.job_ref.name!r} of spec.jobRef does not exist yet"
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
