"""`_cat` tables of the node, its shards and disk, and of index templates."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from anomalyops_engine.api import cat_table
from anomalyops_engine.api.call import Call
from anomalyops_engine.api.cat_table import Column, Kind
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.indices import resolved
from anomalyops_engine.api.info import DIALECT_VERSION
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.machine import figures
from anomalyops_engine.jobs import JobService
from anomalyops_engine.jobs.nodes import ROLES
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query import counted
from anomalyops_engine.store import EVERYTHING, Store, Wildcards
from anomalyops_engine.store.patterns import matches_any

SHOWN_ROLES: Final = "".join(sorted({"ml": "l"}.get(role, role[0]) for role in ROLES))


def _bytes(name: str, aliases: tuple[str, ...], path: str, about: str, *, shown: bool = False) -> Column:
    return Column(name, aliases, path, about, shown=shown, kind=Kind.BYTES, right=True)


_TEMPLATES: Final = (
    Column("name", ("n",), "name", "template name", shown=True),
    Column("index_patterns", ("t",), "index_patterns", "template index patterns", shown=True),
    Column("order", ("o", "p"), "order", "template application order/priority number", shown=True),
    Column("version", ("v",), "version", "version", shown=True),
    Column("composed_of", ("c",), "composed_of", "component templates comprising index template", shown=True),
)
_NODES: Final = (
    Column("id", ("id", "nodeId"), "short_id", "unique node id"),
    Column("pid", ("p",), "pid", "process id"),
    Column("ip", ("i",), "ip", "ip address", shown=True),
    Column("port", ("po",), "port", "bound transport port"),
    Column("http_address", ("http",), "http", "bound http address"),
    Column("version", ("v",), "version", "es version"),
    _bytes("disk.total", ("dt", "diskTotal"), "disk_total", "total disk space"),
    _bytes("disk.used", ("du", "diskUsed"), "disk_used", "used disk space"),
    _bytes("disk.avail", ("d", "da", "disk", "diskAvail"), "disk_free", "available disk space"),
    Column("disk.used_percent", ("dup", "diskUsedPercent"), "disk_percent", "used disk space percentage", right=True),
    _bytes("heap.current", ("hc", "heapCurrent"), "resident", "memory of this process"),
    Column("heap.percent", ("hp", "heapPercent"), "resident_percent", "used heap ratio", shown=True, right=True),
    _bytes("heap.max", ("hm", "heapMax"), "memory", "memory that it may have"),
    _bytes("ram.current", ("rc", "ramCurrent"), "memory_used", "used machine memory"),
    Column("ram.percent", ("rp", "ramPercent"), "memory_percent", "used machine memory ratio", shown=True, right=True),
    _bytes("ram.max", ("rm", "ramMax"), "memory", "total machine memory"),
    Column("file_desc.current", ("fdc", "fileDescriptorCurrent"), "files_open", "used file descriptors", right=True),
    Column("file_desc.percent", ("fdp", "fileDescriptorPercent"), "files_percent", "used file ratio", right=True),
    Column("file_desc.max", ("fdm", "fileDescriptorMax"), "files_most", "max file descriptors", right=True),
    Column("cpu", (), "cpu", "recent cpu usage", shown=True, right=True),
    Column("load_1m", ("l",), "load_1", "1m load avg", shown=True, right=True),
    Column("load_5m", ("l",), "load_5", "5m load avg", shown=True, right=True),
    Column("load_15m", ("l",), "load_15", "15m load avg", shown=True, right=True),
    Column("uptime", ("u",), "uptime_ms", "node uptime", kind=Kind.TIME, right=True),
    Column(
        *("node.role", ("r", "role", "nodeRole"), "role", "d:data node, i:ingest node, l:machine learning, m:master"),
        shown=True,
    ),
    Column("master", ("m",), "master", "*:current master", shown=True),
    Column("name", ("n",), "name", "node name", shown=True),
)
_SHARDS: Final = (
    Column("index", ("i", "idx"), "index", "index name", shown=True),
    Column("shard", ("s", "sh"), "shard", "shard name", shown=True),
    Column("prirep", ("p", "pr", "primaryOrReplica"), "prirep", "primary or replica", shown=True),
    Column("state", ("st",), "state", "shard state", shown=True),
    Column("docs", ("d", "dc"), "docs", "number of docs in shard", shown=True, right=True),
    _bytes("store", ("sto",), "size", "store size of shard (how much disk it uses)", shown=True),
    Column("ip", (), "ip", "ip of node where it lives", shown=True),
    Column("id", (), "id", "unique id of node where it lives"),
    Column("node", ("n",), "node", "name of node where it lives", shown=True),
)
_ALLOCATION: Final = (
    Column("shards", ("s",), "shards", "number of shards on node", shown=True, right=True),
    _bytes("disk.indices", ("di", "diskIndices"), "indices", "disk used by ES indices", shown=True),
    _bytes("disk.used", ("du", "diskUsed"), "disk_used", "disk used (total)", shown=True),
    _bytes("disk.avail", ("da", "diskAvail"), "disk_free", "disk available", shown=True),
    _bytes("disk.total", ("dt", "diskTotal"), "disk_total", "total capacity", shown=True),
    Column("disk.percent", ("dp", "diskPercent"), "disk_whole_percent", "percent disk used", shown=True, right=True),
    Column("host", ("h",), "ip", "host of node", shown=True),
    Column("ip", (), "ip", "ip of node", shown=True),
    Column("node", ("n",), "name", "name of node", shown=True),
    Column("node.role", ("r", "role", "nodeRole"), "role", "node roles"),
)
_MASTER: Final = (
    Column("id", (), "id", "node id", shown=True),
    Column("host", ("h",), "ip", "host name", shown=True),
    Column("ip", (), "ip", "ip address ", shown=True),
    Column("node", ("n",), "name", "node name", shown=True),
)
_PLUGINS: Final = (
    Column("id", (), "id", "unique node id"),
    Column("name", ("n",), "name", "node name", shown=True),
    Column("component", ("c",), "component", "component", shown=True),
    Column("version", ("v",), "version", "component version", shown=True),
    Column("description", ("d",), "description", "plugin details"),
)
_ATTRIBUTES: Final = (
    Column("node", (), "name", "node name", shown=True),
    Column("id", ("id", "nodeId"), "short_id", "unique node id"),
    Column("pid", ("p",), "pid", "process id"),
    Column("host", ("h",), "ip", "host name", shown=True),
    Column("ip", ("i",), "ip", "ip address", shown=True),
    Column("port", ("po",), "port", "bound transport port"),
    Column("attr", ("attr.name",), "attr", "attribute description", shown=True),
    Column("value", ("attr.value",), "value", "attribute value", shown=True),
)
_PENDING: Final = (
    Column("insertOrder", ("o",), "order", "task insertion order", shown=True, right=True),
    Column("timeInQueue", ("t",), "time", "how long task has been in queue", shown=True, right=True),
    Column("priority", ("p",), "priority", "task priority", shown=True),
    Column("source", ("s",), "source", "task source", shown=True),
)


def endpoints(store: Store, jobs: JobService) -> list[Endpoint]:
    """Return the endpoints of this module."""
    waiting = ("local", "master_timeout")
    plain = cat_table.parameters(idle=waiting)
    nodes = cat_table.parameters("full_id", idle=(*waiting, "include_unloaded_segments"))
    shards = cat_table.parameters("expand_wildcards", idle=waiting)

    def on(path: str, handler: Any, parameters: Any, lane: Lane = Lane.STATE) -> Endpoint:
        return Endpoint("GET", path, lane, partial(handler, store, jobs), parameters)

    return [
        on("/_cat/templates", _templates, plain),
        on("/_cat/templates/{name}", _templates, plain),
        on("/_cat/nodes", _nodes, nodes),
        on("/_cat/shards", _shards, shards, Lane.SEARCH),
        on("/_cat/shards/{index}", _shards, shards, Lane.SEARCH),
        on("/_cat/allocation", _allocation, plain, Lane.SEARCH),
        on("/_cat/allocation/{node_id}", _allocation, plain, Lane.SEARCH),
        on("/_cat/master", _master, plain),
        on("/_cat/nodeattrs", _attributes, plain),
        on("/_cat/plugins", _none(_PLUGINS), cat_table.parameters(idle=(*waiting, "include_bootstrap"))),
        on("/_cat/pending_tasks", _none(_PENDING), plain),
    ]


def node_row(store: Store, jobs: JobService, call: Call) -> JsonObject:
    """Return what tables tell of the one node."""
    node, now = jobs.node(), figures(store.folder)
    host, _, port = str(node["transport_address"]).rpartition(":")
    server = call.request.scope.get("server") or (host, 0)
    return {
        "id": node["id"],
        "short_id": node["id"] if call.flag("full_id", default=False) else str(node["id"])[:4],
        "name": node["name"],
        "ip": host,
        "port": port,
        "http": f"{server[0]}:{server[1]}",
        "version": DIALECT_VERSION,
        "role": SHOWN_ROLES,
        "master": "*",
        "resident": now.resident,
        "resident_percent": now.resident_percent,
        "memory": now.memory,
        "memory_used": now.memory - now.memory_free,
        "memory_percent": now.memory_percent,
        "files_open": now.files_open,
        "files_percent": round(100 * now.files_open / max(now.files_most, 1)),
        "files_most": now.files_most,
        # Nothing measures how busy the processors were a moment ago.
        "cpu": -1,
        "load_1": f"{now.load[0]:.2f}",
        "load_5": f"{now.load[1]:.2f}",
        "load_15": f"{now.load[2]:.2f}",
        "uptime_ms": now.uptime_ms,
        "disk_total": now.disk_total,
        "disk_used": now.disk_used,
        "disk_free": now.disk_free,
        "disk_percent": f"{100 * now.disk_used / max(now.disk_total, 1):.2f}",
        "disk_whole_percent": round(100 * now.disk_used / max(now.disk_total, 1)),
    }


def _templates(store: Store, jobs: JobService, call: Call) -> Response:
    def rows() -> Iterator[JsonObject]:
        asked = call.path.get("name", "*").split(",")
        with store.read() as reader:
            templates = reader.templates()
        for bodies in (templates.legacy, templates.composable):
            for name, body in bodies.items():
                if matches_any(asked, name):
                    parts = body.get("composed_of")
                    yield {
                        "name": name,
                        "index_patterns": f"[{', '.join(body['index_patterns'])}]",
                        "order": body.get("order", body.get("priority")),
                        "version": body.get("version"),
                        "composed_of": None if parts is None else f"[{', '.join(parts)}]",
                    }

    return cat_table.respond(call, _TEMPLATES, rows)


def _nodes(store: Store, jobs: JobService, call: Call) -> Response:
    return cat_table.respond(call, _NODES, lambda: [node_row(store, jobs, call)])


def _shards(store: Store, jobs: JobService, call: Call) -> Response:
    def rows() -> Iterator[JsonObject]:
        node = jobs.node()
        with store.read() as reader:
            for index in resolved(reader, call, Wildcards(closed=True)):
                yield {
                    "index": index.name,
                    "shard": 0,
                    "prirep": "p",
                    "state": "STARTED",
                    "docs": None if index.closed else counted(reader, [index], {"match_all": {}})["count"],
                    "size": reader.size(index),
                    "ip": str(node["transport_address"]).rpartition(":")[0],
                    "id": node["id"],
                    "node": node["name"],
                }

    return cat_table.respond(call, _SHARDS, rows)


def _allocation(store: Store, jobs: JobService, call: Call) -> Response:
    def rows() -> Iterator[JsonObject]:
        if not jobs.is_meant(call.path.get("node_id", "_all")):
            return
        with store.read() as reader:
            indices = reader.resolve("*", wildcards=EVERYTHING, closed_too=True)
            size = sum(reader.size(index) for index in indices)
        yield {**node_row(store, jobs, call), "shards": len(indices), "indices": size}

    return cat_table.respond(call, _ALLOCATION, rows)


def _master(store: Store, jobs: JobService, call: Call) -> Response:
    return cat_table.respond(call, _MASTER, lambda: [node_row(store, jobs, call)])


def _attributes(store: Store, jobs: JobService, call: Call) -> Response:
    def rows() -> Iterator[JsonObject]:
        row = node_row(store, jobs, call)
        for name, value in jobs.node()["attributes"].items():
            yield {**row, "attr": name, "value": value}

    return cat_table.respond(call, _ATTRIBUTES, rows)


def _none(columns: tuple[Column, ...]) -> Any:
    """Return the handler of a table of what a single process has none of."""

    def answer(store: Store, jobs: JobService, call: Call) -> Response:
        return cat_table.respond(call, columns, list)

    return answer
