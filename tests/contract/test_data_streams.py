"""Data streams: made by their template, added to, read by name and pattern, and read by datafeeds."""

import uuid

import pytest
from elasticsearch import ApiError
from elasticsearch.helpers import bulk
from refused import refusal

START_MS = 1_704_067_200_000


@pytest.fixture
def kind(client):
    """A text that the names of a test's data streams begin with, and a template for them."""
    name = f"ds{uuid.uuid4().hex[:10]}"
    client.indices.put_index_template(
        name=name,
        index_patterns=[f"{name}-*"],
        data_stream={},
        template={"mappings": {"properties": {"host": {"type": "keyword"}}}},
    )
    yield name
    client.indices.delete_data_stream(name=f"{name}-*")
    client.indices.delete_index_template(name=name)


def names(client, expression):
    return [stream["name"] for stream in client.indices.get_data_stream(name=expression)["data_streams"]]


def test_the_first_document_makes_a_stream(client, kind):
    made = client.index(index=f"{kind}-a", document={"@timestamp": START_MS, "host": "x"}, refresh=True)
    (stream,) = client.indices.get_data_stream(name=f"{kind}-a")["data_streams"]
    assert (stream["template"], stream["generation"]) == (kind, 1)
    assert [index["index_name"] for index in stream["indices"]] == [made["_index"]]
    assert made["_index"].startswith(f".ds-{kind}-a-")
    (hit,) = client.search(index=f"{kind}-*")["hits"]["hits"]
    assert (hit["_index"], hit["_source"]["host"]) == (made["_index"], "x")
    backing = client.indices.get(index=f"{kind}-a")[made["_index"]]
    assert backing["data_stream"] == f"{kind}-a"
    assert backing["mappings"]["properties"]["@timestamp"] == {"type": "date"}
    assert set(backing["settings"]["index"]).isdisjoint({"data_stream"})


def test_documents_are_only_added_and_have_one_time(client, kind):
    stream = f"{kind}-a"
    client.indices.create_data_stream(name=stream)
    client.create(index=stream, id="1", document={"@timestamp": START_MS})
    reason = "only write ops with an op_type of create are allowed in data streams"
    only_new = (400, "illegal_argument_exception", reason)
    assert refusal(client.index, index=stream, id="1", document={"@timestamp": START_MS}) == only_new
    assert refusal(client.delete, index=stream, id="1") == only_new
    assert refusal(client.update, index=stream, id="1", doc={"host": "y"}) == only_new
    for moment in ({}, {"@timestamp": None}, {"@timestamp": [1, 2]}):
        found = refusal(client.index, index=stream, document={"host": "x", **moment})
        assert found[:2] == (400, "document_parsing_exception")
    assert client.count(index=stream)["count"] == 1


def test_a_bulk_request_may_make_several_streams(client, kind):
    actions = (
        {"_op_type": "create", "_index": f"{kind}-{number % 3}", "@timestamp": START_MS + number}
        for number in range(30)
    )
    assert bulk(client, actions, refresh=True) == (30, [])
    assert names(client, f"{kind}-*") == [f"{kind}-{number}" for number in range(3)]
    assert client.count(index=f"{kind}-*,-{kind}-1")["count"] == 20


def test_names_belong_to_one_thing(client, kind):
    stream = f"{kind}-a"
    client.indices.create_data_stream(name=stream)
    assert refusal(client.indices.create_data_stream, name=stream)[1] == "resource_already_exists_exception"
    assert "data streams only" in refusal(client.indices.create, index=f"{kind}-b")[2]
    client.indices.create(index=f"other-{kind}")
    assert "same name" in refusal(client.indices.put_alias, index=f"other-{kind}", name=stream)[2]
    client.indices.delete(index=f"other-{kind}")
    assert refusal(client.indices.create_data_stream, name="untemplated")[:2] == (400, "illegal_argument_exception")


def test_a_stream_goes_as_a_whole(client, kind):
    backing = client.index(index=f"{kind}-a", document={"@timestamp": START_MS})["_index"]
    assert "matches a data stream" in refusal(client.indices.delete, index=f"{kind}-a")[2]
    assert "write index for data stream" in refusal(client.indices.delete, index=backing)[2]
    client.indices.delete_data_stream(name=f"{kind}-a")
    with pytest.raises(ApiError) as caught:
        client.indices.get_data_stream(name=f"{kind}-a")
    assert caught.value.status_code == 404
    assert not client.indices.exists(index=backing)


def test_what_a_name_means_tells_streams_apart(client, kind):
    backing = client.index(index=f"{kind}-a", document={"@timestamp": START_MS})["_index"]
    meant = client.indices.resolve_index(name=f"{kind}-*").body
    assert meant == {
        "indices": [],
        "aliases": [],
        "data_streams": [{"name": f"{kind}-a", "backing_indices": [backing], "timestamp_field": "@timestamp"}],
    }


def test_a_datafeed_reads_data_streams(client, kind):
    documents = (
        {"_op_type": "create", "_index": f"{kind}-{number % 2}", "@timestamp": START_MS + number * 1000, "host": "h"}
        for number in range(10)
    )
    bulk(client, documents, refresh=True)
    job = {
        "analysis_config": {"bucket_span": "1m", "detectors": [{"function": "count", "by_field_name": "host"}]},
        "data_description": {"time_field": "@timestamp"},
    }
    rows = client.ml.preview_datafeed(job_config=job, datafeed_config={"indices": [f"{kind}-*"]}).body
    assert rows == [{"@timestamp": START_MS + number * 1000, "host": "h"} for number in range(10)]
