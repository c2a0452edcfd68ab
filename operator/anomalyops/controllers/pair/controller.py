"""Pairs: which events concern one, and what becomes of it on its connection.

The keys are namespace and name of an AnomalyJob, whether it exists or only a Datafeed waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from anomalyops.controllers.connection.controller import ConnectionController
from anomalyops.controllers.connection.runtime import ConnectionRuntime
from anomalyops.controllers.pair.holding import held_report
from anomalyops.controllers.pair.index import PairIndex
from anomalyops.controllers.pair.place import pinned, placed, refusal, retained
from anomalyops.controllers.pair.refusals import duplicate_status
from anomalyops.controllers.pair.reporting import deletion_asked, pair_report
from anomalyops.controllers.pair.waiting import Waiting
from anomalyops.controllers.patience import GRACE, SETTLING, is_new
from anomalyops.controllers.place import Place, moved_notice, moved_words, note, with_place
from anomalyops.controllers.reach import Reach
from anomalyops.elastic import OtherServer
from anomalyops.health import Failure, FailureKind, transitions
from anomalyops.plan import CreateJob
from anomalyops.reconciler import Observation, Outcome, Pair, failure_of
from anomalyops.resources import (
    FINALIZER,
    AnomalyJob,
    Datafeed,
    ElasticsearchConnection,
    MovePolicy,
)
from anomalyops.watching.controller import Report
from anomalyops.watching.kubeapi import KubeApiError
from anomalyops.watching.objects import Objects, Seen
from anomalyops.watching.options import ObjectKey, Options
from anomalyops.watching.work import API_RETRY, Work, at_once
from anomalyops.watching.writer import CONFLICT_RETRY

logger = logging.getLogger(__name__)

COMPANION = 1.5  # seconds in which the Datafeed of a new job may still come, so that one plan carries both out


class PairController:
    """AnomalyJobs, each with the at most one Datafeed that counts.

    Args:
        objects: All objects.
        work: The queue, and where reports are written.
        connections: The servers.
        options: What the operator serves.
    """

    name: ClassVar[str] = "pair"

    def __init__(
        self,
        objects: Objects,
        work: Work,
        connections: ConnectionController,
        options: Options,
    ) -> None:
        self._objects = objects
        self._work = work
        self._connections = connections
        self._waiting = Waiting(patience=options.release_after)
        self._pairs = PairIndex(objects, options.default_connection)
        self._reach = Reach(objects, connections, options.default_connection)
        self.made_anew: Callable[[ObjectKey], None] = lambda _: None  # told of each job that was created
        self.holder: Callable[[ObjectKey], Seen[Any] | None] = lambda _: None  # the request that a job is left to
        self.let_go_since: Callable[[ObjectKey, datetime], bool] = lambda _, __: False  # whether one held it
        self.known: Callable[[str], bool] = lambda _: True  # whether all objects of a namespace were listed
        connections.serve(self)

    def concerned(self, seen: Seen[Any]) -> Iterable[ObjectKey]:
        """A job and a Datafeed concern their pair. What a connection concerns is told when it was looked at."""
        if seen.kind.model is AnomalyJob:
            return [seen.key]
        return [ObjectKey(seen.key.namespace, seen.job or "")] if seen.kind.model is Datafeed else []

    def lane(self, key: ObjectKey) -> Hashable:
        """Pairs of one server wait for each other."""
        return self._pairs.connection_of(key)

    async def stop(self) -> None:
        """Nothing runs outside the queue."""

    # -- what the connections tell -------------------------------------------------------------------------

    def availability_changed(self, connection: ObjectKey) -> None:
        """Pairs on a connection that came, went or cannot be used say so."""
        for pair in self._pairs.touched_by(connection):
            self._work.add(self.name, pair)

    def needs(self, connection: ObjectKey) -> bool:
        """Whether a pair was last reconciled there, and may have to be deleted there."""
        return self._pairs.remembered_on(connection)

    async def observed(self, connection: ObjectKey, observation: Observation) -> None:
        """Give each pair of the connection its part of what the server said about all of them."""
        runtime = self._connections.runtimes[connection]
        for name in sorted(self._pairs.on(connection), key=self._is_settled):  # what changed meanwhile comes first
            self._pairs.remember_connection(name, connection)
            pair, seen = self._pair(name)
            if pair is None or not self._all_known(name) or self._work.is_running(self.name, name):
                continue  # a reconcile knows more, and writes it when it ends
            if (holder := self.holder(name)) is not None:
                await self._say(name, held_report(seen, holder, _now()))
                continue
            begun = observation.started_at
            if runtime.acted_since(str(name), begun) or self.let_go_since(name, begun):
                continue  # what was seen is older than what was done
            lives, here = pinned(pair), Place(connection, runtime.cluster_uuid)
            settled = lives is not None and here.is_server_of(lives)
            if not settled or _needs_finalizer(pair, seen) or deletion_asked(seen):
                self._work.add(self.name, name)
                continue
            assessment = observation.assess(placed(pair, here) if pair.job is not None else pair)
            if assessment.needs_reconcile:
                self._work.add(self.name, name)
            await self._say(
                name, pair_report(seen, assessment.job_status, assessment.datafeed_status, assessment.notices)
            )
            await asyncio.sleep(0)  # what needs a reconcile begins, while the others are assessed

    async def _say(self, name: ObjectKey, report: Report) -> None:
        """Write what an observation has shown of a pair."""
        try:
            await self._work.write(report)
        except KubeApiError as error:
            logger.warning("%s: no status written: %s", name, error)

    # -- one pair ------------------------------------------------------------------------------------------

    async def process(self, key: ObjectKey) -> Report:
        """Work off one pair."""
        if not self._all_known(key):
            return Report()  # what cannot be listed is not what is not there; the listing brings it back
        duplicates = self._duplicates(key)
        pair, seen = self._pair(key)
        if pair is None:
            await self._forget(key)
            return duplicates
        # A request that began before this run leaves the job alone until it ends; one that begins now waits for us.
        if (holder := self.holder(key)) is not None:
            return duplicates + held_report(seen, holder, _now())
        return duplicates + await self._work_off(key, pair, seen)

    async def _work_off(self, key: ObjectKey, pair: Pair, seen: list[Seen[Any]]) -> Report:
        lives = pinned(pair)
        job = self._objects.of(AnomalyJob).get(key)
        if pair.job is None and job is not None and pair.datafeed is not None and not deletion_asked(seen):
            return self._waiting.for_valid_job(pair.datafeed, seen)
        connection, runtime = self._reach.runtime(
            self._pairs.connection_of(key), lives if deletion_asked(seen) else None, key.namespace
        )
        if (runtime is None or pair.job is None) and _just_created(seen):
            return Report(retry_after=CONFLICT_RETRY)
        if pair.datafeed is None and lives is None and _just_created(seen, COMPANION):
            return Report(retry_after=CONFLICT_RETRY)
        if runtime is not None and self._comes_with_the_first_look(key, seen, runtime):
            return Report()
        if runtime is not None and runtime.unsettled:
            return Report(retry_after=SETTLING)  # neither with what was replaced, nor as if there were no connection
        if runtime is not None and runtime.usable:
            here = Place(runtime.key, runtime.cluster_uuid)
            if lives is not None and not here.is_server_of(lives):
                return await self._elsewhere(key, pair, seen, lives, runtime)
            self._pairs.remember_connection(key, runtime.key)
            return await self._reconcile(key, pair, seen, runtime)
        failure = self._reach.why_unusable(connection, runtime)
        if pair.job is None:
            return self._waiting.for_job(pair, seen, failure)
        connected = connection in self._objects.of(ElasticsearchConnection)
        return self._waiting.for_connection(pair, seen, failure, connected=connected)

    def _comes_with_the_first_look(self, key: ObjectKey, seen: list[Seen[Any]], runtime: ConnectionRuntime) -> bool:
        """Whether the first look at a server is waited for, which reaches every pair without a call for each.

        What was changed or deleted meanwhile is read by itself in any case, so it need not wait for all others.
        """
        known = runtime.observed or (runtime.checked and runtime.failure is not None)
        return not known and self._is_settled(key) and not deletion_asked(seen)

    async def _elsewhere(
        self, key: ObjectKey, pair: Pair, seen: list[Seen[Any]], lives: Place, runtime: ConnectionRuntime
    ) -> Report:
        """The connection leads to another server than the one that the pair lives on: it moves only when told to."""
        here = Place(runtime.key, runtime.cluster_uuid)
        if pair.job is None or pair.job.spec.move_policy is not MovePolicy.MOVE or deletion_asked(seen):
            failure = Failure(kind=FailureKind.PLACE_CHANGED, message=refusal(lives, here))
            if pair.job is None and not deletion_asked(seen):
                return self._waiting.for_job(pair, seen, failure)  # which connection it will use, its job says
            connected = lives.connection in self._objects.of(ElasticsearchConnection)
            return self._waiting.for_connection(pair, seen, failure, connected=connected)
        there = self._reach.server_of(lives, key.namespace)
        told = moved_words(lives, here, "")
        if there is not None:
            async with there.reconciler() as reconciler:
                left = await reconciler.reconcile(retained(pair, _now()), cluster_uuid=lives.cluster_uuid)
            if not left.job_released:
                return Report(retry_after=left.retry_after or API_RETRY)
            told = moved_words(lives, here, "stopped and kept")
        await self._work.write(Report(notices=tuple((one, moved_notice(one, told)) for one in seen)))
        await self._pin(seen, here)
        fresh, seen = self._pair(key)
        return Report() if fresh is None else await self._reconcile(key, fresh, seen, runtime)

    async def _pin(self, seen: Sequence[Seen[Any]], place: Place) -> None:
        """Note where objects live, before anything of them is written there."""
        statuses = [(one, status) for one in seen if (status := with_place(one, place)) is not None]
        await self._work.write(Report(statuses=tuple(statuses)))

    async def _reconcile(
        self, key: ObjectKey, pair: Pair | None, seen: list[Seen[Any]], runtime: ConnectionRuntime
    ) -> Report:
        # The finalizer comes before the first write to the server: nothing may be left there without an owner.
        here = Place(runtime.key, runtime.cluster_uuid)
        if pair is not None and _needs_finalizer(pair, seen):
            held = [
                self._work.writer.add_finalizer(one, note(one.metadata, here) if one is seen[0] else None)
                for one in seen
                if not deletion_asked([one])
            ]
            if not all(await at_once(held)):
                return Report(retry_after=CONFLICT_RETRY)
            pair, seen = self._pair(key)
        if pair is not None and pair.job is not None and pinned(pair) != here:
            # One of them is enough to know where the pair lives; the Datafeed's status tells it when it is written.
            await self._pin([one for one in seen[:1] if not deletion_asked([one])], here)
        fresh, seen = self._pair(key)
        if fresh is None:
            return Report()
        async with runtime.reconciler() as reconciler:
            wanted = placed(fresh, here) if fresh.job is not None else fresh
            outcome = await reconciler.reconcile(wanted, cluster_uuid=here.cluster_uuid)
        if any(isinstance(step, CreateJob) for step in outcome.executed):
            self.made_anew(key)
        _, seen = self._pair(key)
        report = self._conclusion(seen, outcome)
        if outcome.error is None:
            return report
        if isinstance(outcome.error, OtherServer):
            runtime.distrust()
        elif outcome.error.connection:
            runtime.look_again()
        let_go = self._waiting.let_go(
            [one for one in seen if one not in report.released],
            failure_of(outcome.error),
            connected=runtime.key in self._objects.of(ElasticsearchConnection),
        )
        return report + let_go

    @staticmethod
    def _conclusion(seen: list[Seen[Any]], outcome: Outcome) -> Report:
        """What came of a reconcile: status, Events, and the release of what is on its way out."""
        gone = {AnomalyJob: outcome.job_released, Datafeed: outcome.datafeed_released}
        report = pair_report(seen, outcome.job_status, outcome.datafeed_status, outcome.notices)
        # The Datafeed first: its job is what names the connection.
        released = tuple(one for one in reversed(seen) if gone[one.kind.model] and deletion_asked([one]))
        return replace(report, released=released, retry_after=outcome.retry_after)

    def _duplicates(self, key: ObjectKey) -> Report:
        """Second Datafeeds of one job say so, and are never acted on."""
        report = Report()
        winner = self._counting(key)
        for extra in self._pairs.datafeeds_of(key):
            if winner is None or extra is winner or extra.resource is None:
                continue
            if deletion_asked([extra]):
                report += Report(released=(extra,))  # it never had a server object
                continue
            job = self._objects.of(AnomalyJob).get(key)
            status = duplicate_status(
                extra.resource, job.resource if job is not None else None, winner=winner.metadata.name, now=_now()
            )
            report += pair_report([extra], None, status, transitions(extra.resource, extra.resource.status, status))
        return report

    def _is_settled(self, key: ObjectKey) -> bool:
        """Whether the present generations of a pair's objects were compared with the server before."""
        _, seen = self._pair(key)
        statuses = [(one.metadata.generation, one.resource.status) for one in seen if one.resource is not None]
        return all(status is not None and status.observed_generation == at for at, status in statuses)

    def _all_known(self, key: ObjectKey) -> bool:
        connection = self._pairs.connection_of(key)
        return self.known(key.namespace) and (connection is None or self.known(connection.namespace))

    # -- small parts ---------------------------------------------------------------------------------------

    def _pair(self, key: ObjectKey) -> tuple[Pair | None, list[Seen[Any]]]:
        """The pair as it was last seen, and its objects: the job, then the Datafeed that counts."""
        job, feed = self._objects.of(AnomalyJob).get(key), self._counting(key)
        seen: list[Seen[Any]] = [one for one in (job, feed) if one is not None and one.managed is not None]
        if not seen:
            return None, []
        unreadable = frozenset(one.kind.name for one in seen if one.resource is None)
        pair = Pair(
            job=job.managed if job is not None else None,
            datafeed=feed.managed if feed is not None else None,
            unreadable=unreadable,
        )
        return pair, seen

    def _counting(self, key: ObjectKey) -> Seen[Datafeed] | None:
        """The Datafeed of a job that counts: the oldest that is valid or has a server side."""
        return next((feed for feed in self._pairs.datafeeds_of(key) if feed.managed is not None), None)

    async def _forget(self, key: ObjectKey) -> None:
        """Drop what is remembered about a pair without objects."""
        if key in self._objects.of(AnomalyJob) or self._pairs.datafeeds_of(key):
            return
        self._pairs.forget(key)
        for runtime in self._connections.runtimes.values():
            runtime.forget(str(key))
        await self._connections.reap()


def _needs_finalizer(pair: Pair, seen: Iterable[Seen[Any]]) -> bool:
    """Whether an object of a pair that has a job, and so a server side, lacks the finalizer."""
    alive = [one for one in seen if not one.metadata.deletion_timestamp]
    return pair.job is not None and any(FINALIZER not in one.metadata.finalizers for one in alive)


def _just_created(seen: Iterable[Seen[Any]], within: float = GRACE) -> bool:
    """Whether an object that is not on its way out is new."""
    return any(is_new(one.metadata, within) for one in seen if not one.metadata.deletion_timestamp)


def _now() -> datetime:
    return datetime.now(UTC)
