"""How rare it is that something as rare as this appears: what learners of values and of places have in common.

Things (values, usual places) are of classes by how often they appeared before: never, once, about twice, and so on. A
record counts, for each class, in how many trials something of it appeared, recent ones more. The probability of an
appearance is that of anything at least as rare, so where new things come all the time one more says nothing (the number
of things seen once predicts how often new ones come: Good 1953).

A probability that is only counted cannot be smaller than one over the trials. That nothing new came in a thousand
trials is more than chance, though: it is a rule that was broken. So a surprise is a multiple of the counted one, and
the multiple falls with every alarm that it led to, down to where one in two thousand trials alarms at most.
"""

# Compiled functions take their arguments by position only.

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from anomalyops_engine.models.kernel.compiling import kernel

FloatArray = npt.NDArray[np.float64]

TRIALS, WEIGHT, BUCKETS, ALARMS, FIRST_CLASS = range(5)
"""Columns of a record: trials, recent trials, buckets, alarms; then the appearances of each class."""
CLASSES = 8
COLUMNS = FIRST_CLASS + CLASSES
LEARNING = 20
"""Buckets to see before anything is rare."""
MEMORY = 5000.0
"""Buckets that appearances and alarms are remembered, at most."""
FORGOTTEN = 2000.0
"""Buckets after which what was seen of a thing weighs 1/e."""
NEWCOMER = 5.0
"""A thing's own rate is judged as if it had been looked for in this many buckets more."""
ALARM = 5.0
"""Surprise of a critical result."""
STEADY = 1.5
"""The multiple, after many alarms: 10^(5/1.5) is one in 2,154 trials."""
DECISIVE = 1.0
"""What is added to it before the first alarm: nothing in 100 trials is enough."""
ALARMS_TO_LEARN = 5.0


@kernel
def kind(count: float) -> int:
    """The class of a thing that appeared `count` times before."""
    if count < 0.5:
        return 0
    return min(1 + int(math.log2(count / 0.75)), CLASSES - 1)


@kernel
def seen_lately(count: float, last: float, now: float) -> float:
    """What is remembered at bucket `now` of `count` appearances, the last of them at bucket `last`."""
    return float(count * math.exp(-max(now - last, 0.0) / FORGOTTEN))


@kernel
def own_rate(count: float, first: float, now: float) -> float:
    """How often a thing appears that was seen `count` times since bucket `first`, in appearances a bucket."""
    return min(count / (min(max(now - first, 0.0), FORGOTTEN) + NEWCOMER), 1.0)


@kernel
def multiple(alarms: float, decisive: float) -> float:
    """The multiple of a counted surprise, after some alarms."""
    return float(STEADY + decisive / (1.0 + alarms / ALARMS_TO_LEARN))


@kernel
def surprise(record: FloatArray, of: int, rate: float, chances: float, decisive: float) -> float:
    """Surprise of an appearance.

    Args:
        record: (COLUMNS,) the record.
        of: Class of what appears.
        rate: What is known of the thing's own rate; 0 without such knowledge.
        chances: Trials of this bucket, of which each might have seen it.
        decisive: What is added to the multiple before the first alarm.
    """
    if record[BUCKETS] < LEARNING:
        return 0.0
    appeared = 0.0
    for k in range(of + 1):
        appeared += record[FIRST_CLASS + k]
    counted = appeared / max(record[WEIGHT], 1.0) + 0.5 / (record[TRIALS] + 1.0)
    probability = min(max(counted, rate) * chances, 1.0)
    return float(-multiple(record[ALARMS], decisive) * math.log10(probability))


@kernel
def note(record: FloatArray, appeared: FloatArray, trials: float, loudest: float) -> None:
    """Let a record learn a bucket.

    Args:
        record: (COLUMNS,) the record.
        appeared: (CLASSES,) in how many of the bucket's trials something of each class appeared.
        trials: The bucket's trials.
        loudest: Its largest surprise.
    """
    # The first days, when all is new, count for little: what was seen weighs as much as the record was old then.
    keep = 1.0 - 1.0 / min(max(record[BUCKETS], 5.0), MEMORY)
    for k in range(CLASSES):
        record[FIRST_CLASS + k] = keep * record[FIRST_CLASS + k] + min(appeared[k], trials)
    record[WEIGHT] = keep * record[WEIGHT] + trials
    record[TRIALS] += trials
    record[BUCKETS] += 1.0
    record[ALARMS] *= 1.0 - 1.0 / MEMORY
    if loudest >= ALARM:
        record[ALARMS] += 1.0
