"""Roles: what a request may say of one, how it shows, and those that are always there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.security.errors import SecurityUnsupportedError, SecurityValidationError, invalid
from anomalyops_engine.security.privileges import Privilege, cluster_privilege, index_privilege
from anomalyops_engine.store.catalog import RESTRICTED
from anomalyops_engine.store.patterns import matches_any

_NAME = re.compile(r"[!-~]([ -~]{0,505}[!-~])?")
# The one regular expression of the roles that are always there: whatever is no internal index.
_ORDINARY: Final = "/~(([.]|ilm-history-).*)/"
_FIELDS = ("cluster", "indices", "applications", "run_as", "metadata", "transient_metadata", "description")
# Of roles that reach other clusters and single fields or documents, which nothing here can hold to.
_UNSUPPORTED = ("global", "remote_indices", "remote_cluster", "restriction", "workflows")


@dataclass(frozen=True, slots=True)
class IndexGrant:
    """Privileges on the indices whose names match.

    Attributes:
        names: names and patterns.
        privileges: names of privileges.
        restricted: restricted indices too, which names and patterns do not reach alone.
    """

    names: tuple[str, ...]
    privileges: tuple[str, ...]
    restricted: bool = False

    def grants(self, action: str, name: str) -> bool:
        """Return whether it grants an action on an index or alias of a name."""
        return self.covers(name) and any(index_privilege(own).grants(action) for own in self.privileges)

    def covers(self, name: str) -> bool:
        """Return whether it is about an index or alias of a name, or all that a pattern can stand for."""
        return _covered(self.names, name) and (self.restricted or name not in RESTRICTED)

    def show(self) -> JsonObject:
        """Return it as answers show it."""
        return {
            "names": list(self.names),
            "privileges": list(self.privileges),
            "allow_restricted_indices": self.restricted,
        }


@dataclass(frozen=True, slots=True)
class ApplicationGrant:
    """Privileges of another application, which the engine only keeps and tells of."""

    application: str
    privileges: tuple[str, ...]
    resources: tuple[str, ...]

    def show(self) -> JsonObject:
        """Return it as answers show it."""
        return {
            "application": self.application,
            "privileges": list(self.privileges),
            "resources": list(self.resources),
        }


@dataclass(frozen=True, slots=True)
class Role:
    """What some users may do."""

    cluster: tuple[str, ...] = ()
    indices: tuple[IndexGrant, ...] = ()
    applications: tuple[ApplicationGrant, ...] = ()
    run_as: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    description: str | None = None

    def grants_cluster(self, action: str) -> bool:
        """Return whether it grants an action on the cluster."""
        return any(cluster_privilege(name).grants(action) for name in self.cluster)

    def implies_cluster(self, privilege: Privilege) -> bool:
        """Return whether it grants all that a cluster privilege does."""
        return any(cluster_privilege(name).implies(privilege) for name in self.cluster)

    def implies_index(self, privilege: Privilege, names: str) -> bool:
        """Return whether it grants all that an index privilege does on whatever a name or pattern means."""
        own = [index_privilege(p) for grant in self.indices if grant.covers(names) for p in grant.privileges]
        return Privilege(tuple(pattern for one in own for pattern in one.patterns)).implies(privilege)

    def implies_application(self, application: str, privilege: str, resource: str) -> bool:
        """Return whether it grants a privilege of another application."""
        return any(
            matches_any([grant.application], application)
            and matches_any(grant.privileges, privilege)
            and matches_any(grant.resources, resource)
            for grant in self.applications
        )

    def show(self) -> JsonObject:
        """Return it as answers show it."""
        body: JsonObject = {
            "cluster": list(self.cluster),
            "indices": [grant.show() for grant in self.indices],
            "applications": [grant.show() for grant in self.applications],
            "run_as": list(self.run_as),
            "metadata": dict(self.metadata),
            "transient_metadata": {"enabled": True},
        }
        return body if self.description is None else {**body, "description": self.description}


def parse_role(body: object, where: str = "role") -> Role:
    """Return the role of a request.

    Args:
        body: what was sent.
        where: how errors call it.

    Raises:
        SecurityValidationError: it cannot be read, or names an unknown privilege.
        SecurityUnsupportedError: it asks for what this engine cannot hold to.
    """
    if not isinstance(body, dict):
        raise SecurityValidationError(f"failed to parse [{where}]. expected an object")
    for name in body:
        if name in _UNSUPPORTED and body[name]:
            raise SecurityUnsupportedError(f"[{name}] of a role is not supported by this engine")
        if name not in (*_FIELDS, *_UNSUPPORTED, "index"):
            raise SecurityValidationError(f"failed to parse [{where}]. unexpected field [{name}]")
    metadata, description = body.get("metadata") or {}, body.get("description")
    if not isinstance(metadata, dict) or not isinstance(description, str | None):
        raise SecurityValidationError(f"failed to parse [{where}]. [metadata] is an object, [description] is text")
    if any(key.startswith("_") for key in metadata):
        raise invalid(f"{where} metadata keys may not start with [_]")
    run_as = _texts(body, "run_as", where)
    if run_as:
        raise SecurityUnsupportedError("[run_as] of a role is not supported by this engine")
    cluster = _texts(body, "cluster", where)
    for name in cluster:
        cluster_privilege(name)
    indices = tuple(
        _index_grant(grant, where) for grant in _list(body, "indices" if "indices" in body else "index", where)
    )
    applications = tuple(_application_grant(grant, where) for grant in _list(body, "applications", where))
    return Role(cluster, indices, applications, (), metadata, description)


def _covered(names: Iterable[str], name: str) -> bool:
    """Return whether names and patterns cover a name, or all that a pattern can stand for."""
    ordinary = not name.startswith((".", "ilm-history-", "*"))
    return matches_any(names, name) or (ordinary and _ORDINARY in names)


def check_name(name: str, what: str) -> None:
    """Refuse a name of a user or role that Elasticsearch does not take.

    Raises:
        SecurityValidationError: it is none.
    """
    if not _NAME.fullmatch(name):
        raise invalid(
            f"{what} names must be at least 1 and no more than 507 characters. They can contain alphanumeric "
            "characters (a-z, A-Z, 0-9), spaces, punctuation, and printable symbols in the Basic Latin (ASCII) "
            "block. Leading or trailing whitespace is not allowed."
        )


def _index_grant(body: object, where: str) -> IndexGrant:
    if not isinstance(body, dict):
        raise SecurityValidationError(f"failed to parse indices privileges for {where}. expected an object")
    for name in ("query", "field_security", "except"):
        if body.get(name):
            raise SecurityUnsupportedError(
                f"[{name}] of index privileges is not supported by this engine: a role reaches whole indices"
            )
    unknown = body.keys() - {"names", "privileges", "allow_restricted_indices", "query", "field_security", "except"}
    if unknown:
        raise SecurityValidationError(
            f"failed to parse indices privileges for {where}. unexpected field {sorted(unknown)}"
        )
    names, privileges = _texts(body, "names", where), _texts(body, "privileges", where)
    if not names or not privileges:
        raise SecurityValidationError(
            f"failed to parse indices privileges for {where}. missing required "
            f"[{'names' if not names else 'privileges'}] field"
        )
    for name in names:
        if name != _ORDINARY and (name.startswith("/") or "?" in name):
            raise SecurityUnsupportedError(f"index name [{name}] of a role: only [*] is supported by this engine")
    for name in privileges:
        index_privilege(name)
    restricted = body.get("allow_restricted_indices", False)
    if not isinstance(restricted, bool):
        raise SecurityValidationError("[allow_restricted_indices] must be a boolean")
    return IndexGrant(names, privileges, restricted)


def _application_grant(body: object, where: str) -> ApplicationGrant:
    if not isinstance(body, dict) or not isinstance(body.get("application"), str):
        raise SecurityValidationError(f"failed to parse application privileges for {where}. missing [application]")
    privileges, resources = _texts(body, "privileges", where), _texts(body, "resources", where)
    if body.keys() - {"application", "privileges", "resources"} or not privileges or not resources:
        raise SecurityValidationError(
            f"failed to parse application privileges for {where}. [application], [privileges] and [resources] are "
            "required"
        )
    return ApplicationGrant(body["application"], privileges, resources)


def _list(body: Mapping[str, Any], name: str, where: str) -> list[Any]:
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise SecurityValidationError(f"failed to parse [{where}]. expected field [{name}] value to be an array")
    return value


def _texts(body: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    value = body.get(name)
    values = [value] if isinstance(value, str) else _list(body, name, where)
    if not all(isinstance(text, str) and text for text in values):
        raise SecurityValidationError(f"failed to parse [{where}]. expected field [{name}] to be a list of texts")
    return tuple(values)


_KIBANA_ML = (ApplicationGrant("kibana-*", ("reserved_ml",), ("*",)),)
_READ_RESULTS = ("view_index_metadata", "read")


def _reserved(
    description: str,
    cluster: Iterable[str] = (),
    indices: Iterable[IndexGrant] = (),
    applications: Iterable[ApplicationGrant] = (),
    run_as: Iterable[str] = (),
) -> Role:
    return Role(tuple(cluster), tuple(indices), tuple(applications), tuple(run_as), {"_reserved": True}, description)


RESERVED: Final[Mapping[str, Role]] = {
    "superuser": _reserved(
        "Grants full access to cluster management and data indices. This role also grants direct read-only access to "
        "restricted indices like .security. A user with the superuser role can impersonate any other user in the "
        "system.",
        ["all"],
        [
            IndexGrant(("*",), ("all",)),
            IndexGrant(("*",), ("monitor", "read", "view_index_metadata", "read_cross_cluster"), restricted=True),
        ],
        [ApplicationGrant("*", ("*",), ("*",))],
        ["*"],
    ),
    "viewer": _reserved(
        "Grants read-only access to all features in Kibana (including Solutions) and to data indices.",
        [],
        [
            IndexGrant((".lists-*", ".items-*", ".alerts*", ".internal.alerts*"), ("read", "view_index_metadata")),
            IndexGrant((_ORDINARY,), ("read", "view_index_metadata")),
        ],
        [ApplicationGrant("kibana-.kibana", ("read",), ("*",))],
    ),
    "editor": _reserved(
        "Grants full access to all features in Kibana (including Solutions) and read-only access to data indices.",
        [],
        [
            IndexGrant((_ORDINARY,), ("read", "view_index_metadata")),
            IndexGrant(("observability-annotations",), ("read", "view_index_metadata", "write")),
        ],
        [ApplicationGrant("kibana-.kibana", ("all",), ("*",))],
    ),
    "monitoring_user": _reserved(
        "Grants the minimum privileges required for any user of X-Pack monitoring other than those required to use "
        "Kibana.",
        ["cluster:monitor/main", "cluster:monitor/xpack/info", "cluster:monitor/remote/info"],
        [IndexGrant((".monitoring-*",), ("read", "read_cross_cluster"))],
        [ApplicationGrant("kibana-*", ("reserved_monitoring",), ("*",))],
    ),
    "remote_monitoring_collector": _reserved(
        "Grants the privileges required to collect monitoring data.",
        ["monitor"],
        [IndexGrant(("*",), ("monitor",), restricted=True), IndexGrant((".kibana*",), ("read",))],
    ),
    "machine_learning_user": _reserved(
        "Grants the minimum privileges required to view machine learning configuration, status, and work with results.",
        ["monitor_ml"],
        [
            IndexGrant((".ml-anomalies*", ".ml-notifications*"), _READ_RESULTS),
            IndexGrant((".ml-annotations*",), (*_READ_RESULTS, "write")),
        ],
        _KIBANA_ML,
    ),
    "machine_learning_admin": _reserved(
        "Provides all of the privileges of the machine_learning_user role, plus the full use of the machine learning "
        "APIs.",
        ["manage_ml"],
        [
            IndexGrant(
                (".ml-anomalies*", ".ml-notifications*", ".ml-state*", ".ml-meta*", ".ml-stats-*"), _READ_RESULTS
            ),
            IndexGrant((".ml-annotations*",), (*_READ_RESULTS, "write")),
        ],
        _KIBANA_ML,
    ),
}
