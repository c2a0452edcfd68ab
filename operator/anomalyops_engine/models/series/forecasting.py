"""Forecasts of a series from what it has learnt: the expected path, and 95 % bounds that grow as its errors did.

Near by, the forecaster that speaks knows best; far ahead, it may be another one: a series that wanders around a daily
profile is best followed from bucket to bucket, and best expected at its profile a day later. Each forecaster has shown
how it errs at each distance (`horizons`), so they are averaged, at each distance, by what is expected of their errors
(inverse powers of the mean square error; Bates and Granger 1969). A slope counts as far as it has foretold something.

Nothing here changes the state that it reads.
"""

# Compiled functions take their arguments by position only.
# ruff: noqa: PLR0917, FBT003

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from anomalyops_engine.models.kernel import history
from anomalyops_engine.models.kernel.compiling import kernel
from anomalyops_engine.models.kernel.tails import normal_deviate
from anomalyops_engine.models.series import atoms, forecasters, horizons, score, spread
from anomalyops_engine.models.series.state import (
    ATOM,
    DAILY,
    FAST,
    HORIZONS,
    HOURLY,
    SLOW,
    WEEKLY,
    FloatArray,
    Forecast,
    IntArray,
    Moment,
    SeriesParameters,
    SeriesState,
)

OUTSIDE = 0.025
"""Probability beyond each bound."""
NORMAL = 1.959964
"""The deviation that a normal variable exceeds with that probability."""
ONE_SIDED = 1.644854
"""The deviation that it exceeds with twice that probability."""
SHARPNESS = 4.0
"""Power of the mean square error by which forecasters are averaged."""
RICHER = 1.25
"""What a forecaster that does not speak has to be better by, in mean square error."""
KNOWN_FROM = 4.0
"""Errors from which a distance is known."""
EXPLAINS = 0.5
"""Share of the mean square around a repeated value that a forecaster may leave, to be preferred to that value."""
DOUBTED, EARNED = 2.0, 4.0
"""Student's t of what a slope foretold, from which it counts at all and from which it counts fully."""
WALK = 3.0
"""Anchors that a random walk counts as."""
FEWEST = 3.0
"""Anchors from which that is judged."""
SURE_GROWTH = 0.1
"""Share of the growth that the forecaster's own memory implies, which is never given up."""


class Prospects(NamedTuple):
    """How the forecasters of one series err farther ahead; the first axis is the forecaster.

    Attributes:
        distance: (ATOM, HORIZONS) distances at which the error is known, ascending.
        growth: (ATOM, HORIZONS) mean square of the error there beyond that of the next bucket, ascending.
        known: (ATOM,) how many of them there are.
        faith: (ATOM,) how far the slope is believed, 0 to 1.
        rate: (ATOM,) growth a bucket that follows from the forecaster's memory.
        base: (ATOM,) mean square error of the next bucket, at an ordinary time.
        below: (ATOM,) squared deviation below the expectation that OUTSIDE of the values exceed.
        above: (ATOM,) the same above it.
    """

    distance: FloatArray
    growth: FloatArray
    known: IntArray
    faith: FloatArray
    rate: FloatArray
    base: FloatArray
    below: FloatArray
    above: FloatArray


@kernel
def _memory(state: SeriesState, p: SeriesParameters, i: int, e: int) -> float:
    """Buckets that a forecaster's level remembers."""
    if e == SLOW:
        return float(min(p.slow, state.series[i].seen + 1.0))
    if e == FAST:
        return 3.0
    if e == HOURLY:
        return float(max(p.hour_slots, 4))
    return 2.0 * p.offset if e == WEEKLY else p.offset


@kernel
def _faith(state: SeriesState, i: int, e: int) -> float:
    """How far a forecaster's slope is to be believed: its least-squares share in what came, once that is significant.

    It is judged at the farthest distance of a few anchors: nearer, a slope is nothing beside the noise.
    """
    for back in range(HORIZONS):
        k = HORIZONS - 1 - back
        anchor = state.horizons[i, e, k]
        windows = anchor.samples / horizons.reach(k)
        if windows < FEWEST or anchor.samples < KNOWN_FROM:
            continue
        if anchor.foretold <= 0.0 or anchor.along <= 0.0:
            return 0.0
        left = anchor.excess * anchor.foretold - anchor.along * anchor.along
        t = math.sqrt((windows - 1.0) / max(left, 1e-12 * anchor.along * anchor.along)) * anchor.along
        earned = min(max((t - DOUBTED) / (EARNED - DOUBTED), 0.0), 1.0)
        return float(min(anchor.along / anchor.foretold, 1.0) * earned)
    return 0.0


