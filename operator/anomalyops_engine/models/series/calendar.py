"""Days that the calendar sets apart, and days on which clocks are changed somewhere in the world."""

from __future__ import annotations

import functools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from anomalyops_engine.models.series.state import DAY_S

MONTH_FIRST, MONTH_LAST, MONTH_LAST_WORKING, QUARTER_LAST, QUARTER_LAST_WORKING, YEAR_LAST = range(6)
"""Kinds of special day; a day may be of several."""
CLOCK_CHANGE_DAYS = 3
"""Days after a clock change in which a series may follow it."""
_ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "America/Santiago",
    "America/Asuncion",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Jerusalem",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
)
"""One zone for each rule by which clocks are changed."""

IntArray = npt.NDArray[np.int64]


@functools.lru_cache(maxsize=4096)
def special_day(day: int) -> int:
    """The kinds of a day (days since the epoch), a bit each."""
    this = date(1970, 1, 1) + timedelta(days=day)
    following = this + timedelta(days=1)
    working = this.weekday() < 5
    later = 3 if this.weekday() == 4 else 1
    last = following.month != this.month
    last_working = working and (this + timedelta(days=later)).month != this.month
    quarter = this.month % 3 == 0
    kinds = (
        this.day == 1,
        last,
        last_working,
        last and quarter,
        last_working and quarter,
        last_working and this.month == 12,
    )
    return sum(1 << k for k, holds in enumerate(kinds) if holds)


@functools.cache
def _zones() -> tuple[ZoneInfo, ...]:
    # Held here: `ZoneInfo` itself remembers the last eight, and reads the others from their files again.
    return tuple(map(ZoneInfo, _ZONES))


@functools.lru_cache(maxsize=4096)
def clocks_changed(day: int) -> bool:
    """Whether clocks are changed somewhere on a day (days since the epoch, UTC)."""
    begin = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
    return any(
        begin.astimezone(zone).utcoffset() != (begin + timedelta(days=1)).astimezone(zone).utcoffset()
        for zone in _zones()
    )


@functools.lru_cache(maxsize=4096)
def _after_clock_change(day: int) -> bool:
    return any(clocks_changed(day - k) for k in range(CLOCK_CHANGE_DAYS + 1))


FIRST_DAY, LAST_DAY = -719_000, 2_900_000
"""Days of the years 1 to 9900, which the calendar of the standard library knows."""


def of_buckets(first_bucket: int, buckets: int, span_s: float) -> IntArray:
    """What the calendar says: (buckets, 2) a special day's bits, and 1 in the days after a clock change."""
    days = ((first_bucket + np.arange(buckets)) * span_s // DAY_S).astype(np.int64)
    known, places = np.unique(np.clip(days, FIRST_DAY, LAST_DAY), return_inverse=True)
    said = [(special_day(int(day)), int(_after_clock_change(int(day)))) for day in known]
    return np.array(said, dtype=np.int64).reshape(-1, 2)[places]
