"""What jobs of the files need: memory by the server's estimate, and a query delay by how late data come."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from anomalyops.elastic import Gateway
from anomalyops.elastic.source import NoDateError, Source
from anomalyops.local.applying import CLUSTER
from anomalyops.local.connections import Target, open_gateway
from anomalyops.plan import DesiredDatafeed, DesiredJob
from anomalyops.plan.core.delay_policy import SECOND
from anomalyops.plan.core.sizing import Latency, advised_delay, advised_limit, latency
from anomalyops.plan.core.sizing_policy import within_bounds
from anomalyops.reconciler import Pair
from anomalyops.reconciler.estimating import estimate_memory
from anomalyops.reconciler.pair import desired
from anomalyops.reconciler.query_delay import FeedDelay
from anomalyops.resources import parse_duration, parse_memory

_SERVERS_LIMIT = 1024 * 2**20  # what a job without a limit of its own gets


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What one job needs.

    Attributes:
        job_id: The job.
        limit: Its memory limit as the manifest gives it, in bytes; the server's default without one.
        estimate: What the server estimates that it needs, in bytes; None without documents to look at.
        used: What it uses now, in bytes; None where it does not exist.
        largest: The largest limit that the server accepts, in bytes; None for no limit.
        advised_limit: The limit to give it, in bytes; None without an estimate.
        cardinalities: How many values each field has that splits data or influences.
        delay: The query delay of the manifest, in seconds; None without one.
        latency: How late documents came; None where they do not say when they were ingested.
        too_late: How many more came later than the longest delay that the manifest's policy allows.
        advised_delay: The query delay to give, in seconds; None without `latency`.
        undated: Why it cannot be known how late documents come, where they hold no dates; else empty.
    """

    job_id: str
    limit: int
    estimate: int | None
    used: int | None
    largest: int | None
    advised_limit: int | None
    cardinalities: dict[str, int]
    delay: float | None
    latency: Latency | None
    too_late: int
    advised_delay: int | None
    undated: str = ""

    @property
    def raise_limit(self) -> bool:
        """Whether the limit is lower than what is needed."""
        return self.advised_limit is not None and self.limit < self.advised_limit

    @property
    def too_large(self) -> bool:
        """Whether the server accepts no limit that is high enough."""
        return self.largest is not None and self.advised_limit is not None and self.largest < self.advised_limit

    @property
    def raise_delay(self) -> bool:
        """Whether documents come later than the datafeed waits for them."""
        return self.latency is not None and self.delay is not None and self.delay < self.latency.p95


async def estimate(target: Target, *, days: float, ingested_field: str | None, lateness: bool = True) -> list[Estimate]:
    """Estimate all jobs of the files on one server; nothing is changed.

    Args:
        target: The server and its pairs; pairs without a job or without a datafeed are left out.
        days: How far back from the latest document values are counted.
        ingested_field: The field that says when a document was ingested; by default what the manifest says.
        lateness: Whether to look how late documents come; the field has to be a date for that.

    Raises:
        GatewayError: The server does not answer, refuses a search, or does not estimate.
    """
    async with open_gateway(target.connection, target.credentials) as gateway:
        await gateway.info()
        largest = await gateway.trial.largest_memory_limit()
        limit = None if largest is None else parse_memory(largest)
        whole = [pair for pair in target.pairs if pair.job is not None and pair.datafeed is not None]
        calls = (
            _one(gateway, pair, largest=limit, days=days, ingested_field=ingested_field, lateness=lateness)
            for pair in whole
        )
        return list(await asyncio.gather(*calls))


async def _one(
    gateway: Gateway, pair: Pair, *, largest: int | None, days: float, ingested_field: str | None, lateness: bool
) -> Estimate:
    wanted = desired(pair, cluster=CLUSTER)
    job, feed = wanted.job, wanted.datafeed
    if not isinstance(job, DesiredJob) or not isinstance(feed, DesiredDatafeed) or job.body is None:
        raise ValueError("a pair with both manifests has both bodies")
    analysis = job.body["analysis_config"]
    source = Source(gateway.rest, feed.body, job.body["data_description"]["time_field"])
    said = await estimate_memory(gateway, source, analysis, days=days)
    needed = said.needed
    used = await _used(gateway, job.job_id)
    policy = FeedDelay.of(pair.datafeed)
    measured, undated = [], ""
    try:
        measured = await source.latencies(ingested_field or policy.ingested_field) if lateness else []
    except NoDateError as error:
        undated = str(error)
    found = latency(measured, policy.longest)
    delay = feed.body.get("query_delay")
    limit = (job.body.get("analysis_limits") or {}).get("model_memory_limit")
    return Estimate(
        job_id=job.job_id,
        limit=min(_SERVERS_LIMIT, largest or _SERVERS_LIMIT) if limit is None else parse_memory(limit),
        estimate=needed,
        used=used,
        largest=largest,
        advised_limit=None if needed is None else advised_limit(needed, used),
        cardinalities=dict(said.cardinalities),
        delay=None if delay is None else parse_duration(delay) / 1000,
        latency=found,
        too_late=len(measured) - (0 if found is None else found.documents),
        advised_delay=None if found is None else within_bounds(advised_delay(found) * SECOND, policy.rule) // SECOND,
        undated=undated,
    )


async def _used(gateway: Gateway, job_id: str) -> int | None:
    stats = await gateway.job_stats_of(job_id)
    return None if stats is None else int(stats.get("model_size_stats", {}).get("model_bytes", 0))
