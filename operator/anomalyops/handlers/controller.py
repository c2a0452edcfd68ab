"""What happens when an object changes: which pairs are reconciled, on which connection, and what is written.

kopf's handlers call `changed`, `deleted` and nothing else. Everything goes through one queue, whose keys are
pairs: namespace and name of an AnomalyJob, whether it exists or only a Datafeed waits for it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from anomalyops.handlers.connections import ConnectionRuntime
from anomalyops.handlers.events import EventRecorder
from anomalyops.handlers.kubeapi import KubeApi, KubeApiError
from anomalyops.handlers.options import ObjectKey, Options
from anomalyops.handlers.refusals import (
    duplicate_status,
    invalid_notice,
    invalid_status,
    released_notice,
    waiting_status,
)
from anomalyops.handlers.release import release
from anomalyops.handlers.state import ClusterState, Seen
from anomalyops.handlers.workqueue import WorkQueue
from anomalyops.handlers.writer import FINALIZER, ObjectWriter
from anomalyops.health import (
    Failure,
    FailureKind,
    Notice,
    transitions,
    unreachable_datafeed,
    unreachable_job,
)
from anomalyops.plan import Step
from anomalyops.reconciler import Observation, Outcome, Pair, failure_of
from anomalyops.resources import (
    AnomalyJobStatus,
    Datafeed,
    DatafeedStatus,
    ElasticsearchConnection,
    ElasticsearchConnectionStatus,
    Metadata,
)

logger = logging.getLogger(__name__)

CONFLICT_RETRY = 0.2  # seconds; the watch brings the newer version meanwhile
GRACE = 3.0  # seconds in which what a new resource refers to may still come: they are applied together
API_RETRY = 5.0  # seconds after the Kubernetes API refused or did not answer

_ON_THE_SERVER = {"AnomalyJob": "job", "Datafeed": "datafeed"}


class Controller:
    """The one place that decides what is reconciled when. Lives as long as the operator process.

    Args:
        api: The Kubernetes API.
        options: What the operator serves.
        cluster: Identity of this Kubernetes cluster.
        instance: Names this process in Events.
    """

    def __init__(self, api: KubeApi, options: Options, *, cluster: str, instance: str) -> None:
        self._api = api
        self._cluster = cluster
        self._release_after = options.release_after
        self.state = ClusterState(options.default_connection)
        self.writer = ObjectWriter(api, self.state, self.forget)
        self.queue: WorkQueue[ObjectKey] = WorkQueue(
            self._process, lane=self.state.connection_of, per_lane=options.workers_per_connection
        )
        self.connections: dict[ObjectKey, ConnectionRuntime] = {}
        self._events = EventRecorder(api, instance=instance)

    async def stop(self, *, grace: float) -> None:
        """Lets plans go on for `grace` seconds; what is left of them is done after the next start."""
        await self.queue.close(grace=grace)
        for runtime in self.connections.values():
            await runtime.stop()

    # -- what the watches tell -----------------------------------------------------------------------------

    def prefill(self, body: Mapping[str, Any]) -> None:
        """Takes in an object of the first listing, before anything is acted on."""
        self.state.put(body)

    def listed(self) -> None:
        """The first listing of every kind is complete: the connections are looked at, and reach all pairs."""
        for seen in self.state.connections.values():
            self._connection_changed(seen)

    async def changed(self, body: Mapping[str, Any], *, listed: bool) -> None:
        """An object was added or changed; `listed` when it comes from a listing and not from a watch."""
        seen, before = self.state.put(body)
        self.writer.echoed(seen.metadata.uid)
        if not listed and before is not None and not _asks_for_work(before, seen):
            return
        if seen.resource is None:
            await self._refuse_invalid(seen)
        if seen.kind == "ElasticsearchConnection":
            self._connection_changed(seen)
        else:
            self.queue.add(_pair_of(seen))

    async def deleted(self, seen: Seen[Any]) -> None:
        """An object is gone, the watch says."""
        self.forget(seen)
        await self._reap()

    def forget(self, seen: Seen[Any]) -> None:
        """An object is gone."""
        affected = self.state.pairs_on(seen.key) if seen.kind == "ElasticsearchConnection" else [_pair_of(seen)]
        self.state.remove(seen)
        self.writer.echoed(seen.metadata.uid)
        for pair in affected:
            self.queue.add(pair)

    def _connection_changed(self, seen: Seen[Any]) -> None:
        runtime = self.connections.get(seen.key)
        if runtime is not None and seen.resource is not None:
            runtime.update(seen.resource)
            runtime.look_again()
        elif seen.resource is not None:
            self._start(seen.key, seen.resource)
        for pair in self.state.pairs_on(seen.key):
            self.queue.add(pair)

    # -- what the connections tell -------------------------------------------------------------------------

    async def connection_checked(self, key: ObjectKey, status: ElasticsearchConnectionStatus) -> None:
        """A connection was checked: its status and the Events about it are written."""
        seen = self.state.connections.get(key)
        if seen is None or seen.resource is None:
            return
        notices = transitions(seen.resource, seen.resource.status, status)
        await self.writer.write_status(seen, status.manifest())
        self._refresh(key)
        await self._record(notices, [seen])

    def _refresh(self, key: ObjectKey) -> None:
        """Hands the runtime the newest version of its resource, whose status the next one is compared with."""
        seen, runtime = self.state.connections.get(key), self.connections.get(key)
        if seen is not None and seen.resource is not None and runtime is not None:
            runtime.update(seen.resource)

    def availability_changed(self, key: ObjectKey) -> None:
        """Pairs on an unusable connection say so; once it is back, the next observation reaches them all."""
        if not self.connections[key].usable:
            for pair in self.state.pairs_on(key):
                self.queue.add(pair)

    async def observed(self, key: ObjectKey, observation: Observation) -> None:
        """Gives each pair of the connection its part of what the server said about all of them."""
        if key not in self.state.connections:
            return
        for name in self.state.pairs_on(key):
            self.state.remember_connection(name, key)
            pair, seen = self._pair(name)
            if pair is None or self.queue.is_running(name):
                continue  # a reconcile knows more, and writes it when it ends
            if self.connections[key].acted_since(str(name), observation.started_at):
                continue  # what was seen is older than what was done
            if self._needs_finalizer(pair, seen) or _deletion_asked(seen):
                self.queue.add(name)
                continue
            assessment = observation.assess(pair)
            if assessment.needs_reconcile:
                self.queue.add(name)
            try:
                await self._write(seen, assessment.job_status, assessment.datafeed_status)
                await self._record(assessment.notices, seen)
            except KubeApiError as error:
                logger.warning("%s: no status written: %s", name, error)

    # -- reconciling ---------------------------------------------------------------------------------------

    async def _process(self, name: ObjectKey) -> float | None:
        """One reconcile of a pair; returns the seconds until the next try, or None."""
        try:
            await self._refuse_duplicates(name)
            pair, seen = self._pair(name)
            if pair is None:
                await self._forget(name)
                return None
            connection, runtime = self._connection(name, deleting=_deletion_asked(seen))
            if (runtime is None or pair.job is None) and _just_created(seen):
                return CONFLICT_RETRY
            if runtime is not None and not runtime.checked:
                return None  # its first look comes, and reaches every pair
            if runtime is not None and runtime.usable:
                self.state.remember_connection(name, runtime.key)
                return await self._reconcile(name, pair, seen, runtime)
            failure = self._why_unusable(connection, runtime)
            if pair.job is None:
                await self._wait_for_job(pair, seen, failure)
                return None  # its job brings it back
            return await self._wait_for_connection(pair, seen, failure, connected=connection in self.state.connections)
        except KubeApiError as error:
            logger.warning("%s: %s; next try in %g s", name, error, API_RETRY)
            return API_RETRY

    async def _reconcile(
        self, name: ObjectKey, pair: Pair, seen: list[Seen[Any]], runtime: ConnectionRuntime
    ) -> float | None:
        # The finalizer comes before the first write to the server: nothing may be left there without an owner.
        if self._needs_finalizer(pair, seen):
            held = [await self.writer.add_finalizer(one) for one in seen if not _deletion_asked([one])]
            if not all(held):
                return CONFLICT_RETRY
            fresh, seen = self._pair(name)
            if fresh is None:
                return None
            pair = fresh
        async with runtime.reconciler() as reconciler:
            outcome = await reconciler.reconcile(pair)
        await self._conclude(name, outcome)
        if outcome.error is None:
            return outcome.retry_after
        if outcome.error.connection:
            runtime.look_again()
        _, seen = self._pair(name)
        failure = failure_of(outcome.error)
        _, seconds = await self._let_go(seen, failure, connected=runtime.key in self.state.connections)
        return min((at for at in (outcome.retry_after, seconds) if at is not None), default=None)

    async def _conclude(self, name: ObjectKey, outcome: Outcome) -> None:
        """Writes what came of a reconcile: status, Events, and the release of what is on its way out."""
        _, seen = self._pair(name)
        await self._write(seen, outcome.job_status, outcome.datafeed_status)
        await self._record(outcome.notices, seen)
        _, seen = self._pair(name)
        released = {"AnomalyJob": outcome.job_released, "Datafeed": outcome.datafeed_released}
        # The Datafeed first: its job is what names the connection.
        for one in reversed(seen):
            if released[one.kind] and _deletion_asked([one]) and not await self.writer.remove_finalizer(one):
                self.queue.add_after(name, CONFLICT_RETRY)

    async def _wait_for_job(self, pair: Pair, seen: list[Seen[Any]], failure: Failure) -> None:
        """A Datafeed without a job needs no server: it says what it waits for, or goes."""
        datafeed = pair.datafeed
        if datafeed is None:
            return
        done, _ = await self._let_go(seen, failure, connected=False)
        if not done:
            status = waiting_status(datafeed, datetime.now(UTC))
            await self._write(seen, None, status)
            await self._record(transitions(datafeed, datafeed.status, status), seen)

    async def _wait_for_connection(
        self, pair: Pair, seen: list[Seen[Any]], failure: Failure, *, connected: bool
    ) -> float | None:
        """The pair cannot be worked on: says why. The connection's next change brings it back."""
        done, seconds = await self._let_go(seen, failure, connected=connected)
        if done:
            return None
        now = datetime.now(UTC)
        job, datafeed = pair.job, pair.datafeed
        job_status = unreachable_job(job.status, job, failure, now) if job is not None else None
        feed_status = None
        if datafeed is not None:
            feed_status = unreachable_datafeed(datafeed.status, datafeed, failure, now)
        await self._write(seen, job_status, feed_status)
        if job is not None and job_status is not None:
            await self._record(transitions(job, job.status, job_status), seen)
        if datafeed is not None and feed_status is not None:
            await self._record(transitions(datafeed, datafeed.status, feed_status), seen)
        return seconds

    def _why_unusable(self, connection: ObjectKey | None, runtime: ConnectionRuntime | None) -> Failure:
        if runtime is not None and runtime.failure is not None:
            return runtime.failure
        seen = self.state.connections.get(connection) if connection is not None else None
        if seen is not None and seen.problem:
            return Failure(
                kind=FailureKind.NOT_SUPPORTED, message=f"ElasticsearchConnection {connection}: {seen.problem}"
            )
        wanted = f"ElasticsearchConnection {connection}" if connection is not None else "a default connection"
        return Failure(kind=FailureKind.CONNECTION_NOT_FOUND, message=f"{wanted} does not exist")

    async def _let_go(self, seen: list[Seen[Any]], failure: Failure, *, connected: bool) -> tuple[bool, float | None]:
        """Lets go of what is being deleted, as far as its policy allows that without the server.

        Returns:
            Whether every object of the pair could go, and the seconds after which another one may.
        """
        gone, waits = 0, []
        for one in seen:
            asked = one.metadata.deletion_timestamp
            if asked is None or one.resource is None:
                continue
            decision = release(
                one.resource.spec.deletion_policy,
                failure,
                f"{_ON_THE_SERVER[one.kind]} {one.resource.server_id}",
                waited=(datetime.now(UTC) - asked).total_seconds(),
                patience=self._release_after,
                connected=connected,
            )
            if not decision.now:
                waits.append(decision.seconds)
                continue
            if FINALIZER in one.metadata.finalizers:
                await self._record([released_notice(one, decision.message)], [one])
            gone += await self.writer.remove_finalizer(one)
        return gone == len(seen), min((at for at in waits if at is not None), default=None)

    async def _refuse_invalid(self, seen: Seen[Any]) -> None:
        """An object that breaks a rule which admission could not check says so, and is never acted on."""
        try:
            if _deletion_asked([seen]):
                await self.writer.remove_finalizer(seen)
            elif await self.writer.write_status(seen, invalid_status(seen, datetime.now(UTC))):
                await self._record([invalid_notice(seen)], [seen])
        except KubeApiError as error:
            logger.warning("%s %s is invalid, and its status cannot say so: %s", seen.kind, seen.key, error)

    async def _refuse_duplicates(self, name: ObjectKey) -> None:
        """Second Datafeeds of one job say so, and are never acted on."""
        feeds = [feed for feed in self.state.datafeeds_of(name) if feed.resource is not None]
        for extra in feeds[1:]:
            if extra.resource is None:
                continue
            if _deletion_asked([extra]):
                await self.writer.remove_finalizer(extra)  # it never had a server object
                continue
            job = self.state.jobs.get(name)
            status = duplicate_status(
                extra.resource,
                job.resource if job is not None else None,
                winner=feeds[0].metadata.name,
                now=datetime.now(UTC),
            )
            notices = transitions(extra.resource, extra.resource.status, status)
            await self.writer.write_status(extra, status.manifest())
            await self._record(notices, [extra])

    # -- small parts ---------------------------------------------------------------------------------------

    def _pair(self, name: ObjectKey) -> tuple[Pair | None, list[Seen[Any]]]:
        """The pair as it was last seen, and its objects: the job, then the Datafeed that counts."""
        job = self.state.jobs.get(name)
        feed = next((feed for feed in self.state.datafeeds_of(name) if feed.resource is not None), None)
        if job is not None and job.resource is None:
            return None, []
        seen: list[Seen[Any]] = [one for one in (job, feed) if one is not None]
        if not seen:
            return None, []
        return Pair(job=job.resource if job else None, datafeed=feed.resource if feed else None), seen

    async def _forget(self, name: ObjectKey) -> None:
        """Drops what is remembered about a pair without objects."""
        if name in self.state.jobs or self.state.datafeeds_of(name):
            return
        self.state.forget_pair(name)
        for runtime in self.connections.values():
            runtime.forget(str(name))
        await self._reap()

    async def _reap(self) -> None:
        """Stops the runtimes of connections that are gone, once no pair needs them for its own deletion."""
        for key in list(self.connections):
            if key not in self.state.connections and not self.state.remembered_on(key):
                await self.connections.pop(key).stop()

    def _connection(self, name: ObjectKey, *, deleting: bool) -> tuple[ObjectKey | None, ConnectionRuntime | None]:
        """The connection that a pair uses, and its runtime when it exists.

        A pair that is being deleted uses the one that it was last reconciled on, even when that resource is gone:
        in a namespace that is deleted, connections go before the jobs that wait for their finalizer.
        """
        last = self.state.last_connection(name)
        if deleting and last in self.connections:
            return last, self.connections[last]
        connection = self.state.connection_of(name)
        seen = self.state.connections.get(connection) if connection is not None else None
        if seen is None or seen.resource is None:
            return connection, None
        return connection, self.connections.get(seen.key) or self._start(seen.key, seen.resource)

    def _start(self, key: ObjectKey, resource: ElasticsearchConnection) -> ConnectionRuntime:
        runtime = ConnectionRuntime(key, resource, api=self._api, owner=self, cluster=self._cluster, on_step=_log_step)
        self.connections[key] = runtime
        return runtime

    @staticmethod
    def _needs_finalizer(pair: Pair, seen: Iterable[Seen[Any]]) -> bool:
        """Whether an object of a pair that has a job, and so a server side, lacks the finalizer."""
        alive = [one for one in seen if not one.metadata.deletion_timestamp]
        return pair.job is not None and any(FINALIZER not in one.metadata.finalizers for one in alive)

    async def _write(
        self,
        seen: Iterable[Seen[Any]],
        job_status: AnomalyJobStatus | None,
        datafeed_status: DatafeedStatus | None,
    ) -> None:
        statuses = {"AnomalyJob": job_status, "Datafeed": datafeed_status}
        for one in seen:
            status = statuses[one.kind]
            if status is not None:
                await self.writer.write_status(one, status.manifest())

    async def _record(self, notices: Iterable[Notice], seen: Iterable[Seen[Any]]) -> None:
        metadata: dict[tuple[str, str], Metadata] = {(one.kind, one.metadata.name): one.metadata for one in seen}
        for notice in notices:
            about = metadata.get((notice.kind, notice.name))
            if about is not None:
                await self._events.record(notice, about)


def _pair_of(seen: Seen[Any]) -> ObjectKey:
    """The pair that an AnomalyJob or a Datafeed belongs to."""
    return ObjectKey(seen.key.namespace, seen.job or "" if seen.kind == Datafeed.KIND else seen.key.name)


def _asks_for_work(before: Seen[Any], now: Seen[Any]) -> bool:
    """Whether the change is more than our own: another spec, object or fate."""
    one, other = before.metadata, now.metadata
    return (one.uid, one.generation, one.deletion_timestamp) != (
        other.uid,
        other.generation,
        other.deletion_timestamp,
    )


def _deletion_asked(seen: Iterable[Seen[Any]]) -> bool:
    return any(one.metadata.deletion_timestamp is not None for one in seen)


def _just_created(seen: Iterable[Seen[Any]]) -> bool:
    """Whether an object is so new that the watch of another kind may not have shown what it refers to."""
    now = datetime.now(UTC)
    created = [one.metadata.creation_timestamp for one in seen if not one.metadata.deletion_timestamp]
    return any(at is not None and (now - at).total_seconds() < GRACE for at in created)


def _log_step(step: Step) -> None:
    logger.info("%s %s: %s", step.verb, step.target, step.reason)
