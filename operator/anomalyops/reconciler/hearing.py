"""What a server said about its jobs lately: taken in once, kept for a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import dropwhile

from anomalyops.elastic import MlMessage

OVERLAP = timedelta(minutes=2)  # a message becomes searchable a little after its timestamp
_KEPT = 8  # problems, and as many news, of one job; the newest count


@dataclass(slots=True)
class _OfJob:
    """Problems and news apart: a job that is started often must not push its problems out.

    Tuples, because nearly all jobs have one to three messages: an empty deque takes as much as twenty of them.
    """

    problems: tuple[MlMessage, ...] = ()
    news: tuple[MlMessage, ...] = ()

    def __iter__(self) -> Iterator[MlMessage]:
        yield from self.problems
        yield from self.news

    def add(self, message: MlMessage) -> None:
        if message.level == "info":
            self.news = (*self.news, message)[-_KEPT:]
        else:
            self.problems = (*self.problems, message)[-_KEPT:]

    def forget_before(self, oldest: int) -> None:
        self.problems, self.news = _since(oldest, self.problems), _since(oldest, self.news)


def _since(oldest: int, kept: tuple[MlMessage, ...]) -> tuple[MlMessage, ...]:
    """The messages from the first one on that is not older."""
    if not kept or kept[0].timestamp >= oldest:
        return kept
    return tuple(dropwhile(lambda message: message.timestamp < oldest, kept))


class Hearing:
    """The messages of one server.

    Its clock may differ from ours, but runs as fast: from the hearing of the newest message to the last search, as much
    time has passed there as here. What that search did not find is newer than that, less what a message needs to be
    found.
    """

    def __init__(self) -> None:
        self._jobs: defaultdict[str, _OfJob] = defaultdict(_OfJob)
        self._newest: int | None = None  # timestamp of the newest message, by the server's clock
        self._heard_at: datetime | None = None  # when it had been heard, by ours
        self._searched_at: datetime | None = None  # when the last search began, by ours
        self._window: dict[str, int] = {}  # id -> timestamp of messages that a search would find again

    def since(self) -> int | None:
        """Milliseconds since the epoch, by the server's clock, from which on there may be more; None: not known."""
        if self._newest is None or self._heard_at is None or self._searched_at is None:
            return None
        passed = max(self._searched_at - self._heard_at, timedelta())
        return self._newest + milliseconds(passed - OVERLAP)

    def known(self, since: int) -> list[str]:
        """The ids of messages that a search from then on need not find again."""
        self._window = {identity: at for identity, at in self._window.items() if at >= since}
        return list(self._window)

    def take_in(self, messages: Iterable[MlMessage], *, begun: datetime, ended: datetime) -> None:
        """Take in what a search found, oldest first.

        Args:
            messages: What it found.
            begun: When it was begun.
            ended: When it had ended.
        """
        self._searched_at = begun
        for message in messages:
            if message.id in self._window:
                continue
            self._window[message.id] = message.timestamp
            self._jobs[message.job_id].add(message)
            if self._newest is None or message.timestamp > self._newest:
                self._newest, self._heard_at = message.timestamp, ended

    def forget_before(self, oldest: int) -> None:
        """Forget what was said before a time, in milliseconds since the epoch."""
        for of_job in self._jobs.values():
            of_job.forget_before(oldest)
        for job_id in [job_id for job_id, of_job in self._jobs.items() if not any(True for _ in of_job)]:
            del self._jobs[job_id]

    def messages(self) -> Iterator[MlMessage]:
        """All that is remembered."""
        for of_job in self._jobs.values():
            yield from of_job


def milliseconds(value: datetime | timedelta) -> int:
    """Since the epoch, or long."""
    return int((value.timestamp() if isinstance(value, datetime) else value.total_seconds()) * 1000)
