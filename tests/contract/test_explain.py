"""`_explain`, values that are looked up in documents, and hits of buckets, through the official client."""

import pytest
from elasticsearch import ApiError, BadRequestError, NotFoundError

INDEX = "explained"


@pytest.fixture(scope="module", autouse=True)
def documents(shared_engine):
    with shared_engine.client() as client:
        properties = {"host": {"type": "keyword"}, "n": {"type": "integer"}, "watched": {"type": "keyword"}}
        aliases = {"explained-web": {"filter": {"term": {"host": "web"}}}, "explained-all": {}}
        client.indices.create(index=INDEX, mappings={"properties": properties}, aliases=aliases)
        for number, host in enumerate(["web", "db", "web", "cache"]):
            client.index(index=INDEX, id=str(number), document={"host": host, "n": number, "in": {"n": number}})
        client.indices.create(index="explained-lists", mappings={"properties": {"watched": {"type": "keyword"}}})
        client.index(index="explained-lists", id="mine", document={"watched": ["db", "cache"], "an": [{"object": 1}]})
        yield
        client.indices.delete(index=f"{INDEX},explained-lists")


def test_a_document_matches_or_does_not(client):
    found = client.explain(index=INDEX, id="0", query={"term": {"host": "web"}})
    assert (found["_index"], found["_id"], found["matched"]) == (INDEX, "0", True)
    alone = {"bool": {"must": {"term": {"host": "web"}}, "filter": {"ids": {"values": ["0"]}}}}
    (hit,) = client.search(index=INDEX, query=alone)["hits"]["hits"]
    assert found["explanation"]["value"] == hit["_score"] > 0
    assert "get" not in found
    missed = client.explain(index=INDEX, id="1", q="host:web")
    assert (missed["matched"], missed["explanation"]["value"]) == (False, 0.0)
    assert client.explain(index="explained-web", id="0", query={"match_all": {}})["matched"] is True
    assert client.explain(index="explained-web", id="1", query={"match_all": {}})["matched"] is False


def test_an_explanation_has_the_parts_of_the_document_that_are_asked_for(client):
    found = client.explain(index=INDEX, id="2", query={"match_all": {}}, source_includes="in.n")
    assert found["get"]["_source"] == {"in": {"n": 2}}
    assert found["get"]["found"] is True
    assert "_source" not in client.explain(index=INDEX, id="2", query={"match_all": {}}, source=False)["get"]


def test_what_cannot_be_explained_is_refused(client):
    with pytest.raises(NotFoundError) as caught:
        client.explain(index=INDEX, id="nothing", query={"match_all": {}})
    assert caught.value.body == {"_index": INDEX, "_id": "nothing", "matched": False}
    with pytest.raises(BadRequestError, match=r"request does not support \[match_all\]"):
        client.perform_request(
            "POST",
            f"/{INDEX}/_explain/0",
            headers={"content-type": "application/json", "accept": "application/json"},
            body={"match_all": {}},
        )
    with pytest.raises(BadRequestError, match="query is missing"):
        client.explain(index=INDEX, id="0")


def test_terms_may_stand_in_a_document(client):
    lookup = {"index": "explained-lists", "id": "mine", "path": "watched"}
    hits = client.search(index=INDEX, query={"terms": {"host": lookup}}, sort=["n"])["hits"]["hits"]
    assert [hit["_id"] for hit in hits] == ["1", "3"]
    assert client.count(index=INDEX, query={"terms": {"host": {**lookup, "id": "nobody"}}})["count"] == 0
    with pytest.raises(NotFoundError, match="no such index"):
        client.search(index=INDEX, query={"terms": {"host": {**lookup, "index": "not-there"}}})
    with pytest.raises(BadRequestError, match="found an object"):
        client.search(index=INDEX, query={"terms": {"host": {**lookup, "path": "an"}}})
    client.indices.put_settings(index=INDEX, settings={"index.max_terms_count": 1})
    with pytest.raises(BadRequestError, match=r"The number of terms \[2\]"):
        client.search(index=INDEX, query={"terms": {"host": lookup}})
    client.indices.put_settings(index=INDEX, settings={"index.max_terms_count": None})


def test_documents_are_found_by_what_was_left_out_of_them(client):
    fields = {"n": {"type": "integer", "ignore_malformed": True}, "at": {"type": "date", "ignore_malformed": True}}
    client.indices.create(index="left-out", mappings={"properties": fields})
    for number, document in enumerate([{"n": "x"}, {"at": "x", "n": "x"}, {"n": 1}]):
        client.index(index="left-out", id=str(number), document=document)
    queries = [{"exists": {"field": "_ignored"}}, {"term": {"_ignored": "at"}}, {"terms": {"_ignored": ["at", "n"]}}]
    counts = [client.count(index="left-out", query=query)["count"] for query in queries]
    client.indices.delete(index="left-out")
    assert counts == [2, 1, 2]


def test_buckets_have_hits(client):
    top = {"top_hits": {"size": 1, "sort": [{"n": "desc"}], "_source": ["n"]}}
    aggs = {"hosts": {"terms": {"field": "host", "order": {"_key": "asc"}}, "aggs": {"last": top}}}
    buckets = client.search(index=INDEX, size=0, aggs=aggs, typed_keys=True)["aggregations"]["sterms#hosts"]["buckets"]
    last = {bucket["key"]: bucket["top_hits#last"]["hits"] for bucket in buckets}
    assert {host: hits["hits"][0]["_source"]["n"] for host, hits in last.items()} == {"cache": 3, "db": 1, "web": 2}
    assert last["web"]["total"] == {"value": 2, "relation": "eq"}
    with pytest.raises(ApiError, match="Top hits result window is too large"):
        client.search(index=INDEX, size=0, aggs={"all": {"top_hits": {"from": 1, "size": 100}}})
