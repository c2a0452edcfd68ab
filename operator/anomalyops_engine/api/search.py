"""Search endpoints: `_search`, `_count`, `_delete_by_query`."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from starlette.responses import Response

from anomalyops_engine.api.activity import Activity, uuids_of
from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError, not_supported, validation_failed
from anomalyops_engine.api.index_templates import warn
from anomalyops_engine.api.indices import readable
from anomalyops_engine.api.json_text import MalformedJsonError
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import TARGETS, known
from anomalyops_engine.api.query_text import QUERY_TEXT, query_in_address
from anomalyops_engine.api.scroll import begin_scroll, search_at_point
from anomalyops_engine.api.search_contexts import SearchContexts
from anomalyops_engine.api.search_time import in_time
from anomalyops_engine.config.units import DAY_MS, duration_ms
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query import counted, delete_matching, search
from anomalyops_engine.store import Store

_IDLE = (
    "batched_reduce_size",
    "ccs_minimize_roundtrips",
    "ignore_throttled",
    "max_concurrent_shard_requests",
    "pre_filter_shard_size",
    "preference",
    "request_cache",
    "routing",
    "search_type",
)
_SEARCH_READ = (
    *QUERY_TEXT,
    "_source",
    "_source_excludes",
    "_source_includes",
    "allow_partial_search_results",
    "docvalue_fields",
    "from",
    "rest_total_hits_as_int",
    "scroll",
    "seq_no_primary_term",
    "size",
    "sort",
    "stats",
    "timeout",
    "stored_fields",
    "track_scores",
    "track_total_hits",
    "typed_keys",
    "version",
)
_UNREAD = ("analyzer", "terminate_after")
_SEARCH_MISSING = (
    *_UNREAD,
    "explain",
    "force_synthetic_source",
    "include_named_queries_score",
    "min_compatible_shard_node",
    "suggest_field",
    "suggest_mode",
    "suggest_size",
    "suggest_text",
)
_SEARCH = known([*TARGETS, *_SEARCH_READ], idle=_IDLE, missing=_SEARCH_MISSING)
_ASYNC = known(
    [*TARGETS, *(name for name in _SEARCH_READ if name != "scroll"), "keep_alive", "keep_on_completion"],
    idle=(*_IDLE, "wait_for_completion_timeout"),
    missing=(*_SEARCH_MISSING, "scroll"),
)
_ASYNC_LOOK = known(idle=("keep_alive", "typed_keys", "wait_for_completion_timeout"))
_KEPT_MS = 5 * DAY_MS
_COUNT = known(
    [*TARGETS, *QUERY_TEXT], idle=("ignore_throttled", "preference", "routing"), missing=(*_UNREAD, "min_score")
)
_DELETE_BY_QUERY = known(
    [*TARGETS, *QUERY_TEXT, "wait_for_completion"],
    idle=(
        *("conflicts", "preference", "refresh", "request_cache", "requests_per_second", "routing", "scroll"),
        *("scroll_size", "search_timeout", "search_type", "slices", "timeout", "wait_for_active_shards"),
    ),
    missing=(*_UNREAD, "from", "max_docs", "sort", "stats", "version"),
)


def endpoints(store: Store, contexts: SearchContexts, activity: Activity) -> list[Endpoint]:
    """Return the endpoints of this module."""
    search_in, count_in = partial(_search, store, contexts, activity), partial(_count, store)
    return [
        Endpoint("GET POST", "/_search", Lane.SEARCH, search_in, _SEARCH),
        Endpoint("GET POST", "/{index}/_search", Lane.SEARCH, search_in, _SEARCH),
        Endpoint("POST", "/_async_search", Lane.SEARCH, partial(_async_search, store, contexts, activity), _ASYNC),
        Endpoint(
            "POST", "/{index}/_async_search", Lane.SEARCH, partial(_async_search, store, contexts, activity), _ASYNC
        ),
        Endpoint("GET DELETE", "/_async_search/{id}", Lane.STATE, _no_async_search, _ASYNC_LOOK),
        Endpoint("GET", "/_async_search/status/{id}", Lane.STATE, _no_async_search, _ASYNC_LOOK),
        Endpoint("GET POST", "/_count", Lane.SEARCH, count_in, _COUNT),
        Endpoint("GET POST", "/{index}/_count", Lane.SEARCH, count_in, _COUNT),
        Endpoint("POST", "/{index}/_delete_by_query", Lane.WRITE, partial(_delete_by_query, store), _DELETE_BY_QUERY),
    ]


def _search(store: Store, contexts: SearchContexts, activity: Activity, call: Call) -> Response:
    return call.respond(answer(store, contexts, activity, call))


def answer(store: Store, contexts: SearchContexts, activity: Activity, call: Call) -> dict[str, Any]:
    """Return the answer of a search.

    Args:
        store: where to search.
        contexts: those of points in time and scrolls.
        activity: where it is counted.
        call: the request.

    Raises:
        ApiError: the search is refused, or its time is over and partial results are not wanted.
        QueryError: it is malformed, or something that this engine lacks.
    """
    began = time.perf_counter()
    body, parameters = call.json(), _parameters(call)
    if "sort" in parameters and body.get("sort"):
        # The address adds criteria to those of the body.
        first = body["sort"]
        parameters["sort"] = [*(first if isinstance(first, list) else [first]), *parameters["sort"]]

    def find() -> JsonObject:
        found, indices = _found(store, contexts, call, body, parameters)
        groups = parameters.get("stats", body.get("stats", ()))
        took_s = time.perf_counter() - began
        activity.searched(indices, found, took_s, groups=groups, scroll="scroll" in call.query)
        return found

    def find_first(writes: int) -> JsonObject:
        with store.read() as reader:
            indices = readable(reader, call)
            return search(reader, indices, body, parameters=parameters, first=writes, **_options(call))

    wanted = call.query.get("allow_partial_search_results")
    # What a scroll or a point in time begins with is where the next part goes on.
    alone = "scroll" not in call.query and "pit" not in body
    result = in_time(call, {**body, **parameters}, wanted, find, find_first if alone else None)
    took = int((time.perf_counter() - began) * 1000)
    return {"took": took, **result}


def _found(
    store: Store, contexts: SearchContexts, call: Call, body: dict[str, Any], parameters: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the answer of a search (of now, of a point in time, or the first part of a scroll) and where it was."""
    options = _options(call)
    if isinstance(body.get("indices_boost"), dict):
        warn(call, "Object format in indices_boost is deprecated, please use array format instead")
    if "scroll" in call.query:
        return begin_scroll(contexts, call, {**body, **parameters}, options)
    if "pit" in body:
        return search_at_point(contexts, call, body, {**options, "parameters": parameters})
    with store.read() as reader:
        indices = readable(reader, call)
        return search(reader, indices, body, parameters=parameters, **options), uuids_of(indices)


