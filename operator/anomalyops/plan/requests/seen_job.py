"""A job as requests see it: what they need to know of its AnomalyJob and of the server's job."""

from __future__ import annotations

from dataclasses import dataclass

from anomalyops.plan.core.owner import Owner
from anomalyops.plan.pair.marker import read_marker
from anomalyops.plan.pair.ownership import owner_of
from anomalyops.plan.pair.values import DatafeedState, JobState, Observed, ObservedDatafeed, ObservedJob
from anomalyops.plan.requests.moves import Standing, Tone
from anomalyops.resources import Reason

_RUNNING = (DatafeedState.STARTING, DatafeedState.STARTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenJob:
    """An AnomalyJob and its job on the server.

    Attributes:
        name: The AnomalyJob's name.
        owner: Who the AnomalyJob is, for the mark on its job; None when there is no AnomalyJob that can be read.
        leaving: Whether it is being deleted.
        observed: What the server has; None when it was not looked at.
        job_id: The job's id.
        wants_feed: Whether the manifests ask for a datafeed that runs.
        feed_start: Where it begins when the job has seen nothing.
        feed_end: Where it ends; None for never.
    """

    name: str
    job_id: str = ""
    owner: Owner | None = None
    leaving: bool = False
    observed: Observed | None = None
    wants_feed: bool = False
    feed_start: str | None = None
    feed_end: str | None = None

    @property
    def job(self) -> ObservedJob | None:
        """The job on the server."""
        return None if self.observed is None else self.observed.job

    @property
    def state(self) -> JobState | None:
        """The job's state on the server; None when it has none."""
        return None if self.job is None else self.job.state

    @property
    def fed(self) -> bool:
        """Whether its datafeed runs."""
        return self.feed is not None and self.feed.state in _RUNNING

    @property
    def feed(self) -> ObservedDatafeed | None:
        """Its datafeed on the server."""
        return None if self.observed is None else self.observed.datafeed

    @property
    def completes_lookback(self) -> bool:
        """Whether its datafeed was begun for a bounded run, which the manifests still ask for."""
        marker = None if self.job is None else read_marker(self.job.config)
        return self.wants_feed and self.feed_end is not None and marker is not None and marker.lookback is not None

    @property
    def gone(self) -> bool:
        """Whether the job is there no more, or will not be for long."""
        return self.owner is None or self.leaving or self.job is None

    def why_not_there(self, *, failed_too: bool = False) -> Standing | None:
        """What a request waits for before it can touch the job; None when it may (`failed_too`: a failed one too)."""
        job = self.job
        if self.owner is None:
            return _waits(f"AnomalyJob {self.name} does not exist yet")
        if self.leaving:
            return _waits(f"AnomalyJob {self.name} is being deleted")
        if job is None:
            return _waits(f"job {self.job_id or f'of AnomalyJob {self.name}'} does not exist on the server yet")
        if (owner := owner_of(job.config)) is None or not owner.is_same(self.owner):
            whose = "nobody" if owner is None else str(owner)
            message = f"job {self.job_id} is managed by {whose}, not by AnomalyJob {self.name}: its conditions say why"
            return Standing(tone=Tone.WORKING, reason=Reason.WAITING_FOR_JOB, message=message)
        if job.blocked is not None:
            message = f"the server is at work on job {self.job_id} ({job.blocked})"
            return Standing(tone=Tone.WORKING, reason=Reason.BLOCKED, message=message)
        if job.state is JobState.FAILED and not failed_too:
            return _waits(f"job {self.job_id} has failed; the operator opens it again")
        return None


def _waits(message: str) -> Standing:
    return Standing(tone=Tone.WORKING, reason=Reason.WAITING_FOR_JOB, message=message)
