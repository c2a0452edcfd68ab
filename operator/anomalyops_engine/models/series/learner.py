"""The learner of ordinary time series: several simple forecasters in parallel, the best of them speaks.

Every series has four forecasters, each with its own residual variance and history of deviations:

- SLOW: a level with a slope (Holt 1957), remembering a few days;
- FAST: a level that follows at once, for series that wander;
- DAILY: a profile of the day plus a slow offset;
- WEEKLY: a profile of the week (with the day's finer detail where its slots are coarser) plus a slower offset.

Which one speaks is decided by its discounted predictive likelihood against the speaker's (dynamic model selection;
Raftery, Karny and Ettler 2010), so a season is believed when it has predicted better, usually in the third period. All
updates are bounded in the residual (Huber 1964; Gelper, Fried and Croux 2010), so one outlier moves little; a run of
residuals on one side is a level shift and moves the level at once. Variance may depend on the time of day, and for
counts on the expected count (quasi-Poisson). Predictions allow for the error of the estimates themselves.

Cost of a bucket is constant in the length of history; state is a few kB a series.
"""

# Compiled functions take their arguments by position only.
# ruff: noqa: PLR0917, FBT001, FBT003

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from anomalyops_engine.models.kernel import history
from anomalyops_engine.models.kernel.compiling import kernel
from anomalyops_engine.models.kernel.conditions import matches
from anomalyops_engine.models.kernel.tails import count_deviate, count_log_probability

SLOW, FAST, DAILY, WEEKLY = range(4)
EXPERTS = 4
WINDOW = 12
"""Buckets in the multi-bucket feature."""

# Columns of `SeriesState.series`.
SEEN, FIRST_S, SPEAKER, SHIFT_RUN, FAR_HEAT, MAGNITUDE, MINIMUM, LENGTH, FAR_RATE = range(9)
SERIES_COLUMNS = 9
# Columns of `SeriesState.experts`.
LEVEL, SLOPE, SPREAD, SPREAD_N, EVIDENCE, RING_AT, RING_N, MULTI_SPREAD, RUN_SUM, RUN_N, RATIO_POWER, RATIO_NOISE = (
    range(12)
)
EXPERT_COLUMNS = 12
# Columns of `Findings.detail`.
TYPICAL, LOWER, UPPER, SURPRISE, SINGLE, MULTI, DEVIATION, ANOMALY_LENGTH, SPREAD_RATIO = range(9)
DETAIL_COLUMNS = 9

FAR = 4.0
"""Deviation from which a residual is far, and may belong to an episode."""
RARE = 0.5
"""Share of far residuals, over about a hundred buckets, below which they are outliers; above, they are the series."""
MOST_GAIN = 1.5
"""Log likelihood by which one bucket can speak for or against a forecaster: an outlier must not decide."""
HUGE = 1e100
"""Values are cut here, so that their squares stay finite."""
DAY_S, WEEK_S = 86_400, 604_800

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


class SeriesState(NamedTuple):
    """State of all series of a detector; the first axis of every array is the series.

    Attributes:
        series: (n, SERIES_COLUMNS).
        experts: (n, EXPERTS, EXPERT_COLUMNS).
        day: (n, day slots): mean of the value by time of day.
        day_n: (n, day slots): values behind it.
        day_ratio: (n, 2, day slots): variance by time of day over the overall one, for DAILY and WEEKLY.
        week: (n, week slots): mean of the value by time of week.
        week_n: (n, week slots): values behind it.
        ring: (n, EXPERTS, WINDOW, 2): last residuals and their variances.
        histories: (n, EXPERTS, 2, 2, history.BINS + 1): of single- and multi-bucket deviations.
    """

    series: FloatArray
    experts: FloatArray
    day: FloatArray
    day_n: Float32Array
    day_ratio: Float32Array
    week: FloatArray
    week_n: Float32Array
    ring: FloatArray
    histories: Float32Array


