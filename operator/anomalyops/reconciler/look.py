"""From the server's answers to the values that a plan is made from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from anomalyops.elastic import ServerPair
from anomalyops.plan import (
    Answer,
    CreateDatafeed,
    CreateJob,
    DatafeedState,
    Effect,
    JobState,
    Observed,
    ObservedDatafeed,
    ObservedJob,
    Taken,
    UpdateDatafeed,
    UpdateJob,
    owner_of,
)
from anomalyops.reconciler.unit import Done

JsonDict = dict[str, Any]


def observed_pair(server: ServerPair, *, now: datetime) -> Observed:
    """One job and its datafeed as the server has them."""
    return Observed(
        job=observed_job(server.job, server.job_stats),
        datafeed=observed_datafeed(server.datafeed, server.datafeed_stats),
        now_ms=round(now.timestamp() * 1000),
        taken=None if server.other_job is None else taken_by(server.other_job),
    )


def configurations_after(done: Done[Observed]) -> tuple[JsonDict, JsonDict | None] | None:
    """The configurations of a job and its datafeed after steps, as the server has told them; None where it has not.

    A write is answered with all that the server has from then on, and to open, close, start or stop changes nothing
    that a plan is made from. Where something was given up, where an id is taken, or where an answer is not about the
    object, the server has to be asked.
    """
    if done.before.taken is not None:
        return None
    job = None if done.before.job is None else dict(done.before.job.config)
    feed = None if done.before.datafeed is None else dict(done.before.datafeed.config)
    for step, answer in done.answers:
        if isinstance(step, CreateJob | UpdateJob):
            job = _told(answer, "job_id", step.target)
        elif isinstance(step, CreateDatafeed | UpdateDatafeed):
            feed = _told(answer, "datafeed_id", step.target)
            if feed is None:
                return None
        elif step.effect is not Effect.RUNS:
            return None
    return None if job is None else (job, feed)


def _told(answer: Answer, id_field: str, identifier: str) -> JsonDict | None:
    """The configuration that an answer holds."""
    return dict(answer) if isinstance(answer, Mapping) and answer.get(id_field) == identifier else None


def taken_by(config: Mapping[str, Any]) -> Taken:
    """Who has the id of a datafeed, from the configuration of the job that the datafeed belongs to."""
    return Taken(job_id=str(config["job_id"]), owner=owner_of(config))


def observed_job(config: Mapping[str, Any] | None, stats: Mapping[str, Any] | None) -> ObservedJob | None:
    """One job, None when the server has none.

    Args:
        config: An item of `GET _ml/anomaly_detectors`.
        stats: An item of `GET _ml/anomaly_detectors/_stats`.
    """
    if config is None or stats is None:
        return None
    blocked = config.get("blocked", {}).get("reason")
    return ObservedJob(
        config=config,
        state=JobState(stats["state"]),
        blocked=blocked or ("delete" if config.get("deleting") or stats.get("deleting") else None),
        model_bytes=int(stats.get("model_size_stats", {}).get("model_bytes", 0)),
        assignment_explanation=str(stats.get("assignment_explanation", "")),
        stats=stats,
    )


def observed_datafeed(config: Mapping[str, Any] | None, stats: Mapping[str, Any] | None) -> ObservedDatafeed | None:
    """One datafeed, None when the server has none.

    Args:
        config: An item of `GET _ml/datafeeds`, or the `datafeed_config` of a job.
        stats: An item of `GET _ml/datafeeds/_stats`.
    """
    if config is None or stats is None:
        return None
    return ObservedDatafeed(
        config=config,
        state=DatafeedState(stats["state"]),
        assignment_explanation=str(stats.get("assignment_explanation", "")),
        stats=stats,
    )