@kernel
def prospects(state: SeriesState, p: SeriesParameters, i: int) -> Prospects:
    """How the forecasters of a series err farther ahead."""
    found = Prospects(
        np.zeros((ATOM, HORIZONS)),
        np.zeros((ATOM, HORIZONS)),
        np.zeros(ATOM, np.int64),
        np.zeros(ATOM),
        np.zeros(ATOM),
        np.zeros(ATOM),
        np.zeros(ATOM),
        np.zeros(ATOM),
    )
    magnitude = state.series[i].magnitude
    for e in range(ATOM):
        level = max(state.forecasters[i, e].level, 0.5 * magnitude) if p.discrete else 0.0
        usual = Forecast(True, level, 0.0, 1.0, 0.0, -1)
        found.base[e] = spread.variance(p, state.forecasters[i, e].spread, magnitude, usual)
        found.below[e] = history.bound(state.histories[i, e, 0], 0, OUTSIDE) ** 2
        found.above[e] = history.bound(state.histories[i, e, 0], 1, OUTSIDE) ** 2
        memory = _memory(state, p, i, e)
        found.rate[e] = found.base[e] / (memory * memory)
        share = _faith(state, i, e)
        found.faith[e] = share
        n = 0
        for k in range(HORIZONS):
            anchor = state.horizons[i, e, k]
            windows = anchor.samples / horizons.reach(k)
            if anchor.samples < KNOWN_FROM or windows < 1.0:
                continue
            distance = 1.5 * horizons.reach(k)
            seen = max(anchor.excess - 2.0 * share * anchor.along + share * share * anchor.foretold, 0.0)
            # Few anchors say little: they are held against a random walk from nearer by, and bounds are a Student t's.
            walk = found.rate[e] * distance
            if n > 0:
                walk = max(walk, found.growth[e, n - 1] * distance / found.distance[e, n - 1])
            growth = (windows * seen + WALK * walk) / (windows + WALK) * (1.0 + 2.0 / windows)
            found.distance[e, n] = distance
            found.growth[e, n] = max(growth, found.growth[e, n - 1]) if n > 0 else growth
            n += 1
        found.known[e] = n
    return found


@kernel
def _growth(found: Prospects, e: int, distance: float) -> float:
    """Mean square error of a forecaster at a distance, beyond that of the next bucket; linear between what is known.

    Farther than anything known it goes on like a random walk; with a slope, like a slope that may be wrong.
    """
    least = SURE_GROWTH * found.rate[e] * distance
    n = found.known[e]
    if n == 0:
        return float(found.rate[e] * distance)
    x, y = 0.0, 0.0
    for k in range(n):
        if distance <= found.distance[e, k]:
            part = (distance - x) / (found.distance[e, k] - x)
            return float(max(y + part * (found.growth[e, k] - y), least))
        x, y = found.distance[e, k], found.growth[e, k]
    return float(max(y * (distance / x) ** (1.0 + found.faith[e]), least))


@kernel
def _weights(
    state: SeriesState,
    i: int,
    found: Prospects,
    forecasts: tuple[Forecast, ...],
    distance: float,
    weights: FloatArray,
) -> float:
    """Fill in how much each forecaster counts at a distance; answers the mean square error of their average.

    They are weighed by how far they miss, far values and all: a profile with a peak at night is not averaged with a
    flat line that takes the peaks for outliers. All weights are 0 where a repeated value is the best forecast.
    """
    speaks = state.series[i].speaker
    best = EXPLAINS * state.forecasters[i, ATOM].miss if speaks == ATOM else 1e300
    misses = np.full(ATOM, np.inf)
    for e in range(ATOM):
        weights[e] = 0.0
        if forecasts[e].ready and state.forecasters[i, e].spread_n > 0:
            misses[e] = state.forecasters[i, e].miss * (1.0 + forecasts[e].doubt) + _growth(found, e, distance)
            misses[e] = max(misses[e] * (1.0 if e == speaks else RICHER), 1e-300)
    least = misses.min()
    if least >= best:
        return 0.0
    total, error = 0.0, 0.0
    for e in range(ATOM):
        weights[e] = (least / misses[e]) ** SHARPNESS
        total += weights[e]
    for e in range(ATOM):
        weights[e] /= total
        if weights[e] > 0.0:
            error += weights[e] * (found.base[e] * (1.0 + forecasts[e].doubt) + _growth(found, e, distance))
    return error


@kernel
def _atom_bounds(state: SeriesState, i: int) -> tuple[float, float]:
    """Bounds of a series that repeats one value: among the others, as far out as their share allows."""
    series = state.series[i]
    below = series.minimum < series.atom
    beyond = OUTSIDE if below else 2.0 * OUTSIDE
    away = (1.0 - series.atom_share) * (0.5 if below else 1.0)
    if away <= beyond:
        return series.atom, series.atom
    z = normal_deviate(-math.log10(min(beyond / away, 0.5)))
    reach = math.exp(min(series.rest_level + z * math.sqrt(atoms.spread(series)), 700.0))
    return series.atom - (reach if below else 0.0), series.atom + reach


