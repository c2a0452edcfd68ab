"""`_stats`: documents and bytes of indices; what else a cluster counts is not counted here, and refused by name."""

from __future__ import annotations

from functools import partial
from typing import Final

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError, not_supported
from anomalyops_engine.api.indices import resolved
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import TARGETS, known, one_of
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query import counted
from anomalyops_engine.store import Index, Reader, Store

_SERVED: Final = ("docs", "store")
_ELSEWHERE: Final = frozenset(
    {"_all", "bulk", "completion", "dense_vector", "fielddata", "flush", "get", "indexing", "mappings", "merge"}
    | {"query_cache", "recovery", "refresh", "request_cache", "search", "segments", "shard_stats", "sparse_vector"}
    | {"translog", "warmer"}
)


def endpoints(store: Store) -> list[Endpoint]:
    """Return the endpoints of this module."""
    parameters = known(
        [*TARGETS, "forbid_closed_indices", "level"],
        missing=("completion_fields", "fielddata_fields", "fields", "groups", "include_segment_file_sizes"),
        idle=("include_unloaded_segments",),
        readers={"level": one_of("cluster", "indices", "shards")},
    )
    answer = partial(_stats, store)
    paths = ("/_stats", "/_stats/{metrics}", "/{index}/_stats", "/{index}/_stats/{metrics}")
    return [Endpoint("GET", path, Lane.SEARCH, answer, parameters) for path in paths]


def _stats(store: Store, call: Call) -> Response:
    metrics = _metrics(call.path.get("metrics", "_all"))
    level = call.query.get("level", "indices").lower()
    if level == "shards":
        raise not_supported("[level=shards] of _stats is not supported by this engine")
    closed_too = not call.flag("forbid_closed_indices", default=True)
    with store.read() as reader:
        indices = resolved(reader, call, closed_too=closed_too)
        found = {index.name: (index, _measured(reader, index, metrics)) for index in indices}
    total: JsonObject = {metric: _sum([stats[metric] for _, stats in found.values()], metric) for metric in metrics}
    shards = {"total": len(found), "successful": len(found), "failed": 0}
    body: JsonObject = {"_shards": shards, "_all": {"primaries": total, "total": total}}
    if level == "indices":
        body["indices"] = {
            name: {
                "uuid": index.uuid,
                "health": "green",
                "status": "close" if index.closed else "open",
                "primaries": stats,
                "total": stats,
            }
            for name, (index, stats) in found.items()
        }
    return call.respond(body)


def _metrics(asked: str) -> list[str]:
    """Return the metrics that a request names.

    Raises:
        ApiError: 400 for an unknown one, 501 for one that is not counted.
    """
    names = [name for name in asked.split(",") if name]
    for name in names:
        if name in _ELSEWHERE:
            reason = f"metric [{name}] of _stats is not supported by this engine; supported: {list(_SERVED)}"
            raise not_supported(reason.replace("'", ""))
        if name not in _SERVED:
            reason = f"request [/_stats/{asked}] contains unrecognized metric: [{name}]"
            raise ApiError(400, "illegal_argument_exception", reason)
    return names


def _measured(reader: Reader, index: Index, metrics: list[str]) -> JsonObject:
    stats: JsonObject = {}
    size = reader.size(index)
    for metric in metrics:
        if metric == "docs":
            count = counted(reader, [index], {"match_all": {}})["count"]
            stats[metric] = {"count": count, "deleted": 0, "total_size_in_bytes": size}
        else:
            stats[metric] = {
                "size_in_bytes": size,
                "total_data_set_size_in_bytes": size,
                "reserved_in_bytes": 0,
            }
    return stats


def _sum(parts: list[JsonObject], metric: str) -> JsonObject:
    names = {"docs": ("count", "deleted", "total_size_in_bytes")}.get(
        metric, ("size_in_bytes", "total_data_set_size_in_bytes", "reserved_in_bytes")
    )
    return {name: sum(part[name] for part in parts) for name in names}
