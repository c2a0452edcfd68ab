"""Work in a thread beside the serving loop: the loop goes on, errors arrive, and what nobody waits for ends."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from anomalyops.controllers.investigations.aside import ServingReads, aside


async def test_the_serving_loop_goes_on_while_work_computes() -> None:
    async def compute() -> str:
        until = time.monotonic() + 1.0
        while time.monotonic() < until:  # never awaits
            sum(range(1000))
        return threading.current_thread().name

    longest, last = 0.0, time.monotonic()
    task = asyncio.ensure_future(aside(compute))
    while not task.done():
        await asyncio.sleep(0.005)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    assert await task == "aside"
    assert longest < 0.7  # in the loop itself it would be the whole second


async def test_reads_are_made_in_the_serving_loop_and_their_errors_arrive() -> None:
    serving = threading.current_thread()
    seen: list[threading.Thread] = []

    async def read(method: str, path: str, **_: object) -> str:
        seen.append(threading.current_thread())
        if path == "/bad":
            raise KeyError("no such path")
        return f"{method} {path}"

    server = ServingReads(read, asyncio.get_running_loop())
    assert await aside(lambda: server.read("GET", "/good")) == "GET /good"
    with pytest.raises(KeyError, match="no such path"):
        await aside(lambda: server.read("GET", "/bad"))
    assert seen == [serving, serving]


async def test_work_that_nobody_waits_for_any_more_ends() -> None:
    ended = threading.Event()

    async def endless() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await aside(endless)
    assert await asyncio.to_thread(ended.wait, 5)
    assert not [one for one in threading.enumerate() if one.name == "aside" and (one.join(5), one.is_alive())[1]]
