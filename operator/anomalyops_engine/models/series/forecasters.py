"""What the forecasters expect, and how each learns a value."""

# Compiled functions take their arguments by position only.
# ruff: noqa: PLR0917, FBT001, FBT003

from __future__ import annotations

import math
from typing import Any

from anomalyops_engine.models.kernel.compiling import kernel
from anomalyops_engine.models.series import horizons, seasons, spread
from anomalyops_engine.models.series.state import (
    DAILY,
    DAY_S,
    FAST,
    HOURLY,
    SLOW,
    WEEK_S,
    WEEKLY,
    WINDOW,
    Forecast,
    SeriesParameters,
    SeriesState,
)

RARE = 0.3
"""Share of far residuals below which they are outliers; above, they are the series."""
RARE_MEMORY = 50.0
"""Buckets over which that is counted."""
STEADY = 7.0
"""How many times longer than its level the level of the last weeks remembers."""
TREND_FROM = 0.25
"""Share of a level's step that its slope takes, over the memory."""


@kernel
def expect(state: SeriesState, p: SeriesParameters, i: int, e: int, time_s: float) -> Forecast:
    """What a forecaster expects of a bucket that starts at `time_s`, on the clock of the series."""
    forecaster = state.forecasters[i, e]
    series = state.series[i]
    if e == SLOW:
        doubt = max(1.0 / (series.seen + 1.0), 0.5 / p.slow)
        return Forecast(series.seen >= 1, forecaster.level + forecaster.slope, doubt, 1.0, 0.0, -1)
    if e == FAST:
        return Forecast(series.seen >= 4, forecaster.level, 0.0, 1.0, 0.0, -1)
    if e == HOURLY and p.hour_slots < 4:
        return Forecast(False, forecaster.level, 0.0, 1.0, 0.0, -1)
    local_s = time_s + series.clock_s
    at = seasons.slot_of(p, e, local_s)
    age = time_s - series.first_s
    n = state.slots[i, at].n
    mean = state.slots[i, at].mean + forecaster.level + forecaster.slope
    extra = state.slots[i, at].extra * abs(state.slots[i, at].mean)
    if e == HOURLY:
        return Forecast(n > 0 and age >= 3600, mean, max(1.0 / (n + 1.0), 0.5 / p.hour_memory), 1.0, extra, at)
    day = seasons.day_slot(p, local_s)
    ratio = seasons.ratio(state, p, i, e, day, seasons.visits_of(p, e, n))
    if e == DAILY:
        ready = p.day_slots >= 4 and n > 0 and age >= DAY_S
        return Forecast(ready, mean, max(1.0 / (n + 1.0), 0.5 / p.day_memory), ratio, extra, at)
    ready = p.week_slots >= 7 and n > 0 and age >= WEEK_S and (width_one(p) or state.slots[i, p.hour_slots + day].n > 0)
    mean += seasons.detail(state, p, i, day, at)
    return Forecast(ready, mean, max(1.0 / (n + 1.0), 0.5 / p.week_memory), ratio, extra, at)


@kernel
def width_one(p: SeriesParameters) -> bool:
    """Whether the week's slots are as fine as the day's."""
    return 7 * p.day_slots <= p.week_slots


@kernel
def season_of(state: SeriesState, i: int, e: int, f: Forecast) -> float:
    """What an expectation holds of season: the part that is not the forecaster's level."""
    return float(f.mean - state.forecasters[i, e].level)


@kernel
def _learn_level(p: SeriesParameters, forecaster: Any, e: int, seen: float, step: float) -> None:
    """Move a forecaster's level and slope by a bounded step."""
    memory = 2.0 * p.offset if e == WEEKLY else p.offset
    if e == SLOW:
        memory = min(p.slow, seen + 1.0)
    elif e == FAST:
        memory = min(3.0, seen + 1.0)
    elif e == HOURLY:
        # Whatever is longer than an hour is level to it.
        memory = float(max(p.hour_slots, 4))
    if e != FAST and e != HOURLY:  # noqa: PLR1714 - numba knows no sets
        forecaster.level += forecaster.slope
        if seen > p.offset:
            forecaster.slope += TREND_FROM * step / (memory * memory)
    forecaster.level += step / memory


