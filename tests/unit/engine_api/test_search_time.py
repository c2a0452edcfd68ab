"""What is answered when the time of a search is over: what was found of its beginning, unless only all is wanted."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from starlette.requests import Request

from anomalyops_engine.api import search_time
from anomalyops_engine.api.call import Call
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.search_time import in_time
from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.store import Interruption, WorkInterruptedError
from anomalyops_engine.store.interruption import end_if_asked
from waiting import PATIENCE_S, until

WHOLE = {"timed_out": False, "hits": {"total": {"value": 9, "relation": "eq"}, "hits": ["all"]}}


@pytest.fixture
def call():
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/_search",
        "query_string": b"",
        "headers": [],
        "path_params": {},
    }
    return Call(Request(scope), b"", Interruption())


@pytest.fixture
def beside(monkeypatch):
    """The beginning is searched from the start and as long as the whole: on no machine is the time for it short."""
    monkeypatch.setattr(search_time, "_BEGIN", 0.0)
    monkeypatch.setattr(search_time, "_ENOUGH", 1e6)


def endless() -> Any:
    while True:
        time.sleep(0.002)
        end_if_asked()


def of_first(writes: int) -> dict[str, Any]:
    return {"timed_out": False, "hits": {"total": {"value": writes, "relation": "eq"}, "hits": [writes]}}


def test_a_search_that_ends_in_time_is_answered_whole(call):
    assert in_time(call, {"timeout": "10s"}, None, lambda: WHOLE, of_first) == WHOLE
    assert in_time(call, {}, None, lambda: WHOLE, of_first) == WHOLE


def test_one_that_ends_after_its_beginning_was_searched_too_is_answered_whole(call, beside):
    beginning = threading.Event()

    def first(writes: int) -> dict[str, Any]:
        beginning.set()
        return of_first(writes)

    def slow() -> dict[str, Any]:
        assert beginning.wait(PATIENCE_S)
        return WHOLE

    assert in_time(call, {"timeout": "1h"}, None, slow, first) == WHOLE


def test_what_was_found_of_the_most_documents_is_the_answer(call, beside):
    asked: list[int] = []

    def first(writes: int) -> dict[str, Any]:
        asked.append(writes)
        if len(asked) > 3:
            endless()
        return of_first(writes)

    def slow() -> Any:
        until(lambda: len(asked) > 3)
        endless()

    answer = in_time(call, {"timeout": "100ms"}, None, slow, first)
    assert asked == sorted(set(asked))
    last = asked[-2]
    assert answer == {"timed_out": True, "hits": {"total": {"value": last, "relation": "gte"}, "hits": [last]}}


def test_where_nothing_was_found_in_time_that_is_said(call):
    def refused(_writes: int) -> Any:
        raise IllegalQueryError("no")

    for first in (None, refused, lambda _writes: endless()):
        began = time.monotonic()
        answer = in_time(call, {"timeout": "100ms"}, None, endless, first)
        assert answer["timed_out"]
        assert answer["hits"] == {"total": {"value": 0, "relation": "gte"}, "max_score": None, "hits": []}
        assert time.monotonic() - began < 30


def test_where_only_all_is_wanted_the_beginning_is_not_even_searched(call):
    asked: list[int] = []
    with pytest.raises(ApiError, match="Time exceeded") as refused:
        in_time(call, {"timeout": "100ms"}, "false", endless, lambda writes: asked.append(writes) or of_first(writes))
    assert refused.value.status == 504
    assert not asked


def test_of_a_request_that_is_long_to_plan_the_beginning_is_not_searched(call):
    asked: list[int] = []
    long = Call(call.request, b" " * 40_000, Interruption())
    answer = in_time(long, {"timeout": "100ms"}, None, endless, lambda writes: asked.append(writes) or of_first(writes))
    assert answer["timed_out"]
    assert not asked


def test_a_client_that_leaves_ends_both(call, beside):
    running = threading.Event()

    def first(_writes: int) -> Any:
        running.set()
        endless()

    def leave() -> None:
        assert running.wait(PATIENCE_S)
        call.interruption.request("the client has left")

    threading.Thread(target=leave).start()
    with pytest.raises(WorkInterruptedError, match="left"):
        in_time(call, {"timeout": "1h"}, None, endless, first)
    assert not any(thread.name == "beginning" for thread in threading.enumerate())


def test_what_fails_for_itself_fails(call):
    def broken() -> Any:
        raise IllegalQueryError("malformed")

    with pytest.raises(IllegalQueryError):
        in_time(call, {"timeout": "1s"}, None, broken, of_first)
