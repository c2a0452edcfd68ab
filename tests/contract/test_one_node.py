"""What an engine tells of itself as a cluster of one node: state, nodes, statistics, tables, and what needs no work."""

from __future__ import annotations

import pytest
from raw_http import RawConnection
from refused import refusal


@pytest.fixture
def client(shared_engine):
    with shared_engine.client() as client:
        client.indices.create(index="node-a", aliases={"al-node": {}}, settings={"blocks.read_only": True})
        client.indices.create(index="node-b", mappings={"properties": {"host": {"type": "keyword"}}})
        client.index(index="node-b", document={"host": "a"})
        yield client
        client.indices.put_settings(index="node-a", settings={"blocks.read_only": None})
        client.indices.delete(index="node-a,node-b")


def test_the_state_has_the_parts_and_indices_that_are_asked_for(client):
    state = client.cluster.state(metric="metadata,routing_table", index="node-*")
    assert set(state) == {"cluster_name", "cluster_uuid", "metadata", "routing_table"}
    assert set(state["metadata"]["indices"]) == set(state["routing_table"]["indices"]) == {"node-a", "node-b"}
    assert state["metadata"]["indices"]["node-a"]["aliases"] == ["al-node"]
    assert state["cluster_uuid"] == client.info()["cluster_uuid"]
    before = client.cluster.state(metric="version")["version"]
    client.indices.put_alias(index="node-b", name="al-other")
    assert client.cluster.state(metric="version")["version"] > before
    blocks = client.cluster.state(metric="blocks", index="node-*")["blocks"]["indices"]
    assert blocks == {"node-a": {"5": {"description": "index read-only (api)", "retryable": False}}}
    assert refusal(client.cluster.state, metric="nothing")[0] == 400
    assert refusal(client.cluster.state, wait_for_metadata_version=3)[0] == 501


def test_nodes_are_one_and_tell_where_they_are(client, shared_engine):
    answer = client.nodes.info()
    ((name, node),) = answer["nodes"].items()
    assert answer["_nodes"] == {"total": 1, "successful": 1, "failed": 0}
    assert node["http"]["publish_address"] in shared_engine.url
    assert client.nodes.info(node_id=name)["nodes"].keys() == {name}
    assert client.nodes.info(node_id="nobody")["nodes"] == {}
    stats = client.nodes.stats(metric="os,process,indices,fs")["nodes"][name]
    assert stats["os"]["mem"]["total_in_bytes"] > stats["process"]["mem"]["resident_in_bytes"] > 0
    assert stats["indices"]["docs"]["count"] >= 1
    assert refusal(client.nodes.info, metric="jvm")[0] == 501
    assert refusal(client.nodes.stats, metric="nothing")[0] == 400
    figures = client.cluster.stats()
    kinds = {one["name"]: one["index_count"] for one in figures["indices"]["mappings"]["field_types"]}
    assert kinds["keyword"] >= 1
    assert figures["nodes"]["count"]["total"] == 1


def test_tables_of_the_node_its_shards_and_attributes(client):
    (node,) = client.cat.nodes(format="json", h="name,master,node.role,disk.total")
    assert (node["name"], node["master"]) == ("anomalyops-engine", "*")
    shards = client.cat.shards(index="node-*", format="json")
    assert [(one["index"], one["prirep"], one["state"], one["docs"]) for one in shards] == [
        ("node-a", "p", "STARTED", "0"),
        ("node-b", "p", "STARTED", "1"),
    ]
    (line,) = client.cat.allocation(format="json")
    assert int(line["shards"]) >= 2
    assert client.cat.allocation(node_id="nobody", format="json").body == []
    assert client.cat.plugins(format="json").body == []
    assert client.cat.pending_tasks(format="json").body == []
    assert client.cat.master(format="json")[0]["node"] == "anomalyops-engine"
    assert client.cat.nodeattrs(format="json")[0]["attr"] == "ml.machine_memory"
    client.indices.put_index_template(name="node-t", index_patterns="node-t*", priority=3, version=4)
    (template,) = client.cat.templates(name="node-*", format="json")
    client.indices.delete_index_template(name="node-t")
    assert template == {
        "name": "node-t",
        "index_patterns": "[node-t*]",
        "order": "3",
        "version": "4",
        "composed_of": "[]",
    }


def test_a_list_of_tasks_is_a_task(shared_engine):
    with RawConnection(shared_engine.url) as connection:
        answer = connection.request(
            "GET", "/_tasks?actions=cluster:monitor*&group_by=none", {"X-Opaque-Id": "this one"}
        ).body
        (task,) = answer["tasks"]
        assert (task["action"], task["headers"]) == ("cluster:monitor/tasks/lists", {"X-Opaque-Id": "this one"})
        assert connection.request("GET", "/_tasks/elsewhere:1").status == 404
        assert connection.request("GET", "/_tasks/none").status == 400


def test_what_needs_no_work_is_answered_for_every_index_and_missing_ones_are_missing(client):
    for call in (client.indices.clear_cache, client.indices.forcemerge, client.indices.flush):
        assert call(index="node-*")["_shards"] == {"total": 2, "successful": 2, "failed": 0}
        assert refusal(call, index="node-none")[0] == 404
    assert refusal(client.indices.flush, force=True, wait_if_ongoing=False)[0] == 400
    assert refusal(client.indices.forcemerge, max_num_segments=1, only_expunge_deletes=True)[0] == 400
    assert client.cluster.pending_tasks()["tasks"] == []


def test_names_are_resolved_into_indices_and_aliases(client):
    answer = client.indices.resolve_index(name="node-*,al-node")
    assert answer["indices"] == [
        {"name": "node-a", "aliases": ["al-node"], "attributes": ["open"]},
        {"name": "node-b", "attributes": ["open"]},
    ]
    assert answer["aliases"] == [{"name": "al-node", "indices": ["node-a"]}]
    assert client.indices.resolve_index(name="al-node")["indices"] == []
    assert refusal(client.indices.resolve_index, name="node-none")[0] == 404
