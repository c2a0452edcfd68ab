"""The server as manifests that were carried out have it: for planning where the server cannot be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from anomalyops.plan.pair.lookback import RunState
from anomalyops.plan.pair.marker import read_marker, settings_with
from anomalyops.plan.pair.planner import plan
from anomalyops.plan.pair.steps import CreateDatafeed, CreateJob, UpdateJob
from anomalyops.plan.pair.values import (
    DatafeedState,
    Desired,
    JobState,
    Observed,
    ObservedDatafeed,
    ObservedJob,
    Policy,
)


def presumed(
    desired: Desired,
    policy: Policy,
    *,
    job_state: JobState,
    feed_state: DatafeedState,
    completed: bool = False,
    model_bytes: int = 0,
    data_counts: Mapping[str, Any] | None = None,
) -> Observed:
    """What a server has that is as its manifests say, apart from what it fills in itself.

    What was changed on the server by hand, or refused by it, is not in it.

    Args:
        desired: What the manifests ask for that were carried out.
        policy: What they allow.
        job_state: The job's state, as it was last seen.
        feed_state: The datafeed's.
        completed: Whether its bounded run came to its end.
        model_bytes: What the model uses.
        data_counts: What the job has read, by the server's names; where that is not known it has read something, so
            that a loss is rather told of than not.
    """
    job: dict[str, Any] | None = None
    feed: Mapping[str, Any] | None = None
    for step in plan(desired, Observed(job=None, datafeed=None), policy).steps:
        match step:
            case CreateJob():
                job = {**step.body, "job_id": step.job_id}
            case CreateDatafeed():
                feed = {**step.body, "datafeed_id": step.datafeed_id}
            case UpdateJob() if job is not None:
                job |= step.body
    if job is None:
        return Observed(job=None, datafeed=None)
    counts = {"processed_record_count": 1} if data_counts is None else dict(data_counts)
    if completed:
        job["custom_settings"] = _ended(job)
    return Observed(
        job=ObservedJob(config=job, state=job_state, model_bytes=model_bytes, stats={"data_counts": counts}),
        datafeed=None if feed is None else ObservedDatafeed(config=feed, state=feed_state, completed=completed or None),
    )


def _ended(job: Mapping[str, Any]) -> Any:
    """The custom settings with the mark of a run that came to its end."""
    settings, marker = job.get("custom_settings"), read_marker(job)
    if marker is None or marker.lookback is None:
        return settings
    ended = replace(marker.lookback, state=RunState.ENDED)
    return settings_with(settings, replace(marker, lookback=ended))
