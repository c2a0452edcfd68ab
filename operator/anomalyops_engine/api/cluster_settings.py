"""Endpoints of the settings of the cluster."""

from __future__ import annotations

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import WAITING, boolean, known
from anomalyops_engine.jobs import JobService


class SettingsEndpoints:
    """Handlers of `_cluster/settings`."""

    def __init__(self, service: JobService) -> None:
        self._settings = service.cluster_settings

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        flat = known(["flat_settings", "include_defaults"], idle=WAITING, readers={"include_defaults": boolean})
        return [
            Endpoint("GET", "/_cluster/settings", Lane.STATE, self.get, flat),
            Endpoint("PUT", "/_cluster/settings", Lane.MANAGEMENT, self.put, known(["flat_settings"], idle=WAITING)),
        ]

    def get(self, call: Call) -> Response:
        """`GET /_cluster/settings`."""
        flat, defaults = (call.flag(name, default=False) for name in ("flat_settings", "include_defaults"))
        return call.respond(self._settings.get(flat=flat, defaults=defaults))

    def put(self, call: Call) -> Response:
        """`PUT /_cluster/settings`."""
        body = call.json(required=True)
        return call.respond(self._settings.put(body, flat=call.flag("flat_settings", default=False)))
