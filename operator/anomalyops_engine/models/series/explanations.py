"""What else may explain a value: a level that is known, a season that errs, a day of the calendar, a changed clock.

Each has its price in surprise, and the mildest counts.
"""

# Compiled functions take their arguments by position only.
# ruff: noqa: PLR0917, FBT001

from __future__ import annotations

import math
from typing import NamedTuple

from anomalyops_engine.models.kernel import history
from anomalyops_engine.models.kernel.compiling import kernel
from anomalyops_engine.models.series import atoms, clock, forecasters, levels, speaker, special, spread
from anomalyops_engine.models.series.state import (
    ATOM,
    DAILY,
    KNOWN,
    WEEK_S,
    WEEKLY,
    Float32Array,
    Forecast,
    Moment,
    SeriesParameters,
    SeriesState,
)

TWO_SIDES = 0.30103
"""A deviation on either side is twice as likely as on one."""
KNOWN_SLOT = 0.25
"""Doubt below which a time is known well enough to say that a season is back: from its fourth visit on."""
NEAR = 3.0
"""Deviation from a known level within which a value is at it."""


class Opinion(NamedTuple):
    """What was expected of a bucket.

    Attributes:
        who: The forecaster that speaks here.
        f: What it expects, without regard to special days.
        flat: What the forecaster expects that speaks in general; the same where no season speaks in its slot alone.
        kind: Kind of special day; -1 for none.
        shift: Departure on the special day.
        mean: What is expected, all in all.
        square: Predictive variance, before disturbances.
        factor: What disturbed buckets make of that.
        trust: How far tails are believed to be normal.
    """

    who: int
    f: Forecast
    flat: Forecast
    kind: int
    shift: float
    mean: float
    square: float
    factor: float
    trust: float


class Reading(NamedTuple):
    """How a value reads.

    Attributes:
        surprise: Its surprise.
        deviation: Its deviation.
        shift: Part of it that a level or a special day explains.
        jump: Whether a level does.
    """

    surprise: float
    deviation: float
    shift: float
    jump: bool


@kernel
def sided(side: int, records: Float32Array, deviation: float, trust: float) -> float:
    """Surprise of a signed deviation, on the sides that count."""
    if side * deviation < 0:
        return 0.0
    value = history.surprise(records, 1 if deviation > 0 else 0, abs(deviation), trust)
    return max(value - (TWO_SIDES if side == 0 else 0.0), 0.0)


@kernel
def of_atom(state: SeriesState, p: SeriesParameters, i: int, value: float) -> tuple[float, float]:
    """Surprise of a value where one is repeated, and its deviation among the others."""
    series = state.series[i]
    z = atoms.deviation(series, value)
    if value == series.atom or p.side * (value - series.atom) < 0.0:
        return 0.0, z
    out = sided(1, state.histories[i, ATOM, 0], z, 0.0) if z > 0.0 else 0.0
    return max(atoms.leaving(series) + out - (TWO_SIDES if p.side == 0 else 0.0), 0.0), z


@kernel
def _clock_alternative(
    state: SeriesState,
    p: SeriesParameters,
    i: int,
    e: int,
    speaks: bool,
    value: float,
    moment: Moment,
    factor: float,
    trust: float,
) -> float:
    """Surprise of a value if the clocks had been changed by an hour, either way, to a season that speaks or would."""
    best = 1e300
    for sign in range(-1, 2, 2):
        f = forecasters.expect(state, p, i, e, moment.time_s + sign * clock.HOUR_S)
        if not f.ready or (not speaks and state.slots[i, f.slot].gain < speaker.SLOT_DECISIVE):
            continue
        square = spread.variance(p, state.forecasters[i, e].spread, state.series[i].magnitude, f) * factor
        z = spread.deviation(p, value, f.mean, f.doubt, square)
        best = min(best, sided(p.side, state.histories[i, e, 0], z, trust) + clock.PRICE)
    return best


