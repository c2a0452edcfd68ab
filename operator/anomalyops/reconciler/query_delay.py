"""The query delay of a pair's datafeed, as its manifest's policy has it: how late documents come, what is wanted."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from anomalyops.elastic import Gateway, GatewayError
from anomalyops.elastic.source import NoDateError, Source
from anomalyops.plan import DatafeedState, DelayLook, Desired, DesiredDatafeed, Observed, ObservedDatafeed
from anomalyops.plan.core.delay_policy import SECOND, DelayNeed, longer_delay
from anomalyops.plan.core.sizing import latency
from anomalyops.plan.core.sizing_policy import SizingRule, size_to_keep
from anomalyops.reconciler.sizing import Sized, rule_of
from anomalyops.resources import Datafeed, DelayedData, QueryDelayStatus, SizingPolicy, parse_duration
from anomalyops.resources.datafeed import DEFAULT_INGESTED_FIELD
from anomalyops.resources.job import DEFAULT_TIME_FIELD

DEFAULT_LONGEST = "1h"  # what a policy without `max` allows
MEASURED_EVERY = timedelta(days=1)  # without a report of documents that were missed


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedDelay(Sized):
    """What a manifest says about the query delay, in milliseconds, and what its status remembers.

    Attributes:
        ingested_field: The field that says when a document was ingested.
        bounded: Whether the datafeed reads up to an end: then it waits for nothing.
        measured: When it was last looked how late documents come; None for never.
        missed: The server's latest report of documents that were missed; None for none.
    """

    ingested_field: str = DEFAULT_INGESTED_FIELD
    bounded: bool = False
    measured: datetime | None = None
    missed: DelayedData | None = None

    @classmethod
    def of(cls, feed: Datafeed | None) -> FeedDelay:
        """Read them from a resource."""
        asked = feed.spec.query_delay_policy if feed is not None else None
        if feed is None or asked is None:
            return cls(rule=SizingRule())
        known = (feed.status.query_delay if feed.status is not None else None) or QueryDelayStatus()
        recommended = known.recommended_delay
        return cls(
            rule=rule_of(asked, asked.min, asked.max or DEFAULT_LONGEST, parse_duration),
            raised=known.raised_time,
            recommended=None if recommended is None else parse_duration(recommended),
            ingested_field=asked.ingested_field,
            bounded=feed.spec.end is not None,
            measured=known.measured_time,
            missed=None if feed.status is None else feed.status.delayed_data,
        )

    def wanted(self, desired: Desired, feed: ObservedDatafeed | None, delay: int | None = None) -> Desired:
        """What the manifests ask for, with the query delay that the policy has.

        Args:
            desired: What the manifests ask for.
            feed: The server's datafeed, with its configuration.
            delay: A longer delay that it is to have now, in milliseconds.
        """
        asked = desired.datafeed
        if self.rule.mode is not SizingPolicy.AUTO or not isinstance(asked, DesiredDatafeed):
            return desired
        given = asked.body.get("query_delay")
        kept = size_to_keep(None if given is None else parse_duration(given), delay or configured(feed), self.rule)
        if kept is None or (given is not None and parse_duration(given) == kept):
            return desired
        return replace(desired, datafeed=replace(asked, body={**asked.body, "query_delay": written(kept)}))

    def is_due(self, feed: ObservedDatafeed | None, now: datetime, *, undisturbed: bool) -> bool:
        """Whether to look how late documents come: seldom, when some were missed, and before a raise.

        Args:
            feed: The server's datafeed.
            now: The time.
            undisturbed: Whether the datafeed is not to be stopped now.
        """
        if self.rule.mode is SizingPolicy.FIXED or self.bounded:
            return False
        if feed is None or feed.state is not DatafeedState.STARTED:
            return False
        if self.measured is None or now - self.measured >= MEASURED_EVERY or self._news(now):
            return True
        return self.recommended is not None and self.may_raise(now) and not undisturbed

    @property
    def longest(self) -> float:
        """The longest delay that is allowed, in seconds."""
        return math.inf if self.rule.most is None else self.rule.most / SECOND

    @property
    def misses(self) -> bool:
        """Whether the server reported documents that were missed since the delay was raised last."""
        told = self.missed
        if told is None or told.observed_at is None:
            return False
        # A report may be of buckets from before the raise, and says nothing about the delay that it made.
        return self.raised is None or (told.latest_bucket or told.observed_at) > self.raised

    def _news(self, now: datetime) -> bool:
        """Whether documents were missed since the last measuring, which is over for a cool-down."""
        told = None if self.missed is None else self.missed.observed_at
        if told is None or self.measured is None or not self.misses:
            return False
        return told > self.measured and (now - self.measured).total_seconds() >= self.rule.cool_down


async def look_at_delay(gateway: Gateway, delay: FeedDelay, desired: Desired, observed: Observed) -> DelayLook | None:
    """How late the documents of a datafeed come, and the delay that follows; None where there is no datafeed.

    What cannot be searched says nothing: then the server's reports of missed documents count alone.
    """
    feed, asked = observed.datafeed, desired.datafeed
    if feed is None or not isinstance(asked, DesiredDatafeed) or observed.job is None:
        return None
    time_field = (observed.job.config.get("data_description") or {}).get("time_field") or DEFAULT_TIME_FIELD
    try:
        seconds = await Source(gateway.rest, asked.body, time_field).latencies(delay.ingested_field)
    except (GatewayError, NoDateError):
        seconds = []
    found = latency(seconds, delay.longest)
    in_force = configured(feed) or 0
    advised = longer_delay(DelayNeed(in_force=in_force, latency=found, missed=delay.misses), delay.rule)
    return DelayLook(
        latency=found, too_late=len(seconds) - (found.documents if found else 0), in_force=in_force, advised=advised
    )


def configured(feed: ObservedDatafeed | None) -> int | None:
    """The query delay of the server's datafeed, in milliseconds; None where it is not known."""
    given = None if feed is None else feed.config.get("query_delay")
    return None if given is None else parse_duration(str(given))


def written(delay: int) -> str:
    """A delay in milliseconds as a manifest writes it."""
    return f"{delay // SECOND}s" if delay % SECOND == 0 else f"{delay}ms"
