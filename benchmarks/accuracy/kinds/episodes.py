"""Episodes: outages, steps, changes of scale, levels that come and go. One alarm each, and quiet afterwards."""

from __future__ import annotations

import numpy as np
from benchmarks.accuracy.case import Array, Case, Clock, Incident, Kind, Shape


def _outage(rng: np.random.Generator, span: int, *, wave: bool, days: float, function: str = "count") -> Case:
    """Silence of some days in a count or a sum; the recovery is ordinary."""
    clock = Clock(span, 42)
    mean = 12 * (clock.wave(0.7) if wave else np.ones(len(clock)))
    values = rng.poisson(mean).astype(float)
    if function == "sum":
        values = 40 * mean * (1 + 0.05 * rng.standard_normal(len(clock)))
    begin = clock.at(25, 10)
    end = begin + clock.at(days)
    values[begin:end] = 0.0
    within = 2 if function == "sum" else 3
    return Case("", "", span, values, function, (Incident(begin, end, within),), learnt=clock.at(8))


def _step(rng: np.random.Generator, span: int, *, size: float, wave: float = 0.0, noise: float = 1.0) -> Case:
    """A lasting step of some deviations; from the next day on it is the ordinary."""
    clock = Clock(span, 42)
    values = 50 + 20 * (clock.wave(wave) - 1) + noise * rng.standard_normal(len(clock))
    begin = clock.at(24, 15)
    values[begin:] += size * noise
    return Case("", "", span, values, "mean", (Incident(begin, begin + clock.at(1), 3),), learnt=clock.at(8))


def _scale(rng: np.random.Generator, span: int, *, ratio: float) -> Case:
    """Noise that becomes some times as wide for good."""
    clock = Clock(span, 42)
    deviation = np.ones(len(clock))
    begin = clock.at(24, 5)
    deviation[begin:] = ratio
    values = 100 + deviation * rng.standard_normal(len(clock))
    return Case("", "", span, values, "mean", (Incident(begin, begin + clock.at(1), 12),), learnt=clock.at(8))


def _levels(rng: np.random.Generator, clock: Clock, levels: tuple[float, ...], dwell: float) -> Array:
    values = np.empty(len(clock))
    at, level = 0, 0
    while at < len(clock):
        length = int(dwell * rng.uniform(0.5, 1.5)) + 1
        values[at : at + length] = levels[level]
        at += length
        level = (level + int(rng.integers(1, len(levels)))) % len(levels)
    return values


def _flip_flop(rng: np.random.Generator, span: int, *, levels: tuple[float, ...], dwell_h: float) -> Case:
    """A series that jumps between levels, with one level that it never had before."""
    clock = Clock(span, 60 if span >= 3600 else 30)
    values = _levels(rng, clock, levels, dwell_h * 3600 / span) + rng.standard_normal(len(clock))
    begin = int(0.8 * len(clock))
    values[begin : begin + 6] = 2.5 * max(levels) + rng.standard_normal(6)
    return Case("", "", span, values, "mean", (Incident(begin, begin + 6, 2),), learnt=len(clock) // 3)


def _night_shift(rng: np.random.Generator, span: int) -> Case:
    """A load test three nights in a row triples the traffic; the nights after it are ordinary again."""
    clock = Clock(span, 35)
    mean = 400 * clock.office(night=0.2)
    values = rng.poisson(mean).astype(float)
    found = []
    for day in (24, 25, 26):
        begin, end = clock.at(day, 1), clock.at(day, 4)
        values[begin:end] *= 3
        found.append(Incident(begin, end, 2))
    # Only the first night must be told; the others may be.
    first, *others = found
    ignored = tuple((incident.begin, incident.end) for incident in others)
    return Case("", "", span, values, "count", (first,), learnt=clock.at(15), ignored=ignored)


def _ramp_down(rng: np.random.Generator, span: int) -> Case:
    """A deployment cuts a latency to a third within an hour, with less noise than before."""
    clock = Clock(span, 30)
    begin = clock.at(20, 9)
    share = np.clip((np.arange(len(clock)) - begin) / max(3600 / span, 1), 0, 1)
    values = (300 - 200 * share) * np.exp((0.08 - 0.04 * share) * rng.standard_normal(len(clock)))
    return Case("", "", span, values, "mean", (Incident(begin, begin + clock.at(1), 4),), learnt=clock.at(6))


def _returning(rng: np.random.Generator, span: int) -> Case:
    """A fail-over twice a week for some hours: after a month it is a habit."""
    clock = Clock(span, 70)
    values = 80 + 2.0 * rng.standard_normal(len(clock))
    for week in range(10):
        for _ in range(2):
            begin = clock.at(7 * week + float(rng.uniform(0, 6.5)))
            length = int(rng.uniform(2, 8) * 3600 / span) + 1
            values[begin : begin + length] += 60
    return Case("", "", span, values, "mean", (), learnt=clock.at(28))


KIND = Kind(
    "episodes",
    (
        Shape("outage of 3 days", lambda r, s: _outage(r, s, wave=False, days=3), (900, 3600)),
        Shape("outage in a wave", lambda r, s: _outage(r, s, wave=True, days=3, function="sum"), (900, 3600)),
        Shape("outage of 6 hours", lambda r, s: _outage(r, s, wave=True, days=0.25, function="sum"), (900, 3600)),
        Shape("step of 20", lambda r, s: _step(r, s, size=20.0), (300, 3600)),
        Shape("step of 8 in a wave", lambda r, s: _step(r, s, size=8.0, wave=0.5), (900, 3600)),
        Shape("noise x 6", lambda r, s: _scale(r, s, ratio=6.0), (900, 3600)),
        Shape("two levels", lambda r, s: _flip_flop(r, s, levels=(50.0, 100.0), dwell_h=15), (900, 3600)),
        Shape("three levels", lambda r, s: _flip_flop(r, s, levels=(20.0, 60.0, 80.0), dwell_h=5), (900, 3600)),
        Shape("three nights", _night_shift, (900, 3600), apart=True),
        Shape("faster after a release", _ramp_down, (600, 3600), apart=True),
        Shape("fail-overs", _returning, (900, 3600), apart=True),
        Shape("step of 40 down", lambda r, s: _step(r, s, size=-40.0, wave=0.2), (600, 3600), apart=True),
    ),
)
