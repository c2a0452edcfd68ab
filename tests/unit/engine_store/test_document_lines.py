"""Documents as lines of one text, and the ids of new ones."""

from __future__ import annotations

import duckdb
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.store.document_ids import made_ids
from anomalyops_engine.store.document_lines import DocumentLines

LETTERS = st.sampled_from([*'ab{}" ', "\n", "\u00e9", "\U0001f600"])
INSIDES = st.text(LETTERS, max_size=24)


@given(st.lists(st.one_of(INSIDES.map(lambda inside: f"{{{inside}}}"), INSIDES), max_size=8))
def test_lines_are_the_texts_they_were_made_of_or_none(texts: list[str]) -> None:
    sources = [text.encode() for text in texts]
    lines = DocumentLines.of(sources)
    are_lines = [text.startswith("{") and text.endswith("}") and len(text) > 1 and "\n" not in text for text in texts]
    if not texts or not all(are_lines):
        assert lines is None
        return
    assert lines is not None
    assert lines.text == b"\n".join(sources)
    column = lines.column()
    column.validate(full=True)
    assert column.to_pylist() == texts
    rows = pa.table({"text": column})
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        assert [text for (text,) in connection.execute("SELECT text FROM rows").fetchall()] == texts


@given(st.integers(0, 2000))
def test_made_ids_differ_and_follow_each_other(count: int) -> None:
    ids = made_ids(count)
    assert len(set(ids)) == len(ids) == count
    assert [int(doc_id[16:], 16) for doc_id in ids] == list(range(count))
    assert {doc_id[:16] for doc_id in ids} == ({ids[0][:16]} if ids else set())
