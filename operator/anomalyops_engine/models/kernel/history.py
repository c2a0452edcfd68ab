"""A series' own history of deviations, and how rare a deviation is in it.

Deviations arrive standardised, so a well-specified model gives standard normal ones. Real residuals are heavier or
lighter, and differ from series to series; a fixed tail would make the scores of two series mean different
things. So each series keeps a decayed histogram of its deviations, on bins of geometric width, both sides apart, that
starts as a Student t (wide: little is known yet) and turns into what was seen. Where the histogram has evidence it
is the tail. Beyond that the tail is extended as a Weibull-type tail: on the scale of normal quantiles, log deviation
is linear in log quantile (Beirlant et al., "Statistics of Extremes", 2004, section 4; exact for a normal tail).
Tails heavier than normal keep bending outwards, so the slope seen inside the evidence is taken to a power (BENDING)
for the outside, which is close for exponential, log-normal and Student tails alike.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from anomalyops_engine.models.kernel.compiling import kernel
from anomalyops_engine.models.kernel.tails import normal_deviate, normal_surprise

BINS = 30
"""Bins a side: below 0.5, then each a quarter wider than the last, up to 323; the last is open."""
FIRST_EDGE = 0.5
GROWTH = 1.25
PRIOR_WEIGHT = 20.0
"""The Student t start counts as much as this many observations."""
MEMORY = 4000.0
"""Observations after which old ones weigh 1/e."""
DECAY_EVERY = 64.0
EVIDENCE = 8.0
"""Observations beyond a point for the histogram itself to be its tail."""
HEAVIEST = 0.15
"""Smallest exponent of the extension; 1 is a normal tail."""
LIGHTEST = 1.1
"""Largest exponent of the extension."""
BENDING = 1.7
_HALF = 0.5
"""Within a bin the logarithm of the number beyond, plus this for numbers near 0, falls linearly: a straight line
through the numbers themselves would put the rare end of a falling density too far out."""
_LOG_GROWTH = math.log(GROWTH)
_DECAY = 1.0 - DECAY_EVERY / MEMORY

Float32Array = npt.NDArray[np.float32]


def _t5_survival(x: float) -> float:
    """P(T > x) of Student's t with 5 degrees of freedom (closed form)."""
    theta = math.atan(x / math.sqrt(5.0))
    inner = theta + math.sin(theta) * (math.cos(theta) + 2.0 / 3.0 * math.cos(theta) ** 3)
    return 0.5 - inner / math.pi


def prior() -> Float32Array:
    """A new history: (2, BINS + 1), below and above the expectation; the last column of row 0 counts to decay."""
    edges = [0.0, *(FIRST_EDGE * GROWTH**k for k in range(BINS - 1))]
    survival = np.array([_t5_survival(edge) for edge in edges] + [0.0])
    bins = PRIOR_WEIGHT * (survival[:-1] - survival[1:])
    history = np.zeros((2, BINS + 1), dtype=np.float32)
    history[:, :BINS] = bins
    history[1, BINS] = PRIOR_WEIGHT
    return history


@kernel
def _bin(deviation: float) -> int:
    if deviation < FIRST_EDGE:
        return 0
    if deviation > 1e6:
        return BINS - 1
    return min(1 + int(math.log(deviation / FIRST_EDGE) / _LOG_GROWTH), BINS - 1)


@kernel
def observe(history: Float32Array, deviation: float, weight: float) -> None:
    """Add a deviation (signed, in standard deviations) to a history."""
    side = 1 if deviation > 0.0 else 0
    history[side, _bin(abs(deviation))] += weight
    history[1, BINS] += weight
    history[0, BINS] += weight
    if history[0, BINS] >= DECAY_EVERY:
        history[0, BINS] = 0.0
        for row in range(2):
            for k in range(BINS):
                history[row, k] *= _DECAY
        history[1, BINS] *= _DECAY


@kernel
def _quantile(history: Float32Array, side: int, beyond: float) -> float:
    """The deviation that `beyond` observations of a side exceed."""
    above = 0.0
    for k in range(BINS - 1, -1, -1):
        here = history[side, k]
        if above + here >= beyond:
            lower = 0.0 if k == 0 else FIRST_EDGE * GROWTH ** (k - 1)
            upper = FIRST_EDGE * GROWTH**k
            part = math.log((above + here + _HALF) / (beyond + _HALF)) / math.log1p(here / (above + _HALF))
            return float(lower + (upper - lower) * part)
        above += here
    return 0.0


@kernel
def _exponent(near: float, far: float, near_count: float, far_count: float, far_normal: float) -> float:
    """The exponent of the tail between two quantiles; 1 is a normal tail.

    It comes from few exceedances, so its departure from 1 counts by how far it exceeds its sampling error: a
    quantile's logarithm errs by one over the root of the number beyond it and the tail's slope there.
    """
    width = math.log(far / near)
    exponent = math.log(far_normal / 0.8416212) / width
    error = 1.0 / (far_count * far_normal**4) + 0.8 / (near_count * 1.18**2)
    square = (1.0 - exponent) ** 2
    return 1.0 - (1.0 - exponent) * square / (square + error * (exponent / width) ** 2 + 1e-12)


@kernel
def surprise(history: Float32Array, side: int, deviation: float, trust: float) -> float:
    """Minus log10 of the probability that a side's deviation exceeds `deviation` (>= 0), by the own history.

    Args:
        history: The history.
        side: 0 below, 1 above the expectation.
        deviation: Size of the deviation, in standard deviations.
        trust: How far, 0 to 1, the tail beyond the evidence is believed to be normal; the rest is the history's word.
    """
    total = history[1, BINS]
    k = _bin(deviation)
    above = 0.0
    for j in range(k + 1, BINS):
        above += history[side, j]
    if k < BINS - 1:
        lower = 0.0 if k == 0 else FIRST_EDGE * GROWTH ** (k - 1)
        upper = FIRST_EDGE * GROWTH**k
        part = (deviation - lower) / (upper - lower)
        above = (above + _HALF) * (1.0 + history[side, k] / (above + _HALF)) ** (1.0 - part) - _HALF
    enough = max(EVIDENCE, 0.002 * total)
    if above >= enough:
        return -math.log10(above / total)
    far_normal = normal_deviate(-math.log10(enough / total))
    # A history squeezed to almost nothing (one value, over and over) is not a scale to measure a departure with.
    far = max(_quantile(history, side, enough), 0.5 * far_normal)
    near_count = 0.2 * total
    exponent = 0.8
    if near_count > 2.0 * enough:
        near = _quantile(history, side, near_count)
        if near > 0.05 and far > near * 1.01:
            exponent = _exponent(near, far, near_count, enough, far_normal)
    exponent = min(max(exponent**BENDING, HEAVIEST), LIGHTEST)
    exponent += trust * (1.0 - exponent)
    return normal_surprise(far_normal * (max(deviation, far) / far) ** exponent)


@kernel
def seen(history: Float32Array) -> float:
    """Observations in a history, old ones discounted, those it started with included."""
    return float(history[1, BINS])


@kernel
def bound(history: Float32Array, side: int, fraction: float) -> float:
    """The deviation that a side exceeds with the given probability (0.025 for 95 % bounds)."""
    return _quantile(history, side, fraction * history[1, BINS])
