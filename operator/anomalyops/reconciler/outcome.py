"""What came of a reconcile: statuses, notices, and what the caller has to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from anomalyops.elastic import GatewayError
from anomalyops.health import (
    Failure,
    Messages,
    Notice,
    PlanState,
    datafeed_status,
    job_status,
    transitions,
    unreachable_datafeed,
    unreachable_job,
)
from anomalyops.plan import (
    Desired,
    Effect,
    Observed,
    Plan,
    Step,
    Subject,
    lookback_done,
    resting_now,
)
from anomalyops.reconciler.failures import failure_of
from anomalyops.reconciler.pair import Pair, is_deleting
from anomalyops.reconciler.unit import Run
from anomalyops.resources import (
    AnomalyJob,
    AnomalyJobStatus,
    Condition,
    ConditionStatus,
    ConditionType,
    Datafeed,
    DatafeedStatus,
    Reason,
    find_condition,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of one reconcile.

    Attributes:
        job_status: The AnomalyJob's new status, None without an AnomalyJob.
        datafeed_status: The Datafeed's new status, None without a Datafeed.
        job_released: The AnomalyJob is being deleted and its finalizer may go.
        datafeed_released: The Datafeed is being deleted and its finalizer may go.
        plan: What was to be done when the server was first looked at.
        executed: The steps that were carried out, those that brought the run state back among them.
        notices: For people: executed plans, failures and changes of health.
        retry_after: Seconds after which to reconcile again, None when nothing is pending.
        observed: The server's side at the last look, None when it could not be looked at.
        error: What went wrong, None when nothing did.
    """

    job_status: AnomalyJobStatus | None
    datafeed_status: DatafeedStatus | None
    job_released: bool
    datafeed_released: bool
    plan: Plan
    executed: tuple[Step, ...]
    notices: tuple[Notice, ...]
    retry_after: float | None
    observed: Observed | None
    error: GatewayError | None


def statuses(
    pair: Pair, run: Run[Observed], wanted: Desired, now: datetime
) -> tuple[AnomalyJobStatus | None, DatafeedStatus | None]:
    """The new statuses of the pair's resources after a run."""
    told = run.error is None or run.restored
    failure = None if told or run.error is None else failure_of(run.error, run.failed_step)
    if run.observed is None and failure is not None:
        return unreachable_statuses(pair, failure, now)
    observed = run.observed or Observed(job=None, datafeed=None)
    state = PlanState(
        obstacles=run.remaining.obstacles,
        pending=run.remaining.steps,
        failure=failure,
        executed=bool(run.executed),
    )
    finished, resting = lookback_done(wanted, observed), resting_now(wanted, observed)
    return pair_statuses(pair, observed, (state, state), Messages(), now, finished=finished, resting=resting)


def pair_statuses(
    pair: Pair,
    observed: Observed,
    states: tuple[PlanState, PlanState],
    messages: Messages,
    now: datetime,
    *,
    finished: bool,
    resting: frozenset[Subject] = frozenset(),
) -> tuple[AnomalyJobStatus | None, DatafeedStatus | None]:
    """The new statuses of a pair whose server side is known.

    Args:
        pair: The resources with their present statuses.
        observed: The server's side.
        states: What a plan says, for the job and for the datafeed.
        messages: What the server said about the job lately.
        now: The present time.
        finished: The datafeed is a lookback that has reached its end.
        resting: What was stopped when it was taken over, and stays so.
    """
    job, feed = pair.job, pair.datafeed
    new_job, new_feed = None, None
    if feed is not None:
        new_feed = datafeed_status(
            feed.status,
            feed,
            job,
            observed.datafeed,
            observed.job,
            states[1],
            messages,
            now,
            lookback_done=finished,
            at_rest=Subject.DATAFEED in resting,
        )
    if job is not None:
        new_job = job_status(
            job.status,
            job,
            observed.job,
            observed.datafeed,
            states[0],
            messages,
            now,
            lookback_done=finished,
            at_rest=Subject.JOB in resting,
            datafeed_trouble=_trouble_of(new_feed),
        )
    return new_job, new_feed


