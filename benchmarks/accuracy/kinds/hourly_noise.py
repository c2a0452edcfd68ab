"""Noise that depends on the hour: quiet nights and loud days, or the other way round."""

from __future__ import annotations

import numpy as np
from benchmarks.accuracy.case import Case, Clock, Incident, Kind, Mask, Shape


def _planted(
    rng: np.random.Generator, clock: Clock, mean: np.ndarray, deviation: np.ndarray, function: str, size: float
) -> Case:
    """Incidents of a size in deviations of their own hour, on the quietest and the loudest hours."""
    values = mean + deviation * rng.standard_normal(len(clock))
    order = np.argsort(deviation[: clock.at(7)], kind="stable")
    found = []
    for week, hour in enumerate((order[5], order[-5], order[len(order) // 8], order[-len(order) // 8])):
        place = int(hour) + clock.at(7 * (4 + week))
        if place < len(clock) and deviation[place] > 0:
            values[place] += size * deviation[place]
            found.append(Incident(place, place + 1, 1))
    return Case("", "", clock.span_s, values, function, tuple(sorted(found, key=lambda i: i.begin)), clock.at(21))


def _one_loud_hour(rng: np.random.Generator, span: int, *, base: float) -> Case:
    clock = Clock(span, 63)
    night = (clock.hour >= 3) & (clock.hour < 4)
    mean = np.where(night, base + 1000.0, base)
    return _planted(rng, clock, mean, 0.05 * np.maximum(mean, 0.0), "sum", 12.0)


def _loud_days(rng: np.random.Generator, span: int, *, loud: Mask | None = None, ratio: float = 8.0) -> Case:
    clock = Clock(span, 56)
    busy = (clock.hour >= 9) & (clock.hour < 17) if loud is None else loud
    return _planted(rng, clock, np.full(len(clock), 50.0), np.where(busy, ratio, 1.0), "mean", 9.0)


def _loud_nights(rng: np.random.Generator, span: int) -> Case:
    clock = Clock(span, 56)
    loud = (clock.hour < 5) | (clock.hour >= 23)
    mean = 200 * clock.wave(0.4)
    return _planted(rng, clock, mean, np.where(loud, 30.0, 3.0), "mean", 9.0)


def _proportional(rng: np.random.Generator, span: int) -> Case:
    clock = Clock(span, 56)
    mean = 1000 * clock.office(night=0.02)
    return _planted(rng, clock, mean, 0.06 * mean + 1.0, "mean", 10.0)


KIND = Kind(
    "noise by hour",
    (
        Shape("one loud hour over 20", lambda rng, span: _one_loud_hour(rng, span, base=20.0), (900, 3600)),
        Shape("one loud hour over 0", lambda rng, span: _one_loud_hour(rng, span, base=0.0), (900, 3600)),
        Shape("loud office hours", _loud_days, (900, 3600)),
        Shape("loud nights", _loud_nights, (1800, 3600), apart=True),
        Shape("noise like the level", _proportional, (600, 3600), apart=True),
    ),
)
