"""The course of a revert: stop, close, revert, open, start; each step stored before it is taken.

While it is on its way the job is left to it. A revert is made of a closed job, where nothing else writes the model:
whether it was made shows in the job, by its snapshot or by the time of its model's size, which a revert writes anew. So
a kill between the call and the note about it leads to no second one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from anomalyops.plan.core.snapshots import learnt_time, listed, newest_before, time_text
from anomalyops.plan.core.steps import Step
from anomalyops.plan.pair.steps import CloseJob, OpenJob, StartDatafeed, StopDatafeed
from anomalyops.plan.pair.values import DatafeedState, JobState
from anomalyops.plan.requests.moves import Call, Move, Note, Rest, Standing, Tone
from anomalyops.plan.requests.revert_steps import RevertJob
from anomalyops.plan.requests.seen_job import SeenJob
from anomalyops.plan.shared.calendar_steps import AddCalendarJobs, CreateCalendar, DeleteCalendar, PostEvents
from anomalyops.plan.shared.calendar_values import Event
from anomalyops.resources import (
    EMPTY_SNAPSHOT,
    DeletionPolicy,
    ModelSnapshotRevert,
    ModelSnapshotRevertStatus,
    Reason,
    RevertOperation,
    parse_time,
)

POLL: Final = 1.0  # seconds between looks at a job that changes its state
WAITING: Final = 15.0  # seconds between looks at a job that cannot be reverted now
_LONGEST_MESSAGE: Final = 2048

Status = ModelSnapshotRevertStatus


class Stage(StrEnum):
    """The steps of a revert, as `status.operation.step` names them."""

    STOP = "Stop"
    CLOSE = "Close"
    SKIP = "Skip"
    REVERT = "Revert"
    OPEN = "Open"
    START = "Start"


_STATES: Final = {
    Stage.STOP: "Stopping",
    Stage.CLOSE: "Stopping",
    Stage.SKIP: "Reverting",
    Stage.REVERT: "Reverting",
    Stage.OPEN: "Restoring",
    Stage.START: "Restoring",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipCalendar:
    """The calendar of a skipped period on the server.

    Attributes:
        job_ids: Its jobs; None when there is no such calendar.
        events: Its events.
    """

    job_ids: frozenset[str] | None = None
    events: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertRequest:
    """A ModelSnapshotRevert at one moment.

    Attributes:
        resource: The resource.
        status: What is known of its course.
        now: The moment, UTC.
        job: Its job.
        snapshots: The job's model snapshots on the server, the newest first.
        calendar: The calendar of its skipped period.
        alone: Whether no other request is at work on the job.
        called: The call that was made a moment ago, with success; None for none.
    """

    resource: ModelSnapshotRevert
    status: Status
    now: datetime
    job: SeenJob
    snapshots: Sequence[Mapping[str, Any]] = ()
    calendar: SkipCalendar = SkipCalendar()
    alone: bool = True
    called: Step | None = None

    @property
    def leaving(self) -> bool:
        """Whether the resource is being deleted."""
        return self.resource.deletion_requested is not None

    @property
    def calendar_id(self) -> str:
        """The calendar for the skipped period: a name of its own, as long as an id may be."""
        return skip_calendar_id(self.resource.namespace, self.resource.name)


def skip_calendar_id(namespace: str, name: str) -> str:
    """The id of the calendar that a revert makes: the same for the same resource, and nobody else's."""
    tail = hashlib.sha256(f"{namespace}/{name}".encode()).hexdigest()[:8]
    return f"revert-{name[:40].strip('.-')}-{tail}"


def revert_needs_look(request: RevertRequest) -> bool:
    """Whether the server has to be looked at for the next move."""
    if request.status.operation is not None:
        return True
    return _has_calendar(request) if request.leaving else request.status.completion_time is None


def revert_holds_job(status: Status | None) -> bool:
    """Whether a job is left to the revert."""
    return status is not None and status.operation is not None


def plan_revert(request: RevertRequest) -> Move[Status]:
    """What is to be done next about a revert."""
    if request.status.operation is not None:
        return _go_on(request, request.status.operation)
    if request.leaving:
        return _leave(request)
    if request.status.completion_time is not None:
        return Rest(status=request.status, standing=_ended(request.status))
    return _begin(request)


