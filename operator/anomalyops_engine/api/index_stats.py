"""`_stats`: what indices hold, and what was asked of them since the server began.

What one process with one file has not (segments, merges, refreshes, caches in memory, a log of its own for each index)
is there with the number 0, as on a node where it did not happen.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from anomalyops_engine.api.activity import Activity, Count, IndexActivity
from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.indices import resolved
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import TARGETS, known, one_of
from anomalyops_engine.api.search_contexts import SearchContexts
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query import counted
from anomalyops_engine.store import EVERYTHING, Index, Reader, Store
from anomalyops_engine.store.patterns import matches_any

# A moment, of which there was none.
_NEVER: Final = "max_unsafe_auto_id_timestamp"
# What Elasticsearch reckons that a mapped field takes.
_BYTES_OF_FIELD: Final = 1024


@dataclass(frozen=True, slots=True)
class _Subject:
    """An index whose figures are wanted.

    Attributes:
        fields: how many fields it maps.
        contexts: how many searches go on in it.
        documents: how many it has.
        size: its bytes.
        activity: what was asked of it.
        groups: patterns of the groups of searches that are shown.
    """

    fields: int
    contexts: int
    documents: int
    size: int
    activity: IndexActivity
    groups: tuple[str, ...]


class IndexStats:
    """The endpoints, over what is counted."""

    def __init__(self, store: Store, contexts: SearchContexts, activity: Activity) -> None:
        self._store, self._contexts, self._activity = store, contexts, activity

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints of this module."""
        parameters = known(
            [*TARGETS, "forbid_closed_indices", "groups", "level"],
            # Of which fields to tell what is in memory for them, and of which files of segments: there is nothing.
            idle=(
                *("completion_fields", "fielddata_fields", "fields"),
                *("include_segment_file_sizes", "include_unloaded_segments"),
            ),
            readers={"level": one_of("cluster", "indices", "shards")},
        )
        paths = ("/_stats", "/_stats/{metrics}", "/{index}/_stats", "/{index}/_stats/{metrics}")
        return [Endpoint("GET", path, Lane.SEARCH, self._stats, parameters) for path in paths]

    def _stats(self, call: Call) -> Response:
        metrics = _metrics(call.path.get("metrics", "_all"), call.request.url.path)
        level = call.query.get("level", "indices").lower()
        closed_too = not call.flag("forbid_closed_indices", default=True)
        groups = tuple(filter(None, call.query.get("groups", "").split(",")))
        with self._store.read() as reader:
            indices = resolved(reader, call, closed_too=closed_too)
            there = reader.resolve("*", wildcards=EVERYTHING, closed_too=True)
            self._activity.forget({index.uuid for index in there})
            found = {index.name: self._measured(reader, index, metrics, groups) for index in indices}
        total = _total(list(found.values()), metrics)
        shards = {"total": len(found), "successful": len(found), "failed": 0}
        body: JsonObject = {"_shards": shards, "_all": {"primaries": total, "total": total}}
        if level != "cluster":
            body["indices"] = {index.name: _shown(index, found[index.name], level) for index in indices}
        return call.respond(body)

    def _measured(self, reader: Reader, index: Index, metrics: list[str], groups: tuple[str, ...]) -> JsonObject:
        mapping = index.mapping
        subject = _Subject(
            fields=len(mapping.fields) + len(mapping.multi_fields) + len(mapping.aliases),
            contexts=self._contexts.count(index.uuid),
            documents=counted(reader, [index], {"match_all": {}})["count"] if "docs" in metrics else 0,
            size=reader.size(index),
            activity=self._activity.of(index.uuid),
            groups=groups,
        )
        return {_SHOWN.get(metric, metric): _FIGURES[metric](subject) for metric in metrics}


