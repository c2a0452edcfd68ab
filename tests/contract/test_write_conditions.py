"""Writes that depend on what is there: sequence numbers, aliases, routing; through the official client."""

import pytest
from elasticsearch import BadRequestError, ConflictError, NotFoundError
from hypothesis import given
from hypothesis import strategies as st

from laws import law


@pytest.fixture
def index(client):
    client.options(ignore_status=404).indices.delete(index="conditions")
    client.indices.create(index="conditions", aliases={"conditions-alias": {}})
    yield "conditions"
    client.indices.delete(index="conditions")


@law(examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["index", "update", "delete"]),
            st.sampled_from("ab"),
            st.none() | st.integers(0, 6),
            st.sampled_from([1, 1, 1, 2]),
        ),
        max_size=8,
    )
)
def test_a_write_happens_where_the_document_is_as_it_must_be(client, index, writes):
    client.delete_by_query(index=index, query={"match_all": {}})
    for kind, doc_id, seq_no, term in writes:
        known = client.options(ignore_status=404).get(index=index, id=doc_id)
        condition = {} if seq_no is None else {"if_seq_no": seq_no, "if_primary_term": term}
        holds = not condition or (known["found"] and (known["_seq_no"], 1) == (seq_no, term))
        body = {"index": {"document": {"n": seq_no}}, "update": {"doc": {"m": seq_no}}, "delete": {}}[kind]
        answer = getattr(client.options(ignore_status=[404, 409]), kind)(index=index, id=doc_id, **condition, **body)
        after = client.options(ignore_status=404).get(index=index, id=doc_id)
        if kind == "update" and not known["found"]:
            assert answer.body["error"]["type"] == "document_missing_exception"
        elif not holds:
            assert answer.body["error"]["type"] == "version_conflict_engine_exception"
            assert answer.body["status"] == 409
            assert after == known
        else:
            assert "error" not in answer.body
            assert after["found"] == (kind != "delete")


def test_in_a_bulk_each_has_its_own_condition(client, index):
    first = client.index(index=index, id="a", document={"n": 1})
    right = {"if_seq_no": first["_seq_no"], "if_primary_term": 1}
    wrong = {"if_seq_no": first["_seq_no"] + 9, "if_primary_term": 1}
    answer = client.bulk(
        index=index,
        operations=[
            *({"index": {"_id": "a", **wrong}}, {"n": 2}),
            *({"index": {"_id": "b"}}, {"n": 2}),
            *({"index": {"_id": "a", **right}}, {"n": 3}),
            {"delete": {"_id": "b", **wrong}},
        ],
    )
    assert [next(iter(item.values()))["status"] for item in answer["items"]] == [409, 201, 200, 409]
    reason = answer["items"][0]["index"]["error"]["reason"]
    assert reason == (
        f"[a]: version conflict, required seqNo [{wrong['if_seq_no']}], primary term [1]. "
        f"current document has seqNo [{first['_seq_no']}] and primary term [1]"
    )
    assert client.get(index=index, id="a")["_source"] == {"n": 3}


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ({"if_seq_no": 1}, "ifSeqNo is set, but primary term is [0]"),
        ({"if_primary_term": 1}, "ifSeqNo is unassigned, but primary term is [1]"),
    ],
)
def test_half_a_condition_is_refused(client, index, condition, text):
    with pytest.raises(BadRequestError) as caught:
        client.index(index=index, id="a", document={}, **condition)
    assert text in str(caught.value.body)
    with pytest.raises(BadRequestError):
        client.bulk(index=index, operations=[{"index": {"_id": "a", **condition}}, {}])


def test_an_alias_can_be_demanded(client, index):
    client.index(index="conditions-alias", id="a", document={"n": 1}, require_alias=True)
    for name in (index, "nothing-there"):
        with pytest.raises(NotFoundError) as caught:
            client.index(index=name, id="a", document={"n": 2}, require_alias=True)
        assert f"[require_alias] request flag is [true] and [{name}] is not an alias" in str(caught.value.body)
    assert not client.indices.exists(index="nothing-there")
    items = client.bulk(
        require_alias=True,
        operations=[
            *({"update": {"_index": index, "_id": "a"}}, {"doc": {"n": 3}}),
            *({"update": {"_index": index, "_id": "a", "require_alias": False}}, {"doc": {"n": 4}}),
        ],
    )["items"]
    assert [item["update"]["status"] for item in items] == [404, 200]


def test_the_routing_of_a_document_is_kept_and_shown(client, index):
    client.index(index=index, id="a", document={"n": 1}, routing="west")
    client.bulk(
        index=index, routing="east", operations=[{"index": {"_id": "b"}}, {}, {"index": {"_id": "c", "routing": 7}}, {}]
    )
    client.index(index=index, id="d", document={})
    shown = {hit["_id"]: hit.get("_routing") for hit in client.search(index=index)["hits"]["hits"]}
    assert shown == {"a": "west", "b": "east", "c": "7", "d": None}
    assert client.get(index=index, id="a", routing="west")["_routing"] == "west"
    assert client.mget(index=index, ids=["c"])["docs"][0]["_routing"] == "7"
    client.update(index=index, id="a", doc={"n": 2}, routing="west")
    assert client.get(index=index, id="a")["_routing"] == "west"
    found = client.search(index=index, query={"exists": {"field": "_routing"}})
    assert {hit["_id"] for hit in found["hits"]["hits"]} == {"a", "b", "c"}
    client.index(index=index, id="a", document={})
    assert "_routing" not in client.get(index=index, id="a")


def test_conflicts_raise_what_the_client_has_for_them(client, index):
    client.index(index=index, id="a", document={})
    with pytest.raises(ConflictError):
        client.delete(index=index, id="a", if_seq_no=77, if_primary_term=1)


def test_an_alias_routes_what_is_written_through_it(client, index):
    actions = [{"add": {"index": index, "alias": "conditions-west", "routing": "west"}}]
    client.indices.update_aliases(actions=actions)
    client.indices.put_alias(index=index, name="conditions-east", search_routing="a,b", index_routing="east")
    found = client.indices.get_alias(index=index)[index]["aliases"]
    assert found["conditions-west"] == {"index_routing": "west", "search_routing": "west"}
    assert found["conditions-east"] == {"index_routing": "east", "search_routing": "a,b"}
    client.index(index="conditions-west", id="a", document={})
    client.index(index="conditions-east", id="b", document={}, routing="east")
    assert {hit["_id"]: hit["_routing"] for hit in client.search(index=index)["hits"]["hits"]} == {
        "a": "west",
        "b": "east",
    }
    with pytest.raises(BadRequestError) as caught:
        client.index(index="conditions-west", id="c", document={}, routing="east")
    assert "has index routing associated with it [west]" in str(caught.value.body)
    with pytest.raises(BadRequestError):
        client.indices.put_alias(index=index, name="conditions-two", index_routing="a,b")
    (row,) = client.cat.aliases(name="conditions-east", format="json")
    assert (row["routing.index"], row["routing.search"]) == ("east", "a,b")