class SeriesParameters(NamedTuple):
    """What the learner needs to know of a detector.

    Attributes:
        span_s: Bucket length, seconds.
        side: -1 low, 1 high, 0 both.
        discrete: Whether values are counts.
        learning: Values to see before anything is scored.
        day_slots: Slots of the day profile.
        week_slots: Slots of the week profile.
        slow: Buckets that SLOW remembers.
        offset: Buckets that the seasonal forecasters' offsets remember.
        day_memory: Values that a day slot remembers.
        week_memory: Values that a week slot remembers.
        spread_memory: Buckets that variances remember.
        evidence_decay: Factor a bucket of the predictive likelihoods.
        shift_run: Residuals on one side that make a level shift.
        want_bounds: Whether bounds are wanted for every bucket (model plot), not only for surprising ones.
        bounds_from: Surprise from which bounds are given.
    """

    span_s: float
    side: int
    discrete: bool
    learning: int
    day_slots: int
    week_slots: int
    slow: float
    offset: float
    day_memory: float
    week_memory: float
    spread_memory: float
    evidence_decay: float
    shift_run: int
    want_bounds: bool
    bounds_from: float


@kernel
def _expect(
    state: SeriesState, p: SeriesParameters, i: int, e: int, day_slot: int, week_slot: int, time_s: float
) -> tuple[bool, float, float]:
    """Whether a forecaster can speak, its expectation and the relative variance of that."""
    level = state.experts[i, e, LEVEL]
    seen = state.series[i, SEEN]
    if e == SLOW:
        return seen >= 1, level + state.experts[i, e, SLOPE], max(1.0 / (seen + 1.0), 0.5 / p.slow)
    if e == FAST:
        return seen >= 4, level, 0.0
    age = time_s - state.series[i, FIRST_S]
    n = state.day_n[i, day_slot]
    mean = state.day[i, day_slot] + level + state.experts[i, e, SLOPE]
    if e == DAILY:
        ready = p.day_slots >= 4 and n > 0 and age >= DAY_S
        return ready, mean, max(1.0 / (n + 1.0), 0.5 / p.day_memory)
    m = state.week_n[i, week_slot]
    ready = p.week_slots >= 7 and n > 0 and m > 0 and age >= WEEK_S
    mean = state.week[i, week_slot] + _detail(state, p, i, day_slot) + level + state.experts[i, e, SLOPE]
    return ready, mean, max(1.0 / (m + 1.0), 0.5 / p.week_memory)


@kernel
def _detail(state: SeriesState, p: SeriesParameters, i: int, day_slot: int) -> float:
    """How the day profile departs, at a slot, from its mean over the coarser week slot that it lies in."""
    width = 7 * p.day_slots // p.week_slots
    if width <= 1:
        return 0.0
    begin = day_slot // width * width
    end = min(begin + width, p.day_slots)
    total, n = 0.0, 0
    for slot in range(begin, end):
        if state.day_n[i, slot] > 0:
            total += state.day[i, slot]
            n += 1
    return state.day[i, day_slot] - total / n if n > 0 else 0.0


@kernel
def _base(p: SeriesParameters, mean: float, doubt: float) -> float:
    """The unit of a variance: counts vary with their expectation, metrics do not."""
    return max(mean, 0.5 * doubt, 0.02) if p.discrete else 1.0


@kernel
def _ratio(state: SeriesState, p: SeriesParameters, i: int, e: int, day_slot: int) -> float:
    """How many times the overall variance a time of day has, as far as the difference is believed.

    A few dozen squared residuals make a poor variance, and dividing by poor variances makes heavy tails out of normal
    noise. So the logarithms of the ratios shrink towards 0 by the share of their own variance that sampling explains
    (empirical Bayes; Efron and Morris 1973): to nothing where all hours are alike, hardly where they clearly differ.
    """
    if e < DAILY:
        return 1.0
    power = state.experts[i, e, RATIO_POWER]
    n = state.day_n[i, day_slot]
    noise = state.experts[i, e, RATIO_NOISE] * max(1.0 / (n + 5.0), 0.5 / (p.day_memory + 8.0))
    if power <= noise:
        return 1.0
    return float(state.day_ratio[i, e - DAILY, day_slot] ** (1.0 - noise / power))


