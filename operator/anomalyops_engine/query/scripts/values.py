"""Values of a script with their types, and what can be done with two of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from anomalyops_engine.query.expr import (
    Binary,
    Case,
    Cast,
    Compare,
    Comparison,
    Expr,
    Not,
    SqlType,
    all_of,
    any_of,
    call,
    null,
)
from anomalyops_engine.query.expr import Literal as Written
from anomalyops_engine.query.scripts.errors import ScriptError

Kind = Literal["long", "double", "keyword", "boolean", "date", "weekday", "null", "unknown"]
SQL: Final[dict[Kind, SqlType]] = {
    "long": "BIGINT",
    "double": "DOUBLE",
    "keyword": "VARCHAR",
    "boolean": "BOOLEAN",
    "date": "BIGINT",
    "weekday": "BIGINT",
    "null": "BIGINT",
    "unknown": "VARCHAR",
}
NUMBERS: Final = frozenset({"long", "double"})
_COMPARISONS: Final[dict[str, Comparison]] = {"<": "<", "<=": "<=", ">": ">", ">=": ">="}


@dataclass(frozen=True, slots=True)
class Value:
    """An expression with what it is; a moment is in epoch milliseconds, a weekday from 1 (Monday) to 7.

    Before there are indices, fields are of an unknown type, which goes with everything.
    """

    kind: Kind
    expression: Expr


UNKNOWN: Final = Value("unknown", null("VARCHAR"))
NOTHING: Final = Value("null", null("BIGINT"))


def constant(value: object) -> Value:
    """Return a constant.

    Raises:
        ScriptError: it is of no type that scripts have here.
    """
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return Value("boolean", Written(value))
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return Value("long", Written(value, "BIGINT"))
    if isinstance(value, int | float):
        return Value("double", Written(float(value), "DOUBLE"))
    if isinstance(value, str):
        return Value("keyword", Written(value, "VARCHAR"))
    raise ScriptError(f"values such as [{value}] are not supported by this engine")


def converted(value: Value, kind: Kind) -> Value:
    """Return a value as another type, as an explicit cast or a wider type asks for it.

    Raises:
        ScriptError: there is no such conversion.
    """
    if value.kind == kind:
        return value
    if "unknown" in {value.kind, kind}:
        return Value(kind, null(SQL[kind]))
    if value.kind == "null":
        return Value(kind, null(SQL[kind]))
    if value.kind in NUMBERS and kind in NUMBERS:
        inner = value.expression if kind == "double" else call("trunc", value.expression)
        return Value(kind, Cast(inner, SQL[kind], lenient=True))
    raise ScriptError(f"Cannot cast from [{value.kind}] to [{kind}].")


def common(one: Value, other: Value) -> tuple[Value, Value]:
    """Return two values as one type that holds both.

    Raises:
        ScriptError: there is none.
    """
    if one.kind == other.kind:
        return one, other
    if "unknown" in {one.kind, other.kind}:
        return UNKNOWN, UNKNOWN
    if "null" in {one.kind, other.kind}:
        kind = other.kind if one.kind == "null" else one.kind
        return converted(one, kind), converted(other, kind)
    if {one.kind, other.kind} == NUMBERS:
        return converted(one, "double"), converted(other, "double")
    raise ScriptError(f"[{one.kind}] and [{other.kind}] cannot be values of one expression")


def chosen(condition: Value, one: Value, other: Value) -> Value:
    """Return one value where a condition holds and another where not."""
    one, other = common(one, other)
    return Value(one.kind, Case(((truth(condition), one.expression),), other.expression))


def truth(value: Value) -> Expr:
    """Return a condition.

    Raises:
        ScriptError: it is of another type.
    """
    if value.kind not in {"boolean", "unknown"}:
        raise ScriptError(f"Cannot cast from [{value.kind}] to [boolean].")
    return value.expression


def applied(operator: str, one: Value, other: Value) -> Value:
    """Return what an operator makes of two values.

    Raises:
        ScriptError: it does not go with their types.
    """
    if operator == "?:":
        one, other = common(one, other)
        return Value(one.kind, call("coalesce", one.expression, other.expression))
    if operator in {"&&", "||"}:
        joined = all_of if operator == "&&" else any_of
        return Value("boolean", joined([truth(one), truth(other)]))
    if operator in {"==", "!="}:
        return _equality(one, other, wanted=operator == "==")
    if "unknown" in {one.kind, other.kind}:
        return constant(value=False) if operator in _COMPARISONS else UNKNOWN
    if operator == "+" and "keyword" in {one.kind, other.kind}:
        return Value("keyword", Binary("||", as_text(one), as_text(other)))
    if not {one.kind, other.kind} <= NUMBERS:
        raise ScriptError(f"Cannot apply [{operator}] operation to types [{one.kind}] and [{other.kind}].")
    one, other = common(one, other)
    if operator in _COMPARISONS:
        return Value("boolean", Compare(_COMPARISONS[operator], one.expression, other.expression))
    return Value(one.kind, _arithmetic(operator, one, other))


def _arithmetic(operator: str, one: Value, other: Value) -> Expr:
    left, right = one.expression, other.expression
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    if one.kind == "long":  # whole numbers are cut off; dividing by zero has no value
        right = call("nullif", right, 0)
        return left // right if operator == "/" else left % right
    return left / right if operator == "/" else left % right


def _equality(one: Value, other: Value, *, wanted: bool) -> Value:
    if "null" in {one.kind, other.kind}:
        tested = other if one.kind == "null" else one
        return Value("boolean", tested.expression.is_null() if wanted else tested.expression.is_not_null())
    one, other = common(one, other)
    equal = one.expression.equals(other.expression)
    return Value("boolean", equal if wanted else Not(equal))


def as_text(value: Value) -> Expr:
    """Return a value as text, as joining it to one does.

    Raises:
        ScriptError: it has none here.
    """
    if value.kind == "keyword":
        return value.expression
    if value.kind in {"long", "double", "boolean", "unknown"}:
        return Cast(value.expression, "VARCHAR")
    raise ScriptError(f"[{value.kind}] cannot be joined to a text by this engine")


def negated(operator: str, value: Value) -> Value:
    """Return what `!`, `-` or `+` make of a value.

    Raises:
        ScriptError: it does not go with its type.
    """
    if operator == "!":
        return Value("boolean", Not(truth(value)))
    if value.kind == "unknown":
        return value
    if value.kind not in NUMBERS:
        raise ScriptError(f"Cannot apply [{operator}] operation to type [{value.kind}].")
    return value if operator == "+" else Value(value.kind, Written(0, "BIGINT") - value.expression)
