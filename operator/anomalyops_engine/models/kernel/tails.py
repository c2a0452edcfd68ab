"""Tails of distributions, on the scale of surprise: minus log10 of a probability.

A surprise of 3 is a probability of 0.001. Everything works on logarithms, so that 1e-300 is as good as 0.1.
"""

# Compiled functions take their arguments by position only.
# ruff: noqa: FBT001, FBT003

from __future__ import annotations

import math

from anomalyops_engine.models.kernel.compiling import kernel

LN10 = math.log(10.0)
MAX_SURPRISE = 300.0


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


@kernel
def count_deviate(x: float, mean: float, variance: float) -> float:
    """A count's deviation from its expectation, on the scale of a standard normal.

    Args:
        x: The count, >= 0.
        mean: Expected count, > 0.
        variance: Predictive variance; above the mean the count is negative binomial, at it Poisson, and clearly
            below it (regular traffic), or when counts are large, close to normal. Below a mean of 5 a count is
            never held to be more regular than Poisson.

    Returns:
        The normal quantile of the count's mid-p probability: an empty bucket is nothing when 0.4 is expected, and
        about -6 when 24 are.
    """
    if mean > 300.0 or (variance < 0.7 * mean and mean > 5.0):
        return (x - mean) / math.sqrt(variance + 1.0 / 12.0)
    variance = max(variance, mean)
    if x >= mean:
        return normal_deviate(_count_tail(math.floor(x), mean, variance, True))
    return -normal_deviate(_count_tail(math.floor(x), mean, variance, False))


@kernel
def count_log_probability(x: float, mean: float, variance: float) -> float:
    """Log probability of a count under the law of `count_deviate`, for comparing forecasters.

    Args:
        x: The count, >= 0.
        mean: Expected count, > 0.
        variance: Predictive variance.
    """
    if mean > 300.0 or (variance < 0.7 * mean and mean > 5.0):
        spread = variance + 1.0 / 12.0
        return -0.5 * math.log(2.0 * math.pi * spread) - 0.5 * (x - mean) ** 2 / spread
    return _count_log_term(math.floor(x), mean, max(variance, mean))
