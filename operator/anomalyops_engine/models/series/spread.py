"""How far values scatter around an expectation: variances, and what they learn from one residual.

Counts have a law of their own: Poisson, more regular or more bursty. Where a bucket without events has no value, what
has such a law is what came beyond the one that made the bucket.
"""

# Compiled functions take their arguments by position only.
# ruff: noqa: FBT001

from __future__ import annotations

import math
from typing import Any

from anomalyops_engine.models.kernel.compiling import kernel
from anomalyops_engine.models.kernel.tails import count_deviate, count_log_probability
from anomalyops_engine.models.series import habit
from anomalyops_engine.models.series.state import Forecast, SeriesParameters

CALM = 8.0
"""Buckets in which a disturbance is forgotten."""
WORST = 25.0
"""Largest disturbance: judged by five times the usual noise."""
FAR = 4.0
"""Deviation from which a residual is far, and may belong to an episode."""
LEAST_OF_COUNTS = 0.0025
"""Smallest variance of a count: the most regular clock misses a beat."""
CENTRAL = 0.9205
"""Mean of min(Z^2, 4) of a standard normal Z."""


@kernel
def base(p: SeriesParameters, mean: float, doubt: float) -> float:
    """The unit of a variance: counts vary with their expectation, metrics do not."""
    return max(mean - p.least, 0.5 * doubt, 0.02) if p.discrete else 1.0


@kernel
def variance(p: SeriesParameters, spread: float, magnitude: float, f: Forecast) -> float:
    """Predictive variance of a forecast."""
    floor = 1e-5 * magnitude
    unit = base(p, f.mean, f.doubt)
    usual = max(spread * unit, floor * floor, LEAST_OF_COUNTS if p.discrete else 1e-200) * f.ratio
    if p.discrete and usual < unit:
        # Where next to nothing is expected, that nothing came is no clockwork.
        regular = min(max(2.0 * unit - 0.5, 0.0), 1.0)
        usual = regular * usual + (1.0 - regular) * unit
    return usual * (1.0 + f.doubt) + f.extra * f.extra


@kernel
def deviation(p: SeriesParameters, value: float, mean: float, doubt: float, square: float) -> float:
    """Signed deviation of a value, on the scale of a standard normal; `square` is its predictive variance."""
    if p.discrete:
        return count_deviate(max(value - p.least, 0.0), base(p, mean, doubt), square)
    return (value - mean) / math.sqrt(square)


@kernel
def log_likelihood(p: SeriesParameters, value: float, f: Forecast, square: float) -> float:
    """Log density of a value: of its count, or under a Student t with 5 degrees of freedom, up to a constant."""
    if p.discrete:
        return count_log_probability(max(value - p.least, 0.0), base(p, f.mean, f.doubt), square)
    residual = value - f.mean
    return -0.5 * math.log(square) - 3.0 * math.log1p(residual * residual / (5.0 * square))


@kernel
def disturbed(series: Any, time_s: float) -> float:
    """Factor of the variance after disturbed buckets; 1 where nothing happened, and as long as no alarm told of it.

    After an outage, a step or a change of scale, what follows is judged by what came just before (a volatility, as in
    Bollerslev 1986, with a floor): an episode is loud at its onset, and less and less as it goes on. An onset of many
    buckets disturbs, too, and would hide itself: so what excuses a bucket is the alarm before it. Only of a young
    series every disturbance excuses, since it may be what the series is like.
    """
    excused = 1.0 - (1.0 - habit.told(series)) * habit.maturity(series, time_s)
    return float(1.0 + excused * max(series.disturbance - 2.5, 0.0))


@kernel
def note_disturbance(series: Any, deviation: float) -> None:
    """Let a deviation, before `disturbed` was taken off it, move the disturbance; one value at most trebles it."""
    now = series.disturbance
    square = min(deviation * deviation, 16.0 * max(now, 1.0))
    series.disturbance = min(now + (square - now) / CALM, WORST)


@kernel
def bounded(residual: float, limit: float, rare: bool) -> float:
    """A residual as far as it is learnt from: at most `limit`, and less the farther out a rare outlier lies."""
    size = abs(residual)
    if size <= limit:
        return residual
    step = limit * limit / size if rare else limit
    return step if residual > 0.0 else -step


@kernel
def bounded_square(square: float, variance: float, rare: bool) -> float:
    """A squared residual as far as a variance learns from it (Huber's proposal 2, with 2 standard deviations).

    A rare outlier says nothing of the noise; when far residuals are the rule, the noise has grown, and fast.
    """
    if not rare:
        return min(square, 9.0 * variance)
    if square > 9.0 * variance:
        return variance
    return min(square, 4.0 * variance) / CENTRAL


@kernel
def learn(forecaster: Any, square: float, memory: float) -> None:
    """Move a forecaster's residual variance towards a squared residual, in its unit."""
    n = forecaster.spread_n
    # Early residuals hold the errors of a profile that was not learnt yet: they are forgotten sooner.
    forecaster.spread += max(3.0 / (n + 3.0), 1.0 / memory) * (square - forecaster.spread)
    forecaster.spread_n = n + 1.0
