"""Mapping parameters: each is honoured or refused by its name, and what mappings show can be given again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalyops_engine.store import (
    IndexMapping,
    MappingConflictError,
    MappingError,
    StoreError,
    UnsupportedMappingError,
)
from anomalyops_engine.store.fieldtypes import FIELD_TYPES
from anomalyops_engine.store.mapping_body import merged

_ALL_PARAMETERS = sorted({name for row in FIELD_TYPES.values() for name in row.parameters})
_NEEDED = {"scaled_float": {"scaling_factor": 10}}
_VALUES = st.one_of(
    st.booleans(),
    st.integers(-3, 300),
    st.sampled_from(["true", "false", "x", "1.5", "docs", "lowercase", "standard", "2024-01-01", "10.0.0.1", "1,2"]),
    st.sampled_from([None, [], {}, ["all"], {"lat": 1, "lon": 2}, {"unit": "s"}]),
)


def mapping_of(**fields: Any) -> IndexMapping:
    return merged(IndexMapping(), {"properties": fields})


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(FIELD_TYPES)), st.sampled_from([*_ALL_PARAMETERS, "nonsense", "boost"]), _VALUES)
def test_a_parameter_is_shown_again_or_is_its_default_or_is_refused_by_name(kind, name, value):
    definition = {"type": kind, **_NEEDED.get(kind, {}), name: value}
    if name not in FIELD_TYPES[kind].parameters:
        with pytest.raises(MappingError, match=rf"\[{name}\] on mapper \[f\]"):
            mapping_of(f=definition)
        return
    try:
        mapping = mapping_of(f=definition)
    except StoreError:
        return
    shown = mapping.to_body()
    assert (
        name in shown["properties"]["f"]
        or mapping_of(f={key: given_value for key, given_value in definition.items() if key != name}) == mapping
    )
    assert merged(IndexMapping(), shown) == mapping
    assert IndexMapping.from_record(mapping.to_record()) == mapping


@pytest.mark.parametrize(
    ("definition", "error", "said"),
    [
        ({"type": "long", "foo": 1}, MappingError, r"unknown parameter \[foo\] on mapper \[f\] of type \[long\]"),
        ({"type": "text", "doc_values": False}, MappingError, r"unknown parameter \[doc_values\]"),
        ({"type": "ip", "format": "epoch_second"}, MappingError, r"unknown parameter \[format\]"),
        ({"type": "date", "null_value": "1.1.1.1"}, MappingError, r"Error parsing \[null_value\] on field \[f\]"),
        ({"type": "keyword", "normalizer": "mine"}, MappingError, r"normalizer \[mine\] not found for field \[f\]"),
        ({"type": "keyword", "ignore_above": -1}, MappingError, r"\[ignore_above\] must be positive, got \[-1\]"),
        ({"type": "scaled_float"}, MappingError, "misses required parameter"),
        ({"type": "long", "script": {"source": "1"}}, UnsupportedMappingError, r"\[script\]"),
        ({"type": "text", "analyzer": "stop"}, UnsupportedMappingError, r"\[analyzer\] of \[stop\]"),
        ({"type": "keyword", "fields": {"a": {"type": "long", "copy_to": "x"}}}, MappingError, "copy_to"),
        ({"type": "keyword", "fields": {"a.b": {"type": "long"}}}, MappingError, "cannot contain"),
    ],
)
def test_what_is_not_honoured_is_named(definition, error, said):
    with pytest.raises(error, match=said):
        mapping_of(f=definition)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"_source": {"enabled": False}}, UnsupportedMappingError),
        ({"_source": {"excludes": ["a"]}}, UnsupportedMappingError),
        ({"_routing": {"required": True}}, UnsupportedMappingError),
        ({"dynamic": "runtime"}, UnsupportedMappingError),
        ({"subobjects": False}, UnsupportedMappingError),
        ({"nonsense": 1}, MappingError),
        ({"properties": {"": {"type": "long"}}}, MappingError),
        ({"properties": {"a": {"type": "alias", "path": "none"}}}, MappingError),
    ],
)
def test_what_documents_are_kept_as_is_not_changed_in_silence(body, error):
    with pytest.raises(error):
        merged(IndexMapping(), body)


@pytest.mark.parametrize(
    ("old", "new", "may"),
    [
        ({"type": "keyword"}, {"type": "keyword", "ignore_above": 9}, True),
        ({"type": "long"}, {"type": "long", "ignore_malformed": True}, True),
        ({"type": "long"}, {"type": "long", "doc_values": False}, False),
        ({"type": "keyword"}, {"type": "keyword", "null_value": "x"}, False),
        ({"type": "date"}, {"type": "date", "format": "epoch_second"}, False),
        ({"type": "keyword"}, {"type": "keyword", "normalizer": "lowercase"}, False),
        ({"type": "long"}, {"type": "double"}, False),
    ],
)
def test_a_mapping_update_changes_what_it_may_and_names_what_it_may_not(old, new, may):
    mapping = mapping_of(f=old)
    if may:
        assert merged(mapping, {"properties": {"f": new}}).fields["f"].definition == new
        return
    with pytest.raises(MappingConflictError, match=r"Cannot update parameter|cannot be changed from type"):
        merged(mapping, {"properties": {"f": new}})


def test_multi_fields_have_a_column_of_their_own_where_values_differ():
    mapping = mapping_of(
        f={
            "type": "keyword",
            "fields": {"same": {"type": "text"}, "low": {"type": "keyword", "normalizer": "lowercase"}},
        }
    )
    assert mapping.get("f.same").column == mapping.get("f").column
    assert mapping.get("f.low").column != mapping.get("f").column
