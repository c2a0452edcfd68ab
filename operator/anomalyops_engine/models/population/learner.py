"""The learner of populations: one collective model that all members of a population are compared with.

A population (of one partition and by value) has an expectation that may follow the time of day, a spread between
members, and a history of its members' deviations, which gives the tail. A member that was there often enough has an
expectation of its own (`members`): then it is judged by its own past, as far as it is unusual among its peers too, so
that one that is always large is no news, and is some when it grows. Members cost nothing between appearances. A
member's surprise allows for how many members had the chance to be surprising (Sidak 1967): one scanner among a thousand
clients is judged by the probability that any of a thousand would go so far. One of three members is no outlier of a
population: it takes a crowd to stand out of.
"""

# Compiled functions take their arguments by position only.
# ruff: noqa: PLR0917, FBT001

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from anomalyops_engine.models.kernel import history
from anomalyops_engine.models.kernel.compiling import kernel
from anomalyops_engine.models.kernel.conditions import matches_kind
from anomalyops_engine.models.kernel.tails import count_deviate
from anomalyops_engine.models.population import members

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

# Columns of `PopulationState.scalars`.
SEEN, FIRST_S, LEVEL, OFFSET, SPREAD, MEMBERS, EVIDENCE, ERROR_FLAT, ERROR_DAILY, MINIMUM, MAGNITUDE, CROWD, HABIT = (
    range(13)
)
COLUMNS = 13
# Columns of the output.
TYPICAL, LOWER, UPPER, SURPRISE = range(4)
OUTPUTS = 4

HUGE = 1e100
TWO_SIDES = 0.30103
"""Either side might have been surprising: half the probability for each, as minus log10."""
FEWEST, CROWDED = 3.0, 6.0
"""With 3 members none stands out, with 9 about two thirds as much as of a crowd, with 20 all the same."""
ODD_FROM, ODD = 0.7, 1.3
"""Surprise among peers from which a member's departure from itself counts at all, and whole."""
DAY_S = 86_400
MEMBERS_WEIGHT = 40.0
"""The members of a bucket together weigh at most this much in the history: about a hundred buckets are remembered."""


class PopulationState(NamedTuple):
    """State of all populations of a detector; the first axis of every array is the population.

    Attributes:
        scalars: (n, COLUMNS).
        day: (n, day slots): mean over members by time of day.
        day_n: (n, day slots): buckets behind it.
        histories: (n, 2, history.BINS + 1): of members' deviations from their peers.
        own_histories: (n, 2, history.BINS + 1): of members' deviations from themselves.
    """

    scalars: FloatArray
    day: FloatArray
    day_n: Float32Array
    histories: Float32Array
    own_histories: Float32Array


class PopulationParameters(NamedTuple):
    """What the learner needs to know of a detector.

    Attributes:
        span_s: Bucket length, seconds.
        side: -1 low, 1 high, 0 both.
        discrete: Whether values are counts.
        learning: Buckets to see before anything is scored.
        day_slots: Slots of the day profile.
        memory: Buckets that levels and spreads remember.
        day_memory: Buckets that a day slot remembers.
        bounds_from: Surprise from which bounds are given.
    """

    span_s: float
    side: int
    discrete: bool
    learning: int
    day_slots: int
    memory: float
    day_memory: float
    bounds_from: float


@kernel
def _expect(
    state: PopulationState, p: PopulationParameters, i: int, slot: int, time_s: float
) -> tuple[float, float, bool]:
    """The flat and the daily expectation, and whether the daily one is ready."""
    scalars = state.scalars[i]
    ready = p.day_slots >= 4 and state.day_n[i, slot] > 0 and time_s - scalars[FIRST_S] >= DAY_S
    return scalars[LEVEL], state.day[i, slot] + scalars[OFFSET], ready


@kernel
def _variance(state: PopulationState, p: PopulationParameters, i: int, mean: float) -> tuple[float, float]:
    base = max(mean, 0.02) if p.discrete else 1.0
    floor = 1e-5 * state.scalars[i, MAGNITUDE]
    return max(state.scalars[i, SPREAD] * base, floor * floor, 1e-200), base


@kernel
def _start(state: PopulationState, i: int, values: FloatArray, time_s: float) -> None:
    """Begin with the median and the median absolute deviation of the first bucket's members."""
    middle = np.median(values)
    state.scalars[i, FIRST_S] = time_s
    state.scalars[i, LEVEL] = middle
    state.scalars[i, MINIMUM] = values.min()
    deviation = 1.4826 * np.median(np.abs(values - middle))
    state.scalars[i, MAGNITUDE] = abs(middle)
    if state.scalars[i, SPREAD] == 0.0:
        state.scalars[i, SPREAD] = deviation * deviation