def revert_refused(request: RevertRequest, step: Step, words: str) -> Status:
    """The status after the server has refused a step for good: what ran before is brought back."""
    operation = request.status.operation
    if operation is None:
        return request.status
    if operation.step in {Stage.OPEN, Stage.START}:  # the pair's own controller goes on from here
        failure = operation.failure or f"{step.verb} failed: {words}"
        return _over(request, operation.model_copy(update={"failure": failure[:_LONGEST_MESSAGE]}))
    return _gives_up(request, operation, f"{step.verb} failed: {words}")


# -- the steps ---------------------------------------------------------------------------------------------------------


def _begin(request: RevertRequest) -> Move[Status]:
    found = _snapshot(request)
    if (why := _why_not(request)) is not None or found is None:
        return Rest(status=request.status, standing=why or _no_snapshot(request), seconds=WAITING)
    restart = request.job.fed or request.job.completes_lookback
    operation = RevertOperation(
        step=Stage.STOP,
        since=request.now,
        snapshot_id=str(found["snapshot_id"]),
        snapshot_time=learnt_time(found),
        reopen=restart or request.job.state in {JobState.OPENED, JobState.OPENING, JobState.FAILED},
        restart=restart,
    )
    return _note(request, operation)


def _why_not(request: RevertRequest) -> Standing | None:
    if (absent := request.job.why_not_there(failed_too=True)) is not None:
        return absent
    if not request.alone:
        message = f"another request is at work on job {request.job.job_id}"
        return Standing(tone=Tone.WORKING, reason=Reason.OPERATION_RUNNING, message=message)
    return None


def _snapshot(request: RevertRequest) -> Mapping[str, Any] | None:
    """The snapshot that is meant; None where there is none."""
    spec = request.resource.spec
    if spec.snapshot_id == EMPTY_SNAPSHOT:
        return {"snapshot_id": EMPTY_SNAPSHOT}
    if spec.snapshot_id is not None:
        return next((one for one in request.snapshots if one["snapshot_id"] == spec.snapshot_id), None)
    return newest_before(request.snapshots, parse_time(spec.before or "0"))


def _no_snapshot(request: RevertRequest) -> Standing:
    spec = request.resource.spec
    wanted = f"snapshot {spec.snapshot_id}" if spec.snapshot_id else f"snapshot from before {spec.before}"
    message = f"job {request.job.job_id} has no {wanted}; there are: {listed(request.snapshots)}; or `empty`"
    return Standing(tone=Tone.STUCK, reason=Reason.SNAPSHOT_NOT_FOUND, message=message)


def _go_on(request: RevertRequest, operation: RevertOperation) -> Move[Status]:
    job = request.job
    if job.gone:
        why = f"job {job.job_id} or its AnomalyJob went while it was reverted"
        return _end(request, operation.model_copy(update={"failure": operation.failure or why}))
    if job.job is not None and job.job.blocked is not None:
        return _busy(request, operation, f"the server is at work on job {job.job_id} ({job.job.blocked})")
    match Stage(operation.step):
        case Stage.STOP:
            return _stop(request, operation)
        case Stage.CLOSE:
            return _close(request, operation)
        case Stage.SKIP:
            return _skip(request, operation)
        case Stage.REVERT:
            return _revert(request, operation)
        case Stage.OPEN:
            return _open(request, operation)
        case Stage.START:
            return _start(request, operation)


def _stop(request: RevertRequest, operation: RevertOperation) -> Move[Status]:
    if request.leaving:
        return Note(status=_gives_up(request, operation, "it was deleted before it was done"))
    feed = request.job.feed
    if feed is None or feed.state is DatafeedState.STOPPED:
        return _note(request, _at(request, operation, Stage.CLOSE))
    return Call(step=StopDatafeed(datafeed_id=str(feed.config["datafeed_id"]), reason=_why(operation)))


