"""What is kept between the requests of a search in parts: snapshots with an end, for points in time and scrolls."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.config.units import DAY_MS
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.store import HeldSnapshot, Index, Reader, Store, StoreError

MOST: Final = 500
"""Contexts at once, as `search.max_open_scroll_context`."""
LONGEST_MS: Final = DAY_MS
"""Time that one is kept at most without being used, as `search.max_keep_alive`."""


@dataclass(slots=True)
class Context:
    """A search that goes on.

    Attributes:
        kind: `pit` or `scroll`.
        snapshot: what it sees.
        indices: where it searches.
        until: the end of its life, seconds of the monotonic clock.
        body: what a scroll asks for; empty for a point in time.
        after: the sort values of the last hit of a scroll; None before the first.
        hidden: how many of the last sort values of its hits a scroll does not show.
        state: held by whoever goes on with it.
    """

    kind: str
    snapshot: HeldSnapshot
    indices: Sequence[Index]
    until: float
    body: JsonObject = field(default_factory=dict)
    after: list[object] | None = None
    hidden: int = 0
    state: threading.Lock = field(default_factory=threading.Lock)


class SearchContexts:
    """The contexts of one engine; those whose time is over are closed."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._contexts: dict[str, Context] = {}
        self._changed = threading.Condition()
        self._sweeper: threading.Thread | None = None
        self._closed = False

    def open(self, kind: str, keep_alive_ms: int, resolve: Callable[[Reader], Sequence[Index]]) -> tuple[str, Context]:
        """Open a context and return its id.

        Args:
            kind: `pit` or `scroll`.
            keep_alive_ms: how long it is kept without being used.
            resolve: finds its indices.

        Raises:
            ApiError: 400 for too long a time, 429 where there are too many.
        """
        _check_time(keep_alive_ms)
        with self._changed:
            if len(self._contexts) >= MOST:
                reason = (
                    f"Trying to create too many scroll contexts. Must be less than or equal to: [{MOST}]. This limit "
                    "can be set by changing the [search.max_open_scroll_context] setting."
                )
                raise ApiError(429, "too_many_scroll_contexts_exception", reason)
        snapshot = self._store.hold()
        try:
            with snapshot.read() as reader:
                indices = resolve(reader)
        except BaseException:
            snapshot.close()
            raise
        context = Context(kind, snapshot, indices, self._clock() + keep_alive_ms / 1000)
        name = secrets.token_urlsafe(24)
        with self._changed:
            self._contexts[name] = context
            self._watch()
        return name, context

    @contextmanager
    def use(self, kind: str, name: str, keep_alive_ms: int | None) -> Iterator[tuple[Context, Reader]]:
        """Give a context and what it sees, and prolong its life.

        Raises:
            ApiError: 404; there is none of this id, or no more. 400 for too long a time.
        """
        if keep_alive_ms is not None:
            _check_time(keep_alive_ms)
        with self._changed:
            context = self._contexts.get(name)
            if context is None or context.kind != kind or context.until < self._clock():
                raise _missing(name)
            if keep_alive_ms is not None:
                context.until = max(context.until, self._clock() + keep_alive_ms / 1000)
        with context.state:
            try:
                with context.snapshot.read() as reader:
                    yield context, reader
            except StoreError:
                self.free(kind, [name])
                raise

    def count(self, uuid: str) -> int:
        """Return how many contexts look at an index, given by its uuid."""
        with self._changed:
            return sum(any(index.uuid == uuid for index in one.indices) for one in self._contexts.values())

    def free(self, kind: str, names: Sequence[str] | None) -> int:
        """Close contexts, all of a kind without names; return how many there were."""
        with self._changed:
            mine = [name for name, one in self._contexts.items() if one.kind == kind]
            chosen = [name for name in mine if names is None or name in names]
            closing = [self._contexts.pop(name) for name in chosen]
        for context in closing:
            context.snapshot.close()
        return len(closing)

    def close(self) -> None:
        """Close all of them, for good."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for kind in ("pit", "scroll"):
            self.free(kind, None)

    def _watch(self) -> None:
        if self._sweeper is None:
            self._sweeper = threading.Thread(target=self._sweep, name="search-contexts", daemon=True)
            self._sweeper.start()
        self._changed.notify_all()

    def _sweep(self) -> None:
        while True:
            with self._changed:
                now = self._clock()
                over = [name for name, one in self._contexts.items() if one.until < now]
                closing = [self._contexts.pop(name) for name in over]
                if not closing:
                    if self._closed:
                        return
                    nearest = min((one.until for one in self._contexts.values()), default=None)
                    self._changed.wait(None if nearest is None else max(nearest - now, 0.0) + 0.05)
            for context in closing:
                context.snapshot.close()


def _check_time(keep_alive_ms: int) -> None:
    if keep_alive_ms > LONGEST_MS:
        reason = (
            f"Keep alive for request ({keep_alive_ms}ms) is too large. It must be less than (1d). This limit can be "
            "set by changing the [search.max_keep_alive] cluster level setting."
        )
        raise ApiError(400, "illegal_argument_exception", reason)


def _missing(name: str) -> ApiError:
    cause = {"type": "search_context_missing_exception", "reason": f"No search context found for id [{name}]"}
    return ApiError(404, "search_phase_execution_exception", "all shards failed", cause, root_cause=[cause])
