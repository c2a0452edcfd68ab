"""Watching all jobs and datafeeds of a server with a handful of calls, whatever their number."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from anomalyops.elastic import Gateway, GatewayError, MlMessage
from anomalyops.reconciler.clock import utc_now
from anomalyops.reconciler.observation import Documents, Observation, messages_by_job

_FIRST_WINDOW = timedelta(hours=1)  # how far back the first look listens
_OVERLAP = timedelta(minutes=2)  # a message becomes searchable a little after its timestamp


class Observer:
    """Looks at all jobs and datafeeds of one connection.

    Three calls a look (two stats, one search for messages), five with configurations; constant in the number
    of jobs. Messages that an earlier look has seen are not reported again.
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
        self._heard: set[str] = set()  # ids of the messages in the overlap

    async def observe(self, *, configs: bool = False) -> Observation:
        """Looks once.

        Args:
            configs: Also read the configurations, to find changes made by somebody else.

        Raises:
            GatewayError: The server does not answer. Messages that cannot be read are no error: the
                observation says so.
        """
        started_at = self._clock()
        job_stats, datafeed_stats, jobs, datafeeds, heard = await asyncio.gather(
            self._gateway.job_stats(),
            self._gateway.datafeed_stats(),
            self._gateway.jobs() if configs else _not_asked(),
            self._gateway.datafeeds() if configs else _not_asked(),
            self._listen(started_at),
        )
        messages, problem = heard
        return Observation(
            started_at=started_at,
            cluster=self._cluster,
            job_stats=job_stats,
            datafeed_stats=datafeed_stats,
            jobs=jobs,
            datafeeds=datafeeds,
            messages=messages_by_job(messages),
            messages_problem=problem,
        )

    async def _listen(self, now: datetime) -> tuple[list[MlMessage], str]:
        """New messages, or none and why they cannot be read."""
        since = self._heard_until
        if since is None:
            since = _milliseconds(now - _FIRST_WINDOW)
        try:
            found = await self._gateway.ml_messages_since(since)
        except GatewayError as error:
            return [], str(error)
        new = [message for message in found if message.id not in self._heard]
        newest = max((message.timestamp for message in found), default=since)
        self._heard_until = max(since, newest - int(_OVERLAP.total_seconds() * 1000))
        self._heard = {message.id for message in found if message.timestamp >= self._heard_until}
        return new, ""


async def _not_asked() -> Documents | None:
    return None


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