@kernel
def _variance(
    state: SeriesState, p: SeriesParameters, i: int, e: int, day_slot: int, base: float, doubt: float
) -> float:
    """Predictive variance of a forecaster."""
    ratio = _ratio(state, p, i, e, day_slot)
    if p.discrete and base < 5.0:
        # Small counts are never more regular than Poisson; with the doubt this is their posterior predictive law.
        return float(base * max(state.experts[i, e, SPREAD] * ratio, 1.0) * (1.0 + doubt))
    floor = 1e-5 * state.series[i, MAGNITUDE]
    spread = state.experts[i, e, SPREAD] * base * ratio * (1.0 + doubt)
    return float(max(spread, floor * floor, 1e-200))


@kernel
def _learn_seasons(
    state: SeriesState,
    p: SeriesParameters,
    i: int,
    e: int,
    value: float,
    residual: float,
    step: float,
    day_slot: int,
    week_slot: int,
    ready: bool,
    square_z: float,
) -> None:
    """Move the profile that a seasonal forecaster owns, and its variance by time of day."""
    n = state.day_n[i, day_slot]
    if ready:
        ratio = state.day_ratio[i, e - DAILY, day_slot]
        rate = max(1.0 / (n + 5.0), 1.0 / (p.day_memory + 8.0))
        believed = _ratio(state, p, i, e, day_slot)
        ratio += rate * (min(believed * square_z, 9.0 * ratio + 1.0) - ratio)
        ratio = min(max(ratio, 1e-3), 1e3)
        state.day_ratio[i, e - DAILY, day_slot] = ratio
        experts = state.experts[i, e]
        share = max(1.0 / (experts[SPREAD_N] + 1.0), 1.0 / p.spread_memory)
        experts[RATIO_POWER] += share * (math.log(ratio) ** 2 - experts[RATIO_POWER])
        experts[RATIO_NOISE] += share * ((square_z - 1.0) ** 2 - experts[RATIO_NOISE])
    level = state.experts[i, e, LEVEL]
    if e == DAILY:
        if n == 0:
            state.day[i, day_slot] = value - level
        else:
            # The second visit is taken at its word, so that a first one that was an outlier is halved at once.
            state.day[i, day_slot] += max(1.0 / (n + 1.0), 1.0 / p.day_memory) * (residual if n == 1 else step)
        state.day_n[i, day_slot] = min(n + 1.0, 1e6)
        return
    m = state.week_n[i, week_slot]
    if m == 0:
        state.week[i, week_slot] = value - level - _detail(state, p, i, day_slot)
    else:
        state.week[i, week_slot] += max(1.0 / (m + 1.0), 1.0 / p.week_memory) * (residual if m == 1 else step)
    state.week_n[i, week_slot] = min(m + 1.0, 1e6)


@kernel
def _learn_spread(state: SeriesState, p: SeriesParameters, i: int, e: int, square: float, base: float) -> None:
    """Move a forecaster's residual variance (over `base`) towards a squared residual."""
    n = state.experts[i, e, SPREAD_N]
    spread = state.experts[i, e, SPREAD]
    state.experts[i, e, SPREAD] = spread + max(1.0 / (n + 1.0), 1.0 / p.spread_memory) * (square / base - spread)
    state.experts[i, e, SPREAD_N] = n + 1.0


@kernel
def _bounded(residual: float, limit: float, rare: bool) -> float:
    """A residual as far as it is learnt from: at most `limit`, and less the farther out a rare outlier lies."""
    size = abs(residual)
    if size <= limit:
        return residual
    bounded = limit * limit / size if rare else limit
    return bounded if residual > 0.0 else -bounded


@kernel
def _bounded_square(residual: float, variance: float, robust: bool, rare: bool) -> float:
    """A squared residual as far as a variance learns from it (Huber's proposal 2, with 2 standard deviations).

    A rare outlier says nothing of the noise; when far residuals are the rule, the noise has grown, and fast.
    """
    square = residual * residual
    if not robust:
        return square
    if not rare:
        return min(square, 9.0 * variance)
    if square > 9.0 * variance:
        return variance
    # 0.9205 is the mean of min(Z^2, 4) for a standard normal Z.
    return min(square, 4.0 * variance) / 0.9205


