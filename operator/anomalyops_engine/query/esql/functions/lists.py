"""Functions of several values (`MV_*`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from anomalyops_engine.query.esql.datatypes import SQL, DataType, list_of, unified
from anomalyops_engine.query.esql.functions.function import (
    ANY,
    ANYTHING,
    FIXED_TEXT,
    NUMBER,
    NUMBERS,
    TEXT,
    WHOLE,
    Build,
    Function,
    Parameter,
    optional,
)
from anomalyops_engine.query.esql.operands import Operand, as_type, attempt
from anomalyops_engine.query.esql.operators import finite, narrowed
from anomalyops_engine.query.esql.scope import Scope, fail
from anomalyops_engine.query.esql.syntax import Call
from anomalyops_engine.query.expr import Cast, Column, Expr, Lambda, ScalarFunction, all_of, call, when
from anomalyops_engine.query.expr import Literal as Written


def _first(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    (operand,) = operands
    return Operand(call("list_extract", operand.expr, 1), operand.type) if operand.multi else operand


def _last(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    (operand,) = operands
    return Operand(call("list_extract", operand.expr, -1), operand.type) if operand.multi else operand


def _count(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    (operand,) = operands
    if not operand.multi:
        return Operand(when(operand.expr.is_not_null(), 1), "integer")
    return Operand(call("len", operand.expr), "integer")


def _edge(function: ScalarFunction) -> Build:
    def make(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
        (operand,) = operands
        return Operand(call(function, operand.expr), operand.type) if operand.multi else operand

    return make


def _figure(function: ScalarFunction) -> Build:
    """Return the making of a fraction out of several numbers."""

    def make(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
        operand = as_type(operands[0], "double")
        if not operand.multi:
            return operand
        return Operand(finite(scope, attempt(call(function, operand.expr))), "double")

    return make


def _median(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    (operand,) = operands
    if operand.type == "double" or not operand.multi:
        return _figure("list_median")(scope, node, operands) if operand.multi else operand
    # Of whole numbers the median is whole, cut off towards zero.
    middle = call("list_median", Cast(operand.expr, "DOUBLE[]"))
    return Operand(Cast(call("trunc", middle), SQL[operand.type], lenient=True), operand.type)


def _sum(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    (operand,) = operands
    if not operand.multi:
        return operand
    total = attempt(call("list_sum", operand.expr))
    if operand.type == "double":
        return Operand(finite(scope, total), "double")
    total = Cast(total, SQL[operand.type], lenient=True)
    return Operand(narrowed(total) if operand.type == "integer" else total, operand.type)


def _deviation(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    values = call("list_aggregate", Cast(operands[0].listed, "DOUBLE[]"), "mad")
    found = finite(scope, attempt(values))
    return _like(operands[0], found)


def _percentile(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    operand, percent = operands
    if percent.value is None or not 0 <= float(percent.value) <= 100:
        fail(node.at, f"Percentile value [{percent.value}] of [{node.text}] is out of range [0, 100]")
    share = Written(float(percent.value) / 100)
    values = call("list_aggregate", Cast(operand.listed, "DOUBLE[]"), "quantile_cont", share)
    return _like(operand, finite(scope, attempt(values)))


def _like(operand: Operand, fraction: Expr) -> Operand:
    """Return a fraction in the type of what it was computed of, cut off towards zero for whole numbers."""
    if operand.type == "double":
        return Operand(fraction, "double")
    return Operand(Cast(call("trunc", fraction), SQL[operand.type], lenient=True), operand.type)


def _dedupe(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    (operand,) = operands
    if not operand.multi:
        return operand
    place, other = scope.fresh.name(), scope.fresh.name()

    def first_of_each(values: Expr) -> Expr:
        """Return the values that stand where they stand first."""
        here = call("list_extract", values, Column(place))
        firsts = Lambda(place, call("list_position", values, here).equals(Column(place)))
        places = call("list_filter", call("range", 1, call("len", values) + 1), firsts)
        return call("list_transform", places, Lambda(other, call("list_extract", values, Column(other))))

    return operand.with_expr(scope.fresh.let(operand.expr, first_of_each))


def _sort(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    operand, *order = operands
    way = str(order[0].value).lower() if order else "asc"
    if way not in {"asc", "desc"}:
        fail(
            node.at,
            f"Invalid order value in [{node.text}], expected one of [ASC, DESC] but got [{order[0].value}]",
        )
    return operand.with_expr(call("list_sort", operand.expr, way.upper())) if operand.multi else operand


def _concat(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    operand, separator = operands
    if not operand.multi:
        return Operand(when(separator.single.is_not_null(), operand.expr), "keyword")
    return Operand(call("array_to_string", operand.expr, separator.single), "keyword")


def _slice(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    operand, start, *end = operands
    last = (end[0] if end else start).single

    def cut(values: Expr) -> Expr:
        length = call("len", values)

        def place(at: Expr) -> Expr:
            return when(at >= 0, at + 1, length + at + 1)

        first = call("greatest", scope.fresh.let(start.single, place), 1)
        return call("list_slice", values, first, scope.fresh.let(last, place))

    return Operand(scope.fresh.filled(attempt(scope.fresh.let(operand.listed, cut))), operand.type, multi=True)


def _append(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    found = unified(operand.type for operand in operands)
    if found is None:
        fail(
            node.at,
            f"second argument of [{node.text}] must be [{operands[0].type}], found value [{node.arguments[1].text}] "
            f"type [{operands[1].type}]",
        )
    one, two = (as_type(operand, found).listed for operand in operands)
    both = all_of([one.is_not_null(), two.is_not_null()])
    return Operand(when(both, call("list_concat", one, two)), found, multi=True)


def _sets(node: Call, operands: list[Operand]) -> tuple[DataType, Expr, Expr]:
    """Return the type of two operands, and their values as lists, which are empty for NULL.

    Raises:
        VerificationError: they are of different types.
    """
    found = unified(operand.type for operand in operands)
    if found is None:
        fail(
            node.at,
            f"second argument of [{node.text}] must be [{operands[0].type}], found value [{node.arguments[1].text}] "
            f"type [{operands[1].type}]",
        )
    empty = Written((), list_of(found))
    one, two = (call("coalesce", as_type(operand, found).listed, empty) for operand in operands)
    return found, one, two


def _of_sets(function: ScalarFunction) -> Build:
    """Return the making of a question about two sets."""

    def make(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
        _, one, two = _sets(node, operands)
        return Operand(call(function, one, two), "boolean")

    return make


def _union(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    found, one, two = _sets(node, operands)
    both = Operand(scope.fresh.filled(call("list_concat", one, two)), found, multi=True)
    return _dedupe(scope, node, [both])


def _intersection(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    found, one, two = _sets(node, operands)
    name = scope.fresh.name()
    common = call("list_filter", one, Lambda(name, call("list_contains", two, Column(name))))
    return _dedupe(scope, node, [Operand(scope.fresh.filled(common), found, multi=True)])


def _zip(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    one, two, *rest = operands
    separator: Expr = rest[0].single if rest else Written(",", "VARCHAR")
    name = scope.fresh.name()

    def joined(left: Expr, right: Expr) -> Expr:
        longest = call("greatest", call("len", left), call("len", right))
        places = call("range", 1, longest + 1)
        place = Column(name)
        parts = (call("list_extract", left, place), call("list_extract", right, place))
        return call("list_transform", places, Lambda(name, call("concat_ws", separator, *parts)))

    empty = Written((), "VARCHAR[]")
    left, right = (call("coalesce", operand.listed, empty) for operand in (one, two))
    return Operand(scope.fresh.filled(joined(left, right)), "keyword", multi=True)


def _weighted_sum(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    """Return the sum of x(i) / i ** p over the places i from 1 on."""
    values, power = (as_type(operand, "double") for operand in operands)
    name = scope.fresh.name()

    def summed(found: Expr) -> Expr:
        place = Column(name)
        term = call("list_extract", found, place) / call("pow", Cast(place, "DOUBLE"), power.single)
        terms = call("list_transform", call("range", 1, call("len", found) + 1), Lambda(name, term))
        return when(power.single.is_not_null(), call("list_sum", terms))

    return Operand(finite(scope, attempt(scope.fresh.let(values.listed, summed))), "double")


_SORTED: tuple[DataType, ...] = tuple(kind for kind in ANYTHING if kind not in {"geo_point", "version"})
_ORDERED = (Parameter(_SORTED, "boolean, date, ip, string or numeric except unsigned_long, version or counter types"),)


def _of_any(build: Build) -> Function:
    return Function((ANY,), build)


FUNCTIONS: Final[Mapping[str, Function]] = {
    "mv_append": Function((ANY, ANY), _append),
    "mv_avg": Function((NUMBER,), _figure("list_avg")),
    "mv_concat": Function((TEXT, TEXT), _concat),
    "mv_contains": Function((ANY, ANY), _of_sets("list_has_all")),
    "mv_count": _of_any(_count),
    "mv_dedupe": _of_any(_dedupe),
    "mv_first": _of_any(_first),
    "mv_intersection": Function((ANY, ANY), _intersection),
    "mv_intersects": Function((ANY, ANY), _of_sets("list_has_any")),
    "mv_last": _of_any(_last),
    "mv_max": Function(_ORDERED, _edge("list_max"), follows=True),
    "mv_median": Function((NUMBER,), _median, follows=True),
    "mv_median_absolute_deviation": Function((NUMBER,), _deviation),
    "mv_min": Function(_ORDERED, _edge("list_min"), follows=True),
    "mv_percentile": Function((NUMBER, Parameter(NUMBERS, "numeric except unsigned_long", fixed=True)), _percentile),
    "mv_pseries_weighted_sum": Function((NUMBER, NUMBER), _weighted_sum),
    "mv_slice": Function((ANY, WHOLE, optional(WHOLE)), _slice),
    "mv_sort": Function((*_ORDERED, optional(FIXED_TEXT)), _sort, follows=True),
    "mv_sum": Function((NUMBER,), _sum, follows=True),
    "mv_union": Function((ANY, ANY), _union),
    "mv_zip": Function((TEXT, TEXT, optional(TEXT)), _zip),
}
