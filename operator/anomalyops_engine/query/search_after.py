"""`search_after`: where a page of hits goes on, said by the sort values of the last hit before it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from anomalyops_engine.query.errors import IllegalQueryError, QueryError, QueryParsingError
from anomalyops_engine.query.expr import FALSE, Cast, Column, Expr, Literal, Not, all_of, any_of, call
from anomalyops_engine.query.options import Scalar
from anomalyops_engine.query.sorting import Criterion, SortColumn, furthest
from anomalyops_engine.query.values import as_number, as_text, column_value, kept_address
from anomalyops_engine.store.dates import parse_date
from anomalyops_engine.store.fieldtypes.numbers import rounded

_NANOS_PER_MS = 1_000_000


def read_after(value: object) -> tuple[Scalar | None, ...]:
    """Read `search_after`.

    Raises:
        QueryParsingError: no list of texts, numbers and truth values.
        IllegalQueryError: it is empty.
    """
    if not isinstance(value, list):
        raise QueryParsingError("Expected [START_ARRAY] for [search_after]")
    for each in value:
        if isinstance(each, list | dict):
            found = "START_ARRAY" if isinstance(each, list) else "START_OBJECT"
            reason = f"Expected [VALUE_STRING] or [VALUE_NUMBER] or [VALUE_BOOLEAN] or [VALUE_NULL] but found [{found}]"
            raise QueryParsingError(f"{reason} inside search_after.")
    if not value:
        raise IllegalQueryError("Values must contains at least one value.")
    return tuple(value)


def behind(criteria: Sequence[Criterion], values: Sequence[Scalar | None], place: int | None = None) -> Expr:
    """Return the condition of rows that come behind one with these sort values.

    Args:
        criteria: what rows are sorted by.
        values: of the row before them, one for each criterion.
        place: the index whose documents are the rows; None for the rows of all indices, which have the sort values.

    Raises:
        IllegalQueryError: there are more or fewer values than criteria, or none is of its criterion's kind.
    """
    if not criteria:
        raise IllegalQueryError("Sort must contain at least one field.")
    if len(criteria) != len(values):
        raise IllegalQueryError(f"search_after has {len(values)} value(s) but sort has {len(criteria)}.")
    levels = [
        level
        for criterion, value in zip(criteria, values, strict=True)
        for level in _levels(
            criterion, value, Column(criterion.name) if place is None else criterion.columns[place].value
        )
    ]
    alternatives: list[Expr] = []
    equal: list[Expr] = []
    for later, same in levels:
        alternatives.append(all_of([*equal, later]))
        equal.append(same)
    return any_of(alternatives)


def not_before(criterion: Criterion, value: Scalar | None, column: Column) -> Expr:
    """Return that a number is not before a value by a criterion; the database need not look at all for those.

    Args:
        criterion: a number is sorted by it as a column keeps it.
        value: the value.
        column: that column. No value is behind all others.

    Raises:
        IllegalQueryError: the value is none of the criterion's kind.
    """
    number = Literal(_number(criterion, value))
    return column <= number if criterion.key.descending else column >= number


def _levels(criterion: Criterion, value: Scalar | None, column: Expr) -> list[tuple[Expr, Expr]]:
    """Return, for each order of a criterion, what comes behind a value and what is equal to it."""
    key = criterion.key
    first = criterion.columns[0]
    if first.is_text:
        if value is None:
            later: Expr = column.is_not_null() if key.nulls_first else FALSE
            return [(later, column.is_null())]
        text = Literal(_text(first, value, key.field))
        later = column < text if key.descending else column > text
        return [(later if key.nulls_first else any_of([later, column.is_null()]), column.equals(text))]
    number = Literal(_number(criterion, value))
    levels = [(column < number if key.descending else column > number, column.equals(number))]
    if any(each.is_double for each in criterion.columns):
        # -0.0 comes before 0.0.
        negative = math.copysign(1.0, float(number.value)) < 0  # type: ignore[arg-type]
        signed = call("signbit", Cast(column, "DOUBLE"))
        later = signed if key.descending else Not(signed)
        levels.append((later if negative != key.descending else FALSE, signed if negative else Not(signed)))
    return levels


def _text(column: SortColumn, value: Scalar, name: str) -> str:
    try:
        return str(kept_address(value)) if column.is_ip else as_text(value)
    except QueryError:
        raise _unreadable(name) from None


def _number(criterion: Criterion, value: Scalar | None) -> Any:
    column, key = criterion.columns[0], criterion.key
    if value is None:
        return float(furthest(column.kind, key)) if column.is_double else furthest(column.kind, key)
    leaf = column.leaf
    try:
        if isinstance(value, bool) or (leaf is not None and leaf.type == "boolean" and isinstance(value, str)):
            return int(value if leaf is None else bool(column_value(leaf, value)))
        if isinstance(value, str) and leaf is not None and leaf.is_date:
            return parse_date(value, column.formats or leaf.formats) * (_NANOS_PER_MS if column.is_nanos else 1)
        number = float(value) if value in {"Infinity", "-Infinity"} else as_number(value)
    except (QueryError, ValueError, TypeError):
        raise _unreadable(key.field) from None
    if isinstance(number, int) and not -(2**63) <= number < 2**64:
        raise _unreadable(key.field)
    if column.is_nanos:  # moments are sorted by the millisecond
        return number // _NANOS_PER_MS * _NANOS_PER_MS
    # Hits show the fewest digits that tell a number of single precision from others.
    return rounded("float", float(number)) if column.is_single else number


def _unreadable(name: str) -> IllegalQueryError:
    return IllegalQueryError(f"Failed to parse search_after value for field [{name}].")
