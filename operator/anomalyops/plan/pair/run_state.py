"""Which run state job and datafeed shall end in, and why: from manifests, policies and what already happened."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from anomalyops.plan.core import meaning
from anomalyops.plan.core.plans import Obstacle
from anomalyops.plan.core.steps import Subject
from anomalyops.plan.pair.changes import DatafeedChange, JobChange, latest_record, nothing_processed, observed_id
from anomalyops.plan.pair.lookback import LookbackRecord, Window
from anomalyops.plan.pair.lookback import RunState as LookbackState
from anomalyops.plan.pair.marker import Marker, read_marker
from anomalyops.plan.pair.values import (
    DatafeedState,
    Desired,
    DesiredDatafeed,
    DesiredJob,
    JobState,
    Observed,
    ObservedDatafeed,
    ObservedJob,
    Policy,
)
from anomalyops.resources import DEFAULT_BUCKET_SPAN, Reason

RUNNING = (DatafeedState.STARTING, DatafeedState.STARTED)


class JobTarget(StrEnum):
    """What the job's state shall be."""

    OPEN = "open"
    CLOSED = "closed"
    AS_IS = "as is"  # its datafeed came to its end: the server closed the job, or will


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The wanted run state.

    Attributes:
        job: The job's.
        feed_runs: Whether the datafeed shall run.
        why: The reason, in words, as it is given for open, close, start and stop.
        window: The time range of the run; None in real time.
        start: Where a job that has processed nothing begins.
        ended: Whether the datafeed came to its end by itself, so that stopped is right.
        obstacles: What keeps the manifest's run state from being reached.
    """

    job: JobTarget
    feed_runs: bool
    why: str
    window: Window | None = None
    start: str | None = None
    ended: bool = False
    obstacles: tuple[Obstacle, ...] = ()


def wanted_window(datafeed: DesiredDatafeed) -> Window | None:
    """The time range of a bounded run; None for real time."""
    return None if datafeed.end is None else Window(start=datafeed.start, end=datafeed.end)


def wanted_window_of(desired: Desired) -> Window | None:
    """The time range of the bounded run that a pair asks for; None when it asks for none."""
    return wanted_window(desired.datafeed) if isinstance(desired.datafeed, DesiredDatafeed) else None


def lookback_record(observed: Observed) -> LookbackRecord | None:
    """What the job's marker says about the last bounded run."""
    marker = None if observed.job is None else read_marker(observed.job.config)
    return None if marker is None else marker.lookback


def lookback_done(desired: Desired, observed: Observed) -> bool:
    """Whether the bounded run that the manifest asks for was started and ended by itself."""
    datafeed, feed, job = desired.datafeed, observed.datafeed, observed.job
    if not isinstance(datafeed, DesiredDatafeed) or feed is None or job is None:
        return False
    record = lookback_record(observed)
    return (
        record is not None
        and record.started(wanted_window(datafeed))
        and observed_id(feed) == datafeed.datafeed_id
        and feed.state is DatafeedState.STOPPED
        and job.state is not JobState.FAILED
        and read_to_its_end(record, observed, job)
    )


def read_to_its_end(record: LookbackRecord, observed: Observed, job: ObservedJob) -> bool:
    """Whether a stopped run is shown to have come to its end."""
    feed, end = observed.datafeed, meaning.moment(record.window.end)
    if record.state is LookbackState.ENDED or not isinstance(end, int):
        return True  # such an end is a moment that the server alone knows
    if observed.now_ms is not None and observed.now_ms < end:
        return False
    span = meaning.duration((job.config.get("analysis_config") or {}).get("bucket_span") or DEFAULT_BUCKET_SPAN)
    latest = latest_record(job)
    reached = latest >= end - (span if isinstance(span, int) else 0)
    nothing_more = latest == record.since
    match None if feed is None else feed.completed:
        case True:
            return True
        case False:
            return reached and nothing_more  # a run that has nothing left to read says nothing
        case None:
            return reached or nothing_more


def stopped_run(observed: Observed, window: Window | None) -> LookbackRecord | None:
    """The record of a run over a window that was started and is stopped now, and that is not known to have ended."""
    record, feed = lookback_record(observed), observed.datafeed
    stopped = observed.configs_known and feed is not None and feed.state is DatafeedState.STOPPED
    if record is None or not stopped or record.state is not LookbackState.STARTED or not record.started(window):
        return None
    return record


def interrupted_at(observed: Observed, window: Window | None) -> int | None:
    """The latest record of a run that stopped and is not shown to have come to its end; None for others."""
    record, job = stopped_run(observed, window), observed.job
    if record is None or job is None:
        return None
    return None if read_to_its_end(record, observed, job) else latest_record(job)


