"""Index templates: what is kept of them, what a new index gets of them, and what is refused."""

from __future__ import annotations

import pytest
from elasticsearch import ElasticsearchWarning, NotFoundError
from refused import refusal


@pytest.fixture
def client(shared_engine):
    with shared_engine.client() as client:
        yield client
        client.indices.delete(index="made-a,made-b,made-eu", ignore_unavailable=True)
        client.indices.delete_index_template(name="*")
        client.cluster.delete_component_template(name="*")
        client.indices.delete_template(name="*")


def _component(client, name, **template):
    client.cluster.put_component_template(name=name, template=template)


def test_a_new_index_is_composed_of_components_template_and_request(client):
    _component(client, "low", settings={"number_of_replicas": 1, "priority": 5}, aliases={"one": {}})
    _component(client, "high", settings={"number_of_replicas": 0}, mappings={"properties": {"a.b": {"type": "text"}}})
    client.indices.put_index_template(
        name="made",
        index_patterns=["made-*"],
        composed_of=["low", "high"],
        template={
            "mappings": {"properties": {"a": {"properties": {"c": {"type": "long"}}}, "d": {"type": "text"}}},
            "aliases": {"{index}-seen": {"filter": {"term": {"d": "x"}}}},
        },
        priority=7,
    )
    client.indices.create(index="made-a", mappings={"properties": {"d": {"type": "keyword"}}})
    index = client.indices.get(index="made-a")["made-a"]
    assert index["mappings"]["properties"] == {
        "a": {"properties": {"b": {"type": "text"}, "c": {"type": "long"}}},
        "d": {"type": "keyword"},
    }
    settings = index["settings"]["index"]
    assert (settings["number_of_replicas"], settings["priority"]) == ("0", "5")
    assert index["aliases"] == {"one": {}, "made-a-seen": {"filter": {"term": {"d": "x"}}}}


def test_what_is_written_to_an_index_that_is_not_there_makes_it_of_its_template(client):
    client.indices.put_index_template(
        name="made", index_patterns="made-*", template={"mappings": {"properties": {"host": {"type": "keyword"}}}}
    )
    client.bulk(operations=[{"index": {"_index": "made-a"}}, {"host": "a"}])
    client.update(index="made-b", id="1", doc={"host": "b"}, doc_as_upsert=True)
    for name in ("made-a", "made-b"):
        assert client.indices.get_mapping(index=name)[name]["mappings"]["properties"] == {"host": {"type": "keyword"}}


def test_the_best_template_counts_alone_and_old_ones_are_merged(client):
    client.indices.put_template(
        name="all",
        index_patterns=["made-*"],
        order=0,
        settings={"number_of_replicas": 2, "priority": 1},
        mappings={"properties": {"a": {"type": "text"}}},
    )
    client.indices.put_template(name="b", index_patterns="made-b*", order=1, settings={"index.number_of_replicas": 0})
    client.indices.create(index="made-b")
    index = client.indices.get(index="made-b")["made-b"]
    settings = index["settings"]["index"]
    assert (settings["number_of_replicas"], settings["priority"]) == ("0", "1")
    assert index["mappings"]["properties"] == {"a": {"type": "text"}}
    for priority, name in enumerate(("first", "second")):
        with pytest.warns(ElasticsearchWarning, match="will take precedence during new index creation"):
            client.indices.put_index_template(
                name=name, index_patterns="made-*", priority=priority, template={"settings": {"priority": priority}}
            )
    client.indices.create(index="made-a")
    index = client.indices.get(index="made-a")["made-a"]
    assert (index["settings"]["index"]["priority"], index["mappings"]) == ("1", {})
    put = client.indices.put_template
    for name, patterns in (("late", ["made-*"]), ("all", ["made-a*"])):
        status, _, reason = refusal(put, name=name, index_patterns=patterns, order=0)
        assert (status, "use composable templates (/_index_template) instead" in reason) == (400, True)
    with pytest.warns(ElasticsearchWarning, match="may be ignored in favor of a composable template"):
        put(name="all", index_patterns=["made-*"], order=3)