@kernel
def _learn_expert(
    state: SeriesState,
    p: SeriesParameters,
    i: int,
    e: int,
    value: float,
    mean: float,
    doubt: float,
    ready: bool,
    day_slot: int,
    week_slot: int,
) -> None:
    """Let a forecaster learn a value."""
    experts = state.experts
    seen = state.series[i, SEEN]
    if e >= DAILY and ready and experts[i, e, SPREAD_N] == 0:
        # A new forecaster starts with what the simpler one knows of the noise, lightly held.
        experts[i, e, SPREAD] = experts[i, e - DAILY if e == DAILY else DAILY, SPREAD]
        experts[i, e, SPREAD_N] = 2.0
    base = _base(p, mean, doubt)
    variance = _variance(state, p, i, e, day_slot, base, doubt)
    residual = value - mean
    limit = 3.0 * math.sqrt(variance)
    robust = experts[i, e, SPREAD_N] > 10 and seen > 10
    step = residual
    if robust:
        step = _bounded(residual, limit, state.series[i, FAR_RATE] < RARE)
    square = _bounded_square(residual, variance, robust, state.series[i, FAR_RATE] < RARE)
    if ready:
        at = int(experts[i, e, RING_AT])
        state.ring[i, e, at, 0] = residual
        state.ring[i, e, at, 1] = variance
        experts[i, e, RING_AT] = (at + 1) % WINDOW
        experts[i, e, RING_N] = min(experts[i, e, RING_N] + 1, float(WINDOW))
        _learn_spread(state, p, i, e, square / (1.0 + doubt), base)
    if e >= DAILY:
        _learn_seasons(
            state,
            p,
            i,
            e,
            value,
            residual,
            step,
            day_slot,
            week_slot,
            ready,
            _bounded_square(residual, variance, robust, True) / variance,
        )
        if not ready:
            return
    memory = p.offset if e == DAILY else 2.0 * p.offset
    if e == SLOW:
        memory = min(p.slow, seen + 1.0)
    elif e == FAST:
        memory = min(3.0, seen + 1.0)
    if e != FAST:
        experts[i, e, LEVEL] += experts[i, e, SLOPE]
        if seen > p.offset:
            experts[i, e, SLOPE] += 0.25 * step / (memory * memory)
    experts[i, e, LEVEL] += step / memory


@kernel
def _log_likelihood(p: SeriesParameters, value: float, mean: float, doubt: float, variance: float) -> float:
    """Log density of a value: of its count, or under a Student t with 5 degrees of freedom, up to a constant."""
    if p.discrete:
        return count_log_probability(max(value, 0.0), max(mean, 0.5 * doubt, 0.02), variance)
    residual = value - mean
    return -0.5 * math.log(variance) - 3.0 * math.log1p(residual * residual / (5.0 * variance))


@kernel
def _choose_speaker(state: SeriesState, i: int) -> None:
    """The forecaster with the best evidence; a change must pay for itself."""
    speaker = int(state.series[i, SPEAKER])
    best, best_evidence = SLOW, state.experts[i, SLOW, EVIDENCE]
    for e in range(1, EXPERTS):
        # The richer the forecaster, the more it has to show.
        evidence = state.experts[i, e, EVIDENCE] - (3.0 * e - 1.0 if e == speaker else 3.0 * e + 3.0)
        if evidence > best_evidence:
            best, best_evidence = e, evidence
    state.series[i, SPEAKER] = best


