"""What a reconciler brings about: resources that are planned together, and what the server has of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from anomalyops.elastic import GatewayError
from anomalyops.plan import Answer, Plan, Step

S = TypeVar("S")  # what the server has of a unit, as a plan is made from it


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Generic[S]):
    """Steps that were all carried out since a look.

    Attributes:
        before: What the server had then.
        answers: The steps in their order, each with what the server answered.
    """

    before: S
    answers: tuple[tuple[Step, Answer], ...]


class Unit(ABC, Generic[S]):
    """One or several resources of which one plan is made, in one version of their manifests.

    It looks and plans; it keeps nothing. What is remembered from one reconcile to the next is the reconciler's.
    """

    @property
    @abstractmethod
    def key(self) -> str:
        """Tells it from all other units of the server."""

    @property
    @abstractmethod
    def wanted(self) -> object:
        """What the manifests ask for and allow. What is refused, is refused for this; an equal one is the same."""

    @property
    @abstractmethod
    def is_leaving(self) -> bool:
        """Whether what it is named after is being deleted, so that nothing is brought back for it."""

    @property
    def is_on_server(self) -> bool:
        """Whether there is something to look at; else it waits for another resource, whose arrival is an event."""
        return True

    @abstractmethod
    async def look(self) -> S:
        """What the server has of it.

        Raises:
            GatewayError: The server could not be looked at.
        """

    @abstractmethod
    async def look_and_plan(self, *, curious: bool = False, done: Done[S] | None = None) -> tuple[S, Plan]:
        """What the server has, and what is to be done.

        Args:
            curious: Ask the server of every change what it would say, not only of those that give something up.
            done: What was carried out a moment ago: what the server answered need not be read again.

        Raises:
            GatewayError: The server could not be looked at.
        """

    @abstractmethod
    def plan_run_state(self, observed: S) -> Plan:
        """What is to be done while configurations are left as they are, because the server refused the change."""

    @abstractmethod
    def exists(self, observed: S) -> bool:
        """Whether the server has what it is named after."""

    def waits_for_news(self, observed: S) -> bool:
        """Whether something that it lacks may come without an event."""
        return False

    async def tell_others(self, executed: Sequence[Step]) -> str | None:
        """Tell whoever has to know of what was done; why that failed, None when it did not."""
        return None


@dataclass(slots=True, kw_only=True)
class Run(Generic[S]):
    """The course of one reconcile, filled in as it goes.

    Attributes:
        unit: What is reconciled.
        cluster_uuid: The server that it lives on; empty when that is not known.
        observed: What the server has, as of the last look; None when it could not be looked at.
        first: What the first look asked for.
        remaining: What the last look asks for.
        executed: The steps that were carried out.
        error: The first thing that went wrong.
        failed_step: The step that it went wrong with; None for a look.
        told: The error is an earlier refusal, or the failure of the last try again, which people were told about then.
        held_seconds: How long a refused change is held back from now on.
        unheard: Why somebody else could not be told of what was done.
        restored: What was given up for a refused configuration is there again; an obstacle tells of it.
    """

    unit: Unit[S]
    cluster_uuid: str = ""
    observed: S | None = None
    first: Plan | None = None
    remaining: Plan = field(default_factory=Plan)
    executed: list[Step] = field(default_factory=list)
    error: GatewayError | None = None
    failed_step: Step | None = None
    told: bool = False
    held_seconds: float = 0.0
    unheard: str | None = None
    restored: bool = False

    def note_plan(self, found: Plan) -> None:
        """Takes down what a look asks for."""
        self.first = self.first or found
        self.remaining = found

    def fail(self, error: GatewayError, step: Step | None) -> None:
        """Takes down what went wrong; the first problem of a run is the one that counts."""
        if self.error is None:
            self.error = error
            self.failed_step = step

    def hold(self, error: GatewayError, step: Step, seconds: float) -> None:
        """Takes down an earlier refusal that still stands."""
        self.fail(error, step)
        self.told = True
        self.held_seconds = seconds

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do or to wait for."""
        waiting = any(obstacle.waiting for obstacle in self.remaining.obstacles)
        return self.error is None and self.remaining.empty and not waiting
