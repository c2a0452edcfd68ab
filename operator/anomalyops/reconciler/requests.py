"""Carrying out what is done once at a request: each step is stored before it is taken, and looked for after it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from anomalyops.elastic import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Gateway,
    GatewayError,
    LicenseInvalid,
    NotFound,
    Rejected,
    Unauthorized,
    Unsupported,
)
from anomalyops.health import Notice, failed_request, request_status, told_of, transitions
from anomalyops.plan import Call, Note, Rest, Standing, Step, Tone
from anomalyops.reconciler.backoff import Backoff
from anomalyops.reconciler.clock import utc_now
from anomalyops.reconciler.failures import failure_of
from anomalyops.reconciler.request_unit import RequestUnit
from anomalyops.reconciler.rounds import OnStep
from anomalyops.resources import Reason, ResourceStatus

T = TypeVar("T", bound=ResourceStatus)

Store = Callable[[T], Awaitable[bool]]
"""Stores a status for good. False: the resource is gone or is another one now, and nothing may be done for it."""

_MOVES: Final = 24  # in one run; a course has fewer steps
_UNDONE: Final = (
    Rejected,
    Forbidden,
    AlreadyExists,
    NotFound,
    Unsupported,
    Conflict,
    Unauthorized,
    LicenseInvalid,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOutcome(Generic[T]):
    """What a run came to.

    Attributes:
        status: The status, with its conditions.
        released: It is being deleted, and nothing of it is left to do.
        retry_after: Seconds until the next run; None when an event brings it.
        executed: The steps that were taken.
        notices: For people.
        error: What went wrong; None when nothing did.
        stored: Whether the resource was still there to store the course in.
    """

    status: T
    released: bool = False
    retry_after: float | None = None
    executed: tuple[Step, ...] = ()
    notices: tuple[Notice, ...] = ()
    error: GatewayError | None = None
    stored: bool = True


class Requests:
    """Carries out requests on one server.

    Args:
        gateway: The server.
        clock: Says the time, in UTC.
        on_step: Called with each step before it is sent.
    """

    def __init__(
        self, gateway: Gateway, *, clock: Callable[[], datetime] = utc_now, on_step: OnStep | None = None
    ) -> None:
        self._gateway = gateway
        self._clock = clock
        self._on_step = on_step
        self._backoff = Backoff()

    async def carry_out(self, unit: RequestUnit[T], key: str, store: Store[T], *, curious: bool) -> RequestOutcome[T]:
        """Take steps until nothing is to be done now.

        A run may be cancelled or killed at any point: the next one finds out what was done.

        Args:
            unit: The request; its status is what is stored.
            key: Tells it from all others of the server.
            store: Stores a status before what it tells of is done.
            curious: Look at the server though nothing is due.
        """
        run = _Run(unit)
        try:
            if curious or unit.needs_look(self._clock()):
                await unit.look(self._gateway, self._clock())
            for _ in range(_MOVES):
                move = unit.next_move(self._clock(), just_noted=run.just_noted, called=run.called, answer=run.answer)
                if isinstance(move, Rest):
                    return self._rest(run, key, move)
                if isinstance(move, Note):
                    if not await self._note(run, move, store):
                        return RequestOutcome(status=unit.status, stored=False)
                    continue
                failed = await self._call(run, move)
                if failed is not None:
                    return await self._failed(run, key, store, failed, move.step)
        except GatewayError as error:
            return await self._failed(run, key, store, error, None)
        return self._outcome(run, unit.status, retry_after=self._backoff.failed(key))

    def forget(self, key: str) -> None:
        """Drops what is remembered about a request that is gone."""
        self._backoff.succeeded(key)

    async def _note(self, run: _Run[T], move: Note[T], store: Store[T]) -> bool:
        if not await store(move.status):
            return False
        run.unit.status = move.status
        run.just_noted, run.called, run.answer = True, None, ""
        if move.ended is not None:
            run.ended.append(move.ended)
        return True

    async def _call(self, run: _Run[T], move: Call) -> GatewayError | None:
        if self._on_step is not None:
            told = self._on_step(move.step)
            if inspect.isawaitable(told):
                await told
        run.just_noted = False
        try:
            answer = await move.step.send(self._gateway)
        except GatewayError as error:
            return error
        run.answer = answer if isinstance(answer, str) else ""
        run.executed.append(move.step)
        run.called = move.step
        await run.unit.look(self._gateway, self._clock())
        return None

    async def _failed(
        self, run: _Run[T], key: str, store: Store[T], error: GatewayError, step: Step | None
    ) -> RequestOutcome[T]:
        """What a refusal ends is stored; what the server may have done all the same is looked for in the next run."""
        unit, failure = run.unit, failure_of(error, step)
        if step is not None and isinstance(error, _UNDONE):
            status = unit.refused(step, error, self._clock())
            if status != unit.status:
                if not await store(status):
                    return RequestOutcome(status=unit.status, stored=False)
                unit.status = status
                move = unit.next_move(self._clock(), just_noted=False, called=None, answer="")
                if isinstance(move, Rest) and unit.needs_look(self._clock()) is False:
                    return self._rest(run, key, move)
        if step is not None and unit.passes(error):
            passing = Standing(tone=Tone.WORKING, reason=Reason.RETRYING, message=f"{failure}; it is tried again")
            status = request_status(unit.resource, unit.status, passing, self._clock())
        else:
            status = failed_request(unit.resource, unit.status, failure, self._clock())
        return self._outcome(run, status, retry_after=self._backoff.failed(key), error=error, failed=step)

    def _rest(self, run: _Run[T], key: str, move: Rest[T]) -> RequestOutcome[T]:
        self._backoff.succeeded(key)
        status = request_status(run.unit.resource, move.status, move.standing, self._clock())
        return self._outcome(run, status, retry_after=move.seconds, released=move.released and run.unit.is_leaving)

    def _outcome(
        self,
        run: _Run[T],
        status: T,
        *,
        retry_after: float | None,
        released: bool = False,
        error: GatewayError | None = None,
        failed: Step | None = None,
    ) -> RequestOutcome[T]:
        return RequestOutcome(
            status=status,
            released=released,
            retry_after=retry_after,
            executed=tuple(run.executed),
            notices=(*_notices(run, error, failed), *_changes(run, status)),
            error=error,
        )


class _Run(Generic[T]):
    """The course of one run."""

    def __init__(self, unit: RequestUnit[T]) -> None:
        self.unit = unit
        self.before: Any = unit.resource.status
        self.just_noted = False
        self.called: Step | None = None
        self.answer = ""
        self.executed: list[Step] = []
        self.ended: list[Standing] = []


def _notices(run: _Run[Any], error: GatewayError | None, failed: Step | None) -> list[Notice]:
    resource = run.unit.resource
    told = [told_of(resource, standing) for standing in run.ended]
    if run.executed:
        words = "; ".join(f"{step.verb} {step.target}: {step.reason}" for step in run.executed)
        told.append(_notice(resource, "Normal", Reason.PLAN_EXECUTED, words))
    if error is not None and failed is not None:
        told.append(_notice(resource, "Warning", Reason.PLAN_FAILED, f"{failed.verb} failed: {error.reason}"))
    return told


def _changes(run: _Run[Any], status: ResourceStatus) -> tuple[Notice, ...]:
    """What the conditions say anew, where no end was told of in the same words."""
    said = {standing.reason.value for standing in run.ended}
    resource = run.unit.resource
    return tuple(one for one in transitions(resource, run.before, status) if one.reason not in said)


def _notice(resource: Any, type_: Any, reason: Reason, message: str) -> Notice:
    return Notice(kind=resource.KIND, name=resource.name, type=type_, reason=reason, message=message)
