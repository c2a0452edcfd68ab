"""What a request does next: take something down, make one call, wait, or rest.

A request is done once, wherever the operator is killed. So what is about to be done is taken down first (`Note`), where
a restart finds it, and only then done (`Call`); what is there afterwards is asked of the server, never remembered.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from anomalyops.plan.core.steps import Step
from anomalyops.resources import Reason, ResourceStatus

T = TypeVar("T", bound=ResourceStatus)


class Tone(Enum):
    """How a request stands."""

    FINE = "fine"  # done, or nothing is due
    WORKING = "working"  # on its way, or waiting for what passes by itself
    UNWELL = "unwell"  # went wrong, and the next occasion comes
    STUCK = "stuck"  # a person has to act


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a request stands, in a reason and in words."""

    tone: Tone
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Generic[T]):
    """A status that is stored before anything else happens.

    Attributes:
        status: The status.
        ended: What came to its end with it, for an Event; None while it goes on.
    """

    status: T
    ended: Standing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call to the server. What it has done shows at the next look.

    Attributes:
        step: The call.
    """

    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest(Generic[T]):
    """Nothing is to be done now.

    Attributes:
        status: The status, its conditions apart.
        standing: How the request stands.
        seconds: After how long to look again; None when only an event brings news.
        released: It is being deleted, and nothing of it is left to do.
    """

    status: T
    standing: Standing
    seconds: float | None = None
    released: bool = False


Move = Note[T] | Call | Rest[T]
