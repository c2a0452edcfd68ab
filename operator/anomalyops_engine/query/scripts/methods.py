"""What scripts call: methods of texts and moments, and the functions of classes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from anomalyops_engine.query.expr import Cast, Expr, ScalarFunction, call
from anomalyops_engine.query.scripts.errors import ScriptError
from anomalyops_engine.query.scripts.values import NUMBERS, SQL, Kind, Value, as_text, common, constant, converted

_DAY_MS: Final = 86_400_000
Method = Callable[[Value, Sequence[Value]], Value]
Function = Callable[[Sequence[Value]], Value]


def _texts(method: str, arguments: Sequence[Value], count: int) -> list[Expr]:
    _count(method, arguments, count)
    if any(argument.kind not in {"keyword", "unknown"} for argument in arguments):
        raise ScriptError(f"[{method}] takes texts")
    return [argument.expression for argument in arguments]


def _count(method: str, arguments: Sequence[Value], *counts: int) -> None:
    if len(arguments) not in counts:
        raise ScriptError(f"[{method}] takes {' or '.join(map(str, counts))} arguments, got [{len(arguments)}]")


def _plain(function: ScalarFunction, kind: Kind, texts: int = 0) -> Method:
    def apply(value: Value, arguments: Sequence[Value]) -> Value:
        return Value(kind, call(function, value.expression, *_texts(function, arguments, texts)))

    return apply


def _substring(value: Value, arguments: Sequence[Value]) -> Value:
    _count("substring", arguments, 1, 2)
    if any(argument.kind not in {"long", "unknown"} for argument in arguments):
        raise ScriptError("[substring] takes whole numbers")
    start = arguments[0].expression
    length = [arguments[1].expression - start] if len(arguments) == 2 else []
    return Value("keyword", call("substr", value.expression, start + 1, *length))


def _index_of(value: Value, arguments: Sequence[Value]) -> Value:
    (wanted,) = _texts("indexOf", arguments, 1)
    return Value("long", call("instr", value.expression, wanted) - 1)


def _equals(value: Value, arguments: Sequence[Value]) -> Value:
    (wanted,) = _texts("equals", arguments, 1)
    return Value("boolean", value.expression.equals(wanted))


def _equals_ignoring_case(value: Value, arguments: Sequence[Value]) -> Value:
    (wanted,) = _texts("equalsIgnoreCase", arguments, 1)
    return Value("boolean", call("lower", value.expression).equals(call("lower", wanted)))


def _is_empty(value: Value, arguments: Sequence[Value]) -> Value:
    _count("isEmpty", arguments, 0)
    return Value("boolean", value.expression.equals(""))


TEXTS: Final[Mapping[str, Method]] = {
    "contains": _plain("contains", "boolean", 1),
    "endsWith": _plain("ends_with", "boolean", 1),
    "equals": _equals,
    "equalsIgnoreCase": _equals_ignoring_case,
    "indexOf": _index_of,
    "isEmpty": _is_empty,
    "length": _plain("length", "long"),
    "replace": _plain("replace", "keyword", 2),
    "startsWith": _plain("starts_with", "boolean", 1),
    "substring": _substring,
    "toLowerCase": _plain("lower", "keyword"),
    "toString": lambda value, _: value,
    "toUpperCase": _plain("upper", "keyword"),
    "trim": _plain("trim", "keyword"),
}


def _of_day(unit_ms: int, wrap: int) -> Callable[[Expr], Expr]:
    return lambda moment: ((moment % _DAY_MS + _DAY_MS) % _DAY_MS) // unit_ms % wrap


def _weekday(moment: Expr) -> Expr:
    days = call("floor", Cast(moment, "DOUBLE") / _DAY_MS)
    # The first of January 1970 was a Thursday.
    return ((Cast(days, "BIGINT") + 3) % 7 + 7) % 7 + 1


def _dated(part: str) -> Callable[[Expr], Expr]:
    return lambda moment: Cast(call("date_part", part, call("epoch_ms", moment)), "BIGINT")


_PARTS: Final[Mapping[str, Callable[[Expr], Expr]]] = {
    "dayOfMonth": _dated("day"),
    "dayOfYear": _dated("doy"),
    "hour": _of_day(3_600_000, 24),
    "millis": lambda moment: moment,
    "minute": _of_day(60_000, 60),
    "monthValue": _dated("month"),
    "second": _of_day(1_000, 60),
    "year": _dated("year"),
}


def part_of_moment(name: str, moment: Value) -> Value | None:
    """Return a part of a moment in UTC by its name, or by that of its getter; None where there is none of it."""
    if name in {"toInstant"}:
        return moment
    if name == "toEpochMilli":
        return Value("long", moment.expression)
    plain = name[3:4].lower() + name[4:] if name.startswith("get") else name
    if plain in {"dayOfWeek", "dayOfWeekEnum"}:
        return Value("weekday", _weekday(moment.expression))
    part = _PARTS.get(plain)
    return None if part is None else Value("long", part(moment.expression))


def _extreme(function: ScalarFunction) -> Function:
    def apply(arguments: Sequence[Value]) -> Value:
        _count(f"Math.{function}", arguments, 2)
        one, other = common(*_numbers(arguments))
        return Value(one.kind, call(function, one.expression, other.expression))

    return apply


def _numbers(arguments: Sequence[Value]) -> Sequence[Value]:
    for argument in arguments:
        if argument.kind not in NUMBERS | {"unknown"}:
            raise ScriptError(f"functions of Math take numbers, got [{argument.kind}]")
    return arguments


def _real(function: ScalarFunction, count: int = 1) -> Function:
    def apply(arguments: Sequence[Value]) -> Value:
        _count(f"Math.{function}", arguments, count)
        return Value("double", call(function, *(converted(a, "double").expression for a in _numbers(arguments))))

    return apply


def _absolute(arguments: Sequence[Value]) -> Value:
    _count("Math.abs", arguments, 1)
    (number,) = _numbers(arguments)
    return Value(number.kind, call("abs", number.expression))


def _rounded(arguments: Sequence[Value]) -> Value:
    _count("Math.round", arguments, 1)
    (number,) = _numbers(arguments)
    halved = call("floor", converted(number, "double").expression + 0.5)
    return Value("long", Cast(halved, "BIGINT", lenient=True))


def _parsed(kind: Kind) -> Function:
    def apply(arguments: Sequence[Value]) -> Value:
        (text,) = _texts(f"parse {kind}", arguments, 1)
        return Value(kind, Cast(text, SQL[kind], lenient=True))

    return apply


def _text_of(arguments: Sequence[Value]) -> Value:
    _count("String.valueOf", arguments, 1)
    return Value("keyword", as_text(arguments[0]))


FUNCTIONS: Final[Mapping[tuple[str, str], Function]] = {
    ("Math", "abs"): _absolute,
    ("Math", "cbrt"): _real("cbrt"),
    ("Math", "ceil"): _real("ceil"),
    ("Math", "exp"): _real("exp"),
    ("Math", "floor"): _real("floor"),
    ("Math", "log"): _real("ln"),
    ("Math", "log10"): _real("log10"),
    ("Math", "max"): _extreme("greatest"),
    ("Math", "min"): _extreme("least"),
    ("Math", "pow"): _real("pow", 2),
    ("Math", "round"): _rounded,
    ("Math", "sqrt"): _real("sqrt"),
    ("Double", "parseDouble"): _parsed("double"),
    ("Integer", "parseInt"): _parsed("long"),
    ("Long", "parseLong"): _parsed("long"),
    ("String", "valueOf"): _text_of,
}
CONSTANTS: Final[Mapping[tuple[str, str], Value]] = {
    ("Math", "E"): constant(math.e),
    ("Math", "PI"): constant(math.pi),
}
CLASSES: Final = frozenset(name for name, _ in FUNCTIONS)
