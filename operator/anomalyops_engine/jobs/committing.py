"""Commits in order, each behind the analysis of what comes next: the database and the learners use a core each."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self


class Commits:
    """Commits of one row of steps: one at a time, in the order in which they are given, all done at the end.

    None begins before the one before it has succeeded: what is committed has no gap, wherever the process ends.
    """

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._latest: Future[None] | None = None

    def behind(self, commit: Callable[[], None]) -> None:
        """Begin a commit and return, as soon as the one before it is done; raises what that one raised."""
        self.settle()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._latest = self._pool.submit(commit)

    def now(self, commit: Callable[[], None]) -> None:
        """Do a commit after the one before it; raises what either raised."""
        self.settle()
        commit()

    def settle(self) -> None:
        """Wait for the commit that runs, if one does; raises what it raised."""
        latest, self._latest = self._latest, None
        if latest is not None:
            latest.result()

    def __enter__(self) -> Self:
        """Begin the row."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the commit that runs; what it raised comes out where nothing else did."""
        try:
            if error is None:
                self.settle()
        finally:
            if self._pool is not None:
                self._pool.shutdown(wait=True)
