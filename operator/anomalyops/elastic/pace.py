"""No more than so many requests a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


class Pace:
    """Spreads requests evenly: any n of them take the time of n - 1 intervals at least.

    Args:
        per_second: The most in a second; None for any.
        clock: Says the time, in seconds.
        sleep: Waits for some seconds.
    """

    def __init__(
        self,
        per_second: int | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._interval = 0.0 if per_second is None else 1 / per_second
        self._clock = clock
        self._sleep = sleep
        self._next = 0.0

    async def turn(self) -> None:
        """Wait until a request may be sent. Who waits keeps its turn; turns are taken in order."""
        if not self._interval:
            return
        now = self._clock()
        mine = max(now, self._next)
        self._next = mine + self._interval
        if mine > now:
            await self._sleep(mine - now)
