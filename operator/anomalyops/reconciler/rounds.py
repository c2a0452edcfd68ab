"""Look, plan, act, look again, for any unit: rounds, refusals that are held back, back-off, and the way back."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar
from weakref import WeakValueDictionary

from anomalyops.elastic import Gateway, GatewayError, OtherServer
from anomalyops.plan import Answer, Effect, Joint, Plan, Step, joined
from anomalyops.reconciler.backoff import Backoff
from anomalyops.reconciler.failures import is_definite, is_of_one, is_stale
from anomalyops.reconciler.hold import Broken, Holds
from anomalyops.reconciler.unit import Done, Run, Unit

OnPlan = Callable[[Plan], None]
OnStep = Callable[[Step], Awaitable[None] | None]
S = TypeVar("S")

_LONGEST_WAIT = 300.0  # seconds until a unit with something pending is looked at again
_ROUNDS = 4  # looks and plans in one reconcile: act, verify, and twice more when somebody else acts in between


class Rounds:
    """Brings units of one server to what their manifests ask for, and keeps what is remembered between reconciles.

    Level-triggered: every reconcile starts from what the server has, so it may be cancelled or killed at any point and
    the next one finishes the work.

    Args:
        gateway: The server.
        clock: Says the time, in UTC.
        on_plan: Called with each plan that has steps, before the first one is sent.
        on_step: Called with each step before it is sent.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        clock: Callable[[], datetime],
        on_plan: OnPlan | None = None,
        on_step: OnStep | None = None,
    ) -> None:
        self._gateway = gateway
        self._clock = clock
        self._on_plan = on_plan
        self._on_step = on_step
        self._backoff = Backoff()
        self._holds = Holds()
        self._finished: dict[str, datetime] = {}
        self._broken: dict[str, Broken] = {}
        self._told: dict[str, tuple[str, str, str]] = {}  # the failure of each unit that people were told of last
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncIterator[None]:
        """A unit's turn: reconciles of the same one wait for each other."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            yield
            self._finished[key] = self._clock()

    async def reconcile(self, unit: Unit[S], *, cluster_uuid: str = "") -> Run[S]:
        """Act until a look finds nothing to do, or a step fails for good. Within the unit's turn.

        Trouble with the server becomes part of the run.

        Args:
            unit: What is to be brought about.
            cluster_uuid: The server that it lives on; empty when that is not known. On another one, nothing is
                created.
        """
        run = Run(unit=unit, cluster_uuid=cluster_uuid)
        try:
            await self._converge(run)
        except GatewayError as error:
            run.observed = None
            run.fail(error, None)
        self._note_told(run)
        run.unheard = await unit.tell_others(run.executed)
        return run

    def acted_since(self, key: str, moment: datetime) -> bool:
        """Whether a unit is being reconciled or was so after a moment.

        An observation that began before is out of date for it.
        """
        lock = self._locks.get(key)
        finished = self._finished.get(key)
        return (lock is not None and lock.locked()) or (finished is not None and finished >= moment)

    def forget(self, key: str) -> None:
        """Drops what is remembered about a unit whose resources are gone."""
        self._backoff.succeeded(key)
        self._holds.lift(key)
        self._finished.pop(key, None)
        self._broken.pop(key, None)
        self._told.pop(key, None)

    def retry_after(self, run: Run[S]) -> float | None:
        """Seconds until the next reconcile: none pending, None; a refusal, when it ends; else the unit's back-off."""
        key = run.unit.key
        if run.settled:
            self._holds.lift(key)
            if run.observed is not None and run.unit.waits_for_news(run.observed):
                return self._backoff.failed(key)
            self._backoff.succeeded(key)
            return None
        if run.held_seconds:
            return min(run.held_seconds, _LONGEST_WAIT)
        return self._backoff.failed(key)

    def _note_told(self, run: Run[S]) -> None:
        """A step that fails as it did at the last try is no news; its condition stands."""
        key = run.unit.key
        if run.error is None or run.failed_step is None:
            if run.settled:
                self._told.pop(key, None)
            return
        failure = run.failed_step.verb, run.failed_step.target, run.error.reason
        run.told = run.told or self._told.get(key) == failure
        self._told[key] = failure

    # -- acting ------------------------------------------------------------------------------------------

    async def _converge(self, run: Run[S]) -> None:
        unit = run.unit
        await self._mend(run)
        refusal = self._holds.standing(unit.key, unit.wanted)
        done: Done[S] | None = None
        for round_ in range(_ROUNDS):
            run.observed, found = await unit.look_and_plan(done=done)
            if found.empty:
                refusal = None  # what was refused is there all the same
                self._broken.pop(unit.key, None)
            elif refusal is not None:
                found = unit.plan_run_state(run.observed)
            run.note_plan(found)
            if found.empty:
                break
            if run.cluster_uuid and not unit.exists(run.observed):
                await self._make_sure_of(run.cluster_uuid, unit.key)
            if self._on_plan is not None:
                self._on_plan(found)
            answers: list[tuple[Step, Answer]] = []
            failed = await self._execute(found, run, answers)
            done = Done(before=run.observed, answers=tuple(answers)) if failed is None else None
            if failed is not None:
                self._note_broken(run, found, *failed)
            if failed is not None and not (is_stale(failed[0]) and round_ < _ROUNDS - 1):
                await self._after_failure(run, *failed)
                return
        if refusal is not None:
            run.hold(refusal.error, refusal.step, self._holds.seconds_left(unit.key))

    async def _make_sure_of(self, cluster_uuid: str, key: str) -> None:
        """What lacks an object may be another server that took the place of the one that has it.

        Raises:
            OtherServer: it is.
        """
        answering = await self._gateway.cluster_uuid()
        if answering and answering != cluster_uuid:
            raise OtherServer(f"the cluster {answering} answers, and {key} lives on {cluster_uuid}")

    async def _execute(
        self, found: Plan, run: Run[S], answers: list[tuple[Step, Answer]] | None = None
    ) -> tuple[GatewayError, Step] | None:
        """Sends the steps in order; the error and the step at which it stopped, None when all are done.

        What one call does is one call. Where the server refuses that, each step is sent alone, so that the refusal is
        of the step that it is meant for, and what is not refused is done.

        Args:
            found: The plan.
            run: Takes down what was executed.
            answers: Takes down what the server answered.
        """
        for call in joined(found.steps):
            steps = call.steps if isinstance(call, Joint) else (call,)
            for step in steps:
                await self._tell(step)
            failed = await self._send(call, run, answers)
            if failed is not None and isinstance(call, Joint) and is_of_one(failed[0]):
                for step in steps:
                    failed = await self._send(step, run, answers)
                    if failed is not None:
                        break
            if failed is not None:
                return failed
        return None

    async def _tell(self, step: Step) -> None:
        """Tells of a step that is about to be sent."""
        if self._on_step is not None:
            told = self._on_step(step)
            if inspect.isawaitable(told):
                await told

    async def _send(
        self, call: Step | Joint, run: Run[S], answers: list[tuple[Step, Answer]] | None
    ) -> tuple[GatewayError, Step] | None:
        """Makes one call; the error, and the step that it is about."""
        try:
            if isinstance(call, Joint):
                steps, told = call.steps, await call.send(self._gateway)
            else:
                steps, told = (call,), (await call.send(self._gateway),)
        except GatewayError as error:
            return error, call.steps[0] if isinstance(call, Joint) else call
        run.executed.extend(steps)
        if answers is not None:
            answers.extend(zip(steps, told, strict=True))
        return None

    async def _after_failure(self, run: Run[S], error: GatewayError, step: Step) -> None:
        """Holds back what the server refused for good, and brings the run state back.

        A step that failed after something was stopped must not leave it stopped: a plan for the run state alone has
        it run again, with the old configuration.
        """
        run.fail(error, step)
        unit = run.unit
        if is_definite(error) and step.effect is not Effect.RUNS and not unit.is_leaving:
            run.held_seconds = self._holds.hold(unit.key, wanted=unit.wanted, error=error, step=step)
        if await self._mend(run):
            run.restored, run.held_seconds = True, 0.0
            self._holds.lift(unit.key)  # the mark tells now
        restoring = unit.plan_run_state(await self._look_again(run))
        if step.starts or unit.is_leaving:
            return  # bringing the run state back is what just failed, or is not wanted
        if not restoring.empty and await self._execute(restoring, run) is None:
            await self._look_again(run)

    async def _look_again(self, run: Run[S]) -> S:
        observed, found = await run.unit.look_and_plan()
        run.observed = observed
        run.note_plan(found)
        return observed

    # -- the way back ------------------------------------------------------------------------------------

    def _note_broken(self, run: Run[S], found: Plan, error: GatewayError, step: Step) -> None:
        """Remembers the way back where the server refuses what something was given up for.

        A failure that passes is no refusal: the same is tried again, and then refused or not.
        """
        given_up = any(done.effect is Effect.DESTROYS for done in found.steps if done in run.executed)
        lost = found.fallback if given_up else None
        key = run.unit.key
        earlier = self._broken.get(key)
        if lost is not None:
            earlier = self._broken[key] = Broken(fallback=lost, wanted=run.unit.wanted)
        if earlier is not None and is_definite(error) and step.effect is not Effect.RUNS:
            earlier.words = error.reason

    async def _mend(self, run: Run[S]) -> bool:
        """Brings back what was given up for a configuration that the server then refused; whether it did.

        It is tried again until it succeeds or the manifests ask for something else.
        """
        unit = run.unit
        broken = self._broken.get(unit.key)
        if broken is None:
            return False
        if broken.wanted != unit.wanted or unit.is_leaving:
            del self._broken[unit.key]
            return False
        if not broken.words:
            return False
        steps = broken.fallback.steps(await unit.look(), broken.words)
        failed = await self._execute(Plan(steps=steps), run)
        if failed is not None and not is_definite(failed[0]):
            raise failed[0]
        del self._broken[unit.key]
        return failed is None
