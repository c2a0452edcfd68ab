"""Series that repeat one value, most often zero: a law for that value or another, and a law for the others.

Errors, retries, pauses: zero in most buckets, and anything in the rest. No mean and variance describe them. Here the
repeated value has a share; the distance of all other values from it is log-normal at its heart, with tails from the
series' own history (a hurdle model; Mullahy 1986).
"""

# Compiled functions take their arguments by position only.

from __future__ import annotations

import math
from typing import Any

from anomalyops_engine.models.kernel.compiling import kernel
from anomalyops_engine.models.series.state import SeriesParameters

MEMORY = 2000.0
"""Buckets that the share is remembered."""
REST_MEMORY = 400.0
"""Other values that their law remembers."""
SPEAKS_FROM = 0.3
"""Share of the repeated value from which it is a law."""
RESOLUTION = 0.01
"""Width, beside the usual distance, within which two values of a metric are one."""
NARROWEST = 0.1
"""Smallest standard deviation of a logarithm of distance."""
LN10 = math.log(10.0)


@kernel
def speaks(series: Any, p: SeriesParameters) -> bool:
    """Whether there is a repeated value and something is known of the others; counts have their own law of zero."""
    return bool(series.atom_share >= SPEAKS_FROM and series.rest_n >= 3 and not p.discrete)


@kernel
def spread(series: Any) -> float:
    """Predictive variance of the logarithm of the distance."""
    return float(max(series.rest_spread, NARROWEST * NARROWEST) * (1.0 + 2.0 / (series.rest_n + 1.0)))


@kernel
def distance(series: Any, value: float) -> float:
    """Logarithm of the distance of another value from the repeated one."""
    return math.log(max(abs(value - series.atom), 1e-300))


@kernel
def deviation(series: Any, value: float) -> float:
    """How far out a value lies among the others, in standard deviations of the logarithm; 0 for the repeated one."""
    if value == series.atom:
        return 0.0
    return float((distance(series, value) - series.rest_level) / math.sqrt(spread(series)))


@kernel
def leaving(series: Any) -> float:
    """Surprise of any other value."""
    return -math.log10(max(1.0 - series.atom_share, 0.5 / (series.seen + 1.0)))


@kernel
def width(series: Any, p: SeriesParameters) -> float:
    """The difference of two values that are as good as one; counts have none."""
    return 0.0 if p.discrete else max(RESOLUTION * math.exp(min(series.rest_level, 230.0)), 1e-150)


@kernel
def log_likelihood(series: Any, p: SeriesParameters, value: float) -> float:
    """Log density of a value, the repeated one as spread over its width; as `spread.log_likelihood`."""
    if value == series.atom:
        return math.log(series.atom_share) - (0.0 if p.discrete else math.log(width(series, p)))
    z = deviation(series, value)
    density = -3.0 * math.log1p(z * z / 5.0) - 0.5 * math.log(spread(series)) - distance(series, value)
    if p.discrete:
        density = min(density, 0.0)
    return math.log(max(1.0 - series.atom_share, 1e-6)) + density


@kernel
def learn(series: Any, value: float) -> None:
    """Learn a value: whether it is the repeated one, and if not, how far from it."""
    if value == series.atom and series.seen > 0:
        series.atom_votes += 1.0
    else:
        # A majority vote (Boyer and Moore 1981) that a third of the votes holds.
        series.atom_votes -= 0.5
        if series.atom_votes < 0.0 or series.seen == 0:
            series.atom, series.atom_votes, series.atom_share = value, 1.0, 0.0
            series.rest_level = series.rest_spread = series.rest_n = 0.0
    rate = max(1.0 / (series.seen + 1.0), 1.0 / MEMORY)
    series.atom_share += rate * ((1.0 if value == series.atom else 0.0) - series.atom_share)
    if value == series.atom:
        return
    y, n = distance(series, value), series.rest_n
    if n == 0:
        series.rest_level, series.rest_spread, series.rest_n = y, 1.0, 1.0
        return
    residual = y - series.rest_level
    if n >= 5:
        limit = 3.0 * math.sqrt(max(series.rest_spread, NARROWEST * NARROWEST))
        residual = min(max(residual, -limit), limit)
    rate = max(1.0 / (n + 1.0), 1.0 / REST_MEMORY)
    series.rest_level += rate * residual
    # The first variance is a guess that weighs as much as two values.
    series.rest_spread += max(1.0 / (n + 2.0), 1.0 / REST_MEMORY) * (residual * residual - series.rest_spread)
    series.rest_n = n + 1.0
