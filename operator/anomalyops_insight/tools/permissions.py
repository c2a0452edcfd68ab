"""What this user may read: missing privileges are the most common reason for answers that are empty or misleading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from anomalyops_insight.errors import RefusedError
from anomalyops_insight.programs import Program, call
from anomalyops_insight.query.names import index_expression
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.tool import ANNOTATIONS, CONFIGURATIONS, NOTIFICATIONS, RESULTS, Found, Parameters, Row

_FOR: Mapping[str, str] = {
    RESULTS: "results: records, buckets, influencers, model plot, categories",
    CONFIGURATIONS: "configurations by ES|QL; without it they are read from the API, which needs monitor_ml",
    NOTIFICATIONS: "messages of jobs",
    ANNOTATIONS: "annotations, such as delayed data",
}
_CLUSTER: Mapping[str, str] = {
    "monitor_ml": "states, statistics, configurations and calendars",
    "manage_ml": "changes; reading does without it",
}


class PermissionParameters(Parameters):
    """Parameters of `ad_validate_ml_tool_permissions`."""

    source_index: str | None = Field(default=None, description="Also the privilege to read these indices.")


class Permission(Row):
    """One privilege, and whether this user has it."""

    on: str
    privilege: str
    granted: bool | None
    needed_for: str


@tool(
    "ad_validate_ml_tool_permissions",
    category="Permissions and metadata",
    when="First when an answer is empty or looks wrong: which privileges this user lacks.",
    parameters=PermissionParameters,
    row=Permission,
    example={"source_index": "logs-*"},
)
def validate_permissions(parameters: PermissionParameters) -> Program[Found[Permission]]:
    """Each privilege that the tools need."""
    source = index_expression(parameters.source_index).split(",") if parameters.source_index else []
    needed = dict(_FOR) | dict.fromkeys(source, "source documents as evidence")
    wanted = [{"names": [name], "privileges": ["read", "view_index_metadata"]} for name in needed]
    body = {"cluster": list(_CLUSTER), "index": wanted}
    try:
        answer: Mapping[str, Any] = yield from call("POST", "/_security/user/_has_privileges", body=body)
    except RefusedError as error:
        if not _without_security(error):
            raise
        answer = {}
    rows = [
        Permission(on="cluster", privilege=name, granted=answer.get("cluster", {}).get(name), needed_for=words)
        for name, words in _CLUSTER.items()
    ]
    for name, words in needed.items():
        granted = answer.get("index", {}).get(name, {})
        rows += [
            Permission(on=name, privilege=privilege, granted=granted.get(privilege), needed_for=words)
            for privilege in ("read", "view_index_metadata")
        ]
    return Found(tuple(rows), notes=(_summary(rows, answer),))


def _without_security(error: RefusedError) -> bool:
    """Whether the server knows no privileges: its security is switched off, or it has none."""
    unrouted = "no handler found for uri" in error.reason or "Incorrect HTTP method for uri" in error.reason
    return unrouted or error.status in {404, 405, 410, 501} or "ecurity must be explicitly enabled" in error.reason


def _summary(rows: list[Permission], answer: Mapping[str, Any]) -> str:
    if not answer:
        return "the server has no security, or does not say: everybody may read everything"
    missing = [f"{row.privilege} on {row.on}" for row in rows if row.granted is False and row.privilege != "manage_ml"]
    user = answer.get("username", "this user")
    return f"{user} lacks {', '.join(missing)}" if missing else f"{user} has all that reading needs"
