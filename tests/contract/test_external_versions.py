"""Versions that come from elsewhere: writes and reads that depend on them; through the official client."""

import pytest
from elasticsearch import BadRequestError, ConflictError
from hypothesis import given
from hypothesis import strategies as st

from laws import law


@pytest.fixture
def index(client):
    client.options(ignore_status=404).indices.delete(index="versions")
    client.indices.create(index="versions")
    yield "versions"
    client.indices.delete(index="versions")


_OPERATION = st.tuples(
    st.sampled_from(["index", "index", "delete"]),
    st.sampled_from("ab"),
    st.sampled_from([None, "external", "external_gte"]),
    st.integers(0, 5),
)


@law(examples=60)
@given(st.lists(_OPERATION, min_size=1, max_size=10), st.booleans())
def test_a_write_needs_a_version_that_is_not_outdated(client, operations, together):
    client.options(ignore_status=404).indices.delete(index="versions-law")
    client.indices.create(index="versions-law")
    answers, known = [], {}
    lines = []
    for kind, doc_id, versioning, version in operations:
        meta = {"_id": doc_id, "_index": "versions-law"}
        if versioning:
            meta |= {"version": version, "version_type": versioning}
        lines.append([{kind: meta}, *([{}] if kind == "index" else [])])
    for lines_of_one in [[part for parts in lines for part in parts]] if together else lines:
        answers += client.bulk(operations=lines_of_one)["items"]
    for (kind, doc_id, versioning, version), answer in zip(operations, answers, strict=True):
        there, current = known.get(doc_id, (False, None))
        item = answer[kind]
        outdated = current is not None and (version < current or (version == current and versioning == "external"))
        if versioning and outdated:
            assert item["status"] == 409, item
            than = "or equal to" if versioning == "external" else "than"
            expected = f"[{doc_id}]: version conflict, current version [{current}] is higher {than} the one provided"
            assert item["error"]["reason"] == f"{expected} [{version}]"
            continue
        current = version if versioning else (current or 0) + 1
        assert item["_version"] == current, (operations, item)
        assert item["status"] == {"delete": 200 if there else 404, "index": 200 if there else 201}[kind]
        known[doc_id] = (kind == "index", current)
    hits = client.search(index="versions-law", version=True)["hits"]["hits"]
    assert {hit["_id"]: hit["_version"] for hit in hits} == {
        doc_id: version for doc_id, (there, version) in known.items() if there
    }


def test_single_writes_bring_their_version(client, index):
    assert client.index(index=index, id="a", document={}, version=0, version_type="external")["_version"] == 0
    assert client.index(index=index, id="a", document={}, version=7, version_type="external")["_version"] == 7
    with pytest.raises(ConflictError) as caught:
        client.delete(index=index, id="a", version=7, version_type="external")
    assert "current version [7] is higher or equal to the one provided [7]" in str(caught.value.body)
    assert client.delete(index=index, id="a", version=7, version_type="external_gte")["_version"] == 7
    with pytest.raises(ConflictError):  # the version of what was deleted is remembered
        client.index(index=index, id="a", document={}, version=6, version_type="external_gte")
    assert client.index(index=index, id="a", document={})["_version"] == 8


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"version": 3}, "internal versioning can not be used for optimistic concurrency control"),
        ({"version": -1, "version_type": "external"}, "illegal version value [-1] for version type [EXTERNAL]"),
        ({"version_type": "external_gte"}, "illegal version value [-3] for version type [EXTERNAL_GTE]"),
        ({"version": 3, "version_type": "newest"}, "No version type match [newest]"),
        ({"version": "x", "version_type": "external"}, "Failed to parse long parameter [version] with value [x]"),
        (
            {"version": 3, "version_type": "external", "if_seq_no": 1, "if_primary_term": 1},
            "compare and write operations can not use versioning",
        ),
        (
            {"version": 3, "version_type": "external", "op_type": "create"},
            "create operations only support internal versioning. use index instead",
        ),
    ],
)
def test_versions_that_make_no_sense_are_refused(client, index, request_, why):
    with pytest.raises(BadRequestError) as caught:
        client.index(index=index, id="a", document={}, **request_)
    assert why in str(caught.value.body)


def test_updates_bring_no_version(client, index):
    action = {"update": {"_index": index, "_id": "a", "version": 1, "version_type": "external"}}
    with pytest.raises(BadRequestError, match="Update requests do not support versioning"):
        client.bulk(operations=[action, {"doc": {}}])


def test_a_document_without_an_id_brings_no_version(client, index):
    with pytest.raises(BadRequestError, match="an id must be provided"):
        client.bulk(operations=[{"index": {"_index": index, "version": 1, "version_type": "external"}}, {}])


def test_a_deletion_with_a_version_is_remembered_before_its_index_is_there(client):
    client.options(ignore_status=404).indices.delete(index="versions-new")
    body = [{"delete": {"_index": "versions-new", "_id": "a", "version": 5, "version_type": "external"}}]
    assert client.bulk(operations=body)["items"][0]["delete"]["_version"] == 5
    with pytest.raises(ConflictError):
        client.index(index="versions-new", id="a", document={}, version=4, version_type="external")
    client.indices.delete(index="versions-new")


def test_readers_insist_on_a_version(client, index):
    client.index(index=index, id="a", document={"n": 1}, version=4, version_type="external")
    for versioning in ("internal", "external", "external_gte"):
        assert client.get(index=index, id="a", version=4, version_type=versioning)["_source"] == {"n": 1}
        assert client.get_source(index=index, id="a", version=4, version_type=versioning) == {"n": 1}
        with pytest.raises(ConflictError) as caught:
            client.get(index=index, id="a", version=3, version_type=versioning)
        assert "current version [4] is different than the one provided [3]" in str(caught.value.body)
    docs = [{"_index": index, "_id": "a", "version": version} for version in (4, 5)]
    first, second = client.mget(docs=docs)["docs"]
    assert first["_source"] == {"n": 1}
    assert second["error"]["type"] == "version_conflict_engine_exception"
