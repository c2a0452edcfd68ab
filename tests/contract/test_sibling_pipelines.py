"""Figures of the buckets of another aggregation, recomputed in Python; through the official client."""

import pytest
from elasticsearch import BadRequestError
from hypothesis import given
from hypothesis import strategies as st

from laws import law

_INDEX = "siblings"
_KINDS = ("max_bucket", "min_bucket", "avg_bucket", "sum_bucket", "stats_bucket")


def _fill(client, rows):
    client.options(ignore_status=404).indices.delete(index=_INDEX)
    properties = {"k": {"type": "keyword"}, "n": {"type": "integer"}, "v": {"type": "integer"}}
    client.indices.create(index=_INDEX, mappings={"properties": properties})
    if rows:
        client.bulk(index=_INDEX, operations=[part for row in rows for part in ({"index": {}}, row)])


def _search(client, aggs, **options):
    return client.search(index=_INDEX, size=0, aggs=aggs, **options)["aggregations"]


def _expected(kind, figures):
    values = [value for _, value in figures]
    if kind in {"max_bucket", "min_bucket"}:
        best = (max if kind == "max_bucket" else min)(values, default=None)
        return {"value": best, "keys": [key for key, value in figures if value == best]}
    total = float(sum(values))
    mean = total / len(values) if values else None
    if kind == "avg_bucket":
        return {"value": mean}
    if kind == "sum_bucket":
        return {"value": total}
    extremes = {"min": min(values, default=None), "max": max(values, default=None)}
    return {"count": len(values), **extremes, "avg": mean, "sum": total}


_ROW = st.fixed_dictionaries({"n": st.integers(0, 5)}, optional={"v": st.integers(-3, 3)})


@law(examples=40)
@given(
    st.lists(_ROW, max_size=8),
    st.sampled_from(["skip", "insert_zeros"]),
    st.sampled_from(["h>s", "h>_count", "h>t.max", "h>p.50", "f>h>s", "h.s"]),
)
def test_figures_of_buckets_are_put_together(client, rows, policy, path):
    _fill(client, rows)
    inner = {
        "s": {"avg": {"field": "v"}},
        "t": {"stats": {"field": "v"}},
        "p": {"percentiles": {"field": "v", "percents": [50]}},
    }
    histogram = {"histogram": {"field": "n", "interval": 1}, "aggs": inner}
    pipelines = {kind: {kind: {"buckets_path": path, "gap_policy": policy}} for kind in _KINDS}
    within = {"filter": {"range": {"n": {"gte": 2}}}, "aggs": {"h": histogram}}
    found = _search(client, {**pipelines, "h": histogram, "f": within})
    buckets = (found["f"] if path.startswith("f>") else found)["h"]["buckets"]
    part = path.rpartition(">")[2]
    read = {
        "_count": lambda bucket: bucket["doc_count"],
        "t.max": lambda bucket: bucket["t"]["max"],
        "p.50": lambda bucket: bucket["p"]["values"]["50.0"],
    }.get(part, lambda bucket: bucket["s"]["value"])
    figures = [(str(bucket["key"]), read(bucket)) for bucket in buckets]
    figures = [(key, value or 0.0) for key, value in figures if value is not None or policy == "insert_zeros"]
    for kind in _KINDS:
        answer, expected = dict(found[kind]), _expected(kind, figures)
        for name in ("value", "avg"):
            if expected.get(name) is not None:
                assert answer.pop(name) == pytest.approx(expected.pop(name))
        assert answer == expected


def test_they_stand_inside_other_buckets_and_have_types(client):
    _fill(client, [{"k": "a", "n": 1, "v": 5}, {"k": "a", "n": 2, "v": 7}, {"k": "b", "n": 1, "v": 1}])
    inner = {
        "by": {"terms": {"field": "n"}, "aggs": {"s": {"sum": {"field": "v"}}}},
        "best": {"max_bucket": {"buckets_path": "by>s"}},
    }
    aggs = {"k": {"terms": {"field": "k"}, "aggs": inner}, "whole": {"sum_bucket": {"buckets_path": "k>_count"}}}
    answer = _search(client, aggs, typed_keys=True)
    best = [bucket["bucket_metric_value#best"] for bucket in answer["sterms#k"]["buckets"]]
    assert best == [{"value": 7.0, "keys": ["2"]}, {"value": 1.0, "keys": ["1"]}]
    assert answer["simple_value#whole"] == {"value": 3.0}


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("nothing>s", "No aggregation found for path [nothing>s]"),
        ("k>nothing", "No aggregation found for path [k>nothing]"),
        ("k>by", "single value numeric metric aggregation, got: [LongTerms] at aggregation [by]"),
        ("k>by>s", "single value numeric metric aggregation, got: [Object[]] at aggregation [by]"),
        ("k>t", "but [t] contains multiple values. Please specify which to use."),
        ("k", "leads to no number of several buckets"),
        ("alone", "leads to no number of several buckets"),
    ],
)
def test_paths_that_lead_to_no_number_are_refused(client, path, why):
    _fill(client, [{"k": "a", "n": 1, "v": 5}])
    by = {"terms": {"field": "n"}, "aggs": {"s": {"sum": {"field": "v"}}}}
    groups = {"terms": {"field": "k"}, "aggs": {"by": by, "t": {"stats": {"field": "v"}}}}
    aggs = {"k": groups, "alone": {"sum": {"field": "v"}}, "bad": {"max_bucket": {"buckets_path": path}}}
    with pytest.raises(BadRequestError) as caught:
        _search(client, aggs)
    assert why in str(caught.value.body)


def test_datafeeds_do_not_take_them(client):
    _fill(client, [])
    client.options(ignore_status=404).ml.delete_job(job_id="siblings-job", force=True)
    config = {"bucket_span": "1h", "detectors": [{"function": "count"}], "summary_count_field_name": "doc_count"}
    client.ml.put_job(job_id="siblings-job", analysis_config=config, data_description={"time_field": "when"})
    inner = {"when": {"max": {"field": "when"}}}
    aggs = {"buckets": {"date_histogram": {"field": "when", "fixed_interval": "1h"}, "aggs": inner}}
    aggs["buckets"]["aggs"]["best"] = {"max_bucket": {"buckets_path": "when"}}
    answer = client.options(ignore_status=[400, 501]).ml.put_datafeed(
        datafeed_id="siblings-feed", job_id="siblings-job", indices=[_INDEX], aggregations=aggs
    )
    assert (answer.meta.status, answer["error"]["reason"]) == (
        501,
        "[max_bucket] in datafeed aggregations is not supported by this engine",
    )
    client.ml.delete_job(job_id="siblings-job", force=True)
