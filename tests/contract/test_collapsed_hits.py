"""`collapse` with its inner hits, and `indices_boost`; through the official client."""

import pytest
from elasticsearch import BadRequestError, ElasticsearchWarning, NotFoundError
from hypothesis import given
from hypothesis import strategies as st

from laws import law

_INDEX = "collapsed"


def _fill(client, documents):
    client.options(ignore_status=404).indices.delete(index=_INDEX)
    properties = {"group": {"type": "keyword"}, "number": {"type": "long"}, "rank": {"type": "integer"}}
    client.indices.create(index=_INDEX, mappings={"properties": {**properties, "words": {"type": "text"}}})
    if documents:
        operations = [part for place, doc in enumerate(documents) for part in ({"index": {"_id": str(place)}}, doc)]
        assert not client.bulk(index=_INDEX, operations=operations)["errors"]


_DOCUMENT = st.fixed_dictionaries(
    {"rank": st.integers(0, 4)},
    optional={"group": st.sampled_from(["a", "b", "c"]), "number": st.integers(-2, 2)},
)


@law(examples=40)
@given(
    st.lists(_DOCUMENT, max_size=12),
    st.sampled_from(["group", "number"]),
    st.booleans(),
    st.integers(0, 2),
    st.integers(0, 3),
    st.integers(0, 1),
)
def test_the_first_hit_of_each_group_stands_for_it(
    client, documents, field, descending, start, inner_size, inner_start
):
    _fill(client, documents)
    inner = {"name": "others", "size": inner_size, "from": inner_start, "sort": [{"rank": "asc"}]}
    answer = client.search(
        index=_INDEX,
        query={"range": {"rank": {"gte": 1}}},
        sort=[{"rank": "desc" if descending else "asc"}],
        collapse={"field": field, "inner_hits": inner},
        from_=start,
    )
    matching = [(place, doc) for place, doc in enumerate(documents) if doc["rank"] >= 1]
    ordered = sorted(matching, key=lambda one: (-one[1]["rank"] if descending else one[1]["rank"], one[0]))
    first = {}
    for place, doc in ordered:
        first.setdefault(doc.get(field), (place, doc))
    assert answer["hits"]["total"]["value"] == len(matching)
    expected = list(first.items())[start:]
    assert [hit["_id"] for hit in answer["hits"]["hits"]] == [str(place) for _, (place, _) in expected]
    for hit, (value, _) in zip(answer["hits"]["hits"], expected, strict=True):
        assert hit.get("fields", {}).get(field) == (None if value is None else [value])
        members = sorted((doc["rank"], place) for place, doc in matching if doc.get(field) == value)
        found = hit["inner_hits"]["others"]["hits"]
        assert found["total"] == {"value": len(members), "relation": "eq"}
        page = members[inner_start : inner_start + inner_size]
        assert [one["_id"] for one in found["hits"]] == [str(place) for _, place in page]


def test_inner_hits_show_what_they_are_asked_for(client):
    _fill(client, [{"group": "a", "rank": 1, "number": 7}, {"group": "a", "rank": 2, "number": 7}])
    inner = [
        {"name": "fields", "fields": ["rank"], "_source": False, "version": True, "seq_no_primary_term": True},
        {"sort": [{"rank": "desc"}], "size": 5, "collapse": {"field": "number"}},
    ]
    (hit,) = client.search(index=_INDEX, collapse={"field": "group", "inner_hits": inner})["hits"]["hits"]
    first = hit["inner_hits"]["fields"]["hits"]["hits"][0]
    assert (first["fields"], first["_version"], first["_seq_no"]) == ({"rank": [1]}, 1, 0)
    assert "_source" not in first
    named_after_the_field = hit["inner_hits"]["group"]["hits"]
    assert named_after_the_field["total"]["value"] == 2
    assert [(one["_id"], one["fields"]) for one in named_after_the_field["hits"]] == [("1", {"number": [7]})]


