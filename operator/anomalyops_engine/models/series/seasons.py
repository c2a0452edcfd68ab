"""The profiles of hour, day and week: what a time departs from the level, and how wide it scatters."""

# Compiled functions take their arguments by position only.
# ruff: noqa: PLR0917

from __future__ import annotations

import math
from typing import Any

from anomalyops_engine.models.kernel.compiling import kernel
from anomalyops_engine.models.series.state import (
    DAILY,
    DAY_S,
    HOURLY,
    WEEK_S,
    WEEKLY,
    SeriesParameters,
    SeriesState,
)

SLOT_MEMORY = 0.9
"""Factor a visit of the evidence for one slot: about the last ten visits count."""
SLOT_GAIN = 4.0
"""Log likelihood, nats, by which one visit can speak for or against a slot's departure."""
OTHER = 6.0
"""Standard deviations beyond which a departure is another one."""
CLEARLY = 2.0
"""Variance of its own, over the usual one, below which a slot has none."""
VARIES = 0.1
"""Standard deviation of a departure that was seen twice, as a share of it, until more is known."""
STEEPEST = 7.0
"""What one day of the week can make of the mean day's steps."""
AGREES = 0.3
"""Two departures agree when they differ by no more than this share: what a batch varies from run to run."""


@kernel
def day_slot(p: SeriesParameters, time_s: float) -> int:
    """Slot of the day, 0 up."""
    return int(time_s % DAY_S) * p.day_slots // DAY_S


@kernel
def slot_of(p: SeriesParameters, e: int, time_s: float) -> int:
    """Position in `SeriesState.slots` of a seasonal forecaster's slot at a time."""
    if e == HOURLY:
        return int(time_s % 3600) * p.hour_slots // 3600
    if e == DAILY:
        return p.hour_slots + day_slot(p, time_s)
    return p.hour_slots + p.day_slots + int(time_s % WEEK_S) * p.week_slots // WEEK_S


@kernel
def slots_of(p: SeriesParameters, e: int) -> tuple[int, int]:
    """First position in `SeriesState.slots` of a seasonal forecaster's slots, and the one behind its last."""
    if e == HOURLY:
        return 0, p.hour_slots
    if e == DAILY:
        return p.hour_slots, p.hour_slots + p.day_slots
    return p.hour_slots + p.day_slots, p.hour_slots + p.day_slots + p.week_slots


@kernel
def _coarse(state: SeriesState, p: SeriesParameters, i: int, begin: int, width: int) -> float:
    """Mean of the day profile over some slots from `begin` on; NaN where none was seen."""
    total, n = 0.0, 0
    for k in range(begin, begin + width):
        slot = state.slots[i, p.hour_slots + k % p.day_slots]
        if slot.n > 0:
            total += slot.mean
            n += 1
    return total / n if n > 0 else math.nan


@kernel
def detail(state: SeriesState, p: SeriesParameters, i: int, at: int, week_at: int) -> float:
    """How the day profile departs, at a day slot, from its mean over the coarser week slot that it lies in.

    As far as the week goes there like the day: a working day climbs steeper in the morning than the mean of all days,
    and a Sunday does not. So the departure is scaled by the least-squares share of the day's steps, to this week slot
    and from it, that the week's steps have; held at 1 by what is not known of them.
    """
    width = 7 * p.day_slots // p.week_slots
    if width <= 1:
        return 0.0
    begin = at // width * width
    here = _coarse(state, p, i, begin, width)
    if math.isnan(here):
        return 0.0
    departure = state.slots[i, p.hour_slots + at].mean - here
    first = p.hour_slots + p.day_slots
    slot = state.slots[i, week_at]
    before = state.slots[i, first + (week_at - first - 1) % p.week_slots]
    after = state.slots[i, first + (week_at - first + 1) % p.week_slots]
    earlier = _coarse(state, p, i, begin - width + p.day_slots, width)
    later = _coarse(state, p, i, begin + width, width)
    if min(slot.n, before.n, after.n) < 2.0 or math.isnan(earlier) or math.isnan(later):
        return float(departure)
    to, on = here - earlier, later - here
    unknown = state.forecasters[i, WEEKLY].spread * (1.0 / slot.n + 0.5 / before.n + 0.5 / after.n)
    along = to * (slot.mean - before.mean) + on * (after.mean - slot.mean)
    steps = to * to + on * on + unknown
    if steps <= 0.0:
        return float(departure)
    return float(departure * min(max((along + unknown) / steps, 0.0), STEEPEST))


