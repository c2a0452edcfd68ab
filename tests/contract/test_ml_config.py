"""`.ml-config`: it shows what the `_ml` API tells, to those who may read restricted indices; nobody writes it."""

from __future__ import annotations

import pytest
from elasticsearch import Elasticsearch
from hypothesis import given
from hypothesis import strategies as st
from refused import refusal

from engine_process import EngineProcess
from laws import law

_PASSWORD = "a long way"
_ANALYSIS = {"bucket_span": "1h", "detectors": [{"function": "count", "by_field_name": "host"}]}
_NAMES = st.sampled_from(["one", "two", "three"])
_OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["put", "update", "delete", "put_feed", "update_feed", "delete_feed", "restart"]), _NAMES
    ),
    min_size=1,
    max_size=7,
)


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    process = EngineProcess(tmp_path_factory.mktemp("config"))
    process.start()
    yield process
    process.kill()


def _put(client, name):
    client.ml.put_job(
        job_id=name,
        analysis_config=_ANALYSIS,
        data_description={"time_field": "time"},
        groups=["web"],
        custom_settings={"created_by": "me"},
    )


def _put_feed(client, name):
    client.ml.put_datafeed(
        datafeed_id=f"feed-{name}", job_id=name, indices=["logs-*"], query={"term": {"a": 1}}, allow_no_indices=True
    )


def _did(process, kind, name):
    """Do one thing; what is refused changes nothing."""
    if kind == "restart":
        process.kill()
        process.start()
        return
    with process.client() as client:
        able = client.options(ignore_status=[400, 404, 409])
        if kind == "put":
            _put(able, name)
        elif kind == "put_feed":
            _put_feed(able, name)
        elif kind == "update":
            able.ml.update_job(job_id=name, description=f"{name} again", groups=["web", "new"])
        elif kind == "update_feed":
            able.ml.update_datafeed(datafeed_id=f"feed-{name}", scroll_size=77)
        elif kind == "delete":
            able.ml.delete_job(job_id=name, force=True)
        else:
            able.ml.delete_datafeed(datafeed_id=f"feed-{name}")


def _expected(client):
    jobs = {f"anomaly_detector-{job['job_id']}": job for job in client.ml.get_jobs()["jobs"]}
    for job in jobs.values():
        job.pop("datafeed_config", None)
    feeds = {
        f"datafeed-{feed['datafeed_id']}": {**feed, "config_type": "datafeed"}
        for feed in client.ml.get_datafeeds()["datafeeds"]
    }
    return {**jobs, **feeds}


@law(examples=5)
@given(operations=_OPERATIONS)
def test_it_shows_what_the_api_tells_whatever_was_done(process, operations):
    for kind, name in operations:
        _did(process, kind, name)
    with process.client() as client:
        expected = _expected(client)
        found = client.options(ignore_status=404).search(index=".ml-config", size=100)
        shown = {hit["_id"]: hit["_source"] for hit in found.get("hits", {"hits": []})["hits"]}
        assert shown == expected


def test_every_way_of_reading_reads_it(process):
    with process.client() as client:
        _put(client.options(ignore_status=400), "read")
        _put_feed(client.options(ignore_status=[400, 409]), "read")
        one = client.search(index=".ml-config", q="job_id:read AND job_type:anomaly_detector")
        (hit,) = one["hits"]["hits"]
        assert (hit["_index"], hit["_source"]["analysis_config"]["bucket_span"]) == (".ml-config", "1h")
        found = client.esql.query(
            query="""FROM .ml-config METADATA _id, _source | WHERE datafeed_id == "feed-read"
                | KEEP _id, _source, indices | LIMIT 5"""
        )
        ((doc_id, source, indices),) = found["values"]
        assert (doc_id, indices) == ("datafeed-feed-read", "logs-*")
        assert source["query"] == {"term": {"a": 1}}
        assert client.count(index=".ml-con*", query={"term": {"groups": "web"}})["count"] >= 1
        assert client.get(index=".ml-config", id="anomaly_detector-read")["_source"]["job_id"] == "read"
        kinds = client.field_caps(index=".ml-config", fields="analysis_config.detectors.*")["fields"]
        assert kinds["analysis_config.detectors.by_field_name"]["keyword"]["searchable"]
        assert ".ml-config" not in client.indices.get(index="*")


