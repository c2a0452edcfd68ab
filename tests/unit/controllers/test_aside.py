"""Work in a thread beside the serving loop: the loop goes on, errors arrive, and what nobody waits for ends."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from anomalyops.controllers.investigations.aside import ServingReads, aside
from waiting import PATIENCE_S


async def test_the_serving_loop_goes_on_while_work_computes() -> None:
    turns = 0

    async def compute() -> tuple[str, int]:
        begun, end = turns, time.monotonic() + PATIENCE_S
        while turns < begun + 20 and time.monotonic() < end:  # never awaits
            sum(range(1000))
        return threading.current_thread().name, turns - begun

    task = asyncio.ensure_future(aside(compute))
    while not task.done():
        await asyncio.sleep(0.005)
        turns += 1
    name, meanwhile = await task
    assert name == "aside"
    assert meanwhile >= 20  # in the loop itself there would be none


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
    assert await asyncio.to_thread(ended.wait, PATIENCE_S)
    assert not [
        one for one in threading.enumerate() if one.name == "aside" and (one.join(PATIENCE_S), one.is_alive())[1]
    ]
