"""`auto_date_histogram`: at most so many buckets over the moments that there are, as fine as possible.

Which width is chosen follows Elasticsearch (`AutoDateHistogramAggregator`, `InternalAutoDateHistogram`): units of time
from seconds to years, of which so many make a bucket that a person would. The first bucket begins with the unit of the
first moment, and so do those that follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, ClassVar, Final

from anomalyops_engine.query.aggregations.aggregation import BucketAggregation, Bucketing, Found, Inner
from anomalyops_engine.query.aggregations.date_buckets import Buckets, Interval, calendar_interval
from anomalyops_engine.query.aggregations.date_histogram import check_dates, date_values
from anomalyops_engine.query.aggregations.figures import Figures
from anomalyops_engine.query.aggregations.intervals import keys_over
from anomalyops_engine.query.aggregations.rows import Rows
from anomalyops_engine.query.aggregations.zoned_buckets import ZonedBuckets, buckets_in
from anomalyops_engine.query.date_options import date_format, time_zone
from anomalyops_engine.query.errors import IllegalQueryError, TooManyBucketsError, UnsupportedQueryError
from anomalyops_engine.query.expr import Expr, Literal, call
from anomalyops_engine.query.limits import limits
from anomalyops_engine.query.options import MistypedError, Scalar, integer, option, scalar, text
from anomalyops_engine.store.dates import DEFAULT_FORMAT, format_millis


@dataclass(frozen=True, slots=True)
class _Unit:
    """A unit of time.

    Attributes:
        name: as `minimum_interval` says it.
        letter: as the answer's `interval` says it.
        about_ms: its length, about.
        counts: how many of it may make a bucket.
    """

    name: str
    letter: str
    about_ms: int
    counts: tuple[int, ...]

    @property
    def interval(self) -> Interval:
        """Buckets of one of it."""
        return calendar_interval(self.name)


_SECOND: Final = 1000
_DAY: Final = 86_400 * _SECOND
_UNITS: Final = (
    _Unit("second", "s", _SECOND, (1, 5, 10, 30)),
    _Unit("minute", "m", 60 * _SECOND, (1, 5, 10, 30)),
    _Unit("hour", "h", 3600 * _SECOND, (1, 3, 12)),
    _Unit("day", "d", _DAY, (1, 7)),
    _Unit("month", "M", 30 * _DAY, (1, 3)),
    _Unit("year", "y", 365 * _DAY, (1, 5, 10, 20, 50, 100)),
)


def _minimum(value: object) -> str | None:
    if value is None:
        return None
    names = [unit.name for unit in _UNITS]
    if not isinstance(value, str):
        raise MistypedError(value)
    if value not in names:
        raise IllegalQueryError(f"minimum_interval must be one of [{', '.join(names)}]")
    return value


@dataclass(frozen=True, slots=True)
class Chosen:
    """The buckets over some moments.

    Attributes:
        buckets: of one unit each.
        units: where each unit begins, from that of the first moment to that of the last.
        count: how many units make a bucket.
        name: the width.
    """

    buckets: Buckets | ZonedBuckets
    units: tuple[int, ...]
    count: int
    name: str

    @property
    def starts(self) -> tuple[int, ...]:
        """Where each bucket begins."""
        return self.units[:: self.count]

    def number_of(self, moment: Expr) -> Expr:
        """Return the number of the bucket of a moment, from 0."""
        start, length = self.buckets.key_of(moment), getattr(self.buckets, "interval", Interval()).milliseconds
        if isinstance(self.buckets, Buckets) and length is not None:
            return (start - self.units[0]) // (length * self.count)
        place = call("nullif", call("list_position", Literal(self.units, "BIGINT[]"), start), 0)
        return (place - 1) // self.count


def choose(first: int, last: int, most: int, tz: tzinfo, minimum: str | None = None) -> Chosen:
    """Return the finest buckets over a stretch of time of which there are not too many.

    Args:
        first: its first moment, epoch milliseconds.
        last: its last one.
        most: how many buckets there may be.
        tz: where units begin.
        minimum: the finest unit that will do, None for any.

    Raises:
        TooManyBucketsError: even the widest ones are too many to be shown.
    """
    units = _from(minimum)
    found: tuple[Buckets | ZonedBuckets, tuple[int, ...]] | None = None
    for place, unit in enumerate(units):
        widest = most * unit.counts[-1]
        is_last = place == len(units) - 1
        # A rough look spares counting the seconds of a year.
        if not is_last and (last - first) // unit.about_ms > 2 * widest:
            continue
        buckets = buckets_in(tz, unit.interval, 0)
        found = buckets, _starts(buckets, first, last, most=widest if not is_last else limits().buckets)
        if len(found[1]) <= widest or is_last:
            break
    assert found is not None  # noqa: S101 (the last unit always is looked at)
    buckets, starts = found
    if len(starts) > limits().buckets and len(starts) > most * unit.counts[-1]:
        raise TooManyBucketsError(limits().buckets)
    fitting = (count for count in unit.counts if -(-len(starts) // count) <= most)
    count = next(fitting, 1) if len(starts) > most else 1
    return Chosen(buckets, starts, count, f"{count}{unit.letter}")


def _from(minimum: str | None) -> tuple[_Unit, ...]:
    names = [unit.name for unit in _UNITS]
    return _UNITS if minimum is None else _UNITS[names.index(minimum) :]


def _starts(buckets: Buckets | ZonedBuckets, first: int, last: int, *, most: int) -> tuple[int, ...]:
    """Return where units begin, one more than the most where there are more."""
    starts = [buckets.floor(first)]
    while len(starts) <= most and (following := buckets.following(starts[-1])) <= last:
        starts.append(following)
    return tuple(starts)


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoDateHistogram(BucketAggregation):
    """A histogram over a date field that finds its interval."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"script", "value_type"})

    field: str = option(text)
    buckets: int = option(integer(), 10)
    minimum_interval: str | None = option(_minimum, None)
    time_zone: tzinfo = option(time_zone, UTC)
    format: str | None = option(date_format, None)
    missing: Scalar | None = option(scalar, None)

    def compile(self, name: str, rows: Rows) -> Bucketing:
        """Return keys and rendering; see `BucketAggregation.compile`."""
        self._check(name)
        column = rows.column(self.field)
        check_dates(column, "auto_date_histogram")
        formats = self.format or (DEFAULT_FORMAT if column.leaf is None else column.leaf.formats)
        values = date_values(column, self.missing, formats, self.time_zone)
        if rows.ask is None:
            raise UnsupportedQueryError(f"[auto_date_histogram] of [{name}] is supported in a search only")
        figures = Figures(values)
        first, last = rows.ask((figures.min, figures.max))
        chosen = None if first is None else choose(first, last, self.buckets, self.time_zone, self.minimum_interval)

        def render(found: Sequence[Found], inner: Inner) -> dict[str, Any]:
            counts = {bucket.key: bucket.count for bucket in found}
            starts = () if chosen is None else chosen.starts
            buckets = [
                {
                    "key_as_string": format_millis(start, formats, self.time_zone),
                    "key": start,
                    "doc_count": counts.get(number, 0),
                    **inner(number),
                }
                for number, start in enumerate(starts)
            ]
            width = f"1{_from(self.minimum_interval)[0].letter}" if chosen is None else chosen.name
            return {"buckets": buckets, "interval": width}

        number_of = chosen.number_of if chosen is not None else (lambda _: Literal(0))
        key = keys_over(values, number_of, hard=None)
        return Bucketing(name=name, typed_name="auto_date_histogram", key=key, render=render, is_list=values.multi)

    def _check(self, name: str) -> None:
        if self.buckets <= 0:
            raise IllegalQueryError(f"buckets must be greater than 0 for [{name}]")
        units = _from(self.minimum_interval)
        widest = max((unit.counts[-1] for unit in units[:-1]), default=1)
        ceiling = limits().buckets // widest
        if self.buckets > ceiling:
            raise IllegalQueryError(f"buckets must be less than {ceiling}")
