"""`date_histogram`: buckets of fixed length, or of calendar units, over moments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, ClassVar

from anomalyops_engine.query import spans
from anomalyops_engine.query.aggregations.aggregation import BucketAggregation, Bucketing, read_order
from anomalyops_engine.query.aggregations.date_buckets import (
    Buckets,
    Interval,
    calendar_interval,
    fixed_interval,
    interval_of,
    offset,
)
from anomalyops_engine.query.aggregations.intervals import Ends, check_ends, interval_renderer, keys_over
from anomalyops_engine.query.aggregations.range_fields import RANGES_OF_DATES, missing_range, range_kind
from anomalyops_engine.query.aggregations.rows import RowColumn, Rows, Values
from anomalyops_engine.query.aggregations.zoned_buckets import ZonedBuckets, buckets_in
from anomalyops_engine.query.date_options import date_format, time_zone
from anomalyops_engine.query.datemath import resolve_date
from anomalyops_engine.query.errors import IllegalQueryError, UnsupportedQueryError
from anomalyops_engine.query.expr import Expr, null
from anomalyops_engine.query.options import (
    MistypedError,
    Scalar,
    Subject,
    boolean,
    integer,
    option,
    scalar,
    table_of,
    text,
)
from anomalyops_engine.store.dates import DEFAULT_FORMAT, format_millis
from anomalyops_engine.store.fieldtypes.spans import RangeKind


def _bound(value: object) -> Scalar:
    """Read the end of a stretch of time: a text, or epoch milliseconds."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and not value.is_integer():
        raise MistypedError(value)
    return integer(at_least=-(2**63), at_most=2**63 - 1)(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A stretch of time as the request gives it, both ends included."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset()

    min: Scalar | None = option(_bound, None, nullable=True)
    max: Scalar | None = option(_bound, None, nullable=True)


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
        buckets = buckets_in(self.time_zone, interval_of(self, name), self.offset)
        column = rows.column(self.field, ranges=True)
        kind = range_kind(column, "date_histogram", RANGES_OF_DATES)
        if kind is None:
            check_dates(column, "date_histogram")
        leaf = column.leaf
        formats = self.format or (leaf.formats if leaf is not None else DEFAULT_FORMAT)
        extended = self._moments(self.extended_bounds, formats, rows)
        hard = self._moments(self.hard_bounds, formats, rows)
        check_ends(name, extended=extended, hard=hard)

        def show(key: Any) -> dict[str, Any]:
            return {"key_as_string": format_millis(key, formats, self.time_zone), "key": key}

        def keys() -> tuple[Expr, bool]:
            if kind is not None:
                return self._keys_of_ranges(name, column, kind, buckets, hard), True
            values = date_values(column, self.missing, formats, self.time_zone)
            return keys_over(values, buckets.key_of, hard=hard), values.multi

        key, is_list = keys()
        return Bucketing(
            name=name,
            typed_name="date_histogram",
            key=key,
            render=interval_renderer(
                name,
                minimum=self.min_doc_count,
                order=self.order,
                keyed=self.keyed,
                show=show,
                following=buckets.following,
                extended=None if extended is None else (_floor(buckets, extended[0]), _floor(buckets, extended[1])),
            ),
            is_list=is_list,
        )

    def _keys_of_ranges(
        self, name: str, column: RowColumn, kind: RangeKind, buckets: Buckets | ZonedBuckets, hard: Ends | None
    ) -> Expr:
        if self.missing is not None:
            raise missing_range(name, kind)
        if isinstance(buckets, ZonedBuckets):
            raise UnsupportedQueryError(
                f"[time_zone] of aggregation [{name}] on a [{kind.name}] must be one without changes of the clock in "
                f"this engine, got [{self.time_zone}]"
            )

        def keys(value: Expr) -> Expr:
            return spans.steps(*spans.clipped(kind, value, hard), buckets.interval.shortest_ms, buckets.key_of)

        return spans.keys_of(column.column, keys, multi=column.field.multi)

    def _moments(self, bounds: Bounds | None, formats: str, rows: Rows) -> Ends | None:
        if bounds is None:
            return None
        return self._moment(bounds.min, formats, rows), self._moment(bounds.max, formats, rows)

    def _moment(self, bound: Scalar | None, formats: str, rows: Rows) -> int | None:
        if bound is None or isinstance(bound, int):
            return bound
        return resolve_date(bound, f"{formats}||epoch_millis", tz=self.time_zone, now_ms=rows.now_ms)


def _floor(buckets: Buckets | ZonedBuckets, moment: int | None) -> int | None:
    return None if moment is None else buckets.floor(moment)


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
