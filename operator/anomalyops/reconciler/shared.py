"""Reconciling what is one server object, holds no model and does not run: filter lists and calendars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anomalyops.elastic import Gateway, GatewayError
from anomalyops.health import Notice, PlanState, shared_status, transitions, unreachable_shared
from anomalyops.plan import Plan, Step
from anomalyops.reconciler.calendar_unit import CalendarUnit
from anomalyops.reconciler.clock import utc_now
from anomalyops.reconciler.failures import failure_of
from anomalyops.reconciler.filter_unit import FilterUnit
from anomalyops.reconciler.outcome import told_by_plan
from anomalyops.reconciler.rounds import OnPlan, OnStep, Rounds
from anomalyops.reconciler.shared_unit import SharedObject, SharedUnit
from anomalyops.reconciler.unit import Run
from anomalyops.resources import AnomalyCalendar, AnomalyFilter, Reason, SharedResource, SharedStatus

_UNITS: Mapping[type[SharedResource], type[SharedUnit[Any]]] = {
    AnomalyFilter: FilterUnit,
    AnomalyCalendar: CalendarUnit,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedOutcome:
    """The result of one reconcile.

    Attributes:
        status: The resource's new status.
        released: It is being deleted and its finalizer may go.
        plan: What was to be done when the server was first looked at.
        executed: The steps that were carried out.
        notices: For people.
        retry_after: Seconds after which to reconcile again, None when nothing is pending.
        error: What went wrong, None when nothing did.
        exists: Whether the server has the object; None when that is not known.
        ours: Whether the mark on it is this resource's.
    """

    status: SharedStatus
    released: bool
    plan: Plan
    executed: tuple[Step, ...]
    notices: tuple[Notice, ...]
    retry_after: float | None
    error: GatewayError | None
    exists: bool | None
    ours: bool


class SharedReconciler:
    """Brings the server to what such resources ask for. One for each connection.

    Args:
        gateway: The server.
        cluster: Identity of the cluster that the resources live in; `local` for files on disk.
        clock: Says the time, in UTC.
        on_plan: Called with each plan that has steps, before the first one is sent.
        on_step: Called with each step before it is sent.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        cluster: str,
        clock: Callable[[], datetime] = utc_now,
        on_plan: OnPlan | None = None,
        on_step: OnStep | None = None,
    ) -> None:
        self._gateway = gateway
        self._cluster = cluster
        self._clock = clock
        self._rounds = Rounds(gateway, clock=clock, on_plan=on_plan, on_step=on_step)

    async def plan(self, shared: SharedObject) -> Plan:
        """Looks and plans, without acting.

        Raises:
            GatewayError: The server could not be looked at.
        """
        _, found = await self._unit(shared).look_and_plan(curious=True)
        return found

    async def examine(self, shared: SharedObject) -> SharedStatus:
        """Looks and plans, without acting, and says how the resource stands.

        Raises:
            GatewayError: The server could not be looked at.
        """
        unit = self._unit(shared)
        run = Run(unit=unit)
        run.observed, found = await unit.look_and_plan()
        run.note_plan(found)
        return self._status(unit, run)

    async def reconcile(self, shared: SharedObject, *, cluster_uuid: str = "") -> SharedOutcome:
        """Brings the server to what the resource asks for, and computes the new status.

        Args:
            shared: The resource.
            cluster_uuid: The server that it lives on; empty when that is not known. On another one, nothing is created.
        """
        unit = self._unit(shared)
        async with self._rounds.turn(unit.key):
            run = await self._rounds.reconcile(unit, cluster_uuid=cluster_uuid)
            retry_after = self._rounds.retry_after(run)
        status = self._status(unit, run)
        changes = transitions(shared.resource, shared.resource.status, status)
        if run.executed:
            changes = tuple(notice for notice in changes if not told_by_plan(notice))
        return SharedOutcome(
            status=status,
            released=unit.is_leaving and run.settled,
            plan=run.first or run.remaining,
            executed=tuple(run.executed),
            notices=(*_action_notices(shared.resource, run), *changes),
            retry_after=retry_after,
            error=run.error,
            exists=None if run.observed is None else unit.exists(run.observed),
            ours=run.observed is not None and unit.is_ours(run.observed),
        )

    async def look_at_all(self, model: type[SharedResource]) -> Mapping[str, Any]:
        """What the server has of a kind, by id, in a number of calls that does not grow with the number of objects.

        Raises:
            GatewayError: The server could not be looked at.
        """
        return await _UNITS[model].look_at_all(self._gateway, self._clock())

    def is_as_wanted(self, shared: SharedObject, seen: Mapping[str, Any]) -> bool:
        """Whether nothing is to be done about an object, as a look at all of them shows it."""
        unit = self._unit(shared)
        return unit.plan(unit.among(seen)).empty

    def forget(self, key: str) -> None:
        """Drops what is remembered about a resource (`SharedObject.key`) that is gone."""
        self._rounds.forget(key)

    def _unit(self, shared: SharedObject) -> SharedUnit[Any]:
        kind = _UNITS[type(shared.resource)]
        return kind(shared, self._gateway, cluster=self._cluster, clock=self._clock)

    def _status(self, unit: SharedUnit[Any], run: Run[Any]) -> SharedStatus:
        resource, now = unit.shared.resource, self._clock()
        failure = None if run.error is None else failure_of(run.error, run.failed_step)
        if run.observed is None and failure is not None:
            return unreachable_shared(resource, failure, now)
        state = PlanState(
            obstacles=run.remaining.obstacles,
            pending=run.remaining.steps,
            failure=failure,
            executed=bool(run.executed),
        )
        found = unit.in_words(run.observed) if unit.exists(run.observed) else ""
        return shared_status(resource, unit.facts(run.observed), state, now, found=found)


def _action_notices(resource: SharedResource, run: Run[Any]) -> tuple[Notice, ...]:
    """What was done and what failed."""
    notices = []
    if run.executed:
        notices.append(_notice(resource, "Normal", Reason.PLAN_EXECUTED, _words(run.executed)))
    if run.failed_step is not None and run.error is not None and not run.told:
        message = f"{run.failed_step.verb} failed: {run.error.reason}"
        notices.append(_notice(resource, "Warning", Reason.PLAN_FAILED, message))
    return tuple(notices)


def _notice(resource: SharedResource, type_: Any, reason: Reason, message: str) -> Notice:
    return Notice(kind=resource.KIND, name=resource.name, type=type_, reason=reason, message=message)


def _words(steps: Sequence[Step]) -> str:
    return "; ".join(f"{step.verb}: {step.reason}" for step in steps)