@kernel
def learn(
    state: SeriesState,
    p: SeriesParameters,
    i: int,
    e: int,
    value: float,
    f: Forecast,
    factor: float,
    time_s: float,
    only_season: bool,
    plain: float,
) -> None:
    """Let a forecaster learn a value.

    Args:
        state: State of all series; changed in place.
        p: SeriesParameters.
        i: The series.
        e: The forecaster.
        value: The value.
        f: What it expected.
        factor: Factor of the variance after disturbed buckets.
        time_s: The bucket's start on the clock of the series.
        only_season: Whether the value is explained by another forecaster's season: no news for levels.
        plain: The value, or what was expected of it where it lies so far out that once may be never.
    """
    forecaster = state.forecasters[i, e]
    series = state.series[i]
    if e >= HOURLY and f.ready and forecaster.spread_n == 0:
        # A new forecaster starts with what the simpler one knows of the noise, lightly held.
        simpler = e - 1 if e > HOURLY and state.forecasters[i, e - 1].spread_n > 0 else SLOW
        forecaster.spread = state.forecasters[i, simpler].spread
        forecaster.spread_n = 2.0
        forecaster.steady = forecaster.level
    unit = spread.base(p, f.mean, f.doubt)
    square = spread.variance(p, forecaster.spread, series.magnitude, f)
    wide = square * factor
    residual = value - f.mean
    # An incident of a season's length says nothing of the season's noise; disturbed levels are what they seem.
    judged = square if e >= DAILY else wide
    far = residual * residual > spread.FAR * spread.FAR * judged
    rare = forecaster.far_rate < RARE
    forecaster.far_rate += ((1.0 if far else 0.0) - forecaster.far_rate) / RARE_MEMORY
    step = spread.bounded(residual, 3.0 * math.sqrt(wide), rare)
    if f.ready and not only_season:
        horizons.note_miss(series, forecaster, residual, p.spread_memory)
        at = forecaster.ring_at
        state.ring[i, e, at, 0] = residual
        state.ring[i, e, at, 1] = square
        forecaster.ring_at = (at + 1) % WINDOW
        forecaster.ring_n = min(forecaster.ring_n + 1, WINDOW)
        learnt = spread.bounded_square(residual * residual, judged, rare)
        if learnt == judged:
            learnt = square
        # Where a slot has a variance of its own, the overall one learns its share.
        share = max(1.0 - f.extra * f.extra / square, 0.0)
        spread.learn(forecaster, learnt * share / (unit * f.ratio * (1.0 + f.doubt)), p.spread_memory)
    if f.slot >= 0:
        if f.ready and e >= DAILY and f.extra == 0.0 and state.slots[i, f.slot].n >= 2 and not only_season:
            day = seasons.day_slot(p, time_s)
            visits = seasons.visits_of(p, e, state.slots[i, f.slot].n)
            seasons.learn_ratio(state, p, i, e, day, visits, f.ratio * residual * residual / square)
        departure = value - forecaster.level - forecaster.slope
        memory = p.hour_memory if e == HOURLY else p.day_memory
        if e == WEEKLY:
            departure -= seasons.detail(state, p, i, seasons.day_slot(p, time_s), f.slot)
            memory = p.week_memory
        first = departure + (plain - value)
        usual = max(square - f.extra * f.extra, 0.0)
        seasons.learn_slot(state.slots[i, f.slot], departure, first, step, usual, memory)
        if not f.ready:
            return
    if only_season or (e == HOURLY and f.slot < 0):
        return
    horizons.note(state, p, i, e, time_s / p.span_s, step)
    _learn_level(p, forecaster, e, series.seen, step)
    if e >= DAILY:
        # What a disturbance does to a level says the less of the weeks, the wider it is.
        age = min(forecaster.spread_n, STEADY * p.offset)
        forecaster.steady += (forecaster.level - forecaster.steady) / ((age + 1.0) * factor)
