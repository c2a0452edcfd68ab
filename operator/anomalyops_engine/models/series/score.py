"""How surprising a value is: to the forecaster that speaks, or to the mildest explanation that has a price."""

# Compiled functions take their arguments by position only.
# ruff: noqa: PLR0917, FBT001, FBT003

from __future__ import annotations

import math
from typing import Any, NamedTuple

from anomalyops_engine.models.kernel import history
from anomalyops_engine.models.kernel.compiling import kernel
from anomalyops_engine.models.kernel.tails import LN10, count_deviate, normal_surprise
from anomalyops_engine.models.series import atoms, habit, speaker, special, spread
from anomalyops_engine.models.series.explanations import (
    TWO_SIDES,
    Opinion,
    Reading,
    at_known_level,
    mildest,
    of_atom,
    season_again,
    sided,
)
from anomalyops_engine.models.series.state import (
    ANOMALY_LENGTH,
    ATOM,
    DEVIATION,
    LOWER,
    MULTI,
    SINGLE,
    SPREAD_RATIO,
    SURPRISE,
    TYPICAL,
    UPPER,
    WINDOW,
    FloatArray,
    Forecast,
    Moment,
    SeriesParameters,
    SeriesState,
)

WITNESS = 2.0
"""Surprise from which a bucket, and those before it in its window, are two witnesses."""
ASK_FROM = 2.0
"""Deviation from which another explanation is looked for."""


class Verdict(NamedTuple):
    """What was made of a value.

    Attributes:
        who: The forecaster whose history the value belongs to.
        f: What was expected, without regard to special days.
        square: Its predictive variance, before disturbances.
        factor: What disturbed buckets made of that.
        raw: Deviation before the disturbance was taken off.
        single: Deviation.
        raw_multi: Multi-bucket deviation before it was standardised.
        multi: Multi-bucket deviation.
        shift: Part of the value that another level, or a special day, explains.
        season: Whether a season explains it in its slot alone.
        jump: Whether another level explains it.
        surprise: How surprising it is, before habit and age.
    """

    who: int
    f: Forecast
    square: float
    factor: float
    raw: float
    single: float
    raw_multi: float
    multi: float
    shift: float
    season: bool
    jump: bool
    surprise: float


@kernel
def _multi_deviation(state: SeriesState, i: int, e: int, residual: float, variance: float) -> tuple[float, float]:
    """Deviation of the last WINDOW residuals' sum, each bounded so that no single one can carry it.

    And the same without the newest one: what the buckets before say by themselves.
    """
    if state.forecasters[i, e].ring_n < WINDOW - 1:
        return 0.0, 0.0
    total, power, newest = 0.0, 0.0, 0.0
    oldest = state.forecasters[i, e].ring_at
    for k in range(WINDOW):
        if k == oldest:
            r, v = residual, variance
        else:
            r, v = state.ring[i, e, k, 0], state.ring[i, e, k, 1]
        limit = 4.0 * math.sqrt(v)
        bounded = min(max(r, -limit), limit)
        total += bounded
        power += v
        if k == oldest:
            newest = bounded
    return total / math.sqrt(power), (total - newest) / math.sqrt(max(power - variance, 1e-200))


@kernel
def _fill_bounds(
    state: SeriesState, p: SeriesParameters, i: int, e: int, mean: float, variance: float, detail: FloatArray
) -> None:
    """95 % bounds from the own history of deviations."""
    series = state.series[i]
    low = history.bound(state.histories[i, e, 0], 0, 0.025)
    high = history.bound(state.histories[i, e, 0], 1, 0.025)
    if e == ATOM:
        reach = math.exp(min(series.rest_level + high * math.sqrt(atoms.spread(series)), 700.0))
        wide = reach if series.atom_share < 0.975 else 0.0
        detail[LOWER] = series.atom - (wide if series.minimum < series.atom else 0.0)
        detail[UPPER] = series.atom + wide
    elif p.discrete and mean <= 300.0:
        # Square roots of counts have about constant variance (Anscombe 1948).
        root = math.sqrt(max(mean - p.least, 0.0) + 0.375)
        unit = 0.5 * math.sqrt(max(variance, 1e-12)) / root
        detail[LOWER] = p.least + math.floor(max(max(root - low * unit, 0.0) ** 2 - 0.375, 0.0))
        detail[UPPER] = p.least + math.ceil((root + high * unit) ** 2 - 0.375)
        return
    else:
        deviation = math.sqrt(variance)
        detail[LOWER] = mean - low * deviation
        detail[UPPER] = mean + high * deviation
    if series.minimum >= 0.0:
        detail[LOWER] = max(detail[LOWER], 0.0)


