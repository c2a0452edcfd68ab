"""The reconciler of pairs: look at the server, plan, act, look again, and say what came of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from anomalyops.elastic import Gateway
from anomalyops.plan import Observed, Plan, Subject
from anomalyops.reconciler.clock import utc_now
from anomalyops.reconciler.kibana import SavedObjectsSync
from anomalyops.reconciler.outcome import (
    Outcome,
    action_notices,
    health_notices,
    statuses,
    told_by_plan,
)
from anomalyops.reconciler.pair import Pair, is_deleting
from anomalyops.reconciler.pair_unit import PairUnit
from anomalyops.reconciler.rounds import OnPlan, OnStep, Rounds
from anomalyops.reconciler.unit import Run
from anomalyops.resources import AnomalyJobStatus, DatafeedStatus


class Reconciler:
    """Brings the server to what pairs of resources ask for. One for each connection.

    Args:
        gateway: The server.
        cluster: Identity of the cluster that the resources live in; `local` for files on disk.
        clock: Says the time, in UTC.
        on_plan: Called with each plan that has steps, before the first one is sent.
        on_step: Called with each step before it is sent.
        coming: Filter lists that are planned for as if the server had them: they are applied before the pairs.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        cluster: str,
        clock: Callable[[], datetime] = utc_now,
        on_plan: OnPlan | None = None,
        on_step: OnStep | None = None,
        coming: Collection[str] = (),
    ) -> None:
        self._gateway = gateway
        self._cluster = cluster
        self._clock = clock
        self._coming = coming
        self._kibana = SavedObjectsSync(gateway)
        self._rounds = Rounds(gateway, clock=clock, on_plan=on_plan, on_step=on_step)

    async def plan(self, pair: Pair) -> Plan:
        """Looks and plans, without acting.

        Raises:
            GatewayError: The server could not be looked at.
        """
        unit = self._unit(pair)
        if not unit.is_on_server:
            return unit.plan_unseen()
        _, found = await unit.look_and_plan(curious=True)
        return found

    async def examine(self, pair: Pair) -> tuple[AnomalyJobStatus | None, DatafeedStatus | None]:
        """Looks and plans, without acting, and says how the pair stands: what the server would refuse is part of it.

        Raises:
            GatewayError: The server could not be looked at.
        """
        unit = self._unit(pair)
        run = Run(unit=unit)
        run.observed, found = await unit.look_and_plan(curious=True)
        run.note_plan(found)
        return statuses(pair, run, unit.desired, self._clock())

    async def reconcile(self, pair: Pair, *, cluster_uuid: str = "") -> Outcome:
        """Brings the server to what the pair asks for, and computes the new status.

        Trouble with the server becomes part of the status and `retry_after`. Reconciles of the same pair wait
        for each other.

        Args:
            pair: The pair.
            cluster_uuid: The server that the pair lives on; empty when that is not known. On another one, nothing
                is created.
        """
        unit = self._unit(pair)
        async with self._rounds.turn(unit.key):
            if unit.is_on_server:
                run = await self._rounds.reconcile(unit, cluster_uuid=cluster_uuid)
                return self._outcome(unit, run, self._rounds.retry_after(run))
            run = Run(unit=unit, observed=Observed(job=None, datafeed=None))
            run.note_plan(unit.plan_unseen())
            return self._outcome(unit, run, None)  # it waits for another resource, whose arrival is an event

    def acted_since(self, key: str, moment: datetime) -> bool:
        """Whether a pair (`Pair.key`) is being reconciled or was so after a moment.

        An observation that began before is out of date for it.
        """
        return self._rounds.acted_since(key, moment)

    def forget(self, key: str) -> None:
        """Drops what is remembered about a pair (`Pair.key`) whose resources are gone."""
        self._rounds.forget(key)

    def _unit(self, pair: Pair) -> PairUnit:
        return PairUnit(
            pair, self._gateway, self._kibana, cluster=self._cluster, clock=self._clock, coming=self._coming
        )

    def _outcome(self, unit: PairUnit, run: Run[Observed], retry_after: float | None) -> Outcome:
        pair = unit.pair
        job, feed = statuses(pair, run, unit.desired, self._clock())
        changes = health_notices(pair, job, feed)
        if run.executed:
            changes = tuple(notice for notice in changes if not told_by_plan(notice))
        return Outcome(
            job_status=job,
            datafeed_status=feed,
            job_released=is_deleting(pair.job) and run.settled,
            datafeed_released=is_deleting(pair.datafeed) and (run.settled or _datafeed_done(unit, run)),
            plan=run.first or run.remaining,
            executed=tuple(run.executed),
            notices=(*action_notices(pair, run), *changes),
            retry_after=retry_after,
            observed=run.observed,
            error=run.error,
        )


def _datafeed_done(unit: PairUnit, run: Run[Observed]) -> bool:
    """Whether nothing is left to do for a datafeed on its way out, though something is for its job."""
    if run.observed is None or unit.is_leaving:
        return False
    left = unit.plan_run_state(run.observed)
    waiting = any(obstacle.waiting for obstacle in left.obstacles)
    return not waiting and not any(step.subject is Subject.DATAFEED for step in left.steps)
