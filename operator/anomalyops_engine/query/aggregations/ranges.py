"""`range` and `date_range`: buckets between bounds that may overlap."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from typing import Any, ClassVar

from anomalyops_engine.query.aggregations.aggregation import BucketAggregation, Bucketing, Found, Inner
from anomalyops_engine.query.aggregations.date_histogram import check_dates, date_values
from anomalyops_engine.query.aggregations.filters import numbers_of
from anomalyops_engine.query.aggregations.rows import RowColumn, Rows, Values
from anomalyops_engine.query.date_options import date_format, time_zone
from anomalyops_engine.query.datemath import resolve_date
from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.expr import FALSE, Column, Expr, Lambda, Literal, all_of, call
from anomalyops_engine.query.options import (
    MistypedError,
    Scalar,
    Subject,
    boolean,
    list_of,
    option,
    scalar,
    shown,
    table_of,
    text,
    token_text,
)
from anomalyops_engine.query.values import as_number, java_text
from anomalyops_engine.store import Field
from anomalyops_engine.store.dates import DEFAULT_FORMAT, format_millis

_Item = tuple[str | None, float | None, float | None]
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "+Infinity": math.inf, "-Infinity": -math.inf}


def _edge(value: object) -> Scalar:
    """Read a bound: a number, or a text."""
    if isinstance(value, bool):
        raise MistypedError(value)
    return scalar(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeItem:
    """Values from `lower` up to `upper`, exclusive, as the request gives them."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset()

    key: Scalar | None = option(_edge, None)
    lower: Scalar | None = option(_edge, None, key="from", nullable=True)
    upper: Scalar | None = option(_edge, None, key="to", nullable=True)

    def item(self, value_of: Callable[[Scalar], float]) -> _Item:
        """Return the key and both bounds as numbers."""
        key = None if self.key is None else token_text(self.key)
        low, high = (None if bound is None else value_of(bound) for bound in (self.lower, self.upper))
        return key, low, high


def _number(value: Scalar) -> float:
    """Return a bound as a number; texts are read as Java reads a double.

    Raises:
        NumberFormatError: it is none.
    """
    text = value.strip() if isinstance(value, str) else value
    return _NOT_FINITE[text] if isinstance(text, str) and text in _NOT_FINITE else float(as_number(text))


def _whole(value: Scalar) -> float:
    """Return a bound of a date range over numbers, where fractions of numbers do not count.

    Raises:
        NumberFormatError: it is none.
    """
    return _number(value if isinstance(value, str) else _truncated(value))


def _truncated(value: Scalar) -> Scalar:
    """Return a number without its fraction, within 64 bits."""
    return min(max(int(value), -(2**63)), 2**63 - 1) if isinstance(value, float) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(BucketAggregation):
    """One bucket for each range of the numbers of a field."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"script", "format"})

    field: str = option(text)
    ranges: tuple[RangeItem, ...] = option(list_of(table_of(RangeItem, Subject("range"))), ())
    keyed: bool = option(boolean, default=False)
    missing: Scalar | None = option(scalar, None)

    def compile(self, name: str, rows: Rows) -> Bucketing:
        """Return keys and rendering; see `BucketAggregation.compile`."""
        column = rows.column(self.field)
        if not column.field.is_numeric or column.field.type == "BOOLEAN":
            raise IllegalQueryError(
                f"Field [{self.field}] of type [{column.type_name}] is not supported for aggregation [range]"
            )
        if any(map(_is_date, column.field.leaves)):
            dates = DateRange(field=self.field, ranges=self.ranges, keyed=self.keyed, missing=self.missing)
            return replace(dates.compile(name, rows), typed_name="range")
        _check_some(self.ranges, name)
        values = column.filled(None if self.missing is None else as_number(self.missing))
        items = [item.item(_number) for item in self.ranges]
        return _compile(name, "range", values, items, keyed=self.keyed, as_string=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRange(BucketAggregation):
    """One bucket for each stretch of time of a date field."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"script"})

    field: str = option(text)
    ranges: tuple[RangeItem, ...] = option(list_of(table_of(RangeItem, Subject("range"))), ())
    keyed: bool = option(boolean, default=False)
    format: str | None = option(date_format, None)
    missing: Scalar | None = option(scalar, None)
    time_zone: tzinfo = option(time_zone, UTC)

    def compile(self, name: str, rows: Rows) -> Bucketing:
        """Return keys and rendering; see `BucketAggregation.compile`."""
        column = rows.column(self.field)
        leaf = column.leaf
        _check_some(self.ranges, name)
        if leaf is not None and column.field.is_numeric and not any(map(_is_date, column.field.leaves)):
            return self._of_numbers(name, column)
        check_dates(column, "date_range")
        formats = self.format or (leaf.formats if leaf is not None else DEFAULT_FORMAT)

        def moment(value: Scalar) -> float:
            return resolve_date(_truncated(value), f"{formats}||epoch_millis", tz=self.time_zone, now_ms=rows.now_ms)

        items = [item.item(moment) for item in self.ranges]
        return _compile(
            name,
            "date_range",
            date_values(column, self.missing, formats, self.time_zone),
            items,
            keyed=self.keyed,
            as_string=lambda value: format_millis(int(value), formats, self.time_zone),
        )

    def _of_numbers(self, name: str, column: RowColumn) -> Bucketing:
        """Return keys and rendering for a field of numbers, whose bounds are numbers then."""
        bound = _truth if column.field.type == "BOOLEAN" else _whole
        values = column.filled(None if self.missing is None else bound(self.missing))
        items = [item.item(bound) for item in self.ranges]
        return _compile(name, "date_range", values, items, keyed=self.keyed, as_string=None)


