"""Pages of lists: which part of what was found a client wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from anomalyops_engine.refusals import illegal_argument

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list.

    Attributes:
        first: items to skip.
        size: items to show at most.
    """

    first: int = 0
    size: int = 100

    def __post_init__(self) -> None:
        """Check both.

        Raises:
            MlError: 400.
        """
        for name, value in (("from", self.first), ("size", self.size)):
            if value < 0:
                raise illegal_argument(f"Parameter [{name}] cannot be < 0, actual value is: {value}")

    def of(self, items: Sequence[T]) -> Sequence[T]:
        """Return the part of the items that the page shows."""
        return items[self.first : self.first + self.size]
