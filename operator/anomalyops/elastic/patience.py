"""Calls that take the server a while, and calls that its own writes get in the way of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from anomalyops.elastic.errors import NotFound, Timeout, VersionConflict
from anomalyops.elastic.rest import Rest

T = TypeVar("T")

_CONFLICT_ATTEMPTS = 5
_ANSWER_MARGIN = 10.0  # seconds that the client waits longer than the server was told to


class Patience:
    """How long what takes the server a while is waited for.

    Args:
        rest: The server.
        state_timeout: Seconds that opening, closing, starting, stopping, resetting or deleting may take.
        poll_interval: Seconds between the first looks at a state that is awaited; grows up to 1 s.

    Attributes:
        answer_seconds: How long an answer is waited for that comes when a state is reached.
    """

    def __init__(self, rest: Rest, *, state_timeout: float, poll_interval: float) -> None:
        self._rest = rest
        self._state_timeout = state_timeout
        self._poll_interval = poll_interval
        self.answer_seconds = state_timeout + _ANSWER_MARGIN

    async def lifecycle(
        self,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """A call that the server answers when a state is reached; the client waits longer than the server."""
        return await self._rest.write(
            "POST",
            path,
            query=query if query is not None else {"timeout": f"{self._state_timeout:.0f}s"},
            body=body or None,
            seconds=self.answer_seconds,
        )

    async def request_state(self, path: str, *, force: bool) -> dict[str, Any]:
        """Asks for a state that is awaited by polling: running out of time here is not yet a failure.

        Returns:
            The answer; empty where there is no such object, or no answer in time.
        """
        query = {"timeout": f"{self._state_timeout:.0f}s", **({"force": "true"} if force else {})}
        try:
            return await self.lifecycle(path, query=query)
        except (NotFound, Timeout):
            return {}

    async def until(
        self, ask: Callable[[], Awaitable[bool]], missing: Callable[[], Awaitable[str | None]], call: str
    ) -> None:
        """Asks once, then, unless the answer shows that all is there, looks until nothing is missing.

        Raises:
            Timeout: Something was still missing after `state_timeout` seconds; says what.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._state_timeout
        if await ask():
            return
        pause = self._poll_interval
        while (problem := await missing()) is not None:
            if loop.time() >= deadline:
                raise Timeout(f"{problem} after {self._state_timeout:.0f} s", call=call)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 1.0)

    async def through_version_conflicts(self, send: Callable[[], Awaitable[T]]) -> T:
        """Sends a call again while the server's own concurrent write is in the way; the answer to the last one."""
        pause = self._poll_interval
        for _ in range(_CONFLICT_ATTEMPTS - 1):
            try:
                return await send()
            except VersionConflict:
                await asyncio.sleep(pause)
                pause *= 2
        return await send()
