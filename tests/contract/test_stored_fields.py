"""`stored_fields`: what the mapping stores apart, alike in `_doc`, `_mget` and `_search`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refused import refusal

from laws import law

_MAPPINGS = {
    "properties": {
        "kept": {"type": "keyword", "store": True, "fields": {"text": {"type": "text", "store": True}}},
        "count": {"type": "integer", "store": True},
        "when": {"type": "date", "store": True, "format": "yyyy-MM-dd"},
        "plain": {"type": "keyword"},
        "deep": {"properties": {"flag": {"type": "boolean", "store": True}, "other": {"type": "long"}}},
    }
}
_WHOLE = st.integers(-5, 5)
_DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "kept": st.lists(st.sampled_from(["b", "a", "A b"]), min_size=1, max_size=3),
        "count": _WHOLE | st.lists(_WHOLE, min_size=2, max_size=3) | _WHOLE.map(str),
        "when": st.sampled_from(["2024-02-29", "1999-12-31"]),
        "plain": st.just("p"),
        "deep": st.fixed_dictionaries({}, optional={"flag": st.booleans(), "other": _WHOLE}),
    },
)
_NAMES = st.lists(
    st.sampled_from(
        ["kept", "kept.text", "count", "when", "plain", "deep.flag", "deep.*", "k*", "*", "none", "_source"]
    ),
    min_size=1,
    max_size=3,
    unique=True,
)


@pytest.fixture
def index(client):
    client.indices.create(index="stored", mappings=_MAPPINGS)
    yield "stored"
    client.indices.delete(index="stored")


def _listed(value):
    return value if isinstance(value, list) else [value]


def _expected(document, names):
    stored = {
        "kept": document.get("kept"),
        "kept.text": document.get("kept"),
        "count": document.get("count"),
        "when": document.get("when"),
        "deep.flag": document.get("deep", {}).get("flag"),
    }
    found = {}
    for name in names:
        for each, value in stored.items():
            if value is not None and (name in {each, "*"} or (name.endswith("*") and each.startswith(name[:-1]))):
                found[each] = [int(one) for one in _listed(value)] if each == "count" else _listed(value)
    return found


@law(examples=60)
@given(document=_DOCUMENTS, names=_NAMES)
def test_each_way_of_reading_gives_the_values_that_are_stored(client, index, document, names):
    client.index(index=index, id="1", document=document)
    hit = client.search(index=index, stored_fields=names)["hits"]["hits"][0]
    one = client.get(index=index, id="1", stored_fields=names)
    several = client.mget(index=index, docs=[{"_id": "1", "stored_fields": names}])["docs"][0]
    shared = client.mget(index=index, ids=["1"], stored_fields=names)["docs"][0]
    for answer in (hit, one, several, shared):
        assert answer.get("fields", {}) == _expected(document, names)
        assert ("_source" in answer) == ("_source" in names)
        assert answer["_id"] == "1"


def test_a_source_that_is_asked_for_by_itself_is_there_too(client, index):
    client.index(index=index, id="1", document={"kept": "a", "plain": "p"})
    hit = client.search(index=index, stored_fields="kept", source=["plain"])["hits"]["hits"][0]
    assert (hit["fields"], hit["_source"]) == ({"kept": ["a"]}, {"plain": "p"})
    found = client.get(index=index, id="1", stored_fields="kept", source_includes="plain")
    assert (found["fields"], found["_source"]) == ({"kept": ["a"]}, {"plain": "p"})


def test_nothing_at_all_and_what_cannot_be_asked_for(client, index):
    client.index(index=index, id="1", document={"kept": "a"})
    hit = client.search(index=index, stored_fields="_none_")["hits"]["hits"][0]
    assert hit.keys() == {"_index", "_score"}
    assert "_source" not in client.search(index=index, stored_fields=[])["hits"]["hits"][0]
    for body, words in (
        ({"stored_fields": ["_none_", "kept"]}, "cannot combine _none_ with other fields"),
        ({"stored_fields": "_none_", "source": True}, r"cannot be disabled if [_source] is requested"),
        ({"stored_fields": "_none_", "version": True}, r"cannot be disabled if [version] is requested"),
    ):
        status, _, reason = refusal(client.search, index=index, **body)
        assert (status, words in reason) == (400, True)
    for call in (
        lambda: client.search(index=index, stored_fields="deep"),
        lambda: client.get(index=index, id="1", stored_fields="deep"),
    ):
        status, _, _ = refusal(call)
        assert status == 400
    (lacking,) = client.mget(index=index, docs=[{"_id": "1", "stored_fields": "deep"}])["docs"]
    assert "isn't a leaf field" in str(lacking["error"])
