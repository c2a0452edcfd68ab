"""Many documents and searches in one request, and tables of what there is, through the official client."""

import pytest
from elasticsearch import ApiError, BadRequestError
from hypothesis import given
from hypothesis import strategies as st
from refused import refusal

from laws import law


@pytest.fixture
def filled(client):
    for index, ids in (("one", "ab"), ("two", "a")):
        for doc_id in ids:
            client.index(index=index, id=doc_id, document={"in": index, "id": doc_id, "deep": {"x": 1, "y": 2}})
    client.indices.put_alias(index="one", name="first", filter={"term": {"id": "a"}})
    client.indices.put_alias(index="one", name="both")
    client.indices.put_alias(index="two", name="both", is_write_index=True)
    yield client
    for index in ("one", "two"):
        client.indices.delete(index=index)


def test_documents_of_several_indices_are_given_in_the_order_asked(filled):
    wishes = [{"_index": "two", "_id": "a"}, {"_index": "one", "_id": "z"}, {"_index": "one", "_id": "b"}]
    docs = filled.mget(docs=wishes)["docs"]
    assert [(doc["_index"], doc["_id"], doc["found"]) for doc in docs] == [
        ("two", "a", True),
        ("one", "z", False),
        ("one", "b", True),
    ]
    assert docs[0] == {**filled.get(index="two", id="a")}


def test_one_that_cannot_be_read_does_not_spoil_the_others(filled):
    docs = filled.mget(
        docs=[{"_index": "none", "_id": 1}, {"_index": "both", "_id": "a"}, {"_index": "one", "_id": "a"}]
    )
    missing, ambiguous, found = docs["docs"]
    assert missing["error"]["root_cause"][0]["type"] == "index_not_found_exception"
    assert "has more than one index associated with it" in ambiguous["error"]["reason"]
    assert found["found"]


def test_ids_and_parts(filled):
    docs = filled.mget(index="one", ids=["b", "a"], source_includes="deep.x")["docs"]
    assert [doc["_source"] for doc in docs] == [{"deep": {"x": 1}}] * 2
    docs = filled.mget(
        index="one", docs=[{"_id": "a", "_source": False}, {"_id": "a", "_source": {"excludes": "deep"}}]
    )
    assert "_source" not in docs["docs"][0]
    assert docs["docs"][1]["_source"] == {"in": "one", "id": "a"}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"docs": []}, "no documents to get"),
        ({"docs": [{"_index": "one"}]}, "id is missing for doc 0"),
        ({"docs": [{"_id": "a"}]}, "index is missing for doc 0"),
        ({"docs": [{"_index": "one", "_id": "a", "_type": "x"}]}, "unknown field [_type]"),
        ({"docs": [{"_index": "one", "_id": {"a": 1}}]}, "must be texts"),
    ],
)
def test_a_wish_that_cannot_be_read_is_refused(filled, arguments, text):
    with pytest.raises(BadRequestError) as caught:
        filled.mget(**arguments)
    assert text in str(caught.value.body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["_index", "_id", "_source", "routing", "version", "docs", "ids", "index", "query", "size"])


@law(examples=60)
@given(st.dictionaries(KEYS, JSON | st.lists(st.dictionaries(KEYS, JSON, max_size=3), max_size=3), max_size=3))
def test_any_wish_is_an_answer_or_a_refusal(client, body):
    for path in ("/_mget", "/one/_mget"):
        answer = client.options(ignore_status=[400, 404, 501]).perform_request(
            "POST", path, headers={"content-type": "application/json", "accept": "application/json"}, body=body
        )
        assert answer.meta.status in {200, 400, 404, 501}
    lines = [body, body]
    answer = client.options(ignore_status=[400, 404, 501]).perform_request(
        "POST", "/_msearch", headers={"content-type": "application/x-ndjson", "accept": "application/json"}, body=lines
    )
    assert answer.meta.status in {200, 400}
    if answer.meta.status == 200:
        assert {one["status"] for one in answer.body["responses"]} <= {200, 400, 404, 501}


def test_searches_have_an_answer_or_an_error_each(filled):
    searches = [
        {"index": "o*"},
        {"query": {"term": {"id": "a"}}},
        {"index": "none"},
        {},
        {"index": ["one", "two"], "ignore_unavailable": True},
        {"size": 0, "track_total_hits": True},
        {"index": "one"},
        {"query": {"term": {"deep.x": "no number"}}},
        {"index": "one"},
        {"knn": {}},
    ]
    answers = filled.msearch(searches=searches)["responses"]
    assert [one["status"] for one in answers] == [200, 404, 200, 400, 501]
    assert [hit["_id"] for hit in answers[0]["hits"]["hits"]] == ["a"]
    assert answers[1]["error"]["root_cause"][0]["index"] == "none"
    assert answers[2]["hits"]["total"] == {"value": 3, "relation": "eq"}
    assert answers[3]["error"]["type"] == "search_phase_execution_exception"
    assert "[knn]" in answers[4]["error"]["reason"]


