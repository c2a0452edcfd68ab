"""Small writes of many threads that share one transaction, and so the one wait for the disk.

While one thread holds the store, others queue. The next one takes what has queued up and writes it all together; each
goes on when that is durable. Where the whole fails, each tries for itself, in its own thread: nobody fails for what a
neighbour did.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, TypeAlias

from anomalyops_engine.store.writer import Writer

# Documents of one transaction: more would keep the first ones waiting, and those who read their answers.
_MOST: Final = 10_000

# Does items in their order and returns an answer of each. Items of several callers come as one sequence, so it must not
# matter which of them come together.
Work: TypeAlias = Callable[[Writer, Sequence[Any]], list[Any]]


@dataclass(slots=True, eq=False)
class _Share:
    """What one thread wants written."""

    items: Sequence[Any]
    work: Work
    size: int
    alone: bool = False
    answers: list[Any] | None = None
    woken: threading.Event = field(default_factory=threading.Event)


class Together:
    """The queue of a store."""

    def __init__(self, write: Callable[[], AbstractContextManager[Writer]]) -> None:
        self._write = write
        self._queue: deque[_Share] = deque()
        self._led = False  # whether a thread writes for those that wait
        self._changing = threading.Lock()  # both of them

    def write(self, items: Sequence[Any], work: Work, *, size: int | None = None) -> list[Any]:
        """Have items written, and return their answers when they are durable.

        Args:
            items: what to write.
            work: does them.
            size: how many documents they are; None for one each.

        Raises:
            WorkInterruptedError: it was ended from outside, and nothing was written.
        """
        share = _Share(items, work, len(items) if size is None else size)
        with self._changing:
            self._queue.append(share)
            waits, self._led = self._led, True
        if waits:
            share.woken.wait()
        if share.answers is None and not share.alone:
            try:
                self._lead(share)
            finally:
                self._pass_on()
        if share.answers is None:
            with self._write() as writer:
                share.answers = work(writer, items)
        return share.answers

    def _lead(self, own: _Share) -> None:
        """Write what waits, or leave each to itself."""
        shares: list[_Share] = []
        try:
            with self._write() as writer:
                shares = self._taken(own)
                answers = [answer for run in _runs(shares) for answer in _done(writer, run)]
        except BaseException as error:
            with self._changing:
                self._leave(own)
            for share in shares:
                share.alone = True
                share.woken.set()
            if len(shares) < 2 or not isinstance(error, Exception):
                raise
            return
        begin = 0
        for share in shares:
            share.answers = answers[begin : begin + len(share.items)]
            begin += len(share.items)
            share.woken.set()

    def _taken(self, own: _Share) -> list[_Share]:
        """Take a share and those that wait with it out of the queue."""
        shares, size = [own], own.size
        with self._changing:
            self._leave(own)
            while self._queue:
                size += self._queue[0].size
                if size > _MOST:
                    break
                shares.append(self._queue.popleft())
        return shares

    def _pass_on(self) -> None:
        """Let the next one that waits lead."""
        with self._changing:
            self._led = bool(self._queue)
            if self._queue:
                self._queue[0].woken.set()

    def _leave(self, share: _Share) -> None:
        if share in self._queue:
            self._queue.remove(share)


def _runs(shares: Sequence[_Share]) -> Iterator[Sequence[_Share]]:
    """Yield shares of one work that follow each other, so that everything is done in the order in which it came."""
    for _, run in groupby(shares, key=attrgetter("work")):
        yield list(run)


def _done(writer: Writer, run: Sequence[_Share]) -> list[Any]:
    return run[0].work(writer, [item for share in run for item in share.items])
