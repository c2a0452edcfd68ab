"""A series to be judged: its values, what is wrong in it, and which of its buckets are ordinary."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

DAY_S = 86_400
WEEK_S = 7 * DAY_S
MONDAY_S = 1_704_067_200
"""2024-01-01T00:00:00Z."""


@dataclass(frozen=True)
class Incident:
    """Something that a user wants to be told.

    Attributes:
        begin: Its first bucket.
        end: Behind its last bucket. A lasting change is an incident of a day; then it is the ordinary.
        within: Buckets from its beginning in which it has to become critical.
        size: How bad it is beside the other incidents of its case; 0 where they are not to be compared.
    """

    begin: int
    end: int
    within: int
    size: float = 0.0


@dataclass(frozen=True)
class Case:
    """One series of one job.

    Attributes:
        kind: The kind of trouble that it stands for.
        shape: The generator that made it.
        span_s: Bucket span, seconds.
        start_s: Start of the first bucket, epoch seconds.
        values: (n,) value of each bucket; NaN where it has no data.
        function: The detector function.
        incidents: What has to be found, in order of time.
        learnt: The first bucket from which ordinary buckets count.
        ignored: Buckets that are neither ordinary nor an incident.
    """

    kind: str
    shape: str
    span_s: int
    values: Array
    function: str = "mean"
    incidents: tuple[Incident, ...] = ()
    learnt: int = 0
    ignored: tuple[tuple[int, int], ...] = ()
    start_s: int = MONDAY_S

    @property
    def ordinary(self) -> Mask:
        """Buckets in which nothing is to be found."""
        found = np.zeros(len(self.values), dtype=np.bool_)
        found[self.learnt :] = True
        for incident in self.incidents:
            found[incident.begin : incident.end] = False
        for begin, end in self.ignored:
            found[begin:end] = False
        return found

    def with_(self, **changes: object) -> Case:
        """The case with other attributes."""
        return replace(self, **changes)  # type: ignore[arg-type]


Make = Callable[[np.random.Generator, int], Case]
"""Makes a case from a source of randomness and a bucket span in seconds."""


@dataclass(frozen=True)
class Shape:
    """A generator of cases.

    Attributes:
        name: Its name.
        make: The generator.
        spans: Bucket spans, seconds.
        apart: Whether it was kept apart while the learners were made.
    """

    name: str
    make: Make
    spans: tuple[int, ...] = (3600,)
    apart: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of fault, as several shapes.

    Attributes:
        name: Its name.
        shapes: Its generators.
    """

    name: str
    shapes: tuple[Shape, ...] = field(default=())

    def cases(self, seeds: int, *, apart: bool, first_seed: int = 0) -> Iterator[Case]:
        """The cases of all shapes that were kept apart, or of those that were not."""
        for shape in self.shapes:
            if shape.apart != apart:
                continue
            for span in shape.spans:
                for seed in range(first_seed, first_seed + seeds):
                    name = int.from_bytes(f"{self.name}/{shape.name}".encode(), "big") % 2**31
                    case = shape.make(np.random.default_rng([name, span, seed]), span)
                    yield case.with_(kind=self.name, shape=shape.name)


class Clock:
    """The times of the buckets of a series.

    Attributes:
        span_s: Bucket span, seconds.
        time_s: (n,) start of each bucket, epoch seconds.
        a_day: Buckets a day.
    """

    def __init__(self, span_s: int, days: float, *, start_s: int = MONDAY_S, offset_s: Array | float = 0.0) -> None:
        self.span_s = span_s
        self.time_s = start_s + span_s * np.arange(int(days * DAY_S / span_s), dtype=np.int64)
        self.a_day = DAY_S / span_s
        self._local = self.time_s + np.asarray(offset_s)

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def hour(self) -> Array:
        """Hour of the day, with its fraction."""
        return (self._local % DAY_S) / 3600.0

    @property
    def day(self) -> npt.NDArray[np.int64]:
        """Days since the first bucket's."""
        return (self._local // DAY_S - self._local[0] // DAY_S).astype(np.int64)

    @property
    def weekday(self) -> npt.NDArray[np.int64]:
        """0 for Monday to 6 for Sunday."""
        return ((self._local // DAY_S + 3) % 7).astype(np.int64)

    def at(self, day: float, hour: float = 0.0) -> int:
        """The position of a day and hour since the start of the first day."""
        return round((day + hour / 24.0) * self.a_day)

    def daily(self, hour: float) -> Mask:
        """The bucket of each day that holds an hour."""
        slot = int(hour * 3600 // self.span_s)
        return (self._local % DAY_S) // self.span_s == slot

    def wave(self, depth: float = 0.5, peak: float = 14.0) -> Array:
        """A daily wave around 1."""
        return 1.0 + depth * np.cos(2 * np.pi * (self.hour - peak) / 24.0)

    def office(self, night: float = 0.1, weekend: float = 0.3) -> Array:
        """A working day from 8 to 18 with a peak at 9, less at night and on weekends."""
        rise = 1.0 / (1.0 + np.exp(-3.0 * (self.hour - 8.0)))
        fall = 1.0 / (1.0 + np.exp(2.0 * (self.hour - 18.0)))
        peak = 1.0 + 0.6 * np.exp(-((self.hour - 9.0) ** 2) / 0.5)
        return night + (1.0 - night) * rise * fall * peak * np.where(self.weekday >= 5, weekend, 1.0)