@pytest.mark.parametrize(
    ("collapse", "why"),
    [
        ({"field": "nothing"}, "no mapping found for `nothing` in order to collapse on"),
        ({"field": "words"}, "collapse is not supported for the field [words] of the type [text]"),
        ({"field": "group", "inner_hits": [{"name": "a"}, {"name": "a"}]}, "already contains an entry for key [a]"),
        (
            {"field": "group", "inner_hits": {"collapse": {"field": "a", "inner_hits": {}}}},
            "unknown field [inner_hits]",
        ),
        ({"field": "group", "max_concurrent_group_searches": 0}, "max_concurrent_group_searches"),
        ({}, "Required [field]"),
    ],
)
def test_what_makes_no_groups_is_refused(client, collapse, why):
    _fill(client, [{"group": "a", "rank": 1}])
    with pytest.raises(BadRequestError) as caught:
        client.search(index=_INDEX, collapse=collapse)
    assert why in str(caught.value.body)


def test_a_document_belongs_to_one_group(client):
    _fill(client, [{"group": ["a", "b"], "rank": 1}])
    with pytest.raises(BadRequestError, match="search_phase_execution_exception") as caught:
        client.search(index=_INDEX, collapse={"field": "group"})
    assert "the collapse field must be single valued" in str(caught.value.body)


def test_pages_of_groups(client):
    _fill(client, [{"group": name, "rank": 1} for name in "abac"])
    request = {"index": _INDEX, "collapse": {"field": "group"}, "sort": [{"group": "asc"}], "size": 2}
    first = client.search(**request)["hits"]["hits"]
    rest = client.search(**request, search_after=first[-1]["sort"])["hits"]["hits"]
    assert [hit["fields"]["group"] for hit in first + rest] == [["a"], ["b"], ["c"]]
    with pytest.raises(BadRequestError) as caught:
        client.search(**{**request, "sort": [{"rank": "asc"}]}, search_after=[1])
    assert "cannot use `collapse` in conjunction with `search_after`" in str(caught.value.body)
    with pytest.raises(BadRequestError, match="action_request_validation_exception"):
        client.search(index=_INDEX, collapse={"field": "group"}, scroll="1m")


@pytest.fixture
def two(client):
    for name in ("boosts-one", "boosts-two"):
        client.options(ignore_status=404).indices.delete(index=name)
        client.index(index=name, id="a", document={"n": 1})
    client.indices.put_alias(index="boosts-two", name="boosts-alias")
    yield "boosts-*"
    client.indices.delete(index="boosts-one,boosts-two")


@pytest.mark.parametrize(
    ("boosts", "expected"),
    [
        ([], [("boosts-one", 1.0), ("boosts-two", 1.0)]),
        ([{"boosts-two": 2.5}], [("boosts-two", 2.5), ("boosts-one", 1.0)]),
        ([{"boosts-alias": 0.5}], [("boosts-one", 1.0), ("boosts-two", 0.5)]),
        ([{"*-two": 3}, {"boosts-alias": 0.5}, {"boosts-one": 2}], [("boosts-two", 3.0), ("boosts-one", 2.0)]),
    ],
)
def test_hits_of_some_indices_count_for_more(client, two, boosts, expected):
    hits = client.search(index=two, indices_boost=boosts)["hits"]
    assert [(hit["_index"], hit["_score"]) for hit in hits["hits"]] == expected
    assert hits["max_score"] == expected[0][1]
    by_score = client.search(index=two, indices_boost=boosts, sort=[{"_score": "asc"}, {"n": "asc"}])["hits"]["hits"]
    assert [hit["sort"][0] for hit in by_score] == sorted(score for _, score in expected)


def test_the_old_form_of_boosts_is_taken_with_a_warning(client, two):
    with pytest.warns(ElasticsearchWarning, match="Object format in indices_boost is deprecated"):
        hits = client.search(index=two, indices_boost={"boosts-two": 2})["hits"]["hits"]
    assert [hit["_score"] for hit in hits] == [2.0, 1.0]


def test_boosts_of_what_is_not_there_are_refused_unless_it_is_passed_over(client, two):
    with pytest.raises(NotFoundError, match="no such index"):
        client.search(index=two, indices_boost=[{"boosts-three": 2}])
    found = client.search(index=two, indices_boost=[{"boosts-three": 2}], ignore_unavailable=True)
    assert found["hits"]["total"]["value"] == 2
    with pytest.raises(BadRequestError, match="must not be negative"):
        client.search(index=two, indices_boost=[{"boosts-one": -2}])
