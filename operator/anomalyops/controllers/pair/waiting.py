"""What is said of a pair that cannot be worked on now, and what of it is let go all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from anomalyops.controllers.letting_go import LettingGo
from anomalyops.controllers.pair.refusals import waiting_status
from anomalyops.controllers.pair.reporting import pair_report
from anomalyops.health import Failure, Notice, transitions, unreachable_datafeed, unreachable_job
from anomalyops.reconciler import Pair
from anomalyops.resources import Datafeed
from anomalyops.watching.controller import Report
from anomalyops.watching.objects import Seen


class Waiting(LettingGo):
    """Reports of pairs that wait."""

    def for_job(self, pair: Pair, seen: list[Seen[Any]], failure: Failure) -> Report:
        """A Datafeed without a job needs no server: it says what it waits for, or goes."""
        datafeed = pair.datafeed
        if datafeed is None:
            return Report()
        let_go = replace(self.let_go(seen, failure, connected=False), retry_after=None)  # its job brings it back
        if let_go.released:
            return let_go
        status = waiting_status(datafeed, _now())
        return let_go + pair_report(seen, None, status, transitions(datafeed, datafeed.status, status))

    @staticmethod
    def for_valid_job(datafeed: Datafeed, seen: list[Seen[Any]]) -> Report:
        """A Datafeed whose job breaks a rule, and never was on a server."""
        name = datafeed.spec.job_ref.name
        status = waiting_status(datafeed, _now(), f"AnomalyJob {name!r} of spec.jobRef is invalid; see there")
        return pair_report(seen, None, status, transitions(datafeed, datafeed.status, status))

    def for_connection(self, pair: Pair, seen: list[Seen[Any]], failure: Failure, *, connected: bool) -> Report:
        """The pair cannot be worked on: it says why. The connection's next change brings it back."""
        let_go = self.let_go(seen, failure, connected=connected)
        if len(let_go.released) == len(seen):
            return let_go
        now, job, datafeed = _now(), pair.job, pair.datafeed
        job_status = unreachable_job(job.status, job, failure, now) if job is not None else None
        feed_status = None
        notices: tuple[Notice, ...] = ()
        if job is not None and job_status is not None:
            notices += transitions(job, job.status, job_status)
        if datafeed is not None:
            feed_status = unreachable_datafeed(datafeed.status, datafeed, failure, now)
            notices += transitions(datafeed, datafeed.status, feed_status)
        return (
            pair_report([one for one in seen if one not in let_go.released], job_status, feed_status, notices) + let_go
        )


def _now() -> datetime:
    return datetime.now(UTC)
