"""An endpoint: where it is, what it takes, and the handler that answers in a worker thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

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

# Deletions that say in a body what they are about, by the ends of their paths; no other one has a body.
_DELETIONS_WITH_BODY: Final = (
    *("/_pit", "/_search/scroll", "/_search/scroll/{scroll_id}", "/_security/api_key", "/_delete_expired_data"),
    "/_delete_expired_data/{job_id}",
)
# What else changes something and has no body.
_BODILESS: Final = (
    *("/_enable", "/_disable", "/set_upgrade_mode", "/_upgrade", "/calendars/{calendar_id}/jobs/{job_id}", "/_reset"),
    *("/{index}/_open", "/{index}/_close", "/_block/{block}", "/_data_stream/{name}"),
)
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

    def _handled(self, call: Call) -> Response:
        """Return what the handler answers, or refuse a body that it has no use for.

        Raises:
            ApiError: 400 for such a body; what changes something is not done then.
        """
        changes = call.request.method not in {"GET", "HEAD"}
        if changes and not self._takes_body(call.request.method):
            call.refuse_body()
        answer = self.handler(call)
        if not call.reads_body:
            call.refuse_body()
        return answer

    def _takes_body(self, method: str) -> bool:
        if method == "DELETE":
            return self.path.endswith(_DELETIONS_WITH_BODY)
        return not self.path.endswith(_BODILESS)

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
                return self._handled(Call(request, body, interruption))

        return await lanes.run(self.lane, request, work)