def _close(request: RevertRequest, operation: RevertOperation) -> Move[Status]:
    job = request.job
    if request.leaving:
        return Note(status=_gives_up(request, operation, "it was deleted before it was done"))
    if job.fed:  # somebody has started it meanwhile
        return _note(request, _at(request, operation, Stage.STOP))
    if job.state is JobState.CLOSED:
        following = Stage.SKIP if request.resource.spec.skip_period is not None else Stage.REVERT
        return _note(request, _at(request, operation, following))
    return Call(step=CloseJob(job_id=job.job_id, force=job.state is JobState.FAILED, reason=_why(operation)))


def _skip(request: RevertRequest, operation: RevertOperation) -> Move[Status]:
    """The event first, so that what is analysed again finds it."""
    event, there = request.resource.skipped_event(), request.calendar
    if event is None:
        return _note(request, _at(request, operation, Stage.REVERT))
    name, job_id = request.calendar_id, request.job.job_id
    reason = f"spec.skipPeriod: {event['description']}"
    if there.job_ids is None:
        body = {"job_ids": [job_id], "description": f"Skipped by ModelSnapshotRevert {_of(request)}"}
        return Call(step=CreateCalendar(calendar_id=name, body=body, reason=reason))
    if Event.read(event) not in {Event.read(one) for one in there.events}:
        return Call(step=PostEvents(calendar_id=name, events=(event,), reason=reason))
    if job_id not in there.job_ids:
        return Call(step=AddCalendarJobs(calendar_id=name, job_ids=(job_id,), reason=reason))
    return _note(request, _at(request, operation, Stage.REVERT))


def _revert(request: RevertRequest, operation: RevertOperation) -> Move[Status]:
    if isinstance(request.called, RevertJob) or _is_reverted(request, operation):
        return _note(request, _at(request, operation, Stage.OPEN))
    if request.job.state is not JobState.CLOSED:  # somebody has opened it meanwhile
        return _note(request, _at(request, operation, Stage.STOP))
    if request.leaving:
        return Note(status=_gives_up(request, operation, "it was deleted before it was done"))
    return Call(
        step=RevertJob(
            job_id=request.job.job_id,
            snapshot_id=operation.snapshot_id,
            delete_intervening_results=request.resource.spec.delete_intervening_results,
            reason=_why(operation),
        )
    )


def _is_reverted(request: RevertRequest, operation: RevertOperation) -> bool:
    """Whether the call was made since the step was noted: the job has come to the snapshot, or its size is new."""
    current = _current_snapshot(request)
    changed = current != operation.snapshot_before or _model_time(request) != operation.model_time
    return current == operation.snapshot_id and changed


def _current_snapshot(request: RevertRequest) -> str:
    job = request.job.job
    return str((job.config.get("model_snapshot_id") if job is not None else None) or EMPTY_SNAPSHOT)


def _model_time(request: RevertRequest) -> str | None:
    size = request.job.job.stats.get("model_size_stats") if request.job.job is not None else None
    return None if not size or size.get("log_time") is None else str(size["log_time"])


def _open(request: RevertRequest, operation: RevertOperation) -> Move[Status]:
    job = request.job
    if not operation.reopen:
        return _end(request, operation)
    if job.state is JobState.OPENED:
        return _note(request, _at(request, operation, Stage.START)) if operation.restart else _end(request, operation)
    if job.state is JobState.CLOSED:
        return Call(step=OpenJob(job_id=job.job_id, reason=_why(operation, after=True)))
    if job.state is JobState.FAILED:
        return _end(request, operation.model_copy(update={"failure": f"job {job.job_id} failed when it was opened"}))
    return _busy(request, operation, f"job {job.job_id} is {job.state}")


def _start(request: RevertRequest, operation: RevertOperation) -> Move[Status]:
    job, feed = request.job, request.job.feed
    if feed is None or job.fed:
        return _end(request, operation)
    if feed.state is not DatafeedState.STOPPED:
        return _busy(request, operation, f"the datafeed is {feed.state}")
    if job.state is not JobState.OPENED:  # a bounded run that was over before it was seen, or somebody's hand
        return _end(request, operation)
    start = job.feed_start if not _has_learnt(job) else None
    name = str(feed.config["datafeed_id"])
    return Call(step=StartDatafeed(datafeed_id=name, start=start, end=job.feed_end, reason=_why(operation, after=True)))


