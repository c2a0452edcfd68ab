"""Events of a clockwork: as many in every bucket, until they stop."""

from __future__ import annotations

import numpy as np
from benchmarks.accuracy.case import Case, Clock, Incident, Kind, Shape


def _stops(rng: np.random.Generator, span: int, *, rate: int, silent: int, function: str = "count") -> Case:
    """Exactly `rate` a bucket, silent for a while after weeks."""
    clock = Clock(span, 30 if span >= 3600 else 14)
    values = np.full(len(clock), float(rate))
    begin = int(0.7 * len(clock)) + int(rng.integers(0, 30))
    values[begin : begin + silent] = 0.0
    return Case("", "", span, values, function, (Incident(begin, begin + silent, 2),), learnt=clock.at(2))


def _jitter(rng: np.random.Generator, span: int, *, rate: int) -> Case:
    """A beat that slips over the edge of a bucket now and then: one less, then one more."""
    clock = Clock(span, 30 if span >= 3600 else 14)
    values = np.full(len(clock), float(rate))
    slips = np.flatnonzero(rng.random(len(clock) - 1) < 0.03)
    values[slips] -= 1
    values[slips + 1] += 1
    begin = int(0.8 * len(clock))
    values[begin : begin + 4] = 0.0
    return Case("", "", span, values, "count", (Incident(begin, begin + 4, 2),), learnt=clock.at(3))


def _once_a_day(rng: np.random.Generator, span: int) -> Case:
    """One document a day that does not come."""
    clock = Clock(span, 45)
    values = clock.daily(5).astype(float) if span < 86_400 else np.ones(len(clock))
    place = int(np.flatnonzero(values)[32 + int(rng.integers(0, 5))])
    values[place] = 0.0
    return Case("", "", span, values, "count", (Incident(place, place + 1, 2),), learnt=clock.at(5))


def _working_hours(rng: np.random.Generator, span: int) -> Case:
    """A beat of 6 in working hours alone; it stops for two hours on a Wednesday."""
    clock = Clock(span, 42)
    on = (clock.hour >= 8) & (clock.hour < 18) & (clock.weekday < 5)
    values = np.where(on, 6.0, 0.0)
    begin = clock.at(37, 11)
    length = max(int(7200 // span), 1)
    values[begin : begin + length] = 0.0
    del rng
    return Case("", "", span, values, "count", (Incident(begin, begin + length, 2),), learnt=clock.at(21))


def _nearly_regular(rng: np.random.Generator, span: int) -> Case:
    """About 20 a bucket, far more regular than chance; it halves for five buckets."""
    clock = Clock(span, 30)
    values = 20.0 + rng.integers(-1, 2, len(clock))
    begin = clock.at(24)
    values[begin : begin + 5] = 10.0
    return Case("", "", span, values, "low_count", (Incident(begin, begin + 5, 2),), learnt=clock.at(3))


def _gauge(rng: np.random.Generator, span: int) -> Case:
    """A gauge that says 1 while a service is up."""
    clock = Clock(span, 21)
    values = np.ones(len(clock))
    begin = clock.at(17) + int(rng.integers(0, 9))
    values[begin : begin + 3] = 0.0
    return Case("", "", span, values, "min", (Incident(begin, begin + 3, 2),), learnt=clock.at(3))


KIND = Kind(
    "heartbeats",
    (
        *(
            Shape(
                f"{rate} a bucket, silent for {silent}",
                lambda rng, span, r=rate, s=silent: _stops(rng, span, rate=r, silent=s),  # type: ignore[misc]
                (900, 3600),
            )
            for rate, silent in ((1, 3), (1, 72), (2, 6), (4, 3), (12, 4), (60, 3))
        ),
        Shape("3 a bucket, low_count", lambda r, s: _stops(r, s, rate=3, silent=6, function="low_count"), (900,)),
        *(
            Shape(f"{rate} a bucket with slips", lambda rng, span, r=rate: _jitter(rng, span, rate=r), (900, 3600))  # type: ignore[misc]
            for rate in (1, 4, 60)
        ),
        Shape("once a day", _once_a_day, (3600, 14_400, 86_400)),
        Shape("working hours", _working_hours, (1800, 3600), apart=True),
        Shape("20 a bucket, nearly regular", _nearly_regular, (600, 3600), apart=True),
        Shape("a gauge of one", _gauge, (300, 3600), apart=True),
        Shape("7 a bucket", lambda r, s: _stops(r, s, rate=7, silent=2), (300, 7200), apart=True),
    ),
)