def run_target(
    *,
    desired: Desired,
    wanted_job: DesiredJob,
    observed: Observed,
    policy: Policy,
    marker: Marker | None,
    job_change: JobChange,
    feed_change: DatafeedChange,
) -> Target:
    """The wanted run state of the pair.

    Args:
        desired: What the manifests ask for.
        wanted_job: `desired.job`.
        observed: The server's side; its job exists.
        policy: What is suspended.
        marker: The marker on the server; None when there is none or it is not known.
        job_change: What happens to the job's configuration.
        feed_change: What happens to the datafeed's.
    """
    rest = frozenset() if marker is None else marker.rest
    job, why = _job_target(wanted_job, observed.job, policy, rest)
    wanted = desired.datafeed
    if not feed_change.managed:
        return _unmanaged(job, why, observed.datafeed, marker)
    if not isinstance(wanted, DesiredDatafeed):
        return Target(job=job, feed_runs=False, why="the Datafeed resource is being deleted")
    stopped = _asked_to_stop(wanted, policy)
    if stopped:
        return Target(job=job, feed_runs=False, why=stopped)
    if job is JobTarget.CLOSED:
        unasked = policy.suspend_job or Subject.DATAFEED in rest  # asked for nothing else
        obstacles = () if unasked else (_closed_job(wanted, wanted_job),)
        return Target(job=job, feed_runs=False, why=why, obstacles=obstacles)
    if Subject.DATAFEED in rest:
        why = "it was stopped when it was taken over, and spec.state of the Datafeed does not say otherwise"
        return Target(job=job, feed_runs=False, why=why)
    forgotten = bool(job_change.reset or job_change.recreate or feed_change.reset)
    if not forgotten and not feed_change.create:
        ended = _ended(wanted, observed, marker, feed_change)
        if ended is not None:
            return ended
    started = "spec.state of the Datafeed is Started"
    left = not forgotten and interrupted_at(observed, wanted_window(wanted)) is not None
    return Target(
        job=job,
        feed_runs=True,
        why=f"{started}, and the run stopped before all data up to its end was seen to be read" if left else started,
        window=wanted_window(wanted),
        start=wanted.start if forgotten or nothing_processed(observed.job) else None,
    )


def _job_target(
    wanted: DesiredJob, job: ObservedJob | None, policy: Policy, rest: frozenset[Subject]
) -> tuple[JobTarget, str]:
    if wanted.opened is None:
        closed = job is not None and job.state in (JobState.CLOSED, JobState.CLOSING)
        return JobTarget.CLOSED if closed else JobTarget.OPEN, "its manifest cannot be read, and it stays as it is"
    if policy.suspend_job:
        return JobTarget.CLOSED, "spec.suspend of the AnomalyJob is true"
    if Subject.JOB in rest:
        return (
            JobTarget.CLOSED,
            "it was closed when it was taken over, and spec.state of the AnomalyJob does not say otherwise",
        )
    if not wanted.opened:
        return JobTarget.CLOSED, "spec.state of the AnomalyJob is Closed"
    return JobTarget.OPEN, "spec.state of the AnomalyJob is Opened"


def _unmanaged(job: JobTarget, why: str, feed: ObservedDatafeed | None, marker: Marker | None) -> Target:
    """No resource decides about the datafeed: it runs on if it runs, or if the operator interrupted it."""
    if feed is None:
        return Target(job=job, feed_runs=False, why=why)
    identifier = observed_id(feed)
    resume = marker is not None and marker.resume == identifier
    known = marker is not None and identifier in (marker.datafeed, marker.resume)
    record = marker.lookback if marker is not None and known else None
    return Target(
        job=job,
        feed_runs=job is JobTarget.OPEN and (feed.state in RUNNING or resume),
        why="it was running" if job is JobTarget.OPEN else why,
        window=None if record is None else record.window,
    )


def _asked_to_stop(wanted: DesiredDatafeed, policy: Policy) -> str:
    if policy.suspend_datafeed:
        return "spec.suspend of the Datafeed is true"
    return "" if wanted.started else "spec.state of the Datafeed is Stopped"


def _closed_job(wanted: DesiredDatafeed, job: DesiredJob) -> Obstacle:
    why = "as spec.state of the AnomalyJob asks" if job.opened is False else "as it was when it was taken over"
    message = (
        f"datafeed {wanted.datafeed_id} cannot run while job {job.job_id} is closed, {why}: set spec.state of the "
        "AnomalyJob to Opened, or spec.state of the Datafeed to Stopped"
    )
    return Obstacle(reason=Reason.CLOSED, message=message, subject=Subject.DATAFEED)


def _ended(
    wanted: DesiredDatafeed, observed: Observed, marker: Marker | None, feed_change: DatafeedChange
) -> Target | None:
    """The target when the datafeed stopped by itself and stopped is right; None when it shall run."""
    feed, job = observed.datafeed, observed.job
    if feed is None or job is None or feed.state in RUNNING or job.state is JobState.FAILED:
        return None
    window = wanted_window(wanted)
    record = None if marker is None else marker.lookback
    if window is not None:
        # Without the marker nobody can tell; a full look at the server decides.
        done = not observed.configs_known or (
            record is not None and record.started(window) and read_to_its_end(record, observed, job)
        )
        why = "the lookback is complete"
        return Target(job=JobTarget.AS_IS, feed_runs=False, ended=True, why=why) if done else None
    body = feed.config if observed.configs_known else wanted.body
    limit = body.get("max_empty_searches") or -1
    resume = marker is not None and (marker.resume == observed_id(feed) or record is not None)
    if resume or feed_change.differences or not _gave_up(feed, job, limit):
        return None
    message = (
        f"datafeed {wanted.datafeed_id} found no document in {limit} searches (maxEmptySearches) and stopped: check "
        "indices, query and time field, or set maxEmptySearches to -1 to search on for ever"
    )
    obstacle = Obstacle(reason=Reason.NO_DATA, message=message, subject=Subject.DATAFEED)
    return Target(job=JobTarget.AS_IS, feed_runs=False, ended=True, why="it found no data", obstacles=(obstacle,))


def _gave_up(feed: ObservedDatafeed, job: ObservedJob, limit: int) -> bool:
    """Whether a real-time datafeed that never saw data used up its `max_empty_searches`."""
    searches = (feed.stats.get("timing_stats") or {}).get("search_count") or 0
    closed = feed.state is DatafeedState.STOPPED and job.state is JobState.CLOSED
    return closed and 0 < limit <= searches and nothing_processed(job)
