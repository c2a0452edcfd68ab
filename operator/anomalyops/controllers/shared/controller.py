"""What is one server object each and shared by jobs: which events concern it, and what becomes of it."""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar

from anomalyops.controllers.connection.controller import ConnectionController
from anomalyops.controllers.connection.runtime import ConnectionRuntime
from anomalyops.controllers.letting_go import LettingGo
from anomalyops.controllers.patience import SETTLING, is_new
from anomalyops.controllers.place import Place, home, is_held_on, moved_notice, moved_words, note, with_place
from anomalyops.controllers.reach import Reach, connection_for
from anomalyops.controllers.shared.config_maps import ConfigMaps, Reader
from anomalyops.controllers.shared.place import refusal, retained
from anomalyops.elastic import GatewayError, OtherServer
from anomalyops.health import Failure, FailureKind, Notice, transitions, unreachable_shared
from anomalyops.reconciler import Observation, SharedObject, SharedOutcome, failure_of
from anomalyops.resources import (
    FINALIZER,
    ConditionStatus,
    ConditionType,
    ElasticsearchConnection,
    MovePolicy,
    Reason,
    SharedResource,
    SharedStatus,
    SourceProblem,
    find_condition,
    with_texts,
)
from anomalyops.resources.shared import SharedSpec
from anomalyops.watching.controller import Report
from anomalyops.watching.objects import Objects, Seen
from anomalyops.watching.options import ObjectKey, Options
from anomalyops.watching.work import API_RETRY, Work
from anomalyops.watching.writer import CONFLICT_RETRY

logger = logging.getLogger(__name__)