def _shown(index: Index, stats: JsonObject, level: str) -> JsonObject:
    shown: JsonObject = {
        "uuid": index.uuid,
        "health": "green",
        "status": "close" if index.closed else "open",
        "primaries": stats,
        "total": stats,
    }
    if level == "shards":
        routing = {"state": "STARTED", "primary": True, "node": "anomalyops", "relocating_node": None}
        shown["shards"] = {"0": [{"routing": routing, **stats}]}
    return shown


def _metrics(asked: str, path: str) -> list[str]:
    """Return the metrics that a request names.

    Raises:
        ApiError: 400 for an unknown one, or all and some.
    """
    names = [name for name in asked.split(",") if name]
    if names in (["_all"], []):
        return list(_FIGURES)
    if "_all" in names:
        listed = ",".join(names)
        reason = f"request [{path}] contains _all and individual metrics [{listed}]"
        raise ApiError(400, "illegal_argument_exception", reason)
    unknown = sorted(name for name in names if name not in _FIGURES)
    if unknown:
        many = "s" if len(unknown) > 1 else ""
        listed = ", ".join(f"[{name}]{_suggestion(name)}" for name in unknown)
        raise ApiError(
            400, "illegal_argument_exception", f"request [{path}] contains unrecognized metric{many}: {listed}"
        )
    return names


def _suggestion(name: str) -> str:
    close = difflib.get_close_matches(name, sorted(_FIGURES), n=1, cutoff=0.7)
    return f" -> did you mean [{close[0]}]?" if close else ""


def _total(parts: list[JsonObject], metrics: list[str]) -> JsonObject:
    """Return the sums of the figures of several indices, with all metrics where there is none."""
    if not parts:
        nothing = _Subject(0, 0, 0, 0, IndexActivity(), ())
        return {_SHOWN.get(metric, metric): _FIGURES[metric](nothing) for metric in metrics}
    total: JsonObject = {}
    for part in parts:
        total = _added(total, part)
    return total


def _added(total: Mapping[str, Any], part: Mapping[str, Any]) -> JsonObject:
    added = dict(total)
    for name, value in part.items():
        if isinstance(value, dict):
            added[name] = _added(added.get(name, {}), value)
        elif isinstance(value, bool):
            added[name] = bool(added.get(name, False)) or value
        elif name == _NEVER:
            added[name] = value
        else:
            added[name] = added.get(name, 0) + value
    return added


def _docs(subject: _Subject) -> JsonObject:
    return {"count": subject.documents, "deleted": 0, "total_size_in_bytes": subject.size}


def _store(subject: _Subject) -> JsonObject:
    size = subject.size
    return {"size_in_bytes": size, "total_data_set_size_in_bytes": size, "reserved_in_bytes": 0}


def _shard_count(_: _Subject) -> JsonObject:
    return {"total_count": 1}


def _indexing(subject: _Subject) -> JsonObject:
    written, removed = subject.activity.index, subject.activity.delete
    return {
        "index_total": written.total,
        "index_time_in_millis": written.millis,
        "index_current": 0,
        "index_failed": subject.activity.failed,
        "delete_total": removed.total,
        "delete_time_in_millis": removed.millis,
        "delete_current": 0,
        "noop_update_total": subject.activity.noops,
        "is_throttled": False,
        "throttle_time_in_millis": 0,
    }


def _get(subject: _Subject) -> JsonObject:
    exists, missing = subject.activity.exists, subject.activity.missing
    return {
        "total": exists.total + missing.total,
        "time_in_millis": int((exists.seconds + missing.seconds) * 1000),
        "exists_total": exists.total,
        "exists_time_in_millis": exists.millis,
        "missing_total": missing.total,
        "missing_time_in_millis": missing.millis,
        "current": 0,
    }


def _search(subject: _Subject) -> JsonObject:
    activity = subject.activity
    shown: JsonObject = {
        "open_contexts": subject.contexts,
        **_searches(activity.query, activity.fetch, activity.scroll),
    }
    groups = {
        name: _searches(query, fetch, Count())
        for name, (query, fetch) in activity.groups.items()
        if matches_any(["*" if pattern == "_all" else pattern for pattern in subject.groups], name)
    }
    return {**shown, "groups": groups} if groups else shown