def _options(call: Call) -> dict[str, Any]:
    return {
        "typed_keys": call.flag("typed_keys", default=False),
        "totals_as_numbers": call.flag("rest_total_hits_as_int", default=False),
        "raw_sources": "filter_path" not in call.query,
        "ignore_unavailable": call.flag("ignore_unavailable", default=False),
    }


def _async_search(store: Store, contexts: SearchContexts, activity: Activity, call: Call) -> Response:
    """Answer a search that may be waited for elsewhere: here it always ends before the answer, so nothing is kept."""
    if call.flag("keep_on_completion", default=False):
        raise not_supported(
            "[keep_on_completion=true] is not supported by this engine: searches end with their request"
        )
    start_ms = time.time_ns() // 1_000_000
    found = answer(store, contexts, activity, call)
    kept_ms = duration_ms(call.query["keep_alive"], "keep_alive") if "keep_alive" in call.query else _KEPT_MS
    return call.respond(
        {
            "is_partial": bool(found["timed_out"]),
            "is_running": False,
            "start_time_in_millis": start_ms,
            "expiration_time_in_millis": start_ms + kept_ms,
            "completion_time_in_millis": time.time_ns() // 1_000_000,
            "response": found,
        }
    )


def _no_async_search(call: Call) -> Response:
    raise ApiError(404, "resource_not_found_exception", call.path["id"])


def _parameters(call: Call) -> dict[str, Any]:
    """Return what the query parameters say, as a search body says it."""
    merged: dict[str, Any] = {}
    written = query_in_address(call)
    if written is not None:
        merged["query"] = written
    for name in ("from", "size", "track_total_hits"):
        if name in call.query:
            merged[name] = call.query[name]
    if call.query.get("sort"):
        pairs = [part.rpartition(":") for part in call.query["sort"].split(",")]
        merged["sort"] = [{name: order} if name else order for name, _, order in pairs]
    if "timeout" in call.query:
        merged["timeout"] = call.query["timeout"]
    for name in ("version", "seq_no_primary_term", "track_scores"):
        if name in call.query:
            merged[name] = call.flag(name, default=True)
    for name in ("stats", "docvalue_fields", "stored_fields"):
        if call.query.get(name):
            merged[name] = call.query[name].split(",")
    source = call.query.get("_source")
    if source:
        merged["_source"] = source == "true" if source in {"true", "false"} else source.split(",")
    includes, excludes = call.query.get("_source_includes"), call.query.get("_source_excludes")
    if includes or excludes:
        merged["_source"] = {
            "includes": includes.split(",") if includes else [],
            "excludes": excludes.split(",") if excludes else [],
        }
    return merged


def _count(store: Store, call: Call) -> Response:
    try:
        body = call.json()
    except MalformedJsonError as error:
        cause = {"type": error.type, "reason": error.reason}
        raise ApiError(400, "parsing_exception", "Failed to parse", cause) from None
    for key in body:
        if key != "query":
            raise ApiError(400, "parsing_exception", f"request does not support [{key}]")
    query = query_in_address(call) or body.get("query", {"match_all": {}})
    with store.read() as reader:
        return call.respond(counted(reader, readable(reader, call), query))


def _delete_by_query(store: Store, call: Call) -> Response:
    if not call.flag("wait_for_completion", default=True):
        raise ApiError(501, "not_implemented_exception", "[wait_for_completion=false] is not supported by this engine")
    written = query_in_address(call)
    body = call.json(required=written is None)
    for key in body:
        if key != "query":
            raise ApiError(400, "parsing_exception", f"request does not support [{key}]")
    query = written or body.get("query")
    if query is None:
        raise validation_failed(["query is missing"])
    began = time.perf_counter()
    with store.write() as writer:
        deleted = delete_matching(writer, readable(writer, call), query)
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
