"""Detectors behind one interface: the engine's analysis in process, the engine over REST, and others'."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from benchmarks.accuracy.case import Array, Case

CRITICAL = 75.0


class Detector(Protocol):
    """Something that scores the buckets of a series, each before it sees the next.

    Attributes:
        name: Its name in the tables.
    """

    name: str

    def scores(self, cases: Sequence[Case]) -> list[Array]:
        """Scores of 0 to 100 as they were when each bucket was scored, one array a case; 0 where it has no data."""
