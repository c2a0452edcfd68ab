"""The learner of ordinary time series: several simple forecasters in parallel, the best of them speaks.

Every series has six forecasters, each with its own residual variance and history of deviations:

- SLOW: a level with a slope (Holt 1957), remembering a few days;
- FAST: a level that follows at once, for series that wander;
- HOURLY, DAILY, WEEKLY: a profile of the hour, day or week plus a slow level;
- ATOM: one repeated value, most often zero, and a law for all others.

`speaker` decides which one speaks. Every update is bounded in the residual (Huber 1964; Gelper, Fried and Croux 2010),
so no single value moves what is learnt by more than ordinary ones do. What an ordinary series does besides is told by
explanations that have a price each: a level that it knows (`levels`), a clock that was changed (`clock`), a day of the
calendar (`special`); the mildest counts. `habit` weighs the surprise by how often the series was as surprising before.

Cost of a bucket is constant in the length of history; state is some kB a series.
"""

# Compiled functions take their arguments by position only.
# ruff: noqa: PLR0917, FBT003

from __future__ import annotations

import math

import numpy as np

from anomalyops_engine.models.kernel import history
from anomalyops_engine.models.kernel.compiling import kernel
from anomalyops_engine.models.kernel.conditions import matches
from anomalyops_engine.models.series import (
    atoms,
    changes,
    clock,
    forecasters,
    habit,
    horizons,
    levels,
    score,
    seasons,
    speaker,
    special,
    spread,
)
from anomalyops_engine.models.series.explanations import NEAR
from anomalyops_engine.models.series.state import (
    ATOM,
    DAILY,
    FAST,
    FORECASTERS,
    HOURLY,
    MULTI,
    SINGLE,
    SLOW,
    WEEKLY,
    WINDOW,
    YOUNG,
    FloatArray,
    Forecast,
    IntArray,
    Moment,
    SeriesParameters,
    SeriesState,
)

HUGE = 1e100
"""Values are cut here, so that their squares stay finite."""
SURE = 0.25
"""Doubt below which a forecaster that does not speak learns how it deviates: from a slot's fourth visit on."""
OLD = 0.125
"""The same of a slot that was visited seven times: only such a profile tells that a clock was changed on any day."""
TWICE = 0.45
"""Doubt below which a slot was visited twice."""
FAR_OFF = 3.0
"""Multi-bucket deviation from which the windows that hold it tell of one and the same."""
ONCE = 6.0
"""Deviation from which a value outside all that was seen may never come again: no slot takes it for its mean."""


@kernel
def _forecasts(state: SeriesState, p: SeriesParameters, i: int, time_s: float) -> tuple[Forecast, ...]:
    return (
        forecasters.expect(state, p, i, SLOW, time_s),
        forecasters.expect(state, p, i, FAST, time_s),
        forecasters.expect(state, p, i, HOURLY, time_s),
        forecasters.expect(state, p, i, DAILY, time_s),
        forecasters.expect(state, p, i, WEEKLY, time_s),
    )


@kernel
def _novelty(heat: float) -> float:
    """How much a bucket of the present episode of far residuals counts: all of it together little more than once."""
    return float(1.0 / max(heat, 1.0) ** 1.5)


@kernel
def _belief(surprise: float) -> float:
    """How much a deviation counts in the history: what is very surprising is more likely an anomaly than a habit."""
    return min(max(1.0 - 0.35 * (surprise - 3.5), 0.3), 1.0)


