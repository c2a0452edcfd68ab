"""Metrics that are zero most of the time: errors, retries, garbage collections."""

from __future__ import annotations

import numpy as np
from benchmarks.accuracy.case import Case, Clock, Incident, Kind, Shape


def _case(rng: np.random.Generator, span: int, draw: object, share: float, far: float, function: str = "mean") -> Case:
    """Independent non-zero values; twice in two months one is far beyond."""
    clock = Clock(span, 60 if span >= 3600 else 25)
    n = len(clock)
    values = np.where(rng.random(n) < share, draw(rng, n), 0.0)  # type: ignore[operator]
    places = [int(n * 0.7) + int(rng.integers(0, 20)), int(n * 0.9)]
    for place in places:
        values[place] = far
    found = tuple(Incident(place, place + 1, 1) for place in places)
    return Case("", "", span, values, function, found, learnt=n // 6)


def _exponential(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.exponential(10.0, n)


def _log_normal(rng: np.random.Generator, n: int) -> np.ndarray:
    return 20.0 * rng.lognormal(0.0, 0.8, n)


def _constant(rng: np.random.Generator, n: int) -> np.ndarray:
    del rng
    return np.full(n, 1.0)


def _few(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.choice([1.0, 1.0, 1.0, 2.0, 3.0], n)


def _bursts(rng: np.random.Generator, span: int) -> Case:
    """Zero but for bursts of half a dozen buckets, two a day on average."""
    clock = Clock(span, 60)
    values = np.zeros(len(clock))
    at = 0
    while at < len(clock):
        at += int(rng.exponential(clock.a_day / 2)) + 1
        length = int(rng.integers(2, 9))
        values[at : at + length] = rng.gamma(4, 25, len(values[at : at + length]))
    place = int(0.85 * len(clock))
    values[place] = 5000.0
    return Case("", "", span, values, "max", (Incident(place, place + 1, 1),), learnt=clock.at(12))


def _office_errors(rng: np.random.Generator, span: int) -> Case:
    """Errors that only happen in office hours, few of them."""
    clock = Clock(span, 56)
    rate = np.where((clock.hour >= 9) & (clock.hour < 17) & (clock.weekday < 5), 0.35, 0.0)
    values = np.where(rng.random(len(clock)) < rate, rng.gamma(2, 4, len(clock)), 0.0)
    place = clock.at(44, 11)
    values[place] = 400.0
    return Case("", "", span, values, "sum", (Incident(place, place + 1, 1),), learnt=clock.at(21))


def _sparse_count(rng: np.random.Generator, span: int) -> Case:
    """Count of rare events; a storm of them."""
    clock = Clock(span, 60)
    values = rng.poisson(0.03, len(clock)).astype(float)
    place = int(0.8 * len(clock))
    values[place] = 25
    return Case("", "", span, values, "count", (Incident(place, place + 1, 1),), learnt=clock.at(10))


def _shares(shares: tuple[float, ...], draw: object, far: float, name: str) -> tuple[Shape, ...]:
    return tuple(
        Shape(f"{share:.0%} {name}", lambda rng, span, s=share: _case(rng, span, draw, s, far), (900, 3600))  # type: ignore[misc]
        for share in shares
    )


KIND = Kind(
    "mostly zero",
    (
        *_shares((0.01, 0.05, 0.1, 0.2, 0.5), _exponential, 600.0, "exponential"),
        *_shares((0.05, 0.2), _log_normal, 4000.0, "log-normal"),
        *_shares((0.1,), _few, 60.0, "few values"),
        Shape("bursts", _bursts, (600, 3600), apart=True),
        Shape("errors in office hours", _office_errors, (1800, 3600), apart=True),
        Shape("sparse count", _sparse_count, (900, 3600), apart=True),
        Shape("3 % ones", lambda rng, span: _case(rng, span, _constant, 0.03, 40.0, "sum"), (1800,), apart=True),
        Shape(
            "30 % log-normal", lambda rng, span: _case(rng, span, _log_normal, 0.3, 4000.0, "sum"), (1800,), apart=True
        ),
    ),
)
