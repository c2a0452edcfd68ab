"""Requests of all kinds beside each other: who begins when, by who works and who waits, and not by the clock."""

from __future__ import annotations

import asyncio
import threading

import pytest
from starlette.requests import Request
from starlette.responses import Response

from anomalyops_engine.api import lanes as module
from anomalyops_engine.api.admission import MOST_SEARCHES
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.lanes import Lane, Lanes
from waiting import PATIENCE_S

_PROCESSORS = 2


class Crowd:
    """Requests that work until they are told to end.

    Attributes:
        lanes: their lanes.
        begun: those that have begun; of those that were let in together any may be first.
    """

    def __init__(self) -> None:
        self.lanes = Lanes(_PROCESSORS)
        self.begun: list[str] = []
        self._ends: dict[str, threading.Event] = {}
        self._tasks: dict[str, asyncio.Task[Response]] = {}

    def send(self, lane: Lane, *names: str) -> None:
        for name in names:
            end = self._ends[name] = threading.Event()
            self._tasks[name] = asyncio.create_task(self.lanes.run(lane, _request(), self._work(name, end)))

    def _work(self, name, end):
        def work(_interruption):
            self.begun.append(name)
            end.wait(PATIENCE_S)
            return Response()

        return work

    async def end(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()
            await self._tasks[name]

    async def settled(self) -> set[str]:
        """Who has begun, once nobody else is about to: a request of a lane with room has begun by then."""
        while True:
            for _ in range(20):
                await asyncio.sleep(0)
            if len(self.begun) == self.let_in():
                return set(self.begun)
            await asyncio.sleep(0.001)

    async def all_begun(self, count: int) -> None:
        while len(self.begun) < count:  # noqa: ASYNC110 (threads begin them)
            await asyncio.sleep(0.001)

    def let_in(self) -> int:
        ended = sum(task.done() for task in self._tasks.values())
        return ended + sum(traffic.working for traffic in self.lanes.traffic().values())


def _request() -> Request:
    async def receive():
        await asyncio.Event().wait()

    return Request({"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}, receive)


@pytest.fixture
def patient(monkeypatch):
    """No search takes long, however slow the machine is."""
    monkeypatch.setattr(module, "PATIENCE_S", 1000.0)


def test_writes_begin_at_once_and_searches_give_way_to_them_until_they_have_ended(patient):
    async def story():
        crowd = Crowd()
        crowd.send(Lane.SEARCH, *"abcdef")
        assert await crowd.settled() == set("abcd")
        crowd.send(Lane.WRITE, "w")
        assert await crowd.settled() == set("abcdw")
        await crowd.end("a", "b")
        assert await crowd.settled() == set("abcdw")
        await crowd.end("c")
        assert await crowd.settled() == set("abcdwe")
        await crowd.end("w")
        assert await crowd.settled() == set("abcdwef")
        await crowd.end(*"def")

    asyncio.run(story())


def test_searches_go_on_however_much_is_written(patient):
    async def story():
        crowd = Crowd()
        crowd.send(Lane.WRITE, *(f"w{number}" for number in range(100)))
        crowd.send(Lane.SEARCH, *"abcdef")
        await crowd.settled()
        for number, first in enumerate("abcd"):
            assert {name for name in crowd.begun if name in "abcdef"} == set("abcdef"[: _PROCESSORS + number])
            await crowd.end(first)
            await crowd.settled()
        await crowd.end("e", "f", *(f"w{number}" for number in range(100)))
        assert len(crowd.begun) == 106

    asyncio.run(story())


def test_searches_that_take_long_do_not_keep_others_out_as_far_as_there_are_threads(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_S", 0.001)

    async def story():
        crowd = Crowd()
        names = [f"s{number}" for number in range(MOST_SEARCHES + 3)]
        crowd.send(Lane.SEARCH, *names)
        crowd.send(Lane.WRITE, "w")
        await crowd.all_begun(MOST_SEARCHES + 1)
        assert crowd.lanes.traffic()[Lane.SEARCH].threads == MOST_SEARCHES
        assert crowd.lanes.traffic()[Lane.SEARCH].waiting == 3
        await crowd.end("w", *names)
        assert set(crowd.begun) == {"w", *names}
        assert crowd.lanes.traffic()[Lane.SEARCH].threads == 2 * _PROCESSORS

    asyncio.run(story())


def test_states_are_looked_at_while_everything_else_is_full(patient):
    async def story():
        crowd = Crowd()
        crowd.send(Lane.SEARCH, *(f"s{number}" for number in range(50)))
        crowd.send(Lane.WRITE, *(f"w{number}" for number in range(50)))
        await crowd.settled()
        crowd.send(Lane.STATE, "state")
        assert "state" in await crowd.settled()
        await crowd.end("state", *(f"{kind}{number}" for kind in "sw" for number in range(50)))

    asyncio.run(story())


def test_one_more_than_may_wait_is_refused_at_once(patient):
    async def story():
        crowd = Crowd()
        names = [f"s{number}" for number in range(1000 + 2 * _PROCESSORS)]
        crowd.send(Lane.SEARCH, *names)
        await crowd.settled()
        with pytest.raises(ApiError) as caught:
            await crowd.lanes.run(Lane.SEARCH, _request(), lambda _: Response())
        assert (caught.value.status, caught.value.type) == (429, "es_rejected_execution_exception")
        assert "[1000] requests wait for the [4] threads of [search]" in caught.value.reason
        await crowd.end(*names)

    asyncio.run(story())
