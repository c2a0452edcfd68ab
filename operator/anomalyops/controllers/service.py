"""Serving: from the first listing of all objects until it is to end. kopf watches the kinds.

kopf stores nothing on objects here: handlers of raw events need no finalizer, no annotations and no copy of
the last specification. What is remembered is in the status, the server, and the finalizer of our own.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import kopf

from anomalyops.controllers.composition import Controllers
from anomalyops.controllers.instruments import Instruments
from anomalyops.controllers.investigations.investigator import Investigator
from anomalyops.controllers.kopf_settings import NoMemories, kopf_settings
from anomalyops.fencing import Guard
from anomalyops.resources import GROUP, KINDS, VERSION
from anomalyops.watching.kubeapi import KubeApi, KubeApiError, in_cluster
from anomalyops.watching.listing import scopes
from anomalyops.watching.objects import read
from anomalyops.watching.options import Options
from anomalyops.watching.scopes import Scopes

logger = logging.getLogger(__name__)
T = TypeVar("T")

PLURALS = [kind.plural for kind in KINDS]
REWATCH = 1.0  # seconds after kopf gave up
LEFTOVERS = 2.0  # seconds for tasks that kopf left behind


class StartupError(Exception):
    """The operator cannot work in this cluster as it is; the message says what to do."""


class Service:
    """The controllers and their connection to kopf, which may end and be begun anew any number of times.

    Args:
        api: The Kubernetes API.
        options: What the operator was asked for.
        instruments: What is measured.
        investigator: Finds out what broke.
        guard: Says whether something may be changed now, on servers and in Kubernetes.
    """

    def __init__(
        self, api: KubeApi, options: Options, instruments: Instruments, investigator: Investigator, *, guard: Guard
    ) -> None:
        self.controllers: Controllers
        self.scopes: Scopes
        self._api = api
        self._options = options
        self._instruments = instruments
        self._investigator = investigator
        self._guard = guard
        self._loop = asyncio.get_running_loop()
        self._stop_watching = threading.Event()
        self._ended = False

    async def start(self) -> None:
        """Make sure that the kinds exist, find out which cluster it is, and list all objects.

        Raises:
            StartupError: the CRDs are missing, or nothing can be listed.
            KubeApiError: the API does not answer, or refused.
        """
        await _require_kinds(self._api)
        cluster = self._options.cluster_id or await _cluster_id(self._api, self._options)
        served = scopes(PLURALS, self._options.namespaces)
        controllers = Controllers(
            self._api,
            self._options,
            cluster=cluster,
            instance=socket.gethostname(),
            instruments=self._instruments,
            investigator=self._investigator,
            guard=self._guard,
        )
        listings = Scopes(
            self._api,
            controllers.work,
            served,
            relist=self._options.relist_after,
            watch_anew=self._stop_watching.set,
        )
        controllers.tell_what_is_known(listings.listed)
        await listings.first()
        if len(listings.troubles) == len(served):
            raise StartupError(f"nothing can be listed: {next(iter(listings.troubles.values()))}")
        self.controllers, self.scopes = controllers, listings
        controllers.work.begin()
        self.scopes.start()
        logger.info("serving %s of cluster %s", ", ".join(self._options.namespaces) or "all namespaces", cluster)

    async def watch(self) -> None:
        """Have kopf watch; begin anew when a watch is deaf, or when kopf gives up. Until `end`.

        It runs in a thread with an event loop of its own: when it ends, it cancels every task of its loop, and ours
        go on.
        """
        while True:
            self._stop_watching.clear()
            if self._ended:  # asked after the clearing: `end` sets the flag last
                return
            try:
                await asyncio.to_thread(self._watch_once)
            except Exception as error:  # kopf gives up with errors of any sort, such as a CRD that was removed
                logger.warning("watching ended: %s; it begins anew in %g s", error, REWATCH)
                await asyncio.sleep(REWATCH)
            else:
                if not self._ended:
                    logger.info("the watches begin anew")

    def end(self) -> None:
        """Have `watch` end."""
        self._ended = True
        self._stop_watching.set()

    async def stop(self, *, grace: float) -> None:
        """End what runs; plans that are carried out have `grace` seconds, and what is left is done by who is next."""
        if hasattr(self, "scopes"):
            await self.scopes.stop()
            await self.controllers.work.stop(grace=grace)

    def _watch_once(self) -> None:
        """Run kopf until it ends; what it leaves behind in its loop is not waited for long."""
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(
                kopf.operator(
                    registry=self.registry(),
                    settings=kopf_settings(),
                    memories=NoMemories(),
                    standalone=True,
                    clusterwide=not self._options.namespaces,
                    namespaces=self._options.namespaces,
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
