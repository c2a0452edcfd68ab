"""Tails of distributions, on the scale of surprise: minus log10 of a probability.

A surprise of 3 is a probability of 0.001. Everything works on logarithms, so that 1e-300 is as good as 0.1.
"""

# Compiled functions take their arguments by position only.
# ruff: noqa: FBT001, FBT003

from __future__ import annotations

import math

from anomalyops_engine.models.kernel.compiling import kernel

LN10 = math.log(10.0)
MAX_SURPRISE = 1e6
"""Far enough that whatever is larger ranks higher."""


@kernel
def normal_surprise(z: float) -> float:
    """Minus log10 of P(Z > z) of a standard normal Z.

    Beyond 6 by the asymptotic series (Abramowitz and Stegun, 26.2.12).
    """
    if z < 6.0:
        return -math.log10(0.5 * math.erfc(z / math.sqrt(2.0)))
    w = 1.0 / (z * z)
    series = math.log(1.0 - w + 3.0 * w * w - 15.0 * w * w * w)
    surprise = (0.5 * z * z + math.log(z * math.sqrt(2.0 * math.pi)) - series) / LN10
    return min(surprise, MAX_SURPRISE)


@kernel
def normal_deviate(surprise: float) -> float:
    """The z >= 0 whose normal surprise is given: the inverse of `normal_surprise`; 0 for one half and above."""
    target = min(surprise, MAX_SURPRISE)
    if target <= 0.30103:
        return 0.0
    z = math.sqrt(2.0 * LN10 * (target - 0.30102))
    for _ in range(6):
        # The slope of the surprise is the hazard, about z + 1/z far out.
        error = normal_surprise(z) - target
        if z < 6.0:
            hazard = math.exp(-0.5 * z * z) / (math.sqrt(0.5 * math.pi) * math.erfc(z / math.sqrt(2.0)))
        else:
            hazard = z + 1.0 / z
        step = error * LN10 / hazard
        z -= step
        if abs(step) < 1e-7:
            break
    return max(z, 0.0)


@kernel
def _count_log_term(x: float, mean: float, variance: float) -> float:
    """Log probability of a whole x, negative binomial, or Poisson when the variance is not above the mean."""
    if variance <= mean * (1.0 + 1e-6):
        return x * math.log(mean) - mean - math.lgamma(x + 1.0)
    size = mean * mean / (variance - mean)
    choose = math.lgamma(x + size) - math.lgamma(size) - math.lgamma(x + 1.0)
    return choose + size * math.log(mean / variance) + x * math.log(1.0 - mean / variance)


@kernel
def _count_tail(x: float, mean: float, variance: float, upper: bool) -> float:
    """Surprise of P(X beyond x) + P(X = x) / 2 for a negative binomial X (Poisson when variance <= mean).

    The tail is summed outwards from x, where its terms fall; the mid-p form (Lancaster 1961) makes the surprise of a
    discrete variable centred like that of a continuous one.
    """
    poisson = variance <= mean * (1.0 + 1e-6)
    size = 0.0 if poisson else mean * mean / (variance - mean)
    factor = mean if poisson else 1.0 - mean / variance
    log_term = _count_log_term(x, mean, variance)
    total, term, k = 0.5, 1.0, x
    for _ in range(500):
        if upper:
            ratio = factor / (k + 1.0) if poisson else factor * (k + size) / (k + 1.0)
            k += 1.0
        else:
            if k <= 0.0:
                break
            ratio = k / factor if poisson else k / (factor * (k - 1.0 + size))
            k -= 1.0
        term *= ratio
        total += term
        if term < 1e-9 * total:
            break
    return min(-(log_term + math.log(total)) / LN10, MAX_SURPRISE)


LARGE = 300.0
"""Expected count from which counts are as good as normal."""
_CELL = 1.0 / 12.0
"""Variance of a value inside the cell of a whole number (Sheppard 1898)."""


@kernel
def _blurred(variance: float) -> float:
    """A variance with that of the cell of a whole number, which a clockwork does not have."""
    return variance + _CELL * variance / (variance + _CELL)


@kernel
def count_deviate(x: float, mean: float, variance: float) -> float:
    """A count's deviation from its expectation, on the scale of a standard normal.

    Args:
        x: The count, >= 0.
        mean: Expected count, > 0.
        variance: Predictive variance; above the mean the count is negative binomial, at it Poisson. Below it the
            count is more regular than chance, down to a clockwork.

    Returns:
        The normal quantile of the count's mid-p probability: an empty bucket is nothing when 0.4 is expected by
        chance, about -6 when 24 are, and far out when 1 came in every bucket.
    """
    if mean > LARGE:
        return (x - mean) / math.sqrt(_blurred(variance))
    law = max(variance, mean)
    if x >= mean:
        z = normal_deviate(_count_tail(math.floor(x), mean, law, True))
    else:
        z = -normal_deviate(_count_tail(math.floor(x), mean, law, False))
    if variance >= mean:
        return z
    # From chance to clockwork without a step.
    part = variance / mean
    return part * z + (1.0 - part) * (x - mean) / math.sqrt(_blurred(variance))


@kernel
def _cell_log_probability(x: float, mean: float, variance: float) -> float:
    """Log probability of the cell of a whole number under a normal law; not below -20."""
    deviation = math.sqrt(2.0 * max(variance, 1e-4))
    low, high = (x - 0.5 - mean) / deviation, (x + 0.5 - mean) / deviation
    return math.log(max(0.5 * (math.erf(high) - math.erf(low)), 2e-9))


@kernel
def count_log_probability(x: float, mean: float, variance: float) -> float:
    """Log probability of a count under the law of `count_deviate`, for comparing forecasters.

    Args:
        x: The count, >= 0.
        mean: Expected count, > 0.
        variance: Predictive variance.
    """
    x = math.floor(x)
    if mean > LARGE:
        spread = _blurred(variance)
        return -0.5 * math.log(2.0 * math.pi * spread) - 0.5 * (x - mean) ** 2 / spread
    chance = _count_log_term(x, mean, max(variance, mean))
    if variance >= mean:
        return chance
    # From chance to clockwork without a step.
    part = variance / mean
    return part * chance + (1.0 - part) * _cell_log_probability(x, mean, variance)
