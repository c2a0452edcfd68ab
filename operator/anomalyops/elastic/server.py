"""What a server is and what it can do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from anomalyops.elastic.errors import GatewayError
from anomalyops.elastic.privileges import missing_privileges
from anomalyops.elastic.rest import Rest

JsonDict = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """What a server is and what it can do.

    Attributes:
        version: For example `8.19.3`.
        cluster_name: As the server calls itself.
        cluster_uuid: Identity of the cluster, empty when unknown.
        license_type: `trial`, `platinum`, `basic`, ...; empty when the server does not say.
        license_status: `active` or `expired`; empty when the server does not say.
        license_expires_ms: Milliseconds since the epoch, None for never or unknown.
        ml_licensed: The licence covers machine learning, as far as the server tells.
        ml_available: The machine learning endpoints answer.
        ml_problem: Why they do not, in the server's words.
        upgrade_mode: `set_upgrade_mode` is on: states are frozen.
        max_model_memory_limit: The largest `model_memory_limit` that the server accepts, None for no limit.
        ml_memory: The memory of all machine learning nodes for models; None when the server does not say.
        ml_largest_limit: The largest `model_memory_limit` that fits on a node; likewise.
        ml_processors: The processors of all machine learning nodes; likewise.
        missing_privileges: What the credentials lack of the minimal role, in words.
    """

    version: str
    cluster_name: str
    cluster_uuid: str
    license_type: str = ""
    license_status: str = ""
    license_expires_ms: int | None = None
    ml_licensed: bool = True
    ml_available: bool = True
    ml_problem: str = ""
    upgrade_mode: bool = False
    max_model_memory_limit: str | None = None
    ml_memory: str | None = None
    ml_largest_limit: str | None = None
    ml_processors: int | None = None
    missing_privileges: tuple[str, ...] = ()


async def server_info(rest: Rest) -> ServerInfo:
    """Version, licence and machine learning availability of a server, and what the credentials lack: four calls.

    Raises:
        GatewayError: The server itself does not answer; a lacking licence or ML is part of the result.
    """
    root = await rest.read("GET", "/")
    xpack, ml, lacking = await asyncio.gather(_xpack(rest), _ml_info(rest), missing_privileges(rest))
    ml_info, problem = ml
    limits = ml_info.get("limits", {})
    processors = limits.get("total_ml_processors")
    license_ = xpack.get("license") or {}
    expiry = license_.get("expiry_date_in_millis")
    return ServerInfo(
        version=str(root.get("version", {}).get("number", "")),
        cluster_name=str(root.get("cluster_name", "")),
        cluster_uuid=str(root.get("cluster_uuid", "")),
        license_type=str(license_.get("type", "")),
        license_status=str(license_.get("status", "")),
        license_expires_ms=int(expiry) if expiry is not None else None,
        ml_licensed=bool(xpack.get("features", {}).get("ml", {}).get("available", True)),
        ml_available=not problem,
        ml_problem=problem,
        upgrade_mode=bool(ml_info.get("upgrade_mode", False)),
        max_model_memory_limit=limits.get("max_model_memory_limit"),
        ml_memory=limits.get("total_ml_memory"),
        ml_largest_limit=limits.get("effective_max_model_memory_limit"),
        ml_processors=None if processors is None else int(processors),
        missing_privileges=lacking,
    )


async def _xpack(rest: Rest) -> JsonDict:
    """Licence and features, empty where the server has none to show or does not show them to us."""
    try:
        return await rest.read("GET", "/_xpack", query={"categories": "license,features"})
    except GatewayError as error:
        if error.transient or error.connection:
            raise
        return {}


async def _ml_info(rest: Rest) -> tuple[JsonDict, str]:
    try:
        return await rest.read("GET", "/_ml/info"), ""
    except GatewayError as error:
        if error.transient or error.status in (None, 401):
            raise
        return {}, error.reason
