"""What of an answer is held against the other's: everything but what two servers cannot have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from judge.cases import Answer, Request

_GENERATED_ID = re.compile(r"[A-Za-z0-9_-]{20,22}")
# Of one server and one run, by where they stand in an answer.
_OWN_TOP = {"took", "_scroll_id", "pit_id", "cluster_name", "timed_out_nodes"}
_OWN_SETTINGS = {"uuid", "creation_date", "version", "provided_name", "creation_date_string", "routing"}
_COUNTERS = {"_seq_no", "_primary_term"}
# Set by a later layer than the parsers, or by the version.
_OWN_ML = {"create_time", "job_version", "job_type", "model_snapshot_id", "authorization"}


def view(request: Request, answer: Answer) -> dict[str, Any]:
    """Return what of an answer counts.

    Args:
        request: what was asked; it says whether hits have an order.
        answer: what was said.

    Returns:
        `status`, and `error` (type and type of the root cause) or `body`.
    """
    body = answer.body
    if answer.status >= 400 and isinstance(body, dict) and "error" in body:
        return {"status": answer.status, "error": error_types(body["error"])}
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in _OWN_TOP}
        if body.get("terminated_early") is False:  # shown when hits are counted exactly, and means nothing
            del body["terminated_early"]
        if request.path.startswith("/_ml/"):
            body = _without(body, _OWN_ML | ({"query_delay"} if _delay_is_drawn(request) else set()))
        elif "hits" in body and isinstance(body["hits"], dict):
            body["hits"] = _hits(request, body["hits"])
        if isinstance(body.get("_shards"), dict):
            of_copies = set(body) == {"_shards"}
            body["_shards"] = _without(body["_shards"], {"skipped"} | ({"total", "successful"} if of_copies else set()))
        body = _everywhere(body, _common)
    return {"status": answer.status, "body": body}


def _delay_is_drawn(request: Request) -> bool:
    """Return whether a datafeed's query delay is left to chance."""
    return request.method == "PUT" and not (isinstance(request.body, dict) and request.body.get("query_delay"))


def error_types(error: Any) -> list[str]:
    """Return the type of an error and of its root cause."""
    if not isinstance(error, dict):
        return ["text"]
    roots = error.get("root_cause") or [{}]
    return [str(error.get("type")), str(roots[0].get("type"))]


def error_reason(body: Any) -> str:
    """Return the deepest reason that an error gives."""
    error = body.get("error") if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return str(error)
    failed = error.get("failed_shards") or []
    deepest = failed[0].get("reason", error) if failed else error
    while isinstance(deepest.get("caused_by"), dict) and deepest["caused_by"].get("reason"):
        deepest = deepest["caused_by"]
    return str(deepest.get("reason"))


def scores(answer: Answer) -> list[tuple[str, Any]]:
    """Return the relevance of every hit."""
    hits = answer.body.get("hits") if isinstance(answer.body, dict) else None
    found = hits.get("hits", []) if isinstance(hits, dict) else []
    return sorted((str(hit.get("_id")), hit.get("_score")) for hit in found)


def _without(body: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


def _everywhere(value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """Return a JSON value with every object but documents changed."""
    if isinstance(value, list):
        return [_everywhere(item, change) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: item if name == "_source" else _everywhere(item, change) for name, item in value.items()}
    return change(kept)


def _common(found: dict[str, Any]) -> dict[str, Any]:
    """Return an object without what is of one server alone."""
    if found.keys() >= {"shard", "node", "reason"} and isinstance(found["node"], str):  # where a failure was
        found["node"] = "<node>"
    if isinstance(found.get("index_uuid"), str) and found["index_uuid"] != "_na_":
        found["index_uuid"] = "<uuid>"
    if "uuid" in found and "creation_date" in found:
        found = _without(found, _OWN_SETTINGS)
    if found.get("type") == "date" and found.get("locale") == "":  # shown of dynamic fields alone, and means nothing
        found = _without(found, {"locale"})
    for name in _COUNTERS & found.keys():
        found[name] = "<number>"
    if "result" in found and "_shards" in found:  # how many copies there are is of one server
        found["_shards"] = {"failed": found["_shards"].get("failed")}
    if isinstance(found.get("_id"), str) and _GENERATED_ID.fullmatch(found["_id"]):
        found["_id"] = "<generated>"
    if "status" in found and isinstance(found.get("error"), dict):  # an item of a bulk
        found["error"] = error_types(found["error"])
    return found


def _hits(request: Request, hits: dict[str, Any]) -> dict[str, Any]:
    """Return hits with only the order that was asked for, and without relevance, which is compared apart."""
    body = request.body if isinstance(request.body, dict) else {}
    found = [_scored(hit) for hit in hits.get("hits", [])]
    if "_score" in str(body.get("sort", "")):
        found = [{**hit, "sort": [*map(_rounded, hit["sort"])]} if "sort" in hit else hit for hit in found]
    size = body.get("size", 10)
    total = hits.get("total", {}).get("value") if isinstance(hits.get("total"), dict) else None
    cut = isinstance(size, int) and len(found) >= size and (total is None or total > len(found))
    if all("sort" in hit for hit in found) and found:
        begins_within = bool(body.get("from")) or "search_after" in body
        groups = _groups(found)
        for number, group in enumerate(groups):
            if (number == 0 and begins_within) or (number == len(groups) - 1 and cut):
                group[:] = [{"sort": hit["sort"]} for hit in group]
        found = [hit for group in groups for hit in group]
    elif cut:
        found = [{"_index": hit.get("_index")} for hit in found]
    else:
        found.sort(key=_identity)
    rest = {name: _scored_value(value) if name == "max_score" else value for name, value in hits.items()}
    return {**rest, "hits": found}


def _rounded(value: Any) -> Any:
    """Return a score without the last digit of single precision, which the order of a sum decides."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _groups(hits: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return hits in groups of equal sort values: nothing says in which order those are."""
    groups: list[list[dict[str, Any]]] = []
    for hit in hits:
        if groups and groups[-1][0]["sort"] == hit["sort"]:
            groups[-1].append(hit)
        else:
            groups.append([hit])
    for group in groups:
        group.sort(key=_identity)
    return groups


def _identity(hit: dict[str, Any]) -> tuple[str, ...]:
    identifier = str(hit.get("_id"))
    known = "" if _GENERATED_ID.fullmatch(identifier) else identifier
    return str(hit.get("_index")), known, str(hit.get("_source"))


def _scored(hit: dict[str, Any]) -> dict[str, Any]:
    return {name: _scored_value(value) if name == "_score" else value for name, value in hit.items()}


def _scored_value(score: Any) -> Any:
    return score if score is None else "<score>"
