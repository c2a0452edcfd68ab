"""Bulk requests: what the server refuses is told by position, what it has no room for is sent again."""

import asyncio
import json

import pytest

from anomalyops.elastic import documents
from anomalyops.elastic.documents import Documents
from anomalyops.elastic.errors import Busy, ServerError

ROWS = [json.dumps({"n": n}).encode() for n in range(4)]
BUSY = {"type": "es_rejected_execution_exception", "reason": "queue is full"}
BROKEN = {"type": "mapper_parsing_exception", "reason": "failed to parse", "caused_by": {"reason": "not a number"}}


class Rest:
    """Answers bulk requests from a script of one function for each; remembers the numbers that were sent."""

    def __init__(self, *script):
        self.script = list(script)
        self.sent = []

    async def write(self, method, path, *, query=None, body=None, seconds=None):
        numbers = [json.loads(line)["n"] for line in body.splitlines()[1::2]]
        self.sent.append(numbers)
        return (self.script.pop(0) if len(self.script) > 1 else self.script[0])(numbers)


def answer(errors):
    """An answer that refuses the numbers in `errors`, with status and error."""

    def give(numbers):
        items = [
            {"index": {"status": errors[n][0], "error": errors[n][1]} if n in errors else {"status": 201}}
            for n in numbers
        ]
        return {"errors": bool(errors), "items": items}

    return give


def no_room(_numbers):
    raise Busy("queue is full", call="POST /i/_bulk", status=429)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(documents, "_FIRST_PAUSE", 0.001)


def bulk(rest):
    return asyncio.run(Documents(rest).bulk("i", ROWS))


def test_refusals_come_with_position_and_innermost_reason():
    assert bulk(Rest(answer({1: (400, BROKEN)}))) == [(1, "failed to parse: not a number")]


def test_what_there_was_no_room_for_is_sent_again_alone():
    rest = Rest(answer({1: (400, BROKEN), 2: (429, BUSY), 3: (429, BUSY)}), answer({3: (429, BUSY)}), answer({}))
    assert bulk(rest) == [(1, "failed to parse: not a number")]
    assert rest.sent == [[0, 1, 2, 3], [2, 3], [3]]


def test_a_whole_request_without_room_is_sent_again():
    rest = Rest(no_room, answer({}))
    assert bulk(rest) == []
    assert rest.sent == [[0, 1, 2, 3]] * 2


def test_a_server_that_never_has_room_is_given_up():
    assert bulk(Rest(answer({0: (429, BUSY)}))) == [(0, "queue is full")]
    with pytest.raises(Busy):
        bulk(Rest(no_room))


def test_an_answer_with_items_missing_is_not_trusted():
    with pytest.raises(ServerError, match="4 documents answered 1 items"):
        bulk(Rest(lambda _numbers: {"errors": True, "items": [{"index": {"error": BROKEN}}]}))