@kernel
def _bounds(p: SeriesParameters, mean: float, below: float, above: float) -> tuple[float, float]:
    """Bounds from squared half-widths; square roots of counts have about constant variance (Anscombe 1948)."""
    if p.discrete and mean <= 300.0:
        root = math.sqrt(max(mean - p.least, 0.0) + 0.375)
        lower = p.least + math.floor(max(max(root - 0.5 * math.sqrt(below) / root, 0.0) ** 2 - 0.375, 0.0))
        if lower == p.least:
            # Nothing lies below: all that lies outside lies above.
            above *= (ONE_SIDED / NORMAL) ** 2
        upper = p.least + (root + 0.5 * math.sqrt(above) / root) ** 2 - 0.375
        return min(lower, mean), max(upper, mean)
    return mean - math.sqrt(below), mean + math.sqrt(above)


@kernel
def forecast_series(
    state: SeriesState,
    p: SeriesParameters,
    i: int,
    first_bucket: int,
    skipped: int,
    calendar: IntArray,
    error: FloatArray,
    path: FloatArray,
) -> int:
    """Forecast some buckets of one series; the state is not changed.

    Args:
        state: State of all series.
        p: SeriesParameters.
        i: The series.
        first_bucket: Number of the first bucket of the forecast: the one behind the last that was learnt.
        skipped: Buckets of the forecast that are done already.
        calendar: (buckets, 2) from `calendar.of_buckets`, of those behind them.
        error: (3,) the largest mean square error so far, and the largest squared half-widths below and above at an
            ordinary time, 0 before the first; changed in place.
        path: (buckets, 3) output: the expected value, the lower and the upper bound.

    Returns:
        The number of buckets that were forecast: fewer than asked for where the bounds, by their growth, would be wider
        than all values that the series has had.
    """
    series = state.series[i]
    found = prospects(state, p, i)
    weights = np.zeros(ATOM)
    never_negative = p.discrete or series.minimum >= 0.0
    seen = max(series.highest - series.lowest, 3.0 * NORMAL * math.sqrt(state.forecasters[i, SLOW].miss))
    # A series without recent values has drifted already.
    late = max(first_bucket - state.horizons[i, SLOW, 0].bucket - 2.0, 0.0)
    for b in range(calendar.shape[0]):
        distance = float(skipped + b) + late
        moment = Moment((first_bucket + skipped + b) * p.span_s, calendar[b, 0], False)
        forecasts = (
            forecasters.expect(state, p, i, SLOW, moment.time_s),
            forecasters.expect(state, p, i, FAST, moment.time_s),
            forecasters.expect(state, p, i, HOURLY, moment.time_s),
            forecasters.expect(state, p, i, DAILY, moment.time_s),
            forecasters.expect(state, p, i, WEEKLY, moment.time_s),
        )
        opinion = score.opinion(state, p, i, moment, forecasts)
        error[0] = max(error[0], _weights(state, i, found, forecasts, distance, weights))
        if opinion.who not in (series.speaker, ATOM):
            # A season that speaks in this slot alone.
            weights[:] = 0.0
            weights[opinion.who] = 1.0
        best = weights.argmax()
        if weights[best] == 0.0:
            path[b, 0] = series.atom
            path[b, 1], path[b, 2] = _atom_bounds(state, i)
            continue
        mean, base, below, above = 0.0, 0.0, 0.0, 0.0
        usual_below, usual_above = 0.0, 0.0
        for e in range(ATOM):
            if weights[e] == 0.0:
                continue
            f = forecasts[e]
            slope = found.faith[e] * state.forecasters[i, e].slope * horizons.trend(p, distance)
            # From the best one's expectation on, so that what all expect is exactly that.
            mean += weights[e] * (f.mean - forecasts[best].mean + slope)
            usual = found.base[e] * (1.0 + f.doubt)
            base += weights[e] * usual
            usual_below += weights[e] * usual * found.below[e]
            usual_above += weights[e] * usual * found.above[e]
            square = spread.variance(p, state.forecasters[i, e].spread, series.magnitude, f)
            below += weights[e] * square * found.below[e]
            above += weights[e] * square * found.above[e]
        mean += forecasts[best].mean + opinion.shift
        drift = max(error[0] - base, 0.0)
        if drift > base and 2.0 * NORMAL * math.sqrt(error[0]) > seen:
            return b
        # Whoever counts most, bounds at an ordinary time never become narrower; a loud or quiet hour comes on top.
        error[1] = max(error[1], usual_below + NORMAL * NORMAL * drift)
        error[2] = max(error[2], usual_above + NORMAL * NORMAL * drift)
        lower, upper = _bounds(p, mean, error[1] + below - usual_below, error[2] + above - usual_above)
        if never_negative:
            mean, lower = max(mean, 0.0), max(lower, 0.0)
        path[b, 0], path[b, 1], path[b, 2] = mean, lower, max(upper, mean)
    return int(calendar.shape[0])
