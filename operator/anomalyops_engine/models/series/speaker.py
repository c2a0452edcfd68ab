"""Which forecaster speaks: the one that has predicted best, or, at single times, a season that knows them.

The evidence is a discounted predictive likelihood against the speaker's (dynamic model selection; Raftery, Karny and
Ettler 2010). No lead is larger than LEAD, as if at every bucket another forecaster might have become the right one
(fixed share; Herbster and Warmuth 1998), so that a change is followed in few buckets. A season that pays off in one
bucket a day cannot win that way: what it gains there it loses to the noise of its other slots. So each slot has its
own evidence, weighed at its own visits, and where it is decisive the season speaks in that slot alone.
"""

# Compiled functions take their arguments by position only.
# ruff: noqa: PLR0917

from __future__ import annotations

import math

from anomalyops_engine.models.kernel.compiling import kernel
from anomalyops_engine.models.series import atoms, seasons
from anomalyops_engine.models.series.state import (
    ATOM,
    FAST,
    FORECASTERS,
    HOURLY,
    SLOW,
    WEEKLY,
    Forecast,
    SeriesParameters,
    SeriesState,
)

MOST_GAIN = 1.5
"""Log likelihood, nats, by which one bucket can speak for or against a forecaster: an outlier must not decide."""
LEAD = 30.0
"""Largest lead of the speaker's evidence, nats."""
SLOT_DECISIVE = 3.5
"""Evidence, nats, from which a season speaks in a slot."""
DIFFERENT = 2.0
"""Standard deviations by which it has to expect something else there."""


@kernel
def choose(state: SeriesState, p: SeriesParameters, i: int) -> int:
    """The forecaster with the best evidence; a change must pay for itself."""
    series = state.series[i]
    speaker = series.speaker
    best, best_evidence = SLOW, state.forecasters[i, SLOW].evidence
    for e in range(1, FORECASTERS):
        known = atoms.speaks(series, p) if e == ATOM else state.forecasters[i, e].spread_n > 0
        if not known:
            continue
        # The richer the forecaster, the more it has to show.
        rank = FAST if e == ATOM else min(e, WEEKLY - 1) if e < WEEKLY else WEEKLY - 1
        evidence = state.forecasters[i, e].evidence - (3.0 * rank - 1.0 if e == speaker else 3.0 * rank + 3.0)
        if evidence > best_evidence:
            best, best_evidence = e, evidence
    if best != ATOM and not p.discrete and atoms.speaks(series, p) and not _departs(state, p, i, best):
        # No mean and variance describe what repeats one value exactly.
        return ATOM
    return best


@kernel
def _departs(state: SeriesState, p: SeriesParameters, i: int, e: int) -> bool:
    """Whether a season ever expects anything but the value that is repeated: else it says no more than ATOM."""
    if e < HOURLY:
        return False
    series, level = state.series[i], state.forecasters[i, e].level
    width = atoms.width(series, p)
    first, behind = seasons.slots_of(p, e)
    for at in range(first, behind):
        slot = state.slots[i, at]
        if slot.n > 0 and abs(slot.mean + level - series.atom) > width:
            return True
    return False


@kernel
def weigh(state: SeriesState, i: int, e: int, gain: float, weight: float, decay: float) -> None:
    """Let a bucket speak for or against a forecaster, by its log likelihood ratio to the speaker."""
    forecaster = state.forecasters[i, e]
    bounded = min(max(gain, -MOST_GAIN), MOST_GAIN)
    forecaster.evidence += weight * (bounded - (1.0 - decay) * forecaster.evidence)


@kernel
def limit_lead(state: SeriesState, i: int) -> None:
    """Keep the evidence of all within LEAD of the best."""
    best = -1e300
    for e in range(FORECASTERS):
        best = max(best, state.forecasters[i, e].evidence)
    for e in range(FORECASTERS):
        forecaster = state.forecasters[i, e]
        forecaster.evidence = max(forecaster.evidence, best - LEAD)


@kernel
def at_slot(
    state: SeriesState, i: int, speaker: int, forecasts: tuple[Forecast, ...], mean: float, deviation: float
) -> int:
    """The season that speaks in its slot alone; the speaker where none does."""
    best, best_gain = speaker, SLOT_DECISIVE
    for e in range(HOURLY, WEEKLY + 1):
        f = forecasts[e]
        # A season knows more than what speaks only where it is the richer one.
        if (e <= speaker and speaker != ATOM) or not f.ready:
            continue
        gain = state.slots[i, f.slot].gain
        if gain > best_gain and abs(f.mean - mean) > DIFFERENT * deviation:
            best, best_gain = e, gain
    return best


@kernel
def price(gain: float) -> float:
    """Surprise that it costs to side with what evidence of `gain` nats speaks against."""
    return max(gain, 0.0) / math.log(10.0)
