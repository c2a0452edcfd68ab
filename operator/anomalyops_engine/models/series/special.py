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
    """Note how a value departs from what was expected without regard to the calendar.

    What one day shows is learnt when its slot is over, as one departure: what a day does is no evidence for itself,
    and a slot of 36 short buckets shows no more than one of a single long bucket.

    Args:
        state: State of all series; changed in place.
        p: SeriesParameters.
        i: The series.
        moment: The bucket.
        value: The value.
        f: The expectation.
        square: Its predictive variance.
    """
    series = state.series[i]
    day = moment.time_s // DAY_S
    if series.special_n > 0.0 and (day != series.special_day or slot(moment) != series.special_slot):
        _learn_visit(state, p, i)
    if moment.special == 0:
        return
    series.special_day = day
    series.special_slot = slot(moment)
    series.special_kinds = moment.special
    series.special_n += 1.0
    step = value - f.mean - series.special_departure
    if series.special_n > 1.0:
        step = spread.bounded(step, 3.0 * square**0.5 + 0.3 * abs(series.special_departure), False)
    series.special_departure += step / series.special_n
    series.special_expected += (f.mean - series.special_expected) / series.special_n
    series.special_square += (square - series.special_square) / series.special_n


@kernel
def _learn_visit(state: SeriesState, p: SeriesParameters, i: int) -> None:
    """Learn the departure of a slot that is over, of all kinds of special day that it lay on."""
    series = state.series[i]
    departure, square = series.special_departure, series.special_square
    usual = Forecast(True, series.special_expected, 0.0, 1.0, 0.0, -1)
    for k in range(SPECIAL_DAYS):
        if not series.special_kinds >> k & 1:
            continue
        mine = state.special[i, k, series.special_slot]
        if mine.n > 0:
            doubt = 1.0 / (mine.n + 1.0)
            shifted = Forecast(True, usual.mean + mine.mean, doubt, 1.0, 0.0, -1)
            gain = spread.log_likelihood(p, usual.mean + departure, shifted, square * (1.0 + doubt))
            seasons.weigh_slot(mine, gain - spread.log_likelihood(p, usual.mean + departure, usual, square))
        step = spread.bounded(departure - mine.mean, 3.0 * square**0.5 + 0.3 * abs(mine.mean), False)
        seasons.learn_slot(mine, departure, departure, step, square, MEMORY)
    series.special_n = series.special_departure = series.special_expected = series.special_square = 0.0


@kernel
def price(state: SeriesState, i: int, k: int, moment: Moment) -> float:
    """Surprise of a special day that is like any other."""
    return speaker.price(state.special[i, k, slot(moment)].gain)
