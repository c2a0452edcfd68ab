"""How long a search may take, as it says itself or the cluster says for all, and what is answered when that is over.

Elasticsearch answers then what it has collected: hits, their number and aggregations of the documents that it has come
to, in the order in which they lie. Here a search is one statement for all documents, and what it has come to is nothing
that could be shown. So where half of the time is over, the same is searched beside it in the first documents of each
index, and then in four times as many, as long as that costs little: what the last of these has found is the answer, if
the whole does not end in time.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.config.units import duration_ms
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query import QueryError
from anomalyops_engine.query.limits import limits
from anomalyops_engine.store import DatabaseError, Interruption, StoreError, WorkInterruptedError

_TIMED_OUT = "the search took longer than its timeout"
_NOT_NEEDED = "the whole search has ended"
# Writes of an index whose documents are searched first when the time may not be enough for all.
_FIRST: Final = 2**14
_GROWTH: Final = 4
# Of its time: when a search has taken so much, its beginning is searched too; until that has taken so much.
_BEGIN: Final = 0.5
_ENOUGH: Final = 1 / 16
# Bytes of a request whose planning takes no time to speak of.
_LONGEST: Final = 2**15
# More writes than an index has.
_MOST: Final = 2**40
_REPEAT_SECONDS: Final = 0.02
SearchFirst = Callable[[int], JsonObject]


def in_time(
    call: Call,
    body: Mapping[str, Any],
    partial: object,
    search: Callable[[], JsonObject],
    search_first: SearchFirst | None = None,
) -> JsonObject:
    """Return the answer of a search, or what was found when its time was over.

    Args:
        call: the request.
        body: the body of the search, with what the address says of it.
        partial: whether an answer without what was not found in time is wanted; None where nothing says so.
        search: does it; in the reach of `call.interruption`.
        search_first: does it in the documents of so many first writes to each index; None where that cannot be.

    Raises:
        ApiError: 504 where its time is over and partial answers are not wanted; 400 for no duration.
    """
    timeout_ms = _timeout_ms(body)
    if timeout_ms is None:
        return search()
    wanted = limits().partial if partial is None else partial in {True, "true", ""}
    # What the database plans before it begins cannot be ended, and takes long where much is asked for.
    short = len(call.body) <= _LONGEST
    beginning = _Beginning(call, timeout_ms, search_first if wanted and short else None)
    try:
        with beginning.beside(), call.interruption.part() as part:
            with part.after(timeout_ms, _TIMED_OUT):
                found = search()
            # The end may have been asked for while no statement ran, or just as the last one came to its own.
            part.check()
            return found
    except WorkInterruptedError as error:
        if error.reason != _TIMED_OUT:
            raise
    return _found_in_time(call, beginning.found, partial=wanted)


class _Beginning:
    """What a search finds in the first documents, searched beside the whole in a thread of its own.

    Args:
        call: the request.
        timeout_ms: how long the search may take.
        search_first: searches the documents of so many first writes; None for nothing.

    Attributes:
        found: the answer of the most documents that were searched to the end; None for nothing.
    """

    def __init__(self, call: Call, timeout_ms: int, search_first: SearchFirst | None) -> None:
        self._call = call
        self._timeout_s = timeout_ms / 1000
        self._search_first = search_first
        self._over = threading.Event()
        self._part: Interruption | None = None
        self.found: JsonObject | None = None

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Search beside what is done in the block, which ends that."""
        if self._search_first is None:
            yield
            return
        context = contextvars.copy_context()  # who asks, and within which limits
        arguments = (self._run, self._search_first)
        thread = threading.Thread(target=context.run, args=arguments, name="beginning", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            while thread.is_alive():
                if self._part is not None:
                    self._part.request(_NOT_NEEDED)
                thread.join(_REPEAT_SECONDS)

    def _run(self, search_first: SearchFirst) -> None:
        if self._over.wait(self._timeout_s * _BEGIN):
            return
        try:
            with self._call.interruption.part() as self._part:
                self._grow(search_first)
        except (WorkInterruptedError, StoreError, QueryError, DatabaseError, ApiError):
            # What is wrong with the search is told by the whole of it.
            return

    def _grow(self, search_first: SearchFirst) -> None:
        first, until = _FIRST, time.monotonic() + self._timeout_s * _ENOUGH
        while first < _MOST and not self._over.is_set():
            self.found = search_first(first)
            first *= _GROWTH
            if time.monotonic() > until:
                return


def _timeout_ms(body: Mapping[str, Any]) -> int | None:
    """Return the time that the search may take, None for any."""
    text = body.get("timeout")
    if text is None:
        return limits().timeout_ms
    if not isinstance(text, str | int | float) or str(text) == "-1":
        return None
    return duration_ms(str(text), "timeout")


def _found_in_time(call: Call, found: JsonObject | None, *, partial: bool) -> JsonObject:
    """Return the answer of a search whose time was over.

    Args:
        call: the request.
        found: what it has found until then; None for nothing.
        partial: whether that is wanted.

    Raises:
        ApiError: 504 where it is not.
    """
    if not partial:
        raise ApiError(504, "search_phase_execution_exception", "Time exceeded")
    if found is None:
        return _nothing(as_number=call.flag("rest_total_hits_as_int", default=False))
    total = found["hits"].get("total")
    if isinstance(total, dict):
        total["relation"] = "gte"
    return {**found, "timed_out": True}


def _nothing(*, as_number: bool) -> JsonObject:
    total: object = 0 if as_number else {"value": 0, "relation": "gte"}
    return {
        "timed_out": True,
        "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": {"total": total, "max_score": None, "hits": []},
    }
