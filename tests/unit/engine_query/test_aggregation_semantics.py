"""Aggregations against a plain evaluator in Python, over random trees."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.query import (
    IllegalQueryError,
    QueryParsingError,
    TooManyBucketsError,
    UnsupportedQueryError,
    aggregate_rows,
    read_rows,
    search,
)
from laws import law

START_MS = 1_704_067_200_000
HOUR_MS = 3_600_000

_of_numbers = st.sampled_from(["min", "max", "avg", "sum", "stats", "extended_stats", "median_absolute_deviation"])
_metrics = st.one_of(
    st.tuples(_of_numbers, st.integers(-9, 9)).map(lambda pair: (pair[0], {"field": "size", "missing": pair[1]})),
    st.tuples(_of_numbers, st.sampled_from(["size", "load", "sizes"])),
    st.tuples(st.sampled_from(["value_count", "cardinality"]), st.sampled_from(["host", "tags", "size", "unmapped"])),
).map(lambda pair: {pair[0]: pair[1] if isinstance(pair[1], dict) else {"field": pair[1]}})

_notes = st.sampled_from(["a@b.org", "it's", '"; --', "100%", "?", "a,b", "ä", "", "a", "none"])


def _terms_of(field: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    choices = st.lists(values, max_size=4)
    options = st.fixed_dictionaries({}, optional={"include": choices, "exclude": choices, "missing": values})
    return options.map(lambda chosen: {"terms": {"field": field, "size": 50, **chosen}})


_buckets = st.one_of(
    _terms_of("note", _notes),
    _terms_of("size", st.integers(-5, 15)),
    _terms_of("sizes", st.integers(0, 12)),
    st.builds(
        lambda missing, ranges: {"range": {"field": "size", "missing": missing, "ranges": ranges}},
        st.integers(-5, 15),
        # The answer comes in the order of the bounds, whatever that of the request is.
        st.permutations([{"to": 3}, {"from": 3, "to": 8}, {"from": 6}]),
    ),
    st.builds(
        lambda field, missing: {"histogram": {"field": field, "interval": 4, "missing": missing}},
        st.sampled_from(["size", "sizes"]),
        st.integers(-20, 20),
    ),
    st.builds(
        lambda field, size: {"terms": {"field": field, "size": size}},
        st.sampled_from(["host", "tags", "size", "message.keyword"]),
        st.integers(1, 20),
    ),
    st.builds(
        lambda field, size, fewest, order: {
            "terms": {"field": field, "size": size, "min_doc_count": fewest, "order": {"_key": order}}
        },
        st.sampled_from(["host", "tags", "size"]),
        st.integers(1, 5),
        st.integers(1, 9),
        st.sampled_from(["asc", "desc"]),
    ),
    st.builds(
        lambda hours, offset: {
            "date_histogram": {"field": "time", "fixed_interval": f"{hours}h", "offset": f"{offset}m"}
        },
        st.integers(1, 30),
        st.integers(-90, 90),
    ),
    st.sampled_from(["day", "week", "month"]).map(
        lambda unit: {"date_histogram": {"field": "time", "calendar_interval": unit, "min_doc_count": 1}}
    ),
    st.builds(
        lambda field, interval: {"histogram": {"field": field, "interval": interval}},
        st.sampled_from(["size", "load", "sizes"]),
        st.sampled_from([1, 2.5, 7]),
    ),
    st.just({"filters": {"filters": {"r": {"term": {"tags": "red"}}, "g": {"term": {"tags": "green"}}}}}),
    st.just({"filter": {"range": {"size": {"gte": 3}}}}),
    st.just({"missing": {"field": "size"}}),
    st.just({"range": {"field": "sizes", "ranges": [{"to": 3}, {"from": 3, "to": 8}, {"from": 6}]}}),
)


def _with_children(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    children = st.lists(st.one_of(_metrics, inner), max_size=2)
    return st.tuples(_buckets, children).map(
        lambda pair: pair[0] | ({"aggs": {f"c{n}": child for n, child in enumerate(pair[1])}} if pair[1] else {})
    )


_aggregations = st.recursive(st.one_of(_metrics, _buckets), _with_children, max_leaves=4)


def evaluate(documents: list[dict[str, Any]], aggregation: dict[str, Any]) -> dict[str, Any]:
    """The reference, one document at a time."""
    (kind,) = [key for key in aggregation if key != "aggs"]
    options, children = aggregation[kind], aggregation.get("aggs", {})

    def inside(chosen: list[dict[str, Any]]) -> dict[str, Any]:
        return {"doc_count": len(chosen), **{name: evaluate(chosen, child) for name, child in children.items()}}

    def with_key(key: Any) -> list[dict[str, Any]]:
        return [document for document in documents if key in _keys(document, kind, options)]

    if kind == "filter":
        return inside([d for d in documents if d.get("size", -99) >= 3])
    if kind == "missing":
        return inside([d for d in documents if "size" not in d])
    if kind == "filters":
        return {
            "buckets": {
                name: inside([d for d in documents if color in _values(d, "tags")])
                for name, color in (("r", "red"), ("g", "green"))
            }
        }
    if kind == "range":
        limits = [(-math.inf, 3), (3, 8), (6, math.inf)]
        chosen = [[d for d in documents if any(lo <= v < hi for v in _filled(d, options))] for lo, hi in limits]
        return {"buckets": [inside(part) for part in chosen]}
    if kind in {"terms", "date_histogram", "histogram"}:
        counts = Counter(key for document in documents for key in _keys(document, kind, options))
        if kind == "terms":
            kept = [key for key in sorted(counts) if counts[key] >= options.get("min_doc_count", 1)]
            if "order" not in options:
                kept.sort(key=lambda key: -counts[key])
            elif options["order"]["_key"] == "desc":
                kept.reverse()
            ranked = kept[: options["size"]]
            other = sum(counts.values()) - sum(counts[key] for key in ranked)
            return {"sum_other_doc_count": other, "buckets": [{"key": k, **inside(with_key(k))} for k in ranked]}
        keys = sorted(counts)
        if keys and options.get("min_doc_count", 0) == 0:
            step = _step(options)
            keys = [keys[0] + n * step for n in range(round((keys[-1] - keys[0]) / step) + 1)]
        return {"buckets": [{"key": key, **inside(with_key(key))} for key in keys]}
    if kind == "value_count":  # of texts, a document keeps the different ones
        kept = [list(_filled(d, options)) for d in documents]
        return {"value": sum(len(set(each)) if isinstance(each[0], str) else len(each) for each in kept if each)}
    return _metric(kind, [value for d in documents for value in _filled(d, options)])


def _metric(kind: str, values: list[Any]) -> dict[str, Any]:
    if kind == "cardinality":
        return {"value": len(set(values))}
    numbers = {
        "count": len(values),
        "min": min(values, default=None),
        "max": max(values, default=None),
        "avg": sum(values) / len(values) if values else None,
        "sum": sum(values),
    }
    if kind == "median_absolute_deviation":
        middle = statistics.median(values) if values else 0
        return {"value": statistics.median([abs(value - middle) for value in values]) if values else None}
    if kind == "extended_stats":
        return numbers | _scatter(values)
    return numbers if kind == "stats" else {"value": numbers[kind]}


def _scatter(values: list[float]) -> dict[str, Any]:
    several = len(values) > 1
    of_all = (statistics.pvariance(values), statistics.pstdev(values)) if values else (None, None)
    nothing = "NaN" if values else None
    sample = (statistics.variance(values), statistics.stdev(values)) if several else (nothing, nothing)
    squares = sum(value * value for value in values) if values else None
    return {
        "sum_of_squares": squares,
        "variance": of_all[0],
        "variance_sampling": sample[0],
        "std_deviation": of_all[1],
        "std_deviation_sampling": sample[1],
    }


def _step(options: dict[str, Any]) -> float:
    return options["interval"] if "interval" in options else int(options["fixed_interval"][:-1]) * HOUR_MS


def _keys(document: dict[str, Any], kind: str, options: dict[str, Any]) -> set[Any]:
    values = _filled(document, options)
    if kind == "terms":
        allowed = set(values) & set(options.get("include", values))
        return allowed - set(options.get("exclude", ()))
    if kind == "histogram":
        return {math.floor(v / options["interval"]) * options["interval"] for v in values}
    if "calendar_interval" in options:
        return {_calendar_floor(v, options["calendar_interval"]) for v in values}
    step, offset = _step(options), int(options["offset"][:-1]) * 60_000
    return {math.floor((v - offset) / step) * step + offset for v in values}


def _filled(document: dict[str, Any], options: dict[str, Any]) -> list[Any]:
    values = _values(document, options["field"])
    return values or ([options["missing"]] if "missing" in options else [])


def _calendar_floor(value: int, unit: str) -> int:
    day = datetime.fromtimestamp(value / 1000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "month":
        day = day.replace(day=1)
    back = day.weekday() * 86_400_000 if unit == "week" else 0
    return int(day.timestamp() * 1000) - back


def _values(document: dict[str, Any], name: str) -> list[Any]:
    value = document.get(name.removesuffix(".keyword"))
    return value if isinstance(value, list) else [] if value is None else [value]


def agree(found: Any, expected: Any) -> bool:
    """Compare what the reference says; the answer may say more (`key_as_string`, `from`, `to`)."""
    if isinstance(expected, dict):
        return all(key in found and agree(found[key], value) for key, value in expected.items())
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(agree, found, expected))
    if isinstance(expected, float) or isinstance(found, float):
        return found == pytest.approx(expected, abs=1e-9)
    return bool(found == expected)


@law(examples=100)
@given(aggregation=_aggregations)
def test_an_aggregation_says_what_its_definition_says(corpus, aggregation):
    answer = search(corpus.reader, corpus.indices, {"size": 0, "aggs": {"a": aggregation}})["aggregations"]["a"]
    expected = evaluate(list(corpus.documents.values()), aggregation)
    assert agree(answer, expected), (answer, expected)


def ask(corpus, aggregations: dict[str, Any], query: dict[str, Any] | None = None) -> dict[str, Any]:
    body = {"size": 0, "query": query or {"match_all": {}}, "aggs": aggregations}
    return search(corpus.reader, corpus.indices, body)["aggregations"]


@law(examples=20)
@given(field=st.sampled_from(["host", "tags", "size", "load", "ok", "note"]), count=st.integers(2, 5))
def test_partitions_of_values_are_all_of_them(corpus, field, count):
    def buckets(choice):
        return ask(corpus, {"a": {"terms": {"field": field, "size": 1000, **choice}}})["a"]["buckets"]

    parts = [buckets({"include": {"partition": number, "num_partitions": count}}) for number in range(count)]
    together = [(bucket["key"], bucket["doc_count"]) for part in parts for bucket in part]
    assert sorted(together) == sorted((bucket["key"], bucket["doc_count"]) for bucket in buckets({}))


def test_nothing_is_missing_where_something_stands_for_it(corpus):
    without = sum("size" not in document for document in corpus.documents.values())
    assert ask(corpus, {"a": {"missing": {"field": "size"}}})["a"]["doc_count"] == without > 0
    assert ask(corpus, {"a": {"missing": {"field": "size", "missing": 3}}})["a"]["doc_count"] == 0


def test_percentiles_are_those_of_numpy(corpus):
    answer = ask(corpus, {"p": {"percentiles": {"field": "load", "percents": [5, 50, 99.9]}}})["p"]["values"]
    loads = [d["load"] for d in corpus.documents.values() if "load" in d]
    for percent, value in answer.items():
        assert value == pytest.approx(np.percentile(loads, float(percent)))


def test_terms_can_be_ordered_by_a_metric_or_by_key(corpus, refused):
    aggs = {"h": {"terms": {"field": "host", "order": {"s.max": "asc"}}, "aggs": {"s": {"stats": {"field": "load"}}}}}
    buckets = ask(corpus, aggs)["h"]["buckets"]
    assert [b["s"]["max"] for b in buckets] == sorted(b["s"]["max"] for b in buckets)
    buckets = ask(corpus, {"h": {"terms": {"field": "host", "order": {"_key": "desc"}}}})["h"]["buckets"]
    assert [b["key"] for b in buckets] == sorted((b["key"] for b in buckets), reverse=True)
    with refused(IllegalQueryError, "Invalid aggregation order path"):
        ask(corpus, {"h": {"terms": {"field": "host", "order": {"nothing": "desc"}}}})


def test_extended_bounds_add_empty_buckets_with_empty_metrics(corpus):
    bounds = {"min": "2023-12-31T00:00:00Z", "max": "2024-01-04"}
    aggs = {
        "t": {
            "date_histogram": {"field": "time", "calendar_interval": "1d", "extended_bounds": bounds},
            "aggs": {
                "m": {"max": {"field": "load"}},
                "s": {"sum": {"field": "load"}},
                "h": {"terms": {"field": "host"}},
            },
        }
    }
    buckets = ask(corpus, aggs, {"range": {"time": {"lt": "2024-01-01T12:00:00Z"}}})["t"]["buckets"]
    assert [b["key_as_string"][:10] for b in buckets] == [
        "2023-12-31",
        "2024-01-01",
        "2024-01-02",
        "2024-01-03",
        "2024-01-04",
    ]
    empty = buckets[-1]
    assert empty["doc_count"] == 0
    assert (empty["m"], empty["s"], empty["h"]["buckets"]) == ({"value": None}, {"value": 0.0}, [])


def test_bounds_may_be_open_at_one_end_and_are_read_in_the_zone_of_the_buckets(corpus):
    def days(kind: str, bounds: dict[str, Any], **options: Any) -> list[str]:
        asked = {"date_histogram": {"field": "time", "calendar_interval": "1d", kind: bounds, **options}}
        found = ask(corpus, {"t": asked}, {"range": {"time": {"lt": "2024-01-01T12:00:00Z"}}})["t"]["buckets"]
        return [bucket["key_as_string"] for bucket in found]

    assert days("extended_bounds", {"min": "2023-12-31"}) == ["2023-12-31T00:00:00.000Z", "2024-01-01T00:00:00.000Z"]
    assert days("extended_bounds", {"max": 1_704_153_600_000, "min": None})[1:] == ["2024-01-02T00:00:00.000Z"]
    assert days("extended_bounds", {"max": "2024-01-02"}, time_zone="-05:00")[-1] == "2024-01-02T00:00:00.000-05:00"
    assert days("hard_bounds", {"min": "2024-01-02"}) == []


def test_numbers_as_bounds_of_time_are_milliseconds_whatever_the_format_is(store):
    with store.write() as writer:
        writer.create_index("s", mappings={"properties": {"t": {"type": "date", "format": "epoch_second"}}})
        writer.append("s", [{"t": 86_400}])
    bounds = {"min": 0, "max": 172_800_000}
    asked = {"date_histogram": {"field": "t", "fixed_interval": "1d", "extended_bounds": bounds}}
    with store.read() as reader:
        body = {"size": 0, "aggs": {"t": asked}}
        answer = search(reader, reader.resolve("s"), body)["aggregations"]["t"]["buckets"]
    assert [bucket["key"] for bucket in answer] == [0, 86_400_000, 172_800_000]


def test_include_exclude_and_missing_choose_terms(corpus):
    def keys(**options: Any) -> set[Any]:
        return {b["key"] for b in ask(corpus, {"x": {"terms": {"field": "tags", **options}}})["x"]["buckets"]}

    assert keys(include="r.*|blue") == {"red", "blue"}
    assert keys(exclude=["red"]) == {"green", "blue"}
    assert keys(missing="none") == {"red", "green", "blue", "none"}


def test_a_filtered_other_bucket_holds_the_rest(corpus):
    filters = {"filters": {"a": {"exists": {"field": "size"}}}, "other_bucket_key": "rest"}
    buckets = ask(corpus, {"f": {"filters": filters}})["f"]["buckets"]
    assert buckets["a"]["doc_count"] + buckets["rest"]["doc_count"] == len(corpus.documents)


def test_typed_keys_name_the_type(corpus):
    body = {"size": 0, "aggs": {"h": {"terms": {"field": "host"}, "aggs": {"m": {"max": {"field": "size"}}}}}}
    answer = search(corpus.reader, corpus.indices, body, typed_keys=True)["aggregations"]
    assert answer.keys() == {"sterms#h"}
    assert "max#m" in answer["sterms#h"]["buckets"][0]


@pytest.mark.parametrize(
    ("aggregations", "error", "names"),
    [
        ({"a": {"scripted_metric": {}}}, UnsupportedQueryError, "scripted_metric"),
        ({"a": {"top_hits": {"size": 101}}}, IllegalQueryError, "the top hits aggregator [a]'s from + size must be"),
        (
            {"a": {"top_hits": {"sort": "nothing"}}},
            IllegalQueryError,
            "No mapping found for [nothing] in order",
        ),
        ({"a": {"top_hits": {"highlight": {}}}}, UnsupportedQueryError, "[highlight] of [top_hits]"),
        ({"a": {"terms": {}}}, IllegalQueryError, "Required one of fields [field, script], but none were specified."),
        ({"a": {"filters": {}}}, IllegalQueryError, "[filters] cannot be empty."),
        (
            {"a": {"terms": {"field": "host", "include": {"partition": 2, "num_partitions": 2}}}},
            QueryParsingError,
            "[partition] must be less than [num_partitions] but was [2]",
        ),
        (
            {"a": {"percentiles": {"field": "size", "tdigest": {"compression": -1}}}},
            QueryParsingError,
            "[compression] must be greater than or equal to 0. Found [-1.0]",
        ),
        ({"a": {"invented": {}}}, QueryParsingError, "invented"),
        ({"a": {"avg": {"field": "host"}}}, IllegalQueryError, "keyword"),
        ({"a": {"terms": {"field": "message"}}}, IllegalQueryError, "message"),
        ({"a": {"terms": {"field": "host", "sise": 3}}}, QueryParsingError, "sise"),
        ({"a": {"terms": {}}}, IllegalQueryError, "field"),
        ({"a": {"date_histogram": {"field": "time"}}}, IllegalQueryError, "interval"),
        ({"a": {"date_histogram": {"field": "time", "fixed_interval": "1M"}}}, QueryParsingError, "1M"),
        ({"a": {"date_histogram": {"field": "time", "interval": "1h"}}}, QueryParsingError, "interval"),
        ({"a": {"avg": {"field": "size"}, "max": {"field": "size"}}}, QueryParsingError, "exactly one type"),
        ({"a": {"avg": {"script": "1"}}}, UnsupportedQueryError, "script"),
        ({"a": {"date_histogram": {"field": "time", "fixed_interval": "1ms"}}}, TooManyBucketsError, "65536"),
        (
            {
                "a": {
                    "date_histogram": {"field": "time", "fixed_interval": "1d", "extended_bounds": {"min": 5, "max": 1}}
                }
            },
            IllegalQueryError,
            "[extended_bounds.min][5] cannot be greater than [extended_bounds.max][1]",
        ),
        (
            {"a": {"histogram": {"field": "size", "interval": 1, "hard_bounds": {"min": 5, "max": 1}}}},
            QueryParsingError,
            "hard_bounds",
        ),
        (
            {
                "a": {
                    "histogram": {
                        "field": "size",
                        "interval": 1,
                        "hard_bounds": {"min": 5, "max": 9},
                        "extended_bounds": {"min": 0, "max": 9},
                    }
                }
            },
            IllegalQueryError,
            "Extended bounds have to be inside hard bounds",
        ),
    ],
)
def test_what_is_wrong_or_missing_is_named(corpus, refused, aggregations, error, names):
    with refused(error, names):
        ask(corpus, aggregations)


def rows_of(corpus, aggregations: dict[str, Any], **bounds: Any) -> list[dict[str, Any]]:
    limits = {"start_ms": None, "end_ms": None, **bounds}
    documents = aggregate_rows(corpus.indices, None, aggregations, time_field="time", **limits)
    return read_rows(corpus.reader, documents)


def test_a_datafeed_s_aggregations_are_one_row_per_innermost_bucket(corpus):
    aggregations = {
        "buckets": {
            "date_histogram": {"field": "time", "fixed_interval": "6h"},
            "aggs": {
                "time": {"max": {"field": "time"}},
                "host": {"terms": {"field": "host", "size": 100}, "aggs": {"load": {"avg": {"field": "load"}}}},
            },
        }
    }
    start, end = START_MS + 6 * HOUR_MS, START_MS + 18 * HOUR_MS
    found = rows_of(corpus, aggregations, start_ms=start, end_ms=end)
    expected: dict[Any, list[dict[str, Any]]] = {}
    newest: Counter[int] = Counter()
    for document in corpus.documents.values():
        if start <= document.get("time", 0) < end:
            bucket = (document["time"] - START_MS) // (6 * HOUR_MS)
            newest[bucket] = max(newest[bucket], document["time"])
            if "host" in document:
                expected.setdefault((bucket, document["host"]), []).append(document)
    assert len(found) == len(expected) > 4
    for row in found:
        bucket = (row["time"] - START_MS) // (6 * HOUR_MS)
        documents = expected[bucket, row["host"]]
        loads = [d["load"] for d in documents if "load" in d]
        assert (row["time"], row["doc_count"]) == (newest[bucket], len(documents))
        assert row["load"] == (pytest.approx(sum(loads) / len(loads)) if loads else None)


def test_a_composite_datafeed_aggregation_is_not_cut_by_its_page_size(corpus):
    sources = [
        {"t": {"date_histogram": {"field": "time", "fixed_interval": "1h"}}},
        {"host": {"terms": {"field": "host"}}},
    ]
    aggregations = {"b": {"composite": {"size": 2, "sources": sources}, "aggs": {"time": {"max": {"field": "time"}}}}}
    found = rows_of(corpus, aggregations)
    assert sum(row["doc_count"] for row in found) == sum(
        1 for d in corpus.documents.values() if "time" in d and "host" in d
    )
    assert {row["host"] for row in found} == {"web-1", "web-2", "db-1", "cache"}


@pytest.mark.parametrize("missing", [True, False])
@pytest.mark.parametrize(
    ("source", "keys"),
    [
        ({"terms": {"field": "host"}}, lambda d: [d["host"]] if "host" in d else []),
        ({"terms": {"field": "tags"}}, lambda d: set(listed(d.get("tags")))),
        ({"histogram": {"field": "size", "interval": 4}}, lambda d: [d["size"] // 4 * 4.0] if "size" in d else []),
        ({"histogram": {"field": "sizes", "interval": 4}}, lambda d: {size // 4 * 4.0 for size in d.get("sizes", [])}),
    ],
)
def test_sources_of_a_composite_keep_documents_without_a_value_where_asked_to(corpus, source, keys, missing):
    ((kind, options),) = source.items()
    sources = [
        {"t": {"date_histogram": {"field": "time", "fixed_interval": "12h"}}},
        {"key": {kind: {**options, "missing_bucket": missing}}},
    ]
    found = rows_of(corpus, {"b": {"composite": {"sources": sources}, "aggs": {"time": {"max": {"field": "time"}}}}})
    counts: Counter[tuple[int, Any]] = Counter()
    for document in corpus.documents.values():
        if "time" in document:
            bucket = (document["time"] - START_MS) // (12 * HOUR_MS)
            counts.update((bucket, key) for key in keys(document) or ([None] if missing else []))
    assert {((row["time"] - START_MS) // (12 * HOUR_MS), row["key"]): row["doc_count"] for row in found} == counts


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


@pytest.mark.parametrize(
    ("aggregations", "message"),
    [
        ({"h": {"terms": {"field": "host"}}}, "date_histogram"),
        (
            {"t": {"date_histogram": {"field": "time", "fixed_interval": "1h"}}},
            "Missing max aggregation for time_field",
        ),
        (
            {
                "t": {
                    "date_histogram": {"field": "time", "fixed_interval": "1h"},
                    "aggs": {
                        "time": {"max": {"field": "time"}},
                        "a": {"terms": {"field": "host"}},
                        "b": {"terms": {"field": "tags"}},
                    },
                }
            },
            "Multiple bucket aggregations",
        ),
    ],
)
def test_datafeed_aggregations_of_another_form_are_refused(corpus, aggregations, message):
    with pytest.raises(IllegalQueryError, match=message):
        rows_of(corpus, aggregations)
