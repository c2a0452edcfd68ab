"""`range` and `date_range`: buckets between bounds that may overlap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, ClassVar

from anomalyops_engine.query.aggregations.aggregation import BucketAggregation, Bucketing, Found, Inner
from anomalyops_engine.query.aggregations.date_histogram import check_dates, date_values
from anomalyops_engine.query.aggregations.filters import numbers_of
from anomalyops_engine.query.aggregations.rows import Rows, Values
from anomalyops_engine.query.date_options import date_format, time_zone
from anomalyops_engine.query.datemath import resolve_date
from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.expr import Column, Expr, Lambda, Literal, all_of, call
from anomalyops_engine.query.options import Scalar, Subject, boolean, list_of, number, option, scalar, table_of, text
from anomalyops_engine.query.values import as_number
from anomalyops_engine.store.dates import format_millis


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRange:
    """Numbers from `lower` up to `upper`, exclusive."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset()

    key: str | None = option(text, None)
    lower: float | None = option(number(), None, key="from", nullable=True)
    upper: float | None = option(number(), None, key="to", nullable=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRangeItem:
    """Moments from `lower` up to `upper`, exclusive, as the request gives them."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset()

    key: str | None = option(text, None)
    lower: Scalar | None = option(scalar, None, key="from", nullable=True)
    upper: Scalar | None = option(scalar, None, key="to", nullable=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(BucketAggregation):
    """One bucket for each range of the numbers of a field."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"script", "format"})

    field: str = option(text)
    ranges: tuple[NumberRange, ...] = option(list_of(table_of(NumberRange, Subject("ranges")), least=1))
    keyed: bool = option(boolean, default=False)
    missing: Scalar | None = option(scalar, None, nullable=True)

    def compile(self, name: str, rows: Rows) -> Bucketing:
        """Return keys and rendering; see `BucketAggregation.compile`."""
        column = rows.column(self.field)
        if not column.field.is_numeric or column.field.type == "BOOLEAN":
            raise IllegalQueryError(
                f"Field [{self.field}] of type [{column.type_name}] is not supported for aggregation [range]"
            )
        values = column.filled(None if self.missing is None else as_number(self.missing))
        items = [(item.key, item.lower, item.upper) for item in self.ranges]
        return _compile(name, "range", values, items, keyed=self.keyed, as_string=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRange(BucketAggregation):
    """One bucket for each stretch of time of a date field."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"script"})

    field: str = option(text)
    ranges: tuple[DateRangeItem, ...] = option(list_of(table_of(DateRangeItem, Subject("ranges")), least=1))
    keyed: bool = option(boolean, default=False)
    format: str | None = option(date_format, None)
    missing: Scalar | None = option(scalar, None, nullable=True)
    time_zone: tzinfo = option(time_zone, UTC)

    def compile(self, name: str, rows: Rows) -> Bucketing:
        """Return keys and rendering; see `BucketAggregation.compile`."""
        column = rows.column(self.field)
        leaf = column.leaf
        check_dates(column, "date_range")
        formats = self.format or (leaf.formats if leaf is not None else "epoch_millis")

        def moment(value: Scalar | None) -> int | None:
            if value is None:
                return None
            return resolve_date(value, f"{formats}||epoch_millis", tz=self.time_zone, now_ms=rows.now_ms)

        items = [(item.key, moment(item.lower), moment(item.upper)) for item in self.ranges]
        return _compile(
            name,
            "date_range",
            date_values(column, self.missing, formats, self.time_zone),
            items,
            keyed=self.keyed,
            as_string=lambda value: format_millis(int(value), formats, self.time_zone),
        )


_Item = tuple[str | None, float | None, float | None]


def _compile(
    name: str,
    kind: str,
    values: Values,
    items: Sequence[_Item],
    *,
    keyed: bool,
    as_string: Callable[[float], str] | None,
) -> Bucketing:
    shown = [_shown(item, as_string) for item in items]

    def render(found: Sequence[Found], inner: Inner) -> dict[str, Any]:
        counts = {bucket.key: bucket.count for bucket in found}
        buckets = [{**shown[n], "doc_count": counts.get(n, 0), **inner(n)} for n in range(len(shown))]
        if keyed:
            return {"buckets": {bucket.pop("key"): bucket for bucket in buckets}}
        return {"buckets": buckets}

    key = numbers_of([_some_within(values, lower, upper) for _, lower, upper in items])
    return Bucketing(name=name, typed_name=kind, key=key, render=render, is_list=True)


def _some_within(values: Values, lower: float | None, upper: float | None) -> Expr:
    """Return that some value lies in [lower, upper)."""

    def within(value: Expr) -> Expr:
        limits = [] if lower is None else [value >= Literal(lower)]
        limits += [] if upper is None else [value < Literal(upper)]
        return all_of(limits or [value.is_not_null()])

    if not values.multi:
        return within(values.expression)
    return call("len", call("list_filter", values.expression, Lambda("item", within(Column("item"))))) > 0


def _shown(item: _Item, as_string: Callable[[float], str] | None) -> dict[str, Any]:
    key, *bounds = item
    texts = ["*" if bound is None else str(bound) if as_string is None else as_string(bound) for bound in bounds]
    shown: dict[str, Any] = {"key": "-".join(texts) if key is None else key}
    for name, bound, written in zip(("from", "to"), bounds, texts, strict=True):
        if bound is not None:
            shown[name] = float(bound)
            if as_string is not None:
                shown[f"{name}_as_string"] = written
    return shown
