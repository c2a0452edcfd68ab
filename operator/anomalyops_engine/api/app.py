"""The application: all routes, and how errors become answers."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from anomalyops_engine.api import (
    aliases,
    analyze,
    cat,
    cat_cluster,
    cluster_state,
    data_streams,
    documents,
    esql,
    explain,
    field_caps,
    field_mapping,
    health_report,
    index_templates,
    indices,
    info,
    legacy_templates,
    maintenance,
    metrics,
    ml_routes,
    multi_get,
    multi_search,
    nodes,
    opening,
    scroll,
    search,
    text_structure,
    validation,
)
from anomalyops_engine.api.activity import Activity
from anomalyops_engine.api.call import render
from anomalyops_engine.api.cluster import ClusterEndpoints
from anomalyops_engine.api.credentials import Doorkeeper, from_security
from anomalyops_engine.api.errors import ApiError, from_lower_layer, not_supported
from anomalyops_engine.api.index_stats import IndexStats
from anomalyops_engine.api.inflight import InFlight
from anomalyops_engine.api.instruments import Instruments
from anomalyops_engine.api.lanes import Lanes
from anomalyops_engine.api.middleware import ExchangeMiddleware
from anomalyops_engine.api.pieces import PiecesMiddleware
from anomalyops_engine.api.search_contexts import SearchContexts
from anomalyops_engine.api.security import SecurityEndpoints
from anomalyops_engine.jobs import JobService, MlError
from anomalyops_engine.query import QueryError
from anomalyops_engine.security import SecurityError, SecurityService
from anomalyops_engine.store import BrokenStoreError, DatabaseError, Store, StoreError, database_trouble

_log = logging.getLogger(__name__)


def create_app(
    store: Store,
    jobs: JobService,
    security: SecurityService | None = None,
    *,
    max_bytes_in_flight: int | None = None,
    allowed_hosts: Collection[str] = (),
) -> Starlette:
    """Return the ASGI application over a store and its jobs.

    The jobs are started with the application and stopped with it; the store stays open.

    Args:
        store: documents and states.
        jobs: what runs on them.
        security: who may do what; None for an engine without authentication.
        max_bytes_in_flight: of all bodies together; None for a part of the memory.
        allowed_hosts: names beside the loopback ones under which the engine may be asked.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await run_in_threadpool(jobs.start)
        try:
            yield
        finally:
            await run_in_threadpool(contexts.close)
            await run_in_threadpool(jobs.stop)

    security = security or SecurityService(store, open_to_all=True)
    contexts = SearchContexts(store)
    lanes, in_flight, instruments = Lanes(), InFlight(max_bytes_in_flight), Instruments()
    metrics.register(instruments.registry, metrics.EngineCollector(store, jobs, lanes, in_flight))
    activity = Activity()
    endpoints = [
        *SecurityEndpoints(security).endpoints(),
        *ClusterEndpoints(jobs, store, secured=security.enabled).endpoints(),
        *ml_routes.endpoints(jobs),
        *info.endpoints(store),
        *search.endpoints(store, contexts, activity),
        *explain.endpoints(store),
        *validation.endpoints(store),
        *scroll.endpoints(contexts, activity),
        *documents.endpoints(store, activity),
        *esql.endpoints(store),
        *multi_get.endpoints(store, activity),
        *multi_search.endpoints(store, activity),
        *cat.endpoints(store),
        *cat_cluster.endpoints(store, jobs),
        *cluster_state.endpoints(store, jobs),
        *nodes.endpoints(store, jobs),
        *maintenance.endpoints(store),
        *data_streams.endpoints(store),
        *aliases.endpoints(store),
        *field_mapping.endpoints(store),
        *IndexStats(store, contexts, activity).endpoints(),
        *index_templates.endpoints(store),
        *legacy_templates.endpoints(store),
        *indices.endpoints(store),
        *opening.endpoints(store, jobs),
        *field_caps.endpoints(store),
        *analyze.endpoints(store),
        *text_structure.endpoints(),
        *metrics.endpoints(instruments.registry),
        *health_report.endpoints(store, jobs),
    ]
    routes: list[BaseRoute] = [
        *(endpoint.route() for endpoint in endpoints),
        Route("/{path:path}", _unknown, methods=["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]),
    ]
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[
            Middleware(PiecesMiddleware),
            Middleware(
                ExchangeMiddleware,
                doorkeeper=Doorkeeper(security),
                max_body_bytes=jobs.cluster_settings.body_bytes,
                in_flight=in_flight,
                instruments=instruments,
                allowed_hosts=allowed_hosts,
            ),
        ],
        exception_handlers={
            ApiError: _on_api_error,
            StoreError: _on_lower_error,
            QueryError: _on_lower_error,
            MlError: _on_lower_error,
            SecurityError: _on_security_error,
            DatabaseError: _on_database_error,
            HTTPException: _on_http_error,
        },
    )
    # `/a` and `/a/` are different requests; a redirect would make clients repeat bodies.
    app.router.redirect_slashes = False
    app.state.lanes = lanes
    app.state.cluster_settings = jobs.cluster_settings
    app.state.metrics = instruments.registry
    app.state.endpoints = tuple(endpoints)
    return app


async def _unknown(request: Request) -> Response:
    if request.method == "HEAD" and any(_reads(route, request.url.path) for route in request.app.routes):
        raise HTTPException(405)
    raise not_supported(f"[{request.method} {request.url.path}] is not supported by this engine")


def _reads(route: BaseRoute, path: str) -> bool:
    """Return whether a route answers GET on a path, but not HEAD."""
    if not isinstance(route, Route) or route.methods is None or {"GET", "HEAD"} & route.methods != {"GET"}:
        return False
    return route.path_regex.match(path) is not None


async def _on_api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 (registered for this class)
    return _answer(request, error)


async def _on_lower_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, StoreError | QueryError | MlError)  # noqa: S101 (registered for these classes)
    return _answer(request, from_lower_layer(error))


async def _on_database_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DatabaseError)  # noqa: S101 (registered for this class)
    trouble = database_trouble(error)
    if trouble is None:
        raise error
    if isinstance(trouble, BrokenStoreError):
        _log.critical("the database has given up; start the engine again: %s", trouble)
    return _answer(request, from_lower_layer(trouble))


async def _on_security_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, SecurityError)  # noqa: S101 (registered for this class)
    return _answer(request, from_security(error))


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for this class)
    reason = f"Incorrect HTTP method for uri [{request.url.path}] and method [{request.method}]"
    if error.status_code != 405:
        reason = str(error.detail)
    return _answer(request, ApiError(error.status_code, "status_exception", reason))


def _answer(request: Request, error: ApiError) -> Response:
    request.scope["anomalyops.rendered"] = True
    return render(request, error.body(), error.status)
