"""A query is what it selects, aggregations are what they compute: other words for the same are the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from anomalyops.plan.core.meaning import aggregations, query

FIELDS = st.sampled_from(["host", "status", "bytes", "@timestamp"])
VALUES = st.sampled_from(["a", "b", 404, 200, True, "now-30m"])


def leaf(name: str, shorthand: str) -> Any:
    return st.builds(lambda field, value: {name: {field: {shorthand: value}}}, FIELDS, VALUES)


LEAVES = st.one_of(
    leaf("term", "value"),
    leaf("match", "query"),
    leaf("match_phrase", "query"),
    leaf("prefix", "value"),
    leaf("wildcard", "value"),
    st.builds(lambda field: {"exists": {"field": field}}, FIELDS),
    st.builds(lambda field, values: {"terms": {field: values}}, FIELDS, st.lists(VALUES, min_size=1, max_size=3)),
    st.builds(
        lambda field, low, high: {"range": {field: {low: 1, high: 9}}},
        FIELDS,
        st.sampled_from(["gt", "gte"]),
        st.sampled_from(["lt", "lte"]),
    ),
    st.just({"match_all": {}}),
)


def compound(inner: Any) -> Any:
    return st.dictionaries(
        st.sampled_from(["must", "filter", "should", "must_not"]),
        st.lists(inner, min_size=1, max_size=3),
        min_size=1,
    ).map(lambda body: {"bool": body})


QUERIES = st.recursive(LEAVES, compound, max_leaves=6)


def reworded(draw: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    """The same query in other words, chosen by `draw`."""
    ((name, body),) = wanted.items()
    match name:
        case "bool":
            parts: dict[str, Any] = {}
            for key, clauses in body.items():
                others = draw(st.permutations([reworded(draw, clause) for clause in clauses]))
                parts[key] = others[0] if len(others) == 1 and draw(st.booleans()) else list(others)
            for key in ("must", "filter"):
                if key in parts and not {"must", "filter"} - {key} & set(parts) and draw(st.booleans()):
                    parts["filter" if key == "must" else "must"] = parts.pop(key)
                    break
            extra = draw(st.sampled_from([{}, {"adjust_pure_negative": True}, {"boost": 1.0}, {"must_not": []}]))
            found: dict[str, Any] = {"bool": {**extra, **parts}}
        case "term" | "prefix" | "wildcard" | "match" | "match_phrase":
            ((field, inside),) = body.items()
            (value,) = inside.values()
            said = {**inside, **draw(st.sampled_from([{}, {"boost": 1}, {"boost": 1.0}]))}
            if name == "match":
                said |= draw(st.sampled_from([{}, {"operator": "OR"}, {"operator": "or", "lenient": False}]))
            found = {name: {field: draw(st.sampled_from([value, said]))}}
        case "terms":
            ((field, values),) = body.items()
            found = {name: {field: [*draw(st.permutations(values)), values[0]]}}
        case "range":
            ((field, bounds),) = body.items()
            found = {name: {field: draw(st.sampled_from([bounds, _from_to(bounds), {**bounds, "boost": 1}]))}}
        case _:
            found = wanted
    return {"bool": {"filter": [found]}} if draw(st.integers(0, 4)) == 0 else found


def _from_to(bounds: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for key, value in bounds.items():
        lower = key.startswith("g")
        said["from" if lower else "to"] = value
        said["include_lower" if lower else "include_upper"] = key.endswith("e")
    return said


@given(st.data(), QUERIES)
def test_a_query_in_other_words_is_the_same(data, wanted):
    assert query(reworded(data.draw, wanted)) == query(wanted)


@given(QUERIES)
def test_the_canonical_form_of_a_query_is_its_own(wanted):
    assert query(query(wanted)) == query(wanted)


def _documents() -> list[dict[str, Any]]:
    return [
        {"host": host, "status": status, "bytes": size}
        for host in ("a", "b", "c")
        for status in (404, 200)
        for size in (0, 1, 5, 9, 10)
    ]


def matches(found: dict[str, Any], document: dict[str, Any]) -> bool:
    """What Elasticsearch would say, for the clauses that the generator makes."""
    ((name, body),) = found.items()
    match name:
        case "match_all":
            return True
        case "exists":
            return body["field"] in document
        case "bool":
            must = [matches(clause, document) for key in ("must", "filter") for clause in body.get(key, ())]
            should = [matches(clause, document) for clause in body.get("should", ())]
            wanted = 1 if should and not must else 0
            excluded = any(matches(clause, document) for clause in body.get("must_not", ()))
            return all(must) and sum(should) >= wanted and not excluded
    ((field, inside),) = body.items()
    value = document.get(field)
    if name == "terms":
        return value in inside
    if name == "range":
        bounds = {"gt": lambda x, y: x > y, "gte": lambda x, y: x >= y, "lt": lambda x, y: x < y, "lte": _at_most}
        return isinstance(value, int) and all(bounds[key](value, limit) for key, limit in inside.items())
    return type(value) is type(next(iter(inside.values()))) and value == next(iter(inside.values()))


def _at_most(x: int, y: int) -> bool:
    return x <= y


@given(QUERIES, QUERIES)
def test_queries_that_select_other_documents_differ(one, other):
    """Never more alike than what they select: a difference in meaning is never taken for other words."""
    assume(any(matches(one, document) != matches(other, document) for document in _documents()))
    assert query(one) != query(other)


@given(QUERIES)
def test_the_canonical_form_selects_the_same(wanted):
    for document in _documents():
        assert matches(query(wanted), document) == matches(wanted, document)


SAME = [
    ({"term": {"a": "b"}}, {"term": {"a": {"value": "b"}}}),
    ({"match": {"a": "b"}}, {"match": {"a": {"query": "b", "operator": "OR"}}}),
    ({"bool": {"filter": {"term": {"a": 1}}}}, {"bool": {"filter": [{"term": {"a": 1}}]}}),
    ({"bool": {"must": [{"match_all": {}}]}}, None),  # what Kibana writes for no query
    ({"bool": {"should": [{"exists": {"field": "a"}}], "minimum_should_match": 1}}, {"exists": {"field": "a"}}),
    ({"range": {"a": {"from": 1, "to": 2, "include_upper": False}}}, {"range": {"a": {"gte": 1, "lt": 2}}}),
    ({"range": {"a": {"gte": 1, "lte": None}}}, {"range": {"a": {"gte": 1}}}),
    (
        {"nested": {"path": "a", "query": {"term": {"a.b": 1}}, "score_mode": "avg"}},
        {"nested": {"path": "a", "query": {"term": {"a.b": {"value": 1}}}}},
    ),
    ({"query_string": {"query": "a:b", "default_operator": "OR"}}, {"query_string": {"query": "a:b"}}),
    ({"constant_score": {"filter": {"term": {"a": 1}}}}, {"term": {"a": 1}}),
]
DIFFERENT = [
    ({"term": {"a": "b"}}, {"term": {"a": "c"}}),
    ({"term": {"a": True}}, {"term": {"a": 1}}),
    ({"match": {"a": {"query": "b c", "operator": "and"}}}, {"match": {"a": "b c"}}),
    (
        {"bool": {"should": [{"term": {"a": 1}}, {"term": {"a": 2}}], "minimum_should_match": 2}},
        {"bool": {"should": [{"term": {"a": 1}}, {"term": {"a": 2}}]}},
    ),
    ({"bool": {"must_not": [{"term": {"a": 1}}]}}, {"bool": {"must": [{"term": {"a": 1}}]}}),
    ({"range": {"a": {"gt": 1}}}, {"range": {"a": {"gte": 1}}}),
    ({"script": {"script": "a"}}, {"script": {"script": "b"}}),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_same(one, other):
    assert query(one) == query(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different(one, other):
    assert str(query(one)) != str(query(other))
    assert query(one) is not None


def buckets(interval: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"b": {"date_histogram": {"field": "t", **interval}, "aggs": {"t": {"max": {"field": "t"}}}, **more}}


SAME_AGGREGATIONS = [
    (buckets({"fixed_interval": "30m"}), buckets({"fixed_interval": "1800s", "min_doc_count": 0})),
    (buckets({"calendar_interval": "1h"}), buckets({"calendar_interval": "hour", "keyed": False})),
    (buckets({"fixed_interval": "1h", "offset": "0s"}), buckets({"fixed_interval": "60m", "time_zone": "UTC"})),
    (buckets({"fixed_interval": "1h"}, meta={}), buckets({"fixed_interval": "60m"})),
    (
        {"f": {"filter": {"term": {"a": "b"}}, "aggs": {}}},
        {"f": {"filter": {"bool": {"must": {"term": {"a": {"value": "b"}}}}}}},
    ),
    ({"t": {"terms": {"field": "a"}}}, {"t": {"terms": {"field": "a", "size": 10, "order": {"_count": "desc"}}}}),
    (
        {"c": {"composite": {"sources": [{"d": {"date_histogram": {"field": "t", "fixed_interval": "5m"}}}]}}},
        {
            "c": {
                "composite": {
                    "size": 10,
                    "sources": [{"d": {"date_histogram": {"field": "t", "fixed_interval": "300s", "order": "asc"}}}],
                }
            }
        },
    ),
    (
        {"s": {"bucket_script": {"buckets_path": {"a": "b"}, "script": "params.a"}}},
        {"s": {"bucket_script": {"buckets_path": {"a": "b"}, "script": {"source": "params.a", "lang": "painless"}}}},
    ),
]
DIFFERENT_AGGREGATIONS = [
    (buckets({"fixed_interval": "30m"}), buckets({"fixed_interval": "31m"})),
    (buckets({"fixed_interval": "1h"}), buckets({"calendar_interval": "1h"})),
    (buckets({"fixed_interval": "1h"}), buckets({"fixed_interval": "1h", "offset": "5m"})),
    (buckets({"calendar_interval": "1m"}), buckets({"calendar_interval": "1M"})),
    ({"t": {"terms": {"field": "a"}}}, {"t": {"terms": {"field": "a", "size": 1000}}}),
    ({"m": {"max": {"field": "a"}}}, {"m": {"min": {"field": "a"}}}),
]


@pytest.mark.parametrize(("one", "other"), SAME_AGGREGATIONS)
def test_same_aggregations(one, other):
    assert aggregations(one) == aggregations(other)
    assert aggregations(aggregations(one)) == aggregations(one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT_AGGREGATIONS)
def test_different_aggregations(one, other):
    assert aggregations(one) != aggregations(other)
