"""One step of a plan: what it does, to what, why, and how it is shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from anomalyops.plan.core.server import Server

Answer = str | Mapping[str, Any] | None
"""What the server tells of an object: the id that it gave it, or its whole configuration after a write."""


class Subject(StrEnum):
    """Which sort of server object something is about."""

    JOB = "job"
    DATAFEED = "datafeed"
    FILTER = "filter"
    CALENDAR = "calendar"
    FORECAST = "forecast"
    SNAPSHOT = "model snapshot"


class Effect(StrEnum):
    """What a step does to its object."""

    CREATES = "creates"
    CHANGES = "changes"
    DESTROYS = "destroys"
    RUNS = "runs"  # opens, closes, starts or stops; the configuration stays as it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(ABC):
    """One call to the server. `reason` says why, for people."""

    reason: str
    verb: ClassVar[str]
    subject: ClassVar[Subject]
    effect: ClassVar[Effect]
    destructive: ClassVar[bool] = False  # loses a learned model or results
    starts: ClassVar[bool] = False  # has something run

    @property
    @abstractmethod
    def target(self) -> str:
        """The id of the object on the server."""

    @abstractmethod
    async def send(self, server: Server) -> Answer:
        """Make the call, and return when it is done: what the server told of the object."""

    def with_next(self, following: Step) -> Joint | None:
        """The one call that does this step and the one after it; None where there is none."""
        return None


class Joint(ABC):
    """Steps that follow each other and that one call does.

    A server that refuses the call has done none of them, or the first ones, and does not say which of them it refuses:
    sent one after the other they tell. A server that stops in the middle is where it would be between two calls.
    """

    @property
    @abstractmethod
    def steps(self) -> tuple[Step, ...]:
        """The steps, in order."""

    @abstractmethod
    async def send(self, server: Server) -> tuple[Answer, ...]:
        """Make the call, and return when it is done: what the server told of the object of each step."""


def joined(steps: Sequence[Step]) -> Iterator[Step | Joint]:
    """The calls that carry out steps, in order: those that one call does are joined."""
    left = list(reversed(steps))
    while left:
        step = left.pop()
        joint = step.with_next(left[-1]) if left else None
        if joint is not None:
            left.pop()
        yield joint or step
