"""What a plan leaves for later while a running datafeed is not to be stopped: outside of a maintenance window."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from anomalyops.plan.core.differences import Difference, described
from anomalyops.plan.core.fields import FieldClass
from anomalyops.plan.core.plans import Obstacle
from anomalyops.plan.core.removals import Removal
from anomalyops.plan.core.steps import Subject
from anomalyops.plan.pair.changes import DatafeedChange, JobChange
from anomalyops.plan.pair.course import Course
from anomalyops.plan.pair.marker import Marker
from anomalyops.plan.pair.run_state import RUNNING
from anomalyops.plan.pair.values import Desired, DesiredDatafeed, DesiredJob, JobState, Observed, Policy
from anomalyops.resources import Reason


def runs_on(desired: Desired, observed: Observed, policy: Policy) -> bool:
    """Whether a datafeed runs, nobody asks for its stop, and now is no time to stop it for anything else.

    A suspension, a wanted state and the deletion of a resource are wishes for a stop and wait for nothing; the datafeed
    of a job that failed does not work anyway.
    """
    job, feed = observed.job, observed.datafeed
    if not policy.undisturbed or job is None or feed is None:
        return False
    if feed.state not in RUNNING or job.state is not JobState.OPENED or policy.suspend_job or policy.suspend_datafeed:
        return False
    wants_stop = isinstance(desired.job, DesiredJob) and desired.job.opened is False
    wanted = desired.datafeed
    if isinstance(wanted, Removal):
        return False
    return not (wants_stop or (isinstance(wanted, DesiredDatafeed) and not wanted.started))


def left_running(
    job: JobChange, feed: DatafeedChange, marker: Marker | None, why: str
) -> tuple[JobChange, DatafeedChange]:
    """The changes without those that stop the datafeed; each that waits is an obstacle that passes.

    Args:
        job: What the manifest asks of the job.
        feed: What it asks of the datafeed.
        marker: The mark on the server; None when there is none, or none of this owner.
        why: Until when it waits.
    """
    return _job(job, marker, why), _feed(feed, marker, why)


def _job(change: JobChange, marker: Marker | None, why: str) -> JobChange:
    before = _known(marker.sent if marker is not None else None)
    if change.recreate:
        waits = _waits(Subject.JOB, change.recreate, why)
        return JobChange(obstacles=(*change.obstacles, waits), sent=None if marker is None else marker.sent)
    held = change.needing(FieldClass.CLOSED_JOB, FieldClass.REOPEN)
    reasons = [reason for reason in (change.reset, described(held) if held else "") if reason]
    if not reasons:
        return change
    return replace(
        change,
        reset="",
        differences=tuple(found for found in change.differences if found not in held),
        obstacles=(*change.obstacles, _waits(Subject.JOB, "; ".join(reasons), why)),
        sent=_sent(change.sent, held, before),
    )


def _feed(change: DatafeedChange, marker: Marker | None, why: str) -> DatafeedChange:
    before = _known(marker.sent_feed if marker is not None else None)
    if change.create or change.delete:
        waits = _waits(Subject.DATAFEED, change.delete or "a datafeed is to be created", why)
        sent = None if marker is None else marker.sent_feed
        return DatafeedChange(managed=False, obstacles=(*change.obstacles, waits), sent=sent)
    if not change.differences:
        return change
    return replace(
        change,
        reset="",
        differences=(),
        obstacles=(*change.obstacles, _waits(Subject.DATAFEED, described(change.differences), why)),
        sent=_sent(change.sent, change.differences, before),
    )


def with_window_kept(course: Course, why: str) -> tuple[Course, tuple[Obstacle, ...]]:
    """The course in which the datafeed runs on over the time that it runs over, though another is wanted."""
    if course.failed or not course.feed_running or not course.target.feed_runs:
        return course, ()
    reasons = course.stop_reasons
    if not reasons:
        return course, ()
    return replace(course, runs_on=True), (_waits(Subject.DATAFEED, "; ".join(reasons), why),)


def _waits(subject: Subject, what: str, why: str) -> Obstacle:
    message = f"{what}: this stops the datafeed, and waits for spec.maintenanceWindow of the AnomalyJob, {why}"
    return Obstacle(reason=Reason.WAITING_FOR_WINDOW, message=message, subject=subject, waiting=True)


def _sent(given: frozenset[str] | None, held: Iterable[Difference], before: frozenset[str]) -> frozenset[str] | None:
    """The paths that the server has from the manifests when these differences wait."""
    if given is None:
        return None
    paths = frozenset(found.path for found in held)
    return (given - paths) | (paths & before)


def _known(sent: frozenset[str] | None) -> frozenset[str]:
    return frozenset() if sent is None else sent
