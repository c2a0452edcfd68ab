"""How a series' forecasters err farther ahead than one bucket: what honest bounds of a forecast grow by.

Now and then the level of a forecaster is kept as an anchor; later levels are compared with it. So each forecaster has
errors of its own at distances of 1, 4, 16, ... 4,096 buckets (rolling-origin evaluation; Tashman 2000), whatever the
series is: a level that stays, one that wanders, one that jumps, a trend.

The error of an anchored forecast is d + s: s that of the next bucket's forecast, as far as it is learnt from, d how far
the level has moved since. What is kept is the mean of d^2 + 2ds, the part beyond s^2. It is nothing where levels do not
move, and does not need the difference of two noisy variances.
"""

# Compiled functions take their arguments by position only.
# ruff: noqa: PLR0917

from __future__ import annotations

import math
from typing import Any

from anomalyops_engine.models.kernel.compiling import kernel
from anomalyops_engine.models.series.state import HORIZONS, SeriesParameters, SeriesState

GROWTH = 4.0
"""Each distance is so many times the one before."""
MEMORY = 24.0
"""Anchors that the errors of a distance remember."""
WIDE = 4.0
"""Usual sizes of the values that one of them may miss by, as far as that counts."""
DAMPED = 2.0
"""A slope fades over so many times the buckets that variances remember (damped trend; Gardner and McKenzie 1985)."""


@kernel
def trend(p: SeriesParameters, buckets: float) -> float:
    """How many times a slope is added up over a distance, as it fades."""
    memory = DAMPED * p.spread_memory
    return memory * (1.0 - math.exp(-buckets / memory))


@kernel
def reach(k: int) -> float:
    """The shortest distance of the errors at place `k`, buckets; the longest is twice that."""
    return GROWTH**k


@kernel
def note(state: SeriesState, p: SeriesParameters, i: int, e: int, bucket: float, step: float) -> None:
    """Compare what a forecaster expects of a bucket with its anchors, before it learns the value.

    Args:
        state: State of all series; changed in place.
        p: SeriesParameters.
        i: The series.
        e: The forecaster.
        bucket: The bucket's number.
        step: The residual as far as it is learnt from.
    """
    forecaster = state.forecasters[i, e]
    level = forecaster.level + forecaster.slope
    for k in range(HORIZONS):
        anchor = state.horizons[i, e, k]
        near = reach(k)
        age = bucket - anchor.bucket
        if anchor.bucket == 0.0 or age >= 2.0 * near or age < 0.0:
            anchor.level, anchor.slope, anchor.bucket = level, forecaster.slope, bucket
        elif age >= near:
            moved = level - anchor.level
            foretold = anchor.slope * trend(p, age)
            rate = max(1.0 / (anchor.samples + 1.0), 1.0 / (MEMORY * near))
            anchor.samples += 1.0
            anchor.excess += rate * (moved * (moved + 2.0 * step) - anchor.excess)
            anchor.along += rate * (foretold * (moved + step) - anchor.along)
            anchor.foretold += rate * (foretold * foretold - anchor.foretold)


@kernel
def note_miss(series: Any, forecaster: Any, residual: float, memory: float) -> None:
    """Learn by how much a forecaster misses the next bucket, far values and all, but for absurd ones.

    Unlike the spread, which tells what ordinary noise is, this tells which forecaster comes nearest.
    """
    most = max(series.highest - series.lowest, WIDE * series.magnitude)
    square = min(residual * residual, most * most)
    forecaster.miss += max(3.0 / (series.seen + 3.0), 1.0 / memory) * (square - forecaster.miss)
