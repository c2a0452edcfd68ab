"""Aggregates over the values of a field: what metrics are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from anomalyops_engine.query.aggregations.rows import RowColumn, Values
from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.expr import Aggregate, Cast, Column, Expr, Lambda, Literal, call
from anomalyops_engine.query.options import Scalar
from anomalyops_engine.query.values import as_number

# Their sums are exact.
_WHOLE = frozenset({"BIGINT", "INTEGER", "UBIGINT"})


@dataclass(frozen=True, slots=True)
class Figures:
    """Aggregates over values, whether a row has one of them or a list."""

    values: Values

    @property
    def min(self) -> Expr:
        """The smallest value."""
        return Aggregate("min", (self._each("list_min"),))

    @property
    def max(self) -> Expr:
        """The largest value."""
        return Aggregate("max", (self._each("list_max"),))

    @property
    def sum(self) -> Expr:
        """The sum of the values."""
        if self.values.type in _WHOLE:
            return Cast(Aggregate("sum", (self._each("list_sum"),)), "DOUBLE")
        # Compensated, so that the order of documents does not show in the last digits.
        return Aggregate("fsum", (self._each("list_sum"),))

    @property
    def sum_of_squares(self) -> Expr:
        """The sum of their squares."""
        value = Column("value") if self.values.multi else self.values.expression
        square = Cast(value, "DOUBLE") * Cast(value, "DOUBLE")
        if self.values.multi:
            square = call("list_sum", call("list_transform", self.values.expression, Lambda("value", square)))
        return Aggregate("fsum", (square,))

    @property
    def deviation_from_median(self) -> Expr:
        """The median of how far values lie from their median."""
        if self.values.multi:
            return call("list_aggregate", Cast(self._flat, "DOUBLE[]"), "mad")
        return Aggregate("mad", (Cast(self.values.expression, "DOUBLE"),))

    @property
    def each_sum(self) -> Expr:
        """The sum of the values of one row."""
        return self._each("list_sum")

    @property
    def each_count(self) -> Expr:
        """The number of the values of one row."""
        return call("len", self.values.expression) if self.values.multi else Literal(1)

    @property
    def value_count(self) -> Expr:
        """How many values there are."""
        if self.values.multi:
            return Aggregate("sum", (call("len", self.values.expression),))
        return Aggregate("count", (self.values.expression,))

    @property
    def avg(self) -> Expr:
        """Their mean."""
        return self.sum / self.value_count if self.values.multi else Aggregate("avg", (self.values.expression,))

    @property
    def cardinality(self) -> Expr:
        """How many different ones there are."""
        if self.values.multi:
            return call("len", call("list_distinct", self._flat))
        return Aggregate("count", (self.values.expression,), distinct=True)

    def _each(self, function: Any) -> Expr:
        return call(function, self.values.expression) if self.values.multi else self.values.expression

    @property
    def _flat(self) -> Expr:
        return call("flatten", Aggregate("list", (self.values.expression,)))

    def quantiles(self, fractions: Sequence[float]) -> Expr:
        """Return the quantiles of some fractions, as a list."""
        wanted = tuple(fractions)
        if self.values.multi:
            return call("list_aggregate", self._flat, "quantile_cont", wanted)
        return Aggregate("quantile_cont", (self.values.expression, Literal(wanted)))


def figures_of(column: RowColumn, kind: str, missing: Scalar | None, formats: str | None) -> Figures:
    """Return the figures of a field that can be added up; truth values count as 0 and 1."""
    if not column.field.is_numeric:
        raise IllegalQueryError(
            f"Field [{column.name}] of type [{column.type_name}] is not supported for aggregation [{kind}]"
        )
    if column.leaf is None and missing is not None:
        missing = as_number(missing)
    values = column.filled(missing, formats or "")
    if values.type == "BOOLEAN":
        whole = Cast(values.expression, "BIGINT[]" if values.multi else "BIGINT")
        values = replace(values, expression=whole, type="BIGINT")
    return Figures(values)
