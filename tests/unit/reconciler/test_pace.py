"""Requests to one server are spread evenly, however many want to be sent at once."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from anomalyops.elastic.pace import Pace


@given(
    st.integers(1, 200),
    st.lists(st.floats(0, 3), min_size=2, max_size=40).map(sorted),
)
def test_any_n_requests_take_n_minus_one_intervals(per_second: int, wanted: list[float]) -> None:
    now, sent = 0.0, []

    async def sleep(seconds: float) -> None:
        sent.append(now + seconds)

    async def run() -> None:
        nonlocal now
        pace = Pace(per_second, clock=lambda: now, sleep=sleep)
        for now in wanted:
            before = len(sent)
            await pace.turn()
            if len(sent) == before:
                sent.append(now)

    asyncio.run(run())
    assert all(at >= asked for at, asked in zip(sent, wanted, strict=True)), "none is sent before it is wanted"
    for first in range(len(sent)):
        for last in range(first + 1, len(sent)):
            assert sent[last] - sent[first] >= (last - first) / per_second - 1e-6


async def test_without_a_limit_nothing_waits() -> None:
    async def never(_seconds: float) -> None:
        raise AssertionError("it waited")

    pace = Pace(None, sleep=never)
    for _ in range(100):
        await pace.turn()
