"""Pipeline aggregations in the rows of a datafeed: held against Python, and the same however the time is cut."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.query import QueryError, aggregate_rows, check_rows, read_rows
from laws import law

HOUR_MS = 3_600_000
SOURCE = "params.change > 0 ? params.change * params.k + params.n : null"
START_MS = 1_704_067_200_000  # when the corpus begins


def feed(
    interval: str, *, minimum: int = 0, policy: str = "skip", inner: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "buckets": {
            "date_histogram": {"field": "time", "fixed_interval": interval, "min_doc_count": minimum},
            "aggs": {
                "time": {"max": {"field": "time"}},
                "load": {"avg": {"field": "load"}},
                "change": {"derivative": {"buckets_path": "load", "gap_policy": policy}},
                "rise": {
                    "bucket_script": {
                        "buckets_path": {"change": "change", "n": "_count"},
                        "script": {"source": SOURCE, "params": {"k": 2}},
                        "gap_policy": policy,
                    }
                },
                **(inner or {}),
            },
        }
    }  # fmt: skip


def rows_of(
    corpus: Any, aggregations: dict[str, Any], start: int | None, end: int | None, query: Any = None
) -> list[dict[str, Any]]:
    documents = aggregate_rows(corpus.indices, query, aggregations, time_field="time", start_ms=start, end_ms=end)
    return read_rows(corpus.reader, documents, ordered_by="time")


def expected(corpus: Any, hours: int, minimum: int, policy: str) -> list[tuple[Any, ...]]:
    buckets: dict[int, list[dict[str, Any]]] = {}
    for document in corpus.documents.values():
        if "time" in document:
            buckets.setdefault((document["time"] - START_MS) // (hours * HOUR_MS), []).append(document)
    rows: list[tuple[Any, ...]] = []
    before: tuple[int, float | None] | None = None
    for number, documents in sorted(buckets.items()):
        loads = [d["load"] for d in documents if "load" in d]
        load = sum(loads) / len(loads) if loads else None
        figure = 0.0 if load is None and policy == "insert_zeros" else load
        if before is not None and before[0] != number - 1 and minimum == 0:
            before = (number - 1, 0.0 if policy == "insert_zeros" else None)
        change = None if before is None or before[1] is None or figure is None else figure - before[1]
        known = 0.0 if change is None and policy == "insert_zeros" else change
        rise = None if known is None or known <= 0 else known * 2 + len(documents)
        rows.append((max(d["time"] for d in documents), load, change, rise))
        before = (number, figure)
    return rows


@pytest.mark.parametrize("policy", ["skip", "insert_zeros"])
@pytest.mark.parametrize("minimum", [0, 1])
@pytest.mark.parametrize("hours", [1, 6])
def test_rows_are_what_the_buckets_say(corpus: Any, hours: int, minimum: int, policy: str) -> None:
    found = rows_of(corpus, feed(f"{hours}h", minimum=minimum, policy=policy), None, None)
    wanted = expected(corpus, hours, minimum, policy)
    assert len(found) == len(wanted) > 5
    for row, (time, load, change, rise) in zip(found, wanted, strict=True):
        assert row["time"] == time
        for name, value in (("load", load), ("change", change), ("rise", rise)):
            assert row[name] == (None if value is None else pytest.approx(value)), (name, row)


@law(examples=40)
@given(cuts=st.lists(st.integers(0, 40), max_size=5), host=st.sampled_from(["web-1", "db-1", "cache", "none"]))
def test_law_rows_do_not_depend_on_how_the_time_is_cut(corpus: Any, cuts: list[int], host: str) -> None:
    query = {"term": {"host": host}}  # few documents, so that there are empty buckets
    whole = rows_of(corpus, feed("1h"), START_MS, START_MS + 40 * HOUR_MS, query)
    edges = [START_MS + hour * HOUR_MS for hour in sorted({0, *cuts, 40})]
    parts = [row for start, end in pairwise(edges) for row in rows_of(corpus, feed("1h"), start, end, query)]
    assert parts == whole


def test_scripts_stand_below_the_histogram_and_in_composites_too(corpus: Any) -> None:
    half = {"bucket_script": {"buckets_path": "_count", "script": "params._value / 2"}}
    hosts = {"host": {"terms": {"field": "host", "size": 10}, "aggs": {"half": half}}}
    below = rows_of(corpus, feed("6h", inner=hosts), None, None)
    sources = [
        {"t": {"date_histogram": {"field": "time", "fixed_interval": "6h"}}},
        {"host": {"terms": {"field": "host"}}},
    ]
    aggs = {"time": {"max": {"field": "time"}}, "half": half}
    composite = rows_of(corpus, {"b": {"composite": {"sources": sources}, "aggs": aggs}}, None, None)
    for row in [*below, *composite]:
        assert row["half"] == row["doc_count"] / 2
    key = lambda row: (row["time"] // (6 * HOUR_MS), row["host"])  # noqa: E731
    assert sorted(map(key, below)) == sorted(map(key, composite))


def test_a_derivative_of_a_derivative_and_a_percentile(corpus: Any) -> None:
    inner = {
        "p": {"percentiles": {"field": "load", "percents": [95]}},
        "twice": {"derivative": {"buckets_path": "change"}},
        "high": {"bucket_script": {"buckets_path": {"p": "p.95", "q": "p[95.0]"}, "script": "params.p + params.q"}},
    }
    rows = rows_of(corpus, feed("6h", inner=inner), None, None)
    for before, row in pairwise(rows):
        if before["change"] is not None and row["change"] is not None:
            assert row["twice"] == pytest.approx(row["change"] - before["change"])
        assert row["high"] == pytest.approx(2 * row["p"])


@pytest.mark.parametrize(
    ("inner", "named"),
    [
        ({"x": {"derivative": {"buckets_path": "nowhere"}}}, "No aggregation found for path [nowhere]"),
        ({"x": {"derivative": {"buckets_path": "x"}}}, "Cyclical dependency found with pipeline aggregator [x]"),
        ({"x": {"derivative": {"buckets_path": "load", "unit": "1s"}}}, "[unit]"),
        ({"x": {"derivative": {"buckets_path": "load", "gap_policy": "keep_values"}}}, "[keep_values]"),
        ({"x": {"derivative": {"buckets_path": "load", "gap_policy": "jump"}}}, "Invalid gap policy: [jump]"),
        ({"x": {"derivative": {"buckets_path": "load"}, "aggs": {}}}, "cannot accept sub-aggregations"),
        ({"x": {"bucket_script": {"buckets_path": {"a": "load"}, "script": "for (;;) {}"}}}, "[for]"),
        ({"x": {"bucket_script": {"buckets_path": {"a": "load"}, "script": "doc['a'].value"}}}, "[doc] is not there"),
        ({"x": {"bucket_script": {"buckets_path": {"a": "load"}, "script": "'text'"}}}, "must return a number"),
        ({"x": {"bucket_script": {"script": "1"}}}, "[buckets_path]"),
        (
            {"host": {"terms": {"field": "host"}, "aggs": {"x": {"derivative": {"buckets_path": "_count"}}}}},
            "must have a histogram",
        ),
    ],
)
def test_what_cannot_be_carried_out_is_found_before_there_are_indices(inner: dict[str, Any], named: str) -> None:
    with pytest.raises(QueryError) as caught:
        check_rows(feed("1h", inner=inner))
    assert named in str(caught.value)
