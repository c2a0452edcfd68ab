"""What becomes of the server's objects when a resource is deleted.

Retain: stop and close, keep everything, so that the same manifest goes on where it was. Delete: remove, with
model and results. Orphan: leave running, take the marker away. A job that another owner or nobody marked is never
touched, and nothing that another resource manages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from anomalyops.plan.core.plans import Obstacle, Plan
from anomalyops.plan.core.removals import Removal
from anomalyops.plan.core.steps import Step, Subject
from anomalyops.plan.pair.changes import observed_id
from anomalyops.plan.pair.lookback import LookbackRecord, RunState
from anomalyops.plan.pair.marker import Marker, read_marker, settings_with
from anomalyops.plan.pair.run_state import RUNNING
from anomalyops.plan.pair.steps import CloseJob, DeleteDatafeed, DeleteJob, StopDatafeed, UpdateJob
from anomalyops.plan.pair.values import (
    DatafeedState,
    Desired,
    DesiredDatafeed,
    JobState,
    Observed,
    ObservedDatafeed,
    ObservedJob,
)
from anomalyops.resources import DeletionPolicy, Reason


def removal(desired: Desired, removed: Removal, observed: Observed) -> Plan:
    """The plan for an AnomalyJob that is being deleted, with whatever its Datafeed asks for."""
    job = observed.job
    marker = None if job is None else read_marker(job.config)
    if job is None or marker is None or not marker.belongs_to(desired.owner):
        return Plan()
    if job.blocked is not None:
        return Plan(obstacles=(blocked(removed.id, job.blocked),))
    if marker.adopting:
        return Plan(steps=(_marked(removed.id, job, None, "it was not taken over yet, so no policy reaches it"),))
    if marker.retained and removed.policy is DeletionPolicy.RETAIN:
        return Plan()
    steps: tuple[Step, ...]
    match removed.policy:
        case DeletionPolicy.DELETE:
            steps = tuple(_delete(removed, job, observed.datafeed))
        case DeletionPolicy.RETAIN:
            steps = tuple(_retain(desired, removed, job, observed.datafeed, marker))
        case DeletionPolicy.ORPHAN:
            steps = tuple(_orphan(desired, removed, job, observed.datafeed, marker))
    return Plan(steps=steps)


def datafeed_removal(desired: Desired, observed: Observed) -> Plan:
    """The plan for a Datafeed that is being deleted while no AnomalyJob resource exists."""
    job, wanted = observed.job, desired.datafeed
    marker = None if job is None else read_marker(job.config)
    if job is None or marker is None or not marker.belongs_to(desired.owner) or not isinstance(wanted, Removal):
        return Plan()
    if marker.datafeed != wanted.id:
        return Plan()
    if job.blocked is not None:
        return Plan(obstacles=(blocked(str(job.config["job_id"]), job.blocked),))
    feed = observed.datafeed
    ours = feed is not None and observed_id(feed) == wanted.id
    steps: list[Step] = []
    if ours and wanted.policy is DeletionPolicy.RETAIN:
        steps += _noted(str(job.config["job_id"]), job, marker, _interrupted(marker, feed))
    if ours and wanted.policy is not DeletionPolicy.ORPHAN:
        steps += _stopped(feed, job, wanted.policy)
    if ours and feed is not None and wanted.policy is DeletionPolicy.DELETE:
        steps.append(DeleteDatafeed(datafeed_id=wanted.id, reason=_reason(wanted.policy)))
    if wanted.policy is not DeletionPolicy.RETAIN:
        forgotten = replace(marker, datafeed="", lookback=None, resume="", sent_feed=None)
        steps += _noted(str(job.config["job_id"]), job, marker, forgotten)
    return Plan(steps=tuple(steps))


def blocked(job_id: str, reason: str) -> Obstacle:
    """The obstacle of a job that the server is deleting, resetting or reverting."""
    message = f"the server is at work on job {job_id} ({reason}); changes wait until it is done"
    return Obstacle(reason=Reason.BLOCKED, message=message, subject=Subject.JOB, waiting=True)


def _reason(policy: DeletionPolicy) -> str:
    return f"the resource is deleted with spec.deletionPolicy: {policy.value}"


def _delete(removed: Removal, job: ObservedJob, feed: ObservedDatafeed | None) -> Iterator[Step]:
    yield from _stopped(feed, job, removed.policy)
    yield from _closed(removed, job)
    with_it = "model and results go" if feed is None else f"model, results and datafeed {observed_id(feed)} go"
    yield DeleteJob(job_id=removed.id, reason=f"{_reason(removed.policy)}; {with_it} with it")


def _retain(
    desired: Desired, removed: Removal, job: ObservedJob, feed: ObservedDatafeed | None, marker: Marker
) -> Iterator[Step]:
    wanted = desired.datafeed
    forgets = isinstance(wanted, Removal) and wanted.policy is DeletionPolicy.DELETE and marker.datafeed == wanted.id
    before = marker if forgets else _interrupted(marker, feed)
    if before != marker:
        yield from _noted(removed.id, job, marker, before)
    yield from _stopped(feed, job, removed.policy)
    yield from _closed(removed, job)
    if forgets and feed is not None and observed_id(feed) == marker.datafeed:
        yield DeleteDatafeed(datafeed_id=observed_id(feed), reason=_reason(DeletionPolicy.DELETE))
    if forgets:
        before = replace(before, datafeed="", lookback=None, resume="", sent_feed=None)
    yield _marked(removed.id, job, replace(before, retained=True), "keep it, and note that nobody manages it now")


def _orphan(
    desired: Desired, removed: Removal, job: ObservedJob, feed: ObservedDatafeed | None, marker: Marker
) -> Iterator[Step]:
    """The job stays as it is; its datafeed too, unless that is being removed with a policy of its own."""
    wanted = desired.datafeed
    managed = isinstance(wanted, Removal) and feed is not None and observed_id(feed) == marker.datafeed == wanted.id
    if managed and isinstance(wanted, Removal) and wanted.policy is not DeletionPolicy.ORPHAN:
        yield from _stopped(feed, job, wanted.policy)
        if feed is not None and wanted.policy is DeletionPolicy.DELETE:
            yield DeleteDatafeed(datafeed_id=observed_id(feed), reason=_reason(wanted.policy))
    yield _marked(removed.id, job, None, f"{_reason(removed.policy)}: nobody manages it now")


def _interrupted(marker: Marker, feed: ObservedDatafeed | None) -> Marker:
    """The marker with a running bounded run set back to pending."""
    record = marker.lookback
    if record is None or feed is None or feed.state not in RUNNING:
        return marker
    return replace(marker, lookback=LookbackRecord(window=record.window, state=RunState.PENDING))


def _stopped(feed: ObservedDatafeed | None, job: ObservedJob, policy: DeletionPolicy) -> Iterator[Step]:
    if feed is not None and feed.state is not DatafeedState.STOPPED:
        force = job.state is JobState.FAILED
        yield StopDatafeed(datafeed_id=observed_id(feed), reason=_reason(policy), force=force)


def _closed(removed: Removal, job: ObservedJob) -> Iterator[Step]:
    if job.state is not JobState.CLOSED:
        force = job.state is JobState.FAILED
        yield CloseJob(job_id=removed.id, reason=_reason(removed.policy), force=force)


def _noted(job_id: str, job: ObservedJob, old: Marker, new: Marker) -> Iterator[Step]:
    if old != new:
        yield _marked(job_id, job, new, "note what becomes of the datafeed")


def _marked(job_id: str, job: ObservedJob, marker: Marker | None, reason: str) -> UpdateJob:
    settings = settings_with(job.config.get("custom_settings"), marker)
    return UpdateJob(job_id=job_id, body={"custom_settings": settings}, reason=reason)


def waits_for_job(datafeed: DesiredDatafeed, owner_name: str) -> Obstacle:
    """The obstacle of a Datafeed whose AnomalyJob does not exist."""
    message = (
        f"datafeed {datafeed.datafeed_id} waits for AnomalyJob {owner_name}, which spec.jobRef names and which does "
        "not exist yet"
    )
    return Obstacle(reason=Reason.WAITING_FOR_JOB, message=message, subject=Subject.DATAFEED, waiting=True)
