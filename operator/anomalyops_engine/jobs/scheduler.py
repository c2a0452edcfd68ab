"""A bounded pool of worker threads that gives every running datafeed its turn.

A task is a small step that returns when it wants to run next. Those that want to run at once (lookbacks) take turns.
Those that wait for a time (real time) get every second turn when their time has come, so that no number of lookbacks
over years holds them up, nor they them.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable

_log = logging.getLogger(__name__)

Step = Callable[[], float | None]


class Scheduler:
    """Runs steps on `workers` threads.

    A step returns the seconds until its next turn (0 for at once, behind those who wait already), or None
    when it is finished. One task's steps never overlap.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._timed: list[tuple[float, int, Step]] = []  # a heap by due time
        self._eager: deque[Step] = deque()
        self._timed_before = False  # whether the turn before this one was a timed one's
        self._order = itertools.count()
        self._ready = threading.Condition()
        self._stopping = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the worker threads."""
        self._stopping = False
        for number in range(self._workers):
            thread = threading.Thread(target=self._work, name=f"datafeed-worker-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Finish the steps that run, forget those that wait, and end the threads."""
        with self._ready:
            self._stopping = True
            self._timed.clear()
            self._eager.clear()
            self._ready.notify_all()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def submit(self, step: Step, delay_s: float = 0.0) -> None:
        """Run `step` after `delay_s` seconds, and again as often as it asks for."""
        with self._ready:
            if self._stopping:
                return
            if delay_s > 0:
                heapq.heappush(self._timed, (time.monotonic() + delay_s, next(self._order), step))
            else:
                self._eager.append(step)
            self._ready.notify()

    def _next(self) -> Step | None:
        with self._ready:
            while not self._stopping:
                wait = self._timed[0][0] - time.monotonic() if self._timed else None
                due = wait is not None and wait <= 0
                if due and not (self._timed_before and self._eager):
                    self._timed_before = True
                    return heapq.heappop(self._timed)[2]
                if self._eager:
                    self._timed_before = False
                    return self._eager.popleft()
                self._ready.wait(wait)
        return None

    def _work(self) -> None:
        while (step := self._next()) is not None:
            try:
                delay = step()
            except Exception:
                # A step handles what it expects; what it does not must not take the worker with it.
                _log.exception("a datafeed step failed unexpectedly")
                continue
            if delay is not None:
                self.submit(step, delay)
