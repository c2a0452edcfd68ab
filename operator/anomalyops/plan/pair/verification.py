"""What a server is asked before anything is lost, and what becomes of a plan when it refuses.

A plan that deletes or resets something leads to a configuration that the server has not seen yet. It is tried first
(`Proposal`); what the server would refuse (`Observed.refused`), and what it refused once after something had been
lost for it (`Marker.refused`), takes the loss out of the plan.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from anomalyops.plan.core.meaning import JsonObject
from anomalyops.plan.core.plans import Obstacle, Plan
from anomalyops.plan.core.steps import Effect, Subject
from anomalyops.plan.pair.changes import DatafeedChange, JobChange
from anomalyops.plan.pair.comparison import normal_datafeed
from anomalyops.plan.pair.marker import Marker
from anomalyops.plan.pair.steps import CreateDatafeed, DeleteDatafeed
from anomalyops.plan.pair.values import Desired, DesiredDatafeed, DesiredJob
from anomalyops.resources import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The configurations that a plan leads to, as they would be created.

    Attributes:
        job_id: The job.
        job: Its create body, without a mark.
        datafeed_id: The datafeed; empty when no Datafeed resource refers to the job.
        datafeed: Its create body, None when no Datafeed resource refers to the job.
    """

    job_id: str
    job: JsonObject
    datafeed_id: str = ""
    datafeed: JsonObject | None = None


def proposal(desired: Desired, made: Plan, *, any_change: bool = False) -> Proposal | None:
    """What has to be tried before a plan may be carried out; None when it loses nothing or leads to nothing new.

    Args:
        desired: What the manifests ask for.
        made: The plan for it.
        any_change: Ask of everything that the plan creates, changes or has run, lossless or not: for who only wants to
            know.
    """
    job = desired.job
    if not isinstance(job, DesiredJob) or job.body is None:
        return None
    changes = any(step.effect is not Effect.RUNS or step.starts for step in made.steps)
    if not (loses(made) or (any_change and changes)):
        return None
    feed = desired.datafeed
    if not isinstance(feed, DesiredDatafeed):
        return Proposal(job_id=job.job_id, job={**job.body, "job_id": job.job_id})
    return Proposal(
        job_id=job.job_id,
        job={**job.body, "job_id": job.job_id},
        datafeed_id=feed.datafeed_id,
        datafeed={**normal_datafeed(feed.body), "job_id": job.job_id},
    )


def loses(made: Plan) -> bool:
    """Whether a plan gives something up for what the server has not accepted yet."""
    replaced = {type(step) for step in made.steps} >= {DeleteDatafeed, CreateDatafeed}
    return made.destructive or replaced


def fingerprint(desired: Desired) -> str:
    """Tells one pair of configurations from another."""
    job, feed = desired.job, desired.datafeed
    bodies = [
        job.body if isinstance(job, DesiredJob) else None,
        [feed.datafeed_id, feed.body] if isinstance(feed, DesiredDatafeed) else None,
    ]
    text = json.dumps(bodies, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_another_try(desired: Desired, marker: Marker) -> bool:
    """Whether the manifests ask for something else than what the server refused; ones that cannot be read do not."""
    if not marker.refused or not isinstance(desired.job, DesiredJob) or desired.job.body is None:
        return False
    whole = isinstance(desired.datafeed, DesiredDatafeed) or not marker.datafeed
    return whole and marker.refused != fingerprint(desired)


def withheld(
    job: JobChange, feed: DatafeedChange, refused: Sequence[Obstacle], marker: Marker | None
) -> tuple[JobChange, DatafeedChange]:
    """The changes without those that would lose something for a configuration that the server refuses.

    What loses nothing goes on. A change that is withheld is withheld whole, since the rest of the configuration
    belongs to it.

    Args:
        job: What the manifest asks of the job.
        feed: What it asks of the datafeed.
        refused: What the server says against the configuration.
        marker: The mark on the server; None when there is none, or none of this owner.
    """
    of_job, of_feed = bool(job.recreate or job.reset), bool(feed.reset or (feed.delete and feed.create))
    before: tuple[Obstacle, ...] = ()
    if marker is not None and marker.refused:  # no part of it is tried again
        of_job, of_feed = of_job or bool(job.differences), of_feed or feed.create or bool(feed.differences)
        subject = Subject.JOB if of_job else Subject.DATAFEED
        before = (Obstacle(reason=Reason.REJECTED, message=marker.refusal, subject=subject),)
    if not (of_job or of_feed):
        told = (*job.obstacles, *(found for found in refused if found not in feed.obstacles))
        return replace(job, obstacles=told), feed
    said = (*before, *refused)
    if not said:
        return job, feed
    if of_job:
        sent = None if marker is None else marker.sent
        job = JobChange(obstacles=_of(Subject.JOB, said) or _because_of_the_other(Subject.JOB, said), sent=sent)
    else:
        job = replace(job, obstacles=(*job.obstacles, *_of(Subject.JOB, said)))
    if of_feed or _of(Subject.DATAFEED, said):
        obstacles = _of(Subject.DATAFEED, said) or _because_of_the_other(Subject.DATAFEED, said)
        sent = None if marker is None else marker.sent_feed
        feed = DatafeedChange(managed=feed.managed and not feed.create, obstacles=obstacles, sent=sent)
    return job, feed


def _of(subject: Subject, said: Iterable[Obstacle]) -> tuple[Obstacle, ...]:
    return tuple(found for found in said if found.subject is subject)


def _because_of_the_other(subject: Subject, said: Iterable[Obstacle]) -> tuple[Obstacle, ...]:
    return tuple(replace(found, subject=subject) for found in said)
