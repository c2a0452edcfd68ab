"""Watching all jobs and datafeeds of a server with a handful of calls, whatever their number."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from anomalyops.elastic import Gateway, GatewayError, LatestScores
from anomalyops.plan import has_retained
from anomalyops.reconciler.clock import utc_now
from anomalyops.reconciler.hearing import Hearing, milliseconds
from anomalyops.reconciler.observation import Documents, Observation, messages_by_job
from anomalyops.reconciler.quiet import QuietPairs

_MEMORY = timedelta(hours=24)  # how far back the first look listens, and how long a message is remembered


class Observer:
    """Looks at all jobs and datafeeds of one connection.

    Three calls a look (two stats, one search for messages), one more for scores, two more with configurations;
    constant in the number of jobs, apart from one for each that retains model snapshots, with configurations. An
    observation holds the messages of the last day, so that a problem which the server reported once is still known
    after the connection was away; only new ones are searched for.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        cluster: str = "local",
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Prepares an observer.

        Args:
            gateway: The server.
            cluster: Identity of the cluster that the resources live in, as the reconciler has it.
            clock: Says the time, in UTC.
        """
        self._gateway = gateway
        self._cluster = cluster
        self._clock = clock
        self._hearing = Hearing()
        self._quiet = QuietPairs()

    async def observe(
        self, *, configs: bool = False, scored_spans: Collection[int] = (), retaining: Collection[str] = ()
    ) -> Observation:
        """Looks once.

        Args:
            configs: Also read the configurations, to find changes made by somebody else.
            retaining: The ids of jobs whose manifests retain model snapshots: with configurations, one call for each.
            scored_spans: Bucket spans, in seconds, of the jobs whose latest scores are looked at; none: not looked at.

        Raises:
            GatewayError: The server does not answer. Messages that cannot be read are no error: the
                observation says so.
        """
        started_at = self._clock()
        # Datafeeds first: a lookback that is seen to have stopped has closed its job and counted everything by then.
        datafeed_stats = await self._gateway.datafeed_stats()
        job_stats, jobs, datafeeds, problem = await asyncio.gather(
            self._gateway.job_stats(),
            self._gateway.jobs() if configs else _not_asked(),
            self._gateway.datafeeds() if configs else _not_asked(),
            self._listen(started_at),
        )
        snapshots = {} if jobs is None else await self._snapshots(jobs, retaining)
        scores, scores_problem = await self._latest_scores(scored_spans, started_at)
        self._quiet = self._quiet.next_look()
        return Observation(
            started_at=started_at,
            cluster=self._cluster,
            job_stats=job_stats,
            datafeed_stats=datafeed_stats,
            jobs=jobs,
            datafeeds=datafeeds,
            messages=messages_by_job(self._hearing.messages()),
            messages_problem=problem,
            quiet=self._quiet,
            scores=scores,
            snapshots=snapshots,
            scores_problem=scores_problem,
        )

    async def _snapshots(self, jobs: Documents, retaining: Collection[str]) -> dict[str, tuple[Mapping[str, Any], ...]]:
        """The model snapshots of the jobs that retain some, or whose mark says that they did."""
        concerned = [name for name, config in jobs.items() if name in retaining or has_retained(config)]
        return {name: tuple(await self._gateway.snapshots_of(name)) for name in concerned}

    async def _latest_scores(self, spans: Collection[int], now: datetime) -> tuple[dict[str, LatestScores], str]:
        """How anomalous the latest buckets are, and why that cannot be read; empty when it can."""
        if not spans:
            return {}, ""
        try:
            return await self._gateway.latest_scores(spans, milliseconds(now)), ""
        except GatewayError as error:
            return {}, str(error)

    async def _listen(self, now: datetime) -> str:
        """Takes in new messages; why they cannot be read, empty when they can."""
        oldest = milliseconds(now - _MEMORY)
        since = max(self._hearing.since() or oldest, oldest)
        try:
            found = await self._gateway.ml_messages_since(since, self._hearing.known(since))
        except GatewayError as error:
            return str(error)
        self._hearing.take_in(found, begun=now, ended=self._clock())
        self._hearing.forget_before(oldest)
        return ""


async def _not_asked() -> Documents | None:
    return None
