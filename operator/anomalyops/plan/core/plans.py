"""A plan: the steps to take, and what stands in the way."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Protocol

from anomalyops.plan.core.steps import Step, Subject
from anomalyops.resources import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why something that the manifest asks for is not planned.

    Attributes:
        reason: The reason that a condition carries.
        message: What was found, what was wanted, and what a person can do.
        subject: Whose manifest asks for it.
        waiting: Whether it passes by itself; otherwise a person has to act.
    """

    reason: Reason
    message: str
    subject: Subject
    waiting: bool = False


class Fallback(Protocol):
    """The way back when the server refuses what something was given up for."""

    def steps(self, observed: Any, words: str) -> tuple[Step, ...]:
        """The steps from what the server has now; `words` is what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Ordered steps, and the obstacles to what the steps do not reach.

    Attributes:
        steps: In the order in which they are to be taken.
        obstacles: What stands in the way of the rest.
        ownership: Whose the server's object is, in words; empty when that is not known.
        unchecked: What could not be asked of the server before its steps, in words.
        fallback: The way back when the server refuses what something was given up for; None where there is none.
    """

    steps: tuple[Step, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    ownership: str = field(default="", compare=False)
    unchecked: tuple[str, ...] = field(default=(), compare=False)
    fallback: Fallback | None = field(default=None, compare=False, repr=False)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do (obstacles or not)."""
        return not self.steps

    @property
    def destructive(self) -> bool:
        """Whether a step loses a learned model or results."""
        return any(step.destructive for step in self.steps)

    @property
    def stalled(self) -> bool:
        """Whether a person has to act before the manifest can be fulfilled."""
        return any(not obstacle.waiting for obstacle in self.obstacles)

    def obstacles_of(self, subject: Subject | str) -> tuple[Obstacle, ...]:
        """The obstacles of the job or of the datafeed."""
        return tuple(obstacle for obstacle in self.obstacles if obstacle.subject == subject)

    def describe(self) -> list[dict[str, Any]]:
        """The steps as plain data: verb, kind (job or datafeed), id, reason, destructive, and the arguments."""
        return [_described(step) for step in self.steps]

    def to_json(self) -> dict[str, Any]:
        """Steps and obstacles as plain data."""
        return {
            "steps": self.describe(),
            "obstacles": [
                {
                    "subject": obstacle.subject.value,
                    "reason": obstacle.reason.value,
                    "message": obstacle.message,
                    "waiting": obstacle.waiting,
                }
                for obstacle in self.obstacles
            ],
        }


def _described(step: Step) -> dict[str, Any]:
    named = {"reason", f"{step.subject}_id"}
    arguments = {
        argument.name: value
        for argument in fields(step)
        if argument.name not in named and (value := getattr(step, argument.name)) not in (None, False)
    }
    return {
        "verb": step.verb,
        "kind": step.subject.value,
        "id": step.target,
        "reason": step.reason,
        "destructive": step.destructive,
        **arguments,
    }
