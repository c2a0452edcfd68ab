"""Arithmetic and comparisons: which types go together, and what they make."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from anomalyops_engine.query.esql.datatypes import (
    FROM_TEXT,
    MOMENTS,
    NUMERIC,
    SPANS,
    STRINGS,
    DataType,
    shown,
    wider,
)
from anomalyops_engine.query.esql.errors import not_served
from anomalyops_engine.query.esql.operands import Operand, as_type, attempt, constant, nothing
from anomalyops_engine.query.esql.places import Place
from anomalyops_engine.query.esql.scope import Scope, fail
from anomalyops_engine.query.esql.spans import moved, moved_ms
from anomalyops_engine.query.esql.syntax import TimeSpan
from anomalyops_engine.query.esql.texts import converted, is_written_text
from anomalyops_engine.query.expr import Cast, Compare, Comparison, Expr, Not, any_of, call, when

_LONGEST = 2**63
_INCOMPARABLE = SPANS | {"unsupported", "_source"}
_SIGNS: dict[str, Comparison] = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_OPERATORS: dict[str, Callable[[Expr, Expr], Expr]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": lambda a, b: a % b,
}


def arithmetic(scope: Scope, sign: str, left: Operand, right: Operand, at: Place) -> Operand:
    """Return a sum, difference, product, quotient or remainder.

    Raises:
        VerificationError: the types do not go together.
    """
    left, right = _spoken(left, right, sign, at), _spoken(right, left, sign, at)
    if {left.type, right.type} & (MOMENTS | SPANS):
        return _time(sign, left, right, at)
    if "null" in {left.type, right.type} and {left.type, right.type} <= NUMERIC | {"null"}:
        return nothing(next((each for each in (left.type, right.type) if each != "null"), "null"))
    if not {left.type, right.type} <= NUMERIC:
        fail(at, f"[{sign}] has arguments with incompatible types [{shown(left.type)}] and [{shown(right.type)}]")
    unsigned = [each.type for each in (left, right)].count("unsigned_long")
    if unsigned == 1 and "double" not in {left.type, right.type}:
        fail(at, f"[{sign}] has arguments with incompatible types [{left.type}] and [{right.type}]")
    made = wider(left.type, right.type)
    first, second = as_type(left, made).single, as_type(right, made).single
    if made == "double":
        return Operand(finite(scope, _zero_safe(sign, first, second)), "double")
    return Operand(_whole(sign, first, second, made), made)


def _zero_safe(sign: str, left: Expr, right: Expr) -> Expr:
    if sign in {"/", "%"}:
        return _OPERATORS[sign](left, call("nullif", right, 0.0))
    return _OPERATORS[sign](left, right)


def _whole(sign: str, left: Expr, right: Expr, made: DataType) -> Expr:
    if sign in {"/", "%"}:
        right = call("nullif", right, 0)
    found = attempt(left // right if sign == "/" else _OPERATORS[sign](left, right))
    return narrowed(found) if made == "integer" else found


def narrowed(value: Expr) -> Expr:
    """Return a whole number, NULL where it has more than 32 bits."""
    return Cast(Cast(value, "INTEGER", lenient=True), "BIGINT")


def finite(scope: Scope, value: Expr) -> Expr:
    """Return a fraction, NULL where it is infinite or none."""
    return scope.fresh.let(value, lambda found: when(call("isfinite", found), found))


def _spoken(operand: Operand, other: Operand, sign: str, at: Place) -> Operand:
    """Return a written text as a moment, or as a stretch of time beside one."""
    if not is_written_text(operand) or operand.multi or sign not in {"+", "-"}:
        return operand
    if other.type in SPANS:
        return converted(operand, "date", at)
    if other.type in MOMENTS:
        wanted: DataType = "time_duration"
        text = str(operand.value)
        if any(unit in text for unit in ("day", "week", "month", "quarter", "year")):
            wanted = "date_period"
        return converted(operand, wanted, at)
    return operand


def _time(sign: str, left: Operand, right: Operand, at: Place) -> Operand:
    """Return a moment moved by a stretch of time, or a sum of two stretches."""
    if right.type in MOMENTS and left.type in SPANS and sign == "+":
        left, right = right, left
    if "null" in {left.type, right.type} and sign in {"+", "-"}:
        kind = left.type if right.type == "null" else right.type
        return nothing(kind if kind in MOMENTS else "null")
    if left.type in SPANS and left.type == right.type and sign in {"+", "-"}:
        return _spans(sign, left, right, at)
    if left.type not in MOMENTS or right.type not in SPANS or sign not in {"+", "-"}:
        fail(at, f"[{sign}] has arguments with incompatible types [{shown(left.type)}] and [{shown(right.type)}]")
    if right.value is None:
        return nothing(left.type)
    span: TimeSpan = right.value
    way = 1 if sign == "+" else -1
    if left.fixed and isinstance(left.value, int):
        moment = moved_ms(left.value, span, way)
        return constant(moment, left.type) if -_LONGEST < moment < _LONGEST else nothing(left.type)
    return Operand(moved(left.single, span, way), left.type)


def _spans(sign: str, left: Operand, right: Operand, at: Place) -> Operand:
    one, two = cast("TimeSpan", left.value), cast("TimeSpan", right.value)
    way = 1 if sign == "+" else -1
    total = TimeSpan(
        at, one.months + way * two.months, one.days + way * two.days, one.milliseconds + way * two.milliseconds
    )
    return constant(total, left.type)


def negated(operand: Operand, at: Place) -> Operand:
    """Return a number with its sign turned round.

    Raises:
        VerificationError: it is none.
    """
    if operand.type in SPANS:
        span: TimeSpan = operand.value
        return constant(TimeSpan(at, -span.months, -span.days, -span.milliseconds), operand.type)
    if operand.type == "null":
        return operand
    if operand.type not in NUMERIC - {"unsigned_long"}:
        fail(
            at,
            f"argument of [{at.text}] must be [numeric, date_period or time_duration], found value "
            f"[{at.text.lstrip('-').strip()}] type [{shown(operand.type)}]",
        )
    zero = -0.0 if operand.type == "double" else 0
    found = attempt(constant(zero, operand.type).expr - operand.single)
    return Operand(narrowed(found) if operand.type == "integer" else found, operand.type)


# --- comparisons ---


def compared(sign: str, left: Operand, right: Operand, at: Place) -> Operand:
    """Return a comparison.

    Raises:
        VerificationError: the types do not go together.
    """
    left, right = comparable(left, right, at)
    if "version" in {left.type, right.type} and sign not in {"==", "!="}:
        raise not_served(f"[{sign}] of versions", at)
    if sign not in {"==", "!="} and left.type in {"boolean", "geo_point"}:
        fail(
            at,
            f"first argument of [{at.text}] must be [date_nanos, datetime, double, integer, ip, keyword, long, text, "
            f"unsigned_long or version], found value [{at.text.split(sign)[0].strip()}] type [{left.type}]",
        )
    return Operand(Compare(_SIGNS[sign], left.single, right.single), "boolean")


def comparable(left: Operand, right: Operand, at: Place) -> tuple[Operand, Operand]:
    """Return two values in one form.

    Raises:
        VerificationError: their types cannot be compared.
    """
    if is_written_text(left) and right.type in FROM_TEXT:
        left = converted(left, right.type, at)
    elif is_written_text(right) and left.type in FROM_TEXT:
        right = converted(right, left.type, at)
    kinds = {left.type, right.type}
    known = kinds - {"null"}
    if len(known) < len(kinds) and not kinds & _INCOMPARABLE:
        other: DataType = left.type if right.type == "null" else right.type
        return as_type(left, other), as_type(right, other)
    if kinds <= NUMERIC:
        return _same_numbers(left, right)
    if not (kinds <= STRINGS or kinds <= MOMENTS or (len(kinds) == 1 and not kinds & _INCOMPARABLE)):
        first = "numeric" if left.type in NUMERIC else shown(left.type)
        fail(
            at,
            f"first argument of [{at.text}] is [{first}] so second argument must also be [{first}] but was "
            f"[{shown(right.type)}]",
        )
    return left, right


def _same_numbers(left: Operand, right: Operand) -> tuple[Operand, Operand]:
    made = wider(left.type, right.type)
    if "unsigned_long" in {left.type, right.type} and made != "double" and left.type != right.type:
        return _huge(left), _huge(right)
    return as_type(left, made), as_type(right, made)


def _huge(operand: Operand) -> Operand:
    return Operand(Cast(operand.single, "HUGEINT"), operand.type)


def among(operand: Operand, choices: list[Operand], at: Place) -> Operand:
    """Return that a value is one of some; unknown where it is none of them and one of them is unknown.

    Raises:
        VerificationError: the types do not go together.
    """
    terms = [compared("==", operand, choice, at).expr for choice in choices]
    return Operand(any_of(terms), "boolean")


def opposite(operand: Operand) -> Operand:
    """Return the opposite of a condition."""
    return Operand(Not(operand.single), "boolean")