R = TypeVar("R", bound=SharedResource)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What a resource is with the texts that it names in ConfigMaps, and of which versions of all of them."""

    version: tuple[object, ...]
    spec: SharedSpec
    problems: tuple[SourceProblem, ...]


class SharedController(Generic[R]):
    """The resources of one such kind.

    Args:
        objects: All objects.
        work: The queue, and where reports are written.
        connections: The servers.
        config_maps: What the ConfigMaps hold that resources name.
        options: What the operator serves.
    """

    name: ClassVar[str]
    model: type[SharedResource]

    def __init__(
        self,
        objects: Objects,
        work: Work,
        connections: ConnectionController,
        config_maps: ConfigMaps,
        options: Options,
    ) -> None:
        self.objects = objects
        self.work = work
        self.known: Callable[[str], bool] = lambda _: True  # whether all objects of a namespace were listed
        self._connections = connections
        self._config_maps = config_maps
        self._read: dict[ObjectKey, _Read] = {}
        self.default = options.default_connection
        self._reach = Reach(objects, connections, options.default_connection)
        self._letting_go = LettingGo(patience=options.release_after)
        connections.serve(self)

    @abstractmethod
    def concerned(self, seen: Seen[Any]) -> Iterable[ObjectKey]:
        """The keys of the resources that an object concerns."""

    def lane(self, key: ObjectKey) -> Hashable:
        """Resources of one server wait for each other."""
        seen = self._all.get(key)
        return self.connection_of(seen) if seen is not None else None

    async def stop(self) -> None:
        """End the watches of ConfigMaps."""
        await self._config_maps.stop()

    def shared(self, seen: Seen[R]) -> SharedObject | None:
        """The resource with what it refers to; None for one that cannot be read and never was on a server."""
        resource = seen.managed
        if resource is None:
            return None
        if seen.resource is None or seen.metadata.deletion_timestamp is not None:
            return SharedObject(resource=resource, readable=seen.resource is not None)
        if not resource.config_maps:
            return SharedObject(resource=resource)
        known = self._read.get(seen.key)
        if known is None or known.version != self._version(seen):
            pending = SourceProblem(
                field="spec", reason=Reason.PENDING, message="its ConfigMaps are read", waiting=True
            )
            return SharedObject(resource=resource, problems=(pending,))
        return SharedObject(resource=resource.model_copy(update={"spec": known.spec}), problems=known.problems)

    def carried_out(self, seen: Seen[R], outcome: SharedOutcome) -> None:
        """Something was changed on the server."""

    # -- what the connections tell -------------------------------------------------------------------------

    def availability_changed(self, connection: ObjectKey) -> None:
        """Resources on a connection that came, went or cannot be used say so."""
        for key, seen in self._all.items():
            lives = home(seen.managed) if seen.managed is not None else None
            if connection in {self.connection_of(seen), lives.connection if lives is not None else None}:
                self.work.add(self.name, key)

    def needs(self, connection: ObjectKey) -> bool:
        """Whether a resource lives there, and may have to be deleted there."""
        return any(is_held_on(seen, connection) for seen in self._all.values())

    async def observed(self, connection: ObjectKey, observation: Observation) -> None:
        """The server was looked at: what was not carried out yet is, and whatever differs when all is compared."""
        here = [(key, seen) for key, seen in self._all.items() if self.connection_of(seen) == connection]
        for key, seen in here:
            if _is_unsettled(seen):
                self.work.add(self.name, key)
        settled = [(key, seen) for key, seen in here if not _is_unsettled(seen)]
        if observation.jobs is None or not settled:
            return
        async with self._connections.runtimes[connection].shared() as reconciler:
            try:
                found = await reconciler.look_at_all(self.model)
            except GatewayError as error:
                logger.warning("connection %s: %s objects: %s", connection, self.name, error)
                return
            for key, seen in settled:
                shared = self.shared(seen)
                known = self._is_read(seen) and _is_ready(seen)
                if shared is not None and not (known and reconciler.is_as_wanted(shared, found)):
                    self.work.add(self.name, key)

    # -- one resource --------------------------------------------------------------------------------------

    async def process(self, key: ObjectKey) -> Report:
        """Work off one resource."""
        seen = self._all.get(key)
        if seen is None or seen.managed is None:
            await self._forget(key)
            return Report()
        connection = self.connection_of(seen)
        if not self.known(key.namespace) or (connection is not None and not self.known(connection.namespace)):
            return Report()  # what cannot be listed is not what is not there; the listing brings it back
        leaving = seen.metadata.deletion_timestamp is not None
        if leaving and FINALIZER not in seen.metadata.finalizers:
            return Report()  # it never had a server object
        looked = self._config_maps.follow(Reader(self.name, key), _config_maps_of(seen))
        lives = home(seen.managed)
        connection, runtime = self._reach.runtime(connection, lives if leaving else None, key.namespace)
        if runtime is None and is_new(seen.metadata):
            return Report(retry_after=CONFLICT_RETRY)
        if runtime is not None and not (runtime.observed or (runtime.checked and runtime.failure is not None)):
            return Report()  # its first look comes, and reaches every resource
        if runtime is not None and runtime.unsettled:
            return Report(retry_after=SETTLING)
        if runtime is None or not runtime.usable:
            failure = self._reach.why_unusable(connection, runtime)
            return self._unreachable(seen, failure, connection)
        here = Place(runtime.key, runtime.cluster_uuid)
        moves = lives is not None and not here.is_server_of(lives)
        stays = leaving or seen.resource is None or seen.managed.spec.move_policy is not MovePolicy.MOVE
        if moves and lives is not None and stays:
            failure = Failure(kind=FailureKind.PLACE_CHANGED, message=refusal(lives, here))
            return self._unreachable(seen, failure, connection)
        if not looked:
            return Report()  # its ConfigMaps are looked at, and the first look brings it back
        await self._read_aside(seen)
        if moves and lives is not None and (waits := await self._leave(seen, lives, here)) is not None:
            return waits
        return await self._reconcile(key, self.objects.current(seen) or seen, runtime, here)

    async def _leave(self, seen: Seen[R], lives: Place, here: Place) -> Report | None:
        """Leave the server that an object lives on, and note that it lives here; None when that is done.

        Until it is noted, another run does the same again; from then on it is created here.
        """
        if seen.resource is None:
            return Report()
        there = self._reach.server_of(lives, seen.key.namespace)
        if there is not None:
            async with there.shared() as reconciler:
                left = await reconciler.reconcile(retained(seen.resource, _now()), cluster_uuid=lives.cluster_uuid)
            if not left.released:
                return Report(retry_after=left.retry_after or API_RETRY)
        told = moved_words(lives, here, "kept" if there is not None else "")
        await self.work.write(Report(notices=((seen, moved_notice(seen, told)),)))
        if (status := with_place(seen, here)) is not None:
            await self.work.write(Report(statuses=((seen, status),)))
        return None

    async def _reconcile(self, key: ObjectKey, seen: Seen[R], runtime: ConnectionRuntime, here: Place) -> Report:
        leaving = seen.metadata.deletion_timestamp is not None
        # The finalizer comes before the first write to the server: nothing may be left there without an owner.
        if (
            not leaving
            and FINALIZER not in seen.metadata.finalizers
            and not await self.work.writer.add_finalizer(seen, note(seen.metadata, here))
        ):
            return Report(retry_after=CONFLICT_RETRY)
        current = self.objects.current(seen)
        if current is not None and not leaving and (status := with_place(current, here)) is not None:
            await self.work.write(Report(statuses=((current, status),)))
            current = self.objects.current(current)
        shared = self.shared(current) if current is not None else None
        if current is None or shared is None or not self._is_read(current):
            return Report()  # what has changed meanwhile brings it back
        async with runtime.shared() as reconciler:
            outcome = await reconciler.reconcile(shared, cluster_uuid=here.cluster_uuid)
        seen = self.objects.current(current) or current
        if outcome.executed:
            self.carried_out(seen, outcome)
        report = self._report(seen, outcome.status, outcome.notices)
        asked = seen.metadata.deletion_timestamp is not None
        report = replace(
            report, released=(seen,) if outcome.released and asked else (), retry_after=outcome.retry_after
        )
        if outcome.error is None:
            return report
        if isinstance(outcome.error, OtherServer):
            runtime.distrust()
        elif outcome.error.connection:
            runtime.look_again()
        if report.released:
            return report
        return report + self._let_go(seen, failure_of(outcome.error), runtime.key)

    def _unreachable(self, seen: Seen[R], failure: Failure, connection: ObjectKey | None) -> Report:
        """Nothing can be done: the resource says why. The connection's next change brings it back."""
        let_go = self._let_go(seen, failure, connection)
        if let_go.released or seen.managed is None:
            return let_go
        status = unreachable_shared(seen.managed, failure, _now())
        return self._report(seen, status, transitions(seen.managed, seen.managed.status, status)) + let_go

    def _let_go(self, seen: Seen[R], failure: Failure, connection: ObjectKey | None) -> Report:
        connected = connection is not None and connection in self.objects.of(ElasticsearchConnection)
        return self._letting_go.let_go([seen], failure, connected=connected)

    @staticmethod
    def _report(seen: Seen[R], status: SharedStatus, notices: Iterable[Notice]) -> Report:
        if seen.resource is None and seen.metadata.deletion_timestamp is None:
            return Report()  # what cannot be read says that, and nothing else
        return Report(statuses=((seen, status.manifest()),), notices=tuple((seen, notice) for notice in notices))

    async def _forget(self, key: ObjectKey) -> None:
        self._config_maps.follow(Reader(self.name, key), frozenset())
        self._read.pop(key, None)
        if key in self._all:
            return
        for runtime in self._connections.runtimes.values():
            runtime.forget(f"{self.model.KIND}/{key}")
        await self._connections.reap()

    # -- what it reads from ConfigMaps -----------------------------------------------------------------------

    async def _read_aside(self, seen: Seen[R]) -> None:
        """Read what a resource names in ConfigMaps: in a thread, because a large file takes seconds."""
        resource, version = seen.resource, self._version(seen)
        if resource is None or self._is_read(seen):
            return
        namespace = seen.key.namespace
        whole, problems = await asyncio.to_thread(
            with_texts, resource, lambda reference: self._config_maps.text(namespace, reference)
        )
        self._read[seen.key] = _Read(version=version, spec=whole.spec, problems=problems)

    def _is_read(self, seen: Seen[R]) -> bool:
        """Whether what a resource names in ConfigMaps is known as it is now."""
        if not _config_maps_of(seen):
            return True
        known = self._read.get(seen.key)
        return known is not None and known.version == self._version(seen)

    def _version(self, seen: Seen[R]) -> tuple[object, ...]:
        metadata = seen.metadata
        versions = self._config_maps.versions(seen.key.namespace, _config_maps_of(seen))
        return metadata.uid, metadata.generation, *versions

    # -- small parts ---------------------------------------------------------------------------------------

    @property
    def _all(self) -> Any:
        return self.objects.of(self.model)

    def in_namespace(self, namespace: str) -> Iterator[Seen[R]]:
        """The resources of a namespace."""
        return (seen for key, seen in self._all.items() if key.namespace == namespace)

    def connection_of(self, seen: Seen[R]) -> ObjectKey | None:
        """The connection that a resource uses."""
        known = seen.resource or seen.remains
        reference = known.spec.connection_ref if known is not None else None
        return connection_for(self.objects, seen.key.namespace, reference, self.default)


def _config_maps_of(seen: Seen[Any]) -> frozenset[str]:
    """The names of the ConfigMaps that a resource reads; none for one that is on its way out or cannot be read."""
    if seen.resource is None or seen.metadata.deletion_timestamp is not None:
        return frozenset()
    names: frozenset[str] = seen.resource.config_maps
    return names


def _is_unsettled(seen: Seen[Any]) -> bool:
    """Whether the present generation was not compared with the server yet, or is on its way out."""
    status = seen.managed.status if seen.managed is not None else None
    observed = status.observed_generation if status is not None else None
    return seen.metadata.deletion_timestamp is not None or observed != seen.metadata.generation


def _is_ready(seen: Seen[Any]) -> bool:
    status = seen.managed.status if seen.managed is not None else None
    ready = find_condition(status.conditions, ConditionType.READY) if status is not None else None
    return ready is not None and ready.status is ConditionStatus.TRUE


def _now() -> datetime:
    return datetime.now(UTC)
