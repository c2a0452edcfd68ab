"""Functions of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from anomalyops_engine.query.esql.datatypes import DataType, wider
from anomalyops_engine.query.esql.functions.function import NUMBER, WHOLE, Build, Function, optional
from anomalyops_engine.query.esql.operands import Operand, as_type, attempt, constant
from anomalyops_engine.query.esql.operators import finite, narrowed
from anomalyops_engine.query.esql.scope import Scope, fail
from anomalyops_engine.query.esql.syntax import Call
from anomalyops_engine.query.expr import Case, Cast, Expr, Literal, ScalarFunction, SqlType, all_of, call, when

_MOST_DECIMALS = 30
# Beyond, what is left of 64 bits is 0.
_MOST_DIGITS = 20


def _fraction(operand: Operand) -> Expr:
    return as_type(operand, "double").single


def _of_fraction(function: ScalarFunction) -> Build:
    """Return the making of a function of a fraction that is defined for some of them."""

    def make(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
        return Operand(finite(scope, attempt(call(function, *map(_fraction, operands)))), "double")

    return make


def _of_each(function: ScalarFunction) -> Build:
    """Return the making of a conversion of fractions, which takes several values too."""

    def make(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
        operand = as_type(operands[0], "double")
        return scope.fresh.each(operand, lambda value: finite(scope, call(function, value)), "double")

    return make


def _fixed(value: float) -> Build:
    return lambda scope, node, operands: constant(value, "double")


def _same(of_fraction: Callable[[Expr], Expr], of_whole: Callable[[Expr], Expr]) -> Build:
    """Return the making of a function whose value is of the type of what it takes."""

    def make(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
        (operand,) = operands
        if operand.type == "unsigned_long":
            return operand
        body = of_fraction if operand.type == "double" else of_whole
        made = scope.fresh.let(operand.single, body)
        return Operand(narrowed(made) if operand.type == "integer" else made, operand.type)

    return make


def _sign(value: Expr) -> Expr:
    return when(value > 0, 1.0, when(value < 0, -1.0, when(value.is_not_null(), 0.0)))


def _signum(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    return Operand(scope.fresh.let(_fraction(operands[0]), _sign), "double")


def _round(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    number, *rest = operands
    if number.type != "double" and not rest:
        return Operand(number.single, number.type)
    if number.type != "double":
        found = _rounded(scope, number, rest[0])
        return Operand(narrowed(found) if number.type == "integer" else found, number.type)
    decimals: Expr = Cast(rest[0].single, "HUGEINT") if rest else constant(0, "integer").expr
    bounded = call("least", call("greatest", decimals, -_MOST_DECIMALS * 10), _MOST_DECIMALS)
    made: Expr = attempt(call("round", number.single, Cast(bounded, "INTEGER")))
    return Operand(when(decimals.is_not_null(), finite(scope, made)), "double")


def _rounded(scope: Scope, number: Operand, decimals: Operand) -> Expr:
    """Return a whole number rounded to tens, hundreds and so on, halves away from zero; NULL where it is too large.

    As Elasticsearch has it (`Maths.round`), a signed number of no more digits than are rounded is 0.
    """
    digits = call("greatest", call("least", Literal(0) - Cast(decimals.single, "HUGEINT"), _MOST_DIGITS), 0)
    units = Literal(tuple(10**power for power in range(_MOST_DIGITS + 1)), "HUGEINT[]")
    scale = call("list_extract", units, Cast(digits + 1, "BIGINT"))
    kept: SqlType = "UBIGINT" if number.type == "unsigned_long" else "BIGINT"

    def at(value: Expr, unit: Expr) -> Expr:
        rest, half = value % unit, unit // 2
        step = when(rest >= half, 1, when(rest <= Literal(0) - half, -1, 0))
        nearest: Expr = Cast((value // unit + step) * unit, kept, lenient=True)
        if number.type != "unsigned_long":
            nearest = when(call("abs", value) < unit, 0, nearest)
        return when(unit > 1, nearest, Cast(value, kept))

    fresh = scope.fresh
    whole = Cast(number.single, "HUGEINT")
    made = fresh.let(whole, lambda value: fresh.let(scale, lambda unit: at(value, unit)))
    return when(all_of([number.single.is_not_null(), decimals.single.is_not_null()]), made)


def _pow(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    made = attempt(call("pow", *map(_fraction, operands)))
    return Operand(finite(scope, made), "double")


def _log(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    *base, number = map(_fraction, operands)
    made: Expr = call("ln", number)
    if base:
        made = made / call("nullif", call("ln", base[0]), 0.0)
    return Operand(finite(scope, attempt(made)), "double")


def _hypot(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    one, two = map(_fraction, operands)
    fresh = scope.fresh
    squares = fresh.let(one, lambda a: a * a) + fresh.let(two, lambda b: b * b)
    return Operand(finite(scope, attempt(call("sqrt", squares))), "double")


def _copy_sign(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    number, sign = map(_fraction, operands)
    size = call("abs", number)
    found = scope.fresh.let(size, lambda value: when(call("signbit", sign), Literal(0.0) - value, value))
    return Operand(when(sign.is_not_null(), found), "double")


def _round_to(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    """Round down to the nearest of some points; below all of them it is the lowest."""
    found: DataType = "integer"
    for operand in operands:
        found = wider(found, operand.type)
    number, *points = (as_type(operand, found) for operand in operands)
    if not all(point.fixed and isinstance(point.value, int | float) for point in points):
        fail(node.at, f"the points of [{node.text}] must be constants")
    ordered = sorted(points, key=lambda point: float(point.value))

    def rounded(value: Expr) -> Expr:
        branches = tuple((value >= point.expr, point.expr) for point in reversed(ordered))
        return Case((*branches, (value.is_not_null(), ordered[0].expr)))

    return Operand(scope.fresh.let(number.single, rounded), found)


def _clamp(*, low: bool, high: bool) -> Build:
    """Return the making of a number within one limit, or two."""

    def make(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
        found: DataType = "integer"
        for operand in operands:
            found = wider(found, operand.type)
        value, *limits = (as_type(operand, found).single for operand in operands)
        bounded = value
        if low:
            bounded = call("greatest", bounded, limits[0])
        if high:
            bounded = call("least", bounded, limits[-1])
        # The database passes over what is NULL; here nothing comes of it.
        known = all_of([part.is_not_null() for part in (value, *limits)])
        return Operand(when(known, bounded), found)

    return make


def _scalb(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    number, exponent = operands
    # A float with more than these is none, or 0.
    power = call("least", call("greatest", as_type(exponent, "long").single, -4000), 4000)
    half = power // 2
    factors = (call("pow", Literal(2.0), Cast(part, "DOUBLE")) for part in (half, power - half))
    made = _fraction(number)
    for factor in factors:
        made = made * factor
    return Operand(finite(scope, attempt(made)), "double")


_ROOTED: Final[tuple[ScalarFunction, ...]] = (
    *("acos", "acosh", "asin", "asinh", "atan", "atanh", "cbrt", "cos", "cosh", "exp", "log10", "sin", "sinh"),
    *("sqrt", "tan", "tanh"),
)
_ONE, _TWO = (NUMBER,), (NUMBER, NUMBER)

FUNCTIONS: Final[Mapping[str, Function]] = {
    **{name: Function(_ONE, _of_fraction(name)) for name in _ROOTED},
    "abs": Function(_ONE, _same(lambda v: call("abs", v), lambda v: attempt(call("abs", v))), follows=True),
    "atan2": Function(_TWO, _of_fraction("atan2")),
    "ceil": Function(_ONE, _same(lambda v: call("ceil", v), lambda v: v), follows=True),
    "clamp": Function((NUMBER, NUMBER, NUMBER), _clamp(low=True, high=True)),
    "clamp_max": Function(_TWO, _clamp(low=False, high=True)),
    "clamp_min": Function(_TWO, _clamp(low=True, high=False)),
    "copy_sign": Function(_TWO, _copy_sign),
    "e": Function((), _fixed(math.e)),
    "floor": Function(_ONE, _same(lambda v: call("floor", v), lambda v: v), follows=True),
    "hypot": Function(_TWO, _hypot),
    "log": Function((NUMBER, optional(NUMBER)), _log),
    "pi": Function((), _fixed(math.pi)),
    "pow": Function(_TWO, _pow),
    "round": Function((NUMBER, optional(WHOLE)), _round, follows=True),
    "round_to": Function(_TWO, _round_to, repeats=True),
    "scalb": Function((NUMBER, WHOLE), _scalb),
    "signum": Function(_ONE, _signum),
    "tau": Function((), _fixed(math.tau)),
    "to_degrees": Function(_ONE, _of_each("degrees")),
    "to_radians": Function(_ONE, _of_each("radians")),
}
