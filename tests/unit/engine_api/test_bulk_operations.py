"""Bulk requests: refused whole where they cannot be read; an operation that cannot be done is refused for itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomalyops_engine.api.bulk import run_bulk
from anomalyops_engine.api.bulk_body import Defaults, parse_bulk
from anomalyops_engine.api.errors import ApiError, from_lower_layer
from anomalyops_engine.query import QueryError
from anomalyops_engine.store import Store


def body_of(*lines: Any) -> bytes:
    return "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines).encode()


def items(store: Store, *lines: Any, index: str | None = "i") -> list[dict[str, Any]]:
    return [outcome.item for outcome in run_bulk(store, parse_bulk(body_of(*lines), Defaults(index)))]


def refusal(*lines: Any, index: str | None = "i") -> tuple[str, str]:
    try:
        parse_bulk(body_of(*lines), Defaults(index))
    except QueryError as error:
        found = from_lower_layer(error)
    except ApiError as error:
        found = error
    else:
        raise AssertionError("it was taken")
    return found.type, found.reason


UPDATE = {"update": {"_id": "1"}}


@pytest.mark.parametrize(
    ("lines", "kind", "said"),
    [
        ([UPDATE, {}], "action_request_validation_exception", "1: script or doc is missing;"),
        ([UPDATE, {"doc_as_upsert": True}], "action_request_validation_exception", "2: doc must be specified"),
        ([UPDATE, {"script": {}, "doc": {}}], "action_request_validation_exception", "both script and doc"),
        ([UPDATE, {"foo": 1}], "x_content_parse_exception", "[UpdateRequest] unknown field [foo]"),
        ([UPDATE, {"doc": None}], "x_content_parse_exception", "doc doesn't support values of type: VALUE_NULL"),
        ([UPDATE, {"doc": {}, "detect_noop": "x"}], "x_content_parse_exception", "failed to parse field [detect_noop]"),
        ([UPDATE, []], "x_content_parse_exception", "Expected START_OBJECT but was: START_ARRAY"),
        ([UPDATE, '{"doc": {"a": 1, "a": 2}}'], "x_content_parse_exception", "Duplicate field 'a'"),
        ([UPDATE, {"script": {}}], "not_implemented_exception", "[script]"),
        ([{"index": {"pipeline": "a"}}, {}], "not_implemented_exception", "[pipeline]"),
        ([{"index": {"_id": [1]}}, {}], "illegal_argument_exception", "expected a simple value for field [_id]"),
        (['{"index": {"_id": "1", "_id": "2"}}', {}], "x_content_parse_exception", "Duplicate field '_id'"),
        ([{"update": {}}, {}, {"delete": {}}], "action_request_validation_exception", "3: id is missing;"),
        ([""], "action_request_validation_exception", "no requests added"),
    ],
)
def test_what_cannot_be_read_refuses_the_whole_request(lines, kind, said):
    found, reason = refusal(*lines)
    assert (found, said in reason) == (kind, True), reason


def test_a_line_that_cannot_be_read_is_told_before_what_is_missing_in_those_above():
    assert "found [foo]" in refusal({"index": {}}, {}, {"foo": {}}, {}, index=None)[1]
    assert "index is missing" in refusal({"index": {}}, {}, index=None)[1]


def test_updates_that_change_nothing_are_written_where_that_is_asked_for(store):
    items(store, {"index": {"_id": "1"}}, {"n": 1})
    assert items(store, UPDATE, {"doc": {"n": 1}})[0]["result"] == "noop"
    written = items(store, UPDATE, {"doc": {"n": 1}, "detect_noop": False})[0]
    assert (written["result"], written["_version"]) == ("updated", 2)


def test_updates_show_the_document_that_they_make(store):
    shown = items(store, UPDATE, {"doc": {"n": 1, "k": "a"}, "doc_as_upsert": True, "_source": ["k"]})[0]["get"]
    assert (shown["found"], shown["_source"]) == (True, {"k": "a"})
    assert items(store, {"update": {"_id": "1", "_source": True}}, {"doc": {"n": 1}})[0]["get"]["_source"] == {
        "n": 1,
        "k": "a",
    }
    assert "get" not in items(store, UPDATE, {"doc": {"n": 2}})[0]


def test_a_document_that_is_there_is_not_created_and_one_that_does_not_fit_says_so_first(store):
    items(store, {"create": {"_id": "1"}}, {"n": 1})
    found = items(
        store, {"create": {"_id": "1"}}, {"n": 2}, {"create": {}}, {"n": 3}, {"create": {"_id": "1"}}, {"n": "x"}
    )
    assert [item["status"] for item in found] == [409, 201, 400]
    assert found[0]["error"]["type"] == "version_conflict_engine_exception"


def test_an_index_action_that_says_so_creates(store):
    items(store, {"index": {"_id": "1", "op_type": "create"}}, {}, {"create": {"_id": "2", "op_type": "create"}}, {})
    assert [item["status"] for item in items(store, {"index": {"_id": "1", "op_type": "create"}}, {})] == [409]
    assert [item["status"] for item in items(store, {"index": {"_id": "1", "op_type": "index"}}, {})] == [200]


def test_an_operation_that_is_refused_with_its_index_has_no_id_yet(store):
    refused, done = items(store, {"index": {"_index": "Capital"}}, {}, {"index": {}}, {})
    assert (refused["_id"], refused["status"], done["status"]) == (None, 400, 201)


_IDS = st.sampled_from(["1", "2", None])
_DOCUMENTS = st.fixed_dictionaries({}, optional={"n": st.sampled_from([1, 2, "x"]), "k": st.sampled_from(["a", 1.5])})
_OPERATIONS = st.one_of(
    st.tuples(st.sampled_from(["index", "create"]), _IDS, _DOCUMENTS),
    st.tuples(st.just("delete"), st.sampled_from(["1", "2"]), st.none()),
    st.tuples(
        st.just("update"),
        st.sampled_from(["1", "2"]),
        st.fixed_dictionaries({"doc": _DOCUMENTS}, optional={"doc_as_upsert": st.booleans(), "upsert": _DOCUMENTS}),
    ),
)


@pytest.fixture(scope="module")
def kept_store(tmp_path_factory):
    opened = Store.open(tmp_path_factory.mktemp("bulk"))
    yield opened
    opened.close()


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item without what two indices cannot have in common."""
    plain = {key: value for key, value in item.items() if key not in {"_index", "error"}}
    error = item.get("error", {})
    return {**plain, "_id": item["_id"] if len(item["_id"]) == 1 else "made", "error": error.get("type")}


@settings(max_examples=60, deadline=None)
@given(operations=st.lists(_OPERATIONS, min_size=1, max_size=6))
def test_a_bulk_request_gives_what_its_operations_give_one_after_the_other(kept_store, operations):
    with kept_store.write() as writer:
        for index in writer.indices():
            writer.delete_index(index.name)
    requests = [
        [{kind: {} if doc_id is None else {"_id": doc_id}}, *([] if source is None else [source])]
        for kind, doc_id, source in operations
    ]
    together = items(kept_store, *[line for request in requests for line in request], index="one")
    apart = [item for request in requests for item in items(kept_store, *request, index="other")]
    assert [_plain(item) for item in together] == [_plain(item) for item in apart]
    with kept_store.read() as reader:
        one, other = reader.resolve("one*"), reader.resolve("other*")
    assert [index.mapping for index in one] == [index.mapping for index in other]
