"""`histogram`: buckets of equal width over numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from anomalyops_engine.query import spans
from anomalyops_engine.query.aggregations.aggregation import BucketAggregation, Bucketing, read_order
from anomalyops_engine.query.aggregations.intervals import Ends, check_inside, interval_renderer, keys_over
from anomalyops_engine.query.aggregations.range_fields import RANGES_OF_NUMBERS, missing_range, range_kind
from anomalyops_engine.query.aggregations.rows import RowColumn, Rows
from anomalyops_engine.query.errors import ContentParseError, IllegalQueryError
from anomalyops_engine.query.expr import Cast, Expr, Literal, call
from anomalyops_engine.query.options import Scalar, Subject, boolean, integer, number, option, scalar, table_of, text
from anomalyops_engine.query.values import as_number
from anomalyops_engine.store.fieldtypes.spans import RangeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A stretch of numbers, both ends included."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset()

    min: float | None = option(number(), None, nullable=True)
    max: float | None = option(number(), None, nullable=True)

    def __post_init__(self) -> None:
        """Check that the stretch goes from low to high.

        Raises:
            ContentParseError: it does not.
        """
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ContentParseError(f"[min] [{self.min}] is greater than [max] [{self.max}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram(BucketAggregation):
    """A histogram over a numeric field."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"script", "format"})

    field: str = option(text)
    interval: float = option(number(above=0))
    offset: float = option(number(), 0.0)
    min_doc_count: int = option(integer(at_least=0), 0)
    keyed: bool = option(boolean, default=False)
    extended_bounds: Bounds | None = option(table_of(Bounds, Subject("extended_bounds")), None)
    hard_bounds: Bounds | None = option(table_of(Bounds, Subject("hard_bounds")), None)
    order: tuple[tuple[str, bool], ...] = option(read_order, (("_key", False),))
    missing: Scalar | None = option(scalar, None)

    def compile(self, name: str, rows: Rows) -> Bucketing:
        """Return keys and rendering; see `BucketAggregation.compile`."""
        column = rows.column(self.field, ranges=True)
        kind = range_kind(column, "histogram", RANGES_OF_NUMBERS)
        if kind is None and not column.field.is_numeric:
            raise IllegalQueryError(
                f"Field [{self.field}] of type [{column.type_name}] is not supported for aggregation [histogram]"
            )
        width, offset = self.interval, self.offset
        extended, hard = _ends(self.extended_bounds), _ends(self.hard_bounds)
        check_inside(extended, hard)

        def keys() -> tuple[Expr, bool]:
            if kind is not None:
                return self._keys_of_ranges(name, column, kind, hard), True
            values = column.filled(None if self.missing is None else as_number(self.missing))
            return keys_over(values, key_of, hard=hard), values.multi

        def key_of(value: Expr) -> Expr:
            return call("floor", (Cast(value, "DOUBLE") - Literal(offset)) / Literal(width)) * Literal(width) + offset

        def floor(value: float | None) -> float | None:
            return None if value is None else (value - offset) // width * width + offset

        def following(key: float) -> float:
            return (round((key - offset) / width) + 1) * width + offset

        key, is_list = keys()
        return Bucketing(
            name=name,
            typed_name="histogram",
            key=key,
            render=interval_renderer(
                name,
                minimum=self.min_doc_count,
                order=self.order,
                keyed=self.keyed,
                show=lambda value: {"key": float(value)},
                following=following,
                extended=None if extended is None else (floor(extended[0]), floor(extended[1])),
            ),
            is_list=is_list,
        )

    def _keys_of_ranges(self, name: str, column: RowColumn, kind: RangeKind, hard: Ends | None) -> Expr:
        if self.missing is not None:
            raise missing_range(name, kind)

        def keys(value: Expr) -> Expr:
            return spans.widths(*spans.clipped(kind, value, hard), self.interval, self.offset)

        return spans.keys_of(column.column, keys, multi=column.field.multi)


def _ends(bounds: Bounds | None) -> Ends | None:
    return None if bounds is None else (bounds.min, bounds.max)