def _has_learnt(job: SeenJob) -> bool:
    """Whether a datafeed goes on where the job is; a job that has seen nothing needs a time to begin at."""
    counts = job.job.stats.get("data_counts") if job.job is not None else None
    return bool(counts and counts.get("latest_record_timestamp") is not None)


# -- ends --------------------------------------------------------------------------------------------------------------


def _gives_up(request: RevertRequest, operation: RevertOperation, why: str) -> Status:
    failed = operation.model_copy(update={"failure": why[:_LONGEST_MESSAGE]})
    return _noted(request, _at(request, failed, Stage.OPEN))


def _end(request: RevertRequest, operation: RevertOperation) -> Note[Status]:
    status = _over(request, operation)
    return Note(status=status, ended=_ended(status))


def _over(request: RevertRequest, operation: RevertOperation) -> Status:
    failed = operation.failure is not None
    return _noted(request, operation).model_copy(
        update={
            "operation": None,
            "state": "Failed" if failed else "Reverted",
            "message": operation.failure,
            "completion_time": request.now.replace(microsecond=0),
        }
    )


def _ended(status: Status) -> Standing:
    if status.message is not None:
        message = f"{status.message}; delete this resource and apply it again to try once more"
        return Standing(tone=Tone.STUCK, reason=Reason.REVERT_FAILED, message=message)
    until = "" if status.snapshot_time is None else f", which had learnt until {time_text(status.snapshot_time)}"
    message = f"job {status.job_id} went back to model snapshot {status.snapshot_id}{until}"
    return Standing(tone=Tone.FINE, reason=Reason.REVERTED, message=message)


def _leave(request: RevertRequest) -> Move[Status]:
    policy = request.resource.spec.deletion_policy
    reason = f"the resource is being deleted (spec.deletionPolicy: {policy.value})"
    if _has_calendar(request) and request.calendar.job_ids is not None:
        return Call(step=DeleteCalendar(calendar_id=request.calendar_id, reason=reason))
    message = f"being deleted with spec.deletionPolicy: {policy.value}"
    standing = Standing(tone=Tone.WORKING, reason=Reason.DELETING, message=message)
    return Rest(status=request.status, standing=standing, released=True)


def _has_calendar(request: RevertRequest) -> bool:
    """Whether a calendar may be there that is to be deleted."""
    return request.resource.spec.deletion_policy is DeletionPolicy.DELETE and request.status.calendar_id is not None


# -- small parts -------------------------------------------------------------------------------------------------------


def _note(request: RevertRequest, operation: RevertOperation) -> Note[Status]:
    return Note(status=_noted(request, operation))


def _noted(request: RevertRequest, operation: RevertOperation) -> Status:
    skips = operation.step == Stage.SKIP
    return request.status.model_copy(
        update={
            "operation": operation,
            "job_id": request.job.job_id or request.status.job_id,
            "snapshot_id": operation.snapshot_id,
            "snapshot_time": operation.snapshot_time,
            "state": _STATES[Stage(operation.step)],
            "calendar_id": request.calendar_id if skips else request.status.calendar_id,
        }
    )


def _at(request: RevertRequest, operation: RevertOperation, stage: Stage) -> RevertOperation:
    update: dict[str, Any] = {"step": stage.value, "since": request.now.replace(microsecond=0)}
    if stage is Stage.REVERT:
        update |= {"model_time": _model_time(request), "snapshot_before": _current_snapshot(request)}
    return operation.model_copy(update=update)


def _busy(request: RevertRequest, operation: RevertOperation, message: str) -> Rest[Status]:
    standing = Standing(tone=Tone.WORKING, reason=Reason.REVERTING, message=f"{operation.step}: {message}")
    return Rest(status=request.status, standing=standing, seconds=POLL)


def _why(operation: RevertOperation, *, after: bool = False) -> str:
    if after:
        return "it ran before the revert" if operation.failure is None else "the revert was given up"
    return f"to go back to model snapshot {operation.snapshot_id}"


def _of(request: RevertRequest) -> str:
    return f"{request.resource.namespace}/{request.resource.name}"
