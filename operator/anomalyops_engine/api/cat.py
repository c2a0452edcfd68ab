"""`_cat` tables of indices, their aliases, their documents and the cluster's health."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from anomalyops_engine.api import cat_table
from anomalyops_engine.api.call import Call
from anomalyops_engine.api.cat_table import Column, Kind
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.indices import readable, resolved
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query import counted
from anomalyops_engine.store import Store, Wildcards
from anomalyops_engine.store.dates import format_millis
from anomalyops_engine.store.patterns import matches_any
from anomalyops_engine.store.settings import replicas

_ALIASES: Final = (
    Column("alias", ("a",), "alias", "alias name", shown=True),
    Column("index", ("i", "idx"), "index", "index alias points to", shown=True),
    Column("filter", ("f", "fi"), "filter", "filter", shown=True, absent="-"),
    Column("routing.index", ("ri", "routingIndex"), "routing_index", "index routing", shown=True, absent="-"),
    Column("routing.search", ("rs", "routingSearch"), "routing_search", "search routing", shown=True, absent="-"),
    Column("is_write_index", ("w", "isWriteIndex"), "is_write_index", "write index", shown=True, absent="-"),
)
_INDICES: Final = (
    Column("health", ("h",), "health", "current health status", shown=True),
    Column("status", ("s",), "status", "open/close status", shown=True),
    Column("index", ("i", "idx"), "index", "index name", shown=True),
    Column("uuid", ("id",), "uuid", "index uuid", shown=True),
    Column("pri", ("p", "shards.primary", "shardsPrimary"), "pri", "number of primary shards", shown=True, right=True),
    Column("rep", ("r", "shards.replica", "shardsReplica"), "rep", "number of replica shards", shown=True, right=True),
    Column("docs.count", ("dc", "docsCount"), "docs_count", "available docs", shown=True, right=True),
    Column("docs.deleted", ("dd", "docsDeleted"), "docs_deleted", "deleted docs", shown=True, right=True),
    Column("creation.date", ("cd",), "created_ms", "index creation date (millisecond value)"),
    Column("creation.date.string", ("cds",), "created", "index creation date (as string)"),
    Column(
        *("store.size", ("ss", "storeSize"), "size", "store size of primaries & replicas"),
        shown=True,
        kind=Kind.BYTES,
        right=True,
    ),
    Column("pri.store.size", (), "size", "store size of primaries", shown=True, kind=Kind.BYTES, right=True),
)
_COUNT: Final = (
    Column("epoch", ("t", "time"), "epoch", "seconds since 1970-01-01 00:00:00", shown=True),
    Column("timestamp", ("ts", "hms", "hhmmss"), "clock", "time in HH:MM:SS", shown=True),
    Column("count", ("dc", "docs.count", "docsCount"), "count", "the document count", shown=True),
)
_HEALTH: Final = (
    *_COUNT[:2],
    Column("cluster", ("cl",), "cluster", "cluster name", shown=True),
    Column("status", ("st",), "status", "health status", shown=True),
    Column("node.total", ("nt", "nodeTotal"), "nodes", "total number of nodes", shown=True, right=True),
    Column("node.data", ("nd", "nodeData"), "nodes", "number of nodes that can store data", shown=True, right=True),
    Column("shards", ("t", "sh", "shards.total"), "shards", "total number of shards", shown=True, right=True),
    Column("pri", ("p", "shards.primary"), "shards", "number of primary shards", shown=True, right=True),
    Column("relo", ("r", "shards.relocating"), "none", "number of relocating nodes", shown=True, right=True),
    Column("init", ("i", "shards.initializing"), "none", "number of initializing nodes", shown=True, right=True),
    Column("unassign", ("u", "shards.unassigned"), "none", "number of unassigned shards", shown=True, right=True),
    Column("pending_tasks", ("pt", "pendingTasks"), "none", "number of pending tasks", shown=True, right=True),
    Column(
        *("max_task_wait_time", ("mtwt", "maxTaskWaitTime"), "wait", "wait time of longest task pending"),
        shown=True,
        right=True,
        absent="-",
    ),
    Column(
        *("active_shards_percent", ("asp", "activeShardsPercent"), "active", "active number of shards in percent"),
        shown=True,
        right=True,
    ),
)


def endpoints(store: Store) -> list[Endpoint]:
    """Return the endpoints of this module."""
    waiting = ("local", "master_timeout")
    alias = cat_table.parameters("expand_wildcards", idle=waiting)
    # There are primaries alone, and nothing has to be loaded first.
    index = cat_table.parameters("expand_wildcards", "health", idle=(*waiting, "include_unloaded_segments", "pri"))
    count, health = cat_table.parameters(), cat_table.parameters("ts", idle=waiting)

    def on(path: str, handler: Any, parameters: Any) -> Endpoint:
        return Endpoint("GET", path, Lane.SEARCH, partial(handler, store), parameters)

    return [
        on("/_cat/aliases", _aliases, alias),
        on("/_cat/aliases/{name}", _aliases, alias),
        on("/_cat/indices", _indices, index),
        on("/_cat/indices/{index}", _indices, index),
        on("/_cat/count", _count, count),
        on("/_cat/count/{index}", _count, count),
        on("/_cat/health", _health, health),
    ]


def _aliases(store: Store, call: Call) -> Response:
    def rows() -> Iterator[JsonObject]:
        asked = call.path.get("name")
        with store.read() as reader:
            found = resolved(reader, call, Wildcards(closed=True))
        pairs = [(alias, index, properties) for index in found for alias, properties in index.aliases.items()]
        for alias, index, properties in sorted(pairs, key=lambda pair: (pair[0], pair[1].name)):
            if asked is None or matches_any(asked.split(","), alias):
                yield {
                    "alias": alias,
                    "index": index.name,
                    "filter": "*" if properties.get("filter") else None,
                    "routing_index": properties.get("index_routing"),
                    "routing_search": properties.get("search_routing"),
                    "is_write_index": properties.get("is_write_index"),
                }

    return cat_table.respond(call, _ALIASES, rows)


def _indices(store: Store, call: Call) -> Response:
    def rows() -> Iterator[JsonObject]:
        wanted = call.query.get("health")
        with store.read() as reader:
            for index in resolved(reader, call, Wildcards.parse("open,closed")):
                # One copy of everything is all that there can be, so it is well.
                if wanted in {None, "green"}:
                    yield {
                        "health": "green",
                        "status": "close" if index.closed else "open",
                        "index": index.name,
                        "uuid": index.uuid,
                        "pri": int(index.settings.get("number_of_shards", "1")),
                        "rep": int(replicas(index.settings)),
                        # What a closed index has is not looked up.
                        "docs_count": None if index.closed else counted(reader, [index], {"match_all": {}})["count"],
                        "docs_deleted": None if index.closed else 0,
                        "size": None if index.closed else reader.size(index),
                        "created_ms": index.created_ms,
                        "created": format_millis(index.created_ms, "strict_date_time"),
                    }

    return cat_table.respond(call, _INDICES, rows)


def _count(store: Store, call: Call) -> Response:
    def rows() -> Iterator[JsonObject]:
        with store.read() as reader:
            yield {**_now(), "count": counted(reader, readable(reader, call), {"match_all": {}})["count"]}

    return cat_table.respond(call, _COUNT, rows)


def _health(store: Store, call: Call) -> Response:
    def rows() -> Iterator[JsonObject]:
        with store.read() as reader:
            shards = len(reader.indices())
        figures: JsonObject = {"shards": shards, "nodes": 1, "none": 0, "active": "100.0%"}
        yield {**_now(), "cluster": "anomalyops", "status": "green", **figures}

    columns = _HEALTH if call.flag("ts", default=True) else _HEALTH[2:]
    return cat_table.respond(call, columns, rows)


def _now() -> JsonObject:
    seconds = int(time.time())
    return {"epoch": seconds, "clock": time.strftime("%H:%M:%S", time.gmtime(seconds))}
