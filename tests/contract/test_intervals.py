"""`intervals` queries through the official client."""

import pytest
from elasticsearch import BadRequestError

_TEXTS = {
    "1": "Some like it hot, some like it cold",
    "2": "Its cold outside, theres no kind of atmosphere",
    "3": ["Baby its cold there outside", "another value"],
    "4": "Outside it is cold and wet",
    "5": None,
}


@pytest.fixture
def index(client):
    client.options(ignore_status=404).indices.delete(index="intervals")
    properties = {"text": {"type": "text"}, "word": {"type": "keyword"}}
    client.indices.create(index="intervals", mappings={"properties": properties})
    for name, text in _TEXTS.items():
        client.index(index="intervals", id=name, document={"text": text, "word": "a"})
    yield "intervals"
    client.indices.delete(index="intervals")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"match": {"query": "cold outside"}}, "234"),
        ({"match": {"query": "cold outside", "ordered": True}}, "23"),
        ({"match": {"query": "cold outside", "ordered": True, "max_gaps": 0}}, "2"),
        ({"match": {"query": "like like", "max_gaps": 2}}, ""),
        ({"match": {"query": "like like", "max_gaps": 3}}, "1"),
        ({"match": {"query": "outside another", "max_gaps": 99}}, ""),
        ({"match": {"query": "outside another", "max_gaps": 100}}, "3"),
        ({"match": {"query": "cold", "filter": {"before": {"match": {"query": "outside"}}}}}, "23"),
        ({"match": {"query": "?!"}}, ""),
        ({"wildcard": {"pattern": "Atm?s*"}}, "2"),
        ({"fuzzy": {"term": "babi"}}, "3"),
    ],
)
def test_words_are_found_by_where_they_stand(client, index, rule, expected):
    hits = client.search(index=index, query={"intervals": {"text": rule}}, sort=[{"_doc": "asc"}])["hits"]["hits"]
    assert [hit["_id"] for hit in hits] == list(expected)


def test_only_text_has_words(client, index):
    with pytest.raises(BadRequestError) as caught:
        client.search(index=index, query={"intervals": {"word": {"match": {"query": "a"}}}})
    assert "Can only use interval queries on text fields - not on [word] which is of type [keyword]" in str(
        caught.value.body
    )
    rule = {"match": {"query": "a"}, "_name": "here", "boost": 2}
    assert client.search(index=index, query={"intervals": {"nothing": rule}})["hits"]["total"]["value"] == 0