@kernel
def _remember(
    state: SeriesState,
    p: SeriesParameters,
    i: int,
    value: float,
    verdict: score.Verdict,
    forecasts: tuple[Forecast, ...],
    one: float,
    many: float,
    time_s: float,
) -> None:
    """Add a bucket's deviations to the histories, also of those that did not speak; an episode counts about once."""
    series = state.series[i]
    far = abs(verdict.raw) > spread.FAR
    heat = series.heat * (1.0 - 1.0 / WINDOW)
    series.heat = heat + 1.0 if far else heat
    series.far_rate += ((1.0 if far else 0.0) - series.far_rate) / 100.0
    weight = _novelty(series.heat) if far else 1.0
    if far:
        # What a young series did not know yet is no habit.
        weight *= habit.maturity(series, time_s)
    known = verdict.season and not far
    for e in range(ATOM):
        f = forecasts[e]
        sure = max(1.0 - f.doubt / SURE, 0.0)
        if e == verdict.who:
            history.observe(state.histories[i, e, 0], verdict.single, weight * max(sure, 0.1) * _belief(one))
        elif not known and f.ready and f.doubt < SURE and state.forecasters[i, e].spread_n > 0:
            square = spread.variance(p, state.forecasters[i, e].spread, series.magnitude, f)
            z = spread.deviation(p, value - verdict.shift, f.mean, f.doubt, square)
            # What misses by far without having spoken says little of how it would miss.
            history.observe(state.histories[i, e, 0], z, weight * sure * (1.0 if abs(z) < spread.FAR else 0.1))
    if value != series.atom and series.rest_n > 3:
        z = atoms.deviation(series, value)
        history.observe(state.histories[i, ATOM, 0], z, _belief(one) if verdict.who == ATOM else 1.0)
    if verdict.multi != 0.0 and not verdict.season:
        e = verdict.who
        # A window that is far off stays so for as long as it is: all of its buckets together count once.
        window = 1.0 / WINDOW if abs(verdict.multi) > FAR_OFF else 1.0
        history.observe(state.histories[i, e, 1], verdict.multi, weight * window * _belief(many))
        forecaster = state.forecasters[i, e]
        square = min(verdict.raw_multi * verdict.raw_multi, 9.0 * max(forecaster.multi_spread, 0.25))
        forecaster.multi_spread += weight * (square - forecaster.multi_spread) / p.spread_memory


@kernel
def _weigh(
    state: SeriesState,
    p: SeriesParameters,
    i: int,
    value: float,
    moment: Moment,
    verdict: score.Verdict,
    forecasts: tuple[Forecast, ...],
) -> None:
    """Weigh how well each forecaster expected a value, overall and in its slot.

    An incident or a holiday of many hours that no season expected says nothing against the seasons: it counts once,
    unless far residuals have become the rule.
    """
    series = state.series[i]
    now = series.speaker
    likelihood = np.full(FORECASTERS, np.nan)
    # Where a value repeats itself exactly, no forecaster is better than the width that makes two values one.
    width = atoms.width(series, p) if atoms.speaks(series, p) else 0.0
    for e in range(ATOM):
        f = forecasts[e]
        if f.ready and state.forecasters[i, e].spread_n > 0:
            square = spread.variance(p, state.forecasters[i, e].spread, series.magnitude, f)
            likelihood[e] = spread.log_likelihood(p, value, f, max(square, width * width))
    if atoms.speaks(series, p):
        likelihood[ATOM] = atoms.log_likelihood(series, p, value)
    held = DAILY <= now <= WEEKLY and abs(verdict.raw) > spread.FAR and series.far_rate < forecasters.RARE
    if held:
        near = 2.0 * abs((value - verdict.f.mean) / verdict.raw)
        for e in range(DAILY, WEEKLY + 1):
            held = held and not (forecasts[e].ready and abs(value - forecasts[e].mean) < near)
    weight = _novelty(series.heat) if held else 1.0
    if not math.isnan(likelihood[now]):
        for e in range(FORECASTERS):
            if not math.isnan(likelihood[e]):
                speaker.weigh(state, i, e, likelihood[e] - likelihood[now], weight, p.evidence_decay)
        speaker.limit_lead(state, i)
    _weigh_slots(state, p, i, value, forecasts)
    # A profile that was seen once does not judge clocks.
    known = verdict.f.doubt < TWICE
    if known and DAILY <= now <= WEEKLY and verdict.who == now and (moment.clock_change or abs(verdict.raw) > 2.0):
        early = _gain_of_shift(state, p, i, verdict.who, value, moment, -clock.HOUR_S, forecasts)
        late = _gain_of_shift(state, p, i, verdict.who, value, moment, clock.HOUR_S, forecasts)
        clock.weigh(series, early, late, moment.clock_change, moment.time_s, p.span_s)


