"""Where the buckets of time begin: intervals of fixed length and calendar units."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.expr import Case, Expr, Literal, all_of, call, when
from anomalyops_engine.query.options import MistypedError, integer, shown
from anomalyops_engine.store.gregorian import month_of, start_of_month

_FIXED_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_CALENDAR_FIXED = {
    "second": 1000,
    "minute": 60_000,
    "hour": 3_600_000,
    "day": 86_400_000,
    "week": 604_800_000,
}
_CALENDAR_NAMES = {
    **dict.fromkeys(("1s", "second"), "second"),
    **dict.fromkeys(("1m", "minute"), "minute"),
    **dict.fromkeys(("1h", "hour"), "hour"),
    **dict.fromkeys(("1d", "day"), "day"),
    **dict.fromkeys(("1w", "week"), "week"),
    **dict.fromkeys(("1M", "month"), "month"),
    **dict.fromkeys(("1q", "quarter"), "quarter"),
    **dict.fromkeys(("1y", "year"), "year"),
}
_CALENDAR_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_SHORTEST_DAYS = {"month": 28, "quarter": 90, "year": 365}
# 1970-01-01 was a Thursday; weeks begin on Monday.
_MONDAY_MS = 4 * 86_400_000
# Intervals and offsets stay where sums with them cannot leave 64 bits.
_LONGEST_MS = 2**60
# What the database has a timestamp for: years -290,307 to 294,246.
_TIMESTAMPS_MS = 9_000_000_000_000_000
_SMALLEST = -(2**63)


@dataclass(frozen=True, slots=True)
class Interval:
    """The width of buckets: so many milliseconds, or so many months."""

    milliseconds: int | None = None
    unit: str = ""

    @property
    def months(self) -> int:
        """Length of a calendar unit that has no fixed length."""
        return _CALENDAR_MONTHS[self.unit]

    @property
    def shortest_ms(self) -> int:
        """The length of the shortest of the buckets."""
        return self.milliseconds or _SHORTEST_DAYS[self.unit] * _FIXED_MS["d"]

    @property
    def origin_ms(self) -> int:
        """A moment at which a bucket of fixed length begins."""
        return _MONDAY_MS if self.unit == "week" else 0


def fixed_interval(value: object) -> Interval:
    """Read `fixed_interval`.

    Raises:
        IllegalQueryError: it is no positive duration of fixed length.
    """
    if not isinstance(value, str):
        raise MistypedError(value)
    match = re.fullmatch(r"(\d{1,18})(ms|s|m|h|d)", value, re.ASCII)
    length = int(match[1]) * _FIXED_MS[match[2]] if match is not None else 0
    if not 0 < length <= _LONGEST_MS:
        raise IllegalQueryError(
            f"failed to parse setting [fixed_interval] with value [{shown(value)}] as a time value: a positive number "
            "with a unit of ms, s, m, h or d"
        )
    return Interval(length)


def calendar_interval(value: object) -> Interval:
    """Read `calendar_interval`.

    Raises:
        IllegalQueryError: it is no calendar unit.
    """
    if not isinstance(value, str):
        raise MistypedError(value)
    unit = _CALENDAR_NAMES.get(value)
    if unit is None:
        raise IllegalQueryError(f"The supplied interval [{shown(value)}] could not be parsed as a calendar interval.")
    return Interval(_CALENDAR_FIXED.get(unit), unit)


def offset(value: object) -> int:
    """Read `offset`: milliseconds, or a duration with a sign.

    Raises:
        IllegalQueryError: it is neither.
    """
    if isinstance(value, str):
        match = re.fullmatch(r"([+-]?)(\d{1,18})(ms|s|m|h|d)", value, re.ASCII)
        length = int(match[2]) * _FIXED_MS[match[3]] if match is not None else _LONGEST_MS + 1
        if match is None or length > _LONGEST_MS:
            raise IllegalQueryError(f"failed to parse [offset] with value [{shown(value)}] as a time value")
        return -length if match[1] == "-" else length
    return integer(at_least=-_LONGEST_MS, at_most=_LONGEST_MS)(value)


def interval_of(options: Any, name: str) -> Interval:
    """Return the one interval of a date histogram or a date source.

    Raises:
        IllegalQueryError: none or both are given.
    """
    fixed: Interval | None = options.fixed_interval
    calendar: Interval | None = options.calendar_interval
    interval = calendar if fixed is None else fixed
    if interval is None or (fixed is not None and calendar is not None):
        raise IllegalQueryError(
            f"Invalid interval specified for aggregation [{name}], must be non-null: give one of "
            "[fixed_interval, calendar_interval]"
        )
    return interval


@dataclass(frozen=True, slots=True)
class Buckets:
    """Buckets of an interval that begin `shift_ms` after where they would begin in UTC without an offset."""

    interval: Interval
    shift_ms: int

    def key_of(self, value: Expr) -> Expr:
        """Return the start of the bucket that holds a moment; NULL for moments that have none in 64 bits."""
        length = self.interval.milliseconds
        if length is not None:
            origin = (self.shift_ms + self.interval.origin_ms) % length
            # The remainder has the sign of the dividend; one division for each moment.
            later = value - (value - origin) % length
            earlier = value - ((value - (origin - 1)) % length + (length - 1))
            return Case(((value >= origin, later), (value >= _SMALLEST + length, earlier)))
        shift = Literal(self.shift_ms)
        key = call("epoch_ms", call("date_trunc", self.interval.unit, call("epoch_ms", value - shift))) + shift
        known = [value >= self.shift_ms - _TIMESTAMPS_MS, value <= self.shift_ms + _TIMESTAMPS_MS]
        return when(all_of(known), key)

    def following(self, key: int) -> int:
        """Return the start of the bucket after the one that starts at `key`."""
        if self.interval.milliseconds is not None:
            return key + self.interval.milliseconds
        return start_of_month(month_of(key - self.shift_ms) + self.interval.months) + self.shift_ms

    def floor(self, value: int) -> int:
        """Return the start of the bucket that holds a moment."""
        length = self.interval.milliseconds
        if length is not None:
            return value - (value - self.shift_ms - self.interval.origin_ms) % length
        month = month_of(value - self.shift_ms)
        return start_of_month(month - month % self.interval.months) + self.shift_ms
