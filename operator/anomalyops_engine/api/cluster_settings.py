"""Endpoints of the settings of the cluster."""

from __future__ import annotations

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import WAITING, known
from anomalyops_engine.jobs import JobService


class SettingsEndpoints:
    """Handlers of `_cluster/settings`."""

    def __init__(self, service: JobService) -> None:
        self._settings = service.cluster_settings

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        flat = known(["flat_settings"], idle=(*WAITING, "include_defaults"))
        return [
            Endpoint("GET", "/_cluster/settings", Lane.STATE, self.get, flat),
            Endpoint("PUT", "/_cluster/settings", Lane.MANAGEMENT, self.put, known(["flat_settings"], idle=WAITING)),
        ]

    def get(self, call: Call) -> Response:
        """`GET /_cluster/settings`."""
        return call.respond(self._settings.get(flat=call.flag("flat_settings", default=False)))

    def put(self, call: Call) -> Response:
        """`PUT /_cluster/settings`."""
        body = call.json(required=True)
        return call.respond(self._settings.put(body, flat=call.flag("flat_settings", default=False)))
