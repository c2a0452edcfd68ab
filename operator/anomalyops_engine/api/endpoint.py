"""An endpoint: where it is, what it takes, and the handler that answers in a worker thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.credentials import access_of
from anomalyops_engine.api.instruments import CLASS
from anomalyops_engine.api.lanes import Lane, Lanes
from anomalyops_engine.api.parameters import Known
from anomalyops_engine.jobs.cluster_settings import ClusterSettings
from anomalyops_engine.query.limits import limited
from anomalyops_engine.store import Interruption, seeing

Handler = Callable[[Call], Response]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path for some methods.

    Attributes:
        methods: HTTP methods, separated by spaces.
        path: path with its parameters in braces.
        lane: whose threads it uses.
        handler: a plain function, run in a worker thread.
        parameters: the query parameters that it knows; None where a handler refuses everything anyway.
        deprecation: what every answer warns of; None for nothing.
    """

    methods: str
    path: str
    lane: Lane
    handler: Handler
    parameters: Known | None = field(default_factory=Known)
    deprecation: str | None = None

    def route(self) -> Route:
        """Return the route of the application."""
        methods = self.methods.split()
        route = Route(self.path, self._answer, methods=methods)
        # HEAD asks whether something is there; not everything that can be read can be asked for like that.
        if route.methods is not None and "HEAD" not in methods:
            route.methods.discard("HEAD")
        return route

    async def _answer(self, request: Request) -> Response:
        if self.deprecation is not None:
            request.scope["anomalyops.deprecation"] = self.deprecation
        request.scope[CLASS] = self.lane.value
        access = access_of(request, self.path, request.path_params)
        body = await request.body()
        if self.parameters is not None:
            self.parameters.check(request.url.path, dict(request.query_params))
        lanes: Lanes = request.app.state.lanes
        cluster: ClusterSettings = request.app.state.cluster_settings

        def work(interruption: Interruption) -> Response:
            with seeing(access), limited(cluster.limits):
                return self.handler(Call(request, body, interruption))

        return await lanes.run(self.lane, request, work)
