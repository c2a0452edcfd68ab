"""`_cluster/state`: indices, templates and their places, as one node has them."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.index_templates import shown_template
from anomalyops_engine.api.indices import resolved, shown_settings
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import TARGETS, known
from anomalyops_engine.jobs import JobService
from anomalyops_engine.jobs.nodes import ROLES
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.store import EVERYTHING, Index, Store
from anomalyops_engine.store.blocks import blocks_of

_METRICS: Final = ("version", "master_node", "blocks", "nodes", "metadata", "routing_table", "routing_nodes")
_OTHERS: Final = ("customs",)


def endpoints(store: Store, jobs: JobService) -> list[Endpoint]:
    """Return the endpoints of this module."""
    # A state is there, however new it is to be: nothing is waited for.
    parameters = known(
        [*TARGETS, "flat_settings"],
        idle=("local", "master_timeout", "wait_for_timeout"),
        missing=("wait_for_metadata_version",),
    )
    handler = partial(_state, store, jobs)
    paths = ("/_cluster/state", "/_cluster/state/{metrics}", "/_cluster/state/{metrics}/{index}")
    return [
        *(Endpoint("GET", path, Lane.STATE, handler, parameters) for path in paths),
        Endpoint("GET", "/_cluster/pending_tasks", Lane.STATE, _pending, known(idle=("local", "master_timeout"))),
    ]


def _pending(call: Call) -> Response:
    """Answer that no change of the state waits: each is made by the request that asks for it."""
    return call.respond({"tasks": []})


def _state(store: Store, jobs: JobService, call: Call) -> Response:
    metrics = _metrics(call.path.get("metrics", "_all"))
    node = jobs.node()
    with store.read() as reader:
        indices = resolved(reader, call, EVERYTHING)
        templates = reader.templates()
        version = reader.version()
    found: dict[str, Any] = {
        "version": version,
        "master_node": node["id"],
        "blocks": _blocks(indices),
        "nodes": {node["id"]: {key: value for key, value in node.items() if key != "id"} | {"roles": list(ROLES)}},
        "metadata": {
            "cluster_uuid": store.uuid,
            "templates": {
                name: {**body, **shown_template(body, flat=False)} for name, body in templates.legacy.items()
            },
            "index_template": {"index_template": templates.composable},
            "component_template": {"component_template": templates.components},
            "indices": {index.name: _metadata(index, call) for index in indices},
        },
        "routing_table": {"indices": {index.name: {"shards": {"0": [_shard(index, node["id"])]}} for index in indices}},
        "routing_nodes": {
            "unassigned": [],
            "nodes": {node["id"]: [_shard(index, node["id"]) for index in indices]},
        },
    }
    body: JsonObject = {"cluster_name": "anomalyops", "cluster_uuid": store.uuid}
    # The identity of a state: of this store, at this version.
    body |= {"state_uuid": f"{store.uuid}-{version}"} if {"version", "master_node"} & set(metrics) else {}
    return call.respond({**body, **{name: found[name] for name in metrics if name in found}})


def _metrics(asked: str) -> list[str]:
    """Return the parts of the state that a request names.

    Raises:
        ApiError: 400; one of them does not exist.
    """
    names = [name.strip() for name in asked.split(",") if name.strip()]
    unknown = [name for name in names if name not in (*_METRICS, *_OTHERS, "_all")]
    if unknown:
        raise ApiError(400, "illegal_argument_exception", f"request contains unrecognized metric: [{unknown[0]}]")
    return [*_METRICS] if not names or "_all" in names else names


def _blocks(indices: list[Index]) -> JsonObject:
    found = {index.name: blocks_of(index) for index in indices}
    shown = {
        name: {number: {"description": text, "retryable": False} for number, text in blocks.items()}
        for name, blocks in found.items()
        if blocks
    }
    return {"indices": shown} if shown else {}


def _metadata(index: Index, call: Call) -> JsonObject:
    return {
        "state": "close" if index.closed else "open",
        "settings": shown_settings(index, call),
        "mappings": {"_doc": index.mapping.to_body()},
        "aliases": sorted(index.aliases),
    }


def _shard(index: Index, node_id: str) -> JsonObject:
    return {
        "state": "STARTED",
        "primary": True,
        "node": node_id,
        "relocating_node": None,
        "shard": 0,
        "index": index.name,
        "allocation_id": {"id": index.uuid},
    }
