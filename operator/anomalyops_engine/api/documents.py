"""Document endpoints: `_bulk`, and single documents by id."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import orjson
from starlette.responses import Response
from starlette.routing import Route

from anomalyops_engine.api.bulk import Operation, Outcome, parse_bulk, run_bulk
from anomalyops_engine.api.call import Call, endpoint
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.query.sources import filter_source, source_filter
from anomalyops_engine.store import Store

# Understood without effect here: a write is visible and durable once it is acknowledged.
_HARMLESS = {"refresh", "timeout", "wait_for_active_shards", "routing"}
_BULK_MISSING = {"pipeline", "require_alias", "require_data_stream", "_source", "_source_includes", "_source_excludes"}
_WRITE_MISSING = {"pipeline", "require_alias", "if_seq_no", "if_primary_term", "version", "version_type"}


def routes(store: Store) -> list[Route]:
    """Return the routes of this module."""

    def on(path: str, handler: Any, *methods: str) -> Route:
        lane = Lane.SEARCH if "GET" in methods else Lane.WRITE
        return Route(path, endpoint(partial(handler, store), lane), methods=list(methods))

    return [
        on("/_bulk", _bulk, "POST", "PUT"),
        on("/{index}/_bulk", _bulk, "POST", "PUT"),
        on("/{index}/_doc", _index, "POST"),
        on("/{index}/_doc/{id:path}", _get, "GET"),
        on("/{index}/_doc/{id:path}", _index, "PUT", "POST"),
        on("/{index}/_doc/{id:path}", _delete, "DELETE"),
        on("/{index}/_create/{id:path}", _create, "PUT", "POST"),
        on("/{index}/_update/{id:path}", _update, "POST"),
        on("/{index}/_source/{id:path}", _source, "GET"),
    ]


def _bulk(store: Store, call: Call) -> Response:
    call.allow(_HARMLESS | {"list_executed_pipelines"}, unsupported=_BULK_MISSING)
    began = time.perf_counter()
    operations = parse_bulk(call.body, call.path.get("index"))
    outcomes = run_bulk(store, operations)
    return call.respond(
        {
            "errors": any(outcome.failed for outcome in outcomes),
            "took": int((time.perf_counter() - began) * 1000),
            "items": [{operation.kind: outcome.item} for operation, outcome in zip(operations, outcomes, strict=True)],
        }
    )


def _index(store: Store, call: Call) -> Response:
    kind = call.query.get("op_type", "index")
    if kind not in {"index", "create"}:
        raise ApiError(400, "illegal_argument_exception", f"opType must be 'create' or 'index', found: [{kind}]")
    return _write(store, call, kind)


def _create(store: Store, call: Call) -> Response:
    return _write(store, call, "create")


def _update(store: Store, call: Call) -> Response:
    return _write(store, call, "update")


def _delete(store: Store, call: Call) -> Response:
    return _write(store, call, "delete")


def _write(store: Store, call: Call, kind: str) -> Response:
    call.allow(_HARMLESS | {"op_type", "retry_on_conflict"}, unsupported=_WRITE_MISSING)
    if kind != "delete":
        call.json(required=True)
    operation = Operation(kind, call.path["index"], call.path.get("id"), call.body.strip())
    (outcome,) = run_bulk(store, [operation])
    return _answer(call, outcome)


def _answer(call: Call, outcome: Outcome) -> Response:
    item = dict(outcome.item)
    status = item.pop("status")
    if outcome.failed:
        error = item["error"]
        root = {key: value for key, value in error.items() if key != "caused_by"}
        return call.respond({"error": {"root_cause": [root], **error}, "status": status}, status)
    return call.respond(item, status)


def _get(store: Store, call: Call) -> Response:
    call.allow(
        {"_source", "_source_includes", "_source_excludes", "realtime", "refresh", "preference", "routing"},
        unsupported={"stored_fields", "version", "version_type"},
    )
    with store.read() as reader:
        index = _single(reader.resolve(call.path["index"]), call.path["index"])
        found = reader.document(index, call.path["id"])
    if found is None:
        return call.respond({"_index": index.name, "_id": call.path["id"], "found": False}, 404)
    source, version, seq_no = found
    body = {
        "_index": index.name,
        "_id": call.path["id"],
        "_version": version,
        "_seq_no": seq_no,
        "_primary_term": 1,
        "found": True,
    }
    chosen = _chosen(call, source)
    return call.respond(body if chosen is None else {**body, "_source": chosen})


def _source(store: Store, call: Call) -> Response:
    call.allow({"_source", "_source_includes", "_source_excludes", "realtime", "refresh", "preference", "routing"})
    with store.read() as reader:
        index = _single(reader.resolve(call.path["index"]), call.path["index"])
        found = reader.document(index, call.path["id"])
    if found is None:
        raise ApiError(404, "resource_not_found_exception", f"Document not found [{index.name}]/[{call.path['id']}]")
    return call.respond(_chosen(call, found[0]) or {})


def _chosen(call: Call, source: bytes) -> Any:
    asked: Any = call.query.get("_source")
    asked = asked != "false" if asked in {None, "", "true", "false"} else asked.split(",")
    includes, excludes = call.query.get("_source_includes"), call.query.get("_source_excludes")
    if includes or excludes:
        asked = {"includes": (includes or "*").split(","), "excludes": (excludes or "").split(",")}
    chosen = source_filter(asked)
    return None if chosen is None else filter_source(orjson.loads(source), chosen)


def _single(indices: list[Any], name: str) -> Any:
    if len(indices) != 1:
        raise ApiError(
            400,
            "illegal_argument_exception",
            f"alias [{name}] has more than one index associated with it, can't execute a single index op",
        )
    return indices[0]
