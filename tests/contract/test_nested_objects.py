"""Nested objects: mapped, kept and shown, reached by no query from outside; what goes inside is refused by name."""

from __future__ import annotations

import pytest
from refused import refusal

_MAPPINGS = {
    "properties": {
        "host": {"type": "keyword"},
        "parts": {"type": "nested", "properties": {"name": {"type": "keyword"}, "size": {"type": "long"}}},
    }
}


@pytest.fixture
def client(shared_engine):
    with shared_engine.client() as client:
        client.indices.create(index="nested-a", mappings=_MAPPINGS)
        parts = [{"name": "a", "size": 1}, {"name": "b", "size": 2, "new": True}]
        client.index(index="nested-a", id="1", document={"host": "x", "parts": parts})
        client.index(index="nested-a", id="2", document={"host": "y"})
        yield client
        client.indices.delete(index="nested-a,nested-b", ignore_unavailable=True)


def test_nested_objects_are_kept_and_grow_with_documents(client):
    assert client.get(index="nested-a", id="1")["_source"]["parts"][1] == {"name": "b", "size": 2, "new": True}
    mapping = client.indices.get_mapping(index="nested-a")["nested-a"]["mappings"]["properties"]["parts"]
    assert mapping["type"] == "nested"
    assert set(mapping["properties"]) == {"name", "size", "new"}
    fields = client.field_caps(index="nested-a", fields="parts*")["fields"]
    assert fields["parts"]["nested"]["searchable"] is False
    assert fields["parts.name"]["keyword"]["searchable"] is True
    assert refusal(client.index, index="nested-a", document={"parts": [{"size": "many"}]})[0] == 400


def test_no_query_from_outside_reaches_them(client):
    for query in (
        {"term": {"parts.name": "a"}},
        {"exists": {"field": "parts.name"}},
        {"exists": {"field": "parts"}},
        {"range": {"parts.size": {"gte": 0}}},
    ):
        assert client.count(index="nested-a", query=query)["count"] == 0
    answer = client.search(index="nested-a", size=0, aggs={"n": {"value_count": {"field": "parts.size"}}})
    assert answer["aggregations"]["n"]["value"] == 0


@pytest.mark.ours("it refuses by name what it lacks, and answers at once")
def test_sorted_by_what_lies_inside_all_documents_lack_a_value(client):
    for field, nothing in (("parts.name", None), ("parts.size", 2**63 - 1)):
        hits = client.search(index="nested-a", sort=[field])["hits"]["hits"]
        assert [(hit["_id"], hit["sort"]) for hit in hits] == [("1", [nothing]), ("2", [nothing])]
    assert refusal(client.search, index="nested-a", sort=["parts.nothing"])[0] == 400


def test_what_goes_inside_is_refused_by_name(client):
    inside = {"nested": {"path": "parts", "query": {"match_all": {}}}}
    assert refusal(client.search, index="nested-a", query=inside)[0] == 501
    assert refusal(client.search, index="nested-a", aggs={"a": {"nested": {"path": "parts"}}})[0] == 501
    assert refusal(client.search, index="nested-a", fields=["parts.*"])[0] == 501
    included = {"properties": {"a": {"type": "nested", "include_in_root": True}}}
    assert refusal(client.indices.create, index="nested-b", mappings=included)[0] == 501


def test_an_object_stays_what_it_is(client):
    for change in ({"parts": {"type": "object", "properties": {}}}, {"parts": {"properties": {}}}):
        assert refusal(client.indices.put_mapping, index="nested-a", properties=change)[0] == 400
    settings = {"mapping.nested_fields.limit": 1}
    two = {"properties": {"a": {"type": "nested"}, "b": {"type": "nested"}}}
    status, _, reason = refusal(client.indices.create, index="nested-b", mappings=two, settings=settings)
    assert (status, reason) == (400, "Limit of nested fields [1] has been exceeded")


def test_rare_values_are_those_of_few_documents(client):
    client.index(index="nested-a", document={"host": "x"})
    client.index(index="nested-a", document={"host": ["y", "z"]})
    rare = {"rare_terms": {"field": "host", "max_doc_count": 1}}
    buckets = client.search(index="nested-a", size=0, aggs={"r": rare})["aggregations"]["r"]["buckets"]
    assert [(one["key"], one["doc_count"]) for one in buckets] == [("z", 1)]
    rare["rare_terms"] |= {"max_doc_count": 2, "exclude": ["x"]}
    buckets = client.search(index="nested-a", size=0, aggs={"r": rare})["aggregations"]["r"]["buckets"]
    assert [(one["key"], one["doc_count"]) for one in buckets] == [("z", 1), ("y", 2)]
    rare["rare_terms"]["max_doc_count"] = 101
    assert refusal(client.search, index="nested-a", aggs={"r": rare})[0] == 400
