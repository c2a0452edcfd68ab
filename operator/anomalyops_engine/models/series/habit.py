"""What a surprise is worth to this series: by its age, and by how often it was surprised as much before.

A critical score promises something rare. A series that is young does not know yet what it does; one that was as
surprised ten times before does this. Both lower a surprise and keep the order of any two.
"""

# Compiled functions take their arguments by position only.
# ruff: noqa: PLR0917

from __future__ import annotations

import math
from typing import Any

from anomalyops_engine.models.kernel.compiling import kernel
from anomalyops_engine.models.series.state import DAY_S, RANKS, WINDOW, SeriesParameters, SeriesState

ONE_IN = 2000.0
"""Buckets in which one alarm is no more than what a score promises."""
FORGIVING = 0.35
"""Power of that, on the credited surprise: three earlier incidents are no habit, thirty are."""
OF_CLOCKWORK = 0.6
"""The same for a clockwork, whose surprise is credited as it is."""
NOTED_FROM = 3.0
"""Surprise from which an alarm is counted."""
_LOG_RANK = math.log(1.4)
MOST = 5.0
"""Surprise that a series can vouch for at most."""
POWER = 1.0
"""Decades of surprise for each e-fold of it beyond what a series vouches for."""
CONTINUED = 0.03
"""How much of an alarm each of its later buckets counts."""
AGAIN, PAUSE = 0.5, 6.0
"""How much one counts that comes after so many quiet buckets."""
DECAY_EVERY = 64.0


@kernel
def vouched(series: Any, time_s: float) -> float:
    """The surprise that the age of a series vouches for: 3 at the start, 5 after ten days of hourly buckets."""
    return float(3.0 + 0.15 * (time_s - series.first_s) / DAY_S + series.seen / 500.0)


@kernel
def maturity(series: Any, time_s: float) -> float:
    """How much, 0 to 1, of what a series does is known by its age: what it did before may have been news."""
    return min((vouched(series, time_s) - 3.0) / 3.0, 1.0)


@kernel
def fresh(series: Any) -> bool:
    """Whether the present episode is not over: its last alarm is so near that another one would belong to it."""
    return bool(series.since_alarm <= 2 * WINDOW)


@kernel
def told(series: Any) -> float:
    """How loudly, 0 to 1, the present episode was told of: from an alarm that is counted to one vouched for whole."""
    if not fresh(series):
        return 0.0
    return float(min(max((series.peak - NOTED_FROM) / (MOST - NOTED_FROM), 0.0), 1.0))


@kernel
def credit(series: Any, time_s: float, surprise: float) -> float:
    """A surprise as far as a series vouches for it, by its age and at most by MOST.

    Before a series has shown its days and its first weekends, what looks impossible may be its habit; and no series
    is long enough to vouch for one in a million. Beyond, the tail falls as a power only, as it does where a scale is
    known from few values: the surprise grows with the logarithm, and the larger stays the larger at every age.
    """
    most = min(vouched(series, time_s), MOST)
    return surprise if surprise <= most else most + POWER * math.log(surprise / most)


@kernel
def _rank(surprise: float) -> int:
    return min(max(int(math.log(surprise / NOTED_FROM) / _LOG_RANK), 0), RANKS - 1)


@kernel
def worth(
    state: SeriesState, p: SeriesParameters, i: int, surprise: float, credited: float, forgiving: float, time_s: float
) -> float:
    """A credited surprise less what is habit: divided by how much oftener than one in 2,000 buckets it was as large.

    Args:
        state: State of all series.
        p: SeriesParameters.
        i: The series.
        surprise: The surprise, by which it is ranked among the earlier ones.
        credited: What the series vouches for of it.
        forgiving: Power of the habit.
        time_s: The bucket's start.
    """
    if surprise < NOTED_FROM:
        return credited
    rank = _rank(surprise)
    earlier = 0.0
    for k in range(rank, RANKS):
        earlier += state.alarms[i, k]
    series = state.series[i]
    if fresh(series) and _rank(series.peak) >= rank:
        # The present episode is not an earlier one, as long as it is fresh.
        earlier -= maturity(series, time_s) / max(series.length, 1.0)
    seen = min(series.seen, p.alarm_memory)
    # As many as there have to be.
    earlier = max(earlier - seen * 10.0 ** -(NOTED_FROM * math.exp(_LOG_RANK * rank)), 0.0)
    often = (1.0 + earlier) * ONE_IN / (seen + ONE_IN)
    return float(credited / max(often, 1.0) ** forgiving)


@kernel
def note(state: SeriesState, p: SeriesParameters, i: int, surprise: float, time_s: float) -> None:
    """Count a bucket's surprise: an alarm counts once, by its peak, and its later buckets a little.

    What a young series did not know yet is no habit.
    """
    series = state.series[i]
    alarms = state.alarms[i]
    if series.seen % DECAY_EVERY == 0:
        for k in range(RANKS):
            alarms[k] *= 1.0 - DECAY_EVERY / p.alarm_memory
    if surprise < NOTED_FROM:
        series.since_alarm += 1.0
        return
    rank = _rank(surprise)
    weight = maturity(series, time_s)
    if not fresh(series) or series.peak == 0.0:
        alarms[rank] += weight
        series.peak = surprise
    else:
        if surprise > series.peak:
            before = _rank(series.peak)
            moved = min(weight, alarms[before])
            alarms[before] -= moved
            alarms[rank] += moved
            series.peak = surprise
        alarms[rank] += (AGAIN if series.since_alarm >= PAUSE else CONTINUED) * weight
    series.since_alarm = 0.0
