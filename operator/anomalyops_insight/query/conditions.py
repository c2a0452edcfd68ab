"""Conditions on documents, as values; on fields that have one value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from anomalyops_insight.query.names import Pattern

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Equals:
    """The field has this value."""

    field: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class OneOf:
    """The field has one of these values; of none, nothing matches. Times are `datetime`."""

    field: str
    values: tuple[Scalar | datetime, ...]


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The number is `value` or more."""

    field: str
    value: float


@dataclass(frozen=True, slots=True)
class AtMost:
    """The number is `value` or less."""

    field: str
    value: float


@dataclass(frozen=True, slots=True)
class Matches:
    """The text matches a pattern."""

    field: str
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Exists:
    """The field has a value."""

    field: str


@dataclass(frozen=True, slots=True)
class Missing:
    """The field has no value."""

    field: str


@dataclass(frozen=True, slots=True)
class Either:
    """One of several conditions holds."""

    conditions: tuple[Condition, ...]


Condition = Equals | OneOf | AtLeast | AtMost | Matches | Exists | Missing | Either


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` on, before `end`; None is unbounded.

    Attributes:
        start: Inclusive, with a time zone.
        end: Exclusive, with a time zone.
        field: The time of a document.
    """

    start: datetime | None = None
    end: datetime | None = None
    field: str = "timestamp"

    @property
    def bounded(self) -> bool:
        """Whether there is an edge at all."""
        return self.start is not None or self.end is not None
