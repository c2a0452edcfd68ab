"""Scores of young and old series: what is bigger ranks higher, whatever the age."""

from __future__ import annotations

import numpy as np
from benchmarks.accuracy.case import Case, Clock, Incident, Kind, Shape


def _sizes(rng: np.random.Generator, span: int, *, sizes: tuple[tuple[float, float], ...], wave: float) -> Case:
    """Spikes of growing age and falling size: (day, deviations)."""
    clock = Clock(span, sizes[-1][0] + 4)
    values = 100 * clock.wave(wave) + 2.0 * rng.standard_normal(len(clock))
    found = []
    for day, size in sizes:
        place = clock.at(day, 11)
        values[place] += 2.0 * size
        found.append(Incident(place, place + 1, 1, size))
    return Case("", "", span, values, "mean", tuple(found), learnt=clock.at(7))


def _five_days(rng: np.random.Generator, span: int) -> Case:
    """Five days of a noisy count with an incident six times the usual on the third, a lesser one on the fifth."""
    clock = Clock(span, 5)
    values = rng.negative_binomial(12, 12 / (12 + 22 * clock.wave(0.3))).astype(float)
    first, second = clock.at(2, 16), clock.at(4, 10)
    values[first] = 136 + rng.integers(0, 5)
    values[second] = 70
    found = (Incident(first, first + 1, 1, 3.0), Incident(second, second + 1, 1, 1.0))
    return Case("", "", span, values, "count", found, learnt=clock.at(1))


KIND = Kind(
    "age",
    (
        Shape(
            "50 before 5",
            lambda r, s: _sizes(r, s, sizes=((15, 50.0), (22, 15.0), (36, 10.0)), wave=0.0),
            (900, 3600),
        ),
        Shape(
            "every age",
            lambda r, s: _sizes(r, s, sizes=((4, 60.0), (6, 40.0), (11, 25.0), (24, 12.0)), wave=0.0),
            (900, 3600),
        ),
        Shape("five days", _five_days, (900,)),
        Shape(
            "in a wave",
            lambda r, s: _sizes(r, s, sizes=((5, 80.0), (9, 40.0), (21, 20.0), (40, 10.0)), wave=0.3),
            (1800, 3600),
            apart=True,
        ),
    ),
)
