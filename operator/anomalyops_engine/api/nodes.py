"""`_nodes`, `_nodes/stats` and `_cluster/stats` of the one node, which has no JVM and says nothing of one."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from anomalyops_engine import __version__
from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError, not_supported
from anomalyops_engine.api.info import DIALECT_VERSION
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.machine import Figures, figures
from anomalyops_engine.api.parameters import Known, known, one_of
from anomalyops_engine.jobs import JobService
from anomalyops_engine.jobs.nodes import ROLES
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query import counted
from anomalyops_engine.store import EVERYTHING, Reader, Store

_INFO: Final = ("os", "process", "transport", "http", "plugins", "ingest")
_INFO_MISSING: Final = frozenset({"settings", "jvm", "thread_pool", "aggregations", "indices"})
_STATS: Final = ("indices", "os", "process", "fs")
_STATS_MISSING: Final = frozenset(
    {"jvm", "thread_pool", "transport", "http", "breaker", "breakers", "script", "discovery", "ingest"}
    | {"adaptive_selection", "script_cache", "indexing_pressure", "repositories", "allocations"}
)


def endpoints(store: Store, jobs: JobService) -> list[Endpoint]:
    """Return the endpoints of this module."""
    look = known(["flat_settings"], idle=("timeout", "master_timeout"))
    # Statistics are of the whole node; what Lucene's files would be made of, there is not.
    stats = known(
        ["level"],
        idle=("timeout", "master_timeout", "include_unloaded_segments", "include_segment_file_sizes"),
        missing=("completion_fields", "fielddata_fields", "fields", "groups", "types"),
        readers={"level": one_of("node", "indices", "shards")},
    )
    cluster = known(["flat_settings"], idle=("timeout", "include_remotes"))

    def on(path: str, handler: Any, parameters: Known) -> Endpoint:
        return Endpoint("GET", path, Lane.SEARCH, partial(handler, store, jobs), parameters)

    return [
        on("/_cluster/stats", _cluster_stats, cluster),
        on("/_cluster/stats/nodes/{node_id}", _cluster_stats, cluster),
        *(on(path, _node_stats, stats) for path in ("/_nodes/stats", "/_nodes/stats/{metrics}")),
        *(on(path, _node_stats, stats) for path in ("/_nodes/{node_id}/stats", "/_nodes/{node_id}/stats/{metrics}")),
        on("/_nodes", _info, look),
        on("/_nodes/{node_or_metric}", _info, look),
        on("/_nodes/{node_id}/{metrics}", _info, look),
    ]


def _info(store: Store, jobs: JobService, call: Call) -> Response:
    asked = call.path.get("metrics", "_all")
    nodes = call.path.get("node_id", "_all")
    either = call.path.get("node_or_metric")
    if either is not None:  # a path of one part names metrics where it can
        if set(either.split(",")) <= {*_INFO, *_INFO_MISSING, "_all", "_none"}:
            asked = either
        else:
            nodes = either
    parts = _chosen(asked, _INFO, _INFO_MISSING, "_nodes")
    node, now = jobs.node(), figures(store.folder)
    server = call.request.scope.get("server") or ("127.0.0.1", 0)
    found: dict[str, Callable[[], Any]] = {
        "os": lambda: {
            "refresh_interval_in_millis": 1000,
            "name": platform.system(),
            "pretty_name": platform.platform(),
            "arch": platform.machine(),
            "version": platform.release(),
            "available_processors": now.processors,
            "allocated_processors": now.processors,
        },
        "process": lambda: {"refresh_interval_in_millis": 1000, "id": os.getpid(), "mlockall": False},
        "transport": lambda: {
            "bound_address": [node["transport_address"]],
            "publish_address": node["transport_address"],
            "profiles": {},
        },
        "http": lambda: {
            "bound_address": [f"{server[0]}:{server[1]}"],
            "publish_address": f"{server[0]}:{server[1]}",
            "max_content_length_in_bytes": jobs.cluster_settings.body_bytes,
        },
        "plugins": list,
        "ingest": lambda: {"processors": []},
    }
    body = {**_named(node), "version": DIALECT_VERSION, "build_flavor": "default", "build_type": "anomalyops"}
    body |= {"build_hash": f"anomalyops-{__version__}", **{part: found[part]() for part in parts}}
    return call.respond(_of_nodes(jobs, nodes, body))


def _node_stats(store: Store, jobs: JobService, call: Call) -> Response:
    parts = _chosen(call.path.get("metrics", "_all"), _STATS, _STATS_MISSING, "_nodes/stats")
    if call.query.get("level", "node").lower() != "node":
        raise not_supported(f"[level={call.query['level']}] of [_nodes/stats] is not supported by this engine")
    now = figures(store.folder)
    found: dict[str, Callable[[], JsonObject]] = {
        "indices": lambda: _indices(store),
        "os": lambda: _os(now),
        "process": lambda: _process(now),
        "fs": lambda: _disk(now),
    }
    body = {"timestamp": int(time.time() * 1000), **_named(jobs.node())}
    body |= {part: found[part]() for part in parts}
    return call.respond(_of_nodes(jobs, call.path.get("node_id", "_all"), body))


def _cluster_stats(store: Store, jobs: JobService, call: Call) -> Response:
    now = figures(store.folder)
    with store.read() as reader:
        indices = reader.resolve("*", wildcards=EVERYTHING, closed_too=True)
        kinds: dict[str, set[str]] = {}
        for index in indices:
            for leaf in index.mapping.fields.values():
                kinds.setdefault(leaf.type, set()).add(index.name)
        figures_of_all = _measured(reader)
    body: JsonObject = {
        **_header(shown=jobs.is_meant(call.path.get("node_id", "_all"))),
        "cluster_uuid": store.uuid,
        "timestamp": int(time.time() * 1000),
        "status": "green",
        "indices": {
            "count": len(indices),
            "shards": {"total": len(indices), "primaries": len(indices), "replication": 0.0},
            **figures_of_all,
            "mappings": {
                "field_types": [{"name": name, "index_count": len(kinds[name])} for name in sorted(kinds)],
            },
        },
        "nodes": {
            "count": {"total": 1, "coordinating_only": 0, **dict.fromkeys(ROLES, 1)},
            "versions": [DIALECT_VERSION],
            "os": {
                "available_processors": now.processors,
                "allocated_processors": now.processors,
                "names": [{"name": platform.system(), "count": 1}],
                "mem": _os(now)["mem"],
            },
            "process": {
                "cpu": {"percent": -1},
                "open_file_descriptors": dict.fromkeys(("min", "max", "avg"), now.files_open),
            },
            "fs": _disk(now)["total"],
            "plugins": [],
            "discovery_types": {"single-node": 1},
            "packaging_types": [{"flavor": "default", "type": "anomalyops", "count": 1}],
        },
    }
    return call.respond(body)


def _chosen(asked: str, served: tuple[str, ...], missing: frozenset[str], what: str) -> list[str]:
    """Return the parts of an answer that a request names.

    Raises:
        ApiError: 400 for one that there is not, 501 for one that this engine lacks.
    """
    names = [name.strip() for name in asked.split(",") if name.strip()]
    for name in names:
        if name in missing:
            listed = ", ".join(served)
            raise not_supported(f"metric [{name}] of [{what}] is not supported by this engine; supported: [{listed}]")
        if name not in (*served, "_all", "_none"):
            reason = f"request [/{what}/{asked}] contains unrecognized metric: [{name}]"
            raise ApiError(400, "illegal_argument_exception", reason)
    return list(served) if "_all" in names else [name for name in served if name in names]


def _header(*, shown: bool) -> JsonObject:
    return {
        "_nodes": {"total": int(shown), "successful": int(shown), "failed": 0},
        "cluster_name": "anomalyops",
    }


def _of_nodes(jobs: JobService, nodes: str, body: JsonObject) -> JsonObject:
    shown = jobs.is_meant(nodes)
    return {**_header(shown=shown), "nodes": {jobs.node_id: body} if shown else {}}


def _named(node: JsonObject) -> JsonObject:
    host = str(node["transport_address"]).rpartition(":")[0]
    kept = {key: node[key] for key in ("name", "transport_address", "attributes")}
    return {**kept, "host": host, "ip": host, "roles": list(ROLES)}


def _indices(store: Store) -> JsonObject:
    with store.read() as reader:
        return _measured(reader)


def _measured(reader: Reader) -> JsonObject:
    """Return the documents and bytes of all indices that are open, and of caches of which there are none."""
    indices = reader.resolve("*", wildcards=EVERYTHING, closed_too=True)
    size = sum(reader.size(index) for index in indices)
    counts = [counted(reader, [index], {"match_all": {}})["count"] for index in indices if not index.closed]
    return {
        "docs": {"count": sum(counts), "deleted": 0, "total_size_in_bytes": size},
        "store": {"size_in_bytes": size, "total_data_set_size_in_bytes": size, "reserved_in_bytes": 0},
        "fielddata": {"memory_size_in_bytes": 0, "evictions": 0},
        "query_cache": {
            "memory_size_in_bytes": 0,
            **dict.fromkeys(("total_count", "hit_count", "miss_count", "cache_size", "cache_count", "evictions"), 0),
        },
        "completion": {"size_in_bytes": 0},
        "segments": {"count": 0, "memory_in_bytes": 0},
    }


def _os(now: Figures) -> JsonObject:
    used = now.memory - now.memory_free
    loads = dict(zip(("1m", "5m", "15m"), now.load, strict=True))
    return {
        "timestamp": int(time.time() * 1000),
        "cpu": {"percent": -1, "load_average": loads},
        "mem": {
            "total_in_bytes": now.memory,
            "adjusted_total_in_bytes": now.memory,
            "free_in_bytes": now.memory_free,
            "used_in_bytes": used,
            "free_percent": 100 - now.memory_percent,
            "used_percent": now.memory_percent,
        },
    }


def _process(now: Figures) -> JsonObject:
    return {
        "timestamp": int(time.time() * 1000),
        "open_file_descriptors": now.files_open,
        "max_file_descriptors": min(now.files_most, sys.maxsize),
        "cpu": {"percent": -1, "total_in_millis": now.cpu_ms},
        "mem": {"resident_in_bytes": now.resident},
    }


def _disk(now: Figures) -> JsonObject:
    total = {
        "total_in_bytes": now.disk_total,
        "free_in_bytes": now.disk_free,
        "available_in_bytes": now.disk_free,
    }
    return {"timestamp": int(time.time() * 1000), "total": total}
