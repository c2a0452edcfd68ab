"""Which rows a computation fails for, and why, in Elasticsearch's words."""

from __future__ import annotations

from typing import Final

from anomalyops_engine.query.esql.datatypes import NUMERIC, STRINGS, WHOLE, DataType, wider
from anomalyops_engine.query.esql.functions.conversions import shown_text
from anomalyops_engine.query.esql.functions.function import Function
from anomalyops_engine.query.esql.hazards import Hazard
from anomalyops_engine.query.esql.operands import Operand, as_type
from anomalyops_engine.query.esql.operators import arithmetic
from anomalyops_engine.query.esql.places import Place
from anomalyops_engine.query.esql.scope import Scope
from anomalyops_engine.query.esql.syntax import Call
from anomalyops_engine.query.expr import Column, Expr, Lambda, ListOf, Literal, all_of, call, when

_INVALID: Final = "org.elasticsearch.xpack.esql.core.InvalidArgumentException: "
_ILLEGAL: Final = "java.lang.IllegalArgumentException: "
_ARITHMETIC: Final = "java.lang.ArithmeticException: "
_DATES: Final = "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"


def computed(scope: Scope, sign: str, left: Operand, right: Operand, at: Place) -> None:
    """Note that a number may be divided by zero, or be too large."""
    if not {left.type, right.type} <= NUMERIC:
        return
    made = wider(left.type, right.type)
    one, two = (as_type(operand, made).single for operand in (left, right))
    if made in WHOLE and sign in {"/", "%"}:
        if not (right.fixed and right.value):
            reason = when(all_of([one.is_not_null(), two.equals(0)]), Literal(f"{_ARITHMETIC}/ by zero"))
            scope.hazards.note(Hazard(at, reason))
        return
    result = arithmetic(scope, sign, left, right, at).expr
    failed = all_of([one.is_not_null(), two.is_not_null(), result.is_null()])
    kind = "not a finite double number: Infinity" if made == "double" else f"{made} overflow"
    if made == "double" and sign in {"/", "%"}:
        zero = Literal(f"{_ARITHMETIC}/ by zero")
        scope.hazards.note(Hazard(at, when(all_of([one.is_not_null(), two.equals(0.0)]), zero)))
        failed = all_of([failed, two.equals(0.0).is_not_true()])
    scope.hazards.note(Hazard(at, when(failed, Literal(_ARITHMETIC + kind)), costly=True))


def negated(scope: Scope, operand: Operand, made: Operand, at: Place) -> None:
    """Note that a number may have no counterpart."""
    if operand.type in WHOLE:
        failed = all_of([operand.single.is_not_null(), made.expr.is_null()])
        scope.hazards.note(Hazard(at, when(failed, Literal(f"{_ARITHMETIC}{operand.type} overflow")), costly=True))


_REASONS: Final = {
    **dict.fromkeys(("acos", "asin", "acosh", "atanh"), "{name} input out of range"),
    **dict.fromkeys(("log", "log10"), "Log of non-positive number"),
    "sqrt": "Square root of negative",
}
_INFINITE: Final = "not a finite double number: Infinity"


def called(scope: Scope, node: Call, operands: list[Operand], made: Operand) -> None:
    """Note that a function of numbers may be defined for some of them only, or a text say no date."""
    name = node.function.lower()
    if name == "date_parse":
        _unread_date(scope, node, operands, made)
    if not operands or not {operand.type for operand in operands} <= NUMERIC or made.type not in NUMERIC:
        return
    singles = [operand.single for operand in operands]
    failed = all_of([*(single.is_not_null() for single in singles), made.expr.is_null()])
    said = _REASONS.get(name, f"{made.type} overflow" if made.type in WHOLE else _INFINITE)
    reason: Expr = Literal(_ARITHMETIC + said.format(name=name.capitalize()))
    if name == "pow":
        base, exponent = (as_type(operand, "double").single for operand in operands)
        no_number = all_of([base < 0.0, call("floor", exponent).equals(exponent).is_not_true()])
        reason = when(no_number, Literal(f"{_ARITHMETIC}not a finite double number: NaN"), reason)
    if name == "log" and len(operands) > 1:
        reason = when(singles[0].equals(1), Literal(f"{_ARITHMETIC}Log of base 1"), reason)
    scope.hazards.note(Hazard(node.at, when(failed, reason), costly=name not in _REASONS))


def _unread_date(scope: Scope, node: Call, operands: list[Operand], made: Operand) -> None:
    *pattern, text = operands
    written = str(pattern[0].value) if pattern and pattern[0].fixed and pattern[0].value is not None else None
    if text.type not in STRINGS or (pattern and written is None):
        return
    failed = all_of([text.single.is_not_null(), made.expr.is_null()])
    after = f"] with format [{written or _DATES}]"
    reason = call("concat_ws", "", f"{_ILLEGAL}failed to parse date field [", text.single, after)
    scope.hazards.note(Hazard(node.at, when(failed, ListOf((reason,))), several=True))


def converted(scope: Scope, node: Call, operands: list[Operand], made: Operand, function: Function) -> None:
    """Note that a value may say nothing of the type that it is converted to."""
    if len(operands) != 1 or operands[0].type == made.type or made.type in {"keyword", "version"}:
        return
    (operand,) = operands
    if operand.type == "null" or (operand.type not in STRINGS and made.type in {"double", "boolean"}):
        return
    said = _said(made.type, of_text=operand.type in STRINGS)
    if said is None:
        return
    name, other = scope.fresh.name(), scope.fresh.name()
    alone = function.build(scope, node, [Operand(Column(name), operand.type)])
    failed = Lambda(name, all_of([Column(name).is_not_null(), alone.expr.is_null()]))
    before, after = said
    told = Lambda(other, call("concat_ws", "", before, shown_text(operand.type)(Column(other)), after))
    values: Expr = operand.expr if operand.multi else ListOf((operand.expr,))
    reasons = call("list_transform", call("list_filter", values, failed), told)
    scope.hazards.note(Hazard(node.at, reasons, several=True))


def _said(made: DataType, *, of_text: bool) -> tuple[str, str] | None:
    """Return what is told of a value that cannot be converted, before it and behind it."""
    if made in NUMERIC:
        return (f"{_INVALID}Cannot parse number [", "]") if of_text else (f"{_INVALID}[", f"] out of [{made}] range")
    if made == "date":
        parse = (f"{_ILLEGAL}failed to parse date field [", f"] with format [{_DATES}]")
        return parse if of_text else (f"{_INVALID}[", "] out of [long] range")
    return (f"{_ILLEGAL}'", "' is not an IP string literal.") if made == "ip" else None