@kernel
def _learn(
    state: PopulationState,
    p: PopulationParameters,
    i: int,
    values: FloatArray,
    mean: float,
    flat: float,
    daily: float,
    ready: bool,
    slot: int,
    skipped: BoolArray,
) -> None:
    """Let a population learn one bucket's members, but those that are skipped; returns nothing."""
    scalars = state.scalars[i]
    seen = scalars[SEEN]
    variance, base = _variance(state, p, i, mean)
    limit = 3.0 * math.sqrt(variance)
    total, square, magnitude, n = 0.0, 0.0, 0.0, 0
    for k in range(values.shape[0]):
        if skipped[k]:
            continue
        value = values[k]
        step = value - mean
        if seen > 5:
            step = min(max(step, -limit), limit)
        total += step
        square += step * step
        magnitude += abs(value)
        scalars[MINIMUM] = min(scalars[MINIMUM], value)
        n += 1
    if n == 0:
        return
    center = mean + total / n
    rate = max(1.0 / (seen + 1.0), 1.0 / p.memory)
    # A bucket with few members says less about the spread than one with many.
    spread_rate = max(1.0 / (seen + 2.0), min(n / MEMBERS_WEIGHT, 1.0) / p.memory)
    scalars[SPREAD] += spread_rate * (square / n / base - scalars[SPREAD])
    scalars[MAGNITUDE] += rate * (magnitude / n - scalars[MAGNITUDE])
    if ready:
        flat_error, daily_error = (center - flat) ** 2, (center - daily) ** 2
        scalars[ERROR_FLAT] += (flat_error - scalars[ERROR_FLAT]) / p.memory
        scalars[ERROR_DAILY] += (daily_error - scalars[ERROR_DAILY]) / p.memory
        scalars[EVIDENCE] += 1.0
        scalars[OFFSET] += (center - daily) / p.memory
    scalars[LEVEL] += rate * (center - flat)
    count = state.day_n[i, slot]
    if count == 0:
        state.day[i, slot] = center - scalars[OFFSET]
    else:
        state.day[i, slot] += max(1.0 / (count + 1.0), 1.0 / p.day_memory) * (center - daily)
    state.day_n[i, slot] = min(count + 1.0, 1e6)


@kernel
def _learn_member(
    state: PopulationState,
    p: PopulationParameters,
    i: int,
    habit: FloatArray,
    value: float,
    mean: float,
    own_deviation: float,
    weight: float,
) -> None:
    """Let a member learn its value, and its population how far members depart from themselves; returns nothing."""
    scalars = state.scalars[i]
    positive = scalars[MINIMUM] >= 0.0
    if habit[members.SEEN] >= members.KNOWN:
        history.observe(state.own_histories[i], own_deviation, weight)
        square = members.residual(habit, value, mean, p.discrete, positive) ** 2
        limit = 9.0 * max(scalars[HABIT], 1e-12)
        scalars[HABIT] += (min(square, limit) - scalars[HABIT]) * weight / (MEMBERS_WEIGHT * p.memory / 10.0)
    members.learn(habit, value, mean, scalars[HABIT], p.discrete, positive)
    if scalars[HABIT] == 0.0 and habit[members.SEEN] >= members.KNOWN:
        scalars[HABIT] = max(habit[members.SQUARE], 1e-12)


@kernel
def _crowded(scalars: FloatArray, habits: FloatArray, names: IntArray) -> float:
    """How much of a crowd the members are, 0 to 1; counts those that are new."""
    for name in names:
        if name >= 0 and habits[name, members.SEEN] == 0.0:
            scalars[CROWD] += 1.0
    # Members without a name, for want of memory, are a crowd all the same.
    return 1.0 - math.exp(-max(max(scalars[CROWD], scalars[MEMBERS]) - FEWEST, 0.0) / CROWDED)


@kernel
def _sided(p: PopulationParameters, records: Float32Array, deviation: float) -> float:
    """Surprise of a deviation by a history of its side."""
    return float(history.surprise(records, 1 if deviation > 0 else 0, abs(deviation), 0.5 if p.discrete else 0.0))


@kernel
def _deviation(p: PopulationParameters, value: float, mean: float, variance: float) -> float:
    """A value's deviation from the population's expectation, in standard deviations."""
    if not p.discrete:
        return float((value - mean) / math.sqrt(variance))
    # Members are no clockwork: small counts are never more regular than chance.
    law = max(variance, mean) if mean <= 5.0 else variance
    return float(count_deviate(max(value, 0.0), max(mean, 0.02), law))


@kernel
def _bounds(records: Float32Array, mean: float, deviation: float, positive: bool, out: FloatArray) -> None:
    """95 % bounds by the history of deviations."""
    out[LOWER] = mean - history.bound(records, 0, 0.025) * deviation
    out[UPPER] = mean + history.bound(records, 1, 0.025) * deviation
    if positive:
        out[LOWER] = max(out[LOWER], 0.0)


@kernel
def _expected(state: PopulationState, p: PopulationParameters, i: int, flat: float, daily: float, ready: bool) -> float:
    """What the better of two expectations says; the day profile speaks once it clearly predicted better for a day."""
    scalars = state.scalars[i]
    tried = scalars[EVIDENCE] >= p.day_slots and scalars[ERROR_DAILY] < 0.8 * scalars[ERROR_FLAT]
    mean = daily if ready and tried else flat
    return max(mean, 0.0) if scalars[MINIMUM] >= 0.0 else mean