@kernel
def _never_seen(series: Any, value: float, mean: float) -> float:
    """Most that a count can surprise where counts are more regular than chance: that the clockwork breaks.

    It never did in so many buckets (Laplace's rule of succession, squared: a clockwork is more than chance), or it
    slips in a share of them; once it does, the count is as good as Poisson.
    """
    slips = max(series.far_rate, 1.0 / (series.seen + 2.0))
    return -2.0 * math.log10(slips) + normal_surprise(abs(count_deviate(max(value, 0.0), mean, mean)))


@kernel
def opinion(
    state: SeriesState, p: SeriesParameters, i: int, moment: Moment, forecasts: tuple[Forecast, ...]
) -> Opinion:
    """Who speaks, and what is expected."""
    series = state.series[i]
    e = series.speaker
    flat = Forecast(True, series.atom, 0.0, 1.0, 0.0, -1)
    square = max(state.forecasters[i, 0].spread, 1e-200)
    if e != ATOM:
        flat = forecasts[e]
        square = spread.variance(p, state.forecasters[i, e].spread, series.magnitude, flat)
    who = speaker.at_slot(state, i, e, forecasts, flat.mean, math.sqrt(square))
    f = flat
    if who != e:
        f = forecasts[who]
        square = spread.variance(p, state.forecasters[i, who].spread, series.magnitude, f)
    factor, kind, shift = 1.0, -1, 0.0
    if who != ATOM:
        factor = spread.disturbed(series, moment.time_s)
        kind = special.kind(state, i, moment)
    if kind >= 0:
        shift = state.special[i, kind, special.slot(moment)].mean
    mean = f.mean + shift
    if series.minimum >= 0.0:
        mean = max(mean, 0.0)
    # A count's law is known better than a metric's.
    return Opinion(who, f, flat, kind, shift, mean, square, factor, 0.5 if p.discrete else 0.0)


@kernel
def _several(state: SeriesState, i: int, value: float, o: Opinion, shift: float) -> tuple[float, float, float]:
    """Multi-bucket deviation, raw and standardised, and that of the buckets before."""
    e = o.who
    if e == ATOM:
        series = state.series[i]
        away = 1.0 if value != series.atom else 0.0
        share = min(max(1.0 - series.atom_share, 1e-3), 0.999)
        raw, before = _multi_deviation(state, i, e, away - share, share * (1.0 - share))
    else:
        raw, before = _multi_deviation(state, i, e, value - o.mean - shift, o.square)
    unit = math.sqrt(max(state.forecasters[i, e].multi_spread, 0.25))
    return raw, raw / unit, before / unit


