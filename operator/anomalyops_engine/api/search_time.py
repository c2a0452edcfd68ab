"""How long a search may take, as it says itself or the cluster says for all, and what is answered when that is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.config.units import duration_ms
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query.limits import limits
from anomalyops_engine.store import WorkInterruptedError

_TIMED_OUT = "the search took longer than its timeout"


def in_time(call: Call, body: Mapping[str, Any], partial: object, search: Callable[[], JsonObject]) -> JsonObject:
    """Return the answer of a search, or that its time was over.

    Args:
        call: the request.
        body: the body of the search, with what the address says of it.
        partial: whether an answer without what was not found in time is wanted; None where nothing says so.
        search: does it; in the reach of `call.interruption`.

    Raises:
        ApiError: 504 where its time is over and partial answers are not wanted; 400 for no duration.
    """
    timeout_ms = _timeout_ms(body)
    if timeout_ms is None:
        return search()
    with call.interruption.part() as part:
        try:
            with part.after(timeout_ms, _TIMED_OUT):
                found = search()
            # The end may have been asked for while no statement ran, or just as the last one came to its own.
            part.check()
            return found
        except WorkInterruptedError as error:
            if error.reason != _TIMED_OUT:
                raise
    wanted = limits().partial if partial is None else partial in {True, "true", ""}
    return _nothing_in_time(call, partial=wanted)


def _timeout_ms(body: Mapping[str, Any]) -> int | None:
    """Return the time that the search may take, None for any."""
    text = body.get("timeout")
    if text is None:
        return limits().timeout_ms
    if not isinstance(text, str | int | float) or str(text) == "-1":
        return None
    return duration_ms(str(text), "timeout")


def _nothing_in_time(call: Call, *, partial: bool) -> JsonObject:
    """Return the answer of a search whose time was over: what was found until then, which is nothing.

    Raises:
        ApiError: 504 where partial results are not wanted.
    """
    if not partial:
        raise ApiError(504, "search_phase_execution_exception", "Time exceeded")
    as_number = call.flag("rest_total_hits_as_int", default=False)
    total: object = 0 if as_number else {"value": 0, "relation": "gte"}
    return {
        "timed_out": True,
        "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": {"total": total, "max_score": None, "hits": []},
    }
