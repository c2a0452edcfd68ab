"""Heavy tails and bursts: what is large is usual, what is beyond all is not."""

from __future__ import annotations

import numpy as np
from benchmarks.accuracy.case import Case, Clock, Incident, Kind, Shape


def _tail(rng: np.random.Generator, span: int, draw: object, far: float, function: str = "mean") -> Case:
    """Independent draws; twice there is a value far beyond all of them."""
    clock = Clock(span, 60 if span >= 3600 else 28)
    n = len(clock)
    values = draw(rng, n)  # type: ignore[operator]
    places = [int(n * 0.75), int(n * 0.92)]
    found = []
    for place in places:
        values[place] = far * float(np.max(values[:place]))
        found.append(Incident(place, place + 1, 1))
    return Case("", "", span, values, function, tuple(found), learnt=n // 6)


def _bursts(rng: np.random.Generator, n: int) -> np.ndarray:
    """Counts of a process whose events bring others: short bursts of ten times the usual, a few a week."""
    rate = np.full(n, 20.0)
    for _ in range(n // 150):
        at, size = int(rng.integers(0, n)), float(rng.pareto(1.8) + 1) * 40
        length = int(rng.integers(3, 30))
        rate[at : at + length] += size * np.exp(-np.arange(len(rate[at : at + length])) / (length / 3))
    return rng.poisson(rate).astype(float)


def _wandering(rng: np.random.Generator, n: int) -> np.ndarray:
    """A level that wanders, with jumps of Student's t."""
    return 1000.0 + np.cumsum(rng.standard_t(4, n))


def _slow_noise(rng: np.random.Generator, n: int) -> np.ndarray:
    """Noise that remembers: an autoregression of 0.95."""
    noise = rng.standard_normal(n)
    for k in range(1, n):
        noise[k] += 0.95 * noise[k - 1]
    return 50.0 + noise


def _shape(
    name: str, draw: object, far: float, spans: tuple[int, ...], *, apart: bool = False, f: str = "mean"
) -> Shape:
    return Shape(name, lambda rng, span: _tail(rng, span, draw, far, f), spans, apart)


KIND = Kind(
    "heavy tails",
    (
        _shape("log-normal", lambda r, n: 20 * r.lognormal(0, 1, n), 8.0, (900, 3600)),
        _shape("Pareto 2.5", lambda r, n: 10 * (r.pareto(2.5, n) + 1), 10.0, (900, 3600)),
        _shape("Pareto 1.5", lambda r, n: 10 * (r.pareto(1.5, n) + 1), 30.0, (3600,)),
        _shape("Student t3", lambda r, n: 100 + 3 * r.standard_t(3, n), 4.0, (900, 3600)),
        _shape("bursty count", _bursts, 6.0, (300, 3600), f="count"),
        _shape("wandering", _wandering, 1.3, (900,)),
        _shape(
            "negative binomial",
            lambda r, n: r.negative_binomial(0.8, 0.8 / 20.8, n).astype(float),
            5.0,
            (900, 3600),
            apart=True,
            f="count",
        ),
        _shape("Weibull 0.5", lambda r, n: 30 * r.weibull(0.5, n), 8.0, (600, 3600), apart=True),
        _shape("slow noise", _slow_noise, 1.8, (300, 3600), apart=True),
        _shape("Cauchy-like gauge", lambda r, n: 500 + 4 * r.standard_t(1.5, n), 20.0, (1800,), apart=True),
    ),
)
