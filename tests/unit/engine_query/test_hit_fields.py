"""`fields` and `docvalue_fields` of hits: formats, what columns leave out, and what they have less of."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from anomalyops_engine.query import search
from anomalyops_engine.store import Store

_PROPERTIES = {
    "day": {"type": "date", "format": "dd/MM/yyyy"},
    "nanos": {"type": "date_nanos"},
    "short": {"type": "keyword", "ignore_above": 3},
    "number": {"type": "long", "ignore_malformed": True},
    "text": {"type": "text", "fields": {"raw": {"type": "keyword", "ignore_above": 2}}},
}
_DOCUMENT = {
    "day": "06/02/2024",
    "nanos": ["2024-05-06T12:30:00.123456789Z", "2024-05-06T12:30:00.1Z"],
    "short": ["long one", "abc"],
    "number": ["x", 1],
    "text": "abc",
}


@pytest.fixture
def hit_of(store: Store):
    with store.write() as writer:
        writer.create_index("i", mappings={"properties": _PROPERTIES})
        writer.index_documents(
            "i", [_DOCUMENT, {"short": "abc"}], [orjson.dumps(_DOCUMENT), b'{"short":"abc"}'], ["1", "2"]
        )

    def ask(number: int = 0, **body: Any) -> dict[str, Any]:
        with store.read() as reader:
            return search(reader, reader.resolve("i"), body)["hits"]["hits"][number]

    return ask


@pytest.mark.parametrize("kind", ["fields", "docvalue_fields"])
def test_of_several_entries_for_a_field_the_last_counts(hit_of, kind):
    iso = {"field": "day", "format": "strict_date"}
    assert hit_of(**{kind: ["day", iso]})["fields"] == {"day": ["2024-02-06"]}
    assert hit_of(**{kind: [iso, "d*"]})["fields"] == {"day": ["06/02/2024"]}


def test_moments_are_shown_to_the_nanosecond(hit_of):
    first, second = "2024-05-06T12:30:00.123456789Z", "2024-05-06T12:30:00.100Z"
    assert hit_of(fields=["nanos"], _source=False)["fields"] == {"nanos": [first, second]}
    assert hit_of(docvalue_fields=["nanos"])["fields"] == {"nanos": [second, first]}
    assert "fields" not in hit_of(1, fields=["nanos"])


@pytest.mark.parametrize("source", [True, False])
def test_what_was_left_out_is_shown_beside_the_fields_that_are_asked_for(hit_of, source):
    everything = hit_of(fields=["*"], _source=source)
    assert everything["ignored_field_values"] == {"short": ["long one"], "number": ["x"], "text.raw": ["abc"]}
    assert (everything["fields"]["short"], everything["fields"]["number"]) == (["abc"], [1])
    assert hit_of(fields=["text.*"], _source=source)["ignored_field_values"] == {"text.raw": ["abc"]}
    assert "ignored_field_values" not in hit_of(docvalue_fields=["short"], _source=source)
    assert "ignored_field_values" not in hit_of(1, fields=["*"], _source=source)