@kernel
def _note_shift(state: SeriesState, p: SeriesParameters, i: int, deviation: float) -> None:
    """Count residuals far on one side; a long run of them is a new level for every forecaster."""
    run = state.series[i, SHIFT_RUN]
    sign = 1.0 if deviation > 0 else -1.0
    if abs(deviation) > 2.0 and run * sign >= 0:
        run += sign
    elif abs(deviation) < 1.0 or run * sign < 0:
        run = 0.0
    state.series[i, SHIFT_RUN] = run
    for e in range(EXPERTS):
        experts = state.experts[i, e]
        if run == 0.0:
            experts[RUN_SUM] = experts[RUN_N] = 0.0
        elif experts[RING_N] > 0:
            experts[RUN_SUM] += state.ring[i, e, int(experts[RING_AT]) - 1, 0]
            experts[RUN_N] += 1.0
        if abs(run) >= p.shift_run and experts[RUN_N] > 0.0:
            # The mean over the run, not a shorter stretch: half a day's shift is no day's shift.
            shift = experts[RUN_SUM] / experts[RUN_N]
            experts[LEVEL] += shift
            for k in range(WINDOW):
                state.ring[i, e, k, 0] -= shift
            experts[RUN_SUM] = experts[RUN_N] = 0.0
    if abs(run) >= p.shift_run:
        state.series[i, SHIFT_RUN] = 0.0


@kernel
def _multi_deviation(
    state: SeriesState, p: SeriesParameters, i: int, e: int, residual: float, variance: float
) -> float:
    """Deviation of the last WINDOW residuals' sum, each bounded so that no single one can carry it."""
    n = int(state.experts[i, e, RING_N])
    if n < WINDOW - 1:
        return 0.0
    total, power = 0.0, 0.0
    oldest = int(state.experts[i, e, RING_AT])
    for k in range(WINDOW):
        if k == oldest:
            r, v = residual, variance
        else:
            r, v = state.ring[i, e, k, 0], state.ring[i, e, k, 1]
        limit = 4.0 * math.sqrt(v)
        total += min(max(r, -limit), limit)
        power += v
    return total / math.sqrt(power)


@kernel
def _sided(side: int, records: Float32Array, deviation: float, trust: float) -> float:
    """Surprise of a signed deviation, on the sides that count."""
    if side * deviation < 0:
        return 0.0
    value = history.surprise(records, 1 if deviation > 0 else 0, abs(deviation), trust)
    return max(value - (0.30103 if side == 0 else 0.0), 0.0)


@kernel
def _fill_bounds(
    state: SeriesState, p: SeriesParameters, i: int, e: int, mean: float, variance: float, detail: FloatArray
) -> None:
    """95 % bounds from the own history of deviations."""
    low = history.bound(state.histories[i, e, 0], 0, 0.025)
    high = history.bound(state.histories[i, e, 0], 1, 0.025)
    if p.discrete and mean <= 300.0:
        # Square roots of counts have about constant variance (Anscombe 1948).
        root = math.sqrt(mean + 0.375)
        unit = 0.5 * math.sqrt(max(variance, 1e-12)) / root
        detail[LOWER] = math.floor(max(max(root - low * unit, 0.0) ** 2 - 0.375, 0.0))
        detail[UPPER] = math.ceil((root + high * unit) ** 2 - 0.375)
        return
    deviation = math.sqrt(variance)
    detail[LOWER] = mean - low * deviation
    detail[UPPER] = mean + high * deviation
    if state.series[i, MINIMUM] >= 0.0:
        detail[LOWER] = max(detail[LOWER], 0.0)


@kernel
def _credit(state: SeriesState, p: SeriesParameters, i: int, time_s: float) -> float:
    """The largest surprise that a series can have at its age.

    Before a series has shown its days and its first weekends, what looks impossible may be its habit: 3 at the
    start, 5 (a critical score) after five days of hourly or two of five-minute buckets.
    """
    days = (time_s - state.series[i, FIRST_S]) / DAY_S
    return float(3.0 + 0.25 * days + state.series[i, SEEN] / 500.0)


