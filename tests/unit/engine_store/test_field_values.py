"""Values in columns: precision, nulls, what is left out and what is refused, as the field's mapping says."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from anomalyops_engine.store import IndexMapping
from anomalyops_engine.store.columns import IGNORED_COLUMN, Batch
from anomalyops_engine.store.mapping_body import merged
from anomalyops_engine.store.source_values import left_out


def batch_of(documents: list[dict[str, Any]], **fields: Any) -> Batch:
    sources = [orjson.dumps(document) for document in documents]
    return Batch(merged(IndexMapping(), {"properties": fields}), documents, sources)


def kept(definition: dict[str, Any], *values: Any, field: str = "f") -> list[Any]:
    """The column of a field, for documents with these values."""
    batch = batch_of([{"f": value} for value in values], f=definition)
    assert batch.errors == {}
    return batch.arrays[batch.mapping.get(field).column].to_pylist()


@pytest.mark.parametrize(
    ("definition", "values", "column"),
    [
        ({"type": "float"}, [30.76, "7.31", None], [30.760000228881836, 7.309999942779541, None]),
        ({"type": "half_float"}, [0.67], [0.669921875]),
        ({"type": "scaled_float", "scaling_factor": 10}, [7.31, 7.36], [7.3, 7.4]),
        ({"type": "long", "null_value": -1}, [1, None], [1, -1]),
        ({"type": "keyword", "null_value": "none"}, ["a", None], ["a", "none"]),
        ({"type": "keyword", "normalizer": "lowercase"}, ["ABC"], ["abc"]),
        ({"type": "keyword", "ignore_above": 3}, ["abc", "abcd", "ab😀"], ["abc", None, None]),
        ({"type": "long", "ignore_malformed": True}, [1, "x"], [1, None]),
        ({"type": "keyword"}, [1.10, 12], ["1.1", "12"]),
        ({"type": "integer"}, [" 1", "0x1p3", "2d", "1e2"], [1, 8, 2, 100]),
        ({"type": "long"}, ["1e2"], [100]),
        ({"type": "date"}, [1.5, "2024-01-01T00:00:00.123456789Z"], [1, 1704067200123]),
        (
            {"type": "geo_point"},
            ["1,2", [2, 1], {"type": "Point", "coordinates": [2, 1]}, []],
            ["1.0,2.0"] * 3 + [None],
        ),
        ({"type": "geo_point"}, [[[2, 1], [4, 3]]], [["1.0,2.0", "3.0,4.0"]]),
        ({"type": "geo_point"}, ["POINT (2 1)", "s00000000000"], ["1.0,2.0", "0.0,0.0"]),
    ],
)
def test_what_is_kept_of_a_value(definition, values, column):
    assert kept(definition, *values) == column


@pytest.mark.parametrize(
    ("definition", "value", "cause"),
    [
        ({"type": "geo_point"}, {"lat": 91, "lon": 0}, "illegal latitude value [91.0]"),
        ({"type": "geo_point"}, 3.5, "geo_point expected"),
        ({"type": "keyword"}, "é" * 16_384, "bytes can be at most 32766 in length"),
        ({"type": "keyword", "index": False}, "x" * 40_000, "bytes can be at most 32766 in length"),
        ({"type": "date_nanos"}, "1969-12-31", "is before the epoch in 1970"),
        ({"type": "date_nanos"}, "2300-01-01", "is after 2262-04-11"),
        ({"type": "float"}, 3.5e38, "[float] supports only finite values"),
        ({"type": "half_float"}, 70_000, "[half_float] supports only finite values"),
        ({"type": "long", "coerce": False}, "1", "Long value passed as String"),
        ({"type": "long"}, {"a": 1}, "Cannot parse object as number"),
        ({"type": "long"}, "0x1p3", "For input string"),
        ({"type": "integer"}, "NaN", "For input string"),
        ({"type": "integer"}, "\u00a01", "For input string"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_cause(definition, value, cause):
    batch = batch_of([{"f": value}], f=definition)
    assert cause in str(batch.errors[0].cause)


def test_what_is_left_out_is_noted_by_field():
    batch = batch_of(
        [{"n": "x", "k": "abcd"}, {"n": 1, "k": "a"}],
        n={"type": "long", "ignore_malformed": True},
        k={"type": "keyword", "ignore_above": 3},
    )
    assert batch.arrays[IGNORED_COLUMN].to_pylist() == [["n", "k"], None]


def test_long_strings_are_missing_in_the_keyword_of_a_dynamic_text_and_stay_in_the_text():
    batch = batch_of([{"m": "short"}, {"m": "x" * 257}])
    text, keyword = batch.mapping.get("m"), batch.mapping.get("m.keyword")
    assert batch.arrays[text.column].to_pylist() == ["short", "x" * 257]
    assert batch.arrays[keyword.column].to_pylist() == ["short", None]
    assert IGNORED_COLUMN in batch.arrays


def test_values_are_copied_to_other_fields():
    batch = batch_of([{"a": "x", "b": "y"}], a={"type": "keyword", "copy_to": "all"}, b={"type": "long", "copy_to": []})
    assert list(batch.errors) == [0]
    batch = batch_of([{"a": "x", "all": "z"}], a={"type": "keyword", "copy_to": "all"}, all={"type": "keyword"})
    assert batch.arrays[batch.mapping.get("all").column].to_pylist() == [["z", "x"]]


@pytest.mark.parametrize("values", [[1, "x"], ["2024-01-01", "x"], [1, 1.5], [True, "x"], [{"h": 1}, 2]])
def test_a_new_field_with_values_of_several_types_is_refused(values):
    assert list(batch_of([{"f": values}]).errors) == [0]


def test_the_objects_of_a_dotted_name_are_mapped_though_its_list_is_empty():
    assert set(batch_of([{"a.b.c": []}, {"d": []}]).mapping.objects) == {"a", "a.b"}


@pytest.mark.parametrize(
    ("value", "kind"), [("x!", "parse_exception"), ({"lat": 91, "lon": 0}, "illegal_argument_exception")]
)
def test_what_the_parser_of_points_refuses_is_an_error_of_its_own_kind(value, kind):
    assert batch_of([{"f": value}], f={"type": "geo_point"}).errors[0].cause_type == kind


def test_what_a_column_leaves_out_is_found_in_the_document():
    document = {"a": ["long", "b"], "c": "too", "t": "abc", "p": [[200, 1], [2, 1]]}
    batch = batch_of(
        [document],
        a={"type": "keyword", "ignore_above": 2, "copy_to": "c"},
        c={"type": "keyword", "ignore_above": 1},
        t={"type": "text", "fields": {"k": {"type": "keyword", "ignore_above": 1}}},
        p={"type": "geo_point", "ignore_malformed": True},
    )
    mapping = batch.mapping
    found = {path: left_out(mapping, mapping.get(path), document) for path in ("a", "c", "t", "t.k", "p")}
    assert found == {
        "a": ["long"],
        "c": ["too", "long"],
        "t": [],
        "t.k": ["abc"],
        "p": [{"type": "Point", "coordinates": [200, 1]}],
    }
    assert sorted(path for path, values in found.items() if values) == sorted(
        batch.arrays[IGNORED_COLUMN].to_pylist()[0]
    )


@pytest.mark.parametrize("depth", [100, 900])
@pytest.mark.parametrize("dynamic", ["true", "false", "strict"])
def test_a_deep_document_is_an_error_of_its_own(depth, dynamic):
    deep: dict[str, Any] = {"a": 1}
    for _ in range(depth):
        deep = {"a": deep}
    batch = Batch(merged(IndexMapping(), {"dynamic": dynamic}), [{"b": 1} if dynamic == "true" else {}, deep])
    assert list(batch.errors) == ([] if dynamic == "false" else [1])


@pytest.mark.parametrize("name", ["", " ", ".a", "a..b", "_id"])
def test_names_that_fields_cannot_have(name):
    assert 1 in batch_of([{"a": 1}, {name: 1}]).errors


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["float", "half_float"]), st.lists(st.floats(-6e4, 6e4) | st.integers(-999, 999), min_size=1))
def test_numbers_are_rounded_alike_one_by_one_and_together(kind, values):
    exact = {"float": np.float32, "half_float": np.float16}[kind]
    assert kept({"type": kind}, *values) == [float(exact(value)) for value in values]
    assert kept({"type": kind}, *map(repr, map(float, values))) == [float(exact(value)) for value in values]


_SCALARS = st.none() | st.booleans() | st.sampled_from([0, 7, 2.5, "x", "5", "2024-05-06", "y" * 300])
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "a.b", "c"]), _VALUES, max_size=3), min_size=1, max_size=5))
@example([{"a": None, "a.b": []}, {"a": False}])
@example([{"a": False}, {"a.b": []}, {"a.b": 1}])
@example([{"b": ["x", False]}, {"b": {}}])
def test_a_batch_gives_what_its_documents_give_one_after_the_other(documents):
    one_by_one, refused = IndexMapping(), set()
    for position, document in enumerate(documents):
        batch = Batch(one_by_one, [document])
        if batch.errors:
            refused.add(position)
        else:
            one_by_one = batch.mapping
    left = list(range(len(documents)))
    together = Batch(IndexMapping(), documents)
    while together.errors:
        left = [position for offset, position in enumerate(left) if offset not in together.errors]
        together = Batch(IndexMapping(), [documents[position] for position in left])
    assert set(left) == set(range(len(documents))) - refused
    types = [{path: leaf.type for path, leaf in mapping.fields.items()} for mapping in (together.mapping, one_by_one)]
    assert types[0] == types[1]
