"""Values as other types (`TO_*` and `::`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from anomalyops_engine.query.esql.datatypes import MOMENTS, NUMERIC, SQL, STRINGS, DataType
from anomalyops_engine.query.esql.functions.addresses import parsed
from anomalyops_engine.query.esql.functions.function import ANYTHING, TEXTS, Build, Function, Parameter
from anomalyops_engine.query.esql.functions.places import point_in
from anomalyops_engine.query.esql.operands import Operand, attempt, nothing
from anomalyops_engine.query.esql.scope import Scope
from anomalyops_engine.query.esql.syntax import Call
from anomalyops_engine.query.esql.texts import converted, is_written_text, understood
from anomalyops_engine.query.expr import Binary, Case, Cast, Expr, all_of, call, lift, when
from anomalyops_engine.query.fields import shown_address

ISO_FORMAT: Final = "%Y-%m-%dT%H:%M:%S.%gZ"
_DAY = r"\d{4}-\d\d-\d\d"
_TIME = r"T\d\d:\d\d(:\d\d([.,]\d{1,9})?)?"
_ZONE = r"(Z|[+-]\d\d(:?\d\d)?)"
_NUMBER = r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fFdD]?\s*"
_WHOLE = r"[+-]?\d+"


def shown_moment(moment: Expr) -> Expr:
    """Return a moment as text."""
    return attempt(call("strftime", call("epoch_ms", moment), ISO_FORMAT))


def _joined(*parts: Expr | str) -> Expr:
    first, *others = map(lift, parts)
    for other in others:
        first = Binary("||", first, other)
    return first


def shown_text(data_type: DataType) -> Callable[[Expr], Expr]:
    """Return what makes texts of the values of a type."""
    if data_type in MOMENTS:
        return shown_moment
    if data_type == "ip":
        return shown_address
    if data_type == "geo_point":
        return lambda value: _joined(
            "POINT (",
            call("list_extract", call("string_split", value, ","), 2),
            " ",
            call("list_extract", call("string_split", value, ","), 1),
            ")",
        )
    if data_type == "double":
        return _as_java
    if data_type in STRINGS | {"version", "null", "_source"}:
        return lambda value: value
    return lambda value: Cast(value, "VARCHAR")


def _as_java(number: Expr) -> Expr:
    """Return a fraction as Java writes it: with an exponent below a thousandth and from ten millions on."""
    text, size = Cast(number, "VARCHAR"), call("abs", number)
    sign = when(number < 0, "-", "")
    digits = call("replace", call("ltrim", text, "-"), ".", "")
    parts = call("string_split", text, "e")
    mantissa = call("list_extract", parts, 1)
    power = Cast(call("list_extract", parts, 2), "INTEGER", lenient=True)
    small = call("ltrim", digits, "0")
    leading = call("length", digits) - call("length", small)
    return Case(
        (
            (
                call("contains", text, "e"),
                _joined(mantissa, when(call("contains", mantissa, "."), "", ".0"), "E", Cast(power, "VARCHAR")),
            ),
            (size >= 1e7, _joined(sign, _scientific(digits), "E", _length_before_point(text))),
            (
                all_of([size > 0.0, size < 1e-3]),
                _joined(sign, _scientific(small), "E-", Cast(leading, "VARCHAR")),
            ),
        ),
        text,
    )


def _scientific(digits: Expr) -> Expr:
    rest = call("rtrim", call("substr", digits, 2), "0")
    return _joined(call("left", digits, 1), ".", when(rest.equals(""), "0", rest))


def _length_before_point(text: Expr) -> Expr:
    whole = call("ltrim", call("list_extract", call("string_split", text, "."), 1), "-")
    return Cast(call("length", whole) - 1, "VARCHAR")


def _to_string(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    (operand,) = operands
    return scope.fresh.each(operand, shown_text(operand.type), "keyword")


def _number_in(text: Expr) -> Expr:
    """Return the fraction that a text says."""
    digits = call("regexp_replace", call("trim", text), "[fFdD]$", "")
    return when(call("regexp_full_match", text, _NUMBER), Cast(digits, "DOUBLE", lenient=True))


def _rounded(fraction: Expr) -> Expr:
    """Return a fraction as a whole number, halves upwards, NULL where it has more than 64 bits."""
    return Cast(call("floor", fraction + 0.5), "HUGEINT", lenient=True)


def _whole_of(data_type: DataType, made: DataType) -> Callable[[Expr], Expr]:
    def held(value: Expr) -> Expr:
        if made == "integer":
            return Cast(Cast(value, "INTEGER", lenient=True), "BIGINT")
        return Cast(value, SQL[made], lenient=True)

    def of(value: Expr) -> Expr:
        if data_type in STRINGS:
            exact = Cast(value, "HUGEINT", lenient=True)
            return held(when(call("regexp_full_match", value, _WHOLE), exact, _rounded(_number_in(value))))
        return held(_rounded(value) if data_type == "double" else value)

    return of


def _to_whole(made: DataType) -> Build:
    def make(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
        (operand,) = operands
        if operand.type == made:
            return operand
        return scope.fresh.each(operand, _whole_of(operand.type, made), made)

    return make


def _to_double(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    (operand,) = operands
    body: Callable[[Expr], Expr] = _number_in if operand.type in STRINGS else lambda value: Cast(value, "DOUBLE")
    return scope.fresh.each(operand, body, "double")


def _to_boolean(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    (operand,) = operands
    if operand.type == "boolean":
        return operand
    if operand.type in STRINGS:
        return scope.fresh.each(operand, lambda value: call("lower", value).equals("true"), "boolean")
    return scope.fresh.each(operand, lambda value: Cast(value, "BOOLEAN"), "boolean")


def moment_in(text: Expr) -> Expr:
    """Return the moment that a text says, in UTC where it names no zone; parts may be left out."""
    spelt = Case(
        (
            (call("regexp_full_match", text, r"\d{4}"), _joined(text, "-01-01T00:00:00Z")),
            (call("regexp_full_match", text, r"\d{4}-\d\d"), _joined(text, "-01T00:00:00Z")),
            (call("regexp_full_match", text, _DAY), _joined(text, "T00:00:00Z")),
            (call("regexp_full_match", text, f"{_DAY}{_TIME}"), _joined(call("regexp_replace", text, ",", "."), "Z")),
            (call("regexp_full_match", text, f"{_DAY}{_TIME}{_ZONE}"), call("regexp_replace", text, ",", ".")),
        )
    )
    return attempt(call("epoch_ms", Cast(spelt, "TIMESTAMPTZ", lenient=True)))


def _to_datetime(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    (operand,) = operands
    if operand.type == "date":
        return operand
    if is_written_text(operand):
        return understood(operand, "date", node.at)
    if operand.type in STRINGS:
        return scope.fresh.each(operand, moment_in, "date")
    if operand.type in MOMENTS:
        return operand.with_expr(operand.expr, "date")
    return scope.fresh.each(operand, _whole_of(operand.type, "long"), "date")


def _to_ip(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    (operand,) = operands
    if operand.type == "ip":
        return operand
    if is_written_text(operand):
        return understood(operand, "ip", node.at)
    return scope.fresh.each(operand, lambda text: parsed(scope.fresh, text), "ip")


def _to_version(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    (operand,) = operands
    return Operand(operand.expr, "version", operand.multi)


def _to_point(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    (operand,) = operands
    if operand.type == "geo_point":
        return operand
    return scope.fresh.each(operand, lambda text: point_in(scope.fresh, text), "geo_point")


def _to_span(made: DataType) -> Build:
    def make(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
        (operand,) = operands
        if operand.value is None:
            return nothing(made)
        return converted(operand, made, node.at) if is_written_text(operand) else operand

    return make


_PLAIN: tuple[DataType, ...] = ("boolean", "date", "date_nanos", "double", "integer", *TEXTS, "long", "unsigned_long")
_SHOWN = "boolean or date_nanos or datetime or double or integer or keyword or long or text or unsigned_long"
_NUMBERS_OR_TEXT = Parameter(_PLAIN, _SHOWN)
_TRUTH = Parameter(("boolean", *TEXTS, *sorted(NUMERIC)), "boolean or numeric or string")
_MOMENT = Parameter(("date", "date_nanos", *TEXTS, *sorted(NUMERIC)), "date_nanos or datetime or numeric or string")


def _of(parameter: Parameter, build: Build) -> Function:
    return Function((parameter,), build)


def _span(made: DataType) -> Function:
    return Function((Parameter((made, *TEXTS), f"{made} or string", fixed=True),), _to_span(made))


FUNCTIONS: Final[Mapping[str, Function]] = {
    **dict.fromkeys(("to_bool", "to_boolean"), _of(_TRUTH, _to_boolean)),
    **dict.fromkeys(("to_datetime", "to_dt"), _of(_MOMENT, _to_datetime)),
    **dict.fromkeys(("to_dbl", "to_double"), _of(_NUMBERS_OR_TEXT, _to_double)),
    **dict.fromkeys(("to_int", "to_integer"), _of(_NUMBERS_OR_TEXT, _to_whole("integer"))),
    "to_ip": _of(Parameter(("ip", *TEXTS), "ip or string"), _to_ip),
    "to_geopoint": _of(Parameter(("geo_point", *TEXTS), "geo_point or string"), _to_point),
    **dict.fromkeys(("to_ver", "to_version"), _of(Parameter(("version", *TEXTS), "string or version"), _to_version)),
    "to_long": _of(_NUMBERS_OR_TEXT, _to_whole("long")),
    **dict.fromkeys(("to_str", "to_string"), _of(Parameter(ANYTHING, "any type"), _to_string)),
    **dict.fromkeys(("to_ul", "to_ulong", "to_unsigned_long"), _of(_NUMBERS_OR_TEXT, _to_whole("unsigned_long"))),
    "to_dateperiod": _span("date_period"),
    "to_timeduration": _span("time_duration"),
}
