"""The queue of reconciles: no key twice at a time, nothing lost, no lane starved by another."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from anomalyops.watching import workqueue
from anomalyops.watching.workqueue import WorkQueue
from waiting import PATIENCE_S, reached


class Recorder:
    """A `process` that counts, and can be held."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.at_a_time: Counter[str] = Counter()
        self.most = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.answer: float | None = None

    async def __call__(self, key: str) -> float | None:
        self.runs.append(key)
        self.at_a_time[key] += 1
        assert self.at_a_time[key] == 1, "one key runs twice at a time"
        self.most = max(self.most, sum(self.at_a_time.values()))
        await self.gate.wait()
        self.at_a_time[key] -= 1
        answer, self.answer = self.answer, None
        return answer


def queue_of(record: Recorder, per_lane: int = 2) -> WorkQueue[str]:
    return WorkQueue(record, lane=lambda key: key[0], per_lane=per_lane)


async def settle(queue: WorkQueue[str]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not queue.idle:  # noqa: ASYNC110 - the queue has no event for tests
            await asyncio.sleep(0)


async def test_a_key_that_waits_is_in_the_queue_once() -> None:
    record = Recorder()
    queue = queue_of(record, per_lane=1)
    record.gate.clear()
    queue.add("a1")
    for _ in range(5):
        queue.add("a2")
    record.gate.set()
    await settle(queue)
    assert record.runs == ["a1", "a2"]


async def test_a_key_added_while_it_runs_runs_once_more() -> None:
    record = Recorder()
    queue = queue_of(record)
    record.gate.clear()
    queue.add("a1")
    await asyncio.sleep(0)
    for _ in range(3):
        queue.add("a1")
    record.gate.set()
    await settle(queue)
    assert record.runs == ["a1", "a1"]


async def test_a_full_lane_leaves_room_for_the_others() -> None:
    record = Recorder()
    queue = queue_of(record, per_lane=2)
    record.gate.clear()
    for key in ("a1", "a2", "a3", "a4", "b1"):
        queue.add(key)
    await asyncio.sleep(0)
    assert record.runs == ["a1", "a2", "b1"]
    record.gate.set()
    await settle(queue)
    assert sorted(record.runs) == ["a1", "a2", "a3", "a4", "b1"]
    assert record.most == 3


async def test_it_runs_again_after_the_time_that_a_run_asks_for() -> None:
    record = Recorder()
    queue = queue_of(record)
    record.answer = 1.0
    queue.add("a1")
    await settle(queue)
    assert record.runs == ["a1"]
    await reached(lambda: len(record.runs) > 1)
    await settle(queue)
    await asyncio.sleep(0.1)
    assert record.runs == ["a1", "a1"]


async def test_the_earlier_of_two_retries_stands_and_an_add_replaces_both() -> None:
    record = Recorder()
    queue = queue_of(record)
    queue.add_after("a1", 0.03)
    queue.add_after("a1", 60)
    queue.add_after("a2", 0.03)
    queue.add("a2")
    await reached(lambda: {"a1", "a2"} <= set(record.runs))
    await settle(queue)
    await asyncio.sleep(0.1)
    assert sorted(record.runs) == ["a1", "a2"]


async def test_an_unexpected_failure_is_retried_and_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workqueue, "FIRST_BACKOFF", 0.02)
    runs: list[str] = []

    async def process(key: str) -> float | None:
        runs.append(key)
        if runs.count("a1") < 3 and key == "a1":
            raise RuntimeError("defect")
        return None

    queue: WorkQueue[str] = WorkQueue(process, lane=lambda key: key[0], per_lane=1)
    queue.add("a1")
    queue.add("a2")
    await reached(lambda: len(runs) > 3)
    await asyncio.sleep(0.1)
    assert runs == ["a1", "a2", "a1", "a1"]


async def test_closing_waits_for_what_runs_and_starts_nothing_more() -> None:
    record = Recorder()
    queue = queue_of(record, per_lane=1)
    record.gate.clear()
    queue.add("a1")
    queue.add("a2")
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.02, record.gate.set)
    await queue.close(grace=PATIENCE_S)
    queue.add("a3")
    assert record.runs == ["a1"]
    assert record.at_a_time["a1"] == 0


async def test_closing_cancels_what_outlasts_the_grace() -> None:
    record = Recorder()
    queue = queue_of(record)
    record.gate.clear()
    queue.add("a1")
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE_S):
        await queue.close(grace=0.01)
    assert not queue.is_running("a1")
