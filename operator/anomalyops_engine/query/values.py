"""The values of a request in the type of the field that they are compared with."""

from __future__ import annotations

import math
from typing import Any

from anomalyops_engine.query.datemath import resolve_date
from anomalyops_engine.query.errors import (
    IllegalQueryError,
    NumberFormatError,
    QueryError,
    QueryShardError,
)
from anomalyops_engine.query.expr import Compare, Comparison, Expr, Literal, Not, all_of, any_of, call
from anomalyops_engine.query.fields import ResolvedField, ValueType
from anomalyops_engine.query.options import Scalar, any_number, shown
from anomalyops_engine.store import Field, ip
from anomalyops_engine.store.fieldtypes.numbers import SINGLES, rounded
from anomalyops_engine.store.mapping import FLOATS, INTEGER_LIMITS

_LONGS = INTEGER_LIMITS["long"]


def column_value(leaf: Field, value: Scalar) -> Any:
    """Return a value in the type of the field's column; None when no document can have it (1.5 in a long).

    Raises:
        QueryShardError: it is no value of the field's type.
    """
    if leaf.type == "ip":
        return kept_address(value)
    if leaf.is_string:
        return as_text(value)
    if leaf.type == "boolean":
        return _as_boolean(value)
    number = given_number(value)
    if leaf.type in FLOATS:
        held = _double(leaf, number)
        return rounded(leaf.type, held, leaf.definition["scaling_factor"]) if leaf.type == "scaled_float" else held
    if number != int(number):
        return None
    _check_width(leaf, number)
    low, high = INTEGER_LIMITS[leaf.type]
    return int(number) if low <= number <= high else None


def bound_value(leaf: Field, value: Scalar) -> Any:
    """Return a range bound; integers compare with fractional bounds as numbers, so nothing is rounded away.

    Raises:
        QueryShardError: it is no value of the field's type.
    """
    if leaf.type == "boolean":
        return _as_boolean(value)
    if leaf.type == "ip":
        return kept_address(value)
    if leaf.is_string:
        return as_text(value)
    number = given_number(value)
    if leaf.type in FLOATS:
        return _double(leaf, number)
    _check_width(leaf, number)
    return number if -(2**63) <= number < 2**64 else float(number)


def kept_address(value: Scalar) -> str:
    """Return an IP address in the form in which it is kept, to compare columns with.

    Raises:
        QueryShardError: it is none.
    """
    try:
        return ip.stored(as_text(value))
    except ValueError as error:
        raise not_created(IllegalQueryError(str(error))) from None


def in_block(value: Expr, block: str) -> Expr:
    """Return that an address lies in a block in CIDR notation.

    Raises:
        QueryShardError: there is no such block.
    """
    try:
        low, high = ip.block(block)
    except ValueError as error:
        raise not_created(IllegalQueryError(str(error))) from None
    return all_of([value >= low, *([] if high is None else [value < high])])


def as_text(value: object) -> str:
    """Return a scalar as the text of a keyword, numbers as Java writes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return java_text(value) if isinstance(value, float) else str(value)


def java_text(number: float) -> str:
    """Return a number as Java's `Double.toString` writes it: 1.0E10, where Python has 10000000000.0."""
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else f"{'-' if number < 0 else ''}Infinity"
    plain = repr(float(number))
    if 1e-3 <= abs(number) < 1e7 or number == 0:
        return plain
    digits, _, exponent = f"{number:e}".partition("e") if "e" not in plain else plain.partition("e")
    if "e" not in plain:
        sign = "-" if number < 0 else ""
        significant = plain.lstrip("-").replace(".", "").strip("0")
        digits = f"{sign}{significant[0]}.{significant[1:] or '0'}"
    return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}"


