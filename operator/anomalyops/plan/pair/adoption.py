"""Taking over a job that exists: as a whole or not at all, and as it is found.

The mark of ownership is the last step, so that a job whose take-over was refused or cut off in the middle was never
managed, and no deletion policy reaches it. Where something has to be stopped or started on the way, a mark that says
no more than that (`Marker.adopting`) keeps what was running.

What was stopped when it was taken over stays stopped until `spec.state` says otherwise: who stopped it knew why.
"""

from __future__ import annotations

from anomalyops.plan.core.owner import Owner
from anomalyops.plan.core.plans import Obstacle
from anomalyops.plan.core.steps import Subject
from anomalyops.plan.pair.changes import DatafeedChange, JobChange, observed_id
from anomalyops.plan.pair.lookback import LookbackRecord, RunState
from anomalyops.plan.pair.marker import Marker, read_marker
from anomalyops.plan.pair.run_state import read_to_its_end, wanted_window
from anomalyops.plan.pair.values import (
    DatafeedState,
    Desired,
    DesiredDatafeed,
    DesiredJob,
    JobState,
    Observed,
)
from anomalyops.resources import Reason

_AT_REST = (JobState.CLOSED, JobState.CLOSING)
_OF_THE_WHOLE = (
    Reason.IMMUTABLE_FIELD_CHANGED,
    Reason.REJECTED,
    Reason.FORBIDDEN,
    Reason.WAITING_FOR_WINDOW,
    Reason.SNAPSHOTS_RETAINED,
)
_STOPPED = (DatafeedState.STOPPED, DatafeedState.STOPPING)


def is_taking_over(stored: Marker | None, owner: Owner) -> bool:
    """Whether the job is not `owner`'s yet, or is still on its way to him."""
    return stored is None or stored.adopting or not stored.belongs_to(owner)


def resting(desired: Desired, observed: Observed, stored: Marker | None) -> frozenset[Subject]:
    """Which of job and datafeed were stopped when they were taken over, and stay so.

    One that `spec.state` speaks of, or that somebody has started since, is not among them.
    """
    job, feed, owner = desired.job, desired.datafeed, desired.owner
    found: set[Subject] = set()
    if isinstance(job, DesiredJob) and not job.state_given and _job_rests(owner, observed, stored):
        found.add(Subject.JOB)
    if isinstance(feed, DesiredDatafeed) and not feed.state_given:
        made_for_it = observed.datafeed is None and Subject.JOB in found  # nobody asks for it to run
        if made_for_it or _feed_rests(owner, observed, stored):
            found.add(Subject.DATAFEED)
    return frozenset(found)


def resting_now(desired: Desired, observed: Observed) -> frozenset[Subject]:
    """Which of a managed job and its datafeed rest."""
    stored = None if observed.job is None else read_marker(observed.job.config)
    if stored is None or is_taking_over(stored, desired.owner):
        return frozenset()
    return resting(desired, observed, stored) & stored.rest


def _job_rests(owner: Owner, observed: Observed, stored: Marker | None) -> bool:
    if observed.job is None or observed.job.state not in _AT_REST:
        return False
    if stored is not None and stored.belongs_to(owner):
        return Subject.JOB in stored.rest
    return stored is None or not stored.retained  # a retained job was closed by the deletion of its manifest


def _feed_rests(owner: Owner, observed: Observed, stored: Marker | None) -> bool:
    feed = observed.datafeed
    if feed is not None and feed.state not in _STOPPED:
        return False
    mine = stored is not None and stored.belongs_to(owner)
    # A job has one datafeed: where one is managed, another id is that of one which is being replaced.
    if stored is not None and mine and (stored.adopting or feed is None or stored.datafeed):
        return Subject.DATAFEED in stored.rest
    if feed is None or observed.job is None or observed.job.state is JobState.FAILED:
        return False  # the server itself stops the datafeed of a job that fails
    return stored is None or not (stored.retained or stored.resume == observed_id(feed))


def completed_before(desired: Desired, observed: Observed, stored: Marker | None) -> LookbackRecord | None:
    """The record of the bounded run that the manifest asks for, where it was made before the pair was taken over."""
    feed, job, wanted = observed.datafeed, observed.job, desired.datafeed
    if feed is None or job is None or not isinstance(wanted, DesiredDatafeed):
        return None
    managed = stored is not None and stored.belongs_to(desired.owner) and stored.datafeed == observed_id(feed)
    window = wanted_window(wanted)
    known = stored is not None and stored.lookback is not None
    if managed or known or window is None or observed_id(feed) != wanted.datafeed_id:
        return None
    if feed.state is not DatafeedState.STOPPED or job.state is not JobState.CLOSED:
        return None
    record = LookbackRecord(window=window, state=RunState.STARTED)
    if not read_to_its_end(record, observed, job):
        return None
    return LookbackRecord(window=window, state=RunState.ENDED)


def half(wanted: DesiredJob, job: JobChange, feed: DatafeedChange) -> tuple[Obstacle, ...]:
    """Why a pair cannot be taken over as a whole; empty when it can."""
    fixed = tuple(found for found in job.obstacles if found.reason in _OF_THE_WHOLE)
    if not feed.obstacles:
        return fixed
    if not fixed:
        message = f"job {wanted.job_id} is not taken over without its datafeed: {feed.obstacles[0].message}"
        fixed = (Obstacle(reason=feed.obstacles[0].reason, message=message, subject=Subject.JOB),)
    return (*fixed, *feed.obstacles)