def _trouble_of(status: DatafeedStatus | None) -> Condition | None:
    """`Ready` of a Datafeed that will not come right by itself."""
    if status is None:
        return None
    ready = find_condition(status.conditions, ConditionType.READY)
    on_its_way = find_condition(status.conditions, ConditionType.RECONCILING) is not None
    return ready if ready is not None and ready.status is ConditionStatus.FALSE and not on_its_way else None


def unreachable_statuses(
    pair: Pair, failure: Failure, now: datetime
) -> tuple[AnomalyJobStatus | None, DatafeedStatus | None]:
    """The new statuses of a pair whose server cannot be looked at: what is known is kept."""
    job, feed = pair.job, pair.datafeed
    return (
        unreachable_job(job.status, job, failure, now) if job is not None else None,
        unreachable_datafeed(feed.status, feed, failure, now) if feed is not None else None,
    )


def health_notices(pair: Pair, job: AnomalyJobStatus | None, feed: DatafeedStatus | None) -> tuple[Notice, ...]:
    """What changed between the statuses that the resources carry and new ones."""
    notices: tuple[Notice, ...] = ()
    if pair.job is not None and job is not None:
        notices += transitions(pair.job, pair.job.status, job)
    if pair.datafeed is not None and feed is not None:
        notices += transitions(pair.datafeed, pair.datafeed.status, feed)
    return notices


def action_notices(pair: Pair, run: Run[Observed]) -> tuple[Notice, ...]:
    """What was done and what failed, for the resources concerned."""
    notices = []
    if run.executed:
        notices.append(_plan_executed(pair, run.executed))
    if run.failed_step is not None and run.error is not None and not run.told:
        culprit = pair.datafeed if run.failed_step.subject is Subject.DATAFEED else pair.job
        message = f"{run.failed_step.verb} failed: {run.error.reason}"
        notices.append(_warning(culprit or pair.resources[0], Reason.PLAN_FAILED, message))
    given_up = [step for step in run.executed if step.effect is Effect.DESTROYS]
    if given_up and run.first is not None and run.first.unchecked and not is_deleting(pair.job):
        message = f"Done without asking the server first about {'; '.join(run.first.unchecked)}"
        notices.append(_warning(pair.job or pair.resources[0], Reason.PLAN_EXECUTED, message))
    if run.unheard is not None and pair.job is not None:
        message = f"The job works, but Kibana could not be told about it: {run.unheard}"
        notices.append(_warning(pair.job, Reason.PLAN_EXECUTED, message))
    return tuple(notices)


def _plan_executed(pair: Pair, steps: Sequence[Step]) -> Notice:
    """One Event a plan, about the job unless all steps are its datafeed's."""
    of_feed = [step for step in steps if step.subject is Subject.DATAFEED]
    resources = pair.resources[::-1] if len(of_feed) == len(steps) else pair.resources
    notice = _normal(resources[0], Reason.PLAN_EXECUTED, _words(steps))
    both = len(resources) > 1 and bool(of_feed)
    return replace(notice, related=(resources[1].KIND, resources[1].name)) if both else notice


def told_by_plan(notice: Notice) -> bool:
    """Whether a change of health is only what the steps that brought it about say already."""
    return notice.type == "Normal" and notice.reason in _BROUGHT_ABOUT


_BROUGHT_ABOUT = frozenset({Reason.READY, Reason.STARTING, Reason.LOOKBACK_RUNNING})


def _words(steps: Sequence[Step]) -> str:
    return "; ".join(f"{step.verb}: {step.reason}" for step in steps)


def _normal(resource: AnomalyJob | Datafeed, reason: Reason, message: str) -> Notice:
    return Notice(kind=resource.KIND, name=resource.name, type="Normal", reason=reason, message=message)


def _warning(resource: AnomalyJob | Datafeed, reason: Reason, message: str) -> Notice:
    return Notice(kind=resource.KIND, name=resource.name, type="Warning", reason=reason, message=message)
