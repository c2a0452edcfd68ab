"""Departures on the calendar's special days, by hour: known from a few of them, they are expected at the next."""

# Compiled functions take their arguments by position only.
# ruff: noqa: PLR0917, FBT003

from __future__ import annotations

from anomalyops_engine.models.kernel.compiling import kernel
from anomalyops_engine.models.series import seasons, speaker, spread
from anomalyops_engine.models.series.state import (
    DAY_S,
    SPECIAL_DAYS,
    SPECIAL_SLOTS,
    Forecast,
    Moment,
    SeriesParameters,
    SeriesState,
)

DECISIVE = 3.0
"""Evidence, nats, from which a special day is expected to depart."""
MEMORY = 8.0
"""Days that a departure remembers."""


@kernel
def slot(moment: Moment) -> int:
    """Slot of a special day."""
    return int(moment.time_s % DAY_S) * SPECIAL_SLOTS // DAY_S


@kernel
def kind(state: SeriesState, i: int, moment: Moment) -> int:
    """The kind of special day whose departure is best known at a moment; -1 for none."""
    best, best_gain = -1, DECISIVE
    for k in range(SPECIAL_DAYS):
        gain = state.special[i, k, slot(moment)].gain
        if moment.special >> k & 1 and gain > best_gain:
            best, best_gain = k, gain
    return best


@kernel
def learn(
    state: SeriesState, p: SeriesParameters, i: int, moment: Moment, value: float, f: Forecast, square: float
) -> None:
    """Learn how a value departs from what was expected without regard to the calendar.

    Args:
        state: State of all series; changed in place.
        p: SeriesParameters.
        i: The series.
        moment: The bucket.
        value: The value.
        f: The expectation.
        square: Its predictive variance.
    """
    for k in range(SPECIAL_DAYS):
        if not moment.special >> k & 1:
            continue
        mine = state.special[i, k, slot(moment)]
        departure = value - f.mean
        if mine.n > 0:
            shifted = Forecast(True, f.mean + mine.mean, f.doubt + 1.0 / (mine.n + 1.0), f.ratio, 0.0, -1)
            gain = spread.log_likelihood(p, value, shifted, square * (1.0 + 1.0 / (mine.n + 1.0)))
            seasons.weigh_slot(mine, gain - spread.log_likelihood(p, value, f, square))
        step = spread.bounded(departure - mine.mean, 3.0 * square**0.5 + 0.3 * abs(mine.mean), False)
        seasons.learn_slot(mine, departure, departure, step, square, MEMORY)


@kernel
def price(state: SeriesState, i: int, k: int, moment: Moment) -> float:
    """Surprise of a special day that is like any other."""
    return speaker.price(state.special[i, k, slot(moment)].gain)
