"""One call for all who ask the same at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Together(Generic[T]):
    """A question about a server whose answer is the same for whoever asks it.

    Nobody is given an answer that may be older than the asking: who asks while a call is under way waits for its end,
    and then one call is made for all who wait. So however many ask, two calls at most are made in the time of one.

    Args:
        call: Asks the server. It begins after everybody asked who is given its answer.
    """

    def __init__(self, call: Callable[[], Awaitable[T]]) -> None:
        self._call = call
        self._under_way: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def ask(self) -> T:
        """The answer of a call that begins from now on, or what went wrong with it."""
        if self._next is None or self._next.done():
            self._next = asyncio.create_task(self._after(self._under_way))
            self._next.add_done_callback(_taken_note_of)
        # Who gives up does so alone.
        return await asyncio.shield(self._next)

    async def _after(self, before: asyncio.Task[T] | None) -> T:
        if before is not None:
            await asyncio.wait([before])
        self._under_way, self._next = self._next, None
        return await self._call()


def _taken_note_of(task: asyncio.Task[T]) -> None:
    """Nobody may be left to hear what went wrong."""
    if not task.cancelled():
        task.exception()