def epoch_numbers(formats: str, *values: Scalar | None) -> str:
    """Return the formats in which values are dates: a number among them makes all of them epoch milliseconds."""
    numeric = any(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return "epoch_millis" if numeric else formats


def same_number(value: Expr, number: Any) -> Expr:
    """Return that a value is a number; the two zeros of floating point are different ones."""
    if isinstance(number, float) and number == 0:
        signed = call("signbit", value)
        return all_of([value.equals(0.0), signed if _is_negative(number) else Not(signed)])
    return value.equals(number)


def compare_numbers(sign: Comparison, value: Expr, limit: float) -> Expr:
    """Return how a floating-point value compares with a limit; -0.0 comes before 0.0."""
    compared = Compare(sign, value, Literal(limit))
    negative = _is_negative(limit)
    if limit != 0 or negative == (sign in {">=", "<"}):
        return compared
    strict: Comparison = ">" if sign in {">", ">="} else "<"
    # The one zero that the limit lets in is let in by name.
    return any_of([Compare(strict, value, Literal(limit)), same_number(value, 0.0 if strict == ">" else -0.0)])


def _is_negative(number: float) -> bool:
    return math.copysign(1, number) < 0


def _as_boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in {"true", "false", ""}:
        return value == "true"
    raise not_created(IllegalQueryError(f"Can't parse boolean value [{shown(value)}], expected [true] or [false]"))


def given_number(value: Scalar) -> int | float:
    """Return the number that a query gives for a field of numbers, which may be written as text.

    Raises:
        QueryShardError: it is none.
    """
    if isinstance(value, bool):
        raise not_created(NumberFormatError(as_text(value)))
    try:
        return any_number(value)
    except IllegalQueryError as error:
        raise not_created(error) from None


def _double(leaf: Field, number: int | float) -> float:
    """Return a number in the precision of a field; a bound of `scaled_float` is compared as it is."""
    try:
        found = float(number)
        held = rounded(leaf.type, found) if leaf.type in SINGLES else found
        # Beyond what the type holds, the number itself is as far from every value.
        return held if math.isfinite(held) else found
    except OverflowError:
        raise not_created(IllegalQueryError(f"[{leaf.type}] supports only finite values, but got [Infinity]")) from None


def _check_width(leaf: Field, number: int | float) -> None:
    """Refuse numbers that Elasticsearch cannot even read for the type; smaller types are read as integers."""
    wide = {"long": "long", "unsigned_long": "unsigned_long"}.get(leaf.type, "integer")
    low, high = (-(2**63), 2**64 - 1) if wide == "unsigned_long" else INTEGER_LIMITS[wide]
    if not low <= number <= high:
        article = "an" if wide == "integer" else "a"
        raise not_created(IllegalQueryError(f"Value [{as_text(number)}] is out of range for {article} {wide}"))


def not_created(cause: QueryError) -> QueryShardError:
    """Return the refusal of a clause whose value does not go with a field or with the rest of the clause."""
    return QueryShardError(f"failed to create query: {cause.reason}", cause)


def filler(field: ResolvedField, value: Scalar, formats: str, now_ms: int) -> tuple[Scalar, ValueType]:
    """Return what stands for the missing values of a mapped field, and the type that holds it with the field's own.

    Args:
        field: the field.
        value: `missing` of the request.
        formats: date formats of the value, for a date.
        now_ms: the present, epoch milliseconds.

    Raises:
        QueryError: it is no value of the field's type.
    """
    if field.is_date:
        return resolve_date(value, formats, now_ms=now_ms), "BIGINT"
    if field.is_ip:
        try:
            return ip.stored(as_text(value)), "VARCHAR"
        except ValueError as error:
            raise IllegalQueryError(str(error)) from None
    if field.type == "VARCHAR":
        return as_text(value), "VARCHAR"
    if field.type == "BOOLEAN":
        if isinstance(value, str) and value not in {"true", "false"}:
            raise IllegalQueryError(f"Cannot parse boolean [{shown(value)}], expected either [true] or [false]")
        return value == "true" if isinstance(value, str) else bool(value), "BOOLEAN"
    number = as_number(value)
    whole = number == int(number) and _LONGS[0] <= number <= _LONGS[1]
    if field.type == "DOUBLE" or not whole or (field.type == "UBIGINT" and number < 0):
        return float(number), "DOUBLE"
    return int(number), field.type


def as_number(value: object) -> int | float:
    """Return a number, which may be written as text.

    Raises:
        NumberFormatError: it is none.
    """
    try:
        return any_number(value)
    except IllegalQueryError:
        raise NumberFormatError(shown(value)) from None
