"""Watching all jobs and datafeeds of a server with a handful of calls, whatever their number."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from anomalyops.elastic import Gateway, GatewayError, MlMessage
from anomalyops.reconciler.clock import utc_now
from anomalyops.reconciler.observation import Documents, Observation, messages_by_job
from anomalyops.reconciler.quiet import QuietPairs

_MEMORY = timedelta(hours=24)  # how far back the first look listens, and how long a message is remembered
_KEPT = 8  # messages of one job; the newest count
_OVERLAP = timedelta(minutes=2)  # a message becomes searchable a little after its timestamp


class Observer:
    """Looks at all jobs and datafeeds of one connection.

    Three calls a look (two stats, one search for messages), five with configurations; constant in the number
    of jobs. An observation holds the messages of the last day, so that a problem which the server reported once
    is still known after the connection was away; only new ones are searched for.
    """

    def __init__(self, gateway: Gateway, *, cluster: str = "local", clock: Callable[[], datetime] = utc_now) -> None:
        """Prepares an observer.

        Args:
            gateway: The server.
            cluster: Identity of the cluster that the resources live in, as the reconciler has it.
            clock: Says the time, in UTC.
        """
        self._gateway = gateway
        self._cluster = cluster
        self._clock = clock
        self._heard_until: int | None = None  # milliseconds since the epoch
        self._quiet = QuietPairs()
        self._recent: dict[str, deque[MlMessage]] = {}

    async def observe(self, *, configs: bool = False) -> Observation:
        """Looks once.

        Args:
            configs: Also read the configurations, to find changes made by somebody else.

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
        self._quiet = self._quiet.next_look()
        return Observation(
            started_at=started_at,
            cluster=self._cluster,
            job_stats=job_stats,
            datafeed_stats=datafeed_stats,
            jobs=jobs,
            datafeeds=datafeeds,
            messages=messages_by_job(message for recent in self._recent.values() for message in recent),
            messages_problem=problem,
            quiet=self._quiet,
        )

    async def _listen(self, now: datetime) -> str:
        """Takes in new messages; why they cannot be read, empty when they can."""
        oldest = _milliseconds(now - _MEMORY)
        since = max(self._heard_until or oldest, oldest)
        try:
            found = await self._gateway.ml_messages_since(since)
        except GatewayError as error:
            return str(error)
        newest = max((message.timestamp for message in found), default=since)
        self._heard_until = max(since, newest - _milliseconds(_OVERLAP))
        for message in found:
            recent = self._recent.setdefault(message.job_id, deque(maxlen=_KEPT))
            if all(message.id != known.id for known in recent):
                recent.append(message)
        self._recent = {job_id: recent for job_id, recent in self._recent.items() if recent[-1].timestamp >= oldest}
        return ""


async def _not_asked() -> Documents | None:
    return None


def _milliseconds(value: datetime | timedelta) -> int:
    """Since the epoch, or long."""
    return int((value.timestamp() if isinstance(value, datetime) else value.total_seconds()) * 1000)
