"""Limits of searches as settings of the cluster: each is obeyed with Elasticsearch's text, or refused by its name."""

from __future__ import annotations

import re
import time

import pytest
from elasticsearch import ApiError, BadRequestError
from elasticsearch.helpers import bulk

from engine_process import EngineProcess
from waiting import PATIENCE_S

_SLOW = {
    "size": 0,
    "aggs": {"a": {"terms": {"field": "k", "size": 60_000}, "aggs": {"b": {"percentiles": {"field": "n"}}}}},
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    process = EngineProcess(tmp_path_factory.mktemp("limits"))
    process.start()
    with process.client() as client:
        client.indices.create(index="big", mappings={"properties": {"k": {"type": "keyword"}, "n": {"type": "long"}}})
        bulk(client, ({"_index": "big", "n": n, "k": str(n % 50_000)} for n in range(200_000)), chunk_size=10_000)
    yield process
    process.kill()


@pytest.fixture
def client(engine):
    with engine.client().options(max_retries=0) as client:
        yield client
    with engine.client() as client:  # it may have been started again
        client.cluster.put_settings(persistent={"search.*": None}, transient={"search.*": None})


def buckets(client, count, kind="terms"):
    wanted = {
        "terms": {"terms": {"field": "k", "size": count}},
        "composite": {"composite": {"size": count, "sources": [{"k": {"terms": {"field": "k"}}}]}},
        "histogram": {"histogram": {"field": "n", "interval": 200_000 // count}},
    }[kind]
    return len(client.search(index="big", size=0, aggs={"a": wanted})["aggregations"]["a"]["buckets"])


@pytest.mark.parametrize("scope", ["persistent", "transient"])
@pytest.mark.parametrize("kind", ["terms", "composite", "histogram"])
def test_more_buckets_than_the_setting_allows_are_refused(client, scope, kind):
    assert buckets(client, 200, kind) == 200
    assert client.cluster.put_settings(**{scope: {"search.max_buckets": 100}})[scope] == {
        "search": {"max_buckets": "100"}
    }
    assert buckets(client, 100, kind) == 100
    with pytest.raises(BadRequestError) as refused:
        buckets(client, 200, kind)
    assert re.search(r"equal to: \[100\] but .*\[search\.max_buckets\] cluster level setting", str(refused.value.body))
    client.cluster.put_settings(**{scope: {"search.max_buckets": None}})
    assert buckets(client, 200, kind) == 200


def test_settings_outlive_the_engine_where_they_are_persistent(engine, client):
    client.cluster.put_settings(
        persistent={"search.max_buckets": 10, "search.default_search_timeout": "1m"},
        transient={"search.max_buckets": 20},
    )
    assert buckets(client, 20) == 20
    engine.restart()
    with engine.client() as again:
        assert again.cluster.get_settings(flat_settings=True)["persistent"] == {
            "search.max_buckets": "10",
            "search.default_search_timeout": "1m",
        }
        with pytest.raises(BadRequestError) as refused:
            buckets(again, 20)
        assert "equal to: [10] but" in str(refused.value.body)
        again.cluster.put_settings(persistent={"search.*": None})


def test_searches_that_say_nothing_of_their_time_have_the_default(client):
    usual = client.search(index="big", **_SLOW)
    assert not usual["timed_out"]
    client.cluster.put_settings(persistent={"search.default_search_timeout": "1ms"})
    found = [client.search(index="big", **_SLOW) for _ in range(5)]
    assert all(one["timed_out"] for one in found)
    assert min(one["took"] for one in found) < max(usual["took"], 200)
    assert client.search(index="big", timeout="-1", **_SLOW)["timed_out"] is False
    assert client.search(index="big", timeout="5m", **_SLOW)["timed_out"] is False
    responses = client.msearch(searches=[{"index": "big"}, _SLOW, {"index": "big"}, {**_SLOW, "timeout": "5m"}])[
        "responses"
    ]
    assert [one["timed_out"] for one in responses] == [True, False]
    client.cluster.put_settings(persistent={"search.default_allow_partial_results": False})
    with pytest.raises(ApiError, match="Time exceeded") as refused:
        client.search(index="big", **_SLOW)
    assert refused.value.status_code == 504
    assert client.search(index="big", allow_partial_search_results=True, **_SLOW)["timed_out"]


def test_each_search_of_several_has_its_own_time(client):
    searches = []
    for timeout in ("1ms", None, "1ms", "5m"):
        searches += [{"index": "big"}, {**_SLOW, **({} if timeout is None else {"timeout": timeout})}]
    responses = client.msearch(searches=searches)["responses"]
    assert [one["timed_out"] for one in responses] == [True, False, True, False]
    refused = client.msearch(
        searches=[{"index": "big", "allow_partial_search_results": False}, {**_SLOW, "timeout": "1ms"}, {}, {"size": 0}]
    )["responses"]
    assert refused[0]["status"] == 504
    assert refused[1]["hits"]["total"]["value"] == 10_000


def test_a_search_whose_time_is_over_answers_what_it_has_found(client):
    slow = {**_SLOW, "size": 5, "query": {"range": {"n": {"gte": 100}}}, "sort": ["n"]}
    slow["aggs"] = {**_SLOW["aggs"], "c": {"cardinality": {"field": "n"}}}
    began = time.perf_counter()
    whole = client.search(index="big", **slow)
    usual_ms = 1000 * (time.perf_counter() - began)
    assert not whole["timed_out"]
    # How long the machine takes is its affair: some part of the usual time is enough for a part, and not for all.
    timeout_ms, end = usual_ms / 2, time.monotonic() + PATIENCE_S
    while True:
        found = client.search(index="big", timeout=f"{max(int(timeout_ms), 1)}ms", track_total_hits=True, **slow)
        if found["timed_out"] and found["hits"]["hits"]:
            break
        assert time.monotonic() < end, "no answer had a part of the hits"
        timeout_ms *= 1.2 if found["timed_out"] else 0.7
    total = found["hits"]["total"]
    assert 0 < total["value"] < 199_900
    assert total["relation"] == "gte"
    assert [hit["sort"] for hit in found["hits"]["hits"]] == [[100], [101], [102], [103], [104]]
    assert found["aggregations"]["c"]["value"] == total["value"]
    assert sum(bucket["doc_count"] for bucket in found["aggregations"]["a"]["buckets"]) == total["value"]


@pytest.mark.parametrize(
    ("name", "value", "status", "words"),
    [
        (
            "search.max_buckets",
            -1,
            400,
            r"value \[-1\] for setting \[search.max_buckets\] must be >= 0",
        ),
        ("search.max_buckets", "many", 400, r"Failed to parse value \[many\] for setting \[search.max_buckets\]"),
        ("search.default_search_timeout", "soon", 400, "search.default_search_timeout"),
        ("search.default_allow_partial_results", "maybe", 400, r"only \[true\] or \[false\] are allowed"),
        ("indices.query.bool.max_clause_count", 5, 400, r"not dynamically updateable; it is \[10000\]"),
        ("indices.breaker.total.limit", "50%", 501, r"is not supported by this engine; supported: \["),
        ("luck", 1, 400, r"persistent setting \[luck\], not recognized"),
    ],
)
def test_what_is_not_obeyed_is_refused_by_name(client, name, value, status, words):
    with pytest.raises(ApiError, match=words) as refused:
        client.cluster.put_settings(persistent={name: value})
    assert refused.value.status_code == status
    assert client.cluster.get_settings()["persistent"] == {}


def test_a_request_that_the_databases_memory_is_too_small_for_is_refused_and_others_go_on(tmp_path):
    # The 5,000 greatest of texts of 12,000 characters must be held at once, whatever the plan and the threads: sorts of
    # rows go on on disk, the greatest so far do not. It takes more than 384 MB.
    roomy = EngineProcess(tmp_path)
    roomy.start()
    try:
        with roomy.client() as client:
            client.indices.create(index="t", mappings={"properties": {"k": {"type": "keyword"}}})
            texts = ({"_index": "t", "k": f"{n * 7919 % 1_000_003} {'x' * 12_000}"} for n in range(5_200))
            bulk(client, texts, chunk_size=500)
        roomy.stop()
    finally:
        roomy.kill()
    small = EngineProcess(tmp_path, more=", resources=Resources(database_bytes=64 << 20, database_threads=2)")
    small.start()
    try:
        with small.client().options(max_retries=0) as client:
            with pytest.raises(ApiError, match="Data too large") as refused:
                client.search(index="t", size=5000, sort=[{"k": "desc"}])
            assert refused.value.status_code == 429
            assert refused.value.body["error"]["type"] == "circuit_breaking_exception"
            assert client.count(index="t")["count"] == 5_200
            # A commit that the memory is too small for says the same, and leaves nothing.
            long = [{"index": {"_index": "t"}}, {"k": "y" * 30_000}] * 1500
            with pytest.raises(ApiError, match="Data too large") as refused:
                client.bulk(operations=long)
            assert refused.value.status_code == 429
            assert client.count(index="t")["count"] == 5_200
            client.index(index="t", id="1", document={"k": "short"})
        assert "Traceback" not in small.log(), small.log()[-3000:]
    finally:
        small.kill()