@kernel
def at_known_level(
    state: SeriesState, p: SeriesParameters, i: int, value: float, o: Opinion, plain: Reading
) -> Reading:
    """The reading if the series went to a level that it knows, where that is milder."""
    best = plain
    here = state.levels[i, state.series[i].here].center
    known = state.forecasters[i, o.who].spread
    for k in range(KNOWN):
        if k == state.series[i].here or state.levels[i, k].visits == 0.0:
            continue
        step = state.levels[i, k].center - here
        mean = max(o.mean + step, 0.0) if p.discrete else o.mean + step
        square = o.square
        if p.discrete:
            # Counts vary with their expectation: what is wide at one level is narrow at another.
            there = Forecast(True, mean, o.f.doubt, o.f.ratio, o.f.extra, -1)  # noqa: FBT003
            square = spread.variance(p, known, state.series[i].magnitude, there)
        z = spread.deviation(p, value, mean, o.f.doubt, square * o.factor)
        surprise = sided(p.side, state.histories[i, o.who, 0], z, o.trust) + levels.price(state, i, k)
        milder = surprise < best.surprise + levels.HOME_PRICE
        if abs(z) < min(abs(best.deviation), NEAR) and milder:
            best = Reading(min(best.surprise, surprise), z, step, True)  # noqa: FBT003
    return best


@kernel
def season_again(
    state: SeriesState,
    p: SeriesParameters,
    i: int,
    value: float,
    moment: Moment,
    forecasts: tuple[Forecast, ...],
    o: Opinion,
) -> float:
    """Surprise of a value if a season is back where it was in the last weeks, before an outage took its level away.

    At such times every forecaster expects what the outage was like, and the season speaks no more.
    """
    best, series = 1e300, state.series[i]
    spoke = 0.0 < moment.time_s - series.season_s <= WEEK_S
    silenced = spoke and not DAILY <= series.speaker <= WEEKLY
    for e in range(DAILY, ATOM):
        f, forecaster = forecasts[e], state.forecasters[i, e]
        if not f.ready or f.doubt > KNOWN_SLOT:
            continue
        mean = f.mean - forecaster.level - forecaster.slope + forecaster.steady
        back = Forecast(True, mean, f.doubt, f.ratio, f.extra, f.slot)  # noqa: FBT003
        square = spread.variance(p, forecaster.spread, state.series[i].magnitude, back)
        if not silenced and abs(mean - f.mean) < NEAR * math.sqrt(square):
            continue
        z = spread.deviation(p, value, mean, f.doubt, square)
        if abs(z) < NEAR:
            best = min(best, sided(p.side, state.histories[i, e, 0], z, o.trust) + levels.HOME_PRICE)
    return best


@kernel
def mildest(
    state: SeriesState,
    p: SeriesParameters,
    i: int,
    e: int,
    value: float,
    moment: Moment,
    forecasts: tuple[Forecast, ...],
    o: Opinion,
    surprise: float,
) -> float:
    """The surprise of the mildest explanation besides levels.

    Args:
        state: State of all series.
        p: SeriesParameters.
        i: The series.
        e: The forecaster that speaks in general.
        value: The value.
        moment: The bucket.
        forecasts: What the forecasters but ATOM expect.
        o: What was expected.
        surprise: The surprise without another explanation.
    """
    wide = o.square * o.factor
    if o.who != e:
        # The season may err in this slot.
        if e == ATOM:
            other, _ = of_atom(state, p, i, value)
        else:
            z = spread.deviation(p, value, o.flat.mean, o.flat.doubt, wide)
            other = sided(p.side, state.histories[i, e, 0], z, o.trust)
        gain = state.slots[i, o.f.slot].gain
        surprise = min(surprise, other + (clock.PRICE if moment.clock_change else speaker.price(gain)))
    surprise = min(surprise, season_again(state, p, i, value, moment, forecasts, o))
    if o.kind >= 0:
        z = spread.deviation(p, value, o.f.mean, o.f.doubt, wide)
        other = sided(p.side, state.histories[i, o.who, 0], z, o.trust)
        surprise = min(surprise, other + special.price(state, i, o.kind, moment))
    if moment.clock_change:
        for season in range(DAILY, ATOM):
            speaks = season == o.who
            other = _clock_alternative(state, p, i, season, speaks, value, moment, o.factor, o.trust)
            surprise = min(surprise, other)
    return surprise
