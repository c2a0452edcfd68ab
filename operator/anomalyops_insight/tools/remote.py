"""Remote clusters that datafeeds read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from anomalyops_insight.emptiness import Empty, Reason
from anomalyops_insight.errors import RefusedError
from anomalyops_insight.programs import Program, call
from anomalyops_insight.query import Pattern
from anomalyops_insight.tools.configuration import Configured, configurations, no_job
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.tool import Found, Parameters, Row, Texts


class RemoteParameters(Parameters):
    """Parameters of `ad_ts_ccs_diagnostics`."""

    job_id_pattern: str = Field(default="*", description="Job ids: exact, or patterns with *, comma separated.")


class Remote(Row):
    """A remote cluster that a job's datafeed reads."""

    job_id: str
    cluster: str
    indices: Texts
    connected: bool | None
    nodes_connected: int | None
    skip_unavailable: bool | None
    error: str | None


@tool(
    "ad_ts_ccs_diagnostics",
    category="Jobs and datafeeds",
    when="When a datafeed reads cluster:index and gets nothing: are the remote clusters known and connected.",
    parameters=RemoteParameters,
    row=Remote,
    example={"job_id_pattern": "web-*"},
)
def ccs_diagnostics(parameters: RemoteParameters) -> Program[Found[Remote]]:
    """Remote clusters by job."""
    pattern = Pattern.read(parameters.job_id_pattern, what="job_id_pattern")
    found = yield from configurations(pattern)
    if not found:
        return Found((), empty=(yield from no_job(pattern)))
    reading = [(config, cluster) for config in found for cluster in remote_clusters(config)]
    if not reading:
        message = f"none of the {len(found)} jobs reads a remote cluster"
        return Found((), empty=Empty(Reason.NOTHING_ABOVE_THRESHOLD, message))
    notes: tuple[str, ...] = ()
    known: Mapping[str, Any] = {}
    try:
        known = yield from call("GET", "/_remote/info")
    except RefusedError as error:
        notes = (f"remote clusters are not known: {error.reason}",)
    rows = tuple(_row(config, cluster, known, told=not notes) for config, cluster in reading)
    return Found(rows, notes=notes)


def remote_clusters(config: Configured) -> tuple[str, ...]:
    """The remote clusters of a datafeed's indices, each once."""
    return tuple(dict.fromkeys(name.partition(":")[0] for name in config.indices if ":" in name))


def _row(config: Configured, cluster: str, known: Mapping[str, Any], *, told: bool) -> Remote:
    info = known.get(cluster)
    missing = told and info is None and "*" not in cluster
    return Remote(
        job_id=config.job_id,
        cluster=cluster,
        indices=tuple(name for name in config.indices if name.partition(":")[0] == cluster and ":" in name),
        connected=False if missing else None if info is None else bool(info.get("connected")),
        nodes_connected=None if info is None else info.get("num_nodes_connected"),
        skip_unavailable=None if info is None else info.get("skip_unavailable"),
        error="no remote cluster has that name" if missing else None,
    )
