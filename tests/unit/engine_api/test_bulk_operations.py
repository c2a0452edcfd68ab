"""Bulk requests: refused whole where they cannot be read; an operation that cannot be done is refused for itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.api.bulk import run_bulk
from anomalyops_engine.api.bulk_body import Defaults, parse_bulk
from anomalyops_engine.api.errors import ApiError, from_lower_layer
from anomalyops_engine.query import QueryError
from anomalyops_engine.store import Store
from laws import law


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


_NAMES = st.one_of(
    st.just("one"),
    st.sampled_from(["one", "two", "two-alias", "routed", "new", "closed", "piped", "Capital", "both"]),
)
_IDS = st.sampled_from(["1", "1", "2", "3"])
_DOCUMENTS = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "n": st.sampled_from([1, 2, "x", [1, 2]]),
            "k": st.sampled_from(["a", 1.5, {"in": 1}]),
            "o": st.sampled_from([{"a": 1}, {"a": "b"}, 3]),
            "fix": st.sampled_from([7, "7", "no"]),
        },
    ),
    st.sampled_from(["{", "[]", '{"n": 1, "n": 2}']),
)
_UPDATES = st.fixed_dictionaries(
    {"doc": _DOCUMENTS.filter(lambda one: isinstance(one, dict))},
    optional={
        "doc_as_upsert": st.booleans(),
        "detect_noop": st.booleans(),
        "upsert": st.fixed_dictionaries(
            {}, optional={"n": st.sampled_from([1, "x"]), "fix": st.sampled_from([1, "no"])}
        ),
        "_source": st.just(True),
    },
)
_CONDITIONS = st.one_of(
    st.just({}), st.just({}), st.integers(0, 4).map(lambda n: {"if_seq_no": n, "if_primary_term": 1})
)


@st.composite
def _requests(draw: st.DrawFn) -> list[Any]:
    """One operation: its lines."""
    kind = draw(st.sampled_from(["index", "index", "create", "update", "update", "delete"]))
    meta: dict[str, Any] = {"_index": draw(_NAMES), **draw(_CONDITIONS)}
    meta["_id"] = draw(_IDS)
    if kind in {"index", "create"} and "if_seq_no" not in meta and draw(st.integers(0, 4)) == 0:
        meta["_id"] = draw(st.sampled_from([None, ""]))
    if kind == "create":
        meta = {key: value for key, value in meta.items() if not key.startswith("if_")}
    if draw(st.integers(0, 5)) == 0:
        meta["routing"] = draw(st.sampled_from(["r", "q"]))
    if draw(st.integers(0, 7)) == 0:
        meta["require_alias"] = True
    rest = {"index": _DOCUMENTS, "create": _DOCUMENTS, "update": _UPDATES, "delete": None}[kind]
    return [{kind: meta}, *([] if rest is None else [draw(rest)])]


@pytest.fixture(scope="module")
def two_stores(tmp_path_factory):
    opened = [Store.open(tmp_path_factory.mktemp(name)) for name in ("together", "apart")]
    yield opened
    for store in opened:
        store.close()


def _begin(store: Store) -> None:
    """Give a store two plain indices, and some that take operations only in a way of their own."""
    with store.write() as writer:
        for index in writer.indices():
            writer.delete_index(index.name)
        mappings = {"properties": {"fix": {"type": "long"}}}
        writer.create_index("one", mappings=mappings)
        writer.create_index("two", mappings=mappings)
        writer.create_index("plain", mappings=mappings)
        writer.create_index("closed", settings={"index.blocks.write": True})
        writer.create_index("piped", settings={"index.default_pipeline": "missing"})
        writer.put_alias("two-alias", "two")
        writer.put_alias("routed", "two", index_routing="r")
        writer.put_alias("both", "one")
        writer.put_alias("both", "plain")


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item without what two stores cannot have in common."""
    plain = json.loads(json.dumps(item))
    if item["_id"] is not None and len(item["_id"]) > 1:
        plain["_id"] = "made"
    plain.get("error", {}).pop("index_uuid", None)
    return plain


def _left(store: Store) -> dict[str, Any]:
    """Return everything that there is of indices."""
    found: dict[str, Any] = {}
    with store.read() as reader:
        for index in reader.indices():
            rows = reader.connection.execute(f"FROM {index.table} ORDER BY _seq_no").fetchall()
            names = [column[0] for column in reader.connection.description or ()]
            documents = [{k: v for k, v in zip(names, row, strict=True) if v is not None} for row in rows]
            for document in documents:
                document["_id"] = document["_id"] if len(document["_id"]) == 1 else "made"
            found[index.name] = (index.mapping, documents)
    return found


@law(examples=60)
@given(requests=st.lists(_requests(), min_size=1, max_size=9))
def test_a_bulk_request_gives_and_leaves_what_its_operations_do_one_after_the_other(two_stores, requests):
    together, apart = two_stores
    for store in two_stores:
        _begin(store)
    found = items(together, *[line for request in requests for line in request])
    singly = [item for request in requests for item in items(apart, *request)]
    assert [_plain(item) for item in found] == [_plain(item) for item in singly]
    assert _left(together) == _left(apart)
    # Deletions are remembered alike: what comes back goes on where it was.
    again = [line for name in ("one", "two") for k in "123" for line in ({"index": {"_index": name, "_id": k}}, {})]
    assert [item["_version"] for item in items(together, *again)] == [item["_version"] for item in items(apart, *again)]
