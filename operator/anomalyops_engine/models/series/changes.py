"""What changes in the model of a series: a season that it found, a level that it went to, clocks that were changed."""

# Compiled functions take their arguments by position only.
# ruff: noqa: PLR0917

from __future__ import annotations

from typing import NamedTuple

from anomalyops_engine.models.kernel.compiling import kernel
from anomalyops_engine.models.series.state import (
    DAY_S,
    HOURLY,
    LEVEL_SHIFT,
    NEW_SEASON,
    SEASONS,
    SHIFT_RUN,
    TIME_SHIFT,
    WEEKLY,
    FloatArray,
    SeriesState,
)

HABIT = 3.0
"""Visits from which a level is one that comes and goes, and going there changes nothing in the model."""


OLD_S = 3.0 * DAY_S
"""Age from which a level is told from a time of the day that is not known yet, seconds."""
SHOWN = 4
"""Buckets in which a season speaks alone until it is found; one that speaks in general is at once."""


class Standing(NamedTuple):
    """Where a series stands before it learns a value.

    Attributes:
        here: Position of its level.
        run: Values in a row at another one.
        clock_s: How far its seasons run ahead of their profiles.
    """

    here: int
    run: int
    clock_s: float


@kernel
def standing(state: SeriesState, i: int) -> Standing:
    """Where a series stands."""
    series = state.series[i]
    return Standing(series.here, series.run, series.clock_s)


@kernel
def tell(state: SeriesState, i: int, who: int, time_s: float, before: Standing, detail: FloatArray) -> None:
    """Tell what a value changed.

    Args:
        state: State of all series, which has learnt the value.
        i: The series.
        who: The forecaster that expected the value.
        time_s: Start of the bucket.
        before: Where the series stood before.
        detail: (DETAIL_COLUMNS,), output.
    """
    series = state.series[i]
    if HOURLY <= who <= WEEKLY and state.forecasters[i, who].alone < SHOWN:
        forecaster = state.forecasters[i, who]
        forecaster.alone = SHOWN if who == series.speaker else forecaster.alone + 1
        if forecaster.alone == SHOWN:
            detail[NEW_SEASON] = SEASONS[who - HOURLY]
    old = time_s - series.first_s >= OLD_S
    if old and series.here != before.here and state.levels[i, series.here].visits < HABIT:
        detail[LEVEL_SHIFT] = state.levels[i, series.here].center - series.run_from
        detail[SHIFT_RUN] = before.run + 1
    detail[TIME_SHIFT] = series.clock_s - before.clock_s
