"""The values of a request in the type of the field that they are compared with."""

from __future__ import annotations

from typing import Any, NoReturn

from anomalyops_engine.query.datemath import resolve_date
from anomalyops_engine.query.errors import IllegalQueryError, NumberFormatError, UnsupportedQueryError
from anomalyops_engine.query.fields import ResolvedField, ValueType
from anomalyops_engine.query.options import Scalar, any_number, shown
from anomalyops_engine.store import Field
from anomalyops_engine.store.mapping import FLOATS, INTEGER_LIMITS

_LONGS = INTEGER_LIMITS["long"]


def column_value(leaf: Field, value: object) -> Any:
    """Return a value in the type of the field's column; None when no document can have it (1.5 in a long).

    Raises:
        IllegalQueryError: it is no value of the field's type.
    """
    if leaf.is_string:
        return as_text(value)
    if leaf.type == "boolean":
        return as_boolean(value)
    number = _number(leaf, value)
    if leaf.type in INTEGER_LIMITS:
        low, high = INTEGER_LIMITS[leaf.type]
        return int(number) if number == int(number) and low <= number <= high else None
    return float(number)


def bound_value(leaf: Field, value: object) -> Any:
    """Return a range bound; integers compare with fractional bounds as numbers, so nothing is rounded away.

    Raises:
        IllegalQueryError: it is no value of the field's type.
        UnsupportedQueryError: the type has no order in this engine.
    """
    if leaf.type in INTEGER_LIMITS or leaf.type in FLOATS:
        number = _number(leaf, value)
        # Whole bounds beyond 64 bits compare as fractions do.
        return number if -(2**63) <= number < 2**64 else float(number)
    if leaf.type == "boolean":
        return as_boolean(value)
    if leaf.type == "ip":
        raise UnsupportedQueryError(f"[range] on [ip] field [{leaf.path}] is not supported by this engine")
    return as_text(value)


def as_text(value: object) -> str:
    """Return a scalar as a keyword has it."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def as_boolean(value: object) -> bool:
    """Return a truth value, which may be written as text; the empty text is false.

    Raises:
        IllegalQueryError: it is none.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in {"true", "false", ""}:
        return value == "true"
    raise IllegalQueryError(f"Can't parse boolean value [{shown(value)}], expected [true] or [false]")


def _number(leaf: Field, value: object) -> int | float:
    if isinstance(value, bool):
        _refuse(leaf, value)
    try:
        return any_number(value)
    except IllegalQueryError:
        _refuse(leaf, value)


def _refuse(leaf: Field, value: object) -> NoReturn:
    raise IllegalQueryError(
        f'failed to create query: For input string: "{shown(value)}" on field [{leaf.path}] of type [{leaf.type}]'
    )


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
    if field.type == "VARCHAR":
        return as_text(value), "VARCHAR"
    if field.type == "BOOLEAN":
        return as_boolean(value), "BOOLEAN"
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
