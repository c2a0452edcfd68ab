"""Every limit of requests: at the limit an answer, one beyond it a refusal that names the setting."""

from __future__ import annotations

import json

import pytest
from elasticsearch import ApiError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from raw_http import RawConnection

from engine_process import EngineProcess

_JSON = {"Content-Type": "application/json"}
_CLAUSES, _DEPTH, _BODY, _BUCKETS = 40, 6, 16_384, 50
_OF_INDEX = {
    "index.max_docvalue_fields_search": 3,
    "index.max_regex_length": 8,
    "index.max_result_window": 30,
    "index.max_terms_count": 20,
}
_STARTED = (
    f", resources=Resources(body_bytes={_BODY}, "
    f"searches=Limits(clauses={_CLAUSES}, depth={_DEPTH}, buckets={_BUCKETS}))"
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    process = EngineProcess(tmp_path_factory.mktemp("limits"), more=_STARTED)
    process.start()
    with process.client() as client:
        fields = {"k": {"type": "keyword"}, "t": {"type": "text"}, **{f"n{n}": {"type": "long"} for n in range(5)}}
        client.indices.create(index="small", settings=_OF_INDEX, mappings={"properties": fields})
        lines = [line for n in range(60) for line in ({"index": {}}, {"k": f"k{n}", "t": f"t{n}", "n0": n})]
        client.bulk(index="small", operations=lines)
    yield process
    process.kill()


def words(count, between=" "):
    return between.join(f"w{n}" for n in range(count))


def within(depth):
    query = {"match_all": {}}
    for level in range(depth - 1):
        query = {"constant_score": {"filter": query}} if level % 2 else {"bool": {"must": [query]}}
    return query


def searching(body):
    return "POST", "/small/_search", {"size": 0, **body}


def terms(count):
    return [{"term": {"n0": n}} for n in range(count)]


def nested_value(depth):
    value = "[" * (depth - 1) + "]" * (depth - 1)
    return ("PUT", "/deep/_doc/1", f'{{"a":{value}}}'.encode())


def padded(size):
    body = b'{"query":{"match_all":{}}}'
    return "POST", "/small/_count", body + b" " * (size - len(body))


def in_levels(depth):
    value = 1
    for level in reversed(range(depth)):
        value = {f"o{level}": value}
    return "PUT", "/levels", {"settings": {"index.mapping.depth.limit": 4}, "mappings": mapped(value)}


def mapped(value):
    if not isinstance(value, dict):
        return {"type": "long"}
    return {"properties": {name: mapped(inner) for name, inner in value.items()}}


def counted_fields(count):
    fields = {f"f{n}": {"type": "long"} for n in range(count)}
    return "PUT", "/wide", {"settings": {"index.mapping.total_fields.limit": 15}, "mappings": {"properties": fields}}


def named(length):
    fields = {"n" * length: {"type": "long"}}
    return (
        "PUT",
        "/named",
        {"settings": {"index.mapping.field_name_length.limit": 12}, "mappings": {"properties": fields}},
    )


_MAX_CLAUSES = "indices.query.bool.max_clause_count"
# What exceeds each limit: the limit, the request of a size, the status and what the refusal says.
_LIMITS = {
    "clauses side by side": (
        _CLAUSES,
        lambda n: searching({"query": {"bool": {"should": terms(n)}}}),
        400,
        _MAX_CLAUSES,
    ),
    "clauses of all kinds": (
        _CLAUSES,
        lambda n: searching({"query": {"bool": {"must_not": terms(n // 2), "filter": terms(n - n // 2)}}}),
        400,
        _MAX_CLAUSES,
    ),
    "clauses in groups": (
        _CLAUSES,
        lambda n: searching({"query": {"bool": {"must": [{"bool": {"should": [one]}} for one in terms(n)]}}}),
        400,
        _MAX_CLAUSES,
    ),
    "words": (_CLAUSES, lambda n: searching({"query": {"match": {"t": words(n)}}}), 400, _MAX_CLAUSES),
    "words of a beginning": (
        _CLAUSES,
        lambda n: searching({"query": {"match_bool_prefix": {"t": words(n)}}}),
        400,
        _MAX_CLAUSES,
    ),
    "words in fields": (
        _CLAUSES,
        lambda n: searching({"query": {"multi_match": {"query": words(n), "fields": ["t", "k"]}}}),
        400,
        _MAX_CLAUSES,
    ),
    "written words": (
        _CLAUSES,
        lambda n: searching({"query": {"query_string": {"query": words(n), "default_field": "t"}}}),
        400,
        _MAX_CLAUSES,
    ),
    "written alternatives": (
        _CLAUSES,
        lambda n: searching({"query": {"query_string": {"query": words(n, " OR "), "default_field": "t"}}}),
        400,
        _MAX_CLAUSES,
    ),
    "simply written words": (
        _CLAUSES,
        lambda n: searching({"query": {"simple_query_string": {"query": words(n, "|"), "fields": ["t"]}}}),
        400,
        _MAX_CLAUSES,
    ),
    "Kibana's alternatives": (
        _CLAUSES,
        lambda n: searching({"query": {"kql": {"query": words(n, " or "), "default_field": "t"}}}),
        400,
        _MAX_CLAUSES,
    ),
    "clauses of a count": (
        _CLAUSES,
        lambda n: ("POST", "/small/_count", {"query": {"bool": {"should": terms(n)}}}),
        400,
        _MAX_CLAUSES,
    ),
    "clauses of a filter": (
        _CLAUSES,
        lambda n: searching({"aggs": {"a": {"filter": {"bool": {"should": terms(n)}}}}}),
        400,
        _MAX_CLAUSES,
    ),
    "depth": (_DEPTH, lambda n: searching({"query": within(n)}), 400, "indices.query.bool.max_nested_depth"),
    "depth of a filter": (
        _DEPTH,
        lambda n: searching({"aggs": {"a": {"filter": within(n)}}}),
        400,
        "indices.query.bool.max_nested_depth",
    ),
    "depth of JSON": (1000, nested_value, 400, "nesting depth (1001) exceeds the maximum allowed (1000"),
    "body": (_BODY, padded, 413, "http.max_content_length"),
    "window": (
        30,
        lambda n: ("POST", "/small/_search", {"from": n // 2, "size": n - n // 2}),
        400,
        "index.max_result_window",
    ),
    "batch": (30, lambda n: ("POST", "/small/_search?scroll=1m", {"size": n}), 400, "index.max_result_window"),
    "buckets": (
        _BUCKETS,
        lambda n: searching({"aggs": {"a": {"terms": {"field": "n0", "size": n}}}}),
        400,
        "search.max_buckets",
    ),
    "terms": (
        20,
        lambda n: searching({"query": {"terms": {"n0": list(range(n))}}}),
        400,
        "index.max_terms_count",
    ),
    "values of documents": (
        3,
        lambda n: ("POST", "/small/_search", {"docvalue_fields": [f"n{at}" for at in range(n)] * 2}),
        400,
        "index.max_docvalue_fields_search",
    ),
    "regular expression": (
        8,
        lambda n: searching({"query": {"query_string": {"query": f"/{'a' * n}/", "default_field": "k"}}}),
        400,
        "index.max_regex_length",
    ),
    "beginning": (8, lambda n: searching({"query": {"prefix": {"k": "a" * n}}}), 400, "index.max_regex_length"),
    "fields": (15, counted_fields, 400, "index.mapping.total_fields.limit"),
    "levels": (4, in_levels, 400, "index.mapping.depth.limit"),
    "name": (12, named, 400, "index.mapping.field_name_length.limit"),
}


@pytest.mark.parametrize("name", sorted(_LIMITS))
@settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(beyond=st.integers(-4, 9))
@example(beyond=0)
@example(beyond=1)
def test_a_limit_is_reached_and_not_exceeded(engine, name, beyond):
    limit, request, status, words = _LIMITS[name]
    if name in {"buckets", "values of documents"}:
        beyond = min(beyond, 1)  # there is no more to ask for
    method, path, body = request(max(limit + beyond, 1))
    with RawConnection(engine.url) as connection:
        for index in ("wide", "levels", "named", "deep"):
            connection.request("DELETE", f"/{index}")
        connection.request("DELETE", "/_search/scroll/_all")
        answer = connection.request(method, path, _JSON, body if isinstance(body, bytes) else json.dumps(body).encode())
    if beyond <= 0:
        assert answer.status in {200, 201}, answer.text
    else:
        assert answer.status == status, answer.text
        assert words in answer.text


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 20), st.integers(0, 20), st.randoms(use_true_random=False))
@example(17, 17, None)
@example(16, 16, None)
def test_however_many_conditions_there_are_they_mean_the_same(engine, musts, nots, random):
    # `n1` has no value anywhere: what is said of it is neither true nor false.
    must = [{"range": {"n0": {"gte": n}}} for n in range(musts)]
    must_not = [{"term": {"n0": 59 - n}} for n in range(nots)] + [{"term": {"n1": 1}}] * (random is not None)
    if random is not None:
        random.shuffle(must)
        random.shuffle(must_not)
    with engine.client() as client:
        found = client.count(index="small", query={"bool": {"must": must[:20], "must_not": must_not[:20]}})["count"]
        assert found == 60 - max(musts - 1, 0) - len([one for one in must_not[:20] if "n0" in one["term"]])


def test_what_the_limits_are_is_shown(engine):
    with engine.client() as client:
        shown = client.cluster.get_settings(include_defaults=True, flat_settings=True)
        assert shown["persistent"] == {}
        assert shown["defaults"] == {
            "action.destructive_requires_name": "true",
            "cluster.name": "anomalyops",
            "cluster.persistent_tasks.allocation.enable": "all",
            "http.max_content_length": "16kb",
            "indices.query.bool.max_clause_count": str(_CLAUSES),
            "indices.query.bool.max_nested_depth": str(_DEPTH),
            "node.name": "anomalyops-engine",
            "search.default_allow_partial_results": "true",
            "search.default_search_timeout": "-1",
            "search.max_buckets": str(_BUCKETS),
            "xpack.ml.max_model_memory_limit": "0b",
        }
        nodes = client.nodes.info(metric="http")["nodes"]
        assert {node["http"]["max_content_length_in_bytes"] for node in nodes.values()} == {_BODY}
        client.cluster.put_settings(persistent={"search.max_buckets": 7})
        nested = client.cluster.get_settings(include_defaults=True)
        assert nested["persistent"] == {"search": {"max_buckets": "7"}}
        assert set(nested["defaults"]["search"]) == {"default_allow_partial_results", "default_search_timeout"}
        client.cluster.put_settings(persistent={"search.max_buckets": None})
        assert client.cluster.get_settings(flat_settings=True).body == {"persistent": {}, "transient": {}}


def test_what_an_index_does_not_set_is_shown_as_it_is_without(engine):
    with engine.client() as client:
        shown = client.indices.get_settings(index="small", include_defaults=True, flat_settings=True)["small"]
        assert shown["settings"]["index.max_terms_count"] == "20"
        assert "index.max_terms_count" not in shown["defaults"]
        assert shown["defaults"]["index.blocks.write"] == "false"
        one = client.indices.get_settings(index="small", name="index.hidden", include_defaults=True)["small"]
        assert one == {"settings": {}, "defaults": {"index": {"hidden": "false"}}}


def test_a_limit_that_the_node_was_started_with_is_refused_by_name(engine):
    with engine.client() as client, pytest.raises(ApiError, match="not dynamically updateable; it is") as refused:
        client.cluster.put_settings(persistent={"indices.query.bool.max_clause_count": 5})
    assert refused.value.status_code == 400
