"""The operator process: kopf watches the kinds, and every event is handed to the controllers.

kopf stores nothing on objects here: handlers of raw events need no finalizer, no annotations and no copy of
the last specification. What is remembered is in the status, the server, and the finalizer of our own.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import signal
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import kopf

from anomalyops.controllers.connection.controller import ConnectionController
from anomalyops.controllers.endpoints import Endpoints
from anomalyops.controllers.instruments import Instruments
from anomalyops.controllers.pair.controller import PairController
from anomalyops.controllers.requests.forecasts import ForecastController
from anomalyops.controllers.requests.operations import Operations
from anomalyops.controllers.requests.reverts import RevertController
from anomalyops.controllers.shared.calendars import CalendarController
from anomalyops.controllers.shared.filters import FilterController
from anomalyops.resources import GROUP, KINDS, VERSION
from anomalyops.watching.events import EventRecorder
from anomalyops.watching.kubeapi import KubeApi, KubeApiError, in_cluster
from anomalyops.watching.listing import scopes
from anomalyops.watching.objects import Objects, read
from anomalyops.watching.options import ObjectKey, Options
from anomalyops.watching.scopes import Scopes
from anomalyops.watching.work import Work

logger = logging.getLogger(__name__)
T = TypeVar("T")

PREFIX = GROUP  # of everything that the operator writes on objects
REWATCH = 1.0  # seconds after kopf gave up
LEFTOVERS = 2.0  # seconds for tasks that kopf left behind
GRACE = 45.0  # seconds for plans that run when the process is to end


class StartupError(Exception):
    """The operator cannot work in this cluster as it is; the message says what to do."""


def run(options: Options) -> None:
    """Runs the operator until SIGTERM or SIGINT.

    Raises:
        StartupError: the CRDs are missing, or the API server cannot be reached or lets nothing be listed.
    """
    asyncio.run(_Operator(options).serve())


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
    # A watch is never given up: one that is refused is one tenant's trouble. `Scopes` names it.
    settings.networking.error_backoffs = _ForEver()
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


class _ForEver:
    """Seconds between tries, without end."""

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((1.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0), itertools.repeat(20.0))


class Controllers:
    """All controllers over one store of objects, one queue and one API."""

    def __init__(self, api: KubeApi, options: Options, *, cluster: str, instance: str) -> None:
        self.objects = Objects()
        events = EventRecorder(api, instance=instance)
        self.instruments = Instruments()
        self.work = Work(
            self.objects, api, events, workers=options.workers_per_connection, timed=self.instruments.reconciled
        )
        self.connections = ConnectionController(
            api,
            self.objects,
            cluster=cluster,
            write=self.work.write,
            timed=self.instruments.called,
            scores=options.metrics_port is not None,
        )
        self.pairs = PairController(self.objects, self.work, self.connections, options)
        self.filters = FilterController(self.objects, self.work, self.connections, options)
        self.calendars = CalendarController(self.objects, self.work, self.connections, options)
        operations = Operations(self.objects)
        self.forecasts = ForecastController(
            self.objects, self.work, self.connections, operations, options, cluster=cluster
        )
        self.reverts = RevertController(self.objects, self.work, self.connections, operations, options, cluster=cluster)
        self.pairs.made_anew = self._made_anew
        self.pairs.holder = operations.holder
        self.pairs.let_go_since = operations.let_go_since
        self.work.employ(self.connections)
        self.work.employ(self.filters)
        self.work.employ(self.calendars)
        self.work.employ(self.pairs)
        self.work.employ(self.forecasts)
        self.work.employ(self.reverts)

    def tell_what_is_known(self, known: Callable[[str], bool]) -> None:
        """Have them ask whether all objects of a namespace were listed."""
        for controller in (self.pairs, self.filters, self.calendars, self.forecasts, self.reverts):
            controller.known = known

    def _made_anew(self, job: ObjectKey) -> None:
        """The server took the job that was there before out of its calendars."""
        for key in self.calendars.choosing(job.namespace):
            self.work.add(self.calendars.name, key)


class _Operator:
    """The controllers and their connection to kopf, which may end and be begun anew any number of times."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.controllers: Controllers
        self.scopes: Scopes
        self._loop: asyncio.AbstractEventLoop
        self._stop_watching = threading.Event()
        self._endpoints: Endpoints | None = None
        self._ended = False

    async def serve(self) -> None:
        """Connect, list, and watch until the process is to end; what is left of plans is done after the next start."""
        self._loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM):
            self._loop.add_signal_handler(signum, self._end)
        try:
            api = await KubeApi.connect()
        except Exception as error:  # of the client's many
            raise StartupError(f"no connection to the Kubernetes API: {error}") from error
        try:
            await self._start(api)
            self.scopes.start()
            await self._answer()
            await self._watch()
        except KubeApiError as error:
            raise StartupError(str(error)) from error
        finally:
            if self._endpoints is not None:
                await self._endpoints.stop()
            if hasattr(self, "scopes"):
                await self.scopes.stop()
                await self.controllers.work.stop(grace=GRACE)
            await api.close()

    async def _start(self, api: KubeApi) -> None:
        """Make sure that the kinds exist, find out which cluster it is, and list all objects."""
        await _require_kinds(api)
        cluster = self.options.cluster_id or await _cluster_id(api, self.options)
        served = scopes(PLURALS, self.options.namespaces)
        controllers = Controllers(api, self.options, cluster=cluster, instance=socket.gethostname())
        listings = Scopes(
            api, controllers.work, served, relist=self.options.relist_after, watch_anew=self._stop_watching.set
        )
        controllers.tell_what_is_known(listings.listed)
        await listings.first()
        if len(listings.troubles) == len(served):
            raise StartupError(f"nothing can be listed: {next(iter(listings.troubles.values()))}")
        self.controllers, self.scopes = controllers, listings
        controllers.work.begin()
        logger.info("serving %s of cluster %s", ", ".join(self.options.namespaces) or "all namespaces", cluster)

    async def _answer(self) -> None:
        """Begin to answer about health and metrics."""
        parts = self.controllers.work, self.controllers.connections, self.scopes
        self._endpoints = Endpoints(*parts, self.controllers.instruments)
        ports = self.options.liveness_port, self.options.metrics_port
        try:
            await self._endpoints.start(health_port=ports[0], metrics_port=ports[1])
        except OSError as error:
            raise StartupError(f"--liveness-port or --metrics-port: {error.strerror or error}") from error

    async def _watch(self) -> None:
        """Have kopf watch; begin anew when a watch is deaf, or when kopf gives up.

        It runs in a thread with an event loop of its own: when it ends, it cancels every task of its loop, and ours
        go on.
        """
        while not self._ended:
            self._stop_watching.clear()
            try:
                await asyncio.to_thread(self._watch_once)
            except Exception as error:  # kopf gives up with errors of any sort, such as a CRD that was removed
                logger.warning("watching ended: %s; it begins anew in %g s", error, REWATCH)
                await asyncio.sleep(REWATCH)
            else:
                if not self._ended:
                    logger.info("the watches begin anew")

    def _watch_once(self) -> None:
        """Run kopf until it ends; what it leaves behind in its loop is not waited for long."""
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(
                kopf.operator(
                    registry=self.registry(),
                    settings=kopf_settings(),
                    standalone=True,
                    clusterwide=not self.options.namespaces,
                    namespaces=self.options.namespaces,
                    stop_flag=self._stop_watching,
                )
            )
        finally:
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
            if left:
                loop.run_until_complete(asyncio.wait(left, timeout=LEFTOVERS))
            loop.close()

    def _end(self) -> None:
        """The process is to end."""
        self._ended = True
        self._stop_watching.set()

    async def _here(self, work: Coroutine[Any, Any, T]) -> T:
        """Do in our event loop what kopf asks for in its own."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def registry(self) -> kopf.OperatorRegistry:
        """Our handlers, and nothing that another module may have registered."""
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(self.login)
        for plural in PLURALS:
            kopf.on.event(GROUP, VERSION, plural, registry=registry, id=f"changed-{plural}")(self.changed)
        return registry

    async def login(self, **kwargs: Any) -> kopf.ConnectionInfo | None:
        """The pod's service account, else the kubeconfig with whatever plugins it names."""
        return kopf.login_with_service_account(**kwargs) if in_cluster() else kopf.login_via_client(**kwargs)

    async def changed(self, event: kopf.RawEvent, **_: object) -> None:
        """Every event of the kinds."""
        await self._here(self._changed(event["type"], dict(event["object"])))

    async def _changed(self, type_: str | None, body: dict[str, Any]) -> None:
        if type_ == "DELETED":
            self.controllers.work.gone(read(body))
        else:
            self.controllers.work.changed(body, listed=type_ is None)


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
