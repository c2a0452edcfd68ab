"""A queue of keys to reconcile: each key at most once in it, and never two runs of one key at a time.

The rules are those of client-go's work queue: a key that is added while it runs is run once more afterwards,
however often it was added; a key that is to be retried later is forgotten when it is added before.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
logger = logging.getLogger(__name__)

FIRST_BACKOFF = 1.0  # seconds after the first unexpected failure of a key; doubled with each further one
LAST_BACKOFF = 300.0


class WorkQueue(Generic[Key]):
    """Runs `process` for keys, in the order in which they came, `per_lane` at a time in each lane.

    Args:
        process: one reconcile. It returns the seconds after which the key is to be run again, or None.
        lane: which lane a key is in, such as the server that it is about: one that hangs takes none of the
            workers of the others.
        per_lane: how many keys of a lane run at the same time.
    """

    def __init__(
        self,
        process: Callable[[Key], Awaitable[float | None]],
        *,
        lane: Callable[[Key], Hashable],
        per_lane: int,
    ) -> None:
        self._process = process
        self._lane = lane
        self._per_lane = per_lane
        self._waiting: dict[Hashable, dict[Key, None]] = {}  # lane -> keys in their order, an ordered set
        self._running: dict[Key, tuple[asyncio.Task[None], float]] = {}
        self._again: set[Key] = set()  # added while they run
        self._busy: Counter[Hashable] = Counter()
        self._later: dict[Key, asyncio.TimerHandle] = {}
        self._failures: Counter[Key] = Counter()
        self._moved: dict[Hashable, float] = {}  # lane -> when a run of it last began or ended, or it had to wait
        self._closed = False

    def add(self, key: Key) -> None:
        """Asks for a run of `key` as soon as there is room."""
        if self._closed:
            return
        self._forget_timer(key)
        if key in self._running:
            self._again.add(key)
            return
        lane = self._lane(key)
        if lane not in self._waiting:
            self._moved[lane] = time.monotonic()
        self._waiting.setdefault(lane, {})[key] = None
        self._start_what_fits(lane)

    def add_after(self, key: Key, delay: float) -> None:
        """Asks for a run of `key` in `delay` seconds, unless it is added before; an earlier wish stands."""
        planned = self._later.get(key)
        when = asyncio.get_running_loop().time() + delay
        if self._closed or (planned is not None and planned.when() <= when):
            return
        self._forget_timer(key)
        self._later[key] = asyncio.get_running_loop().call_at(when, self.add, key)

    def is_running(self, key: Key) -> bool:
        """Whether a run of `key` is going on."""
        return key in self._running

    @property
    def idle(self) -> bool:
        """Nothing runs and nothing waits for room (retries may still be planned)."""
        return not self._running and not self._waiting

    def longest_run(self) -> float:
        """Seconds since the oldest run that still goes on was begun; 0 when nothing runs."""
        now = time.monotonic()
        return max((now - begun for _, begun in self._running.values()), default=0.0)

    def standstill(self) -> float:
        """Seconds for which a lane has had keys that wait and none that began or ended; 0 when nothing waits."""
        now = time.monotonic()
        return max((now - self._moved[lane] for lane in self._waiting), default=0.0)

    async def close(self, *, grace: float) -> None:
        """Starts nothing more, gives what runs `grace` seconds to end, then cancels it."""
        self._closed = True
        self._waiting.clear()
        self._again.clear()
        for key in list(self._later):
            self._forget_timer(key)
        tasks = [task for task, _ in self._running.values()]
        if not tasks:
            return
        _, unfinished = await asyncio.wait(tasks, timeout=grace)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start_what_fits(self, lane: Hashable) -> None:
        waiting = self._waiting.get(lane, {})
        while waiting and self._busy[lane] < self._per_lane:
            key = next(iter(waiting))
            del waiting[key]
            if key in self._running:  # begun on another lane, before its lane changed
                self._again.add(key)
                continue
            self._busy[lane] += 1
            self._moved[lane] = time.monotonic()
            self._running[key] = (asyncio.create_task(self._run(key, lane)), time.monotonic())
        if not waiting:
            self._waiting.pop(lane, None)

    async def _run(self, key: Key, lane: Hashable) -> None:
        try:
            again = await self._process(key)
            self._failures.pop(key, None)
        except Exception:
            # A defect of the operator: it must not stop the other keys, and it may pass.
            self._failures[key] += 1
            again = min(FIRST_BACKOFF * 2 ** (self._failures[key] - 1), LAST_BACKOFF)
            logger.exception("reconciling %s failed unexpectedly; next try in %g s", key, again)
        finally:
            del self._running[key]
            self._busy[lane] -= 1
            self._moved[lane] = time.monotonic()
        if key in self._again:
            self._again.discard(key)
            self.add(key)
        elif again is not None:
            self.add_after(key, again)
        self._start_what_fits(lane)

    def _forget_timer(self, key: Key) -> None:
        timer = self._later.pop(key, None)
        if timer is not None:
            timer.cancel()
