"""The operator process: kopf watches the kinds, and every event is handed to the controllers.

kopf stores nothing on objects here: handlers of raw events need no finalizer, no annotations and no copy of
the last specification. What is remembered is in the status, the server, and the finalizer of our own.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import kopf

from anomalyops.controllers.connection.controller import ConnectionController
from anomalyops.controllers.liveness import UnhealthyError, health
from anomalyops.controllers.pair.controller import PairController
from anomalyops.resources import GROUP, KINDS, VERSION, ElasticsearchConnection
from anomalyops.watching.events import EventRecorder
from anomalyops.watching.kubeapi import KubeApi, KubeApiError, in_cluster
from anomalyops.watching.listing import list_scope, scopes
from anomalyops.watching.objects import Objects, read
from anomalyops.watching.options import Options
from anomalyops.watching.work import Work

logger = logging.getLogger(__name__)

PREFIX = GROUP  # of everything that the operator writes on objects
GRACE = 45.0  # seconds for plans that run when the process is to end


class StartupError(Exception):
    """The operator cannot work in this cluster as it is; the message says what to do."""


def run(options: Options) -> None:
    """Runs the operator until SIGTERM or SIGINT.

    Raises:
        StartupError: the CRDs are missing or the API server cannot be reached.
    """
    settings = kopf_settings()
    operator = _Operator(options)
    endpoint = None
    if options.liveness_port is not None:
        endpoint = f"http://0.0.0.0:{options.liveness_port}/healthz"
    asyncio.run(
        kopf.operator(
            registry=operator.registry(),
            settings=settings,
            standalone=True,
            clusterwide=not options.namespaces,
            namespaces=options.namespaces,
            liveness_endpoint=endpoint,
        )
    )
    if operator.failure is not None:
        raise operator.failure


def kopf_settings() -> kopf.OperatorSettings:
    """The settings of kopf, each with its reason."""
    settings = kopf.OperatorSettings()
    # Handlers of raw events persist nothing; should another sort be added, it must not use kopf's own names. The
    # finalizer is not ours either: kopf takes off the one that it is told of when no handler of its own needs it.
    settings.persistence.finalizer = f"{PREFIX}/handlers"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=PREFIX, v1=False)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=PREFIX, v1=False)
    settings.posting.enabled = False  # Events are written by our own recorder, on transitions only
    settings.networking.request_timeout = 60
    settings.networking.connect_timeout = 10
    # The server ends a watch after ten minutes; one silent for 70 s (no bookmark) is dead and renewed.
    settings.watching.server_timeout = 600
    settings.watching.client_timeout = 610
    settings.watching.connect_timeout = 30
    settings.watching.chunk_size = 500
    # No limit: kopf holds each object's worker until all objects of the first listing have one.
    settings.queueing.worker_limit = None
    settings.queueing.idle_timeout = 1
    settings.peering.standalone = True
    settings.scanning.disabled = True  # no list or watch on namespaces and CRDs: they need rights of their own
    return settings


PLURALS = [kind.plural for kind in KINDS]


class Controllers:
    """All controllers over one store of objects, one queue and one API."""

    def __init__(self, api: KubeApi, options: Options, *, cluster: str, instance: str) -> None:
        self.objects = Objects()
        events = EventRecorder(api, instance=instance)
        self.work = Work(self.objects, api, events, workers=options.workers_per_connection)
        self.connections = ConnectionController(api, self.objects, cluster=cluster, write=self.work.write)
        self.pairs = PairController(self.objects, self.work, self.connections, options)
        self.work.employ(self.connections)
        self.work.employ(self.pairs)

    def listed(self) -> None:
        """The first listing of every kind is complete: the connections are looked at, and reach all pairs."""
        for key in self.objects.of(ElasticsearchConnection):
            self.work.add(self.connections.name, key)


class _Operator:
    """The controllers and their connection to kopf."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.failure: Exception | None = None
        self._api: KubeApi | None = None
        self._controllers: Controllers | None = None

    @property
    def controllers(self) -> Controllers:
        if self._controllers is None:
            raise RuntimeError("kopf called a handler before the startup handler")
        return self._controllers

    def registry(self) -> kopf.OperatorRegistry:
        """Our handlers, and nothing that another module may have registered."""
        registry = kopf.OperatorRegistry()
        kopf.on.startup(registry=registry)(self.start)
        kopf.on.cleanup(registry=registry)(self.stop)
        kopf.on.login(registry=registry)(self.login)
        kopf.on.probe(registry=registry, id="anomalyops")(self.probe)
        for plural in PLURALS:
            kopf.on.event(GROUP, VERSION, plural, registry=registry, id=f"changed-{plural}")(self.changed)
        return registry

    async def start(self, **_: object) -> None:
        """Connects to the API server, makes sure that the kinds exist, and finds out which cluster it is."""
        try:
            self._api = await KubeApi.connect()
            await _require_kinds(self._api)
            cluster = self.options.cluster_id or await _cluster_id(self._api, self.options)
        except Exception as error:
            if self._api is not None:  # without a start there is no cleanup
                await self._api.close()
            self.failure = error if isinstance(error, StartupError) else StartupError(str(error))
            raise kopf.PermanentError(str(error)) from error
        controllers = Controllers(self._api, self.options, cluster=cluster, instance=socket.gethostname())
        # Before any event: what belongs to what is only known of all objects together.
        for scope in scopes(PLURALS, self.options.namespaces):
            for body in (await list_scope(self._api, scope)).objects:
                controllers.objects.put(body)
        controllers.listed()
        self._controllers = controllers
        served = ", ".join(self.options.namespaces) or "all namespaces"
        logger.info("serving %s of cluster %s", served, cluster)

    async def stop(self, **_: object) -> None:
        """Ends what runs; what is left of a plan is done after the next start."""
        if self._controllers is not None:
            await self._controllers.work.stop(grace=GRACE)
        if self._api is not None:
            await self._api.close()

    async def login(self, **kwargs: Any) -> kopf.ConnectionInfo | None:
        """The pod's service account, else the kubeconfig with whatever plugins it names."""
        return kopf.login_with_service_account(**kwargs) if in_cluster() else kopf.login_via_client(**kwargs)

    async def probe(self, **_: object) -> dict[str, Any]:
        """Fails, and with it the health endpoint, when no work is done any more."""
        try:
            return health(self.controllers.work, self.controllers.connections)
        except UnhealthyError as error:
            logger.exception("unhealthy")
            raise kopf.PermanentError(str(error)) from error

    async def changed(self, event: kopf.RawEvent, **_: object) -> None:
        """Every event of the three kinds."""
        body: dict[str, Any] = dict(event["object"])
        if event["type"] == "DELETED":
            self.controllers.work.gone(read(body))
        else:
            await self.controllers.work.changed(body, listed=event["type"] is None)


async def _require_kinds(api: KubeApi) -> None:
    try:
        served = {one["name"] for one in (await api.get(f"/apis/{GROUP}/{VERSION}"))["resources"]}
    except KubeApiError as error:
        if not error.missing:
            raise
        served = set()
    missing = sorted(set(PLURALS) - served)
    if missing:
        raise StartupError(
            f"the API server does not know {', '.join(missing)} of {GROUP}/{VERSION}: apply the CRDs first, "
            "for example with `anomalyops crds | kubectl apply --server-side -f -`"
        )


async def _cluster_id(api: KubeApi, options: Options) -> str:
    """The uid of kube-system, which lives as long as the cluster; else that of the first served namespace."""
    for namespace in ("kube-system", *options.namespaces[:1]):
        try:
            return str((await api.get(f"/api/v1/namespaces/{namespace}"))["metadata"]["uid"])
        except KubeApiError as error:
            if not error.forbidden:
                raise
    raise StartupError("the uid of namespace kube-system cannot be read: grant `get` on it, or give --cluster-id")