def _searches(query: Count, fetch: Count, scroll: Count) -> JsonObject:
    counts = {"query": query, "fetch": fetch, "scroll": scroll, "suggest": Count()}
    shown: JsonObject = {}
    for name, count in counts.items():
        shown |= {f"{name}_total": count.total, f"{name}_time_in_millis": count.millis, f"{name}_current": 0}
    return shown


def _bulk(subject: _Subject) -> JsonObject:
    bulk, size = subject.activity.bulk, subject.activity.bulk_bytes
    return {
        "total_operations": bulk.total,
        "total_time_in_millis": bulk.millis,
        "total_size_in_bytes": size,
        "avg_time_in_millis": bulk.millis // max(bulk.total, 1),
        "avg_size_in_bytes": size // max(bulk.total, 1),
    }


def _mappings(subject: _Subject) -> JsonObject:
    overhead = subject.fields * _BYTES_OF_FIELD
    return {"total_count": subject.fields, "total_estimated_overhead_in_bytes": overhead}


def _nothing(*names: str) -> Callable[[_Subject], JsonObject]:
    """Return the figures of something that never happens here."""
    return lambda _: dict.fromkeys(names, 0)


_NO_SEGMENTS: Final[JsonObject] = dict.fromkeys(
    (
        *("count", "memory_in_bytes", "terms_memory_in_bytes", "stored_fields_memory_in_bytes"),
        *("term_vectors_memory_in_bytes", "norms_memory_in_bytes", "points_memory_in_bytes"),
        *("doc_values_memory_in_bytes", "index_writer_memory_in_bytes", "version_map_memory_in_bytes"),
        "fixed_bit_set_memory_in_bytes",
    ),
    0,
)
_FIGURES: Final[Mapping[str, Callable[[_Subject], JsonObject]]] = {
    "docs": _docs,
    "shard_stats": _shard_count,
    "store": _store,
    "indexing": _indexing,
    "get": _get,
    "search": _search,
    "merge": _nothing(
        *("current", "current_docs", "current_size_in_bytes", "total", "total_time_in_millis", "total_docs"),
        *("total_size_in_bytes", "total_stopped_time_in_millis", "total_throttled_time_in_millis"),
        "total_auto_throttle_in_bytes",
    ),
    "refresh": _nothing(
        *("total", "total_time_in_millis", "external_total", "external_total_time_in_millis", "listeners")
    ),
    "flush": _nothing("total", "periodic", "total_time_in_millis", "total_time_excluding_waiting_on_lock_in_millis"),
    "warmer": _nothing("current", "total", "total_time_in_millis"),
    "query_cache": _nothing(
        *("memory_size_in_bytes", "total_count", "hit_count", "miss_count", "cache_size", "cache_count", "evictions")
    ),
    "fielddata": _nothing("memory_size_in_bytes", "evictions"),
    "completion": _nothing("size_in_bytes"),
    "segments": lambda _: {**_NO_SEGMENTS, _NEVER: -1, "file_sizes": {}},
    "translog": _nothing(
        *("operations", "size_in_bytes", "uncommitted_operations", "uncommitted_size_in_bytes"),
        "earliest_last_modified_age",
    ),
    "request_cache": _nothing("memory_size_in_bytes", "evictions", "hit_count", "miss_count"),
    "recovery": _nothing("current_as_source", "current_as_target", "throttle_time_in_millis"),
    "bulk": _bulk,
    "dense_vector": _nothing("value_count"),
    "sparse_vector": _nothing("value_count"),
    "mappings": _mappings,
}
# The one whose name in the answer is another one.
_SHOWN: Final[Mapping[str, str]] = {"merge": "merges"}
