"""Guessed mappings: the narrowest type that every value of the sample has."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalyops.local.mapping import FieldType, MappingError, converter, guess, index_mapping

TIME = {"time": "2014-07-01 00:00:00"}


def kinds(rows, *, textual=True, **options):
    columns = guess([TIME | row for row in rows], time_field="time", textual=textual, **options)
    return {column.name: column.type for column in columns}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", "0"], "long"),
        (["1", "2.5"], "double"),
        (["1e3", ".5"], "double"),
        (["9223372036854775808"], "double"),
        (["true", "False"], "boolean"),
        (["10.0.0.1", "::1"], "ip"),
        (["2014-07-01 00:00:00", "2014-07-02"], "date"),
        (["007", "12"], "keyword"),
        (["GET", "POST"], "keyword"),
        (["1", "one"], "keyword"),
        (["the quick brown fox jumps"], "text"),
        (["x" * 300], "text"),
        (["", ""], "keyword"),
        (["", "5"], "long"),
        (["nan", "1"], "keyword"),
    ],
)
def test_types_of_csv_columns(values, kind):
    assert kinds([{"x": value} for value in values])["x"] == kind


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "long"),
        ([1, 2.5], "double"),
        ([True, False], "boolean"),
        ([True, 1], "keyword"),
        (["1", "2"], "keyword"),
        (["10.0.0.1"], "ip"),
        (["2014-07-01T00:00:00Z"], "date"),
        (["2014-07-01 00:00:00"], "keyword"),
        ([None, 3], "long"),
        ([["a", "b"], "c"], "keyword"),
    ],
)
def test_types_of_json_fields(values, kind):
    assert kinds([{"x": value} for value in values], textual=False)["x"] == kind


def test_objects_become_objects_of_the_mapping():
    rows = [TIME | {"geo": {"src": "US", "at": {"lat": 1.5}}, "tags": [{"name": "a"}]}]
    columns = guess(rows, time_field="time", textual=False)
    assert index_mapping(columns) == {
        "properties": {
            "time": {"type": "date"},
            "geo": {"properties": {"src": {"type": "keyword"}, "at": {"properties": {"lat": {"type": "double"}}}}},
            "tags": {"properties": {"name": {"type": "keyword"}}},
        }
    }


def test_a_missing_time_field_is_named_with_the_fields_that_are_there():
    with pytest.raises(MappingError, match="time field 'when' is not in the file; its fields: time, x"):
        guess([TIME | {"x": "1"}], time_field="when", textual=True)


def test_an_unreadable_time_field_points_to_the_option():
    with pytest.raises(MappingError, match=r"time field 'x': 'noon' has no known time format.*--time-format"):
        guess([{"x": "noon"}], time_field="x", textual=True)


def test_a_given_type_wins():
    assert kinds([{"x": "1"}], types={"x": FieldType.DOUBLE})["x"] == "double"
    with pytest.raises(MappingError, match="'y'"):
        kinds([{"x": "1"}], types={"y": FieldType.DOUBLE})


CELLS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(str),
    st.sampled_from(["true", "FALSE", "", "2014-07-01", "2014-07-01 10:00:00+02:00", "007", "-", ".", "1e400"]),
    st.ip_addresses().map(str),
    st.text(max_size=40),
)


@settings(max_examples=200)
@given(st.lists(CELLS, min_size=1, max_size=6))
def test_every_value_of_the_sample_converts_to_the_guessed_type(cells):
    (column,) = [
        column
        for column in guess([TIME | {"x": cell} for cell in cells], time_field="time", textual=True)
        if column.name == "x"
    ]
    convert = converter(column)
    for cell in cells:
        if cell != "":
            convert(cell)


@settings(max_examples=60)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=5))
def test_integers_are_kept_exactly(numbers):
    columns = guess([TIME | {"x": str(number)} for number in numbers], time_field="time", textual=True)
    convert = converter(columns[1])
    assert columns[1].type is FieldType.LONG
    assert [convert(str(number)) for number in numbers] == numbers


@settings(max_examples=30)
@given(st.lists(st.ip_addresses(), min_size=1, max_size=4))
def test_addresses_are_addresses(addresses):
    columns = guess([TIME | {"x": str(a)} for a in addresses], time_field="time", textual=True)
    assert columns[1].type is FieldType.IP
    assert [ipaddress.ip_address(converter(columns[1])(str(a))) for a in addresses] == addresses
