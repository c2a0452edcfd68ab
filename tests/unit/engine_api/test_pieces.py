"""What is large is read and sent in pieces, so that nobody waits for the whole; together they are the whole."""

from __future__ import annotations

import asyncio
import gc
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine import collector
from anomalyops_engine.api import bulk_body, bulk_documents
from anomalyops_engine.api.bulk_body import Operation, lines_of
from anomalyops_engine.api.pieces import PIECE, PiecesMiddleware
from laws import law

lines = st.lists(st.binary(max_size=12).filter(lambda line: b"\n" not in line), min_size=1, max_size=20)
sources = st.sampled_from(
    [b'{"a":1}', b'{"b":[1,2]}', b'{"a":1,"a":2}', b"{", b"[]", b"5", b'{"c":"d"} {}', b"", b"{}", b'{"a":1},{"b":2}']
)


@law(examples=200)
@given(parts=lines, stretch=st.integers(1, 40))
def test_lines_cut_in_stretches_are_all_lines(parts, stretch):
    body = b"".join(part + b"\n" for part in parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk_body, "_STRETCH", stretch)
        assert lines_of(body) == parts


@law(examples=200)
@given(texts=st.lists(sources, max_size=12), ids=st.data(), piece=st.integers(1, 40))
def test_documents_read_in_pieces_are_those_read_at_once(texts, ids, piece):
    wanted = [ids.draw(st.sampled_from([None, "1", ""])) for _ in texts]
    operations = [Operation("index", "i", doc_id, text) for doc_id, text in zip(wanted, texts, strict=True)]

    def read() -> tuple[list[dict[str, Any]], dict[int, str]]:
        documents, errors = bulk_documents.parse_documents(operations)
        return documents, {place: error.reason for place, error in errors.items()}

    at_once = read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk_documents, "PIECE", piece)
        assert read() == at_once
    assert len(at_once[0]) == len(texts)


def sent(bodies: list[bytes]) -> list[dict[str, Any]]:
    """What comes out for an answer whose body comes in some parts."""
    out: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number, body in enumerate(bodies):
            more = number < len(bodies) - 1
            await send({"type": "http.response.body", "body": body, "more_body": more})

    async def send(message: Any) -> None:
        out.append(message)

    asyncio.run(PiecesMiddleware(app)({"type": "http"}, None, send))  # type: ignore[arg-type]
    return out


@law(examples=20)
@given(sizes=st.lists(st.sampled_from([0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE]), min_size=1, max_size=4))
def test_an_answer_in_pieces_is_the_answer(sizes):
    bodies = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    start, *parts = sent(bodies)
    assert start["type"] == "http.response.start"
    assert b"".join(part["body"] for part in parts) == b"".join(bodies)
    assert all(len(part["body"]) <= PIECE for part in parts)
    assert [part.get("more_body", False) for part in parts] == [True] * (len(parts) - 1) + [False]


def test_passes_over_objects_are_short_and_leave_out_what_was_there_at_the_start():
    before = gc.get_threshold()
    try:
        collector.be_brief()
        kept = [{"n": json.dumps(number)} for number in range(1000)]
        collector.keep_all()
        assert gc.get_freeze_count() >= 1
        assert not any(one is kept for one in gc.get_objects())
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
