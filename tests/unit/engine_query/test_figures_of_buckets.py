"""Law: figures that are made of the buckets around them are those of the definitions, whatever is missing or empty."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from anomalyops_engine.query import QueryError, UnsupportedQueryError, search
from laws import law


def ask(corpus, inner, query=None, around=None, **options):
    around = around or {"date_histogram": {"field": "time", "fixed_interval": "3h"}}
    body = {"size": 0, "query": query or {"match_all": {}}, "aggs": {"t": {**around, "aggs": inner}}}
    return search(corpus.reader, corpus.indices, body, **options)["aggregations"]


def figures(buckets, policy):
    """The mean of each bucket, as pipelines see it."""
    for bucket in buckets:
        value = bucket["m"]["value"]
        gap = value is None or bucket["doc_count"] == 0
        yield (0.0 if policy == "insert_zeros" else math.nan) if gap else value


@law(examples=40)
@given(st.data())
def test_figures_are_those_of_the_definitions(corpus, data):
    policy = data.draw(st.sampled_from(["skip", "insert_zeros"]))
    lag = data.draw(st.integers(1, 4))
    query = data.draw(st.sampled_from([{"match_all": {}}, {"term": {"host": "db-1"}}, {"range": {"size": {"gt": 11}}}]))
    inner = {
        "twice": {"derivative": {"buckets_path": "d"}},
        "d": {"derivative": {"buckets_path": "m", "gap_policy": policy}},
        "m": {"avg": {"field": "load"}},
        "s": {"serial_diff": {"buckets_path": "m", "gap_policy": policy, "lag": lag}},
        "c": {"cumulative_sum": {"buckets_path": "m"}},
        "n": {"cumulative_sum": {"buckets_path": "_count"}},
    }
    buckets = ask(corpus, inner, query)["t"]["buckets"]
    values = list(figures(buckets, policy))
    event(f"empty buckets: {sum(bucket['doc_count'] == 0 for bucket in buckets) > 0}")
    total, count = 0.0, 0
    for place, (bucket, value, plain) in enumerate(zip(buckets, values, figures(buckets, "insert_zeros"), strict=True)):
        total, count = total + plain, count + bucket["doc_count"]
        assert bucket["c"]["value"] == pytest.approx(total)
        assert bucket["n"]["value"] == count
        assert ("d" in bucket) == (place > 0)
        if place:
            step = value - values[place - 1]
            assert bucket["d"]["value"] == (None if math.isnan(step) else pytest.approx(step))
        apart = value - values[place - lag] if place >= lag else math.nan
        assert bucket.get("s") == (None if math.isnan(apart) else {"value": pytest.approx(apart)})
        assert ("twice" in bucket) == (place > 0)


@law(examples=30)
@given(st.data())
def test_buckets_come_in_the_order_that_is_asked_for(corpus, data):
    field, descending = data.draw(st.sampled_from(["m", "_count", "_key"])), data.draw(st.booleans())
    start, size = data.draw(st.integers(0, 3)), data.draw(st.none() | st.integers(1, 5))
    order = {"sort": [{field: {"order": "desc" if descending else "asc"}}], "from": start}
    order |= {} if size is None else {"size": size}
    around = data.draw(st.sampled_from([None, {"terms": {"field": "sizes", "size": 20}}]))
    mean = {"m": {"avg": {"field": "load"}}}
    whole = ask(corpus, mean, {"range": {"size": {"gt": 9}}}, around)["t"]["buckets"]
    found = ask(corpus, {**mean, "o": {"bucket_sort": order}}, {"range": {"size": {"gt": 9}}}, around)["t"]["buckets"]

    def key(bucket):
        return bucket["doc_count"] if field == "_count" else bucket["key"] if field == "_key" else bucket["m"]["value"]

    whole = [bucket for bucket in whole if key(bucket) is not None]
    expected = sorted(whole, key=key, reverse=descending)
    assert found == expected[start : None if size is None else start + size]


def test_figures_can_be_read_by_others_and_have_types(corpus):
    inner = {"m": {"sum": {"field": "size"}}, "c": {"cumulative_sum": {"buckets_path": "m"}}}
    inner["d"] = {"derivative": {"buckets_path": "f>m"}}
    inner["f"] = {"filter": {"term": {"host": "db-1"}}, "aggs": {"m": {"sum": {"field": "size"}}}}
    aggs = {"t": {"date_histogram": {"field": "time", "calendar_interval": "day", "keyed": True}, "aggs": inner}}
    aggs["last"] = {"max_bucket": {"buckets_path": "t>c"}}
    found = search(corpus.reader, corpus.indices, {"size": 0, "aggs": aggs}, typed_keys=True)["aggregations"]
    buckets = list(found["date_histogram#t"]["buckets"].values())
    assert found["bucket_metric_value#last"]["value"] == max(bucket["simple_value#c"]["value"] for bucket in buckets)
    sums = [bucket["filter#f"]["sum#m"]["value"] for bucket in buckets]
    steps = [bucket["derivative#d"]["value"] for bucket in buckets[1:]]
    assert steps == [after - before for before, after in pairwise(sums)]


@pytest.mark.parametrize(
    ("inner", "around", "text"),
    [
        ({"c": {"cumulative_sum": {"buckets_path": "_count"}}}, {"terms": {"field": "host"}}, "must have a histogram"),
        ({"c": {"cumulative_sum": {"buckets_path": "no"}}}, None, "No aggregation found for path [no]"),
        (
            {"a": {"derivative": {"buckets_path": "b"}}, "b": {"derivative": {"buckets_path": "a"}}},
            None,
            "Cyclical dependency found with pipeline aggregator [a]",
        ),
        ({"s": {"bucket_sort": {}}}, None, "is configured to perform nothing"),
        ({"s": {"bucket_sort": {"sort": ["no"]}}}, None, "No aggregation found for path [no]"),
        ({"s": {"bucket_sort": {"size": 1}}}, {"filter": {"match_all": {}}}, "needs several buckets around it"),
        ({"s": {"serial_diff": {"buckets_path": "_count", "lag": 0}}}, None, "lag"),
    ],
)
def test_what_has_no_buckets_to_work_on_is_refused(corpus, inner, around, text):
    with pytest.raises(QueryError) as caught:
        ask(corpus, inner, around=around)
    assert text in str(caught.value)


def test_one_at_the_root_and_what_is_not_served_are_refused(corpus):
    with pytest.raises(QueryError, match=r"\[o\] must be declared inside of another aggregation"):
        search(corpus.reader, corpus.indices, {"aggs": {"o": {"bucket_sort": {"size": 1}}}})
    for kind in ("moving_fn", "bucket_selector", "cumulative_cardinality"):
        with pytest.raises(UnsupportedQueryError, match=kind):
            ask(corpus, {"x": {kind: {"buckets_path": "_count"}}})
