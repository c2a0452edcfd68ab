"""What is known of a member of a population: its level beside its peers, and how far it departs from it.

The level is a multiple of the population's expectation where values are not negative, so that it follows the time of
day, and a distance from it elsewhere. What is known of the spread of one member is little, so it is drawn to that of
all (Efron and Morris 1975).
"""

# Compiled functions take their arguments by position only.
# ruff: noqa: PLR0917, FBT001

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from anomalyops_engine.models.kernel.compiling import kernel
from anomalyops_engine.models.kernel.tails import count_deviate

FloatArray = npt.NDArray[np.float64]

SEEN, SHIFT, SQUARE, RUN = range(4)
"""Columns of a member: values seen; level beside its peers; mean square of its residuals; far values in a row."""
COLUMNS = 4
KNOWN = 8.0
"""Values from which a member has an expectation of its own."""
MEMORY = 100.0
"""Values that it remembers."""
BORROWED = 10.0
"""The spread of all members counts as much as this many of its own residuals."""
FAR = 3.0
NEW_HABIT = 3.0
"""Far values in a row that are a new level."""
LEAST = 0.02


@kernel
def expected(member: FloatArray, mean: float, positive: bool) -> float:
    """A member's expectation where its population's is `mean`."""
    if positive:
        return float(max(member[SHIFT], 0.0) * max(mean, LEAST))
    return float(mean + member[SHIFT])


@kernel
def _unit(own: float, discrete: bool, positive: bool) -> float:
    """What residuals are measured in: counts spread with the root of their expectation, sizes with their size."""
    if discrete:
        return math.sqrt(max(own, LEAST))
    return max(own, 1e-9) if positive else 1.0


@kernel
def residual(member: FloatArray, value: float, mean: float, discrete: bool, positive: bool) -> float:
    """A value's departure from the member's expectation, in units of `_unit`."""
    own = expected(member, mean, positive)
    return float((value - own) / _unit(own, discrete, positive))


@kernel
def _variance(member: FloatArray, of_all: float) -> float:
    seen = member[SEEN]
    return float((seen * member[SQUARE] + BORROWED * of_all) / (seen + BORROWED) * (1.0 + 1.0 / max(seen, 1.0)))


@kernel
def deviation(member: FloatArray, value: float, own: float, of_all: float, discrete: bool, positive: bool) -> float:
    """A value's deviation from the member's own expectation, in standard deviations."""
    unit = _unit(own, discrete, positive)
    variance = _variance(member, of_all)
    if discrete:
        mean = max(own, LEAST)
        # Members are no clockwork: counts are never more regular than chance.
        return float(count_deviate(max(value, 0.0), mean, max(variance, 1.0) * mean))
    return float((value - own) / (unit * math.sqrt(max(variance, 1e-10))))


@kernel
def learn(member: FloatArray, value: float, mean: float, of_all: float, discrete: bool, positive: bool) -> None:
    """Let a member learn a value; one that is far away counts as far, until it stays there."""
    shift = value / max(mean, LEAST) if positive else value - mean
    seen = member[SEEN]
    if seen == 0.0:
        member[SHIFT], member[SEEN] = shift, 1.0
        return
    off = residual(member, value, mean, discrete, positive)
    limit = FAR * math.sqrt(max(_variance(member, of_all), 1.0 if discrete else 1e-10))
    rate = 1.0 / min(seen + 1.0, MEMORY)
    part = 1.0
    if seen >= KNOWN and abs(off) > limit:
        member[RUN] += 1.0
        part = limit / abs(off)
        if member[RUN] >= NEW_HABIT:
            member[SHIFT], member[SEEN], member[RUN] = shift, KNOWN, 0.0
            return
    else:
        member[RUN] = 0.0
    member[SHIFT] += rate * part * (shift - member[SHIFT])
    member[SQUARE] += rate * ((off * part) ** 2 - member[SQUARE])
    member[SEEN] += 1.0
