"""What the learner of series keeps of each one, and what it has to know of the detector."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

SLOW, FAST, HOURLY, DAILY, WEEKLY, ATOM = range(6)
"""The forecasters; see `learner`."""
FORECASTERS = 6
SEASONS = (3600, 86_400, 604_800)
"""Periods of HOURLY, DAILY and WEEKLY, seconds."""
WINDOW = 12
"""Buckets in the multi-bucket feature."""
YOUNG = 8
"""Values from which a series' first level and noise are taken, by median."""
KNOWN = 5
"""Levels that a series remembers."""
RANKS = 9
"""Sizes of alarm that a series counts."""
SPECIAL_DAYS = 6
"""Kinds of day of the calendar; see `calendar`."""
SPECIAL_SLOTS = 8
"""Slots of a special day."""
HORIZONS = 7
"""Distances at which a forecaster's errors are known; see `horizons`."""

# Columns of `details`.
TYPICAL, LOWER, UPPER, SURPRISE, SINGLE, MULTI, DEVIATION, ANOMALY_LENGTH, SPREAD_RATIO = range(9)
NEW_SEASON, LEVEL_SHIFT, SHIFT_RUN, TIME_SHIFT = range(9, 13)
"""What changed in the model with the bucket: the period of a season that spoke for the first time, seconds; the step to
another level, and the values that showed it; how far the seasons were moved, seconds. 0 where nothing did."""
DETAIL_COLUMNS = 13

DAY_S, WEEK_S = 86_400, 604_800

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
RecordArray = npt.NDArray[np.void]

SERIES = np.dtype(
    [
        ("seen", "f8"),  # values learnt
        ("first_s", "f8"),  # start of the first bucket with a value
        ("speaker", "i8"),  # the forecaster that speaks
        ("season_s", "f8"),  # when a season of the day or week spoke in general, epoch seconds; 0 where none ever did
        ("minimum", "f8"),  # smallest value
        ("lowest", "f8"),  # where values lie, each widening it by no more than itself
        ("highest", "f8"),
        ("magnitude", "f8"),  # usual size of the values
        ("disturbance", "f8"),  # mean square of the last few deviations; 1 where nothing happens
        ("heat", "f8"),  # far deviations in the last few buckets
        ("far_rate", "f8"),  # share of far deviations
        ("length", "f8"),  # surprising buckets in a row
        ("here", "i8"),  # position of the present level in `levels`
        ("run", "i8"),  # buckets in a row at another level
        ("run_to", "i8"),  # that level: its position in `levels`, -1 for a new one
        ("run_level", "f8"),  # mean of the new level
        ("run_from", "f8"),  # the present level when the run began
        ("clock_s", "f8"),  # how far the seasons run ahead of their profiles
        ("clock_at", "f8"),  # when that was changed last, epoch seconds
        ("clock_early", "f8"),  # evidence that they run an hour less
        ("clock_late", "f8"),  # evidence that they run an hour more
        ("atom", "f8"),  # the value that is repeated most
        ("atom_votes", "f8"),  # its lead over all others
        ("atom_share", "f8"),  # its share
        ("rest_level", "f8"),  # mean logarithm of the distance of other values from it
        ("rest_spread", "f8"),  # variance of that
        ("rest_n", "f8"),  # values behind them
        ("peak", "f8"),  # largest surprise of the present alarm
        ("since_alarm", "f8"),  # buckets since the last alarm
        ("special_departure", "f8"),  # mean departure in the present slot of a special day
        ("special_expected", "f8"),  # mean of what was expected there
        ("special_square", "f8"),  # mean predictive variance there
        ("special_n", "f8"),  # values behind them; 0 on other days
        ("special_day", "f8"),  # that day, in days since the epoch
        ("special_slot", "i4"),  # that slot
        ("special_kinds", "i4"),  # the kinds of that day, a bit each
    ],
    align=True,
)
FORECASTER = np.dtype(
    [
        ("level", "f8"),
        ("slope", "f8"),
        ("steady", "f8"),  # a season's level of the last weeks, which no outage of days takes with it
        ("spread", "f8"),  # residual variance; of counts, over the expected count
        ("spread_n", "f8"),  # residuals behind it
        ("miss", "f8"),  # mean square of the residuals, far ones included
        ("evidence", "f8"),  # discounted log likelihood against the speaker
        ("far_rate", "f8"),  # share of residuals that are far
        ("multi_spread", "f8"),  # variance of the multi-bucket deviation
        ("ring_at", "i4"),
        ("ring_n", "i4"),
        ("alone", "i8"),  # buckets in which it spoke for itself, as far as they are counted
    ],
    align=True,
)
SLOT = np.dtype(
    [
        ("mean", "f8"),  # departure of a time from the season's level
        ("candidate", "f8"),  # the last departure that was far from it
        ("n", "f8"),  # values behind the mean
        ("extra", "f4"),  # standard deviation that it has of its own, as a share of the departure
        ("gain", "f4"),  # evidence that this time departs, in nats
    ],
    align=True,
)
LEVEL = np.dtype([("center", "f8"), ("visits", "f4"), ("dwell", "f4")], align=True)
HORIZON = np.dtype(
    [
        ("level", "f8"),  # what was expected, but for the season, when the anchor was set
        ("slope", "f8"),  # the slope then
        ("bucket", "f8"),  # when that was, in buckets; 0 before the first
        ("samples", "f8"),  # errors behind the following
        ("excess", "f8"),  # mean square of the error beyond that of the next bucket's forecast
        ("along", "f8"),  # mean product of the error and of what the slope foretold
        ("foretold", "f8"),  # mean square of what the slope foretold
    ],
    align=True,
)