def _check_some(ranges: Sequence[RangeItem], name: str) -> None:
    """Check that there is a range at all.

    Raises:
        IllegalQueryError: there is none.
    """
    if not ranges:
        raise IllegalQueryError(f"No [ranges] specified for the [{name}] aggregation")


def _is_date(leaf: Field | None) -> bool:
    return leaf is not None and leaf.is_date


def _truth(value: Scalar) -> float:
    """Return a bound of a field of truth values.

    Raises:
        IllegalQueryError: it is neither true nor false.
    """
    if value not in {"true", "false"}:
        raise IllegalQueryError(f"Cannot parse boolean [{shown(value)}], expected either [true] or [false]")
    return 1.0 if value == "true" else 0.0


def _compile(
    name: str,
    kind: str,
    values: Values,
    items: Sequence[_Item],
    *,
    keyed: bool,
    as_string: Callable[[float], str] | None,
) -> Bucketing:
    # Answers come in the order of the bounds, whatever that of the request is.
    items = sorted(items, key=_place)
    shown = [_shown(item, as_string) for item in items]

    def render(found: Sequence[Found], inner: Inner) -> dict[str, Any]:
        counts = {bucket.key: bucket.count for bucket in found}
        buckets = [{**shown[n], "doc_count": counts.get(n, 0), **inner(n)} for n in range(len(shown))]
        if keyed:
            return {"buckets": {bucket.pop("key"): bucket for bucket in buckets}}
        return {"buckets": buckets}

    key = numbers_of([_some_within(values, lower, upper) for _, lower, upper in items])
    return Bucketing(name=name, typed_name=kind, key=key, render=render, is_list=True)


def _place(item: _Item) -> tuple[tuple[bool, float], tuple[bool, float]]:
    """Return where a range comes among others: no bound is the furthest one, and what is no number comes last."""
    _, lower, upper = item

    def place(bound: float) -> tuple[bool, float]:
        return (True, 0.0) if math.isnan(bound) else (False, bound)

    return place(-math.inf if lower is None else lower), place(math.inf if upper is None else upper)


def _some_within(values: Values, lower: float | None, upper: float | None) -> Expr:
    """Return that some value lies in [lower, upper)."""
    if any(bound is not None and math.isnan(bound) for bound in (lower, upper)):
        return FALSE

    def within(value: Expr) -> Expr:
        limits = [] if lower is None else [value >= Literal(lower)]
        limits += [] if upper is None else [value < Literal(upper)]
        return all_of(limits or [value.is_not_null()])

    if not values.multi:
        return within(values.expression)
    return call("len", call("list_filter", values.expression, Lambda("item", within(Column("item"))))) > 0


def _shown(item: _Item, as_string: Callable[[float], str] | None) -> dict[str, Any]:
    key, *bounds = item
    written_as = as_string or java_text
    texts = ["*" if bound is None or math.isinf(bound) else written_as(bound) for bound in bounds]
    answer: dict[str, Any] = {"key": "-".join(texts) if key is None else key}
    for name, bound, written in zip(("from", "to"), bounds, texts, strict=True):
        if bound is not None and not math.isinf(bound):
            answer[name] = java_text(bound) if math.isnan(bound) else float(bound)
            if as_string is not None:
                answer[f"{name}_as_string"] = written
    return answer
