"""Levels: a series that jumps to another one and stays there, or comes back to one that it knows.

A level is the value less the speaking forecaster's season. A jump is believed after a few values in a row that lie
together; the levels that were left are remembered, so that a return to one is no surprise, the less the more often it
was seen, and is followed at once.
"""

# Compiled functions take their arguments by position only.
# ruff: noqa: PLR0917, FBT001

from __future__ import annotations

import math
from typing import Any

from anomalyops_engine.models.kernel.compiling import kernel
from anomalyops_engine.models.series.state import (
    DAILY,
    FAST,
    FORECASTERS,
    HOURLY,
    KNOWN,
    SeriesParameters,
    SeriesState,
)

RETURN_RUN = 2
"""Values in a row at a level that is known, after which the series is there."""
NEW_RUN = 4
"""The same, at a level that is not known."""
SEASONAL_RUN = 24
"""The same, where a season has to be told from a level."""
TOGETHER = 0.15
"""Share of a run's distance from the present level, within which its values lie together whatever their noise."""
MEMORY = 4000.0
"""Buckets that the time spent at a level is remembered."""
HOME_PRICE = 0.5
"""Surprise of going back to where the series usually is."""


@kernel
def price(state: SeriesState, i: int, k: int) -> float:
    """Surprise that a known level costs: a level that was seen once is no habit yet."""
    here, level = state.series[i].here, state.levels[i, k]
    if level.dwell > state.levels[i, here].dwell:
        return HOME_PRICE
    return float(max(6.5 - 1.0 * level.visits, 1.5))


@kernel
def forget(state: SeriesState, i: int, center: float) -> None:
    """Begin anew, with one level: the forecaster that speaks has changed its kind."""
    for k in range(KNOWN):
        state.levels[i, k].visits = 0.0
        state.levels[i, k].dwell = 0.0
    state.levels[i, 0].center = center
    state.levels[i, 0].visits = 1.0
    state.series[i].here = 0
    state.series[i].run = 0


@kernel
def nearest(state: SeriesState, i: int, x: float, width: float) -> int:
    """The known level, other than the present one, that a value lies at; -1 for none."""
    best, distance = -1, width
    for k in range(KNOWN):
        gap = abs(x - state.levels[i, k].center)
        if k != state.series[i].here and state.levels[i, k].visits > 0.0 and gap <= distance:
            best, distance = k, gap
    return best


@kernel
def _jump(state: SeriesState, i: int, k: int) -> None:
    """Go to a level: the forecasters follow, and forget the run of residuals that led there.

    A jump may be the beginning of a season that does not speak yet: the levels of richer seasons stay where they are.
    """
    series = state.series[i]
    step = state.levels[i, k].center - state.levels[i, series.here].center
    state.levels[i, k].visits += 1.0
    series.here = k
    series.run = 0
    for e in range(FORECASTERS):
        forecaster = state.forecasters[i, e]
        if e >= DAILY and e > series.speaker:
            continue
        forecaster.ring_n = 0
        if series.speaker < HOURLY and e <= FAST:
            forecaster.level = state.levels[i, k].center
        else:
            forecaster.level += step


@kernel
def _place_of_new(state: SeriesState, i: int) -> int:
    """The position of the level that is given up for a new one: an unused one, or where least time was spent."""
    best, least = -1, 1e300
    for k in range(KNOWN):
        if k == state.series[i].here:
            continue
        if state.levels[i, k].visits == 0.0:
            return k
        if state.levels[i, k].dwell < least:
            best, least = k, state.levels[i, k].dwell
    return best


@kernel
def _together(series: Any, width: float) -> float:
    """How far a value may lie from a run's mean to be of the run: by its noise, or little to how far all of it is."""
    return float(max(width * math.sqrt(1.0 + 1.0 / series.run), TOGETHER * abs(series.run_level - series.run_from)))


@kernel
def note(state: SeriesState, p: SeriesParameters, i: int, x: float, width: float, far: bool) -> None:
    """Follow a series from level to level.

    Args:
        state: State of all series.
        p: SeriesParameters.
        i: The series.
        x: Its value less the speaking forecaster's season.
        width: How far values at one level lie apart.
        far: Whether the value lies far from what was expected at the present level.
    """
    series = state.series[i]
    levels: Any = state.levels
    for k in range(KNOWN):
        levels[i, k].dwell *= 1.0 - 1.0 / MEMORY
    if not far:
        levels[i, series.here].dwell += 1.0
        series.run = 0
        return
    k = nearest(state, i, x, width)
    if k >= 0:
        series.run = series.run + 1 if series.run_to == k and series.run > 0 else 1
        series.run_to = k
        if series.run == 1:
            series.run_from = levels[i, series.here].center
        if series.run >= RETURN_RUN:
            _jump(state, i, k)
        return
    if series.run > 0 and series.run_to == -1 and abs(x - series.run_level) <= _together(series, width):
        series.run += 1
        series.run_level += (x - series.run_level) / series.run
    elif series.run >= NEW_RUN and series.run_to == -1:
        # One stray value does not undo a run; as many as were in it do.
        series.run -= 1
    else:
        series.run, series.run_to, series.run_level = 1, -1, x
        series.run_from = levels[i, series.here].center
    if series.run >= (SEASONAL_RUN if series.speaker >= DAILY else NEW_RUN):
        k = _place_of_new(state, i)
        levels[i, k].center = series.run_level
        levels[i, k].visits = 0.0
        levels[i, k].dwell = float(series.run)
        _jump(state, i, k)
