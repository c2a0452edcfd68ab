"""Indices that are closed: what is refused meanwhile, what can be changed, and that nothing is lost."""

from __future__ import annotations

import pytest
from elasticsearch import BadRequestError
from refused import refusal


@pytest.fixture
def client(shared_engine):
    with shared_engine.client() as client:
        for name in ("shut-a", "shut-b"):
            client.indices.create(index=name, aliases={f"al-{name}": {}})
            client.index(index=name, id="1", document={"a": 1})
        client.indices.close(index="shut-a")
        yield client
        client.indices.delete(index="shut-a,shut-b", ignore_unavailable=True)


@pytest.mark.parametrize("name", ["shut-a", "al-shut-a", "shut-b,shut-a"])
def test_documents_of_a_closed_index_are_neither_read_nor_written(client, name):
    calls = [
        lambda: client.search(index=name),
        lambda: client.count(index=name),
        lambda: client.field_caps(index=name, fields="*"),
        lambda: client.open_point_in_time(index=name, keep_alive="1m"),
        lambda: client.delete_by_query(index=name, query={"match_all": {}}),
    ]
    if "," not in name:
        calls += [
            lambda: client.get(index=name, id="1"),
            lambda: client.index(index=name, id="1", document={"a": 2}),
            lambda: client.update(index=name, id="1", doc={"a": 2}),
            lambda: client.delete(index=name, id="1"),
        ]
    for call in calls:
        status, kind, reason = refusal(call)
        assert (status, kind, reason) == (400, "index_closed_exception", "closed")


def test_patterns_and_lenient_requests_pass_closed_indices_by(client):
    assert client.count(index="shut-*")["count"] == 1
    assert client.count(index="shut-a,shut-b", ignore_unavailable=True)["count"] == 1
    (item,) = client.bulk(operations=[{"index": {"_index": "shut-a"}}, {"a": 1}])["items"]
    assert (item["index"]["status"], item["index"]["error"]["type"]) == (400, "index_closed_exception")
    assert set(client.indices.get(index="shut-*")) == {"shut-b"}
    assert set(client.indices.get(index="shut-*", expand_wildcards="closed")) == {"shut-a"}


def test_what_only_changes_on_a_closed_index_is_changed_there(client):
    change = {"index.codec": "best_compression"}
    assert refusal(client.indices.put_settings, index="shut-b", settings=change)[0] == 400
    client.indices.put_settings(index="shut-a", settings=change)
    client.indices.put_settings(index="shut-b", settings=change, reopen=True)
    for name in ("shut-a", "shut-b"):
        assert client.indices.get_settings(index=name)[name]["settings"]["index"]["codec"] == "best_compression"
    status, _, reason = refusal(client.indices.put_settings, index="shut-a", settings={"number_of_shards": 2})
    assert (status, reason) == (400, "final shut-a setting [index.number_of_shards], not updateable")


def test_an_index_that_is_opened_again_has_all_that_it_had(client):
    client.indices.put_mapping(index="shut-a", properties={"b": {"type": "keyword"}})
    client.indices.put_alias(index="shut-a", name="al-more")
    assert client.indices.open(index="shut-a")["shards_acknowledged"]
    assert client.search(index="al-more")["hits"]["hits"][0]["_source"] == {"a": 1}
    assert client.indices.get_mapping(index="shut-a")["shut-a"]["mappings"]["properties"]["b"] == {"type": "keyword"}
    assert client.indices.close(index="shut-a")["indices"] == {"shut-a": {"closed": True}}
    assert client.indices.close(index="shut-a")["indices"] == {}
    lines = client.cat.indices(index="shut-*", h="index,status,docs.count", format="json", expand_wildcards="all")
    assert [(one["index"], one["status"], one["docs.count"]) for one in lines] == [
        ("shut-a", "close", None),
        ("shut-b", "open", "1"),
    ]


def test_patterns_close_and_delete_only_where_the_cluster_lets_them(client):
    name = "action.destructive_requires_name"
    for call in (client.indices.close, client.indices.open, client.indices.delete):
        assert refusal(call, index="shut-*")[2] == "Wildcard expressions or all indices are not allowed"
    client.cluster.put_settings(transient={name: False})
    try:
        assert client.indices.close(index="shut-*")["indices"] == {"shut-b": {"closed": True}}
        client.indices.delete(index="al-shut-*")
        with pytest.raises(BadRequestError):
            client.indices.delete(index="al-shut-a")
        client.indices.delete(index="shut-*")
        assert not client.indices.exists(index="shut-a")
    finally:
        client.cluster.put_settings(transient={name: None})
