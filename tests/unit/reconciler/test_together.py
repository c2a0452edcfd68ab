"""Asking together: fewer calls, and nobody is told what was true before the asking."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops.elastic.together import Together

LASTS = 4  # ticks of a call


class Server:
    """Answers how often it was asked, and remembers when each call began and ended."""

    def __init__(self, *, fails=frozenset()):
        self.now = 0
        self.begun = []
        self.ended = []
        self.fails = fails

    async def call(self):
        number = len(self.begun)
        self.begun.append(self.now)
        for _ in range(LASTS):
            await asyncio.sleep(0)
        self.ended.append(self.now)
        if number in self.fails:
            raise RuntimeError(number)
        return number


async def _play(server, times, gives_up=frozenset()):
    """Somebody asks at each of these times; which call each was answered by, and when it asked."""
    together, heard = Together(server.call), {}

    async def ask(number):
        at = server.now
        try:
            heard[number] = (at, await together.ask())
        except RuntimeError as error:
            heard[number] = (at, error.args[0])

    asking = {}
    while server.now < max(times) + 6 * LASTS:
        for number, at in enumerate(times):
            if at == server.now:
                asking[number] = asyncio.create_task(ask(number))
        for number in gives_up & {one for one, task in asking.items() if times[one] + 2 == server.now}:
            asking[number].cancel()
        await asyncio.sleep(0)
        server.now += 1
    await asyncio.gather(*asking.values(), return_exceptions=True)
    return heard


times = st.lists(st.integers(0, 40), min_size=1, max_size=30)


@given(times, st.frozensets(st.integers(0, 5)), st.frozensets(st.integers(0, 29)))
def test_every_answer_is_of_a_call_that_began_after_the_asking(times, fails, gives_up):
    server = Server(fails=fails)
    heard = asyncio.run(_play(server, times, gives_up))
    assert set(range(len(times))) - gives_up <= set(heard), "whoever waits is told"
    for asked, number in heard.values():
        assert server.begun[number] >= asked
    assert all(ended <= begun for ended, begun in zip(server.ended, server.begun[1:], strict=False)), "one at a time"


@given(times)
def test_many_cost_no_more_than_two_calls_in_the_time_of_one(times):
    server = Server()
    asyncio.run(_play(server, times))
    assert len(server.begun) <= len(times)
    assert all(later - earlier >= LASTS for earlier, later in pairwise(server.begun))


def test_who_asks_alone_is_told_what_went_wrong_and_may_ask_again():
    async def play():
        server = Server(fails={0})
        together = Together(server.call)
        with pytest.raises(RuntimeError):
            await together.ask()
        return await together.ask()

    assert asyncio.run(play()) == 1
