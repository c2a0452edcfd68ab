"""One runtime for each ElasticsearchConnection: its gateway, its reconciler, and its observer task.

The observer asks the server for everything at once, every `observeInterval`, and hands each pair its part.
While a server cannot be used, one call an interval finds out when it is back; pairs wait without a call.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from anomalyops.controllers.connection.secrets import credentials, sources
from anomalyops.controllers.sources import Source, SourceError, SourceWatch
from anomalyops.elastic import Gateway, GatewayError, Timed
from anomalyops.fencing import Guard, free
from anomalyops.health import EngineFacts, Failure, FailureKind, connection_status, engine_missing, kind_of
from anomalyops.plan import Step
from anomalyops.reconciler import (
    Figures,
    Observation,
    Observer,
    Reconciler,
    Requests,
    SharedReconciler,
    check_connection,
    connect,
)
from anomalyops.resources import (
    ConditionStatus,
    ConditionType,
    ElasticsearchConnection,
    ElasticsearchConnectionStatus,
    Reason,
    find_condition,
    parse_duration,
)
from anomalyops.watching.kubeapi import KubeApi
from anomalyops.watching.options import ObjectKey

logger = logging.getLogger(__name__)

_OF_THE_ENGINE = frozenset(
    {
        Reason.ENGINE_FORBIDDEN,
        Reason.ENGINE_NAME_TAKEN,
        Reason.ENGINE_STARTING,
        Reason.ENGINE_STORAGE_FIXED,
        Reason.REJECTED,
    }
)


class Owner(Protocol):
    """What a runtime asks of the controller that owns it."""

    @property
    def measures(self) -> bool:
        """Whether somebody wants the numbers of a look."""

    async def connection_checked(self, key: ObjectKey, status: ElasticsearchConnectionStatus) -> None:
        """A connection was checked: write its status."""

    async def observed(self, key: ObjectKey, observation: Observation) -> None:
        """All jobs and datafeeds of the server were looked at: hand each pair its part."""

    def scored_spans(self) -> frozenset[int]:
        """The bucket spans, in seconds, of the jobs whose latest scores are wanted; none when nobody wants them."""

    def retaining(self) -> frozenset[str]:
        """The ids of the jobs that retain model snapshots."""

    def engine(self, key: ObjectKey) -> EngineFacts | None:
        """How the engine of a connection with `spec.embedded` was last; None before it was looked at."""

    def availability_changed(self, key: ObjectKey) -> None:
        """The connection has become usable or unusable, or is unusable for another reason."""


class _Session:
    """A gateway and what works on it. It is closed when it was replaced and nobody uses it any more."""

    def __init__(self, gateway: Gateway, *, cluster: str, on_step: Callable[[Step], Awaitable[None] | None]) -> None:
        self.gateway = gateway
        self.reconciler = Reconciler(gateway, cluster=cluster, on_step=on_step)
        self.shared = SharedReconciler(gateway, cluster=cluster, on_step=on_step)
        self.requests = Requests(gateway, on_step=on_step)
        self.observer = Observer(gateway, cluster=cluster)
        self.cluster_uuid: str | None = None  # of the server behind it, once that was asked
        self._users = 0
        self._retired = False

    @asynccontextmanager
    async def use(self) -> AsyncIterator[_Session]:
        self._users += 1
        try:
            yield self
        finally:
            self._users -= 1
            await self._close_when_idle()

    async def retire(self) -> None:
        self._retired = True
        await self._close_when_idle()

    async def _close_when_idle(self) -> None:
        if self._retired and self._users == 0:
            await self.gateway.close()


@dataclass(slots=True)
class _Deafness:
    """Why the server's notifications cannot be read. What one look could not read, the next one may."""

    problem: str = ""
    _last: str = ""

    def note(self, problem: str) -> bool:
        """Take down what a look says, and return whether what is told changes with it."""
        lasting = problem if self._last else ""
        self._last, told, self.problem = problem, self.problem, lasting
        return told != lasting