@kernel
def _gain_of_shift(
    state: SeriesState,
    p: SeriesParameters,
    i: int,
    e: int,
    value: float,
    moment: Moment,
    shift_s: float,
    forecasts: tuple[Forecast, ...],
) -> float:
    """Log likelihood ratio of a season's expectation of another time to that of the present one.

    Only times speak whose expectations differ by more than what is not known of them: two hours of one plateau, each
    learnt from a few noisy days, fit a value equally well, and one of them always fits it better.
    """
    f, present = forecasters.expect(state, p, i, e, moment.time_s + shift_s), forecasts[e]
    if not f.ready or max(f.doubt, present.doubt) > (SURE if moment.clock_change else OLD):
        return 0.0
    forecaster, magnitude = state.forecasters[i, e], state.series[i].magnitude
    shifted = spread.variance(p, forecaster.spread, magnitude, f)
    square = spread.variance(p, forecaster.spread, magnitude, present)
    unknown = shifted * f.doubt / (1.0 + f.doubt) + square * present.doubt / (1.0 + present.doubt)
    around = spread.variance(p, state.forecasters[i, SLOW].spread, magnitude, present)
    if abs(f.mean - present.mean) < max(clock.CLEARLY * math.sqrt(unknown), clock.TELLS * math.sqrt(around)):
        return 0.0
    gain = spread.log_likelihood(p, value, f, shifted) - spread.log_likelihood(p, value, present, square)
    # What another hour does not explain either speaks for none: the morning of a holiday is less far off an hour ago.
    explained = abs(spread.deviation(p, value, f.mean, f.doubt, shifted)) < NEAR
    return gain if explained else min(gain, 0.0)


@kernel
def _weigh_slots(
    state: SeriesState, p: SeriesParameters, i: int, value: float, forecasts: tuple[Forecast, ...]
) -> None:
    """Weigh, in each season's slot, how much nearer than every simpler forecaster it came.

    All are measured with the season's own variance: that a time is loud says nothing for its mean.
    """
    series = state.series[i]
    least = abs(value - forecasts[SLOW].mean)
    if forecasts[FAST].ready:
        least = min(least, abs(value - forecasts[FAST].mean))
    if atoms.speaks(series, p):
        least = min(least, abs(value - series.atom))
    for e in range(HOURLY, WEEKLY + 1):
        f = forecasts[e]
        if not f.ready or state.forecasters[i, e].spread_n == 0:
            continue
        square = spread.variance(p, state.forecasters[i, e].spread, series.magnitude, f) + (1 / 12 if p.discrete else 0)
        mine = abs(value - f.mean)
        gain = 3.0 * (math.log1p(least * least / (5.0 * square)) - math.log1p(mine * mine / (5.0 * square)))
        seasons.weigh_slot(state.slots[i, f.slot], gain)
        if e == DAILY:
            least = min(least, mine)


