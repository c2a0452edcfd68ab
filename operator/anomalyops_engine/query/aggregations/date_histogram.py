"""`date_histogram`: buckets of fixed length, or of calendar units, over moments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, timedelta, tzinfo
from typing import Any, ClassVar

from anomalyops_engine.query.aggregations.aggregation import BucketAggregation, Bucketing, read_order
from anomalyops_engine.query.aggregations.intervals import interval_renderer, keys_over
from anomalyops_engine.query.aggregations.rows import RowColumn, Rows, Values
from anomalyops_engine.query.date_options import date_format, time_zone
from anomalyops_engine.query.datemath import resolve_date
from anomalyops_engine.query.errors import IllegalQueryError, UnsupportedQueryError
from anomalyops_engine.query.expr import Expr, Literal, all_of, call, null, when
from anomalyops_engine.query.options import (
    MistypedError,
    Scalar,
    Subject,
    boolean,
    integer,
    option,
    scalar,
    shown,
    table_of,
    text,
)
from anomalyops_engine.store.dates import DEFAULT_FORMAT, format_millis
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A stretch of time as the request gives it, both ends included."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset()

    min: Scalar = option(scalar)
    max: Scalar = option(scalar)


@dataclass(frozen=True, slots=True, kw_only=True)
class DateHistogram(BucketAggregation):
    """A histogram over a date field."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"script"})

    field: str = option(text)
    fixed_interval: Interval | None = option(fixed_interval, None)
    calendar_interval: Interval | None = option(calendar_interval, None)
    offset: int = option(offset, 0)
    time_zone: tzinfo = option(time_zone, UTC)
    min_doc_count: int = option(integer(at_least=0), 0)
    keyed: bool = option(boolean, default=False)
    format: str | None = option(date_format, None)
    extended_bounds: Bounds | None = option(table_of(Bounds, Subject("extended_bounds")), None)
    hard_bounds: Bounds | None = option(table_of(Bounds, Subject("hard_bounds")), None)
    order: tuple[tuple[str, bool], ...] = option(read_order, (("_key", False),))
    missing: Scalar | None = option(scalar, None)

    def compile(self, name: str, rows: Rows) -> Bucketing:
        """Return keys and rendering; see `BucketAggregation.compile`."""
        buckets = Buckets(interval_of(self, name), self.offset - shift_ms(self.time_zone, name))
        column = date_column(self.field, rows)
        leaf = column.leaf
        formats = self.format or (leaf.formats if leaf is not None else DEFAULT_FORMAT)
        extended = self._moments(self.extended_bounds, formats, rows)

        def show(key: Any) -> dict[str, Any]:
            return {"key_as_string": format_millis(key, formats, self.time_zone), "key": key}

        values = date_values(column, self.missing, formats, self.time_zone)
        return Bucketing(
            name=name,
            typed_name="date_histogram",
            key=keys_over(values, buckets.key_of, hard=self._moments(self.hard_bounds, formats, rows)),
            render=interval_renderer(
                name,
                minimum=self.min_doc_count,
                order=self.order,
                keyed=self.keyed,
                show=show,
                following=buckets.following,
                extended=None if extended is None else tuple(map(buckets.floor, extended)),
            ),
            is_list=values.multi,
        )

    def _moments(self, bounds: Bounds | None, formats: str, rows: Rows) -> tuple[int, int] | None:
        if bounds is None:
            return None
        formats = f"{formats}||epoch_millis"
        low, high = (resolve_date(bound, formats, now_ms=rows.now_ms) for bound in (bounds.min, bounds.max))
        return low, high


def date_values(column: RowColumn, missing: Scalar | None, formats: str, tz: tzinfo) -> Values:
    """Return the moments of a date column, with `missing` where a row has none.

    Raises:
        QueryError: `missing` is no moment.
    """
    if missing is None:
        return Values(null("BIGINT"), "BIGINT", multi=False) if column.leaf is None else column.values
    return column.filled(resolve_date(missing, formats, tz=tz, now_ms=column.now_ms), "epoch_millis")


def date_column(name: str, rows: Rows) -> RowColumn:
    """Return the column of a date field; an unmapped one has no values.

    Raises:
        IllegalQueryError: the field is of another type.
    """
    column = rows.column(name)
    check_dates(column, "date_histogram")
    return column


def check_dates(column: RowColumn, kind: str) -> None:
    """Check that a column holds moments in all indices that map it.

    Raises:
        IllegalQueryError: it does not.
    """
    for leaf in column.field.leaves:
        if leaf is not None and not leaf.is_date:
            raise IllegalQueryError(
                f"Field [{column.name}] of type [{leaf.type}] is not supported for aggregation [{kind}]"
            )


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


def shift_ms(tz: tzinfo, name: str) -> int:
    """Return how far a zone is ahead of UTC, in milliseconds.

    Raises:
        UnsupportedQueryError: that is not always the same.
    """
    shift = tz.utcoffset(None)
    if shift is None:
        raise UnsupportedQueryError(
            f"[time_zone] [{tz}] of aggregation [{name}] is not supported by this engine; use UTC or an offset"
        )
    return int(shift / timedelta(milliseconds=1))


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
            key = value - (value % length + (2 * length - origin)) % length
            return when(value >= _SMALLEST + length, key)
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
