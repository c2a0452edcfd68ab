"""Pairs of which a look found nothing new: the next look at the same facts need not be thought through again."""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from anomalyops.health import Messages
from anomalyops.reconciler.pair import Pair
from anomalyops.resources import AnomalyJob, Datafeed

_TRUSTED = timedelta(minutes=5)  # some of a status depends on the time alone

_JOB_FACTS = ("state", "data_counts", "model_size_stats", "assignment_explanation", "deleting")
_FEED_FACTS = ("state", "assignment_explanation")
_RUNNING_FACTS = ("real_time_configured", "real_time_running")


@dataclass(frozen=True, slots=True)
class _Quiet:
    job: AnomalyJob | None
    datafeed: Datafeed | None
    facts: int
    until: datetime


@dataclass(slots=True)
class QuietPairs:
    """The quiet pairs of one look, with those of the look before.

    Nearly all jobs of a server are quiet between two looks half a minute apart, because datafeeds search every
    few minutes. A pair that is not asked about in a look is forgotten.
    """

    _before: Mapping[str, _Quiet] = field(default_factory=dict)
    _now: dict[str, _Quiet] = field(default_factory=dict)

    def next_look(self) -> QuietPairs:
        """For the next look."""
        return QuietPairs(self._now)

    def still(self, pair: Pair, facts: int, now: datetime) -> bool:
        """Whether neither the resources nor the facts changed since the pair was found quiet."""
        known = self._before.get(pair.key)
        if (
            known is None
            or known.job is not pair.job
            or known.datafeed is not pair.datafeed
            or known.facts != facts
            or known.until < now
        ):
            return False
        self._now[pair.key] = known
        return True

    def note(self, pair: Pair, facts: int, now: datetime) -> None:
        """Takes down a pair whose statuses are as they should be and that needs nothing."""
        self._now[pair.key] = _Quiet(pair.job, pair.datafeed, facts, now + _TRUSTED)


def facts_of(
    job_stats: Mapping[str, Any] | None, datafeed_stats: Mapping[str, Any] | None, messages: Messages | None
) -> int:
    """A fingerprint of all that the status of a pair can depend on in a look without configurations.

    Left out is what changes with every look and is in no status: run times, search intervals.
    """
    job, feed = job_stats or {}, datafeed_stats or {}
    running = feed.get("running_state") or {}
    values = (
        [job.get(name) for name in _JOB_FACTS],
        [feed.get(name) for name in _FEED_FACTS],
        [running.get(name) for name in _RUNNING_FACTS],
        [(stats.get("node") or {}).get("name") for stats in (job, feed)],
    )
    return hash((marshal.dumps(values), messages))
