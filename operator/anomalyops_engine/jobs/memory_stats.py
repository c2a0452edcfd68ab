"""What the models of this node take of its memory (`GET _ml/memory/_stats`)."""

from __future__ import annotations

from typing import Final

from anomalyops_engine.jobs.machine import machine_memory
from anomalyops_engine.jobs.runtime import NODE_NAME, Runtime
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.store.patterns import matches

ROLES: Final = ("data", "ingest", "master", "ml")
_EVERY_NODE: Final = frozenset({"_all", "_local", "_master", "*", ""})


def memory_stats(runtime: Runtime, nodes: str) -> JsonObject:
    """Return the memory of this node, if it is one of those asked for.

    There is no second process and no JVM: models lie in this process, which may use what `jvm.heap_max` says for
    everything else, and nothing infers.

    Args:
        runtime: what runs here.
        nodes: names and ids of nodes, separated by commas; `*`, `_all`, `_local`, `_master`, roles such as `ml:true`.
    """
    shown = _is_meant(runtime, nodes)
    return {
        "_nodes": {"total": int(shown), "successful": int(shown), "failed": 0},
        "cluster_name": "anomalyops",
        "nodes": {runtime.node_id: _node(runtime)} if shown else {},
    }


def _node(runtime: Runtime) -> JsonObject:
    total, most = machine_memory(), runtime.settings.memory.bytes
    used = sum(
        int(entry.run.model_size.get("model_bytes", 0))
        for entry in list(runtime.registry.jobs.values())
        if entry.run.state == "opened"
    )
    rest = max(total - most, 1)
    node = {key: value for key, value in runtime.node().items() if key != "id"}
    return {
        **node,
        "roles": list(ROLES),
        "mem": {
            "total_in_bytes": total,
            "adjusted_total_in_bytes": total,
            "ml": {
                "max_in_bytes": most,
                "native_code_overhead_in_bytes": 0,
                "anomaly_detectors_in_bytes": used,
                "data_frame_analytics_in_bytes": 0,
                "native_inference_in_bytes": 0,
            },
        },
        "jvm": {
            "heap_max_in_bytes": rest,
            "java_inference_max_in_bytes": rest,
            "java_inference_in_bytes": 0,
        },
    }


def _is_meant(runtime: Runtime, nodes: str) -> bool:
    """Return whether a list of nodes means this one; later parts take back what earlier ones say, as on a cluster."""
    meant = False
    for part in (part.strip() for part in nodes.split(",")):
        name, separator, value = part.partition(":")
        if part in _EVERY_NODE or any(matches(part, own) for own in (runtime.node_id, NODE_NAME)):
            meant = True
        elif separator and value in {"true", "false"} and name in ROLES:
            meant = value == "true"
        elif separator and value == "false":
            meant = meant or name not in ROLES
    return meant
