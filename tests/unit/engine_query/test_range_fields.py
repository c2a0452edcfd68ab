"""Fields of ranges: what is kept of them, which queries find them, and in which buckets they are."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from ipaddress import IPv6Address
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.query import QueryError, SearchPhaseError, search
from anomalyops_engine.store import DocumentParsingError
from anomalyops_engine.store.fieldtypes import RANGES
from laws import law

DAY = 86_400_000
START = 1_704_067_200_000  # 2024-01-01T00:00:00Z
SMALL = st.integers(-12, 12)
PLAIN = {
    "integer_range": SMALL,
    "long_range": SMALL,
    "float_range": SMALL.map(lambda n: n / 4),
    "double_range": SMALL.map(lambda n: n / 4),
    "date_range": SMALL.map(lambda n: START + n * DAY // 3),
    "ip_range": SMALL.map(lambda n: str(IPv6Address(0x2001_0DB8 << 96 | 100 + n))),
}


def number(kind: str, value: Any) -> float | int:
    """A value in a line on which its neighbours are known."""
    if kind == "ip_range":
        return int(IPv6Address(value))
    return value


def after(kind: str, value: Any, *, steps: int) -> Any:
    """The value beside a value."""
    if kind == "float_range":
        return float(np.nextafter(np.float32(value), np.float32(steps * math.inf)))
    return math.nextafter(value, steps * math.inf) if kind == "double_range" else value + steps


def interval(kind: str, written: dict[str, Any]) -> tuple[Any, Any]:
    """What a range means: its first and its last value."""
    low, high = -math.inf, math.inf
    for key, value in written.items():
        here = number(kind, value)
        low = {"gte": here, "gt": after(kind, here, steps=1)}.get(key, low)
        high = {"lte": here, "lt": after(kind, here, steps=-1)}.get(key, high)
    return low, high


@st.composite
def written_range(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    values = sorted(draw(st.lists(PLAIN[kind], min_size=2, max_size=2)), key=lambda value: number(kind, value))
    low = draw(st.sampled_from(["gte", "gt", None]))
    high = draw(st.sampled_from(["lte", "lt", None]))
    return {key: value for key, value in zip((low, high), values, strict=True) if key is not None}


def fits(kind: str, written: dict[str, Any]) -> bool:
    low, high = interval(kind, written)
    return low <= high


@st.composite
def documents(draw: st.DrawFn, kind: str) -> list[Any]:
    one = written_range(kind).filter(lambda written: fits(kind, written))
    return draw(st.lists(st.one_of(one, st.lists(one, max_size=3), st.none()), min_size=1, max_size=8))


def listed(value: Any) -> list[dict[str, Any]]:
    return value if isinstance(value, list) else [] if value is None else [value]


def make(store, kind: str, values: list[Any]) -> None:
    with store.write() as writer:
        if any(index.name == "r" for index in writer.indices()):
            writer.delete_index("r")
        writer.create_index("r", mappings={"properties": {"span": {"type": kind}}})
        documents = [{"span": value} for value in values]
        places = [str(place) for place in range(len(values))]
        writer.append("r", documents, ids=places)


def found(store, body: dict[str, Any]) -> dict[str, Any]:
    with store.read() as reader:
        return search(reader, reader.resolve("r"), body)


def ids(store, query: dict[str, Any]) -> set[int]:
    return {int(hit["_id"]) for hit in found(store, {"query": query, "size": 100})["hits"]["hits"]}


RELATIONS = {
    "intersects": lambda low, high, first, last: low <= last and high >= first,
    "within": lambda low, high, first, last: low >= first and high <= last,
    "contains": lambda low, high, first, last: low <= first and high >= last,
}


@law(examples=30)
@given(data=st.data(), kind=st.sampled_from(sorted(RANGES)), relation=st.sampled_from(sorted(RELATIONS)))
def test_a_query_finds_the_ranges_that_lie_so_to_its_own(store, data, kind, relation):
    values = data.draw(documents(kind))
    wanted = data.draw(written_range(kind))
    make(store, kind, values)
    first, last = interval(kind, wanted)
    expected = {
        place
        for place, value in enumerate(values)
        if first <= last and any(RELATIONS[relation](*interval(kind, one), first, last) for one in listed(value))
    }
    assert ids(store, {"range": {"span": {**wanted, "relation": relation}}}) == expected


@law(examples=15)
@given(data=st.data(), kind=st.sampled_from(sorted(RANGES)))
def test_a_value_is_found_in_the_ranges_that_it_lies_in(store, data, kind):
    values, value = data.draw(documents(kind)), data.draw(PLAIN[kind])
    make(store, kind, values)
    here = number(kind, value)
    expected = {
        place
        for place, span in enumerate(values)
        if any(low <= here <= high for low, high in (interval(kind, one) for one in listed(span)))
    }
    assert ids(store, {"term": {"span": value}}) == expected
    assert ids(store, {"match": {"span": value}}) == expected
    assert ids(store, {"exists": {"field": "span"}}) == {place for place, span in enumerate(values) if listed(span)}


@law(examples=15)
@given(
    data=st.data(),
    kind=st.sampled_from(["integer_range", "long_range", "float_range", "double_range"]),
    width=st.sampled_from([1, 2.5, 7]),
    offset=st.sampled_from([0, 1]),
)
def test_a_range_is_in_every_bucket_of_numbers_that_it_reaches_into(store, data, kind, width, offset):
    values = data.draw(documents(kind))
    make(store, kind, values)
    bounds = (-15.0, 15.0)
    expected: dict[float, int] = {}
    for value in values:
        keys: set[float] = set()
        for first, last in (interval(kind, one) for one in listed(value)):
            low, high = max(first, bounds[0]), min(last, bounds[1])
            if low <= high:
                places = range(math.floor((low - offset) / width), math.floor((high - offset) / width) + 1)
                keys |= {place * width + offset for place in places}
        for key in keys:
            expected[key] = expected.get(key, 0) + 1
    options = {"field": "span", "interval": width, "offset": offset, "min_doc_count": 1}
    hard = {"min": bounds[0], "max": bounds[1]}
    answer = found(store, {"size": 0, "aggs": {"h": {"histogram": {**options, "hard_bounds": hard}}}})
    assert {bucket["key"]: bucket["doc_count"] for bucket in answer["aggregations"]["h"]["buckets"]} == expected


def floor(moment: int, unit: str) -> int:
    when = datetime.fromtimestamp(moment / 1000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "week":
        return int(when.timestamp() * 1000) - when.weekday() * DAY
    month = {"month": when.month, "quarter": (when.month - 1) // 3 * 3 + 1, "year": 1}.get(unit, when.month)
    return int(when.replace(day=when.day if unit == "day" else 1, month=month).timestamp() * 1000)


@law(examples=15)
@given(data=st.data(), unit=st.sampled_from(["day", "week", "month", "quarter", "year"]))
def test_a_range_of_dates_is_in_every_bucket_that_it_reaches_into(store, data, unit):
    spans = st.tuples(st.integers(-200, 900), st.integers(0, 500)).map(
        lambda pair: {"gte": START + pair[0] * DAY // 2, "lt": START + pair[0] * DAY // 2 + pair[1] * DAY // 2 + 1}
    )
    values = data.draw(st.lists(st.one_of(spans, st.lists(spans, min_size=1, max_size=3)), min_size=1, max_size=5))
    make(store, "date_range", values)
    expected: dict[int, int] = {}
    for value in values:
        keys = {floor(moment, unit) for one in listed(value) for moment in range(one["gte"], one["lt"], DAY // 2)} | {
            floor(one["lt"] - 1, unit) for one in listed(value)
        }
        for key in keys:
            expected[key] = expected.get(key, 0) + 1
    options = {"field": "span", "calendar_interval": unit, "min_doc_count": 1}
    answer = found(store, {"size": 0, "aggs": {"h": {"date_histogram": options}}})
    assert {bucket["key"]: bucket["doc_count"] for bucket in answer["aggregations"]["h"]["buckets"]} == expected


def test_an_endless_range_is_too_many_buckets(store):
    for kind, aggregation in (
        ("date_range", {"date_histogram": {"field": "span", "fixed_interval": "1d"}}),
        ("long_range", {"histogram": {"field": "span", "interval": 1}}),
        ("double_range", {"histogram": {"field": "span", "interval": 1}}),
    ):
        make(store, kind, [{}])
        with pytest.raises(QueryError, match="too many buckets"):
            found(store, {"size": 0, "aggs": {"h": aggregation}})


def test_hits_show_ranges_with_the_ends_that_they_name(store):
    for kind, value, shown in (
        ("integer_range", {"gt": "1", "lte": 5}, {"gt": 1, "lte": 5}),
        ("double_range", {"gte": 1}, {"gte": 1.0}),
        ("date_range", {"gte": "2024-01-01", "lt": None}, {"gte": "2024-01-01T00:00:00.000Z"}),
        ("ip_range", {"gte": "10.0.0.1"}, {"gte": "10.0.0.1"}),
        ("ip_range", "10.0.0.7/8", "10.0.0.0/8"),
    ):
        make(store, kind, [value])
        (hit,) = found(store, {"fields": ["span"]})["hits"]["hits"]
        assert hit["fields"] == {"span": [shown]}, kind
        assert hit["_source"] == {"span": value}


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("integer_range", 5, "expected an object"),
        ("integer_range", "1-2", "expected an object"),
        ("integer_range", {"from": 1}, "unknown parameter"),
        ("integer_range", {"gte": 5, "lte": 1}, "is greater than max value"),
        ("integer_range", {"gt": 5, "lt": 6}, "is greater than max value"),
        ("integer_range", {"gte": 2**31}, "out of range"),
        ("integer_range", {"gt": 2**31 - 1}, "is greater than max value"),
        ("double_range", {"gte": "x"}, "x"),
        ("date_range", {"gte": "yesterday"}, "yesterday"),
        ("ip_range", {"gte": "10.0.0.256"}, "not an IP string literal"),
        ("ip_range", "10.0.0.1", "Expected [ip/prefix]"),
        ("ip_range", {"gte": {"a": 1}}, "expected a value"),
    ],
)
def test_what_is_no_range_is_refused(store, kind, value, said):
    with pytest.raises(DocumentParsingError) as refused:
        make(store, kind, [value])
    assert said in f"{refused.value} {refused.value.cause}"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"sort": ["span"]}, "can't sort on binary field"),
        ({"aggs": {"a": {"terms": {"field": "span"}}}}, "is not supported for this aggregation"),
        ({"aggs": {"a": {"max": {"field": "span"}}}}, "is not supported for this aggregation"),
        ({"aggs": {"a": {"date_histogram": {"field": "span", "fixed_interval": "1d"}}}}, "[date_histogram]"),
        ({"query": {"prefix": {"span": "1"}}}, "Can only use prefix queries"),
        ({"query": {"term": {"span": {"value": "1", "case_insensitive": True}}}}, "case insensitive"),
        ({"query": {"range": {"span": {"gte": 5, "lte": 1}}}}, "is greater than `to` value"),
        ({"query": {"range": {"span": {"gte": 1.5}}}}, "has a decimal part"),
        ({"query": {"range": {"span": {"gte": 2**40}}}}, "out of range for an integer"),
    ],
)
def test_ranges_are_no_single_values(store, body, said):
    make(store, "integer_range", [{"gte": 1, "lte": 3}])
    with pytest.raises(SearchPhaseError) as refused:
        found(store, body)
    assert said in str(refused.value.failures[0].error)


@pytest.mark.parametrize(
    "body",
    [
        {"aggs": {"a": {"cardinality": {"field": "span"}}}},
        {"docvalue_fields": ["span"]},
    ],
)
def test_what_a_cluster_does_with_ranges_and_the_engine_does_not_is_said(store, body):
    make(store, "integer_range", [{"gte": 1, "lte": 3}])
    with pytest.raises(QueryError, match="not supported by this engine"):
        found(store, body)


def test_documents_with_ranges_are_counted_once(store):
    make(store, "integer_range", [{"gte": 1}, [{"gte": 1}, {"lte": 3}], None])
    counts = {"n": {"value_count": {"field": "span"}}, "none": {"missing": {"field": "span"}}}
    answer = found(store, {"size": 0, "aggs": counts})["aggregations"]
    assert (answer["n"]["value"], answer["none"]["doc_count"]) == (2, 1)
