"""What tools ask before they begin: health, licence, features."""

from __future__ import annotations

import pytest
from elasticsearch import ApiError
from raw_http import RawConnection


@pytest.fixture
def client(shared_engine):
    with shared_engine.client() as client:
        client.indices.create(index="health-a")
        yield client
        client.indices.delete(index="health-a")


@pytest.mark.parametrize(
    "options",
    [
        {"wait_for_nodes": "1"},
        {"wait_for_nodes": ">=1"},
        {"wait_for_nodes": "ge(1)"},
        {"wait_for_nodes": "lt(2)"},
        {"wait_for_status": "green", "timeout": "1s"},
        {"wait_for_active_shards": "1"},
        {"wait_for_active_shards": "all"},
        {"wait_for_no_relocating_shards": True},
        {"wait_for_no_initializing_shards": True},
        {"wait_for_events": "languid"},
        {"level": "cluster", "local": True},
        {"index": "health-*"},
    ],
)
def test_health_that_is_there(client, options):
    answer = client.cluster.health(**options)
    assert (answer["status"], answer["timed_out"]) == ("green", False)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("wait_for_nodes=2", 408),
        ("wait_for_nodes=>1", 408),
        ("wait_for_nodes=gt(1)", 408),
        ("wait_for_active_shards=10000", 408),
        ("wait_for_nodes=many", 400),
        ("wait_for_status=blue", 400),
        ("level=shelf", 400),
        ("timeout=1", 400),
    ],
)
def test_health_that_never_comes_or_cannot_be_read(shared_engine, query, status):
    with RawConnection(shared_engine.url) as connection:
        answer = connection.request("GET", f"/_cluster/health?{query}")
    assert answer.status == status
    assert answer.body.get("timed_out", True) is True


def test_health_of_an_index_that_is_missing(shared_engine):
    with RawConnection(shared_engine.url) as connection:
        answer = connection.request("GET", "/_cluster/health/no-such-index?timeout=1s")
    assert (answer.status, answer.body["status"]) == (408, "red")


def test_health_by_index_and_shard(client):
    indices = client.cluster.health(level="indices", index="health-a")["indices"]
    assert indices["health-a"]["active_primary_shards"] == 1
    shards = client.cluster.health(level="shards", index="health-a")["indices"]["health-a"]["shards"]
    assert shards["0"]["primary_active"] is True
    assert client.cluster.health(human=True)["active_shards_percent"] == "100.0%"


def test_the_licence_includes_machine_learning(client):
    assert client.license.get()["license"]["type"] == "enterprise"
    assert client.license.get(accept_enterprise=False)["license"]["type"] == "platinum"
    info = client.xpack.info(categories="license,features")
    assert info["license"]["mode"] == "enterprise"
    assert info["features"]["ml"]["available"] is True
    assert "build" not in info


def test_usage_counts_jobs_and_datafeeds(client):
    before = client.xpack.usage()["ml"]
    client.ml.put_job(
        job_id="used",
        analysis_config={"bucket_span": "1m", "detectors": [{"function": "count"}]},
        data_description={"time_field": "time"},
        datafeed_config={"datafeed_id": "used-feed", "indices": ["health-a"]},
    )
    after = client.xpack.usage()["ml"]
    client.ml.delete_datafeed(datafeed_id="used-feed")
    client.ml.delete_job(job_id="used")
    for kind in ("jobs", "datafeeds"):
        assert after[kind]["_all"]["count"] == before[kind]["_all"]["count"] + 1
    assert after["jobs"]["closed"]["count"] == before["jobs"].get("closed", {"count": 0})["count"] + 1


def test_what_is_not_served_has_one_type(client):
    calls = (
        lambda: client.perform_request("POST", "/_ml/filters/x", headers={"accept": "application/json"}),
        lambda: client.search(index="health-a", query={"nested": {"path": "a", "query": {"match_all": {}}}}),
    )
    for call in calls:
        with pytest.raises(ApiError) as refused:
            call()
        assert (refused.value.status_code, refused.value.body["error"]["type"]) == (501, "not_implemented_exception")


def test_a_deprecated_parameter_is_answered_with_a_warning(shared_engine):
    with RawConnection(shared_engine.url) as connection:
        answer = connection.request("GET", "/_search?ignore_throttled=true")
    assert answer.status == 200
    assert "[ignore_throttled] parameter is deprecated" in answer.headers["warning"]
