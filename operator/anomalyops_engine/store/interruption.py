"""Ending database work from another thread: when its client left, its time is over, or the engine stops.

A piece of work runs in one thread and opens cursors one after the other. Whoever has its `Interruption` ends the
statement that runs and keeps the next one from starting; the open transaction is rolled back.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

import duckdb

from anomalyops_engine.store.errors import WorkInterruptedError

# The database forgets an interrupt that falls between two statements, so it is repeated until the work has ended.
_REPEAT_SECONDS = 0.05
_current: ContextVar[Interruption | None] = ContextVar("interruption", default=None)


class Interruption:
    """The handle on one piece of work; safe to use from any thread."""

    def __init__(self) -> None:
        self._cursors: set[duckdb.DuckDBPyConnection] = set()
        self._parts: set[Interruption] = set()
        self._lock = threading.Lock()
        self._reason: str | None = None

    def request(self, reason: str) -> None:
        """Interrupt the statement that runs, if any, and let no other start; returns at once."""
        with self._lock:
            self._reason = self._reason or reason
            for cursor in self._cursors:
                cursor.interrupt()
            for part in self._parts:
                part.request(reason)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Let the work of this thread (and what it opens) be ended by this handle.

        Raises:
            WorkInterruptedError: the end was requested before.
        """
        self.check()
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    @contextmanager
    def part(self) -> Iterator[Interruption]:
        """Give a handle on the work of the block, which ends with the whole and may be ended before.

        Raises:
            WorkInterruptedError: the end was requested before.
        """
        inner = Interruption()
        with self._lock:
            self.check()
            self._parts.add(inner)
        try:
            with inner.watching():
                yield inner
        finally:
            with self._lock:
                self._parts.discard(inner)

    @contextmanager
    def after(self, timeout_ms: int | None, reason: str) -> Iterator[None]:
        """Request the end when the block still runs after some milliseconds; None for never."""
        if timeout_ms is None:
            yield
            return
        done = threading.Event()

        def expire() -> None:
            wait = timeout_ms / 1000
            while not done.wait(wait):
                self.request(reason)
                wait = _REPEAT_SECONDS

        watcher = threading.Thread(target=expire, name="deadline", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()

    def check(self) -> None:
        """Raise when the work is to end.

        Raises:
            WorkInterruptedError: it is.
        """
        if self._reason is not None:
            raise WorkInterruptedError(self._reason)

    @contextmanager
    def holding(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Count a cursor as part of the work.

        Raises:
            WorkInterruptedError: the end was requested before or meanwhile.
        """
        with self._lock:
            self.check()
            self._cursors.add(cursor)
        try:
            yield
        except duckdb.InterruptException:
            raise WorkInterruptedError(self._reason or "interrupted") from None
        finally:
            with self._lock:
                self._cursors.discard(cursor)


def interruptible(cursor: duckdb.DuckDBPyConnection) -> AbstractContextManager[None]:
    """Return the context in which a cursor's statements are ended with the work of this thread.

    Raises:
        WorkInterruptedError: on entering or inside, when the end is requested.
    """
    current = _current.get()
    return nullcontext() if current is None else current.holding(cursor)


def end_if_asked() -> None:
    """Let work of this thread that is not the database's end where its end was requested.

    Raises:
        WorkInterruptedError: it was.
    """
    current = _current.get()
    if current is not None:
        current.check()
