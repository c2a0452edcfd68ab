"""`plan()`: from what is wanted and what is there to the steps that lead from the one to the other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from anomalyops.plan.core.plans import Obstacle, Plan
from anomalyops.plan.core.removals import Removal
from anomalyops.plan.core.steps import Step, Subject
from anomalyops.plan.pair.adoption import completed_before, half, is_taking_over, resting
from anomalyops.plan.pair.changes import (
    DatafeedChange,
    JobChange,
    created_anew,
    datafeed_change,
    job_change,
    observed_id,
)
from anomalyops.plan.pair.comparison import compare_job, sent_of_datafeed, sent_of_job
from anomalyops.plan.pair.course import Course
from anomalyops.plan.pair.lifecycle import Lifecycle, create_datafeed, create_job, start_datafeed
from anomalyops.plan.pair.lookback import LookbackRecord, RunState
from anomalyops.plan.pair.marker import Marker, read_marker, settings_with
from anomalyops.plan.pair.marks import Marks
from anomalyops.plan.pair.ownership import adopted, job_claim, whose
from anomalyops.plan.pair.removal import blocked, datafeed_removal, removal, waits_for_job
from anomalyops.plan.pair.restoration import Restoration
from anomalyops.plan.pair.retention import LOST, Retention, missing_at_first, retention, would_lose
from anomalyops.plan.pair.run_state import (
    RUNNING,
    JobTarget,
    interrupted_at,
    run_target,
    stopped_run,
    wanted_window_of,
)
from anomalyops.plan.pair.steps import OpenJob, UpdateJob
from anomalyops.plan.pair.undisturbed import left_running, runs_on, with_window_kept
from anomalyops.plan.pair.values import (
    Desired,
    DesiredDatafeed,
    DesiredJob,
    Observed,
    ObservedDatafeed,
    ObservedJob,
    Policy,
)
from anomalyops.plan.pair.verification import fingerprint, is_another_try, withheld
from anomalyops.resources import Reason

_DEFAULT_POLICY = Policy()


def plan(desired: Desired, observed: Observed, policy: Policy = _DEFAULT_POLICY) -> Plan:
    """The steps that make the server what the manifests of one job and its datafeed say.

    Pure: the same arguments give the same plan. What the manifests ask for and the plan does not reach is an
    obstacle. With an obstacle the rest goes on: a refused memory limit holds up no other change, and a refused
    change of an immutable field leaves the configuration alone while the run state is still kept, so that a
    running detection does not die of a manifest that cannot be applied.

    Args:
        desired: What the manifests ask for.
        observed: What the server has.
        policy: What may be lost, taken over, or is suspended.

    Returns:
        A plan whose steps, executed in order, leave nothing to plan; cut off anywhere, the plan made from what
        the server then has leads to the same end.
    """
    made = _planned(desired, observed, policy)
    unchecked = (*observed.unchecked, *_snapshots_unknown(desired, observed))
    return replace(made, ownership=_ownership(desired, observed), unchecked=unchecked)


def _snapshots_unknown(desired: Desired, observed: Observed) -> tuple[str, ...]:
    """That nothing can be told of the snapshots to retain, where they were not asked for."""
    wanted, job = desired.job, observed.job
    if not isinstance(wanted, DesiredJob) or job is None or not wanted.snapshots or not observed.configs_known:
        return ()
    return () if job.snapshots is not None else (f"which model snapshots job {wanted.job_id} has",)


def _ownership(desired: Desired, observed: Observed) -> str:
    """Whose the job is, where that is known."""
    match desired.job:
        case DesiredJob(job_id=job_id) | Removal(id=job_id) if observed.configs_known:
            return whose(desired.owner, observed.job, job_id)
        case _:
            return ""


def _moment(observed: Observed) -> str:
    """The time of the look, ISO 8601; empty when it is not known."""
    if observed.now_ms is None:
        return ""
    return datetime.fromtimestamp(observed.now_ms / 1000, UTC).isoformat(timespec="seconds")


def _planned(desired: Desired, observed: Observed, policy: Policy) -> Plan:
    absent = observed.job is None and observed.datafeed is None
    if isinstance(desired.job, Removal) and absent:
        return Plan()
    if observed.upgrade_mode:
        return Plan(obstacles=(_upgrade_mode(),))
    match desired.job:
        case None:
            return _without_job(desired, observed)
        case Removal() as removed:
            return removal(desired, removed, observed)
        case wanted if observed.job is None:
            return _creation(desired, wanted, observed, policy) if _may_create(wanted, observed, policy) else Plan()
        case wanted:
            return _existing(desired, wanted, observed, observed.job, policy)


def _may_create(wanted: DesiredJob, observed: Observed, policy: Policy) -> bool:
    return wanted.body is not None and not _run_state_only(observed, policy)


def _run_state_only(observed: Observed, policy: Policy) -> bool:
    return policy.run_state_only or not observed.configs_known


def _upgrade_mode() -> Obstacle:
    message = "the server is in upgrade mode and changes nothing; the plan waits until it is left"
    return Obstacle(reason=Reason.UPGRADE_MODE, message=message, subject=Subject.JOB, waiting=True)


def _without_job(desired: Desired, observed: Observed) -> Plan:
    match desired.datafeed:
        case DesiredDatafeed() as datafeed:
            return Plan(obstacles=(waits_for_job(datafeed, desired.owner.name),))
        case Removal():
            return datafeed_removal(desired, observed)
        case None:
            return Plan()


# -- a job that does not exist yet -------------------------------------------------------------------------------


def _creation(desired: Desired, job: DesiredJob, observed: Observed, policy: Policy) -> Plan:
    change = datafeed_change(desired.datafeed, observed, None, policy)
    feed = desired.datafeed if isinstance(desired.datafeed, DesiredDatafeed) and change.create else None
    target = run_target(
        desired=desired,
        wanted_job=job,
        observed=Observed(job=None, datafeed=None),
        policy=policy,
        marker=None,
        job_change=JobChange(),
        feed_change=change,
    )
    record = None if target.window is None else LookbackRecord(window=target.window, state=RunState.PENDING)
    marker = Marker(
        owner=desired.owner,
        since=_moment(observed),
        datafeed=feed.datafeed_id if feed else "",
        lookback=record,
        sent=sent_of_job(job.body or {}),
        sent_feed=sent_of_datafeed(feed.body) if feed else None,
    )
    steps: list[Step] = [create_job(job, marker, "the server has no such job")]
    if feed is not None:
        steps.append(create_datafeed(job, feed, "the server has no such datafeed"))
    if target.job is JobTarget.OPEN:
        steps.append(OpenJob(job_id=job.job_id, reason=target.why if feed is None else _OPENED))
    if feed is not None and target.feed_runs:
        steps.append(start_datafeed(feed.datafeed_id, target))
        steps += _recorded(job, marker, record)
    obstacles = (*change.obstacles, *target.obstacles, *observed.refused, *missing_at_first(job))
    return Plan(steps=tuple(steps), obstacles=obstacles)


_OPENED = "spec.state of the AnomalyJob is Opened"


def _recorded(job: DesiredJob, marker: Marker, record: LookbackRecord | None) -> list[Step]:
    if record is None:
        return []
    started = replace(marker, lookback=LookbackRecord(window=record.window, state=RunState.STARTED))
    settings = settings_with((job.body or {}).get("custom_settings"), started)
    return [
        UpdateJob(job_id=job.job_id, body={"custom_settings": settings}, reason="remember that the run was started")
    ]


# -- a job that exists -------------------------------------------------------------------------------------------


def _existing(desired: Desired, wanted: DesiredJob, observed: Observed, job: ObservedJob, policy: Policy) -> Plan:
    if job.blocked is not None:
        return Plan(obstacles=(blocked(wanted.job_id, job.blocked),))
    known = observed.configs_known
    stored = read_marker(job.config) if known else None
    refused: tuple[Obstacle, ...] = ()
    if known:
        refused = _refused(desired, wanted, job, policy)
        if refused:
            return Plan() if policy.run_state_only else Plan(obstacles=refused)
    marker = _marker(desired, observed, stored)
    taking_over = known and is_taking_over(stored, desired.owner)
    feed_change, change = _changes(
        desired=desired,
        wanted=wanted,
        observed=observed,
        job=job,
        marker=marker if stored else None,
        policy=policy,
    )
    undisturbed = runs_on(desired, observed, policy)
    if undisturbed:
        change, feed_change = left_running(change, feed_change, stored, policy.undisturbed)
    if taking_over and not policy.run_state_only and (refused := half(wanted, change, feed_change)):
        return Plan(obstacles=refused)
    kept = Retention()
    if known and not policy.run_state_only:
        gives_up = change.reset or change.recreate or feed_change.reset
        kept = LOST if gives_up else retention(wanted, job, marker.snapshots)
    target = run_target(
        desired=desired,
        wanted_job=wanted,
        observed=observed,
        policy=policy,
        marker=marker if known else None,
        job_change=change,
        feed_change=feed_change,
    )
    course = Course(
        wanted_job=wanted,
        wanted_feed=desired.datafeed,
        job=job,
        feed=observed.datafeed,
        stored=stored,
        marker=marker,
        job_change=change,
        feed_change=feed_change,
        target=target,
        interrupted_at=interrupted_at(observed, target.window),
        came_to_its_end=target.ended and stopped_run(observed, wanted_window_of(desired)) is not None,
        marked=known,
        taking_over=taking_over,
        run_state_only=policy.run_state_only,
        retention=kept,
    )
    obstacles = (*change.obstacles, *feed_change.obstacles, *target.obstacles, *kept.obstacles)
    if undisturbed:
        course, held_back = with_window_kept(course, policy.undisturbed)
        obstacles += held_back
    waits = _unknown_end(course, observed.datafeed)
    if waits is not None:
        return Plan(obstacles=(*obstacles, waits))
    return Plan(steps=Lifecycle(course).steps(), obstacles=obstacles, fallback=_fallback(desired, job, course))


def _fallback(desired: Desired, job: ObservedJob, course: Course) -> Restoration | None:
    """The way back from a plan that gives something up; None where none is given up."""
    change, feed, feed_change = course.job_change, course.feed, course.feed_change
    loses_model = bool(change.recreate or change.reset or feed_change.reset)
    if not (loses_model or (feed_change.delete and feed_change.create)):
        return None
    return Restoration(
        job_id=course.wanted_job.job_id,
        job=job.config,
        datafeed=None if feed is None else feed.config,
        marker=Marks(course).restored,
        resume=observed_id(feed) if feed is not None and course.feed_running and feed_change.delete else "",
        wanted=fingerprint(desired),
        loses_model=loses_model,
    )


def _marker(desired: Desired, observed: Observed, stored: Marker | None) -> Marker:
    """The marker as the owner would write it now: how a pair that is taken over was found is part of it."""
    marker = adopted(desired.owner, stored, _moment(observed))
    if not observed.configs_known:
        return marker
    if is_another_try(desired, marker):
        marker = replace(marker, refused="", refusal="")
    if (done := completed_before(desired, observed, stored)) is not None:
        return replace(marker, lookback=done, rest=frozenset())
    return replace(marker, rest=resting(desired, observed, stored))


def _refused(desired: Desired, wanted: DesiredJob, job: ObservedJob, policy: Policy) -> tuple[Obstacle, ...]:
    """Why this owner may not touch the job, for the job and for its datafeed."""
    marker = read_marker(job.config)
    if policy.run_state_only and (marker is None or not marker.belongs_to(desired.owner)):
        return (_not_managed(wanted),)
    obstacle = job_claim(desired.owner, job.config, policy, compare_job(wanted.body or {}, job.config))
    if obstacle is None:
        return ()
    return (obstacle, _not_managed(wanted)) if isinstance(desired.datafeed, DesiredDatafeed) else (obstacle,)


def _not_managed(wanted: DesiredJob) -> Obstacle:
    message = f"the datafeed waits for job {wanted.job_id}, which its AnomalyJob may not manage; see there"
    return Obstacle(reason=Reason.WAITING_FOR_JOB, message=message, subject=Subject.DATAFEED, waiting=True)


def _changes(
    *,
    desired: Desired,
    wanted: DesiredJob,
    observed: Observed,
    job: ObservedJob,
    marker: Marker | None,
    policy: Policy,
) -> tuple[DatafeedChange, JobChange]:
    feed = observed.datafeed
    if _run_state_only(observed, policy):
        declared = desired.datafeed
        managed = (
            isinstance(declared, DesiredDatafeed) and feed is not None and observed_id(feed) == declared.datafeed_id
        )
        return DatafeedChange(managed=managed), JobChange()
    feed_change = datafeed_change(desired.datafeed, observed, marker, policy)
    unmanaged = observed_id(feed) if feed is not None and not feed_change.managed else ""

    def change_of_job(*, forgotten: bool) -> JobChange:
        return job_change(wanted, job, policy, marker, unmanaged_feed=unmanaged, forgotten=forgotten)

    forgotten = bool(feed_change.reset)
    refused = observed.refused
    change = change_of_job(forgotten=forgotten)
    if (change.recreate or change.reset or forgotten) and (held := retention(wanted, job, frozenset()).held):
        refused = (would_lose(wanted.job_id, held), *refused)
    change, feed_change = withheld(change, feed_change, refused, marker)
    if forgotten and not feed_change.reset:  # the model stays after all
        change, feed_change = withheld(change_of_job(forgotten=False), feed_change, refused, marker)
    if change.recreate and feed_change.managed and isinstance(desired.datafeed, DesiredDatafeed):
        feed_change = created_anew(feed_change, desired.datafeed)
    return feed_change, change


def _unknown_end(course: Course, feed: ObservedDatafeed | None) -> Obstacle | None:
    """A bounded run that somebody else started cannot be started again: its end is known to nobody."""
    interrupted = (
        feed is not None
        and feed.state in RUNNING
        and not course.feed_change.managed
        and bool(course.stop_reasons)
        and course.target.job is not JobTarget.CLOSED
    )
    if feed is None or not interrupted or not course.feed_bounded or course.record is not None:
        return None
    message = (
        f"datafeed {observed_id(feed)}, which no Datafeed resource manages, runs towards an end that only who "
        "started it knows; the change waits until it has stopped"
    )
    return Obstacle(reason=Reason.LOOKBACK_RUNNING, message=message, subject=Subject.JOB, waiting=True)
