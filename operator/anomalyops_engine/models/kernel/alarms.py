"""What a detector's alarms are worth: no surprise is larger than how seldom this detector has one as large.

Entities that each tell of something once in their life are a flood when there are thousands of them. So the largest
surprise of each bucket, of all entities, is counted, and a surprise is capped by how seldom one like it came, on the
scale of `kernel.rarity`. The first buckets, when all is new, count for little.
"""

# Compiled functions take their arguments by position only.

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from anomalyops_engine.models.kernel import rarity
from anomalyops_engine.models.kernel.compiling import kernel

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

BUCKETS, WEIGHT, ALARMS, FIRST_BIN = range(4)
"""Columns of a record: buckets, recent buckets, alarms; then the buckets by their largest surprise."""
BINS = 40
COLUMNS = FIRST_BIN + BINS
DECISIVE = 1.5
"""As `rarity.DECISIVE`, which judges the entities before."""
LEAST = 2.0
WIDTH = 0.25
"""Surprises from 2 in steps of a quarter; the last one is open."""


def blank() -> FloatArray:
    """A record that has seen nothing."""
    return np.zeros(COLUMNS)


@kernel
def _bin(surprise: float) -> int:
    return min(int((surprise - LEAST) / WIDTH), BINS - 1)


@kernel
def _cap(record: FloatArray, surprise: float) -> float:
    as_large = 0.0
    for k in range(_bin(surprise), BINS):
        as_large += record[FIRST_BIN + k]
    probability = min(as_large / max(record[WEIGHT], 1.0) + 0.5 / (record[BUCKETS] + 1.0), 1.0)
    return float(-rarity.multiple(record[ALARMS], DECISIVE) * math.log10(probability))


@kernel
def temper(record: FloatArray, order: IntArray, buckets: IntArray, surprises: FloatArray) -> None:
    """Cap the surprises of a stretch.

    Args:
        record: (COLUMNS,) the detector's record; changed in place.
        order: (m,) the rows in order of time.
        buckets: (m,) each row's bucket.
        surprises: (m,) each row's surprise; changed in place.
    """
    begin = 0
    while begin < order.shape[0]:
        bucket = buckets[order[begin]]
        end, largest, loudest = begin, 0.0, 0.0
        while end < order.shape[0] and buckets[order[end]] == bucket:
            row = order[end]
            largest = max(largest, surprises[row])
            if surprises[row] >= LEAST:
                surprises[row] = min(surprises[row], _cap(record, surprises[row]))
                loudest = max(loudest, surprises[row])
            end += 1
        keep = 1.0 - 1.0 / min(max(record[BUCKETS], 5.0), rarity.MEMORY)
        for k in range(FIRST_BIN, COLUMNS):
            record[k] *= keep
        if largest >= LEAST:
            record[FIRST_BIN + _bin(largest)] += 1.0
        record[WEIGHT] = keep * record[WEIGHT] + 1.0
        record[BUCKETS] += 1.0
        record[ALARMS] *= 1.0 - 1.0 / rarity.MEMORY
        if loudest >= rarity.ALARM:
            record[ALARMS] += 1.0
        begin = end