_UNREADABLE = st.one_of(
    st.tuples(st.just({}), st.sampled_from([{"query": {"no_such_query": {}}}, {"no_such_key": 1}, {"from": -1}])),
    st.tuples(st.just({}), st.sampled_from([{"aggs": {"a": {"no_such_kind": {}}}}, {"sort": {"a": "up"}}])),
    st.tuples(
        st.sampled_from([{"no_such_key": 1}, {"ignore_unavailable": "perhaps"}, {"expand_wildcards": "wide"}]),
        st.just({}),
    ),
)


@law(examples=40)
@given(readable=st.lists(st.just(({"index": "one"}, {})), max_size=3), bad=_UNREADABLE, place=st.integers(0, 3))
def test_one_search_that_cannot_be_read_refuses_all(filled, readable, bad, place):
    searches = [*readable[:place], bad, *readable[place:]]
    status, kind, _ = refusal(filled.msearch, searches=[line for pair in searches for line in pair])
    assert status == 400
    assert kind in {"parsing_exception", "illegal_argument_exception", "x_content_parse_exception"}


def test_a_total_that_is_no_single_number_refuses_all(filled):
    searches = [{"index": "one"}, {}, {"index": "one"}, {"track_total_hits": 10}]
    status, kind, reason = refusal(filled.msearch, searches=searches, rest_total_hits_as_int=True)
    assert (status, kind) == (400, "illegal_argument_exception")
    assert "[rest_total_hits_as_int] cannot be used if the tracking of total hits is not accurate, got 10" in reason
    answers = filled.msearch(searches=searches[:2], rest_total_hits_as_int=True)["responses"]
    assert isinstance(answers[0]["hits"]["total"], int)


def test_an_answer_is_that_of_the_search_alone(filled):
    body = {
        "query": {"match_all": {}},
        "sort": [{"id.keyword": "desc"}],
        "aggs": {"n": {"terms": {"field": "in.keyword"}}},
    }
    alone = filled.search(index="one,two", **body)
    (together,) = filled.msearch(searches=[{"index": "one,two"}, body])["responses"]
    assert {**together, "took": 0} == {**alone, "took": 0, "status": 200}


def test_the_table_of_aliases(filled):
    rows = filled.cat.aliases(name="both,first", format="json")
    assert [(row["alias"], row["index"], row["filter"], row["is_write_index"]) for row in rows] == [
        ("both", "one", "-", "-"),
        ("both", "two", "-", "true"),
        ("first", "one", "*", "-"),
    ]


def test_the_table_of_indices(filled):
    rows = filled.cat.indices(index="one,two", format="json", s="docs.count:desc")
    assert [(row["index"], row["status"], row["docs.count"], row["pri"]) for row in rows] == [
        ("one", "open", "2", "1"),
        ("two", "open", "1", "1"),
    ]
    assert all(row["store.size"][-1] == "b" for row in rows)
    assert str(filled.cat.indices(index="two", h="i,idx,dc")) == "two two 1\n"


def test_the_tables_of_documents_and_health(filled):
    (row,) = filled.cat.count(index="one,two", format="json")
    assert row["count"] == "3"
    (row,) = filled.cat.health(format="json")
    assert (row["status"], row["node.total"], row["unassign"]) == ("green", "1", "0")
    assert "epoch" not in filled.cat.health(format="json", ts=False)[0]


def test_the_mapping_of_single_fields(filled):
    found = filled.indices.get_field_mapping(index="one,two", fields="id*,deep.x,nothing")
    assert found["one"]["mappings"] == {
        "id": {
            "full_name": "id",
            "mapping": {"id": {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}},
        },
        "id.keyword": {"full_name": "id.keyword", "mapping": {"keyword": {"type": "keyword", "ignore_above": 256}}},
        "deep.x": {"full_name": "deep.x", "mapping": {"x": {"type": "long"}}},
    }
    assert filled.indices.get_field_mapping(index="two", fields="nothing") == {"two": {"mappings": {}}}


def test_statistics_of_indices_are_those_that_are_counted(filled):
    stats = filled.indices.stats(index="one,two", metric="docs,store")
    assert stats["_all"]["primaries"]["docs"]["count"] == 3
    assert {name: one["total"]["docs"]["count"] for name, one in stats["indices"].items()} == {"one": 2, "two": 1}
    total = sum(one["total"]["store"]["size_in_bytes"] for one in stats["indices"].values())
    assert stats["_all"]["total"]["store"]["size_in_bytes"] == total
    assert "indices" not in filled.indices.stats(index="one", metric="docs", level="cluster")


def test_a_search_that_may_be_waited_for_has_ended_with_its_answer(filled):
    alone = filled.search(index="one", query={"term": {"id": "a"}})
    found = filled.async_search.submit(index="one", query={"term": {"id": "a"}}, wait_for_completion_timeout="2s")
    assert (found["is_running"], found["is_partial"]) == (False, False)
    assert "id" not in found
    assert {**found["response"], "took": 0} == {**alone, "took": 0}
    for call in (filled.async_search.get, filled.async_search.status, filled.async_search.delete):
        with pytest.raises(ApiError) as caught:
            call(id="nothing")
        assert caught.value.meta.status == 404
    with pytest.raises(ApiError) as caught:
        filled.async_search.submit(index="one", keep_on_completion=True)
    assert caught.value.meta.status == 501
