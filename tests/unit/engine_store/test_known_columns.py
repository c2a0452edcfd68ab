"""Documents read by what a mapping knows: the same columns as those of documents that are looked at one by one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.api.bulk_body import Operation
from anomalyops_engine.api.bulk_documents import parse_documents
from anomalyops_engine.store import IndexMapping
from anomalyops_engine.store.columns import Batch
from anomalyops_engine.store.document_lines import DocumentLines
from anomalyops_engine.store.known_columns import FEWEST, KnownColumns
from anomalyops_engine.store.mapping_body import merged
from laws import law

PROPERTIES = {
    "day": {"type": "date"},
    "when": {"type": "date", "format": "yyyy/MM/dd||epoch_second"},
    "nanos": {"type": "date_nanos"},
    "word": {"type": "keyword"},
    "short": {"type": "keyword", "ignore_above": 8},
    "lower": {"type": "keyword", "normalizer": "lowercase"},
    "message": {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 12}}},
    "count": {"type": "long"},
    "small": {"type": "byte"},
    "large": {"type": "unsigned_long"},
    "part": {"type": "double"},
    "half": {"type": "half_float", "fields": {"exact": {"type": "double"}}},
    "price": {"type": "scaled_float", "scaling_factor": 100},
    "sure": {"type": "boolean"},
    "lax": {"type": "integer", "ignore_malformed": True},
    "filled": {"type": "keyword", "null_value": "none"},
    "address": {"type": "ip"},
    "place": {"type": "geo_point"},
    "copied": {"type": "keyword", "copy_to": "all"},
    "all": {"type": "keyword"},
    "host": {"properties": {"name": {"type": "keyword"}, "load": {"type": "float"}, "tag": {"type": "keyword"}}},
    "off": {"type": "object", "enabled": False},
}
ORDINARY: dict[str, Any] = {
    "day": "2026-01-01T00:00:00.123Z",
    "when": "2026/01/01",
    "nanos": "2026-01-01T00:00:00.123456Z",
    "word": "a",
    "short": "b",
    "lower": "C",
    "message": "all is well",
    "count": 1,
    "small": 2,
    "large": 3,
    "part": 1.5,
    "half": 0.1,
    "price": 1.239,
    "sure": True,
    "lax": 5,
    "filled": "f",
    "address": "10.0.0.1",
    "place": {"lat": 1.0, "lon": 2.0},
    "copied": "x",
    "all": "y",
    "host": {"name": "web", "load": 0.25, "tag": ["t", "u"]},
    "off": {"anything": [1, {"b": 2}]},
}
SIMPLE = sorted(ORDINARY.keys() - {"filled", "place", "copied", "off"})
_TEXTS = st.sampled_from(
    ["", "x", "Ä", "\U0001f600", "\u0000", "xxxxxxxxxxxxxxx", "Ünter😀😀😀😀😀", "\ud800", "2026-01-01"]
)
_VALUES = st.one_of(
    _TEXTS,
    st.sampled_from(
        [0, -1, 1, 127, 128, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30, 1_700_000_000_000]
    ),
    st.sampled_from([0.0, -0.0, 0.1, 1.0, 65519.0, 65520.0, 1e300, 5e-324, 1.005]),
    st.sampled_from([None, True, False, [], [1], ["a", "b"], {}, {"name": "n"}, {"lat": 1, "lon": 2}]),
)
# Pieces of text that JSON has not, or that two readers might take for different things.
_PIECES = st.sampled_from(
    (
        *(b"NaN", b"Infinity", b"-0", b"1e3", b"1.", b"01", b"1E400", b"1", b"null", b"}", b"{", b"}{", b"[", b"]"),
        *(b"\n", b" ", b"\t", b"\x0b", b"\x00", b'"', b",", b":", b"/**/", b"\xff", b"\xed\xa0\x80", b"\xc3\xa4"),
        *(b"\\u0000", b"\\ud800", b"\\u0041", b'"word":"z",', b'"wor\\u0064":"q",', b'"new":1,'),
        *(b'"host.name":"d",', b'"host":{"name":"e"},'),
    )
)


def mapping_of(paths: list[str], properties: dict[str, Any] | None = None) -> IndexMapping:
    """The mapping of an index that has had documents with all of these fields."""
    mapping = merged(IndexMapping(), {"properties": PROPERTIES if properties is None else properties}).empty()
    batch = Batch(mapping, [{path: ORDINARY[path] for path in paths}])
    return batch.mapping.filled(batch.arrays)


def by_column(arrays: dict[str, Any]) -> dict[str, list[Any]]:
    return {name: repr(array.to_pylist()) for name, array in arrays.items() if array.null_count < len(array)}


def check_alike(mapping: IndexMapping, sources: list[bytes]) -> bool:
    """Whether documents were read by what the mapping knows; then it must be what looking at each gives."""
    lines = DocumentLines.of(sources)
    found = None if lines is None else KnownColumns(mapping).read(lines)
    if lines is None or found is None:
        return False
    assert lines.column().to_pylist() == [source.decode() for source in sources]
    documents, errors = parse_documents([Operation("index", "i", None, source) for source in sources])
    assert errors == {}
    batch = Batch(mapping, documents, sources)
    assert batch.errors == {}
    assert batch.mapping == mapping
    assert by_column(found) == by_column(batch.arrays)
    return True


@st.composite
def _sources(draw: st.DrawFn) -> list[bytes]:
    paths = draw(st.lists(st.sampled_from(SIMPLE), min_size=1, unique=True))
    plain = {path: ORDINARY[path] for path in paths}
    if "host" in plain:
        plain["host"] = {"name": "web", "load": 0.25}
    if draw(st.booleans()):
        plain = {("host.name" if path == "host" else path): "d" if path == "host" else v for path, v in plain.items()}
    documents = [dict(plain) for _ in range(FEWEST + draw(st.integers(0, 3)))]
    for _ in range(draw(st.integers(0, 4))):
        document = draw(st.sampled_from(documents))
        path = draw(st.sampled_from([*paths, *paths, *ORDINARY, "new"]))
        document[path] = draw(st.one_of(_VALUES, st.just(ORDINARY.get(path))))
    if draw(st.booleans()):  # all alike in what is unusual
        path, value = draw(st.sampled_from(paths)), draw(_VALUES)
        for document in documents:
            document[path] = value
    texts = [
        json.dumps(document, ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass") for document in documents
    ]
    for _ in range(draw(st.integers(0, 2))):
        number, piece = draw(st.integers(0, len(texts) - 1)), draw(_PIECES)
        text = texts[number]
        at = draw(st.integers(0, len(text)))
        texts[number] = text[:at] + piece + text[at + draw(st.integers(0, 3)) :]
    return texts


@law(examples=300)
@given(sources=_sources())
def test_documents_that_a_mapping_knows_all_about_are_read_as_those_that_are_looked_at_one_by_one(sources):
    check_alike(mapping_of(list(ORDINARY)), sources)


@pytest.mark.parametrize("path", SIMPLE)
def test_plain_values_of_every_type_are_known(path):
    value = {"name": "web", "load": 0.25} if path == "host" else ORDINARY[path]
    sources = [json.dumps({path: value}).encode()] * FEWEST
    assert check_alike(mapping_of([path]), sources)


@pytest.mark.parametrize("path", sorted(ORDINARY.keys() - set(SIMPLE)))
def test_values_that_concern_more_than_their_field_are_not(path):
    assert not check_alike(mapping_of([path]), [json.dumps({path: ORDINARY[path]}).encode()] * FEWEST)


def test_a_field_that_had_lists_takes_single_values():
    assert check_alike(mapping_of(["host"]), [b'{"host":{"tag":"t"}}', b'{"host":{"name":"n"}}'] * FEWEST)


def test_a_string_over_the_limit_is_left_out_and_said_to_be():
    mapping = Batch(mapping_of(["message", "short"]), [{"message": "long" * 9}]).mapping
    texts = [json.dumps({"message": text, "short": "s"}).encode() for text in ("x" * 13, "😀" * 7, "😀" * 6, "")]
    assert check_alike(mapping, texts * 8)
    assert check_alike(mapping, [b'{"short":"123456789"}', b'{"short":"12345678"}'] * 8)


def test_moments_may_be_numbers_in_all_documents():
    assert check_alike(mapping_of(["day"]), [b'{"day":1700000000000}', b'{"day":-5}'] * FEWEST)


def test_names_with_dots_may_stand_for_objects():
    assert check_alike(mapping_of(["host", "count"]), [b'{"host.name":"w","count":1}'] * FEWEST)


def test_lines_that_hold_no_document_or_two_are_no_documents():
    mapping = mapping_of(["host"])
    spread = [b'{"host":{"name":"a"}', b'{"name":"b"}}', b'{"host":{"name":"c"}}{"host":{"name":"d"}}']
    assert not check_alike(mapping, spread * FEWEST)