@kernel
def visits_of(p: SeriesParameters, e: int, n: float) -> float:
    """Squared residuals behind the variance of a time of day, of a slot with `n` values: from the second one on."""
    return max(n - 2.0, 0.0) * (7.0 if e == WEEKLY else 1.0)


@kernel
def ratio(state: SeriesState, p: SeriesParameters, i: int, e: int, at: int, visits: float) -> float:
    """How many times the overall variance a time of day has, as far as the difference is believed.

    A few dozen squared residuals make a poor variance, and dividing by poor variances makes heavy tails out of normal
    noise. So the logarithm of the ratio shrinks by how far it exceeds its own sampling error (the nonnegative
    garrote, Breiman 1995): to nothing inside two of them, hardly where it clearly differs.
    """
    if e < DAILY:
        return 1.0
    size = math.log(state.ratios[i, e - DAILY, at])
    n = min(max(visits, 0.5), 2.0 * p.day_memory)
    noise = 4.0 * (2.0 / n + 3.0 / (n * n))
    if size * size <= noise:
        return 1.0
    return math.exp(size * (1.0 - noise / (size * size)))


@kernel
def learn_ratio(state: SeriesState, p: SeriesParameters, i: int, e: int, at: int, visits: float, square: float) -> None:
    """Move the variance of a time of day towards a squared residual over the overall variance.

    The bound lies in what this time has shown itself, so that a loud hour is learnt in a few visits whatever the
    others are like, and one absurd value at most doubles it.
    """
    old = state.ratios[i, e - DAILY, at]
    rate = max(1.0 / (visits + 1.5), 1.0 / (p.day_memory + 5.0))
    most = 100.0 if visits < 3.0 else 9.0
    new = old + rate * (min(square, most * old) - old)
    state.ratios[i, e - DAILY, at] = min(max(new, 1e-3), 1e6)


@kernel
def learn_slot(slot: Any, departure: float, plain: float, step: float, usual: float, memory: float) -> None:
    """Move a slot's mean: by a bounded step, or at once when a far departure repeats itself.

    Args:
        slot: The SLOT.
        departure: The value less the season's level.
        plain: What a first visit takes for its mean: the departure, or what simpler forecasters expected of it.
        step: The residual as far as it is learnt from.
        usual: Variance at this time without what the slot has of its own.
        memory: Values that the slot remembers.
    """
    if slot.n == 0:
        slot.mean = plain
        slot.candidate = departure
        slot.n = 1.0
        return
    rate = max(1.0 / (slot.n + 1.0), 1.0 / memory)
    # Beyond this a departure is another one, and not noise.
    far = OTHER * math.sqrt(usual + (slot.extra * slot.mean) ** 2)
    if slot.extra > 0.0 and slot.mean != 0.0:
        share = (departure - slot.mean) / slot.mean
        square = slot.extra * slot.extra
        square += max(1.0 / slot.n, 1.0 / memory) * (min(share * share, 9.0 * square) - square)
        # What is not clearly wider than other times needs no variance of its own.
        slot.extra = math.sqrt(square) if square * slot.mean * slot.mean > CLEARLY * usual else 0.0
    before = slot.candidate
    # What a first visit was taken for may not be what it was.
    doubted = slot.n < 2.0 and abs(departure - before) < abs(departure - slot.mean)
    if doubted or abs(departure - slot.mean) > far:
        slot.candidate = departure
        near = max(AGREES * min(abs(departure), abs(before)), far)
        if (doubted or abs(before - slot.mean) > far) and abs(departure - before) <= near:
            slot.mean = 0.5 * (departure + before)
            slot.extra = math.hypot(VARIES, (departure - before) / slot.mean) if slot.mean != 0.0 else 0.0
            slot.n = 2.0
            return
    else:
        slot.candidate = slot.mean
    slot.mean += rate * step
    slot.n = min(slot.n + 1.0, 1e6)


@kernel
def weigh_slot(slot: Any, gain: float) -> None:
    """Let a visit speak for or against a slot's departure, by its log likelihood ratio."""
    bounded = min(max(gain, -SLOT_GAIN), SLOT_GAIN)
    slot.gain = max(SLOT_MEMORY * slot.gain + bounded, -SLOT_GAIN)