@kernel
def _bucket(
    state: PopulationState,
    p: PopulationParameters,
    i: int,
    values: FloatArray,
    time_s: float,
    conditions: FloatArray,
    ends: IntArray,
    kinds: IntArray,
    habits: FloatArray,
    names: IntArray,
    out: FloatArray,
) -> None:
    """Score the members present in one bucket against the population, then learn them."""
    scalars = state.scalars[i]
    n = values.shape[0]
    if scalars[SEEN] == 0:
        _start(state, i, values, time_s)
    slot = int(time_s % DAY_S) * p.day_slots // DAY_S
    flat, daily, ready = _expect(state, p, i, slot, time_s)
    mean = _expected(state, p, i, flat, daily, ready)
    variance, _ = _variance(state, p, i, mean)
    deviation = math.sqrt(variance)
    chances = math.log10(max(scalars[MEMBERS], float(n), 1.0))
    weight = min(1.0, MEMBERS_WEIGHT / n)
    records, own_records = state.histories[i], state.own_histories[i]
    scored = scalars[SEEN] >= p.learning
    deviations, own_deviations = np.empty(n), np.zeros(n)
    crowded = _crowded(scalars, habits, names)
    for k in range(n):
        deviations[k] = _deviation(p, values[k], mean, variance)
        among_peers = 0.0
        if scored and p.side * deviations[k] >= 0.0 and abs(deviations[k]) > 1.0:
            among_peers = _sided(p, records, deviations[k])
        chance = chances + (TWO_SIDES if p.side == 0 else 0.0)
        worth = among_peers - chance
        out[k, TYPICAL] = mean
        if names[k] >= 0 and habits[names[k], members.SEEN] >= members.KNOWN:
            habit = habits[names[k]]
            own = members.expected(habit, mean, scalars[MINIMUM] >= 0.0)
            z = members.deviation(habit, values[k], own, scalars[HABIT], p.discrete, scalars[MINIMUM] >= 0.0)
            own_deviations[k] = z
            worth = 0.0
            if among_peers > ODD_FROM and z * deviations[k] > 0.0 and abs(z) > 1.0:
                odd = min((among_peers - ODD_FROM) / (ODD - ODD_FROM), 1.0)
                worth = odd * (_sided(p, own_records, z) - chance)
                out[k, TYPICAL] = own
        out[k, SURPRISE] = max(worth, 0.0) * crowded
        if out[k, SURPRISE] >= p.bounds_from:
            _bounds(records, mean, deviation, scalars[MINIMUM] >= 0.0, out[k])
    skipped = np.empty(n, dtype=np.bool_)
    for k in range(n):
        skipped[k] = matches_kind(conditions, ends, kinds[k], values[k], mean, time_s)
        if not skipped[k]:
            history.observe(records, deviations[k], weight)
            if names[k] >= 0:
                _learn_member(state, p, i, habits[names[k]], values[k], mean, own_deviations[k], weight)
    _learn(state, p, i, values, mean, flat, daily, ready, slot, skipped)
    scalars[SEEN] += 1.0
    scalars[MEMBERS] += (n - scalars[MEMBERS]) * max(1.0 / scalars[SEEN], 1.0 / p.memory)


@kernel
def advance(
    state: PopulationState,
    p: PopulationParameters,
    rows: IntArray,
    buckets: IntArray,
    values: FloatArray,
    first_bucket: int,
    conditions: FloatArray,
    ends: IntArray,
    kinds: IntArray,
    habits: FloatArray,
    names: IntArray,
    out: FloatArray,
) -> None:
    """Score and learn a stretch of members' values.

    Args:
        state: State of all populations; changed in place.
        p: PopulationParameters.
        rows: (m,) each value's population; values are sorted by population, then bucket.
        buckets: (m,) each value's bucket, by position.
        values: (m,) values, finite.
        first_bucket: Number of the first bucket: its start over the bucket span.
        conditions: Conditions under which a value is not learnt (`conditions.encode_kinds`).
        ends: The same.
        kinds: (m,) each value's kind.
        habits: State of all members, (n, members.COLUMNS); changed in place.
        names: (m,) each value's member; -1 for one that is not remembered.
        out: (m, OUTPUTS), output.
    """
    begin = 0
    while begin < rows.shape[0]:
        end = begin + 1
        while end < rows.shape[0] and rows[end] == rows[begin] and buckets[end] == buckets[begin]:
            end += 1
        time_s = (first_bucket + buckets[begin]) * p.span_s
        _bucket(
            state,
            p,
            rows[begin],
            values[begin:end],
            time_s,
            conditions,
            ends,
            kinds[begin:end],
            habits,
            names[begin:end],
            out[begin:end],
        )
        begin = end
