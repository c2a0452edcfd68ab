"""Texts that stand for values of other types: dates, addresses, truth values."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.esql.datatypes import DataType, shown
from anomalyops_engine.query.esql.expressions import span_in_text
from anomalyops_engine.query.esql.operands import Operand, constant, nothing
from anomalyops_engine.query.esql.places import Place
from anomalyops_engine.query.esql.scope import fail
from anomalyops_engine.query.esql.syntax import TimeSpan
from anomalyops_engine.store import ip
from anomalyops_engine.store.dates import parse_date

_DATES = "strict_date_optional_time"
_LONGEST = 2**63


def value_of(text: str, data_type: DataType, place: Place) -> Any:
    """Return what a text says as a value of a type.

    Raises:
        ValueError: it says none.
    """
    if data_type in {"date", "date_nanos"}:
        moment = parse_date(text, _DATES)
        if not -_LONGEST <= moment < _LONGEST:
            raise ValueError(f"moment [{text}] is out of range")
        return moment
    if data_type == "ip":
        return ip.stored(text)
    if data_type == "boolean":
        if text.lower() not in {"true", "false"}:
            raise ValueError(f"Failed to parse value [{text}] as only [true] or [false] are allowed.")
        return text.lower() == "true"
    if data_type in {"date_period", "time_duration"}:
        found = span_in_text(text)
        if found is None:
            raise ValueError(f"Cannot parse [{text}] to {data_type.upper()}")
        span = TimeSpan(place, **found)
        if span.type != data_type:
            raise ValueError(f"expected {data_type.upper()}, got [{text}]")
        return span
    return text


def converted(operand: Operand, data_type: DataType, place: Place) -> Operand:
    """Return a written text, or several, as a value of another type.

    Raises:
        VerificationError: it stands for none.
    """
    texts = operand.value if isinstance(operand.value, tuple) else (operand.value,)
    try:
        found = tuple(value_of(text, data_type, place) for text in texts)
    except (ValueError, OverflowError, IllegalQueryError) as error:
        fail(place, f"Cannot convert string [{operand.value}] to [{shown(data_type).upper()}], error [{error}]")
    return constant(found if operand.multi else found[0], data_type)


def understood(operand: Operand, data_type: DataType, place: Place) -> Operand:
    """Return a written text, or several, as values of another type; those that stand for none are left out."""
    found = []
    for text in operand.value if isinstance(operand.value, tuple) else (operand.value,):
        with suppress(ValueError, OverflowError, IllegalQueryError):
            found.append(value_of(text, data_type, place))
    if not found:
        return nothing(data_type)
    return constant(tuple(found) if len(found) > 1 else found[0], data_type)


def is_written_text(operand: Operand) -> bool:
    """Return whether an operand is a text in the statement, which may stand for another type."""
    return operand.fixed and operand.type == "keyword" and operand.value is not None
