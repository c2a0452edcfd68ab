"""Scheduled events of a job: what they say of each bucket, found by binary search however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

SKIP_RESULT: Final = 1
SKIP_UPDATE: Final = 2
_FIRST_MS, _LAST_MS = -62_135_596_800_000, 253_402_300_800_000  # the years 1 to 9999

IntArray = npt.NDArray[np.int64]
Flags = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A stretch of time that is out of the ordinary.

    Attributes:
        description: What results call it.
        start_ms: Its beginning, epoch milliseconds.
        end_ms: Its end, exclusive.
        skip_result: Whether no result is made of its buckets.
        skip_update: Whether nothing is learnt from its buckets.
        shift_s: Seconds by which the models' clocks are changed at its beginning.
    """

    description: str
    start_ms: int
    end_ms: int
    skip_result: bool = True
    skip_update: bool = True
    shift_s: int = 0

    @property
    def flags(self) -> int:
        """SKIP_RESULT and SKIP_UPDATE, as far as they hold."""
        return SKIP_RESULT * self.skip_result | SKIP_UPDATE * self.skip_update


@dataclass(frozen=True, slots=True)
class Marks:
    """What scheduled events say of the buckets of a step, by position.

    Attributes:
        runs: First position, end and flags of stretches in which something is skipped; they may overlap.
        shifts: Positions at whose beginning clocks are changed, and by how many seconds.
        names: Descriptions of the events of a bucket; known while its results are made, not when it is learnt again.
    """

    runs: tuple[tuple[int, int, int], ...] = ()
    shifts: tuple[tuple[int, int], ...] = ()
    names: Mapping[int, list[str]] = field(default_factory=dict)

    def flags(self, buckets: int) -> Flags:
        """The flags of each bucket of the step."""
        found = np.zeros(buckets, dtype=np.uint8)
        if not self.runs:
            return found
        for flag in (SKIP_RESULT, SKIP_UPDATE):
            edges = np.zeros(buckets + 1, dtype=np.int64)
            mine = np.array([run[:2] for run in self.runs if run[2] & flag], dtype=np.int64).reshape(-1, 2)
            np.add.at(edges, mine[:, 0], 1)
            np.add.at(edges, mine[:, 1], -1)
            found[np.cumsum(edges[:-1]) > 0] |= flag
        return found

    def pack(self) -> list[Any]:
        """Plain values for `unpack`: what the models need."""
        return [self.runs, self.shifts]

    @classmethod
    def unpack(cls, plain: list[Any] | None) -> Marks:
        """The marks that `pack` described; none where there were none yet."""
        if plain is None:
            return cls()
        runs, shifts = plain
        return cls(tuple((a, b, c) for a, b, c in runs), tuple((a, b) for a, b in shifts))


class Schedule:
    """The events that concern a job, in order, each widened to whole buckets."""

    def __init__(self, events: Iterable[Event] = (), span_ms: int = 1) -> None:
        self._events = sorted(events, key=lambda event: (event.start_ms, event.description))
        start = np.array([event.start_ms for event in self._events], dtype=np.int64)
        end = np.array([event.end_ms for event in self._events], dtype=np.int64)
        self._start = np.clip(start, _FIRST_MS, _LAST_MS) // span_ms
        self._end = -(-np.clip(end, _FIRST_MS, _LAST_MS) // span_ms)
        self._reach = np.maximum.accumulate(self._end) if len(self._events) else self._end
        self._shifting = np.flatnonzero([event.shift_s != 0 for event in self._events])

    def marks(self, first_bucket: int, buckets: int, *, since_bucket: int) -> Marks:
        """What the events say of the buckets of a step.

        Args:
            first_bucket: Number of the first bucket: its start over the bucket span.
            buckets: Number of buckets.
            since_bucket: Number of the bucket that would have followed the last step's; clocks that were to be changed
                between the steps are changed at the beginning of this one.
        """
        if not self._events:
            return Marks()
        last = first_bucket + buckets
        near = np.arange(*self.near(first_bucket, last))
        near = near[(self._end[near] > first_bucket) & (self._end[near] > self._start[near])]
        left = np.maximum(self._start[near] - first_bucket, 0).tolist()
        right = np.minimum(self._end[near] - first_bucket, buckets).tolist()
        runs, names = [], dict[int, list[str]]()
        for place, begin, end in zip(near.tolist(), left, right, strict=True):
            event = self._events[place]
            if event.flags:
                runs.append((begin, end, event.flags))
            for position in range(begin, end):
                mine = names.setdefault(position, [])
                if event.description not in mine:
                    mine.append(event.description)
        return Marks(tuple(runs), tuple(self._shifts(first_bucket, last, since_bucket)), names)

    def near(self, first_bucket: int, last: int) -> tuple[int, int]:
        """The places between which all events lie that can touch the buckets [first_bucket, last)."""
        return (
            int(np.searchsorted(self._reach, first_bucket, side="right")),
            int(np.searchsorted(self._start, last, side="left")),
        )

    def _shifts(self, first_bucket: int, last: int, since_bucket: int) -> Iterable[tuple[int, int]]:
        start = self._start[self._shifting]
        begin, end = np.searchsorted(start, [min(since_bucket, first_bucket), last], side="left")
        for place in self._shifting[begin:end].tolist():
            yield max(int(self._start[place]) - first_bucket, 0), self._events[place].shift_s


NO_EVENTS: Final = Schedule()
