"""The values of a request in the type of the field that they are compared with."""

from __future__ import annotations

from typing import Any, NoReturn

from anomalyops_engine.query.errors import IllegalQueryError, UnsupportedQueryError
from anomalyops_engine.store import Field
from anomalyops_engine.store.mapping import FLOATS, INTEGER_LIMITS


def column_value(leaf: Field, value: object) -> Any:
    """Return a value in the type of the field's column; None when no document can have it (1.5 in a long).

    Raises:
        IllegalQueryError: it is no value of the field's type.
    """
    if leaf.is_string:
        return ("true" if value else "false") if isinstance(value, bool) else str(value)
    if leaf.type == "boolean":
        if isinstance(value, bool):
            return value
        if value in {"true", "false", ""}:
            return value == "true"
        raise IllegalQueryError(f"Can't parse boolean value [{value}], expected [true] or [false]")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        _refuse(leaf, value)
    try:
        number = float(value) if not isinstance(value, int) else value
        if isinstance(value, str) and value.lstrip("-").isdigit():
            number = int(value)
    except ValueError:
        _refuse(leaf, value)
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
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        try:
            return float(value) if isinstance(value, str) else _refuse(leaf, value)
        except ValueError:
            _refuse(leaf, value)
    if leaf.type == "boolean":
        return column_value(leaf, value)
    if leaf.type == "ip":
        raise UnsupportedQueryError(f"[range] on [ip] field [{leaf.path}] is not supported by this engine")
    return str(value)


def _refuse(leaf: Field, value: object) -> NoReturn:
    raise IllegalQueryError(
        f'failed to create query: For input string: "{value}" on field [{leaf.path}] of type [{leaf.type}]'
    )
