"""The connections: one runtime for each, and who is told of what it finds."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Any, ClassVar, Protocol

from anomalyops.controllers.connection.runtime import ConnectionRuntime
from anomalyops.elastic import Timed
from anomalyops.fencing import Guard, free
from anomalyops.health import EngineFacts, transitions
from anomalyops.plan import Step
from anomalyops.reconciler import Observation
from anomalyops.resources import AnomalyJob, ElasticsearchConnection, ElasticsearchConnectionStatus, parse_duration
from anomalyops.resources.analysis import DEFAULT_BUCKET_SPAN
from anomalyops.watching.controller import Report
from anomalyops.watching.kubeapi import KubeApi
from anomalyops.watching.objects import Objects, Seen
from anomalyops.watching.options import ObjectKey

logger = logging.getLogger(__name__)


class Client(Protocol):
    """A controller whose objects live on the servers that connections lead to."""

    async def observed(self, connection: ObjectKey, observation: Observation) -> None:
        """The server was looked at."""

    def availability_changed(self, connection: ObjectKey) -> None:
        """The connection appeared, went, or has become usable or unusable."""

    def needs(self, connection: ObjectKey) -> bool:
        """Whether the runtime is needed though its resource is gone, for deletions that are to be carried out."""


class ConnectionController:
    """Keeps a runtime for each connection, from its first sight until nobody needs it.

    Args:
        api: The Kubernetes API.
        objects: All objects.
        cluster: Identity of this Kubernetes cluster.
        write: Writes a report.
        timed: Is told of every call to a server.
        guard: Says whether something may be changed on a server now.
        measures: Whether somebody wants the numbers of a look, and how anomalous the latest buckets are.
    """

    name: ClassVar[str] = "connection"

    def __init__(
        self,
        api: KubeApi,
        objects: Objects,
        *,
        cluster: str,
        write: Callable[[Report], Awaitable[bool]],
        timed: Timed | None = None,
        guard: Guard = free,
        measures: bool = False,
    ) -> None:
        self.runtimes: dict[ObjectKey, ConnectionRuntime] = {}
        self._api = api
        self._objects = objects
        self._cluster = cluster
        self._write = write
        self._timed = timed
        self._guard = guard
        self.measures = measures
        self._clients: list[Client] = []
        self._engines: dict[ObjectKey, EngineFacts] = {}
        objects.tell(self._take_in)

    def serve(self, client: Client) -> None:
        """Tell a controller what the servers say from now on."""
        self._clients.append(client)

    def concerned(self, seen: Seen[Any]) -> Iterable[ObjectKey]:
        """A connection concerns itself."""
        return [seen.key] if seen.kind.model is ElasticsearchConnection else []

    def lane(self, key: ObjectKey) -> Hashable:
        """One connection waits for no other."""
        return key

    async def process(self, key: ObjectKey) -> Report:
        """Start a runtime, have it look again, or stop it; whoever uses the connection is told."""
        seen, runtime = self._objects.of(ElasticsearchConnection).get(key), self.runtimes.get(key)
        if runtime is not None and seen is not None and seen.resource is not None:
            runtime.look_again()
        elif seen is not None and seen.resource is not None:
            self._start(key, seen.resource)
        for client in self._clients:
            client.availability_changed(key)
        await self.reap()
        return Report()

    async def stop(self) -> None:
        """Stop all runtimes."""
        for runtime in self.runtimes.values():
            await runtime.stop()

    def runtime(self, key: ObjectKey) -> ConnectionRuntime | None:
        """The runtime of a connection, begun when its resource is there and it has none yet."""
        seen = self._objects.of(ElasticsearchConnection).get(key)
        if seen is None or seen.resource is None:
            return None
        return self.runtimes.get(key) or self._start(key, seen.resource)

    def leading_to(self, cluster_uuid: str, namespaces: Iterable[str]) -> ConnectionRuntime | None:
        """A usable runtime of these namespaces whose server has this identity: no tenant uses another's credentials."""
        usable = (one for one in self.runtimes.values() if one.usable and one.key.namespace in namespaces)
        return next((runtime for runtime in usable if runtime.cluster_uuid == cluster_uuid), None)

    async def reap(self) -> None:
        """Stop the runtimes of connections that are gone, once nobody needs them."""
        known = self._objects.of(ElasticsearchConnection)
        for key in list(self.runtimes):
            if key not in known and not any(client.needs(key) for client in self._clients):
                self._engines.pop(key, None)
                await self.runtimes.pop(key).stop()

    def engine_seen(self, key: ObjectKey, facts: EngineFacts) -> None:
        """The engine of a connection with `spec.embedded` was looked at: news are told in the connection's status."""
        if self._engines.get(key) != facts:
            self._engines[key] = facts
            if key in self.runtimes:
                self.runtimes[key].check_again()

    def engine(self, key: ObjectKey) -> EngineFacts | None:
        """How the engine of a connection was when it was last looked at."""
        return self._engines.get(key)

    # -- what the runtimes tell ----------------------------------------------------------------------------

    async def connection_checked(self, key: ObjectKey, status: ElasticsearchConnectionStatus) -> None:
        """A connection was checked: its status and the Events about it are written."""
        seen = self._objects.of(ElasticsearchConnection).get(key)
        if seen is None or seen.resource is None:
            return
        notices = transitions(seen.resource, seen.resource.status, status)
        report = Report(statuses=((seen, status.manifest()),), notices=tuple((seen, notice) for notice in notices))
        await self._write(report)

    async def observed(self, key: ObjectKey, observation: Observation) -> None:
        """All jobs and datafeeds of a server were looked at."""
        if key in self._objects.of(ElasticsearchConnection):
            for client in self._clients:
                await client.observed(key, observation)

    def scored_spans(self) -> frozenset[int]:
        """The bucket spans of all AnomalyJobs, wherever they live: a handful."""
        if not self.measures:
            return frozenset()
        jobs = self._objects.of(AnomalyJob).values()
        spans = {seen.resource.spec.analysis_config.bucket_span for seen in jobs if seen.resource is not None}
        return frozenset(parse_duration(span or DEFAULT_BUCKET_SPAN) // 1000 for span in spans)

    def retaining(self) -> frozenset[str]:
        """The ids of all jobs that retain model snapshots, wherever they live."""
        jobs = (seen.resource for seen in self._objects.of(AnomalyJob).values())
        return frozenset(job.server_id for job in jobs if job is not None and job.spec.retained_snapshots)

    def availability_changed(self, key: ObjectKey) -> None:
        """A connection has become usable or not, or for another reason."""
        if not self.runtimes[key].usable:  # once it is back, the next observation reaches everybody
            for client in self._clients:
                client.availability_changed(key)

    def _take_in(self, seen: Seen[Any]) -> None:
        """Hand the runtime the newest version of its resource, whose status the next one is compared with."""
        runtime = self.runtimes.get(seen.key) if seen.kind.model is ElasticsearchConnection else None
        if runtime is not None and seen.resource is not None:
            runtime.update(seen.resource)

    def _start(self, key: ObjectKey, resource: ElasticsearchConnection) -> ConnectionRuntime:
        runtime = ConnectionRuntime(
            key,
            resource,
            api=self._api,
            owner=self,
            cluster=self._cluster,
            on_step=_log_step,
            timed=self._timed,
            guard=self._guard,
        )
        self.runtimes[key] = runtime
        return runtime


def _log_step(step: Step) -> None:
    logger.info("%s %s: %s", step.verb, step.target, step.reason)
