"""The learner of rare values: in time, and in a population.

Of every value it is known how often and when it appeared; in a population, how many members showed it. A record for
each partition counts how often values as rare as that appear (`kernel.rarity`). In a population the trials are the
members of a bucket, so that a thousand members make as many chances.
"""

# Compiled functions take their arguments by position only.
# ruff: noqa: PLR0917, FBT001

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from anomalyops_engine.models.kernel import rarity
from anomalyops_engine.models.kernel.compiling import kernel
from anomalyops_engine.models.kernel.conditions import matches_kind

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Columns of the partitions' state behind those of `rarity`.
LOG_EVENTS, EVENTS_SEEN, APPEARANCES, VALUES = range(rarity.COLUMNS, rarity.COLUMNS + 4)
PARTITION_COLUMNS = rarity.COLUMNS + 4
COUNT, FIRST, LAST = range(3)
"""Columns of the state of values and of pairs of a value and a member; buckets are counted by partition."""
THING_COLUMNS = 3
SURPRISE, TYPICAL, RELATIVE, KNOWN = range(4)
"""Columns of the output: surprise; share of buckets (members) that show the value; how many times rarer it is than the
partition's values on average; how often it was seen before."""
OUTPUTS = 4
TALKATIVE = 1.0
"""Surprise from which the number of a rare value's events matters."""


class RareState(NamedTuple):
    """State of the partitions of a detector: (n, PARTITION_COLUMNS)."""

    partitions: FloatArray


class ThingState(NamedTuple):
    """State of values, or of pairs of a value and a member: (n, THING_COLUMNS)."""

    things: FloatArray


@kernel
def _many(record: FloatArray, events: float) -> float:
    """What several events add to a surprise, where the usual number has a Pareto tail (Hill 1975)."""
    return float(math.log10(max(events, 1.0)) * record[EVENTS_SEEN] / record[LOG_EVENTS])


@kernel
def _appear(things: FloatArray, row: int, now: float) -> bool:
    """Note an appearance; whether it is the first."""
    new = bool(things[row, COUNT] == 0.0)
    if new:
        things[row, FIRST] = now
    things[row, COUNT] = rarity.seen_lately(things[row, COUNT], things[row, LAST], now) + 1.0
    things[row, LAST] = now
    return new


@kernel
def _judge(
    record: FloatArray,
    values: FloatArray,
    value: int,
    pairs: FloatArray,
    pair: int,
    events: float,
    members: float,
    frequent: bool,
    out: FloatArray,
) -> int:
    """Score one row; the value's class."""
    now = record[rarity.BUCKETS]
    count = rarity.seen_lately(values[value, COUNT], values[value, LAST], now)
    rate = rarity.own_rate(count, values[value, FIRST], now) if count > 0.0 else 0.0
    share = count / max(now, 1.0)
    if pair >= 0:
        # Others that show it make a value ordinary in a population, and the member's own habit its showing it.
        own = rarity.seen_lately(pairs[pair, COUNT], pairs[pair, LAST], now)
        rate = rarity.own_rate(own, pairs[pair, FIRST], now) / members if own > 0.0 else 0.0
        count = max(count - (1.0 if own > 0.0 else 0.0), 0.0)
        share = min(count / max(record[rarity.TRIALS] / max(now, 1.0), 1.0), 1.0)
    of = rarity.kind(count)
    out[SURPRISE] = rarity.surprise(record, of, rate, members, rarity.DECISIVE)
    if frequent and out[SURPRISE] > TALKATIVE:
        out[SURPRISE] += _many(record, events)
    out[TYPICAL] = min(share, 1.0)
    if count > 0.0 and record[VALUES] > 0.0:
        out[RELATIVE] = record[APPEARANCES] / record[VALUES] / count
    out[KNOWN] = count
    return of


@kernel
def advance(
    partitions: FloatArray,
    values: FloatArray,
    pairs: FloatArray,
    rows: IntArray,
    buckets: IntArray,
    events: FloatArray,
    members: FloatArray,
    frequent: bool,
    conditions: FloatArray,
    ends: IntArray,
    kinds: IntArray,
    span_s: float,
    out: FloatArray,
) -> None:
    """Score and learn a stretch of appearances.

    Args:
        partitions: State of the partitions; changed in place, as the next two.
        values: State of the values.
        pairs: State of the pairs of a value and a member.
        rows: (m, 3) of each appearance: partition, value, and pair (-1 without a population); sorted by partition,
            then bucket.
        buckets: (m,) number of each one's bucket: its start over the bucket span.
        events: (m,) events of each one.
        members: (m,) members that its partition has in its bucket; 1 without a population.
        frequent: Whether the number of events matters.
        conditions: Conditions under which an appearance is not learnt (`conditions.encode_kinds`).
        ends: The same.
        kinds: (m,) each one's kind.
        span_s: Bucket length, seconds.
        out: (m, OUTPUTS), output.
    """
    appeared = np.zeros(rarity.CLASSES)
    begin = 0
    while begin < rows.shape[0]:
        end = begin + 1
        while end < rows.shape[0] and rows[end, 0] == rows[begin, 0] and buckets[end] == buckets[begin]:
            end += 1
        record = partitions[rows[begin, 0]]
        appeared[:] = 0.0
        loudest = 0.0
        for k in range(begin, end):
            of = _judge(record, values, rows[k, 1], pairs, rows[k, 2], events[k], members[begin], frequent, out[k])
            appeared[of] += 1.0
            loudest = max(loudest, out[k, SURPRISE])
        now = record[rarity.BUCKETS]
        for k in range(begin, end):
            if matches_kind(conditions, ends, kinds[k], 1.0, out[k, TYPICAL], buckets[k] * span_s):
                continue
            record[LOG_EVENTS] += math.log(max(events[k], 1.0))
            record[EVENTS_SEEN] += 1.0
            record[APPEARANCES] += 1.0
            pair = rows[k, 2]
            # A value counts the members that show it, each once.
            if pair < 0 or _appear(pairs, pair, now):
                record[VALUES] += 1.0 if _appear(values, rows[k, 1], now) else 0.0
            else:
                values[rows[k, 1], LAST] = now
        rarity.note(record, appeared, members[begin], loudest)
        begin = end
