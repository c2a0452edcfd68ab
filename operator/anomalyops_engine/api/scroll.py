"""Searches in parts: points in time (`_pit`) and scrolls."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from anomalyops_engine.api.activity import Activity, uuids_of
from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError, validation_failed
from anomalyops_engine.api.indices import readable
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import TARGETS, known
from anomalyops_engine.api.search_contexts import Context, SearchContexts
from anomalyops_engine.config.units import duration_ms
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query import IllegalQueryError, SearchPhaseError, search
from anomalyops_engine.query.errors import ShardFailure
from anomalyops_engine.query.limits import limit_of
from anomalyops_engine.store import Index, Reader

_TIEBREAK: Final = "_shard_doc"
_IDLE: Final = ("preference", "routing", "allow_partial_search_results", "max_concurrent_shard_requests")


def endpoints(contexts: SearchContexts, activity: Activity) -> list[Endpoint]:
    """Return the endpoints of this module."""
    opening = known([*TARGETS, "keep_alive"], idle=_IDLE)
    going_on = known(["rest_total_hits_as_int", "scroll", "scroll_id"])
    clearing = known(["scroll_id"])

    def on(methods: str, path: str, handler: Any, parameters: Any) -> Endpoint:
        return Endpoint(methods, path, Lane.SEARCH, partial(handler, contexts), parameters)

    return [
        on("POST", "/{index}/_pit", _open_point, opening),
        on("DELETE", "/_pit", _close_points, known()),
        on("GET POST", "/_search/scroll", partial(_scroll, activity), going_on),
        on("GET POST", "/_search/scroll/{scroll_id}", partial(_scroll, activity), going_on),
        on("DELETE", "/_search/scroll", _clear, clearing),
        on("DELETE", "/_search/scroll/{scroll_id}", _clear, clearing),
    ]


# --- points in time ---


def _open_point(contexts: SearchContexts, call: Call) -> Response:
    if "keep_alive" not in call.query:
        raise validation_failed(["[keep_alive] is not specified"])
    if call.json():
        raise ApiError(501, "not_implemented_exception", "a body of _pit is not supported by this engine")
    kept_ms = duration_ms(call.query["keep_alive"], "keep_alive")
    name, context = contexts.open("pit", kept_ms, lambda reader: readable(reader, call))
    return call.respond({"id": name, "_shards": _shards(len(context.indices))})


def _close_points(contexts: SearchContexts, call: Call) -> Response:
    body = call.json(required=True)
    if set(body) != {"id"} or not isinstance(body["id"], str):
        raise ApiError(400, "parse_exception", "[id] is required, as a text, and nothing else is known")
    freed = contexts.free("pit", [body["id"]])
    return call.respond({"succeeded": True, "num_freed": freed}, 200 if freed else 404)


def search_at_point(
    contexts: SearchContexts, call: Call, body: JsonObject, options: dict[str, Any]
) -> tuple[JsonObject, dict[str, str]]:
    """Return the answer of a search whose body names a point in time, and where it was.

    Args:
        contexts: the points.
        call: the request.
        body: its body.
        options: further arguments of `query.search`.

    Raises:
        ApiError: 400 for a point that is none, or indices beside it; 404 for one that is over.
    """
    point = body["pit"]
    if not isinstance(point, dict) or set(point) - {"id", "keep_alive"} or not isinstance(point.get("id"), str):
        raise ApiError(400, "parsing_exception", "[pit] must be an object of [id] and perhaps [keep_alive]")
    if "index" in call.path:
        reason = "[indices] cannot be used with point in time. Do not specify any index with point in time."
        raise validation_failed([reason])
    given = {name for name in TARGETS if name in call.query}
    if given:
        raise validation_failed([f"[{sorted(given)[0]}] cannot be used with point in time"])
    kept_ms = duration_ms(str(point["keep_alive"]), "keep_alive") if "keep_alive" in point else None
    rest = {key: value for key, value in body.items() if key != "pit"}
    if rest.get("sort"):
        rest["sort"] = _with_tiebreak(rest["sort"])
    with contexts.use("pit", point["id"], kept_ms) as (context, reader):
        found = search(reader, context.indices, rest, goes_on="pit", **options)
        return {"pit_id": point["id"], **found}, uuids_of(context.indices)


def _with_tiebreak(sort: Any) -> list[Any]:
    """Return sort criteria with one behind them that no two documents share."""
    criteria = list(sort) if isinstance(sort, list) else [sort]
    names = [name for each in criteria for name in (each if isinstance(each, dict) else [each])]
    return criteria if _TIEBREAK in names else [*criteria, {_TIEBREAK: "asc"}]


# --- scrolls ---


def begin_scroll(
    contexts: SearchContexts, call: Call, body: JsonObject, options: dict[str, Any]
) -> tuple[JsonObject, dict[str, str]]:
    """Return the first part of a search that goes on by `_search/scroll`, and where it is.

    Args:
        contexts: where it is kept.
        call: the request.
        body: its body, with what its address says.
        options: further arguments of `query.search`.

    Raises:
        ApiError: 400 for what does not go with a scroll.
    """
    _check_scroll(body, cached=call.flag("request_cache", default=False))
    kept_ms = duration_ms(call.query["scroll"], "scroll")
    asked = body.get("sort") or []
    with_sort = asked not in ("_score", ["_score"], [])
    given = asked if isinstance(asked, list) else [asked]
    criteria = _with_tiebreak(given if with_sort else [{"_score": "desc"}])
    whole: JsonObject = {**body, "sort": criteria, "track_total_hits": True}
    if not with_sort:
        whole["track_scores"] = True
    name, context = contexts.open("scroll", kept_ms, lambda reader: readable(reader, call))
    context.body, context.hidden = whole, len(criteria) if not with_sort else len(criteria) - len(given)
    try:
        _check_batch(context.indices, body)
        with contexts.use("scroll", name, None) as (_, reader):
            return {"_scroll_id": name, **_part(context, reader, whole, options)}, uuids_of(context.indices)
    except BaseException:
        contexts.free("scroll", [name])
        raise


def _check_scroll(body: JsonObject, *, cached: bool) -> None:
    failures = ["[request_cache] cannot be used in a scroll context"] if cached else []
    if body.get("track_total_hits") in {False, "false"}:
        failures.append("disabling [track_total_hits] is not allowed in a scroll context")
    if body.get("from") not in {None, 0, "0"}:
        failures.append("using [from] is not allowed in a scroll context")
    if body.get("size") in {0, "0"}:
        failures.append("[size] cannot be [0] in a scroll context")
    if "search_after" in body:
        failures.append("[search_after] cannot be used in a scroll context")
    if body.get("collapse") is not None:
        failures.append("cannot use `collapse` in a scroll context")
    if "pit" in body:
        failures.append("using [point in time] is not allowed in a scroll context")
    if failures:
        raise validation_failed(failures)


def _check_batch(indices: Sequence[Index], body: JsonObject) -> None:
    """Check that no index is asked for more hits at once than it gives.

    Raises:
        SearchPhaseError: one is.
    """
    size = str(body.get("size", 10))
    failures = []
    for index in indices:
        limit = limit_of(index, "max_result_window")
        if size.isdecimal() and int(size) > limit:
            error = IllegalQueryError(
                f"Batch size is too large, size must be less than or equal to: [{limit}] but was [{size}]. Scroll "
                "batch sizes cost as much memory as result windows so they are controlled by the "
                "[index.max_result_window] index level setting."
            )
            failures.append(ShardFailure(index.name, index.uuid, error))
    if failures and len(failures) == len(indices):
        raise SearchPhaseError(failures)


def _scroll(activity: Activity, contexts: SearchContexts, call: Call) -> Response:
    began = time.perf_counter()
    body = call.json()
    for key in body:
        if key not in {"scroll", "scroll_id"}:
            raise ApiError(400, "illegal_argument_exception", f"Unknown parameter [{key}] in request body")
    name = body.get("scroll_id", call.path.get("scroll_id", call.query.get("scroll_id")))
    if not isinstance(name, str) or not name:
        raise validation_failed(["scrollId is missing"])
    kept = body.get("scroll", call.query.get("scroll"))
    kept_ms = None if kept is None else duration_ms(str(kept), "scroll")
    numbers = call.flag("rest_total_hits_as_int", default=False)
    with contexts.use("scroll", name, kept_ms) as (context, reader):
        rest = {key: value for key, value in context.body.items() if key not in {"aggs", "aggregations"}}
        if context.after is not None:
            rest["search_after"] = context.after
        answer = _part(context, reader, rest, {"totals_as_numbers": numbers})
        where = uuids_of(context.indices)
    seconds = time.perf_counter() - began
    activity.searched(where, answer, seconds, groups=context.body.get("stats", ()), scroll=True)
    took = int(seconds * 1000)
    return call.respond({"_scroll_id": name, "took": took, **answer})


def _part(context: Context, reader: Reader, body: JsonObject, options: dict[str, Any]) -> JsonObject:
    """Return the next hits, and remember where they end."""
    answer = search(reader, context.indices, body, goes_on="scroll", **options)
    hits = answer["hits"]["hits"]
    if hits:
        context.after = list(hits[-1]["sort"])
    for hit in hits:
        values = hit.pop("sort")
        if len(values) > context.hidden:
            hit["sort"] = values[: len(values) - context.hidden]
    return answer


def _clear(contexts: SearchContexts, call: Call) -> Response:
    given = call.json().get("scroll_id", call.path.get("scroll_id", call.query.get("scroll_id")))
    names = list(_names(given))
    if not names:
        raise validation_failed(["no scroll ids specified"])
    freed = contexts.free("scroll", None if names == ["_all"] else names)
    return call.respond({"succeeded": True, "num_freed": freed}, 200 if freed or names == ["_all"] else 404)


def _names(given: Any) -> Iterable[str]:
    for part in given if isinstance(given, list) else [given]:
        if part is None:
            continue
        if not isinstance(part, str):
            raise ApiError(400, "illegal_argument_exception", f"scroll_id must be texts, got [{part}]")
        yield from filter(None, part.split(","))


def _shards(count: int) -> dict[str, int]:
    return {"total": count, "successful": count, "skipped": 0, "failed": 0}
