"""The course of a forecast: when it is due, whether it is possible, and each step of it, so that it is asked for once.

What a step is about to do is in `status.operation` before it is done. The server names a forecast when it begins it: if
the operator was killed between asking and taking the name down, the forecast is found by what the job had not before.
The server shows what it has accepted; only when it has shown nothing of it for `SETTLING` it is asked again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from anomalyops.plan.core.steps import Step
from anomalyops.plan.pair.steps import CloseJob, OpenJob
from anomalyops.plan.pair.values import JobState
from anomalyops.plan.requests.forecast_limits import why_never, why_not_yet
from anomalyops.plan.requests.forecast_records import (
    ENDED,
    EXPIRED,
    FAILED,
    FINISHED,
    GONE,
    MISSED,
    Documents,
    created_ms,
    record_of,
    span_ms,
    with_history,
    with_record,
    without_forecast,
)
from anomalyops.plan.requests.forecast_steps import AskForForecast, DeleteForecast
from anomalyops.plan.requests.moves import Call, Move, Note, Rest, Standing, Tone
from anomalyops.plan.requests.seen_job import SeenJob
from anomalyops.resources import (
    ONCE,
    AnomalyForecastSpec,
    AnomalyForecastStatus,
    DeletionPolicy,
    ForecastOperation,
    ForecastRecord,
    Reason,
    parse_duration,
)

SETTLING: Final = timedelta(seconds=60)
"""How long the server may take to show a forecast that it has accepted."""

POLL: Final = 1.0  # seconds between looks at a forecast that runs
WAITING: Final = 15.0  # seconds between looks at a job that cannot be forecast now
_ROUND_UP_MS: Final = 1000  # servers cut durations to whole seconds

_PASSING: Final = ("queue limit", "not yet established", "requires data to have been processed")


class Stage(StrEnum):
    """The steps of a forecast, as `status.operation.step` names them."""

    OPEN = "Open"
    ASK = "Ask"
    AWAIT = "Await"
    CLOSE = "Close"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRequest:
    """An AnomalyForecast at one moment.

    Attributes:
        spec: What it asks for.
        status: What is known of it.
        created: When the resource was made.
        now: The moment, UTC.
        leaving: Whether it is being deleted.
        job: Its job.
        forecasts: The forecasts of the job on the server; None when they were not looked at.
        claimed: Ids of forecasts that other resources tell of.
        alone: Whether no other request is at work on the job.
        just_noted: Whether the status was stored a moment ago, and nothing was sent since.
        answer: The id that the server has just given the forecast; empty when it was not just asked.
    """

    spec: AnomalyForecastSpec
    status: AnomalyForecastStatus
    created: datetime
    now: datetime
    job: SeenJob
    leaving: bool = False
    forecasts: Documents | None = None
    claimed: frozenset[str] = field(default_factory=frozenset)
    alone: bool = True
    just_noted: bool = False
    answer: str = ""

    @property
    def operation(self) -> ForecastOperation | None:
        """The forecast that is on its way."""
        return self.status.operation

    @property
    def found(self) -> Documents:
        """The forecasts of the job on the server."""
        return self.forecasts or {}

    @property
    def newest(self) -> ForecastRecord | None:
        """The newest forecast."""
        return next(iter(self.status.history or ()), None)


def forecast_needs_look(request: ForecastRequest) -> bool:
    """Whether the server has to be looked at for the next move."""
    if request.operation is not None:
        return True
    if request.leaving:
        deletes = request.spec.deletion_policy is DeletionPolicy.DELETE
        return deletes and any(map(_is_there, request.status.history or ()))
    return _due(request) is not None or len(request.status.history or ()) > request.spec.history_limit


def plan_forecast(request: ForecastRequest) -> Move[AnomalyForecastStatus]:
    """What is to be done next about a forecast."""
    if request.operation is not None:
        return _go_on(request, request.operation)
    if (news := _with_what_is_gone(request)) is not None:
        return news
    if request.leaving:
        return _leave(request)
    if (tidied := _forget_old_ones(request)) is not None:
        return tidied
    occasion = _due(request)
    if occasion is None:
        return Rest(status=_with_next_time(request), standing=_standing(request), seconds=_until_news(request))
    if (late := _too_late(request, occasion)) is not None:
        return Note(status=_ended(request, without_forecast(occasion, MISSED, late)))
    return _begin(request, occasion)


def forecast_holds_job(status: AnomalyForecastStatus | None) -> bool:
    """Whether a job is left to the forecast: it is opened for it, or about to be."""
    return status is not None and status.operation is not None and status.operation.opened


def passes(words: str) -> bool:
    """Whether the server may grant later what it has refused in these words."""
    return any(part in words for part in _PASSING)


def forecast_refused(request: ForecastRequest, step: Step, words: str, *, rejected: bool) -> AnomalyForecastStatus:
    """The status after the server has refused a step: it has done nothing of it.

    Args:
        request: The forecast, with its operation.
        step: What was refused.
        words: The server's.
        rejected: Whether it would refuse the same again; else it may pass, and is tried again later.
    """
    operation = request.operation
    if operation is None or isinstance(step, DeleteForecast):
        return request.status
    passing = not rejected or passes(words)
    if operation.step == Stage.ASK and (not passing or operation.opened):
        record = without_forecast(operation.occasion, FAILED, words)
        return _after(request, operation, with_record(request.status, record))
    return request.status.model_copy(update={"operation": None})


# -- when --------------------------------------------------------------------------------------------------------------


def _due(request: ForecastRequest) -> str | None:
    """The occasion that is to be seen to now."""
    if request.spec.suspend:
        return None
    schedule = request.spec.cron
    if schedule is None:
        return None if request.status.history else ONCE
    latest = schedule.latest_until(request.now)
    return _name(latest) if latest > _seen_to(request) else None


def _seen_to(request: ForecastRequest) -> datetime:
    """The time up to which nothing of a schedule is due any more."""
    return request.status.last_occasion or request.created


def _too_late(request: ForecastRequest, occasion: str) -> str | None:
    """Why an occasion is left out."""
    deadline = request.spec.starting_deadline
    if deadline is None:
        return None
    late = request.now - _time(occasion)
    if late <= timedelta(milliseconds=parse_duration(deadline)):
        return None
    return f"it was not begun within {deadline} (spec.startingDeadline): {late.total_seconds():.0f} s late"


def _until_news(request: ForecastRequest) -> float | None:
    """Seconds until a time of the schedule comes, or a forecast expires."""
    times = [one.expires for one in request.status.history or () if _is_there(one) and one.expires is not None]
    next_time = _with_next_time(request).next_time
    if next_time is not None:
        times.append(next_time)
    return max(0.1, (min(times) - request.now).total_seconds()) if times else None


def _with_next_time(request: ForecastRequest) -> AnomalyForecastStatus:
    schedule = request.spec.cron
    at = None if schedule is None or request.spec.suspend else schedule.next_after(request.now)
    return request.status.model_copy(update={"next_time": at})


# -- the steps ---------------------------------------------------------------------------------------------------------


def _begin(request: ForecastRequest, occasion: str) -> Move[AnomalyForecastStatus]:
    """The first step for an occasion, or why there is none now."""
    if (why := _why_not(request)) is not None:
        later = WAITING if request.spec.cron is None else min(WAITING, _until_news(request) or WAITING)
        return Rest(status=_with_next_time(request), standing=why, seconds=later)
    opened = request.job.state in {JobState.CLOSED, JobState.CLOSING}
    operation = ForecastOperation(
        occasion=occasion, step=Stage.OPEN, since=request.now, opened=opened, duration=request.spec.duration
    )
    return _note(request, operation) if opened else _to_ask(request, operation)


def _why_not(request: ForecastRequest) -> Standing | None:
    """Why the server is not asked now; None when it is."""
    job = request.job
    if (absent := job.why_not_there()) is not None:
        return absent
    found = job.job
    assert found is not None  # noqa: S101 - else it is not there
    if why := why_never(found.config, request.spec.duration):
        return Standing(tone=Tone.STUCK, reason=Reason.FORECAST_IMPOSSIBLE, message=f"job {job.job_id}: {why}")
    if found.state in {JobState.CLOSED, JobState.CLOSING} and not request.spec.open_closed_job:
        message = (
            f"job {job.job_id} is {found.state}, and only an open job can be forecast: set spec.openClosedJob: true to "
            "have it opened for the forecast and closed again, or open it"
        )
        return Standing(tone=Tone.STUCK, reason=Reason.JOB_NOT_OPEN, message=message)
    for why in why_not_yet(found.stats):
        return Standing(tone=Tone.WORKING, reason=Reason.FORECAST_IMPOSSIBLE, message=f"job {job.job_id}: {why}")
    if found.state is JobState.OPENING:
        return Standing(tone=Tone.WORKING, reason=Reason.STARTING, message=f"job {job.job_id} is opening")
    if not request.alone:
        message = f"another request is at work on job {job.job_id}"
        return Standing(tone=Tone.WORKING, reason=Reason.OPERATION_RUNNING, message=message)
    return None


def _go_on(request: ForecastRequest, operation: ForecastOperation) -> Move[AnomalyForecastStatus]:
    match Stage(operation.step):
        case Stage.OPEN:
            return _open(request, operation)
        case Stage.ASK:
            return _ask(request, operation)
        case Stage.AWAIT:
            return _await(request, operation)
        case Stage.CLOSE:
            return _close(request)


def _open(request: ForecastRequest, operation: ForecastOperation) -> Move[AnomalyForecastStatus]:
    job = request.job
    if job.gone:
        return Note(status=request.status.model_copy(update={"operation": None}))
    if request.leaving:
        return _note(request, _at(request, operation, Stage.CLOSE))
    if job.state is JobState.OPENED:
        return _to_ask(request, operation)
    if job.state is JobState.CLOSED:
        return Call(step=OpenJob(job_id=job.job_id, reason="to forecast it (spec.openClosedJob)"))
    if job.state is JobState.FAILED:
        why = f"job {job.job_id} failed when it was opened"
        return _note_end(request, operation, without_forecast(operation.occasion, FAILED, why))
    return _busy(request, f"job {job.job_id} is {job.state}")


def _to_ask(request: ForecastRequest, operation: ForecastOperation) -> Note[AnomalyForecastStatus]:
    newest = max(map(created_ms, request.found.values()), default=0)
    return _note(request, _at(request, operation, Stage.ASK).model_copy(update={"known_until": newest}))


def _ask(request: ForecastRequest, operation: ForecastOperation) -> Move[AnomalyForecastStatus]:
    if named := request.answer or _found_anew(request, operation):
        return _note(request, _at(request, operation, Stage.AWAIT).model_copy(update={"forecast_id": named}))
    if request.just_noted and not request.leaving:
        return Call(
            step=AskForForecast(
                job_id=request.job.job_id,
                options=request.spec.server_body(),
                reason=f"spec.duration: {request.spec.duration}"
                + ("" if operation.occasion == ONCE else f", due at {operation.occasion}"),
            )
        )
    if request.job.gone:
        why = f"job {request.job.job_id} went before its forecast was seen"
        return _note_end(request, operation, without_forecast(operation.occasion, GONE, why))
    if request.now - operation.since < SETTLING:
        return _busy(request, "whether the server was asked is not known: what it has accepted will show")
    if request.leaving:
        return Note(status=_after(request, operation, request.status))
    if request.job.state is not JobState.OPENED:  # somebody has closed it: begin anew
        return Note(status=request.status.model_copy(update={"operation": None}))
    return _to_ask(request, operation)  # it never came there


def _found_anew(request: ForecastRequest, operation: ForecastOperation) -> str:
    """The id of the forecast that was asked for before a kill; empty when the server shows none.

    It is one that the job had not before, that no other resource tells of, and that goes as far.
    """
    wanted = parse_duration(operation.duration)
    told = request.claimed | {one.forecast_id for one in request.status.history or ()}
    anew = [
        (created_ms(document), name)
        for name, document in request.found.items()
        if created_ms(document) > (operation.known_until or 0)
        and name not in told
        and 0 <= wanted - span_ms(document) < max(_ROUND_UP_MS, _bucket_ms(request.job))
    ]
    return min(anew, default=(0, ""))[1]


def _bucket_ms(job: SeenJob) -> int:
    """A forecast consists of whole buckets, so it may be shorter than asked for by less than one."""
    analysis = job.job.config.get("analysis_config", {}) if job.job is not None else {}
    span = analysis.get("bucket_span")
    return parse_duration(span) if isinstance(span, str) else 0


def _await(request: ForecastRequest, operation: ForecastOperation) -> Move[AnomalyForecastStatus]:
    document = request.found.get(operation.forecast_id or "")
    if document is None:
        if request.now - operation.since < SETTLING and not request.job.gone:
            return _busy(request, f"forecast {operation.forecast_id} does not show yet")
        record = without_forecast(operation.occasion, GONE, "it was deleted, or its job, before it had ended")
        return _note_end(request, operation, record.model_copy(update={"forecast_id": operation.forecast_id}))
    record = record_of(document, operation.occasion)
    if record.state in ENDED:
        return _note_end(request, operation, record)
    stopped = request.job.gone or request.job.state in {JobState.CLOSED, JobState.FAILED}
    if stopped and request.now - operation.since >= SETTLING:
        said = [*(record.messages or ()), "the job was closed before the forecast had ended"]
        return _note_end(request, operation, record.model_copy(update={"state": FAILED, "messages": said[-20:]}))
    if request.leaving and not operation.opened and request.spec.deletion_policy is DeletionPolicy.RETAIN:
        return _note_end(request, operation, record)
    message = f"forecast {record.forecast_id} of job {request.job.job_id} is {record.state} ({record.progress} %)"
    return _busy(request, message, with_record(request.status, record))


def _close(request: ForecastRequest) -> Move[AnomalyForecastStatus]:
    job = request.job
    if job.gone or job.fed or job.state in {JobState.CLOSED, JobState.FAILED}:
        return Note(status=request.status.model_copy(update={"operation": None}), ended=_standing(request))
    if job.state in {JobState.CLOSING, JobState.OPENING}:
        return _busy(request, f"job {job.job_id} is {job.state}")
    return Call(step=CloseJob(job_id=job.job_id, reason="it was opened for the forecast"))


# -- ends --------------------------------------------------------------------------------------------------------------


def _with_what_is_gone(request: ForecastRequest) -> Note[AnomalyForecastStatus] | None:
    """The history with what the server has no more."""
    told = request.status.history or []
    now = [_as_it_is(request, record) for record in told]
    if now == told:
        return None
    return Note(status=with_history(request.status, now))


def _as_it_is(request: ForecastRequest, record: ForecastRecord) -> ForecastRecord:
    if not _is_there(record):
        return record
    if record.expires is not None and record.expires <= request.now:
        return record.model_copy(update={"state": EXPIRED})
    missing = request.forecasts is not None and record.forecast_id not in request.forecasts
    return record.model_copy(update={"state": GONE}) if missing else record


def _forget_old_ones(request: ForecastRequest) -> Move[AnomalyForecastStatus] | None:
    """What leaves the history, which takes it off the server where the policy says so."""
    told = request.status.history or []
    old = told[request.spec.history_limit :]
    if not old:
        return None
    if (step := _deletion(request, old, "it leaves the history (spec.deletionPolicy: Delete)")) is not None:
        return Call(step=step)
    return Note(status=with_history(request.status, told[: request.spec.history_limit]))


def _leave(request: ForecastRequest) -> Move[AnomalyForecastStatus]:
    policy = request.spec.deletion_policy.value
    reason = f"the resource is being deleted (spec.deletionPolicy: {policy})"
    if (step := _deletion(request, request.status.history or [], reason)) is not None:
        return Call(step=step)
    message = f"being deleted with spec.deletionPolicy: {policy}"
    standing = Standing(tone=Tone.WORKING, reason=Reason.DELETING, message=message)
    return Rest(status=request.status, standing=standing, released=True)


def _deletion(request: ForecastRequest, records: list[ForecastRecord], reason: str) -> DeleteForecast | None:
    """The deletion of the first of some forecasts that the server has."""
    if request.spec.deletion_policy is not DeletionPolicy.DELETE:
        return None
    for record in records:
        if record.forecast_id is not None and record.forecast_id in request.found:
            return DeleteForecast(job_id=request.job.job_id, forecast_id=record.forecast_id, reason=reason)
    return None


def _standing(request: ForecastRequest) -> Standing:
    """How it stands while nothing is due."""
    if request.spec.suspend:
        message = "spec.suspend is true: no forecast is begun"
        return Standing(tone=Tone.FINE, reason=Reason.SUSPENDED, message=message)
    record, next_time = request.newest, _with_next_time(request).next_time
    then = "" if next_time is None else f"; the next one at {_name(next_time)}"
    if record is None:
        return Standing(tone=Tone.FINE, reason=Reason.SCHEDULED, message=f"no forecast was due yet{then}")
    return _of_record(request, record, then)


def _of_record(request: ForecastRequest, record: ForecastRecord, then: str) -> Standing:
    lasting = Tone.STUCK if request.spec.cron is None else Tone.UNWELL
    said = "".join(f"; {message}" for message in record.messages or ())
    what = f"forecast {record.forecast_id} of job {request.job.job_id}" if record.forecast_id else "the forecast"
    again = "; delete this resource and apply it again to try once more" if request.spec.cron is None else then
    if record.state == FINISHED:
        reach = f" reaches from {_name(record.start)} to {_name(record.end)}" if record.start and record.end else ""
        return Standing(tone=Tone.FINE, reason=Reason.FORECAST_FINISHED, message=f"{what}{reach}{said}{then}")
    if record.state == EXPIRED:
        return Standing(tone=Tone.FINE, reason=Reason.FORECAST_EXPIRED, message=f"{what} has expired{then}")
    if record.state == GONE:
        message = f"{what} is on the server no more{said}{again}"
        return Standing(tone=lasting, reason=Reason.FORECAST_GONE, message=message)
    return Standing(tone=lasting, reason=Reason.FORECAST_FAILED, message=f"{what} {record.state}{said}{again}")


# -- small parts -------------------------------------------------------------------------------------------------------


def _note(request: ForecastRequest, operation: ForecastOperation) -> Note[AnomalyForecastStatus]:
    return Note(status=request.status.model_copy(update={"operation": operation, "job_id": request.job.job_id}))


def _note_end(
    request: ForecastRequest, operation: ForecastOperation, record: ForecastRecord
) -> Note[AnomalyForecastStatus]:
    status = _after(request, operation, with_record(request.status, record))
    then = "" if status.operation is None else "; the job is closed again"
    return Note(status=status, ended=_of_record(request, record, then))


def _after(
    request: ForecastRequest, operation: ForecastOperation, status: AnomalyForecastStatus
) -> AnomalyForecastStatus:
    """The status when a forecast has ended: a job that was opened for it is closed again."""
    seen_to = status.last_occasion if operation.occasion == ONCE else _time(operation.occasion)
    closing = _at(request, operation, Stage.CLOSE) if operation.opened else None
    return status.model_copy(update={"operation": closing, "last_occasion": seen_to})


def _ended(request: ForecastRequest, record: ForecastRecord) -> AnomalyForecastStatus:
    seen_to = request.status.last_occasion if record.occasion == ONCE else _time(record.occasion)
    return with_record(request.status, record).model_copy(update={"last_occasion": seen_to})


def _at(request: ForecastRequest, operation: ForecastOperation, stage: Stage) -> ForecastOperation:
    return operation.model_copy(update={"step": stage.value, "since": request.now.replace(microsecond=0)})


def _busy(
    request: ForecastRequest, message: str, status: AnomalyForecastStatus | None = None
) -> Rest[AnomalyForecastStatus]:
    standing = Standing(tone=Tone.WORKING, reason=Reason.FORECASTING, message=message)
    return Rest(status=status or request.status, standing=standing, seconds=POLL)


def _is_there(record: ForecastRecord) -> bool:
    """Whether the server has it, as far as is known."""
    return record.forecast_id is not None and record.state not in {EXPIRED, GONE}


def _name(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