@kernel
def _score(
    state: SeriesState,
    p: SeriesParameters,
    i: int,
    value: float,
    mean: float,
    doubt: float,
    day_slot: int,
    time_s: float,
    detail: FloatArray,
) -> tuple[float, float]:
    """Score a value by the speaking forecaster; returns its multi-bucket deviations (raw, standardised)."""
    e = int(state.series[i, SPEAKER])
    base = _base(p, mean, doubt)
    variance = _variance(state, p, i, e, day_slot, base, doubt)
    residual = value - mean
    single = residual / math.sqrt(variance)
    if p.discrete:
        single = count_deviate(max(value, 0.0), max(mean, 0.5 * doubt, 0.02), variance)
    raw_multi = _multi_deviation(state, p, i, e, residual, variance)
    multi = raw_multi / math.sqrt(max(state.experts[i, e, MULTI_SPREAD], 0.25))
    histories = state.histories[i, e]
    # A count's law is known better than a metric's.
    trust = 0.5 if p.discrete else 0.0
    one = _sided(p.side, histories[0], single, trust)
    # The buckets before it are the bucket's anomaly as far as it takes part: back at its expectation, it does not.
    part = min(abs(single), 1.0) if multi * single > 0.0 else 0.0
    many = _sided(p.side, histories[1], multi, trust) * part if part > 0.0 else 0.0
    detail[SINGLE], detail[MULTI] = one, many
    # Whatever their dependence, the smaller of two probabilities is at most twice as likely (Bonferroni).
    detail[SURPRISE] = min(max(max(one, many) - 0.30103, 0.0), _credit(state, p, i, time_s))
    detail[DEVIATION] = single
    detail[SPREAD_RATIO] = _ratio(state, p, i, e, day_slot)
    if detail[SURPRISE] >= p.bounds_from or p.want_bounds:
        _fill_bounds(state, p, i, e, mean, variance, detail)
    return raw_multi, multi


@kernel
def _belief(surprise: float) -> float:
    """How much a deviation counts in the history: what is very surprising is more likely an anomaly than a habit."""
    return min(max(1.0 - 0.35 * (surprise - 3.5), 0.3), 1.0)


@kernel
def _novelty(state: SeriesState, i: int) -> float:
    """How much a bucket of the present episode of far residuals counts: all of it together little more than once."""
    heat = state.series[i, FAR_HEAT]
    return float(1.0 / max(heat, 1.0) ** 1.5)


@kernel
def _remember(
    state: SeriesState, p: SeriesParameters, i: int, detail: FloatArray, raw_multi: float, multi: float
) -> None:
    """Add a bucket's deviations to the speaking forecaster's histories; an episode counts little more than once."""
    e = int(state.series[i, SPEAKER])
    single = detail[DEVIATION]
    far = abs(single) > FAR
    heat = state.series[i, FAR_HEAT] * (1.0 - 1.0 / WINDOW)
    state.series[i, FAR_HEAT] = heat + 1.0 if far else heat
    weight = _novelty(state, i) if far else 1.0
    state.series[i, FAR_RATE] += ((1.0 if far else 0.0) - state.series[i, FAR_RATE]) / 100.0
    history.observe(state.histories[i, e, 0], single, weight * _belief(detail[SINGLE]))
    if multi != 0.0:
        history.observe(state.histories[i, e, 1], multi, weight * _belief(detail[MULTI]))
        spread = state.experts[i, e, MULTI_SPREAD]
        square = min(raw_multi * raw_multi, 9.0 * max(spread, 0.25))
        state.experts[i, e, MULTI_SPREAD] = spread + (square - spread) / p.spread_memory


