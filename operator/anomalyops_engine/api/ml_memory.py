"""Endpoint of the memory that models take."""

from __future__ import annotations

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import WAITING, known
from anomalyops_engine.jobs import JobService


class MemoryEndpoints:
    """Handlers under `/_ml/memory`."""

    def __init__(self, service: JobService) -> None:
        self._service = service

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints."""
        waiting = known(idle=WAITING)
        return [
            Endpoint("GET", "/_ml/memory/_stats", Lane.STATE, self.stats, waiting),
            Endpoint("GET", "/_ml/memory/{node_id}/_stats", Lane.STATE, self.stats, waiting),
        ]

    def stats(self, call: Call) -> Response:
        """`GET /[{node_id}/]_stats`."""
        return call.respond(self._service.memory_stats(call.path.get("node_id", "_all")))
