"""The status of a Datafeed. Started is not healthy: what its searches bring counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from anomalyops.health import facts
from anomalyops.health.conditions import (
    Finding,
    History,
    Verdict,
    fine,
    holds,
    stuck,
    unwell,
    working,
)
from anomalyops.health.failures import PlanState
from anomalyops.health.messages import Messages
from anomalyops.health.progress import at_work, licence_findings, not_compared, refused, synced
from anomalyops.plan import DatafeedState, JobState, ObservedDatafeed, ObservedJob, Subject
from anomalyops.resources import (
    AnomalyJob,
    AnomalyJobStatus,
    ConditionType,
    Datafeed,
    DatafeedRunState,
    DatafeedStatus,
    DelayedData,
    EffectiveSearch,
    Reason,
    SizingPolicy,
    parse_time,
)

DELAY_HELD = timedelta(hours=24)
"""How long DataDelayed holds after the last report: the server reports new cases, never their end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What one look at a datafeed found."""

    history: History
    datafeed: Datafeed
    job: AnomalyJob | None
    observed: ObservedDatafeed | None
    observed_job: ObservedJob | None
    state: PlanState
    error: str | None
    no_data: bool
    lookback_done: bool
    at_rest: bool
    edited: bool

    @property
    def name(self) -> str:
        return f"datafeed {self.datafeed.server_id}"

    @property
    def asked_to_stop(self) -> tuple[Reason, str] | None:
        """Why the datafeed shall not run."""
        spec = self.datafeed.spec
        if spec.suspend:
            return Reason.SUSPENDED, "spec.suspend"
        if self.job is not None and self.job.spec.suspend:
            return Reason.SUSPENDED, "spec.suspend of its AnomalyJob"
        if spec.state is DatafeedRunState.STOPPED:
            return Reason.STOPPED, "spec.state"
        return None

    @property
    def nothing_read(self) -> bool:
        """Whether the job is known to have analysed no record."""
        counts = {} if self.observed_job is None else self.observed_job.stats.get("data_counts") or {}
        return bool(counts) and not counts.get("processed_record_count")

    @property
    def stopped_unasked(self) -> bool:
        """Whether the datafeed is stopped though it shall run and is not done.

        One whose manifests were changed since they were last carried out, the operator may have stopped itself: for
        the change, or because the manifests before it asked for that.
        """
        if self.edited and self.state.failure is None:
            return False
        observed = self.observed
        stopped = observed is not None and observed.state is DatafeedState.STOPPED
        wanted = self.asked_to_stop is None and self.datafeed.deletion_requested is None
        return stopped and wanted and not self.lookback_done and not self.at_rest


def datafeed_status(  # noqa: PLR0917 - the same order for both kinds: before, manifest, server, plan, messages
    previous: DatafeedStatus | None,
    datafeed: Datafeed,
    job: AnomalyJob | None,
    observed: ObservedDatafeed | None,
    observed_job: ObservedJob | None,
    plan_state: PlanState,
    messages: Messages,
    now: datetime,
    *,
    lookback_done: bool = False,
    at_rest: bool = False,
) -> DatafeedStatus:
    """The status that a Datafeed shall have after this look.

    Args:
        previous: The status so far; what only changes are reported of is carried on from it.
        datafeed: The resource.
        job: The AnomalyJob that it refers to, None when there is none.
        observed: The server's datafeed, None when there is none.
        observed_job: The server's job, None when there is none.
        plan_state: What the reconcile came to.
        messages: New notifications and annotations of the job.
        now: The time of the look.
        lookback_done: Whether the bounded run that the manifest asks for is complete.
        at_rest: Whether the datafeed was stopped when it was taken over, and stays so.

    Returns:
        A status that equals `previous` when nothing worth writing changed.
    """
    last = previous or DatafeedStatus()
    # A generation counts as observed only when it was compared with the server.
    generation = datafeed.metadata.generation if plan_state.compared else last.observed_generation
    history = History(previous=last.conditions, generation=generation, now=now)
    runs = observed is not None and observed.state is DatafeedState.STARTED
    error, no_data = _carried_on(history, messages) if runs else (None, False)
    look = _Look(
        history=history,
        datafeed=datafeed,
        job=job,
        observed=observed,
        observed_job=observed_job,
        state=plan_state,
        error=error,
        no_data=no_data,
        lookback_done=lookback_done,
        at_rest=at_rest,
        edited=_edited(datafeed, previous) or (job is not None and _edited(job, job.status)),
    )
    delayed = facts.delayed_data(messages, last.delayed_data)
    findings = [
        *not_compared(_verdict(look), history, datafeed.metadata.generation, plan_state),
        *_typed(look, delayed, now),
        synced(history, Subject.DATAFEED, plan_state, exists=observed is not None),
    ]
    return DatafeedStatus(
        observed_generation=generation,
        conditions=history.conditions(findings),
        datafeed_id=datafeed.server_id,
        job_id=datafeed.spec.job_ref.name if job is None else job.server_id,
        datafeed_state=None if observed is None else observed.state.value,
        node=None if observed is None else facts.node_name(observed.stats),
        assignment_explanation=(observed.assignment_explanation or None) if observed is not None else None,
        real_time=_real_time(observed),
        effective_search=_window(datafeed),
        delayed_data=delayed,
        query_delay=facts.query_delay(observed, last.query_delay, now, asked=_measures(datafeed)),
        placement=last.placement,
        last_sync_time=now if plan_state.executed else last.last_sync_time,
    )


def _edited(resource: Datafeed | AnomalyJob, status: DatafeedStatus | AnomalyJobStatus | None) -> bool:
    """Whether the manifest is another one than its last status is about."""
    return status is None or status.observed_generation != resource.metadata.generation


def _carried_on(history: History, messages: Messages) -> tuple[str | None, bool]:
    """The extraction error and whether no data comes, from the last status and the new messages."""
    last = history.find(ConditionType.READY)
    reason = "" if last is None else last.reason
    failing = last is not None and reason == Reason.EXTRACTION_FAILING
    error = last.message.partition(_ERROR_MARK)[2] if failing and last is not None else None
    return messages.extraction_error(error), messages.without_data(previous=reason == Reason.NO_DATA)


_ERROR_MARK = "cannot read its data: "


def _verdict(look: _Look) -> Verdict:
    state, observed = look.state, look.observed
    if look.datafeed.deletion_requested is not None:
        policy = look.datafeed.spec.deletion_policy.value
        return at_work(look.history, Subject.DATAFEED, state) or working(
            Reason.DELETING, f"being deleted with spec.deletionPolicy: {policy}"
        )
    if (no := refused(look.history, Subject.DATAFEED, state)) is not None:
        return no
    if observed is None:
        return at_work(look.history, Subject.DATAFEED, state) or working(
            Reason.PENDING, f"{look.name} does not exist yet"
        )
    if look.observed_job is not None and look.observed_job.state is JobState.FAILED:
        return working(Reason.JOB_FAILED, f"{look.name} waits for its job, which failed and is opened again")
    if (busy := at_work(look.history, Subject.DATAFEED, state)) is not None:
        return busy
    return _by_run_state(look, observed)


def _by_run_state(look: _Look, observed: ObservedDatafeed) -> Verdict:
    asked = look.asked_to_stop
    if asked is not None:
        reason, field = asked
        if observed.state is DatafeedState.STOPPED:
            return fine(reason, f"{look.name} is stopped, as {field} asks")
        return working(Reason.STOPPING, f"{look.name} is {observed.state.value} and is to be stopped")
    match observed.state:
        case DatafeedState.STOPPED if look.lookback_done:
            return _complete(look)
        case DatafeedState.STOPPED if look.at_rest:
            message = f"{look.name} was stopped when it was taken over and stays so: set spec.state: Started"
            return fine(Reason.LEFT_AS_FOUND, message)
        case DatafeedState.STOPPED:
            why = Reason.DATAFEED_STOPPED if look.stopped_unasked else Reason.STARTING
            return working(why, f"{look.name} is stopped and is to be started")
        case DatafeedState.STOPPING:
            return working(Reason.STOPPING, f"{look.name} is stopping")
        case DatafeedState.STARTING:
            waits = f": {observed.assignment_explanation}" if observed.assignment_explanation else ""
            return working(Reason.STARTING, f"{look.name} is starting{waits}")
        case DatafeedState.STARTED:
            return _started(look, observed)


def _complete(look: _Look) -> Verdict:
    if look.nothing_read:
        message = (
            f"{look.name} came to its end ({look.datafeed.spec.end}) without a document: check indices, query, time "
            "field and spec.start"
        )
        return stuck(Reason.NO_DATA, message)
    return fine(Reason.LOOKBACK_COMPLETE, f"{look.name} has read all data up to {look.datafeed.spec.end}")


def _started(look: _Look, observed: ObservedDatafeed) -> Verdict:
    if look.error is not None:
        return unwell(Reason.EXTRACTION_FAILING, f"{look.name} {_ERROR_MARK}{look.error}")
    if observed.assignment_explanation:
        return working(Reason.WAITING_FOR_CAPACITY, f"{look.name} has no node: {observed.assignment_explanation}")
    if look.no_data:
        message = (
            f"{look.name} has found no document for a while: check whether data still arrives in "
            f"{', '.join(look.datafeed.spec.indices)}, and the query"
        )
        return unwell(Reason.NO_DATA, message)
    if look.datafeed.spec.end is not None:
        return working(Reason.LOOKBACK_RUNNING, f"{look.name} reads towards {look.datafeed.spec.end}")
    if _real_time(observed) is not True:
        return fine(Reason.READY, f"{look.name} runs and catches up with real time")
    if look.nothing_read:
        message = (
            f"{look.name} has read all there is and found no document: check whether data arrives in "
            f"{', '.join(look.datafeed.spec.indices)}, the query, and the time field"
        )
        return unwell(Reason.NO_DATA, message)
    return fine(Reason.READY, f"{look.name} runs in real time")


def _typed(look: _Look, delayed: DelayedData | None, now: datetime) -> Iterator[Finding]:
    yield from licence_findings(look.state.failure_of(Subject.DATAFEED))
    if look.stopped_unasked:
        message = f"{look.name} is stopped, though spec.state asks for Started"
        if (waiting := look.state.blocking(Subject.DATAFEED)) is not None:
            message = f"{message}: {waiting.message}"
        yield holds(ConditionType.DATAFEED_STOPPED, Reason.DATAFEED_STOPPED, message)
    if delayed is not None and delayed.observed_at is not None and now - delayed.observed_at < DELAY_HELD:
        yield holds(ConditionType.DATA_DELAYED, Reason.DATA_DELAYED, _delayed(look, delayed))


def _delayed(look: _Look, delayed: DelayedData) -> str:
    bucket = ""
    if delayed.latest_bucket is not None:
        bucket = f", lately in the bucket of {delayed.latest_bucket.isoformat()}"
    setting = look.datafeed.spec.query_delay
    if setting is None and look.observed is not None:
        setting = look.observed.config.get("query_delay")
    now = f" (now {setting})" if setting else ""
    return (
        f"{look.name} missed {delayed.missing_documents} documents that were indexed after their bucket was read"
        f"{bucket}: raise spec.queryDelay{now}, or make indexing faster"
    )


def _measures(datafeed: Datafeed) -> bool:
    """Whether the manifest asks to measure how late documents come."""
    asked = datafeed.spec.query_delay_policy
    return asked is not None and asked.policy is not SizingPolicy.FIXED


def _real_time(observed: ObservedDatafeed | None) -> bool | None:
    running = None if observed is None else observed.stats.get("running_state")
    return None if not running else running.get("real_time_running")


def _window(datafeed: Datafeed) -> EffectiveSearch | None:
    """The time range of a bounded run, as far as it can be told without the server."""
    spec = datafeed.spec
    if spec.end is None:
        return None
    return EffectiveSearch(start=_time(spec.start), end=_time(spec.end))


def _time(text: str | None) -> datetime | None:
    try:
        return None if text is None else facts.moment(parse_time(text))
    except ValueError:
        return None  # "now" is known to the server alone