@kernel
def _learn(
    state: SeriesState,
    p: SeriesParameters,
    i: int,
    value: float,
    deviation: float,
    day_slot: int,
    week_slot: int,
    time_s: float,
) -> None:
    """Let all forecasters learn a value and weigh how well they expected it.

    An incident or a holiday of many hours that no season expected says nothing against the seasons: it counts once,
    unless far residuals have become the rule.
    """
    speaker = int(state.series[i, SPEAKER])
    limit = FAR if state.series[i, FAR_HEAT] < 1.0 else 0.5 * FAR
    held = speaker >= DAILY and abs(deviation) > limit and state.series[i, FAR_RATE] < RARE
    means = np.empty(EXPERTS)
    doubts = np.empty(EXPERTS)
    ready = np.empty(EXPERTS, dtype=np.bool_)
    likelihood = np.full(EXPERTS, np.nan)
    for e in range(EXPERTS):
        ready[e], means[e], doubts[e] = _expect(state, p, i, e, day_slot, week_slot, time_s)
        if not ready[e] or state.experts[i, e, SPREAD_N] == 0 or state.series[i, SEEN] < p.learning:
            continue
        base = _base(p, means[e], doubts[e])
        variance = _variance(state, p, i, e, day_slot, base, doubts[e])
        likelihood[e] = _log_likelihood(p, value, means[e], doubts[e], variance)
    if held:
        near = 2.0 * abs((value - means[speaker]) / deviation)
        for e in range(DAILY, EXPERTS):
            held = held and not (ready[e] and abs(value - means[e]) < near)
    weight = _novelty(state, i) if held else 1.0
    for e in range(EXPERTS):
        # Against the speaker, so that the bound of the gain does not level what sets good forecasters apart.
        gain = likelihood[e] - likelihood[speaker]
        if not math.isnan(gain):
            gain = min(max(gain, -MOST_GAIN), MOST_GAIN)
            evidence = state.experts[i, e, EVIDENCE]
            state.experts[i, e, EVIDENCE] += weight * (gain - (1.0 - p.evidence_decay) * evidence)
    for e in range(EXPERTS - 1, -1, -1):
        _learn_expert(state, p, i, e, value, means[e], doubts[e], ready[e], day_slot, week_slot)
    _choose_speaker(state, i)


@kernel
def _advance_one(
    state: SeriesState,
    p: SeriesParameters,
    i: int,
    value: float,
    time_s: float,
    conditions: FloatArray,
    detail: FloatArray,
) -> None:
    """Score one bucket's value of one series, then learn it."""
    series = state.series
    value = min(max(value, -HUGE), HUGE)
    seen = series[i, SEEN]
    if seen == 0:
        series[i, FIRST_S] = time_s
        series[i, MINIMUM] = value
        state.experts[i, SLOW, LEVEL] = value
        state.experts[i, FAST, LEVEL] = value
    day_slot = int(time_s % DAY_S) * p.day_slots // DAY_S
    week_slot = int(time_s % WEEK_S) * p.week_slots // WEEK_S
    speaker = int(series[i, SPEAKER])
    ready, mean, doubt = _expect(state, p, i, speaker, day_slot, week_slot, time_s)
    if not ready:
        speaker = SLOW
        series[i, SPEAKER] = SLOW
        ready, mean, doubt = _expect(state, p, i, SLOW, day_slot, week_slot, time_s)
    if series[i, MINIMUM] >= 0.0:
        mean = max(mean, 0.0)
    detail[TYPICAL] = mean
    scored = ready and seen >= p.learning
    raw_multi, multi = 0.0, 0.0
    if scored:
        raw_multi, multi = _score(state, p, i, value, mean, doubt, day_slot, time_s, detail)
        series[i, LENGTH] = series[i, LENGTH] + 1.0 if detail[SURPRISE] >= p.bounds_from else 0.0
        detail[ANOMALY_LENGTH] = series[i, LENGTH]
    if matches(conditions, value, mean, time_s):
        return
    if scored:
        _remember(state, p, i, detail, raw_multi, multi)
    _learn(state, p, i, value, detail[DEVIATION] if scored else 0.0, day_slot, week_slot, time_s)
    if scored:
        _note_shift(state, p, i, detail[DEVIATION])
    series[i, SEEN] = seen + 1.0
    series[i, MINIMUM] = min(series[i, MINIMUM], value)
    series[i, MAGNITUDE] += (abs(value) - series[i, MAGNITUDE]) * max(1.0 / (seen + 1.0), 1.0 / p.spread_memory)


@kernel
def advance(
    state: SeriesState,
    p: SeriesParameters,
    rows: IntArray,
    values: FloatArray,
    first_bucket: int,
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
        conditions: Conditions under which a value is not learnt (`rules.encode_conditions`).
        details: (n, buckets, DETAIL_COLUMNS), output; surprise 0 where nothing was scored.
    """
    for k in range(rows.shape[0]):
        for b in range(values.shape[1]):
            if not math.isnan(values[k, b]):
                time_s = (first_bucket + b) * p.span_s
                _advance_one(state, p, rows[k], values[k, b], time_s, conditions, details[k, b])
