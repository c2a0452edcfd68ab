"""Work that computes for long, in a thread with an event loop of its own, beside the loop that serves.

The serving loop goes on meanwhile: the interpreter takes turns between threads every few milliseconds. What the work
reads from a server it has read in the serving loop, over the connections, limits and credentials that are there.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class ServingReads:
    """Reads of a server for a thread beside the serving loop.

    Args:
        read: The call, which runs in the serving loop.
        serving: That loop.
    """

    def __init__(self, read: Callable[..., Coroutine[Any, Any, Any]], serving: asyncio.AbstractEventLoop) -> None:
        self._read = read
        self._serving = serving

    async def read(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> Any:
        """As the call itself."""
        call = self._read(method, path, query=query, body=body)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call, self._serving))


class _Aside(Generic[T]):
    """One piece of work and the thread that it is done in."""

    def __init__(self, make: Callable[[], Awaitable[T]]) -> None:
        self._make = make
        self._serving = asyncio.get_running_loop()
        self._done: asyncio.Future[T] = self._serving.create_future()
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[T] | None = None
        self._lock = threading.Lock()
        self._dropped = False

    async def result(self) -> T:
        threading.Thread(target=self._run, name="aside", daemon=True).start()
        try:
            return await self._done
        finally:
            self._drop()

    def _drop(self) -> None:
        """Nobody waits any more: what is left of the work is cancelled, at its next await."""
        with self._lock:
            self._dropped = True
            if self._task is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._task.cancel)

    def _run(self) -> None:
        try:
            outcome: T | BaseException = self._loop.run_until_complete(self._work())
        except BaseException as error:  # whatever it is, who waits is told
            outcome = error
        with self._lock:
            self._loop.close()
            if self._dropped or self._serving.is_closed():
                return
            self._serving.call_soon_threadsafe(self._tell, outcome)

    async def _work(self) -> T:
        with self._lock:
            if self._dropped:
                raise asyncio.CancelledError
            self._task = asyncio.ensure_future(self._make())
        assert self._task is not None  # noqa: S101 - just made
        return await self._task

    def _tell(self, outcome: T | BaseException) -> None:
        if self._done.done():
            return
        if isinstance(outcome, asyncio.CancelledError):
            self._done.cancel()
        elif isinstance(outcome, BaseException):
            self._done.set_exception(outcome)
        else:
            self._done.set_result(outcome)


async def aside(make: Callable[[], Awaitable[T]]) -> T:
    """The result of work that is done in a thread with a loop of its own; cancelled with who waits for it.

    Args:
        make: Makes what is awaited there.

    Raises:
        Exception: What the work raised.
    """
    return await _Aside(make).result()
