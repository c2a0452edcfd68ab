"""Metric aggregations: aggregates over values, and the numbers as the response shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from anomalyops_engine.query.aggregations.rows import RowColumn, Rows
from anomalyops_engine.query.aggregations.tree import Node
from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError
from anomalyops_engine.query.expr import Aggregate, Cast, Expr, ListOf, Literal, call
from anomalyops_engine.store.dates import format_millis

_PERCENTS = (1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0)
_ANY_TYPE = frozenset({"value_count", "cardinality"})
_IGNORED = ("precision_threshold", "execution_hint", "rehash", "tdigest", "hdr", "value_type")


@dataclass(frozen=True, slots=True)
class Metric:
    """A compiled metric.

    Attributes:
        node: the aggregation.
        expressions: the aggregates.
        show: makes the response object of their values; None values stand for an empty bucket.
        orders: which expression an `order` on the metric (or on `metric.part`) means, by part ("" for the value).
    """

    node: Node
    expressions: tuple[Expr, ...]
    show: Callable[[Sequence[Any]], dict[str, Any]]
    orders: dict[str, int]


def compile_metric(node: Node, rows: Rows) -> Metric:
    """Return the aggregates and the rendering of a metric.

    Raises:
        IllegalQueryError: the field's type does not allow it.
        QueryParsingError: malformed options.
    """
    node.only("field", "missing", "format", "percents", "keyed", *_IGNORED)
    column = rows.column(str(node.required("field")))
    if node.kind not in _ANY_TYPE and not column.field.is_numeric:
        kind = column.leaf.type if column.leaf is not None else "unmapped"
        raise IllegalQueryError(
            f"Field [{column.name}] of type [{kind}] is not supported for aggregation [{node.kind}]"
        )
    values = _Values(column, node.options.get("missing"), as_number=node.kind not in _ANY_TYPE)
    if node.kind == "stats":
        return _stats(node, values)
    if node.kind == "percentiles":
        return _percentiles(node, values)
    expression: Expr = getattr(values, node.kind)
    whole = node.kind in _ANY_TYPE
    as_date = node.kind in {"min", "max", "avg"} and column.field.is_date
    empty = 0 if whole else 0.0 if node.kind == "sum" else None

    def show(found: Sequence[Any]) -> dict[str, Any]:
        value = empty if found[0] is None else int(found[0]) if whole else float(found[0])
        shown: dict[str, Any] = {"value": value}
        if as_date and value is not None and column.leaf is not None:
            shown["value_as_string"] = format_millis(int(value), str(node.options.get("format", column.leaf.formats)))
        return shown

    return Metric(node, (expression,), show, {"": 0, "value": 0})


class _Values:
    """Aggregates over a column, whether a document has one value of it or a list."""

    def __init__(self, column: RowColumn, missing: object, *, as_number: bool) -> None:
        values = column.values()
        if column.field.type == "BOOLEAN" and as_number:
            values = Cast(values, "INTEGER[]" if column.multi else "INTEGER")
        self.multi = column.multi
        if missing is not None:
            filler = Literal(_missing_value(missing, column))
            values = call("coalesce", values, ListOf((filler,)) if column.multi else filler)
        self._values = values

    @property
    def min(self) -> Expr:
        return Aggregate("min", (call("list_min", self._values) if self.multi else self._values,))

    @property
    def max(self) -> Expr:
        return Aggregate("max", (call("list_max", self._values) if self.multi else self._values,))

    @property
    def sum(self) -> Expr:
        # Compensated, so that the order of documents does not show in the last digits.
        return Aggregate("fsum", (call("list_sum", self._values) if self.multi else self._values,))

    @property
    def value_count(self) -> Expr:
        if self.multi:
            return Aggregate("sum", (call("len", self._values),))
        return Aggregate("count", (self._values,))

    @property
    def avg(self) -> Expr:
        return self.sum / self.value_count if self.multi else Aggregate("avg", (self._values,))

    @property
    def cardinality(self) -> Expr:
        if self.multi:
            return call("len", call("list_distinct", self._flat))
        return Aggregate("count", (self._values,), distinct=True)

    @property
    def _flat(self) -> Expr:
        return call("flatten", Aggregate("list", (self._values,)))

    def quantiles(self, fractions: Sequence[float]) -> Expr:
        wanted = tuple(fractions)
        if self.multi:
            return call("list_aggregate", self._flat, "quantile_cont", wanted)
        return Aggregate("quantile_cont", (self._values, Literal(wanted)))


def _stats(node: Node, values: _Values) -> Metric:
    def show(found: Sequence[Any]) -> dict[str, Any]:
        number = int(found[0] or 0)
        rest = [None if value is None else float(value) for value in found[1:]]
        return {"count": number, "min": rest[0], "max": rest[1], "avg": rest[2], "sum": rest[3] or 0.0}

    expressions = (values.value_count, values.min, values.max, values.avg, values.sum)
    return Metric(node, expressions, show, {"count": 0, "min": 1, "max": 2, "avg": 3, "sum": 4})


def _percentiles(node: Node, values: _Values) -> Metric:
    percents = node.options.get("percents", _PERCENTS)
    if not isinstance(percents, list | tuple) or not percents:
        raise QueryParsingError(f"[percents] of aggregation [{node.name}] must be a list of numbers, got [{percents}]")
    if not all(isinstance(p, int | float) and 0 <= p <= 100 for p in percents):
        raise IllegalQueryError(f"percent must be in [0,100], got [{percents}] in aggregation [{node.name}]")
    numbers = sorted({float(percent) for percent in percents})
    keyed = node.options.get("keyed", True)

    def show(found: Sequence[Any]) -> dict[str, Any]:
        quantiles = found[0] if found[0] is not None else [None] * len(numbers)
        pairs = [(number, None if q is None else float(q)) for number, q in zip(numbers, quantiles, strict=True)]
        if keyed:
            return {"values": {str(number): value for number, value in pairs}}
        return {"values": [{"key": number, "value": value} for number, value in pairs]}

    return Metric(node, (values.quantiles([number / 100 for number in numbers]),), show, {})


def _missing_value(value: object, column: RowColumn) -> str | int | float:
    if column.field.type == "VARCHAR":
        return str(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise IllegalQueryError(f"[missing] of field [{column.name}] must be a number, got [{value}]")
    return value
