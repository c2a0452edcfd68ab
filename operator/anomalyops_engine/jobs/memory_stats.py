"""What the models of this node take of its memory (`GET _ml/memory/_stats`)."""

from __future__ import annotations

from anomalyops_engine.jobs.machine import machine_memory
from anomalyops_engine.jobs.nodes import ROLES, means_this_node
from anomalyops_engine.jobs.runtime import NODE_NAME, Runtime
from anomalyops_engine.json_types import JsonObject


def memory_stats(runtime: Runtime, nodes: str) -> JsonObject:
    """Return the memory of this node, if it is one of those asked for.

    There is no second process and no JVM: models lie in this process, which may use what `jvm.heap_max` says for
    everything else, and nothing infers.

    Args:
        runtime: what runs here.
        nodes: which nodes; see `means_this_node`.
    """
    shown = means_this_node(nodes, own=(runtime.node_id, NODE_NAME))
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
