"""What a client asks that looks for machine learning: info, licence, features, health."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from anomalyops_engine import __version__
from anomalyops_engine.api.call import Call
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.ml_call import Parameters, ml_endpoint
from anomalyops_engine.jobs import JobService

_LICENSE_UID: Final = "00000000-0000-0000-0000-000000000000"


class ClusterEndpoints:
    """Handlers of `_ml/info`, `_ml/set_upgrade_mode`, `_license`, `_xpack` and `_cluster/health`."""

    def __init__(self, service: JobService) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Return the routes."""
        table = (
            ("GET", "/_ml/info", Lane.STATE, self.info),
            ("POST", "/_ml/set_upgrade_mode", Lane.MANAGEMENT, self.set_upgrade_mode),
            ("GET", "/_license", Lane.STATE, self.license),
            ("GET", "/_xpack", Lane.STATE, self.xpack),
            ("GET", "/_cluster/health", Lane.STATE, self.health),
        )
        return [Route(path, ml_endpoint(handler, lane), methods=[verb]) for verb, path, lane, handler in table]

    def info(self, call: Call) -> Response:
        """`GET /_ml/info`."""
        call.allow()
        return call.respond(self._service.info())

    def set_upgrade_mode(self, call: Call) -> Response:
        """`POST /_ml/set_upgrade_mode`."""
        parameters = Parameters(call, ("enabled", "timeout"))
        self._service.set_upgrade_mode(enabled=parameters.flag("enabled", default=False))
        return call.respond({"acknowledged": True})

    def license(self, call: Call) -> Response:
        """`GET /_license`: the engine has one licence, which never ends and includes machine learning."""
        call.allow(("local", "accept_enterprise"))
        return call.respond(
            {
                "license": {
                    "status": "active",
                    "uid": _LICENSE_UID,
                    "type": "basic",
                    "issue_date": "2025-01-01T00:00:00.000Z",
                    "issue_date_in_millis": 1_735_689_600_000,
                    "max_nodes": 1,
                    "issued_to": "anomalyops",
                    "issuer": "anomalyops",
                    "start_date_in_millis": -1,
                }
            }
        )

    def xpack(self, call: Call) -> Response:
        """`GET /_xpack`: which features are there."""
        call.allow(("categories", "accept_enterprise"))
        return call.respond(
            {
                "build": {"hash": f"anomalyops-{__version__}", "date": "2025-01-01T00:00:00.000Z"},
                "license": {
                    "uid": _LICENSE_UID,
                    "type": "basic",
                    "mode": "basic",
                    "status": "active",
                },
                "features": {
                    "ml": {
                        "available": True,
                        "enabled": True,
                        "native_code_info": {"version": __version__, "build_hash": "anomalyops"},
                    },
                    "security": {"available": False, "enabled": False},
                },
                "tagline": "anomalyops embedded engine",
            }
        )

    def health(self, call: Call) -> Response:
        """`GET /_cluster/health`: one node, which is up when it answers."""
        call.allow(("timeout", "wait_for_status", "wait_for_nodes", "local", "master_timeout", "level"))
        return call.respond(
            {
                "cluster_name": "anomalyops",
                "status": "green",
                "timed_out": False,
                "number_of_nodes": 1,
                "number_of_data_nodes": 1,
                "active_primary_shards": 1,
                "active_shards": 1,
                "relocating_shards": 0,
                "initializing_shards": 0,
                "unassigned_shards": 0,
                "delayed_unassigned_shards": 0,
                "number_of_pending_tasks": 0,
                "number_of_in_flight_fetch": 0,
                "task_max_waiting_in_queue_millis": 0,
                "active_shards_percent_as_number": 100.0,
            }
        )