@pytest.mark.ours("a cluster without security lets everybody write its system indices, with a warning")
def test_nobody_writes_it(process):
    with process.client() as client:
        _put(client.options(ignore_status=400), "kept")
        before = client.search(index=".ml-config", size=100)["hits"]["hits"]
        calls = [
            lambda: client.index(index=".ml-config", id="anomaly_detector-kept", document={}),
            lambda: client.delete(index=".ml-config", id="anomaly_detector-kept"),
            lambda: client.update(index=".ml-config", id="anomaly_detector-kept", doc={"a": 1}),
            lambda: client.delete_by_query(index=".ml-config", query={"match_all": {}}),
            lambda: client.indices.delete(index=".ml-config"),
            lambda: client.indices.close(index=".ml-config"),
            lambda: client.indices.put_mapping(index=".ml-config", properties={"a": {"type": "long"}}),
            lambda: client.indices.put_settings(index=".ml-config", settings={"number_of_replicas": 0}),
            lambda: client.indices.put_alias(index=".ml-config", name="mine"),
        ]
        for call in calls:
            status, kind, reason = refusal(call)
            assert (status, kind) == (403, "security_exception")
            assert "restricted" in reason
            assert "[.ml-config]" in reason
        outcome = client.bulk(operations=[{"delete": {"_index": ".ml-config", "_id": "anomaly_detector-kept"}}])
        assert outcome["items"][0]["delete"]["status"] == 403
        # Patterns pass it by.
        client.delete_by_query(index=".ml-conf*", query={"match_all": {}})
        assert client.search(index=".ml-config", size=100)["hits"]["hits"] == before


def test_before_the_first_job_it_is_not_there_and_nobody_makes_it(tmp_path):
    process = EngineProcess(tmp_path)
    process.start()
    try:
        with process.client() as client:
            assert refusal(client.search, index=".ml-config")[:2] == (404, "index_not_found_exception")
            status, _, reason = refusal(client.esql.query, query="FROM .ml-config")
            assert (status, "Unknown index [.ml-config]" in reason) == (400, True)
            for make in (client.indices.create, lambda index: client.index(index=index, document={"a": 1})):
                assert refusal(lambda make=make: make(index=".ml-config"))[0] == 403
    finally:
        process.kill()


def test_only_roles_that_say_so_reach_it(tmp_path):
    process = EngineProcess(tmp_path, f"password={_PASSWORD!r}")
    process.start()

    def client_of(name, password):
        return Elasticsearch(process.url, basic_auth=(name, password), request_timeout=60)

    try:
        with client_of("elastic", _PASSWORD) as elastic:
            _put(elastic, "read")
            assert elastic.count(index=".ml-config")["count"] == 1
            status, kind, reason = refusal(elastic.indices.delete, index=".ml-config")
            assert (status, kind) == (403, "security_exception")
            assert "on restricted indices [.ml-config]" in reason
            for name, more in (("plain", {}), ("allowed", {"allow_restricted_indices": True})):
                grant = {"names": [".ml-*"], "privileges": ["read"], **more}
                elastic.security.put_role(name=name, cluster=["manage_ml"], indices=[grant])
                elastic.security.put_user(username=name, password="secret-1", roles=[name])
        with client_of("plain", "secret-1") as plain:
            assert refusal(plain.search, index=".ml-config")[0] == 403
            assert plain.count(index=".ml-con*")["count"] == 0
            assert refusal(plain.esql.query, query="FROM .ml-config")[0] in {400, 403}
            assert refusal(plain.get, index=".ml-config", id="anomaly_detector-read")[0] == 403
            # Who may manage jobs changes what the index shows, without a right to write it.
            _put(plain, "second")
            asked = plain.security.has_privileges(index=[{"names": [".ml-config"], "privileges": ["read"]}])
            assert asked["index"][".ml-config"]["read"] is False
        with client_of("allowed", "secret-1") as allowed:
            assert allowed.count(index=".ml-config")["count"] == 2
            assert allowed.esql.query(query="FROM .ml-config | STATS COUNT(*) | LIMIT 1")["values"] == [[2]]
            assert refusal(allowed.index, index=".ml-config", document={})[0] == 403
    finally:
        process.kill()
