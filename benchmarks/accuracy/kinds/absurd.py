"""One absurd value: a wrapped counter, a sentinel, an epoch in a gauge."""

from __future__ import annotations

import numpy as np
from benchmarks.accuracy.case import Case, Clock, Incident, Kind, Shape

VALUES = (4_294_967_295.0, 2_147_483_647.0, -2_147_483_648.0, 65_535.0, 1e10, 1e12, 1_704_067_200.0, -1.0e16)


def _after(rng: np.random.Generator, span: int, *, absurd: float, at_day: float = 15.0) -> Case:
    """A gauge of 1 with 5 % of noise; 80 deviations up on five days after it."""
    clock = Clock(span, 40)
    values = 1 + 0.05 * rng.standard_normal(len(clock))
    wrong = clock.at(at_day, 7)
    values[wrong] = absurd
    places = [clock.at(day, 13) for day in (16, 18, 22, 29, 36)]
    values[places] = 5.0
    found = (*(Incident(place, place + 1, 1) for place in places),)
    return Case("", "", span, values, "mean", found, learnt=clock.at(4), ignored=((wrong, wrong + 1),))


def _in_a_wave(rng: np.random.Generator, span: int) -> Case:
    """A daily wave with an absurd value in the third day, and dips of 15 deviations later."""
    clock = Clock(span, 35)
    values = 5000 * clock.wave(0.5) + 60 * rng.standard_normal(len(clock))
    wrong = clock.at(2, 10)
    values[wrong] = 1e12
    places = [clock.at(day, 12) for day in (12, 19, 30)]
    values[places] -= 900.0
    found = tuple(Incident(place, place + 1, 1) for place in places)
    return Case("", "", span, values, "mean", found, learnt=clock.at(8), ignored=((wrong, wrong + 1),))


def _first_value(rng: np.random.Generator, span: int) -> Case:
    """The very first value is a sentinel, and so are three in a row later."""
    clock = Clock(span, 30)
    values = rng.gamma(9, 3, len(clock))
    values[0] = -999_999.0
    wrong = clock.at(9)
    values[wrong : wrong + 3] = -999_999.0
    place = clock.at(24, 5)
    values[place] = 400.0
    found = (Incident(place, place + 1, 1),)
    return Case("", "", span, values, "max", found, learnt=clock.at(6), ignored=((wrong, wrong + 3),))


def _in_counts(rng: np.random.Generator, span: int) -> Case:
    """A count with one bucket of a million, then an outage a week later."""
    clock = Clock(span, 28)
    values = rng.poisson(40 * clock.wave(0.4)).astype(float)
    wrong = clock.at(12, 3)
    values[wrong] = 1_000_000
    place = clock.at(19, 14)
    values[place : place + 2] = 0.0
    found = (Incident(place, place + 2, 1),)
    return Case("", "", span, values, "count", found, learnt=clock.at(8), ignored=((wrong, wrong + 1),))


KIND = Kind(
    "absurd value",
    (
        *(
            Shape(f"{value:g}", lambda rng, span, v=value: _after(rng, span, absurd=v), (900, 3600))  # type: ignore[misc]
            for value in VALUES
        ),
        Shape("in a wave", _in_a_wave, (1800, 3600), apart=True),
        Shape("sentinels from the start", _first_value, (600, 3600), apart=True),
        Shape("in counts", _in_counts, (900, 3600), apart=True),
    ),
)
