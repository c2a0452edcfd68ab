"""Document endpoints: `_bulk`, and single documents by id."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import orjson
from starlette.responses import Response

from anomalyops_engine.api.activity import Activity
from anomalyops_engine.api.bulk import Outcome, run_bulk
from anomalyops_engine.api.bulk_blocks import WrittenBlock, read_block, run_block
from anomalyops_engine.api.bulk_body import Defaults, Operation, parse_bulk, read_condition, too_long
from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError, validation_failed
from anomalyops_engine.api.external_versions import check_read, read_external
from anomalyops_engine.api.json_text import without_mark
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import Known, known, text
from anomalyops_engine.api.update_body import read_update
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query import search
from anomalyops_engine.query.sources import SourceFilter, filter_source, read_source
from anomalyops_engine.query.stored_fields import StoredFields, read_stored_fields, stored_hit_fields
from anomalyops_engine.store import Index, Reader, Store, Stored
from anomalyops_engine.store.blocks import check_open

_SOURCE_PARTS = ("_source", "_source_excludes", "_source_includes")
# A write is visible and durable once it is acknowledged.
_IDLE = ("include_source_on_error", "refresh", "timeout", "wait_for_active_shards")
_WRITE_MISSING = ("pipeline", "require_data_stream")
_CONDITIONS = ("if_primary_term", "if_seq_no")
_VERSIONS = ("version", "version_type")
# Here it is a number.
_VERSION = {"version": text}
_BULK = known(
    [*_SOURCE_PARTS, "require_alias", "routing"],
    idle=(*_IDLE, "list_executed_pipelines"),
    missing=("pipeline", "require_data_stream"),
)
_INDEX = known(
    [*_CONDITIONS, *_VERSIONS, "op_type", "require_alias", "routing"],
    idle=_IDLE,
    missing=_WRITE_MISSING,
    readers=_VERSION,
)
_CREATE = known(
    [*_CONDITIONS, *_VERSIONS, "require_alias", "routing"], idle=_IDLE, missing=_WRITE_MISSING, readers=_VERSION
)
_UPDATE = known(
    [*_SOURCE_PARTS, *_CONDITIONS, "require_alias", "routing"],
    idle=(*_IDLE, "retry_on_conflict"),
    missing=("lang",),
)
_DELETE = known([*_CONDITIONS, *_VERSIONS], idle=(*_IDLE, "routing"), readers=_VERSION)
_GET = known(
    [*_SOURCE_PARTS, *_VERSIONS, "stored_fields"],
    idle=("preference", "realtime", "refresh", "routing"),
    missing=("force_synthetic_source",),
    readers=_VERSION,
)

_GET_SOURCE = known(
    [*_SOURCE_PARTS, *_VERSIONS],
    idle=("preference", "realtime", "refresh", "routing"),
    missing=("force_synthetic_source", "stored_fields"),
    readers=_VERSION,
)


def endpoints(store: Store, activity: Activity) -> list[Endpoint]:
    """Return the endpoints of this module."""

    def on(methods: str, path: str, handler: Any, parameters: Known) -> Endpoint:
        lane = Lane.SEARCH if "GET" in methods else Lane.WRITE
        return Endpoint(methods, path, lane, partial(handler, store, activity), parameters)

    return [
        on("POST PUT", "/_bulk", _bulk, _BULK),
        on("POST PUT", "/{index}/_bulk", _bulk, _BULK),
        on("POST", "/{index}/_doc", _index, _INDEX),
        on("GET HEAD", "/{index}/_doc/{id:path}", _get, _GET),
        on("PUT POST", "/{index}/_doc/{id:path}", _index, _INDEX),
        on("DELETE", "/{index}/_doc/{id:path}", _delete, _DELETE),
        on("PUT POST", "/{index}/_create/{id:path}", _create, _CREATE),
        on("POST", "/{index}/_update/{id:path}", _update, _UPDATE),
        on("GET HEAD", "/{index}/_source/{id:path}", _source, _GET_SOURCE),
    ]


def _bulk(store: Store, activity: Activity, call: Call) -> Response:
    began = time.perf_counter()
    defaults = Defaults(
        call.path.get("index"),
        wanted(call),
        routing=call.query.get("routing"),
        require_alias=call.flag("require_alias", default=False),
    )
    block = read_block(call.body, defaults)
    written = None if block is None else run_block(store, block)
    if written is not None:
        seconds = time.perf_counter() - began
        activity.wrote_block(written.uuid, len(written.ids), seconds, size=len(call.body))
        return _block_answer(call, written, int(seconds * 1000))
    operations = parse_bulk(call.body, defaults)
    outcomes = run_bulk(store, operations)
    kinds, seconds = [operation.kind for operation in operations], time.perf_counter() - began
    activity.wrote(kinds, outcomes, seconds, size=len(call.body), bulk=True)
    _note_refresh(call, outcomes)
    return call.respond(
        {
            "errors": any(outcome.failed for outcome in outcomes),
            "took": int((time.perf_counter() - began) * 1000),
            "items": [{operation.kind: outcome.item} for operation, outcome in zip(operations, outcomes, strict=True)],
        }
    )


def _block_answer(call: Call, written: WrittenBlock, took_ms: int) -> Response:
    text = written.answer(took_ms, call.query.get("filter_path"), refreshed=_wants_refresh(call))
    return call.respond_text(text)


def _index(store: Store, activity: Activity, call: Call) -> Response:
    return _write(store, activity, call, call.query.get("op_type", "index").lower())


def _create(store: Store, activity: Activity, call: Call) -> Response:
    return _write(store, activity, call, "create")


def _update(store: Store, activity: Activity, call: Call) -> Response:
    return _write(store, activity, call, "update")


def _delete(store: Store, activity: Activity, call: Call) -> Response:
    return _write(store, activity, call, "delete")


def _write(store: Store, activity: Activity, call: Call, kind: str) -> Response:
    if kind != "delete":
        call.require_body()
    if kind == "index" and call.path.get("id") is None:
        kind = "create"  # a document without an id is always a new one
    operation = Operation(kind, call.path["index"], call.path.get("id"), without_mark(call.body.strip()))
    operation.routing = call.query.get("routing")
    operation.require_alias = call.flag("require_alias", default=False)
    given = [call.query.get(name) for name in ("if_seq_no", "if_primary_term")]
    operation.condition, failures_of_it = read_condition(*given)
    if kind != "update":
        versions = [call.query.get(name) for name in _VERSIONS]
        conditional = operation.condition is not None
        operation.external, unfit = read_external(kind, operation.id, *versions, conditional=conditional)
        failures_of_it = [*failures_of_it, *unfit]
    if kind == "update":
        operation.update, failures = read_update(operation.source, wanted(call))
    else:
        failures = list(too_long(operation.id)) if kind in {"index", "create"} else []
    if failures_of_it or failures:
        raise validation_failed([*failures, *failures_of_it])
    began = time.perf_counter()
    (outcome,) = run_bulk(store, [operation])
    activity.wrote([kind], [outcome], time.perf_counter() - began, size=len(call.body), bulk=False)
    if outcome.item.get("result") != "noop":  # nothing was written; in a bulk the others were
        _note_refresh(call, [outcome])
    return _answer(call, outcome)


def _note_refresh(call: Call, outcomes: list[Outcome]) -> None:
    """Say of each operation that is done whether a refresh was asked for."""
    if _wants_refresh(call):
        for outcome in outcomes:
            if not outcome.failed:
                outcome.item["forced_refresh"] = True


def _wants_refresh(call: Call) -> bool:
    return call.query.get("refresh") in {"", "true"}


def _answer(call: Call, outcome: Outcome) -> Response:
    item = dict(outcome.item)
    status = item.pop("status")
    if outcome.failed:
        error = item["error"]
        cause = error.get("caused_by", {})
        # It began with the cause, where that is an error of Elasticsearch's own.
        began = cause if cause.get("type") == "parse_exception" else error
        root = {key: value for key, value in began.items() if key != "caused_by"}
        return call.respond({"error": {"root_cause": [root], **error}, "status": status}, status)
    return call.respond(item, status)


def _looked_up(store: Store, activity: Activity, call: Call) -> tuple[Index, Stored | None]:
    began = time.perf_counter()
    with store.read() as reader:
        index: Index = single(reader.resolve(call.path["index"]), call.path["index"])
        check_open([index], "read")
        found = reader.document(index, call.path["id"])
    activity.got(index.uuid, found is not None, found is None, time.perf_counter() - began)
    return index, found


def _get(store: Store, activity: Activity, call: Call) -> Response:
    index, found = _looked_up(store, activity, call)
    check_read(call.query, call.path["id"], None if found is None else found.version, index)
    if found is None:
        return call.respond({"_index": index.name, "_id": call.path["id"], "found": False}, 404)
    stored = stored_in_address(call)
    body = found_document(index.name, call.path["id"], found)
    if stored is not None:
        with store.read() as reader:
            body |= stored_parts(reader, index, call.path["id"], stored)
    chosen = _chosen(call, found.source, default=stored is None or stored.source)
    return call.respond(body if chosen is None else {**body, "_source": chosen})


def found_document(index: str, doc_id: str, stored: Stored) -> JsonObject:
    """Return what an answer says of a document, without its source."""
    return {
        "_index": index,
        "_id": doc_id,
        "_version": stored.version,
        "_seq_no": stored.seq_no,
        "_primary_term": 1,
        **({} if stored.routing is None else {"_routing": stored.routing}),
        "found": True,
    }


def _source(store: Store, activity: Activity, call: Call) -> Response:
    chosen = wanted(call, default=True)
    if chosen is None:
        raise validation_failed(["fetching source can not be disabled"])
    index, found = _looked_up(store, activity, call)
    check_read(call.query, call.path["id"], None if found is None else found.version, index)
    if found is None:
        raise ApiError(404, "resource_not_found_exception", f"Document not found [{index.name}]/[{call.path['id']}]")
    return call.respond(filter_source(orjson.loads(found.source), chosen))


def stored_in_address(call: Call) -> StoredFields | None:
    """Return the stored fields that the address asks for; None where it does not say."""
    given = call.query.get("stored_fields")
    return None if not given else read_stored_fields(given.split(","))


def stored_parts(reader: Reader, index: Index, doc_id: str, stored: StoredFields) -> JsonObject:
    """Return the part of an answer about a document that has its stored fields; nothing where it has none.

    Raises:
        IllegalQueryError: a name is that of an object.
    """
    if not stored_hit_fields(index, stored):
        return {}
    body = {"query": {"ids": {"values": [doc_id]}}, "stored_fields": list(stored.names)}
    hits = search(reader, [index], body)["hits"]["hits"]
    return {"fields": hits[0]["fields"]} if hits and "fields" in hits[0] else {}


def _chosen(call: Call, source: bytes, *, default: bool = True) -> Any:
    chosen = wanted(call, default=default)
    return None if chosen is None else filter_source(orjson.loads(source), chosen)


def wanted(call: Call, *, default: bool = False) -> SourceFilter | None:
    """Return which parts of a document the query parameters ask for; None for none.

    Args:
        call: the request.
        default: whether the document is wanted where they do not say.
    """
    asked: Any = call.query.get("_source")
    includes, excludes = call.query.get("_source_includes"), call.query.get("_source_excludes")
    if includes or excludes:
        asked = {"includes": (includes or "*").split(","), "excludes": (excludes or "").split(",")}
    elif asked is None:
        asked = default
    else:
        asked = asked != "false" if asked in {"", "true", "false"} else asked.split(",")
    return read_source(asked)


def single(indices: list[Any], name: str) -> Any:
    """Return the one index that a name means.

    Raises:
        ApiError: 400; it is an alias of several.
    """
    if len(indices) != 1:
        raise ApiError(
            400,
            "illegal_argument_exception",
            f"alias [{name}] has more than one index associated with it, can't execute a single index op",
        )
    return indices[0]