class SeriesState(NamedTuple):
    """State of all series of a detector; the first axis of every array is the series.

    Attributes:
        series: (n,) SERIES.
        forecasters: (n, FORECASTERS) FORECASTER.
        slots: (n, slots) SLOT: the profiles of the hour, the day and the week, one behind the other.
        ratios: (n, 2, day slots): variance by time of day over the overall one, for DAILY and WEEKLY.
        special: (n, SPECIAL_DAYS, SPECIAL_SLOTS) SLOT: departure from the season on special days, by hour.
        levels: (n, KNOWN) LEVEL: levels that the series was at.
        ring: (n, FORECASTERS, WINDOW, 2): last residuals and their variances.
        histories: (n, FORECASTERS, 2, 2, history.BINS + 1): of single- and multi-bucket deviations.
        alarms: (n, RANKS): earlier alarms by size, old ones discounted.
        young: (n, YOUNG, 2): the first values and their buckets.
        horizons: (n, ATOM, HORIZONS) HORIZON: how each forecaster but ATOM errs farther ahead.
    """

    series: RecordArray
    forecasters: RecordArray
    slots: RecordArray
    ratios: Float32Array
    special: RecordArray
    levels: RecordArray
    ring: FloatArray
    histories: Float32Array
    alarms: Float32Array
    young: FloatArray
    horizons: RecordArray


class SeriesParameters(NamedTuple):
    """What the learner needs to know of a detector.

    Attributes:
        span_s: Bucket length, seconds.
        side: -1 low, 1 high, 0 both.
        discrete: Whether values are counts.
        least: The smallest count that there can be: 1 where a bucket without events has no value.
        learning: Values to see before anything is scored.
        hour_slots: Slots of the profile of the hour; 0 where buckets are too long for one.
        day_slots: Slots of the day profile.
        week_slots: Slots of the week profile.
        slow: Buckets that SLOW remembers.
        offset: Buckets that the seasonal forecasters' levels remember.
        hour_memory: Values that a slot of the hour remembers.
        day_memory: Values that a day slot remembers.
        week_memory: Values that a week slot remembers.
        spread_memory: Buckets that variances remember.
        evidence_decay: Factor a bucket of the predictive likelihoods.
        alarm_memory: Buckets that alarms are remembered.
        want_bounds: Whether bounds are wanted for every bucket (model plot), not only for surprising ones.
        bounds_from: Surprise from which bounds are given.
    """

    span_s: float
    side: int
    discrete: bool
    least: float
    learning: int
    hour_slots: int
    day_slots: int
    week_slots: int
    slow: float
    offset: float
    hour_memory: float
    day_memory: float
    week_memory: float
    spread_memory: float
    evidence_decay: float
    alarm_memory: float
    want_bounds: bool
    bounds_from: float


class Moment(NamedTuple):
    """What the clock and the calendar say of a bucket.

    Attributes:
        time_s: Its start, epoch seconds.
        special: Special days that it lies on, a bit each.
        clock_change: Whether clocks were changed somewhere within the last few days.
    """

    time_s: float
    special: int
    clock_change: bool


class Forecast(NamedTuple):
    """What a forecaster expects.

    Attributes:
        ready: Whether it can say anything.
        mean: The expected value.
        doubt: Variance of the expectation over the residual variance.
        ratio: Variance at this time over the overall one.
        extra: Standard deviation that comes on top of it.
        slot: Position of its slot in `SeriesState.slots`; -1 without one.
    """

    ready: bool
    mean: float
    doubt: float
    ratio: float
    extra: float
    slot: int
