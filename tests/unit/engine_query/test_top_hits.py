"""Law: the hits of a bucket are those of a search for its documents; and values looked up are values that are given."""

from __future__ import annotations

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from anomalyops_engine.query import UnsupportedQueryError, count, search
from anomalyops_engine.query.dsl import where
from anomalyops_engine.store import IndexNotFoundError
from laws import law

_SORTS = st.lists(
    st.tuples(st.sampled_from(["time", "host", "size", "load", "ok", "sizes"]), st.sampled_from(["asc", "desc"])).map(
        lambda pair: {pair[0]: {"order": pair[1]}}
    ),
    max_size=2,
    unique_by=lambda key: next(iter(key)),
)
_BUCKETS = {
    "terms": ({"terms": {"field": "host", "size": 3}}, lambda bucket: {"term": {"host": bucket["key"]}}),
    "several": ({"terms": {"field": "tags"}}, lambda bucket: {"term": {"tags": bucket["key"]}}),
    "missing": ({"missing": {"field": "host"}}, lambda _: {"bool": {"must_not": {"exists": {"field": "host"}}}}),
    "hours": (
        {"date_histogram": {"field": "time", "fixed_interval": "6h"}},
        lambda bucket: {"range": {"time": {"gte": bucket["key"], "lt": bucket["key"] + 6 * 3_600_000}}},
    ),
    "composite": (
        {"composite": {"size": 9, "sources": [{"h": {"terms": {"field": "host"}}}, {"o": {"terms": {"field": "ok"}}}]}},
        lambda bucket: {
            "bool": {"filter": [{"term": {"host": bucket["key"]["h"]}}, {"term": {"ok": bucket["key"]["o"]}}]}
        },
    ),
}


@law(examples=60)
@given(st.data())
def test_hits_of_a_bucket_are_those_of_its_documents(corpus, data):
    kind = data.draw(st.sampled_from(sorted(_BUCKETS)))
    bucketing, documents_of = _BUCKETS[kind]
    shown = {
        "from": data.draw(st.integers(0, 3)),
        "size": data.draw(st.integers(0, 4)),
        "sort": data.draw(_SORTS),
        "_source": data.draw(st.sampled_from([True, False, ["host"]])),
        "version": data.draw(st.booleans()),
        "seq_no_primary_term": data.draw(st.booleans()),
        "track_scores": data.draw(st.booleans()),
    }
    query = data.draw(st.sampled_from([{"match_all": {}}, {"term": {"ok": {"value": True, "_name": "fine"}}}]))
    inside = {"top": {"top_hits": {**shown, "docvalue_fields": ["size"]}}, "deep": {"terms": {"field": "ok"}}}
    inside["deep"]["aggs"] = {"top": {"top_hits": shown}}
    found = search(
        corpus.reader, corpus.indices, {"query": query, "size": 0, "aggs": {"b": {**bucketing, "aggs": inside}}}
    )
    whole = found["aggregations"]["b"]
    buckets = whole.get("buckets", [whole])
    event(f"{kind}: {len(buckets)} buckets")
    for bucket in buckets:
        mine = {"bool": {"must": [query], "filter": [documents_of(bucket)]}}
        expected = search(corpus.reader, corpus.indices, {**shown, "query": mine, "docvalue_fields": ["size"]})["hits"]
        assert bucket["top"]["hits"]["hits"] == expected["hits"]
        assert bucket["top"]["hits"]["total"] == expected["total"]
        for part in bucket["deep"]["buckets"]:
            within = [documents_of(bucket), {"term": {"ok": part["key_as_string"]}}]
            mine = {"bool": {"must": [query], "filter": within}}
            expected = search(corpus.reader, corpus.indices, {**shown, "query": mine})["hits"]
            assert part["top"]["hits"]["hits"] == expected["hits"]


def test_hits_of_all_documents_and_of_none(corpus):
    aggs = {
        "all": {"top_hits": {"size": 2, "sort": "time"}},
        "none": {"filter": {"match_none": {}}, "aggs": {"top": {"top_hits": {}}}},
    }
    found = search(corpus.reader, corpus.indices, {"size": 2, "sort": "time", "aggs": aggs}, totals_as_numbers=True)
    assert found["aggregations"]["all"]["hits"] == found["hits"]
    assert found["aggregations"]["none"]["top"] == {"hits": {"total": 0, "max_score": None, "hits": []}}


@law(examples=60)
@given(st.data())
def test_values_that_are_looked_up_are_values_that_are_given(corpus, data):
    name = data.draw(st.sampled_from([*sorted(corpus.documents)[:40], "nowhere"]))
    path = data.draw(st.sampled_from(["host", "tags", "sizes", "size", "nothing"]))
    field = {"host": "host", "tags": "tags"}.get(path, "sizes")
    index = next(
        (index.name for index in corpus.indices if name in corpus.reader.documents(index, [name])),
        corpus.indices[0].name,
    )
    values = corpus.documents.get(name, {}).get(path, [])
    given_values = values if isinstance(values, list) else [values]
    lookup = {"terms": {field: {"index": index, "id": name, "path": path}}}
    stated = {"terms": {field: given_values}}
    event(f"values: {len(given_values)}")
    body = {"size": 100, "sort": "_doc"}
    hits = [search(corpus.reader, corpus.indices, {**body, "query": one})["hits"]["hits"] for one in (lookup, stated)]
    assert hits[0] == hits[1]
    assert count(corpus.reader, corpus.indices, lookup) == count(corpus.reader, corpus.indices, stated)
    filters = {"f": {"filter": {"bool": {"must_not": lookup}}}}
    answer = search(corpus.reader, corpus.indices, {"size": 0, "aggs": filters})["aggregations"]["f"]["doc_count"]
    assert answer == count(corpus.reader, corpus.indices, {"bool": {"must_not": stated}})


def test_a_lookup_needs_its_index_and_a_search(corpus):
    lookup = {"terms": {"host": {"index": "not-there", "id": "1", "path": "host"}}}
    with pytest.raises(IndexNotFoundError, match="not-there"):
        search(corpus.reader, corpus.indices, {"query": lookup})
    with pytest.raises(UnsupportedQueryError, match="lookup"):
        where(corpus.indices[0], lookup)