def test_templates_are_shown_as_they_were_put(client):
    client.indices.put_index_template(
        name="made",
        index_patterns="made-*",
        template={"settings": {"number_of_shards": 1}, "aliases": {"b": {"routing": "r"}}},
        version=3,
        meta={"of": "tests"},
    )
    (found,) = client.indices.get_index_template(name="mad*")["index_templates"]
    assert found == {
        "name": "made",
        "index_template": {
            "index_patterns": ["made-*"],
            "template": {
                "settings": {"index": {"number_of_shards": "1"}},
                "aliases": {"b": {"index_routing": "r", "search_routing": "r"}},
            },
            "composed_of": [],
            "version": 3,
            "_meta": {"of": "tests"},
        },
    }
    assert client.indices.exists_index_template(name="made")
    assert not client.indices.exists_index_template(name="absent")
    assert client.indices.get_index_template(name="absent*")["index_templates"] == []
    with pytest.raises(NotFoundError):
        client.indices.get_index_template(name="absent")


def test_what_a_template_would_make_is_simulated(client):
    client.indices.put_template(name="old", index_patterns="made-*", settings={"number_of_replicas": 3})
    with pytest.warns(ElasticsearchWarning, match=r"older templates \[old\] with patterns \(old => \[made-\*\]\)"):
        client.indices.put_index_template(
            name="made", index_patterns="made-*", priority=1, template={"settings": {"number_of_replicas": 0}}
        )
    answer = client.indices.simulate_index_template(name="made-a")
    assert answer["template"]["settings"] == {"index": {"number_of_replicas": "0"}}
    assert answer["overlapping"] == [{"name": "old", "index_patterns": ["made-*"]}]
    answer = client.indices.simulate_template(
        index_patterns=["made-e*"], priority=2, template={"aliases": {"x": {}}}, composed_of=[]
    )
    assert answer["template"]["aliases"] == {"x": {}}
    assert {one["name"] for one in answer["overlapping"]} == {"old", "made"}
    assert not client.indices.exists_index_template(name="simulate_template")


def test_a_template_may_forbid_what_nobody_asked_for(client):
    client.indices.put_index_template(name="made", index_patterns="made-*", allow_auto_create=False)
    status, kind, reason = refusal(client.index, index="made-a", document={"a": 1})
    assert (status, kind) == (404, "index_not_found_exception")
    assert reason == "no such index [made-a] and composable template [made] forbids index auto creation"
    client.indices.create(index="made-a")


def test_what_makes_no_template_is_refused(client):
    put, component = client.indices.put_index_template, client.cluster.put_component_template
    put(name="made", index_patterns="made-*")
    component(name="part", template={"mappings": {"properties": {"a": {"type": "text"}}}})
    put(name="user", index_patterns="other-*", composed_of=["part"])
    for status, word, call, options in (
        (400, "do not exist", put, {"name": "x", "index_patterns": "x", "composed_of": ["none"]}),
        (400, "same priority", put, {"name": "x", "index_patterns": "*-eu"}),
        (400, "already exists", put, {"name": "made", "index_patterns": "x", "create": True}),
        (400, "lower cased", put, {"name": "X", "index_patterns": "x"}),
        (400, "must not contain a space", put, {"name": "x", "index_patterns": "a b"}),
        (400, "parse mapping", put, {"name": "x", "index_patterns": "x", "template": {"mappings": {"a": 1}}}),
        (400, "unknown setting", put, {"name": "x", "index_patterns": "x", "template": {"settings": {"a": 1}}}),
        (501, "hidden", put, {"name": "x", "index_patterns": "x", "data_stream": {"hidden": True}}),
        (400, "flavour", put, {"name": "x", "index_patterns": "x", "data_stream": {"flavour": True}}),
        (400, "still in use", client.cluster.delete_component_template, {"name": "part"}),
        (404, "[absent] missing", client.indices.delete_index_template, {"name": "absent"}),
        (400, "does not exist", client.indices.simulate_template, {"name": "absent"}),
    ):
        found, _, reason = refusal(call, **options)
        assert (found, word in reason) == (status, True), reason
