"""The status of an AnomalyJob."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

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
from anomalyops.health.snapshots import retained_snapshots, snapshot_findings
from anomalyops.plan import JobState, ObservedDatafeed, ObservedJob, Subject
from anomalyops.resources import (
    MEBIBYTE,
    AnomalyJob,
    AnomalyJobStatus,
    Condition,
    ConditionStatus,
    ConditionType,
    JobRunState,
    MemoryStatus,
    Reason,
)


def job_status(  # noqa: PLR0917 - the same order for both kinds: before, manifest, server, plan, messages
    previous: AnomalyJobStatus | None,
    job: AnomalyJob,
    observed: ObservedJob | None,
    datafeed: ObservedDatafeed | None,
    plan_state: PlanState,
    messages: Messages,
    now: datetime,
    *,
    lookback_done: bool = False,
    at_rest: bool = False,
    datafeed_trouble: Condition | None = None,
) -> AnomalyJobStatus:
    """The status that an AnomalyJob shall have after this look.

    Args:
        previous: The status so far; what only changes are reported of is carried on from it.
        job: The resource.
        observed: The server's job, None when there is none.
        datafeed: The server's datafeed of the job, None when there is none.
        plan_state: What the reconcile came to.
        messages: New notifications and annotations of the job.
        now: The time of the look.
        lookback_done: Whether the bounded run that the manifest asks for is complete.
        at_rest: Whether the job was closed when it was taken over, and stays so.
        datafeed_trouble: `Ready` of its Datafeed, when that is false and does not come right by itself.

    Returns:
        A status that equals `previous` when nothing worth writing changed.
    """
    last = previous or AnomalyJobStatus()
    # A generation counts as observed only when it was compared with the server.
    generation = job.metadata.generation if plan_state.compared else last.observed_generation
    history = History(previous=last.conditions, generation=generation, now=now)
    memory = None if observed is None else facts.memory(observed, last.memory, now)
    verdict = _verdict(job, observed, plan_state, memory, history, lookback_done=lookback_done, at_rest=at_rest)
    if datafeed_trouble is not None and verdict.ready.status is ConditionStatus.TRUE:
        # A job that no data reaches detects nothing.
        message = f"{verdict.ready.message}, but {datafeed_trouble.message}"
        verdict = unwell(Reason(datafeed_trouble.reason), message)
    findings = [
        *not_compared(verdict, history, job.metadata.generation, plan_state),
        *_typed(observed, memory, plan_state),
        *([] if observed is None else snapshot_findings(observed, history)),
        synced(history, Subject.JOB, plan_state, exists=observed is not None),
    ]
    return AnomalyJobStatus(
        observed_generation=generation,
        conditions=history.conditions(findings),
        job_id=job.server_id,
        job_state=None if observed is None else observed.state.value,
        datafeed_state=None if datafeed is None else datafeed.state.value,
        node=None if observed is None else facts.node_name(observed.stats),
        assignment_explanation=(observed.assignment_explanation or None) if observed is not None else None,
        memory=memory,
        data_counts=None if observed is None else facts.data_counts(observed, last.data_counts),
        delayed_data=facts.delayed_data(messages, last.delayed_data),
        retained_snapshots=(retained := retained_snapshots(job, observed, last.retained_snapshots)),
        retained_snapshot_count=None if retained is None else len(retained),
        placement=last.placement,
        last_sync_time=now if plan_state.executed else last.last_sync_time,
    )


def _verdict(
    job: AnomalyJob,
    observed: ObservedJob | None,
    state: PlanState,
    memory: MemoryStatus | None,
    history: History,
    *,
    lookback_done: bool,
    at_rest: bool,
) -> Verdict:
    if job.deletion_requested is not None:
        return at_work(history, Subject.JOB, state) or working(Reason.DELETING, _deleting(job))
    if (no := refused(history, Subject.JOB, state)) is not None:
        return no
    if observed is None:
        return at_work(history, Subject.JOB, state) or working(
            Reason.PENDING, f"job {job.server_id} does not exist yet"
        )
    if observed.state is JobState.FAILED:
        return working(Reason.JOB_FAILED, _failed(job, observed))
    if (busy := at_work(history, Subject.JOB, state)) is not None:
        return busy
    return _by_run_state(job, observed, memory, lookback_done=lookback_done, at_rest=at_rest)


def _by_run_state(
    job: AnomalyJob, observed: ObservedJob, memory: MemoryStatus | None, *, lookback_done: bool, at_rest: bool
) -> Verdict:
    name = f"job {job.server_id}"
    why = Reason.SUSPENDED if job.spec.suspend else Reason.CLOSED
    wants_closed = job.spec.suspend or job.spec.state is JobRunState.CLOSED
    match observed.state:
        case JobState.CLOSED if wants_closed:
            return fine(why, f"{name} is closed, as spec.{'suspend' if job.spec.suspend else 'state'} asks")
        case JobState.CLOSING:
            return working(Reason.STOPPING, f"{name} is closing")
        case _ if wants_closed:
            return working(Reason.STOPPING, f"{name} is {observed.state.value} and is to be closed")
        case JobState.CLOSED if lookback_done:
            return fine(
                Reason.LOOKBACK_COMPLETE, f"{name} has analysed all data up to its datafeed's end and is closed"
            )
        case JobState.CLOSED if at_rest:
            message = f"{name} was closed when it was taken over and stays so: set spec.state: Opened"
            return fine(Reason.LEFT_AS_FOUND, message)
        case JobState.CLOSED:
            return working(Reason.STARTING, f"{name} is closed and is to be opened")
        case JobState.OPENING:
            return _opening(name, observed)
    if observed.assignment_explanation:
        return working(Reason.WAITING_FOR_CAPACITY, f"{name} has no node: {observed.assignment_explanation}")
    if memory is not None and memory.status == "hard_limit":
        return stuck(Reason.MEMORY_HARD_LIMIT, _hard_limit(name, memory))
    return fine(Reason.READY, f"{name} is open")


def _opening(name: str, observed: ObservedJob) -> Verdict:
    if observed.assignment_explanation:
        return working(Reason.WAITING_FOR_CAPACITY, f"{name} waits for a node: {observed.assignment_explanation}")
    return working(Reason.STARTING, f"{name} is opening")


def _typed(observed: ObservedJob | None, memory: MemoryStatus | None, state: PlanState) -> Iterator[Finding]:
    yield from licence_findings(state.failure_of(Subject.JOB))
    if observed is None:
        return
    name = f"job {observed.config.get('job_id', '')}"
    if observed.state is JobState.FAILED:
        why = observed.assignment_explanation or "the server gives no reason; see the job's messages"
        yield holds(ConditionType.JOB_FAILED, Reason.JOB_FAILED, f"{name} failed: {why}")
    if memory is not None and memory.status == "soft_limit":
        yield holds(ConditionType.MEMORY_LIMITED, Reason.MEMORY_SOFT_LIMIT, _soft_limit(name, memory))
    if memory is not None and memory.status == "hard_limit":
        yield holds(ConditionType.MEMORY_LIMITED, Reason.MEMORY_HARD_LIMIT, _hard_limit(name, memory))


def _limit(memory: MemoryStatus) -> str:
    return "" if memory.limit_bytes is None else f" of {memory.limit_bytes // MEBIBYTE}mb"


def _soft_limit(name: str, memory: MemoryStatus) -> str:
    return (
        f"{name} is near its memory limit{_limit(memory)} and prunes its model: raise "
        "spec.analysisLimits.modelMemoryLimit, or split fewer ways"
    )


def _hard_limit(name: str, memory: MemoryStatus) -> str:
    return (
        f"{name} is at its memory limit{_limit(memory)} and leaves new entities out: raise "
        "spec.analysisLimits.modelMemoryLimit"
    )


def _failed(job: AnomalyJob, observed: ObservedJob) -> str:
    why = observed.assignment_explanation or "the server gives no reason"
    return f"job {job.server_id} failed ({why}); it is closed by force and opened again"


def _deleting(job: AnomalyJob) -> str:
    return f"being deleted with spec.deletionPolicy: {job.spec.deletion_policy.value}"
