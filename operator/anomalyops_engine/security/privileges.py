"""Privileges by name: which actions each of them grants.

The tables are Elasticsearch's (`ClusterPrivilegeResolver`, `IndexPrivilege`), with the privileges of features that the
engine has not too: a role that names them is a good role, and grants actions here that nobody can ask for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from anomalyops_engine.security.errors import SecurityValidationError
from anomalyops_engine.store.patterns import matches, matches_any


@dataclass(frozen=True, slots=True)
class Privilege:
    """What grants actions.

    Attributes:
        patterns: of the actions that it grants.
        but: patterns of actions among them that it does not grant.
    """

    patterns: tuple[str, ...]
    but: tuple[str, ...] = ()

    def grants(self, action: str) -> bool:
        """Return whether it grants an action."""
        return matches_any(self.patterns, action) and not matches_any(self.but, action)

    def implies(self, other: Privilege) -> bool:
        """Return whether it grants whatever another one does."""
        return all(
            matches_any(self.patterns, pattern)
            and not any(_overlap(pattern, excluded) and not matches_any(other.but, excluded) for excluded in self.but)
            for pattern in other.patterns
        )


def _overlap(one: str, other: str) -> bool:
    return matches(one, other) or matches(other, one)


_TEMPLATES = ("indices:admin/template/*", "indices:admin/index_template/*")
_ALL_CLUSTER = ("cluster:*", *_TEMPLATES)
_SECURITY = "cluster:admin/xpack/security/*"
_ALL_INDEX = ("indices:*", "internal:transport/proxy/indices:*")

CLUSTER: Final[Mapping[str, Privilege]] = {
    "all": Privilege(_ALL_CLUSTER),
    "cancel_task": Privilege(("cluster:admin/tasks/cancel*",)),
    "create_snapshot": Privilege(("cluster:admin/snapshot/create", "cluster:admin/snapshot/status*")),
    "cross_cluster_replication": Privilege(("cluster:internal/remote_cluster/*", "cluster:admin/xpack/ccr/*")),
    "cross_cluster_search": Privilege(("cluster:internal/remote_cluster/*",)),
    "delegate_pki": Privilege(("cluster:admin/xpack/security/delegate_pki",)),
    "grant_api_key": Privilege(("cluster:admin/xpack/security/api_key/grant*",)),
    "manage": Privilege(_ALL_CLUSTER, (_SECURITY,)),
    "manage_api_key": Privilege(("cluster:admin/xpack/security/api_key/*",)),
    "manage_autoscaling": Privilege(("cluster:admin/autoscaling/*",)),
    "manage_ccr": Privilege(("cluster:admin/xpack/ccr/*", "cluster:monitor/state")),
    "manage_data_frame_transforms": Privilege(("cluster:admin/transform/*", "cluster:monitor/transform/*")),
    "manage_enrich": Privilege(("cluster:admin/xpack/enrich/*",)),
    "manage_ilm": Privilege(("cluster:admin/ilm/*",)),
    "manage_index_templates": Privilege((*_TEMPLATES, "cluster:admin/component_template/*")),
    "manage_inference": Privilege(("cluster:admin/xpack/inference/*", "cluster:monitor/xpack/inference*")),
    "manage_ingest_pipelines": Privilege(("cluster:admin/ingest/pipeline/*",)),
    "manage_logstash_pipelines": Privilege(("cluster:admin/logstash/pipeline/*",)),
    "manage_ml": Privilege(("cluster:admin/xpack/ml/*", "cluster:monitor/xpack/ml/*")),
    "manage_oidc": Privilege(("cluster:admin/xpack/security/oidc/*",)),
    # What it grants depends on whose keys are asked for; the service of the keys knows it.
    "manage_own_api_key": Privilege(("cluster:admin/xpack/security/api_key/create",)),
    "manage_pipeline": Privilege(("cluster:admin/ingest/pipeline/*",)),
    "manage_rollup": Privilege(("cluster:admin/xpack/rollup/*", "cluster:monitor/xpack/rollup/*")),
    "manage_saml": Privilege(("cluster:admin/xpack/security/saml/*",)),
    "manage_security": Privilege((_SECURITY,), ("cluster:admin/xpack/security/delegate_pki",)),
    "manage_service_account": Privilege(("cluster:admin/xpack/security/service_account/*",)),
    "manage_slm": Privilege(("cluster:admin/slm/*", "cluster:admin/ilm/start", "cluster:admin/ilm/stop")),
    "manage_token": Privilege(("cluster:admin/xpack/security/token/*",)),
    "manage_transform": Privilege(("cluster:admin/transform/*", "cluster:monitor/transform/*")),
    "manage_user_profile": Privilege(("cluster:admin/xpack/security/profile/*",)),
    "manage_watcher": Privilege(("cluster:admin/xpack/watcher/*", "cluster:monitor/xpack/watcher/*")),
    "monitor": Privilege(
        (
            "cluster:monitor/*",
            "indices:admin/template/get",
            "indices:admin/index_template/get",
            "cluster:admin/component_template/get",
        )
    ),
    "monitor_data_frame_transforms": Privilege(("cluster:monitor/transform/*",)),
    "monitor_inference": Privilege(("cluster:monitor/xpack/inference*",)),
    "monitor_ml": Privilege(("cluster:monitor/xpack/ml/*",)),
    "monitor_rollup": Privilege(("cluster:monitor/xpack/rollup/*",)),
    "monitor_snapshot": Privilege(("cluster:admin/snapshot/status*", "cluster:admin/snapshot/get")),
    "monitor_stats": Privilege(("cluster:monitor/stats*",)),
    "monitor_text_structure": Privilege(("cluster:monitor/text_structure/*",)),
    "monitor_transform": Privilege(("cluster:monitor/transform/*",)),
    "monitor_watcher": Privilege(("cluster:monitor/xpack/watcher/*",)),
    "none": Privilege(()),
    "read_ccr": Privilege(("cluster:monitor/state",)),
    "read_ilm": Privilege(("cluster:admin/ilm/get", "cluster:admin/ilm/operation_mode/get")),
    "read_pipeline": Privilege(("cluster:admin/ingest/pipeline/get", "cluster:admin/ingest/pipeline/simulate")),
    "read_security": Privilege(
        (
            "cluster:admin/xpack/security/api_key/get",
            "cluster:admin/xpack/security/api_key/query",
            "cluster:admin/xpack/security/privilege/builtin/get",
            "cluster:admin/xpack/security/privilege/get",
            "cluster:admin/xpack/security/role/get",
            "cluster:admin/xpack/security/user/get",
            "cluster:admin/xpack/security/user/has_privileges",
            "cluster:admin/xpack/security/user/list_privileges",
        )
    ),
    "read_slm": Privilege(("cluster:admin/slm/get", "cluster:admin/ilm/operation_mode/get")),
    "transport_client": Privilege(("cluster:monitor/nodes/liveness", "cluster:monitor/state")),
}

INDEX: Final[Mapping[str, Privilege]] = {
    "all": Privilege(_ALL_INDEX),
    "auto_configure": Privilege(("indices:admin/mapping/auto_put", "indices:admin/auto_create")),
    "create": Privilege(("indices:data/write/index*", "indices:data/write/bulk*")),
    "create_doc": Privilege(
        (
            "indices:data/write/index",
            "indices:data/write/index[*",
            "indices:data/write/index:op_type/create",
            "indices:data/write/bulk*",
        )
    ),
    "create_index": Privilege(
        ("indices:admin/create", "indices:admin/auto_create", "indices:admin/data_stream/create")
    ),
    "cross_cluster_replication": Privilege(("indices:monitor/stats", "indices:data/read/xpack/ccr/shard_changes")),
    "cross_cluster_replication_internal": Privilege(("indices:internal/admin/ccr/*",)),
    "delete": Privilege(("indices:data/write/delete*", "indices:data/write/bulk*")),
    "delete_index": Privilege(("indices:admin/delete", "indices:admin/data_stream/delete")),
    "index": Privilege(("indices:data/write/index*", "indices:data/write/bulk*", "indices:data/write/update*")),
    "maintenance": Privilege(
        ("indices:admin/refresh*", "indices:admin/flush*", "indices:admin/synced_flush", "indices:admin/forcemerge*")
    ),
    "manage": Privilege(("indices:monitor/*", "indices:admin/*", "indices:data/read/field_caps*")),
    "manage_data_stream_lifecycle": Privilege(("indices:admin/data_stream/lifecycle/*",)),
    "manage_follow_index": Privilege(("indices:admin/xpack/ccr/*", "indices:admin/close*", "indices:admin/rollover")),
    "manage_ilm": Privilege(("indices:admin/ilm/*",)),
    "manage_leader_index": Privilege(("indices:admin/xpack/ccr/forget_follower*",)),
    "monitor": Privilege(("indices:monitor/*",)),
    "none": Privilege(()),
    "read": Privilege(("indices:data/read/*",)),
    "read_cross_cluster": Privilege(
        ("internal:transport/proxy/indices:data/read/*", "indices:admin/shards/search_shards")
    ),
    "view_index_metadata": Privilege(
        (
            "indices:admin/aliases/get",
            "indices:admin/data_stream/get",
            "indices:admin/get",
            "indices:admin/mappings/fields/get*",
            "indices:admin/mappings/get",
            "indices:admin/resolve/index",
            "indices:admin/shards/search_shards",
            "indices:admin/validate/query*",
            "indices:data/read/field_caps*",
            "indices:monitor/settings/get",
        )
    ),
    "write": Privilege(("indices:data/write/*", "indices:admin/mapping/auto_put")),
}


def is_cluster_action(action: str) -> bool:
    """Return whether an action is about the cluster, and not about indices."""
    return matches_any(_ALL_CLUSTER, action)


def cluster_privilege(name: str) -> Privilege:
    """Return the cluster privilege of a name, or the one that grants the actions that begin with a text.

    Raises:
        SecurityValidationError: there is none.
    """
    return _named(name, "cluster", CLUSTER, _ALL_CLUSTER)


def index_privilege(name: str) -> Privilege:
    """Return the index privilege of a name, or the one that grants the actions that begin with a text.

    Raises:
        SecurityValidationError: there is none.
    """
    return _named(name, "index", INDEX, _ALL_INDEX)


def granting(action: str) -> list[str]:
    """Return the names of the privileges that grant an action, those that grant least first."""
    table = CLUSTER if is_cluster_action(action) else INDEX
    order = _by_power("cluster" if is_cluster_action(action) else "index")
    return [name for name in order if name != "manage_own_api_key" and table[name].grants(action)]


@cache
def _by_power(kind: str) -> Sequence[str]:
    table = CLUSTER if kind == "cluster" else INDEX
    implied = {
        name: sum(privilege.implies(other) for key, other in table.items() if key != name)
        for name, privilege in table.items()
    }
    return sorted(table, key=lambda name: (implied[name], name))


def _named(name: str, kind: str, table: Mapping[str, Privilege], actions: tuple[str, ...]) -> Privilege:
    name = name.lower()
    found = table.get(name)
    if found is not None:
        return found
    if matches_any(actions, name):
        return Privilege((f"{name}*",))
    predefined = {
        "cluster": f"one of the predefined cluster privilege names [{','.join(_by_power(kind))}] or a pattern over one "
        "of the available cluster actions",
        "index": f"one of the predefined fixed indices privileges [{','.join(_by_power(kind))}] or a pattern over one "
        "of the available index actions",
    }
    raise SecurityValidationError(f"unknown {kind} privilege [{name}]. a privilege must be either {predefined[kind]}")
