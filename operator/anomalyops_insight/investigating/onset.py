"""When something began inside a bucket, estimated from the values of its source in small steps. Pure.

The values before the bucket say what is normal: a level and a spread. A change is a run of steps with another level,
which begins in the bucket and ends anywhere after it. Each such run has a likelihood ratio against no change at all;
summed over where it may end, they say how probable each beginning is (the change point under Gaussian noise, as in
Hinkley, "Inference about the change-point in a sequence of random variables", Biometrika 1970).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

_LEAST_BEFORE = 10  # steps with values; fewer say too little of what is normal
_LEAST_EVIDENCE = 3.0  # in nats, above what as many trials bring about by chance
_LIKELY = 0.9  # of the interval that is told


@dataclass(frozen=True, slots=True)
class Series:
    """Values in steps of equal length.

    Attributes:
        begin: When the first step begins.
        step: Its length.
        values: One a step; None where there is none.
        weights: How many documents each value is the mean of; 1 for what is no mean, 0 where there is no value.
        counts: Whether the values count something: then they scatter at least as counts do.
    """

    begin: datetime
    step: timedelta
    values: tuple[float | None, ...]
    weights: tuple[float, ...]
    counts: bool = False

    def index(self, time: datetime) -> int:
        """The step that a time lies in, not less than 0 and not more than their number."""
        return min(max((time - self.begin) // self.step, 0), len(self.values))


@dataclass(frozen=True, slots=True)
class Onset:
    """When something began.

    Attributes:
        at: The estimate: as likely later as earlier.
        low: It hardly began before (5 %).
        high: It hardly began after (5 %).
    """

    at: datetime
    low: datetime
    high: datetime


def estimate(series: Series, earliest: datetime, latest: datetime) -> Onset | None:
    """When a change began between two times; None where the values do not tell.

    Args:
        series: From well before `earliest` on: what is there before says what is normal.
        earliest: Where the bucket begins.
        latest: Where it ends.
    """
    first, last = series.index(earliest), series.index(latest)
    normal = _normal(series, first)
    if normal is None or first >= last:
        return None
    chances = _beginnings(series, normal, first, last)
    if chances is None:
        return None
    edges = [min(max(series.begin + n * series.step, earliest), latest) for n in range(first, last + 1)]
    tail = (1 - _LIKELY) / 2
    low, at, high = (_quantile(chances, edges, share) for share in (tail, 0.5, 1 - tail))
    return Onset(at, low, high)


def _normal(series: Series, first: int) -> tuple[float, float] | None:
    """Level and variance of a value of weight one, before the bucket; None where too few steps have values."""
    known = [(v, w) for v, w in zip(series.values[:first], series.weights, strict=False) if v is not None and w > 0]
    if len(known) < _LEAST_BEFORE:
        return None
    level = sum(v * w for v, w in known) / sum(w for _, w in known)
    variance = sum(w * (v - level) ** 2 for v, w in known) / (len(known) - 1)
    least = max(level, 1 / len(known)) if series.counts else (1e-6 * abs(level)) ** 2
    return level, max(variance, least, 1e-18)


def _beginnings(series: Series, normal: tuple[float, float], first: int, last: int) -> list[float] | None:
    """How probable each step is as the beginning; None where no change stands out."""
    level, variance = normal
    rest = range(first, len(series.values))
    weights = [series.weights[n] if series.values[n] is not None else 0.0 for n in rest]
    moved = [w * ((series.values[n] or 0.0) - level) if w else 0.0 for n, w in zip(rest, weights, strict=True)]
    weight = [0.0, *accumulate(weights)]
    sums = [0.0, *accumulate(moved)]
    ratios = []
    for begin in range(last - first):
        runs = ((weight[end] - weight[begin], sums[end] - sums[begin]) for end in range(begin + 1, len(weight)))
        ratios.append([moved * moved / (2 * variance * held) for held, moved in runs if held > 0])
    tried = sum(len(row) for row in ratios)
    best = max((max(row) for row in ratios if row), default=0.0)
    if not tried or best < math.log(tried) + _LEAST_EVIDENCE:
        return None
    chances = [sum(math.exp(ratio - best) for ratio in row) for row in ratios]
    return [chance / sum(chances) for chance in chances]


def _quantile(chances: Sequence[float], edges: Sequence[datetime], share: float) -> datetime:
    """Before which the onset lies with a probability; within a step all times are alike."""
    before = 0.0
    for n, chance in enumerate(chances):
        if before + chance >= share and chance > 0:
            return edges[n] + (edges[n + 1] - edges[n]) * ((share - before) / chance)
        before += chance
    return edges[-1]
