"""ES|QL: `_query`, and `_query/async` as far as it ends with its request."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError, not_supported, validation_failed
from anomalyops_engine.api.esql_tables import answer_format, table
from anomalyops_engine.api.info import BUILD_DATE, BUILD_HASH, DIALECT_VERSION
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import Known, known, one_of
from anomalyops_engine.query.dsl import parse_query
from anomalyops_engine.query.esql.answer import Answer, answer
from anomalyops_engine.query.esql.parameters import read_parameters
from anomalyops_engine.query.esql.planning import Surroundings
from anomalyops_engine.store import Index, IndexNotFoundError, Reader, Store
from anomalyops_engine.store.blocks import check_open

_FORMATS = one_of("json", "csv", "tsv", "txt", "yaml", "cbor", "smile", "arrow")
_READ = ("drop_null_columns", "format", "delimiter")
_WAITS = ("wait_for_completion_timeout", "keep_alive")
_SERVED = frozenset({"query", "params", "columnar", "filter"})
# Where they ask for nothing that is not done anyway.
_DEFAULTS: Mapping[str, Sequence[Any]] = {
    "allow_partial_results": (True, False),
    "include_ccs_metadata": (False,),
    "include_execution_metadata": (False,),
    "locale": ("en", "en-US", "en_US"),
    "profile": (False,),
    "tables": ({},),
    "time_zone": ("Z", "UTC"),
}


def endpoints(store: Store) -> list[Endpoint]:
    """Return the endpoints of this module."""
    read = partial(_query, store)
    looked = known(["drop_null_columns"], idle=_WAITS)
    return [
        Endpoint("POST", "/_query", Lane.SEARCH, read, _known(*_READ, idle=("allow_partial_results",))),
        Endpoint(
            "POST",
            "/_query/async",
            Lane.SEARCH,
            partial(_async_query, store),
            _known(*_READ, "keep_on_completion", idle=("allow_partial_results", *_WAITS)),
        ),
        Endpoint("GET DELETE", "/_query/async/{id}", Lane.STATE, _no_query, looked),
        Endpoint("POST", "/_query/async/{id}/stop", Lane.STATE, _no_query, looked),
    ]


def _known(*read: str, idle: Sequence[str]) -> Known:
    return known(read, idle=idle, readers={"format": _FORMATS})


def _query(store: Store, call: Call) -> Response:
    began = time.perf_counter()
    body = call.json(required=True)
    return _respond(store, call, body, began, {})


def _async_query(store: Store, call: Call) -> Response:
    """Answer a query that may be waited for elsewhere: here it always ends before the answer, so nothing is kept."""
    began = time.perf_counter()
    body = dict(call.json(required=True))
    for name in _WAITS:
        body.pop(name, None)
    if body.pop("keep_on_completion", False) or call.flag("keep_on_completion", default=False):
        raise not_supported("[keep_on_completion=true] is not supported by this engine: queries end with their request")
    return _respond(store, call, body, began, {"is_running": False})


def _no_query(call: Call) -> Response:
    raise ApiError(404, "resource_not_found_exception", call.path["id"])


def _respond(store: Store, call: Call, body: dict[str, Any], began: float, first: dict[str, Any]) -> Response:
    _check_body(body)
    form = answer_format(call)
    columnar = body.get("columnar", False)
    if columnar and form != "json":
        raise ApiError(
            400,
            "illegal_argument_exception",
            f"Invalid use of [columnar] argument: cannot be used in combination with [{form}] formats",
        )
    with store.read() as reader:
        found = answer(
            reader.connection, body["query"], read_parameters(body.get("params")), _surroundings(reader, body)
        )
    call.request.scope["anomalyops.warnings"] = found.warnings
    if form != "json":
        return table(call, found, form)
    took = int((time.perf_counter() - began) * 1000)
    dropped = call.flag("drop_null_columns", default=False)
    return call.respond({**first, "took": took, "is_partial": False, **_rendered(found, columnar, dropped)})


def _surroundings(reader: Reader, body: dict[str, Any]) -> Surroundings:
    def resolve(expression: str) -> list[Index] | None:
        try:
            indices = reader.resolve(expression)
        except IndexNotFoundError:
            return None
        check_open(indices, "read")
        return indices or None

    clause = parse_query(body["filter"]) if body.get("filter") is not None else None
    server = (DIALECT_VERSION, BUILD_DATE, BUILD_HASH)
    return Surroundings(resolve, clause, time.time_ns() // 1_000_000, server)


def _check_body(body: dict[str, Any]) -> None:
    """Check the parts of a request beside its statement.

    Raises:
        ApiError: 400 for what is malformed, 501 for what this engine lacks.
    """
    for name, value in body.items():
        if name in _DEFAULTS:
            if value is not None and value not in _DEFAULTS[name]:
                raise not_supported(f"[{name}] is not supported by this engine")
        elif name not in _SERVED:
            raise ApiError(400, "x_content_parse_exception", f"[esql/query] unknown field [{name}]")
    query = body.get("query")
    if query is not None and not isinstance(query, str):
        raise ApiError(400, "x_content_parse_exception", "[esql/query] query doesn't support values of this type")
    if not query:
        raise validation_failed(["[query] is required"])
    if not isinstance(body.get("columnar", False), bool):
        raise ApiError(400, "x_content_parse_exception", "[esql/query] failed to parse field [columnar]")


def _rendered(found: Answer, columnar: bool, dropped: bool) -> dict[str, Any]:  # noqa: FBT001
    columns = [{"name": name, "type": kind} for name, kind in found.columns]
    rows: list[list[Any]] = found.rows
    if not dropped:
        return {"columns": columns, "values": _turned(rows, len(columns)) if columnar else rows}
    kept = [place for place in range(len(columns)) if any(row[place] is not None for row in rows)]
    some = [[row[place] for place in kept] for row in rows]
    return {
        "all_columns": columns,
        "columns": [columns[place] for place in kept],
        "values": _turned(some, len(kept)) if columnar else some,
    }


def _turned(rows: list[list[Any]], width: int) -> list[list[Any]]:
    return [[row[place] for row in rows] for place in range(width)]
