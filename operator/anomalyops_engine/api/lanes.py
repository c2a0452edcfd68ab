"""How many requests of a kind run at once, and how many may wait.

Handlers are plain functions that run in worker threads, so that database work never blocks the event loop. Requests
that only look at states have threads of their own: they answer however busy searches and writes are. How many searches
work at once depends on what else does (`admission.py`). Where too many wait already, one more is refused at once, as
Elasticsearch's thread pools do.
"""

from __future__ import annotations

import asyncio
import enum
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from anomalyops_engine.api.admission import MOST_SEARCHES, PATIENCE_S, Busy, searches
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


# One writer at a time holds the store; those that wait meanwhile are written together, as many as there are threads.
# The numbers of those that may wait are Elasticsearch's (search 1,000, write 10,000) or less: bodies wait in memory.
_SIZES = {
    Lane.STATE: _Size(4, 1000),
    Lane.SEARCH: _Size(MOST_SEARCHES, 1000),
    Lane.WRITE: _Size(16, 1000),
    Lane.MANAGEMENT: _Size(16, 1000),
}


@dataclass(frozen=True, slots=True)
class Traffic:
    """How busy a lane is: the threads that it has now, those that work, and the requests that wait for one."""

    threads: int
    working: int
    waiting: int


class Lanes:
    """The worker threads of one application; everything but the handlers runs in the event loop."""

    def __init__(self, processors: int | None = None) -> None:
        """Prepare the lanes.

        Args:
            processors: that the engine may use; None for all that this process may.
        """
        self._processors = processors or len(os.sched_getaffinity(0))
        self._limiters = {lane: anyio.CapacityLimiter(size.threads) for lane, size in _SIZES.items()}
        # The lanes alone say who works, so that there is always a thread for whoever they let in.
        self._threads = anyio.CapacityLimiter(sum(size.threads for size in _SIZES.values()))
        self._running: set[Interruption] = set()
        self._writes = self._long = 0
        self._admit()

    def interrupt(self, reason: str) -> None:
        """End all requests that run or wait; what they have not committed is rolled back."""
        for interruption in tuple(self._running):
            interruption.request(reason)

    def traffic(self) -> dict[Lane, Traffic]:
        """Return how busy each lane is now."""
        found = {}
        for lane, limiter in self._limiters.items():
            statistics = limiter.statistics()
            found[lane] = Traffic(int(statistics.total_tokens), statistics.borrowed_tokens, statistics.tasks_waiting)
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
                f"[{int(limiter.total_tokens)}] threads of [{lane.value}]",
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
            with self._counted(lane):
                async with limiter:
                    with self._working(lane):
                        return await anyio.to_thread.run_sync(guarded, limiter=self._threads)
        finally:
            self._running.discard(interruption)
            watcher.cancel()

    @contextmanager
    def _counted(self, lane: Lane) -> Iterator[None]:
        """Count a request from when it waits for a thread to its end."""
        if lane is not Lane.WRITE:
            yield
            return
        self._writes += 1
        self._admit()
        try:
            yield
        finally:
            self._writes -= 1
            self._admit()

    @contextmanager
    def _working(self, lane: Lane) -> Iterator[None]:
        """Count a request that takes long, from when it does to its end."""
        if lane is not Lane.SEARCH:
            yield
            return
        late = False

        def note() -> None:
            nonlocal late
            late = True
            self._long += 1
            self._admit()

        timer = asyncio.get_running_loop().call_later(PATIENCE_S, note)
        try:
            yield
        finally:
            timer.cancel()
            if late:
                self._long -= 1
                self._admit()

    def _admit(self) -> None:
        """Let as many searches work as there may now; those that do already are not disturbed."""
        self._limiters[Lane.SEARCH].total_tokens = searches(Busy(self._processors, self._long, self._writes))
