"""What is said of a pair that cannot be worked on now, and what of it is let go all the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from anomalyops.controllers.pair.refusals import released_notice, waiting_status
from anomalyops.controllers.pair.release import release
from anomalyops.controllers.pair.reporting import pair_report
from anomalyops.health import Failure, Notice, transitions, unreachable_datafeed, unreachable_job
from anomalyops.reconciler import Pair
from anomalyops.resources import FINALIZER, Datafeed
from anomalyops.watching.controller import Report
from anomalyops.watching.objects import Seen


class Waiting:
    """Reports of pairs that wait.

    Args:
        patience: Seconds that a deletion with `Retain` waits for a server that does not answer.
    """

    def __init__(self, *, patience: float) -> None:
        self._patience = patience

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

    def let_go(self, seen: Sequence[Seen[Any]], failure: Failure, *, connected: bool) -> Report:
        """Let go of what is being deleted, as far as its policy allows that without the server."""
        report = Report()
        for one in seen:
            asked = one.metadata.deletion_timestamp
            if asked is None or one.managed is None:
                continue
            decision = release(
                one.managed.spec.deletion_policy,
                failure,
                f"{one.kind.server_object} {one.managed.server_id}",
                waited=(_now() - asked).total_seconds(),
                patience=self._patience,
                connected=connected,
            )
            if not decision.now:
                report += Report(retry_after=decision.seconds)
                continue
            held = FINALIZER in one.metadata.finalizers
            notices = ((one, released_notice(one, decision.message)),) if held else ()
            report += Report(notices=notices, released=(one,))
        return report


def _now() -> datetime:
    return datetime.now(UTC)
