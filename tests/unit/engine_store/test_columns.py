"""Documents to typed columns: dynamic mapping, coercion, arrays, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalyops_engine.store import IndexMapping, MappingConflictError, MappingError, UnsupportedMappingError
from anomalyops_engine.store.columns import Batch
from anomalyops_engine.store.mapping_body import merged


def columns(documents: list[dict[str, Any]], properties: dict[str, Any] | None = None) -> dict[str, list[Any]]:
    """The values of every field that the documents fill, by dotted name."""
    batch = batch_of(documents, properties)
    assert batch.errors == {}
    return {
        path: batch.arrays[leaf.column].to_pylist()
        for path, leaf in batch.mapping.fields.items()
        if leaf.column in batch.arrays
    }


def batch_of(documents: list[dict[str, Any]], properties: dict[str, Any] | None = None) -> Batch:
    return Batch(merged(IndexMapping(), {"properties": properties or {}}), documents)


def types(documents: list[dict[str, Any]]) -> dict[str, str]:
    return {path: leaf.type for path, leaf in batch_of(documents).mapping.fields.items()}


def test_dynamic_mapping_follows_the_json_type_of_the_first_values():
    document = {
        "s": "x",
        "i": 1,
        "f": 1.5,
        "b": True,
        "d": "2024-01-01T00:00:00Z",
        "n": None,
        "e": [],
        "ip": "10.0.0.1",
    }
    assert types([document]) == {"s": "text", "i": "long", "f": "float", "b": "boolean", "d": "date", "ip": "text"}
    mapping = batch_of([document]).mapping
    assert mapping.get("s.keyword").type == "keyword"
    assert mapping.get("s.keyword").column == mapping.get("s").column


def test_the_first_document_decides_the_type_as_if_they_came_one_after_the_other():
    assert types([{"v": 1}, {"v": 2.5}]) == {"v": "long"}
    assert types([{"v": 2.5}, {"v": 1}]) == {"v": "float"}
    assert columns([{"v": 1}, {"v": 2.5}]) == {"v": [1, 2]}


def test_objects_and_dotted_names_are_the_same_field():
    documents = [{"a": {"b": {"c": 1}}}, {"a.b.c": 2}, {"a": {"b.c": 3}}, {"a.b": {"c": 4}}]
    assert columns(documents) == {"a.b.c": [1, 2, 3, 4]}
    assert columns([{"a": {"b": 1}, "a.b": 2}]) == {"a.b": [[1, 2]]}


def test_an_array_makes_the_field_a_list_and_arrays_of_objects_are_flattened():
    assert columns([{"t": "x"}, {"t": ["y", None, ["z"]]}, {}]) == {"t": [["x"], ["y", "z"], None]}
    assert columns([{"o": [{"k": 1, "v": "a"}, {"k": 2}]}]) == {"o.k": [[1, 2]], "o.v": ["a"]}


@pytest.mark.parametrize(
    ("kind", "given_value", "kept"),
    [
        ("long", "12", 12),
        ("long", 12.9, 12),
        ("long", "12.9", 12),
        ("long", "", None),
        ("double", "1e3", 1000.0),
        ("boolean", "true", True),
        ("boolean", "", False),
        ("keyword", 12, "12"),
        ("keyword", True, "true"),
        ("date", 1_700_000_000_000, 1_700_000_000_000),
        ("date", "2023-11-14T22:13:20Z", 1_700_000_000_000),
        ("date", "2023-11-14T23:13:20+01:00", 1_700_000_000_000),
        ("date", "1700000000000", 1_700_000_000_000),
        ("ip", "2001:DB8::1", "20010db80000000000000000000000012001:db8::1"),
        ("geo_point", {"lat": 1.5, "lon": -2}, "1.5,-2.0"),
        ("geo_point", [-2, 1.5], "1.5,-2.0"),
        ("unsigned_long", 2**64 - 1, 2**64 - 1),
    ],
)
def test_values_are_coerced_as_the_type_says(kind, given_value, kept):
    assert columns([{"x": given_value}], {"x": {"type": kind}}) == {"x": [kept]}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("long", "many"),
        ("long", True),
        ("long", 2**63),
        ("integer", 2**31),
        ("byte", 128),
        ("double", "x"),
        ("double", [1, "x"]),
        ("boolean", "yes"),
        ("boolean", 1),
        ("date", "yesterday"),
        ("date", True),
        ("ip", "300.1.1.1"),
        ("keyword", {"a": 1}),
    ],
)
def test_a_value_that_does_not_fit_is_an_error_of_its_document_alone(kind, value):
    batch = batch_of([{"x": None}, {"x": value}, {}], {"x": {"type": kind}})
    assert list(batch.errors) == [1]
    assert f"failed to parse field [x] of type [{kind}]" in str(batch.errors[1])


def test_a_format_of_the_mapping_is_the_one_that_counts():
    properties = {"t": {"type": "date", "format": "yyyy-MM-dd HH:mm:ss||epoch_second"}}
    assert columns([{"t": "2014-07-01 00:30:00"}, {"t": 1404174600}], properties) == {"t": [1404174600000] * 2}
    assert list(batch_of([{"t": "2014-07-01T00:30:00Z"}], properties).errors) == [0]


def test_an_object_where_a_value_was_and_the_other_way_round():
    assert "Cannot parse object as number" in str(batch_of([{"x": {"y": 1}}], {"x": {"type": "long"}}).errors[0].cause)
    assert "found a concrete value" in str(
        batch_of([{"x": 1}], {"x": {"properties": {"y": {"type": "long"}}}}).errors[0]
    )


def test_strict_false_and_disabled_mappings_add_no_fields():
    strict = Batch(
        merged(IndexMapping(), {"dynamic": "strict", "properties": {"a": {"type": "long"}}}), [{"a": 1, "b": 2}]
    )
    assert "dynamic introduction of [b]" in str(strict.errors[0])
    loose = Batch(merged(IndexMapping(), {"dynamic": False}), [{"b": 2}])
    assert (loose.errors, loose.mapping.fields) == ({}, {})
    disabled = batch_of([{"raw": {"a": 1}}], {"raw": {"type": "object", "enabled": False}})
    assert (disabled.errors, disabled.mapping.fields) == ({}, {})


def test_dynamic_templates_decide_for_new_fields():
    template = {"strings": {"match_mapping_type": "string", "unmatch": "*_text", "mapping": {"type": "keyword"}}}
    mapping = Batch(merged(IndexMapping(), {"dynamic_templates": [template]}), [{"a": "x", "b_text": "y"}]).mapping
    assert (mapping.get("a").type, mapping.get("b_text").type) == ("keyword", "text")


@pytest.mark.parametrize(
    ("properties", "error", "names"),
    [
        ({"x": {"type": "flattened"}}, UnsupportedMappingError, "flattened"),
        ({"x": {"type": "strnig"}}, MappingError, "strnig"),
        ({"x": {"type": "date", "format": "QQQQQQ"}}, MappingError, "QQQQQQ"),
        ({"x": 5}, MappingError, "x"),
        ({"x": {"type": "keyword", "fields": {"n": {"type": "histogram"}}}}, UnsupportedMappingError, "x.n"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused_by_name(properties, error, names):
    with pytest.raises(error, match=names):
        merged(IndexMapping(), {"properties": properties})


def test_a_field_does_not_change_its_type():
    mapping = merged(
        IndexMapping(), {"properties": {"x": {"type": "long"}, "o": {"properties": {"y": {"type": "ip"}}}}}
    )
    for properties in ({"x": {"type": "keyword"}}, {"x": {"properties": {}}}, {"o": {"type": "keyword"}}):
        with pytest.raises(MappingConflictError):
            merged(mapping, {"properties": properties})
    again = merged(mapping, {"properties": {"x": {"type": "long"}}})
    assert again.to_body() == mapping.to_body()


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "a.b", "c"]), _values, max_size=3), min_size=1, max_size=5))
def test_whatever_comes_is_either_stored_or_refused_and_never_half(documents):
    batch = Batch(IndexMapping(), documents)
    while batch.errors:
        documents = [d for number, d in enumerate(documents) if number not in batch.errors]
        batch = Batch(IndexMapping(), documents)
    assert all(len(array) == len(documents) for array in batch.arrays.values())
    assert IndexMapping.from_record(batch.mapping.to_record()) == batch.mapping
