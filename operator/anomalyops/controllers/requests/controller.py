"""What is done to a job once, at a request: which events concern it, and its course from step to step."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar

from anomalyops.controllers.connection.controller import ConnectionController
from anomalyops.controllers.connection.runtime import ConnectionRuntime
from anomalyops.controllers.letting_go import LettingGo
from anomalyops.controllers.patience import SETTLING, is_new
from anomalyops.controllers.place import Place, home, is_held_on, moved_notice, note, with_place
from anomalyops.controllers.reach import Reach, connection_for
from anomalyops.controllers.requests.operations import Operations, holds, is_at_work
from anomalyops.elastic import OtherServer
from anomalyops.health import Failure, FailureKind, request_status, transitions, unreachable_request
from anomalyops.plan import Owner, SeenJob, Standing, Tone, Whereabouts, whereabouts
from anomalyops.reconciler import Observation, RequestOutcome, failure_of
from anomalyops.reconciler.request_unit import RequestUnit
from anomalyops.resources import (
    FINALIZER,
    AnomalyJob,
    Datafeed,
    DatafeedRunState,
    ElasticsearchConnection,
    JobRunState,
    MovePolicy,
    Reason,
    RequestResource,
    ResourceStatus,
)
from anomalyops.watching.controller import Report
from anomalyops.watching.objects import Objects, Seen
from anomalyops.watching.options import ObjectKey, Options
from anomalyops.watching.work import Work
from anomalyops.watching.writer import CONFLICT_RETRY

R = TypeVar("R", bound=RequestResource)

_PAIR = "pair"  # the controller of jobs and their datafeeds


class RequestController(Generic[R]):
    """The requests of one kind.

    Args:
        objects: All objects.
        work: The queue, and where reports are written.
        connections: The servers.
        operations: Who is at work on which job.
        options: What the operator serves.
        cluster: Identity of this Kubernetes cluster, for marks of ownership.
    """

    name: ClassVar[str]
    model: type[RequestResource]

    def __init__(
        self,
        objects: Objects,
        work: Work,
        connections: ConnectionController,
        operations: Operations,
        options: Options,
        *,
        cluster: str,
    ) -> None:
        self.objects = objects
        self.work = work
        self.operations = operations
        self.known: Callable[[str], bool] = lambda _: True  # whether all objects of a namespace were listed
        self._connections = connections
        self._cluster = cluster
        self._default = options.default_connection
        self._reach = Reach(objects, connections, options.default_connection)
        self._letting_go = LettingGo(patience=options.release_after)
        self._waiting: set[ObjectKey] = set()  # for a look at their server: new ones, and those that could not reach it
        self._doubted: set[ObjectKey] = set()  # of which something is on the server no more, as it seems
        connections.serve(self)

    @abstractmethod
    def unit(self, seen: Seen[R], status: Any, job: SeenJob, *, alone: bool) -> RequestUnit[Any]:
        """The request as it is carried out."""

    async def gone(self, connection: ObjectKey, here: list[Seen[R]]) -> Iterable[ObjectKey]:
        """Which of some requests tell of what the server has no more; asked with every look at all configurations."""
        return ()

    def concerned(self, seen: Seen[Any]) -> Iterable[ObjectKey]:
        """A request concerns itself. An AnomalyJob concerns those that name it."""
        if seen.kind.model is self.model:
            return [seen.key]
        if seen.kind.model is not AnomalyJob:
            return []
        return [one.key for one in self.operations.of_job(seen.key) if one.kind.model is self.model]

    def lane(self, key: ObjectKey) -> Hashable:
        """Requests of one server wait for each other."""
        seen = self._all.get(key)
        return self._connection_of(seen) if seen is not None else None

    async def stop(self) -> None:
        """Nothing runs outside the queue."""

    # -- what the connections tell -------------------------------------------------------------------------

    def availability_changed(self, connection: ObjectKey) -> None:
        """Requests on a connection that came, went or cannot be used say so."""
        for key, seen in self._all.items():
            if self._is_on(seen, connection):
                self.work.add(self.name, key)

    def needs(self, connection: ObjectKey) -> bool:
        """Whether something was begun there, and may have to be ended there."""
        return any(is_held_on(seen, connection) for seen in self._all.values())

    async def observed(self, connection: ObjectKey, observation: Observation) -> None:
        """The server was looked at: what was not seen to yet is, and what is there no more says so."""
        here = [seen for seen in self._all.values() if self._connection_of(seen) == connection]
        for seen in here:
            if _is_unsettled(seen) or seen.key in self._waiting:
                self._waiting.discard(seen.key)
                self.work.add(self.name, seen.key)
        if observation.jobs is None:
            return
        place = Place(connection, self._connections.runtimes[connection].cluster_uuid)
        for key in await self.gone(connection, [seen for seen in here if _lives_on(seen, place)]):
            self._doubted.add(key)
            self.work.add(self.name, key)

    # -- one request ---------------------------------------------------------------------------------------

    async def process(self, key: ObjectKey) -> Report:
        """Work off one request, in its job's turn."""
        seen = self._all.get(key)
        if seen is None or seen.managed is None:
            await self._forget(key)
            return Report()
        job = self._job_of(seen)
        async with self.operations.lock(job):
            seen = self._all.get(key)
            if seen is None or seen.managed is None:
                return Report()
            before = holds(seen), is_at_work(seen)
            report = await self._process(seen, seen.managed, job)
            if not await self.work.write(replace(report, released=())):
                return Report(retry_after=CONFLICT_RETRY)
        self._tell_others(self._all.get(key), job, before)
        return Report(released=report.released, retry_after=report.retry_after)

    async def _process(self, seen: Seen[R], managed: R, job: ObjectKey) -> Report:
        connection = self._connection_of(seen)
        if not self.known(job.namespace) or (connection is not None and not self.known(connection.namespace)):
            return Report()  # what cannot be listed is not what is not there; the listing brings it back
        leaving = seen.metadata.deletion_timestamp is not None
        if (leaving and FINALIZER not in seen.metadata.finalizers) or (seen.resource is None and not leaving):
            return Report()  # it never was on a server, or cannot be read: what it has done stays
        if holds(seen) and self.work.is_running(_PAIR, job):
            return Report(retry_after=CONFLICT_RETRY)
        lives = home(managed)
        there = self.objects.of(AnomalyJob).get(job)
        if there is None and lives is None and not leaving:
            return self._waits_for_job(seen, managed, job)
        connection, runtime = self._reach.runtime(connection, lives if leaving else None, job.namespace)
        if runtime is None and is_new(seen.metadata):
            return Report(retry_after=CONFLICT_RETRY)
        if runtime is not None and not (runtime.observed or (runtime.checked and runtime.failure is not None)):
            self._waiting.add(seen.key)
            return Report()  # its first look comes, and reaches every request
        if runtime is not None and runtime.unsettled:
            return Report(retry_after=SETTLING)
        if runtime is None or not runtime.usable:
            return self._unreachable(seen, self._reach.why_unusable(connection, runtime), connection)
        here = Place(runtime.key, runtime.cluster_uuid)
        if lives is not None and not here.is_server_of(lives):
            return await self._elsewhere(seen, lives, runtime, job)
        return await self._carry_out(seen, runtime, here, job)

    async def _elsewhere(self, seen: Seen[R], lives: Place, runtime: ConnectionRuntime, job: ObjectKey) -> Report:
        """The job's connection leads to another server than the one that the request was begun on."""
        here = Place(runtime.key, runtime.cluster_uuid)
        there = self._reach.server_of(lives, seen.key.namespace)
        course = Whereabouts.NOWHERE
        if seen.resource is not None:
            course = whereabouts(seen.resource, moves=self._moves(job))
        if course is Whereabouts.STAYS:
            return Report()
        if course is Whereabouts.ENDS_THERE and there is not None:
            return await self._carry_out(seen, there, Place(there.key, there.cluster_uuid), job)
        if course is Whereabouts.GOES_ON_HERE:
            told = f"moves to {here}, as its job does; what it made on {lives} stays there until it expires"
            await self.work.write(Report(notices=((seen, moved_notice(seen, told)),)))
            return await self._carry_out(seen, runtime, here, job)
        failure = Failure(kind=FailureKind.PLACE_CHANGED, message=_refusal(lives, here))
        return self._unreachable(seen, failure, runtime.key)

    def _moves(self, key: ObjectKey) -> bool:
        """Whether a job moves to another server when its connection leads there."""
        job = self.objects.of(AnomalyJob).get(key)
        return job is not None and job.resource is not None and job.resource.spec.move_policy is MovePolicy.MOVE

    async def _carry_out(self, seen: Seen[R], runtime: ConnectionRuntime, here: Place, job: ObjectKey) -> Report:
        leaving = seen.metadata.deletion_timestamp is not None
        # The finalizer comes before the first call: nothing may be left without somebody who ends it.
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
        if current is None or current.managed is None:
            return Report()
        known: Any = current.managed.status or current.kind.status()
        alone = not self.operations.others_at_work(current, job)
        unit = self.unit(current, known, self._seen_job(current.managed, job, here), alone=alone)
        curious = seen.key in self._doubted
        self._doubted.discard(seen.key)
        async with runtime.requests() as requests:
            outcome = await requests.carry_out(
                unit, _key(current), lambda stored: self._store(seen, stored, job), curious=curious
            )
        return self._report(self.objects.current(seen) or current, outcome, runtime)

    async def _store(self, seen: Seen[R], status: ResourceStatus, job: ObjectKey) -> bool:
        """Stores a status; whether what it tells of may be done now.

        Not while the pair's controller is still at work on the job, which leaves it alone from its next run on.
        """
        current = self.objects.current(seen)
        if current is None:
            return False
        await self.work.write(Report(statuses=((current, status.manifest()),)))
        stored = self.objects.current(seen)
        if stored is None or stored.managed is None or stored.managed.status is None:
            return False
        if stored.managed.status.manifest() != status.manifest():
            return False
        return not (holds(stored) and self.work.is_running(_PAIR, job))

    def _report(self, seen: Seen[R], outcome: RequestOutcome[Any], runtime: ConnectionRuntime) -> Report:
        if not outcome.stored:
            return Report(retry_after=CONFLICT_RETRY)
        notices = tuple((seen, notice) for notice in outcome.notices)
        statuses = ((seen, outcome.status.manifest()),) if seen.resource is not None else ()
        released = (seen,) if outcome.released else ()
        report = Report(statuses=statuses, notices=notices, released=released, retry_after=outcome.retry_after)
        if outcome.error is None:
            return report
        if isinstance(outcome.error, OtherServer):
            runtime.distrust()
        elif outcome.error.connection:
            runtime.look_again()
        return report if report.released else report + self._let_go(seen, failure_of(outcome.error), runtime.key)

    def _waits_for_job(self, seen: Seen[R], managed: R, job: ObjectKey) -> Report:
        if is_new(seen.metadata):
            return Report(retry_after=CONFLICT_RETRY)
        message = f"AnomalyJob {job.name} does not exist yet"
        standing = Standing(tone=Tone.WORKING, reason=Reason.WAITING_FOR_JOB, message=message)
        status: Any = managed.status or seen.kind.status()
        return self._said(seen, managed, request_status(managed, status, standing, _now()))

    def _unreachable(self, seen: Seen[R], failure: Failure, connection: ObjectKey | None) -> Report:
        """Nothing can be done: the resource says why. A change of the connection, or a look over it, brings it back."""
        self._waiting.add(seen.key)
        let_go = self._let_go(seen, failure, connection)
        if let_go.released or seen.managed is None:
            return let_go
        return self._said(seen, seen.managed, unreachable_request(seen.managed, failure, _now())) + let_go

    def _let_go(self, seen: Seen[R], failure: Failure, connection: ObjectKey | None) -> Report:
        connected = connection is not None and connection in self.objects.of(ElasticsearchConnection)
        return self._letting_go.let_go([seen], failure, connected=connected)

    @staticmethod
    def _said(seen: Seen[R], managed: R, status: ResourceStatus) -> Report:
        if seen.resource is None:
            return Report()  # what cannot be read says that, and nothing else
        notices = tuple((seen, notice) for notice in transitions(managed, managed.status, status))
        return Report(statuses=((seen, status.manifest()),), notices=notices)

    def _tell_others(self, seen: Seen[R] | None, job: ObjectKey, before: tuple[bool, bool]) -> None:
        """A job that is held no more is its own controller's again; requests that waited go on."""
        held, worked = before
        if held and (seen is None or not holds(seen)):
            self.work.add(_PAIR, job)
        elif not held and seen is not None and holds(seen):
            self.work.add(_PAIR, job)  # its resources say so
        if worked and (seen is None or not is_at_work(seen)):
            for one in self.operations.of_job(job):
                if seen is None or one.metadata.uid != seen.metadata.uid:
                    self.work.call_all([one])

    async def _forget(self, key: ObjectKey) -> None:
        self._doubted.discard(key)
        self._waiting.discard(key)
        for runtime in self._connections.runtimes.values():
            runtime.forget(f"{self.model.KIND}/{key}")
        await self._connections.reap()

    # -- small parts ---------------------------------------------------------------------------------------

    @property
    def _all(self) -> Any:
        return self.objects.of(self.model)

    @staticmethod
    def _job_of(seen: Seen[R]) -> ObjectKey:
        known = seen.resource or seen.remains
        return ObjectKey(seen.key.namespace, known.spec.job_ref.name if known is not None else "")

    def _seen_job(self, managed: R, key: ObjectKey, here: Place) -> SeenJob:
        """The AnomalyJob, as long as it lives on this server."""
        seen = self.objects.of(AnomalyJob).get(key)
        known = managed.status.job_id if managed.status is not None else None
        job = seen.resource if seen is not None else None
        lives = home(job) if job is not None else None
        if seen is None or job is None or lives is None or not here.is_server_of(lives):
            return SeenJob(name=key.name, job_id=known or "")
        owner = Owner(cluster=self._cluster, namespace=key.namespace, name=key.name, uid=job.metadata.uid)
        feed = self._datafeed_of(key)
        runs = job.spec.state is JobRunState.OPENED and not job.spec.suspend
        return SeenJob(
            name=key.name,
            job_id=job.server_id,
            owner=owner,
            leaving=seen.metadata.deletion_timestamp is not None,
            wants_feed=runs
            and feed is not None
            and feed.spec.state is DatafeedRunState.STARTED
            and not feed.spec.suspend,
            feed_start=None if feed is None else feed.spec.start,
            feed_end=None if feed is None else feed.spec.end,
        )

    def _datafeed_of(self, job: ObjectKey) -> Datafeed | None:
        """The oldest Datafeed of a job, which is the one that counts."""
        feeds = [
            seen
            for key, seen in self.objects.of(Datafeed).items()
            if key.namespace == job.namespace and seen.job == job.name
        ]
        first = min(feeds, key=lambda one: (str(one.metadata.creation_timestamp), one.metadata.name), default=None)
        return first.resource if first is not None and first.metadata.deletion_timestamp is None else None

    def _connection_of(self, seen: Seen[R]) -> ObjectKey | None:
        """The connection of the job; without a job, the one that the request was begun over."""
        job = self.objects.of(AnomalyJob).get(self._job_of(seen))
        known = job.resource or job.remains if job is not None else None
        lives = home(seen.managed) if seen.managed is not None else None
        if known is None and lives is not None:
            return lives.connection
        reference = known.spec.connection_ref if known is not None else None
        return connection_for(self.objects, seen.key.namespace, reference, self._default)

    def _is_on(self, seen: Seen[R], connection: ObjectKey) -> bool:
        lives = home(seen.managed) if seen.managed is not None else None
        return connection in {self._connection_of(seen), lives.connection if lives is not None else None}


def _key(seen: Seen[Any]) -> str:
    return f"{seen.kind.name}/{seen.key}"


def _lives_on(seen: Seen[Any], place: Place) -> bool:
    """Whether a request was begun on a server, as far as that is known."""
    lives = home(seen.managed) if seen.managed is not None else None
    return lives is None or place.is_server_of(lives)


def _is_unsettled(seen: Seen[Any]) -> bool:
    """Whether the present generation was not seen to yet, or is on its way out, or something of it is at work."""
    status = seen.managed.status if seen.managed is not None else None
    if status is None or seen.metadata.deletion_timestamp is not None:
        return True
    return status.observed_generation != seen.metadata.generation or status.operation is not None


def _refusal(lives: Place, leads: Place) -> str:
    return (
        f"it was begun on {lives}, and its job's connection leads to {leads}: nothing is done on either. Let the "
        "connection lead back, set spec.movePolicy: Move of the job (what is on its way has to end there first), or "
        "delete the resource and apply it again to have it here"
    )


def _now() -> datetime:
    return datetime.now(UTC)