@kernel
def judge(
    state: SeriesState,
    p: SeriesParameters,
    i: int,
    value: float,
    moment: Moment,
    forecasts: tuple[Forecast, ...],
    scored: bool,
    detail: FloatArray,
) -> Verdict:
    """Score a value; fills the bucket's `detail`.

    Args:
        state: State of all series.
        p: SeriesParameters.
        i: The series.
        value: The value.
        moment: The bucket.
        forecasts: What the forecasters but ATOM expect.
        scored: Whether enough was seen for scores.
        detail: (DETAIL_COLUMNS,), output.
    """
    series = state.series[i]
    e = series.speaker
    o = opinion(state, p, i, moment, forecasts)
    detail[TYPICAL], detail[SPREAD_RATIO] = o.mean, o.f.ratio
    if o.who == ATOM:
        one, raw = of_atom(state, p, i, value)
        if scored and one > ASK_FROM:
            one = min(one, season_again(state, p, i, value, moment, forecasts, o))
        reading = Reading(one, raw, 0.0, False)
    else:
        raw = spread.deviation(p, value, o.mean, o.f.doubt, o.square)
        single = spread.deviation(p, value, o.mean, o.f.doubt, o.square * o.factor)
        one = sided(p.side, state.histories[i, o.who, 0], single, o.trust) if scored else 0.0
        if p.discrete and o.square < o.mean - p.least:
            one = min(one, _never_seen(series, value - p.least, o.mean - p.least))
        reading = Reading(one, single, o.shift, False)
        if abs(raw) > ASK_FROM and o.who == e and o.kind < 0:
            reading = at_known_level(state, p, i, value, o, reading)
        one = reading.surprise
        if scored and abs(raw) > ASK_FROM:
            one = mildest(state, p, i, e, value, moment, forecasts, o, one)
    raw_multi, multi, before = 0.0, 0.0, 0.0
    if scored and o.who == e:
        raw_multi, multi, before = _several(state, i, value, o, reading.shift if reading.jump else 0.0)
    pooled = 0.0
    if scored:
        pooled = _compose(state, p, i, o, one, reading.deviation, multi, before, moment, detail)
    jump, season = reading.jump, o.who != e
    return Verdict(
        o.who, o.f, o.square, o.factor, raw, reading.deviation, raw_multi, multi, reading.shift, season, jump, pooled
    )


@kernel
def _pooled(series: Any, one: float, many: float, before: float, time_s: float) -> float:
    """The surprise of a bucket, of the last ones together, and of those before it.

    Whatever their dependence, the smaller of two probabilities is at most twice as likely (Bonferroni). A stretch that
    is far off without pause speaks by both: as independent witnesses (Fisher 1932), whose dependence the history of the
    series has taken out of each, once it is long enough. A bucket that carries its window alone is one witness.
    """
    pooled = max(max(one, many) - TWO_SIDES, 0.0)
    if min(one, before) > WITNESS and habit.maturity(series, time_s) >= 1.0:
        both = one + before
        pooled = max(pooled, both - math.log10(1.0 + LN10 * both))
    return pooled


@kernel
def _compose(
    state: SeriesState,
    p: SeriesParameters,
    i: int,
    o: Opinion,
    one: float,
    single: float,
    multi: float,
    before: float,
    moment: Moment,
    detail: FloatArray,
) -> float:
    """Pool the bucket's surprise with that of the last buckets, and weigh it by what is known of the series."""
    series: Any = state.series[i]
    # The buckets before it are the bucket's anomaly as far as it takes part: back at its expectation, it does not.
    part = min(abs(single), 1.0) if multi * single > 0.0 else 0.0
    many, earlier = 0.0, 0.0
    if part > 0.0:
        records = state.histories[i, o.who, 1]
        # A history vouches for as much as it has seen.
        most = 3.0 + history.seen(records) / 200.0
        many = min(sided(p.side, records, multi, o.trust), most) * part
        if before * single > 0.0 and min(one, many) > WITNESS:
            earlier = min(sided(p.side, records, before, o.trust), most) * part
    pooled = _pooled(series, one, many, earlier, moment.time_s)
    detail[SINGLE], detail[MULTI] = one, many
    # A clockwork is known by its count of buckets alone.
    clockwork = p.discrete and o.square < 0.5 * (o.mean - p.least) and pooled <= one
    credited = pooled if clockwork else habit.credit(series, moment.time_s, pooled)
    forgiving = habit.OF_CLOCKWORK if clockwork else habit.FORGIVING
    detail[SURPRISE] = habit.worth(state, p, i, pooled, credited, forgiving, moment.time_s)
    detail[DEVIATION] = single
    series.length = series.length + 1.0 if detail[SURPRISE] >= p.bounds_from else 0.0
    detail[ANOMALY_LENGTH] = series.length
    if detail[SURPRISE] >= p.bounds_from or p.want_bounds:
        _fill_bounds(state, p, i, o.who, o.mean, o.square * o.factor, detail)
    return pooled
