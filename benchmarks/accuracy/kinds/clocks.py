"""Clock changes: a pattern that keeps local time while the data keep UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from benchmarks.accuracy.case import Array, Case, Clock, Incident, Kind, Shape

_SPRING = int(datetime(2024, 2, 5, tzinfo=UTC).timestamp())
_AUTUMN = int(datetime(2024, 9, 2, tzinfo=UTC).timestamp())


def _offsets(zone: str, clock: Clock) -> Array:
    local = ZoneInfo(zone)
    hours = [datetime.fromtimestamp(int(t), local).utcoffset() for t in clock.time_s]
    return np.array([0.0 if offset is None else offset.total_seconds() for offset in hours])


def _business(rng: np.random.Generator, span: int, *, zone: str, start: int, function: str = "mean") -> Case:
    """Working days in a zone over one of its clock changes, with an outage in open hours weeks later."""
    plain = Clock(span, 84, start_s=start)
    clock = Clock(span, 84, start_s=start, offset_s=_offsets(zone, plain))
    mean = 600 * clock.office()
    values = (
        rng.poisson(mean).astype(float) if function == "count" else mean * (1 + 0.05 * rng.standard_normal(len(clock)))
    )
    place = int(np.flatnonzero((clock.day == 78) & (clock.hour >= 11))[0])
    values[place : place + 2] *= 0.2
    return Case("", "", span, values, function, (Incident(place, place + 2, 2),), clock.at(28), start_s=start)


def _nightly(rng: np.random.Generator, span: int, *, zone: str, start: int) -> Case:
    """A local nightly job, one bucket a day, over a clock change."""
    plain = Clock(span, 70, start_s=start)
    clock = Clock(span, 70, start_s=start, offset_s=_offsets(zone, plain))
    values = rng.normal(30, 2, len(clock))
    runs = clock.daily(4)
    values[runs] = rng.normal(150, 5, runs.sum())
    return Case("", "", span, values, "mean", (), clock.at(21), start_s=start)


KIND = Kind(
    "clock changes",
    (
        Shape("Berlin, March", lambda r, s: _business(r, s, zone="Europe/Berlin", start=_SPRING), (900, 3600)),
        Shape("Berlin, October", lambda r, s: _business(r, s, zone="Europe/Berlin", start=_AUTUMN), (900, 3600)),
        Shape(
            "New York, March, count",
            lambda r, s: _business(r, s, zone="America/New_York", start=_SPRING, function="count"),
            (900, 3600),
        ),
        Shape("New York, November", lambda r, s: _business(r, s, zone="America/New_York", start=_AUTUMN), (3600,)),
        Shape(
            "Sydney, April", lambda r, s: _business(r, s, zone="Australia/Sydney", start=_SPRING), (1800,), apart=True
        ),
        Shape(
            "Sydney, October", lambda r, s: _business(r, s, zone="Australia/Sydney", start=_AUTUMN), (3600,), apart=True
        ),
        Shape(
            "nightly job, Madrid", lambda r, s: _nightly(r, s, zone="Europe/Madrid", start=_SPRING), (3600,), apart=True
        ),
        Shape(
            "nightly job, Toronto",
            lambda r, s: _nightly(r, s, zone="America/Toronto", start=_AUTUMN),
            (1800,),
            apart=True,
        ),
    ),
)