@kernel
def _learn(
    state: SeriesState,
    p: SeriesParameters,
    i: int,
    value: float,
    moment: Moment,
    verdict: score.Verdict,
    forecasts: tuple[Forecast, ...],
) -> None:
    """Let all forecasters learn a value."""
    series = state.series[i]
    calm = value - verdict.shift
    _weigh(state, p, i, value if verdict.jump else calm, moment, verdict, forecasts)
    special.learn(state, p, i, moment, value, verdict.f, verdict.square * verdict.factor)
    local_s = moment.time_s + series.clock_s
    known = verdict.season and abs(verdict.raw) < spread.FAR
    seen = value if verdict.jump and verdict.who < DAILY else calm
    room = max(series.highest - series.lowest, math.sqrt(verdict.square))
    inside = series.lowest - room <= seen <= series.highest + room
    plain = seen if inside or abs(verdict.raw) < ONCE or verdict.who == ATOM else verdict.f.mean
    series.lowest = max(min(series.lowest, seen), series.lowest - room)
    series.highest = min(max(series.highest, seen), series.highest + room)
    for e in range(WEEKLY, -1, -1):
        only_season = known and (e < HOURLY or e != verdict.who)
        # A jump between levels may be the beginning of a season that does not speak yet.
        mine = value if verdict.jump and e >= DAILY and e > verdict.who else calm
        forecasters.learn(state, p, i, e, mine, forecasts[e], verdict.factor, local_s, only_season, plain)
    _learn_atom(state, p, i, value)
    if not verdict.season and series.speaker != ATOM:
        width = 3.0 * math.sqrt(verdict.square)
        if series.speaker < HOURLY and state.forecasters[i, FAST].spread_n > 0:
            fast = spread.variance(p, state.forecasters[i, FAST].spread, series.magnitude, forecasts[FAST])
            width = 3.0 * math.sqrt(min(verdict.square, fast))
        if verdict.jump and p.discrete:
            # What reads as another level lies there: counts are wider at a higher level than at the present one.
            width = max(width, 1.001 * abs(calm - verdict.f.mean))
        x = value - forecasters.season_of(state, i, series.speaker, verdict.f)
        levels.note(state, p, i, x, width, abs(verdict.raw) > 3.0)
    series.minimum = min(series.minimum, value)
    reach = 3.0 * math.sqrt(verdict.square * verdict.factor)
    if series.rest_n >= 3:
        reach = max(reach, math.exp(series.rest_level))
    size = abs(verdict.f.mean) + min(abs(calm - verdict.f.mean), reach)
    rate = max(1.0 / (series.seen + 1.0), 1.0 / p.spread_memory)
    series.magnitude += rate * (min(abs(value), size) - series.magnitude)
    series.seen += 1.0


@kernel
def _learn_atom(state: SeriesState, p: SeriesParameters, i: int, value: float) -> None:
    """Let ATOM learn a value; its ring holds whether values left the repeated one."""
    series = state.series[i]
    forecaster = state.forecasters[i, ATOM]
    share = min(max(1.0 - series.atom_share, 1e-3), 0.999)
    at = forecaster.ring_at
    state.ring[i, ATOM, at, 0] = (1.0 if value != series.atom else 0.0) - share
    state.ring[i, ATOM, at, 1] = share * (1.0 - share)
    forecaster.ring_at = (at + 1) % WINDOW
    forecaster.ring_n = min(forecaster.ring_n + 1, WINDOW)
    horizons.note_miss(series, forecaster, value - series.atom, p.spread_memory)
    atoms.learn(series, value)


