"""Endpoints of filter lists."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.ml_call import Parameters
from anomalyops_engine.api.parameters import known
from anomalyops_engine.jobs import JobService
from anomalyops_engine.jobs.paging import Page

_BASE: Final = "/_ml/filters"


class FilterEndpoints:
    """Handlers under `/_ml/filters`."""

    def __init__(self, service: JobService) -> None:
        self._filters = service.filters

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        listed = known(["from", "size"])
        one = _BASE + "/{filter_id}"
        return [
            Endpoint("GET", _BASE, Lane.STATE, self.get, listed),
            Endpoint("GET", _BASE + "/", Lane.STATE, self.get, listed),
            Endpoint("POST", one + "/_update", Lane.MANAGEMENT, self.update),
            Endpoint("GET", one, Lane.STATE, self.get, listed),
            Endpoint("PUT", one, Lane.MANAGEMENT, self.create),
            Endpoint("DELETE", one, Lane.MANAGEMENT, self.delete),
        ]

    def create(self, call: Call) -> Response:
        """`PUT /{filter_id}`."""
        return call.respond(self._filters.create(call.path["filter_id"], call.json(required=True)))

    def get(self, call: Call) -> Response:
        """`GET /[{filter_id}]`."""
        page = Page(*Parameters(call).page())
        return call.respond(self._filters.get(call.path.get("filter_id", "_all"), page))

    def update(self, call: Call) -> Response:
        """`POST /{filter_id}/_update`."""
        return call.respond(self._filters.update(call.path["filter_id"], call.json(required=True)))

    def delete(self, call: Call) -> Response:
        """`DELETE /{filter_id}`."""
        self._filters.delete(call.path["filter_id"])
        return call.respond({"acknowledged": True})
