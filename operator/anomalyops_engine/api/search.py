"""Search endpoints: `_search`, `_count`, `_delete_by_query`."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from anomalyops_engine.api.call import Call, endpoint
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.indices import resolved
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.jobs import MlError
from anomalyops_engine.jobs.units import duration_ms
from anomalyops_engine.query import count, delete_where, search
from anomalyops_engine.store import Store, WorkInterruptedError

_TIMED_OUT = "the search took longer than its timeout"
# Understood, and without effect on a single node.
_HARMLESS = {
    "allow_no_indices",
    "expand_wildcards",
    "ignore_throttled",
    "ignore_unavailable",
    "preference",
    "routing",
    "batched_reduce_size",
    "max_concurrent_shard_requests",
    "pre_filter_shard_size",
    "ccs_minimize_roundtrips",
    "allow_partial_search_results",
    "request_cache",
    "rest_total_hits_as_int",
    "search_type",
}
_SEARCH_MISSING = {
    "q",
    "df",
    "analyzer",
    "analyze_wildcard",
    "default_operator",
    "lenient",
    "scroll",
    "explain",
    "stats",
    "stored_fields",
    "suggest_field",
    "suggest_mode",
    "suggest_size",
    "suggest_text",
    "terminate_after",
    "track_scores",
    "force_synthetic_source",
}
_QUERY_TEXT = {"q", "df", "analyzer", "analyze_wildcard", "default_operator", "lenient", "terminate_after"}


def routes(store: Store) -> list[Route]:
    """Return the routes of this module."""

    def on(path: str, handler: Any, lane: Lane, *methods: str) -> Route:
        return Route(path, endpoint(partial(handler, store), lane), methods=list(methods))

    return [
        on("/_search", _search, Lane.SEARCH, "GET", "POST"),
        on("/{index}/_search", _search, Lane.SEARCH, "GET", "POST"),
        on("/_count", _count, Lane.SEARCH, "GET", "POST"),
        on("/{index}/_count", _count, Lane.SEARCH, "GET", "POST"),
        on("/{index}/_delete_by_query", _delete_by_query, Lane.WRITE, "POST"),
    ]


def _search(store: Store, call: Call) -> Response:
    call.allow(
        _HARMLESS
        | {"from", "size", "sort", "timeout", "typed_keys", "track_total_hits", "seq_no_primary_term", "version"}
        | {"_source", "_source_includes", "_source_excludes", "docvalue_fields"},
        unsupported=_SEARCH_MISSING,
    )
    began = time.perf_counter()
    body = _with_parameters(call, call.json())
    timeout_ms = _timeout_ms(body)
    try:
        with call.interruption.after(timeout_ms, _TIMED_OUT), store.read() as reader:
            result = search(
                reader,
                resolved(reader, call),
                body,
                typed_keys=call.flag("typed_keys", default=False),
                raw_sources="filter_path" not in call.query,
            )
    except WorkInterruptedError as error:
        if error.reason != _TIMED_OUT:
            raise
        result = _nothing_in_time(call)
    if call.flag("rest_total_hits_as_int", default=False) and "total" in result["hits"]:
        result["hits"]["total"] = result["hits"]["total"]["value"]
    took = int((time.perf_counter() - began) * 1000)
    return call.respond({"took": took, **result})


def _timeout_ms(body: dict[str, Any]) -> int | None:
    """Return the time that the search may take, None for any."""
    text = body.get("timeout")
    if text is None or str(text) == "-1":
        return None
    try:
        return duration_ms(str(text), "timeout")
    except MlError as error:
        raise ApiError(error.status, error.type, error.reason) from None


def _nothing_in_time(call: Call) -> dict[str, Any]:
    """Return the answer of a search whose time was over: what was found until then, which is nothing.

    Raises:
        ApiError: 504 where partial results are not wanted.
    """
    if not call.flag("allow_partial_search_results", default=True):
        raise ApiError(504, "search_phase_execution_exception", "Time exceeded")
    return {
        "timed_out": True,
        "_shards": _shards(1),
        "hits": {"total": {"value": 0, "relation": "gte"}, "max_score": None, "hits": []},
    }


def _with_parameters(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """Return the search body with what the query parameters say, which wins."""
    merged = dict(body)
    for name in ("from", "size"):
        if name in call.query:
            try:
                merged[name] = int(call.query[name])
            except ValueError:
                raise ApiError(
                    400,
                    "illegal_argument_exception",
                    f"Failed to parse int parameter [{name}] with value [{call.query[name]}]",
                ) from None
    if "sort" in call.query:
        pairs = [part.rpartition(":") for part in call.query["sort"].split(",")]
        merged["sort"] = [{name: order} if name else order for name, _, order in pairs]
    if "timeout" in call.query:
        merged["timeout"] = call.query["timeout"]
    for name in ("version", "seq_no_primary_term"):
        if name in call.query:
            merged[name] = call.flag(name, default=True)
    if "track_total_hits" in call.query:
        text = call.query["track_total_hits"]
        merged["track_total_hits"] = int(text) if text.isdigit() else call.flag("track_total_hits", default=True)
    if "docvalue_fields" in call.query:
        merged["docvalue_fields"] = call.query["docvalue_fields"].split(",")
    source = call.query.get("_source")
    if source is not None:
        merged["_source"] = source == "true" if source in {"true", "false"} else source.split(",")
    includes, excludes = call.query.get("_source_includes"), call.query.get("_source_excludes")
    if includes or excludes:
        merged["_source"] = {
            "includes": includes.split(",") if includes else [],
            "excludes": excludes.split(",") if excludes else [],
        }
    return merged


def _count(store: Store, call: Call) -> Response:
    call.allow(_HARMLESS, unsupported=_QUERY_TEXT | {"min_score"})
    body = call.json()
    for key in body:
        if key != "query":
            raise ApiError(400, "parsing_exception", f"request does not support [{key}]")
    with store.read() as reader:
        indices = resolved(reader, call)
        found = count(reader, indices, body.get("query"))
    return call.respond({"count": found, "_shards": _shards(len(indices))})


def _delete_by_query(store: Store, call: Call) -> Response:
    call.allow(
        _HARMLESS
        | {"refresh", "timeout", "conflicts", "wait_for_active_shards", "wait_for_completion", "slices"}
        | {"scroll_size", "requests_per_second", "scroll", "search_timeout"},
        unsupported=_QUERY_TEXT | {"max_docs", "from", "sort"},
    )
    if not call.flag("wait_for_completion", default=True):
        raise ApiError(501, "not_implemented_exception", "[wait_for_completion=false] is not supported by this engine")
    body = call.json(required=True)
    for key in body:
        if key != "query":
            raise ApiError(400, "parsing_exception", f"request does not support [{key}]")
    if "query" not in body:
        raise ApiError(400, "action_request_validation_exception", "Validation Failed: 1: query is missing;")
    began = time.perf_counter()
    with store.write() as writer:
        names = [index.name for index in resolved(writer, call)]
        deleted = sum(delete_where(writer, name, body["query"]) for name in names)
    return call.respond(
        {
            "took": int((time.perf_counter() - began) * 1000),
            "timed_out": False,
            "total": deleted,
            "deleted": deleted,
            "batches": 1,
            "version_conflicts": 0,
            "noops": 0,
            "retries": {"bulk": 0, "search": 0},
            "throttled_millis": 0,
            "requests_per_second": -1.0,
            "throttled_until_millis": 0,
            "failures": [],
        }
    )


def _shards(count: int) -> dict[str, int]:
    return {"total": count, "successful": count, "skipped": 0, "failed": 0}