@kernel
def _begin(state: SeriesState, p: SeriesParameters, i: int, first: Moment) -> None:
    """Begin with the median and the scatter of the first values, so that no single one of them can decide."""
    values = state.young[i, :, 0].copy()
    values.sort()
    middle = 0.5 * (values[YOUNG // 2 - 1] + values[YOUNG // 2])
    distances = np.abs(values - middle)
    distances.sort()
    deviation = 1.4826 * 0.5 * (distances[YOUNG // 2 - 1] + distances[YOUNG // 2])
    if deviation == 0.0:
        # Most values are the same; the farthest of the others may be an outlier.
        deviation = 1.25 * distances[:-1].mean()
    series = state.series[i]
    series.first_s = state.young[i, 0, 1] * p.span_s
    series.magnitude = np.median(np.abs(values))
    series.minimum = values[0]
    series.lowest = middle - 3.0 * deviation
    series.highest = middle + 3.0 * deviation
    series.disturbance = 1.0
    series.since_alarm = 1e9
    square = deviation * deviation
    if p.discrete:
        # Counts are Poisson until they have shown otherwise.
        square = (10.0 + YOUNG * square / max(middle - p.least, 0.5)) / (10.0 + YOUNG)
    for e in range(ATOM):
        state.forecasters[i, e].level = middle
    for e in range(HOURLY):
        state.forecasters[i, e].spread = square
        state.forecasters[i, e].spread_n = float(YOUNG)
    levels.forget(state, i, middle)


@kernel
def _advance_one(
    state: SeriesState,
    p: SeriesParameters,
    i: int,
    value: float,
    bucket: float,
    moment: Moment,
    conditions: FloatArray,
    detail: FloatArray,
) -> None:
    """Score one bucket's value of one series, then learn it."""
    series = state.series[i]
    value = min(max(value, -HUGE), HUGE)
    if series.seen < YOUNG:
        _gather(state, p, i, value, bucket, moment, conditions, detail)
        return
    forecasts = _forecasts(state, p, i, moment.time_s)
    chosen = speaker.choose(state, p, i)
    if chosen < ATOM and not forecasts[chosen].ready:
        chosen = SLOW
    if chosen != series.speaker:
        changed = (chosen < HOURLY) != (series.speaker < HOURLY) or (chosen < DAILY) != (series.speaker < DAILY)
        series.speaker = chosen
        if changed and chosen < ATOM:
            levels.forget(state, i, state.forecasters[i, chosen].level)
    if DAILY <= chosen <= WEEKLY:
        series.season_s = moment.time_s
    if chosen < ATOM:
        state.levels[i, series.here].center = state.forecasters[i, chosen].level
    scored = series.seen >= p.learning
    verdict = score.judge(state, p, i, value, moment, forecasts, scored, detail)
    if matches(conditions, value, detail[0], moment.time_s):
        return
    spread.note_disturbance(series, verdict.raw if verdict.who != ATOM and not verdict.jump else 0.0)
    if scored:
        habit.note(state, p, i, verdict.surprise, moment.time_s)
        _remember(state, p, i, value, verdict, forecasts, detail[SINGLE], detail[MULTI], moment.time_s)
    before = changes.standing(state, i)
    _learn(state, p, i, value, moment, verdict, forecasts)
    changes.tell(state, i, verdict.who, moment.time_s, before, detail)


@kernel
def _gather(
    state: SeriesState,
    p: SeriesParameters,
    i: int,
    value: float,
    bucket: float,
    moment: Moment,
    conditions: FloatArray,
    detail: FloatArray,
) -> None:
    """Keep one of the first values; with the last of them, begin, and learn them all."""
    series = state.series[i]
    detail[0] = value
    if matches(conditions, value, value, moment.time_s):
        return
    at = int(series.seen)
    state.young[i, at, 0] = value
    state.young[i, at, 1] = bucket
    series.seen += 1.0
    if series.seen < YOUNG:
        return
    _begin(state, p, i, moment)
    series.seen = 0.0
    for k in range(YOUNG):
        then = Moment(state.young[i, k, 1] * p.span_s, 0, False)
        forecasts = _forecasts(state, p, i, then.time_s)
        f = forecasts[SLOW]
        square = spread.variance(p, state.forecasters[i, SLOW].spread, series.magnitude, f)
        raw = spread.deviation(p, state.young[i, k, 0], f.mean, f.doubt, square)
        young = score.Verdict(SLOW, f, square, 1.0, raw, 0.0, 0.0, 0.0, 0.0, False, False, 0.0)
        _learn(state, p, i, state.young[i, k, 0], then, young, forecasts)


@kernel
def advance(
    state: SeriesState,
    p: SeriesParameters,
    rows: IntArray,
    values: FloatArray,
    first_bucket: int,
    calendar: IntArray,
    conditions: FloatArray,
    details: FloatArray,
) -> None:
    """Score and learn a block of buckets of some series, in order of time.

    Args:
        state: State of all series; changed in place.
        p: SeriesParameters.
        rows: (n,) the series' positions in `state`.
        values: (n, buckets) values; NaN where a bucket has none.
        first_bucket: Number of the first bucket: its start over the bucket span.
        calendar: (buckets, 2) from `calendar.of_buckets`.
        conditions: Conditions under which a value is not learnt (`conditions.encode_conditions`).
        details: (n, buckets, DETAIL_COLUMNS), output; surprise 0 where nothing was scored.
    """
    for k in range(rows.shape[0]):
        for b in range(values.shape[1]):
            if not math.isnan(values[k, b]):
                moment = Moment((first_bucket + b) * p.span_s, calendar[b, 0], calendar[b, 1] == 1)
                _advance_one(
                    state, p, rows[k], values[k, b], float(first_bucket + b), moment, conditions, details[k, b]
                )
