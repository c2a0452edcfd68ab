"""How many requests of a kind run at once, and how many may wait.

Handlers are plain functions that run in worker threads, so that database work never blocks the event loop. Requests
that only look at states have threads of their own: they answer however busy searches and writes are. Where too many
wait already, one more is refused at once, as Elasticsearch's thread pools do.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from dataclasses import dataclass

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.store import Interruption

_REPEAT_SECONDS = 0.05


class Lane(enum.Enum):
    """A kind of request."""

    # What a probe or a table of states asks; answered from memory or by a small read.
    STATE = "state"
    SEARCH = "search"
    WRITE = "write"
    # Opening, closing, creating, deleting jobs and datafeeds: may wait long for a step that is running.
    MANAGEMENT = "management"


@dataclass(frozen=True, slots=True)
class _Size:
    """Threads, and requests that may wait for one."""

    threads: int
    waiting: int


# One writer at a time holds the store; those that wait meanwhile are written together, as many as there are threads. Of
# searches, each uses several threads of the database. The numbers of those that may wait are Elasticsearch's (search
# 1,000, write 10,000) or less, since bodies wait in memory.
_SIZES = {
    Lane.STATE: _Size(4, 1000),
    Lane.SEARCH: _Size(8, 1000),
    Lane.WRITE: _Size(16, 1000),
    Lane.MANAGEMENT: _Size(16, 1000),
}


@dataclass(frozen=True, slots=True)
class Traffic:
    """How busy a lane is: its threads, those that work, and the requests that wait for one."""

    threads: int
    working: int
    waiting: int


class Lanes:
    """The worker threads of one application."""

    def __init__(self) -> None:
        self._limiters = {lane: anyio.CapacityLimiter(size.threads) for lane, size in _SIZES.items()}
        self._running: set[Interruption] = set()

    def interrupt(self, reason: str) -> None:
        """End all requests that run or wait; what they have not committed is rolled back."""
        for interruption in tuple(self._running):
            interruption.request(reason)

    def traffic(self) -> dict[Lane, Traffic]:
        """Return how busy each lane is now."""
        found = {}
        for lane, limiter in self._limiters.items():
            statistics = limiter.statistics()
            found[lane] = Traffic(_SIZES[lane].threads, statistics.borrowed_tokens, statistics.tasks_waiting)
        return found

    async def run(self, lane: Lane, request: Request, work: Callable[[Interruption], Response]) -> Response:
        """Run a handler in a thread of its lane.

        When the client leaves, what waits is dropped and a search is ended; a write that has begun is finished, since
        many a client does not wait for the answer.

        Args:
            lane: whose threads to use.
            request: the request, read to its end.
            work: what to do; it is given the handle by which others can end it.

        Raises:
            ApiError: 429 when too many wait.
            WorkInterruptedError: the client has left, or the engine stops.
        """
        limiter = self._limiters[lane]
        waiting = limiter.statistics().tasks_waiting
        if waiting >= _SIZES[lane].waiting:
            raise ApiError(
                429,
                "es_rejected_execution_exception",
                f"rejected execution of [{request.method} {request.url.path}]: [{waiting}] requests wait for the "
                f"[{_SIZES[lane].threads}] threads of [{lane.value}]",
            )
        interruption = Interruption()
        started = False

        def guarded() -> Response:
            nonlocal started
            interruption.check()
            started = True
            with interruption.watching():
                return work(interruption)

        async def watch() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            if started and lane is not Lane.SEARCH:
                return
            while True:
                interruption.request("the client has left")
                await asyncio.sleep(_REPEAT_SECONDS)

        watcher = asyncio.create_task(watch())
        self._running.add(interruption)
        try:
            return await anyio.to_thread.run_sync(guarded, limiter=limiter)
        finally:
            self._running.discard(interruption)
            watcher.cancel()
