"""Aggregate functions: one value for a group of rows, of all values in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from anomalyops_engine.query.esql.datatypes import SQL, DataType
from anomalyops_engine.query.esql.functions.function import (
    ANY,
    ANYTHING,
    FIXED_TEXT,
    NUMBER,
    NUMBERS,
    Build,
    Function,
    Parameter,
    optional,
)
from anomalyops_engine.query.esql.operands import Operand, as_type
from anomalyops_engine.query.esql.operators import finite
from anomalyops_engine.query.esql.scope import Scope, fail
from anomalyops_engine.query.esql.syntax import Call
from anomalyops_engine.query.expr import AggregateFunction, Cast, Expr, Literal, ScalarFunction, call, when

_MOST_TOP = 100_000


def _all_values(scope: Scope, operand: Operand) -> Expr:
    """Return all values of a group as one list, NULL without any."""
    lists = scope.aggregate("list", (operand.listed,))
    return scope.fresh.filled(call("flatten", lists))


def _count(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    if not operands or (operands[0].fixed and operands[0].value is not None and not operands[0].multi):
        return Operand(scope.aggregate("count"), "long")
    (operand,) = operands
    if not operand.multi:
        return Operand(scope.aggregate("count", (operand.expr,)), "long")
    total = scope.aggregate("sum", (call("len", operand.expr),))
    return Operand(Cast(call("coalesce", total, 0), "BIGINT"), "long")


def _count_distinct(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    operand = operands[0]
    if not operand.multi:
        return Operand(scope.aggregate("count", (operand.expr,), distinct=True), "long")
    found = call("len", call("list_distinct", _all_values(scope, operand)))
    return Operand(call("coalesce", found, 0), "long")


def _sum(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    (operand,) = operands
    value = call("list_sum", operand.expr) if operand.multi else operand.expr
    if operand.type == "double":
        return Operand(finite(scope, scope.aggregate("fsum", (value,))), "double")
    made: DataType = "unsigned_long" if operand.type == "unsigned_long" else "long"
    return Operand(Cast(scope.aggregate("sum", (value,)), SQL[made], lenient=True), made)


def _avg(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    (operand,) = operands
    if not operand.multi:
        return Operand(finite(scope, scope.aggregate("avg", (operand.expr,))), "double")
    total = scope.aggregate("sum", (Cast(call("list_sum", operand.expr), "DOUBLE"),))
    count = Cast(scope.aggregate("sum", (call("len", operand.expr),)), "DOUBLE")
    return Operand(finite(scope, total / count), "double")


def _edge(function: AggregateFunction, of_list: ScalarFunction) -> Build:
    def make(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
        (operand,) = operands
        value = call(of_list, operand.expr) if operand.multi else operand.expr
        made: DataType = "keyword" if operand.type == "text" else operand.type
        return Operand(scope.aggregate(function, (value,)), made)

    return make


def _figure(function: AggregateFunction) -> Build:
    """Return the making of a fraction that tells how numbers lie."""

    def make(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
        operand = as_type(operands[0], "double")
        if operand.multi:
            found: Expr = call("list_aggregate", _all_values(scope, operand), function)
        else:
            found = scope.aggregate(function, (operand.expr,))
        return Operand(finite(scope, found), "double")

    return make


def _percentile(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    operand, percent = as_type(operands[0], "double"), operands[1]
    if percent.value is None or not 0 <= float(percent.value) <= 100:
        fail(node.at, f"second argument of [{node.text}] must be between 0 and 100, received [{percent.value}]")
    share = Literal(float(percent.value) / 100)
    if operand.multi:
        found: Expr = call("list_aggregate", _all_values(scope, operand), "quantile_cont", share)
    else:
        found = scope.aggregate("quantile_cont", (operand.expr, share))
    return Operand(finite(scope, found), "double")


def _values(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    (operand,) = operands
    values = _all_values(scope, operand) if operand.multi else scope.aggregate("list", (operand.expr,), distinct=True)
    found = scope.fresh.filled(call("list_sort", call("list_distinct", values)))
    return Operand(found, "keyword" if operand.type == "text" else operand.type, multi=True)


def _top(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    operand, limit, *order = operands
    way = str(order[0].value).lower() if order else "asc"
    if way not in {"asc", "desc"}:
        fail(node.at, f"Invalid order value in [{node.text}], expected [ASC, DESC] but got [{order[0].value}]")
    count = limit.value
    if not isinstance(count, int) or not 0 < count <= _MOST_TOP:
        fail(node.at, f"Limit must be greater than 0 in [{node.text}], found [{count}]")
    if operand.multi:
        values = call("list_sort", _all_values(scope, operand), way.upper())
        found: Expr = call("list_slice", values, 1, count)
    else:
        found = scope.aggregate("min" if way == "asc" else "max", (operand.expr, Literal(count)))
    return Operand(scope.fresh.filled(found), "keyword" if operand.type == "text" else operand.type, multi=True)


def _at_edge(function: AggregateFunction) -> Build:
    """Return the making of the value of the first or last row."""

    def make(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
        value, by = operands
        if value.multi:
            return Operand(scope.aggregate(function, (value.expr, by.single)), value.type, multi=True)
        return Operand(scope.aggregate(function, (value.expr, by.single)), value.type)

    return make


def _weighted_avg(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    value, weight = (as_type(operand, "double").single for operand in operands)
    both = when(value.is_not_null(), weight)
    total = scope.aggregate("sum", (both,))
    return Operand(finite(scope, scope.aggregate("sum", (value * weight,)) / call("nullif", total, 0.0)), "double")


def _present(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    return Operand(scope.aggregate("count", (operands[0].expr,)) > 0, "boolean")


def _absent(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    return Operand(scope.aggregate("count", (operands[0].expr,)).equals(0), "boolean")


def _sample(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    operand, limit = operands
    count = limit.value
    if not isinstance(count, int) or not 0 < count <= _MOST_TOP:
        fail(node.at, f"Limit must be greater than 0 in [{node.text}], found [{count}]")
    made: DataType = "keyword" if operand.type == "text" else operand.type
    if operand.multi:
        found: Expr = call("list_slice", _all_values(scope, operand), 1, count)
    else:
        found = scope.aggregate("arg_min", (operand.expr, call("random"), Literal(count)))
    return Operand(scope.fresh.filled(found), made, multi=True)


_ORDERED: tuple[DataType, ...] = tuple(kind for kind in ANYTHING if kind not in {"geo_point", "version"})
_COMPARED = Parameter(_ORDERED, "boolean, date, ip, string, version or numeric except counter types")
_NUMBER = Parameter(NUMBERS, "numeric except unsigned_long or counter types")
_PRECISION = Parameter(
    ("integer", "long", "unsigned_long"), "whole number except counter types", optional=True, fixed=True
)
_PERCENT = Parameter(NUMBERS, "numeric except unsigned_long", fixed=True)
_LIMIT = Parameter(("integer", "long"), "integer", fixed=True)
_SORT = Parameter(("long", "integer", "double", "date", "date_nanos", "keyword", "text", "ip"), "a type that sorts")

AGGREGATES: Final[Mapping[str, Function]] = {
    "absent": Function((ANY,), _absent),
    "avg": Function((_NUMBER,), _avg),
    "count": Function((optional(ANY),), _count),
    "count_distinct": Function((ANY, _PRECISION), _count_distinct),
    "first": Function((ANY, _SORT), _at_edge("arg_min")),
    "last": Function((ANY, _SORT), _at_edge("arg_max")),
    "max": Function((_COMPARED,), _edge("max", "list_max"), follows=True),
    "median": Function((_NUMBER,), _figure("median")),
    "median_absolute_deviation": Function((_NUMBER,), _figure("mad")),
    "min": Function((_COMPARED,), _edge("min", "list_min"), follows=True),
    "percentile": Function((_NUMBER, _PERCENT), _percentile),
    "present": Function((ANY,), _present),
    "sample": Function((ANY, _LIMIT), _sample),
    "std_dev": Function((_NUMBER,), _figure("stddev_pop")),
    "sum": Function((_NUMBER,), _sum),
    "top": Function((_COMPARED, _LIMIT, optional(FIXED_TEXT)), _top),
    "values": Function((_COMPARED,), _values, follows=True),
    "variance": Function((_NUMBER,), _figure("var_pop")),
    "weighted_avg": Function((NUMBER, NUMBER), _weighted_avg),
}
