"""`_validate/query`, and the limit of fields that a search may ask for."""

from __future__ import annotations

import pytest
from refused import refusal


@pytest.fixture
def client(shared_engine):
    with shared_engine.client() as client:
        properties = {"size": {"type": "long"}, "host": {"type": "keyword"}}
        client.indices.create(
            index="valid-a", mappings={"properties": properties}, settings={"max_docvalue_fields_search": 1}
        )
        yield client
        client.indices.delete(index="valid-a")


@pytest.mark.parametrize(
    ("query", "valid"),
    [
        ({"match_all": {}}, True),
        ({"term": {"host": "a"}}, True),
        ({"term": {"size": "many"}}, False),
        ({"range": {"size": {"gte": "x"}}}, False),
        ({"termm": {"host": "a"}}, False),
        ({"bool": {"must": {"term": {}}}}, False),
    ],
)
def test_a_query_is_valid_where_a_search_takes_it(client, query, valid):
    assert client.indices.validate_query(index="valid-a", query=query)["valid"] is valid
    if valid:
        client.search(index="valid-a", query=query)
    else:
        assert refusal(client.search, index="valid-a", query=query)[0] == 400


def test_what_is_wrong_is_told_where_it_is_asked_for(client):
    answer = client.indices.validate_query(index="valid-a", explain=True)
    assert answer["explanations"] == [{"index": "valid-a", "valid": True, "explanation": "*:*"}]
    answer = client.indices.validate_query(index="valid-a", query={"termm": {}}, explain=True)
    assert (answer["valid"], "termm" in answer["error"]) == (False, True)
    assert "error" not in client.indices.validate_query(index="valid-a", query={"termm": {}})
    assert client.indices.validate_query(index="valid-a", q="size:[1 TO 2]")["valid"] is True
    assert client.indices.validate_query(index="valid-a", q="size:[a TO")["valid"] is False


@pytest.mark.ours("it refuses by name what it lacks, and answers at once")
def test_what_this_engine_lacks_is_not_called_invalid(client):
    nested = {"nested": {"path": "a", "query": {"match_all": {}}}}
    assert refusal(client.indices.validate_query, index="valid-a", query=nested)[0] == 501
    assert (
        refusal(client.indices.validate_query, index="valid-a", query={"term": {"host": "a"}}, explain=True)[0] == 501
    )
    assert refusal(client.indices.validate_query, index="valid-none")[0] == 404


def test_a_search_asks_for_as_many_doc_values_as_the_index_lets_it(client):
    client.index(index="valid-a", document={"size": 1, "host": "a"}, refresh=True)
    assert client.search(index="valid-a", docvalue_fields=["size"])["hits"]["hits"][0]["fields"] == {"size": [1]}
    assert refusal(client.search, index="valid-a", docvalue_fields=["size", "host"])[0] == 400
    client.indices.put_settings(index="valid-a", settings={"max_docvalue_fields_search": None})
    client.search(index="valid-a", docvalue_fields=["size", "host"])