class ConnectionRuntime:
    """Works for one ElasticsearchConnection, from its first sight until it is stopped.

    Args:
        key: Namespace and name of the resource.
        resource: The resource; replaced by `update`.
        api: The Kubernetes API, for Secrets.
        owner: The controller.
        cluster: Identity of this Kubernetes cluster, for marks of ownership.
        on_step: Called with each step of a plan before it is sent.
        timed: Is told of every call to the server.
        guard: Says whether something may be changed on the server now.
    """

    def __init__(
        self,
        key: ObjectKey,
        resource: ElasticsearchConnection,
        *,
        api: KubeApi,
        owner: Owner,
        cluster: str,
        on_step: Callable[[Step], Awaitable[None] | None],
        timed: Timed | None = None,
        guard: Guard = free,
    ) -> None:
        self.key = key
        self.figures = Figures()  # as of the last look
        self.failure: Failure | None = None
        self.checked = False  # it was asked what it is: `failure` says something
        self.observed = False  # all jobs and datafeeds were looked at once
        self._resource = resource
        self._api = api
        self._owner = owner
        self._cluster = cluster
        self._on_step = on_step
        self._timed = timed
        self._guard = guard
        self._session: _Session | None = None
        self._watches: dict[Source, SourceWatch] = {}
        self._deaf = _Deafness()
        self._stale = True  # the gateway must be made anew
        self._unchecked = False  # it was asked to check
        self._wake = asyncio.Event()
        self._last_pass = time.monotonic()
        self._next_resync = 0.0
        self._task = asyncio.create_task(self._run())

    @property
    def usable(self) -> bool:
        """Whether the server answered and machine learning is available, as of the last look."""
        session = self._session
        return self.checked and self.failure is None and session is not None and session.cluster_uuid is not None

    @property
    def unsettled(self) -> bool:
        """Whether it is being found out what is behind it, anew after a change of its resource or credentials."""
        return self.failure is None and (self._stale or not self.usable)

    @property
    def cluster_uuid(self) -> str:
        """The identity of the server, as of the last look; empty when it has none. Only while `usable`."""
        return (self._session.cluster_uuid or "") if self._session is not None else ""

    @asynccontextmanager
    async def reconciler(self) -> AsyncIterator[Reconciler]:
        """The reconciler, whose gateway stays open for the length of the block. Only while `usable`."""
        if self._session is None:
            raise RuntimeError(f"connection {self.key} was never usable")
        async with self._session.use() as session:
            yield session.reconciler

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[SharedReconciler]:
        """The reconciler of what jobs share, as `reconciler`."""
        if self._session is None:
            raise RuntimeError(f"connection {self.key} was never usable")
        async with self._session.use() as session:
            yield session.shared

    @asynccontextmanager
    async def requests(self) -> AsyncIterator[Requests]:
        """What carries out requests, as `reconciler`."""
        if self._session is None:
            raise RuntimeError(f"connection {self.key} was never usable")
        async with self._session.use() as session:
            yield session.requests

    @asynccontextmanager
    async def gateway(self) -> AsyncIterator[Gateway]:
        """The server, as `reconciler`."""
        if self._session is None:
            raise RuntimeError(f"connection {self.key} was never usable")
        async with self._session.use() as session:
            yield session.gateway

    def acted_since(self, pair: str, moment: datetime) -> bool:
        """Whether the pair (`Pair.key`) is being reconciled, or was after that moment."""
        return self._session is not None and self._session.reconciler.acted_since(pair, moment)

    def forget(self, key: str) -> None:
        """Nothing is left of a pair (`Pair.key`), of what jobs share (`SharedObject.key`) or of a request."""
        if self._session is not None:
            self._session.reconciler.forget(key)
            self._session.shared.forget(key)
            self._session.requests.forget(key)

    def update(self, resource: ElasticsearchConnection) -> None:
        """Takes a new version of the resource; a change of its spec is acted on at once."""
        if resource.spec != self._resource.spec:
            self._renew()
        self._resource = resource

    def look_again(self) -> None:
        """Asks for a pass now."""
        self._wake.set()

    def check_again(self) -> None:
        """Asks for a pass now that finds out anew how the server is."""
        self._unchecked = True
        self._wake.set()

    def distrust(self) -> None:
        """Another server has answered: what is behind the connection is found out anew."""
        self._renew()

    def age(self) -> float:
        """Seconds since the last pass ended."""
        return time.monotonic() - self._last_pass

    def silence(self) -> float:
        """Seconds beyond what a pass may take since the last one ended; 0 or less while all is well."""
        interval = self._seconds(self._resource.spec.observe_interval)
        allowed = 3 * interval + 10 * self._seconds(self._resource.spec.request_timeout) + 60
        return self.age() - allowed

    async def stop(self) -> None:
        """Ends the observer and the watches, and closes the gateway."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        for watch in self._watches.values():
            await watch.stop()
        if self._session is not None:
            await self._session.retire()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._pass()
            except Exception:
                # A defect, or the Kubernetes API refused a status: it must not end the observation.
                logger.exception("a look at connection %s failed unexpectedly", self.key)
            self._last_pass = time.monotonic()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._seconds(self._resource.spec.observe_interval))

    async def _pass(self) -> None:
        was_usable = self.usable
        resync = time.monotonic() >= self._next_resync
        if self._stale or self._unchecked or not was_usable or resync:
            self._unchecked = False
            await self._check()
        session = self._session
        if not self.usable or session is None:
            return
        full = resync or not was_usable
        try:
            async with session.use():
                observation = await session.observer.observe(
                    configs=full, scored_spans=self._owner.scored_spans(), retaining=self._owner.retaining()
                )
        except GatewayError as error:
            logger.warning("connection %s: %s", self.key, error)
            await self._check()
            return
        if full:
            self._next_resync = time.monotonic() + self._seconds(self._resource.spec.resync_interval)
        if self._deaf.note(observation.messages_problem):
            logger.warning("connection %s: notifications: %s", self.key, self._deaf.problem or "can be read again")
            await self._check()
        if self._owner.measures:
            self.figures = observation.figures()
        self.observed = True  # before it is handed out: what needs a reconcile is reconciled at once
        await self._owner.observed(self.key, observation)

    async def _check(self) -> None:
        """Finds out whether the server can be used, and says so in the status of the connection."""
        resource, now = self._resource, _now()
        embedded = resource.spec.embedded is not None
        engine = self._owner.engine(self.key) if embedded else None
        try:
            missing = engine_missing(engine, resource.status) if embedded else None
            if missing is not None:
                status = connection_status(resource.status, resource, missing, now, engine=engine)
            else:
                status = await self._asked(resource, now, engine)
        except SourceError as error:
            failure = Failure(kind=error.kind, message=error.message)
            status = connection_status(resource.status, resource, failure, now, engine=engine)
        except ValueError as error:
            failure = Failure(kind=FailureKind.SECRET_INVALID, message=str(error))
            status = connection_status(resource.status, resource, failure, now, engine=engine)
        failed = _failure_of(status)
        changed = not self.checked or failed != self.failure
        self.failure, self.checked = failed, True
        await self._owner.connection_checked(self.key, status)
        if changed:
            self._owner.availability_changed(self.key)

    async def _asked(
        self, resource: ElasticsearchConnection, now: datetime, engine: EngineFacts | None
    ) -> ElasticsearchConnectionStatus:
        """What the server says.

        Raises:
            SourceError, ValueError: as `_open`.
        """
        session = self._session
        if self._stale or session is None:
            session = await self._open(resource)
        async with session.use():
            status = await check_connection(
                session.gateway, resource, resource.status, now, messages_problem=self._deaf.problem, engine=engine
            )
        if _failure_of(status) is None:
            session.cluster_uuid = status.cluster_uuid or ""
        return status

    async def _open(self, resource: ElasticsearchConnection) -> _Session:
        """Makes the gateway anew from the present spec and credentials.

        Raises:
            SourceError: a Secret or ConfigMap is missing or lacks a key.
            ValueError: a value of a Secret is unusable.
        """
        await self._follow(sources(resource))
        self._stale = False  # a Secret that changes from here on makes it stale again
        try:
            found = credentials(resource, lambda source, key: self._watches[source].value(key))
            gateway = connect(resource, found, timed=self._timed, guard=self._guard)
        except BaseException:
            self._stale = True
            raise
        old = self._session
        session = self._session = _Session(gateway, cluster=self._cluster, on_step=self._on_step)
        if old is not None:
            await old.retire()
        return session

    async def _follow(self, wanted: frozenset[Source]) -> None:
        """Watches exactly these sources."""
        for source in self._watches.keys() - wanted:
            await self._watches.pop(source).stop()
        for source in wanted - self._watches.keys():
            self._watches[source] = SourceWatch(self._api, source, self._renew)
        for watch in self._watches.values():
            await watch.looked()

    def _renew(self) -> None:
        self._stale = True
        self._wake.set()

    @staticmethod
    def _seconds(duration: str) -> float:
        return parse_duration(duration) / 1000


def _failure_of(status: ElasticsearchConnectionStatus) -> Failure | None:
    """Why the connection cannot be used, from its conditions; None when it can."""
    ready = find_condition(status.conditions, ConditionType.READY)
    if ready is None or ready.status == ConditionStatus.TRUE:
        return None
    if status.reachable and ready.reason in _OF_THE_ENGINE:  # it answers, and is not as the manifest wants it
        return None
    return Failure(kind=kind_of(ready.reason) or FailureKind.CONNECTION, message=ready.message)


def _now() -> datetime:
    return datetime.now(UTC)
