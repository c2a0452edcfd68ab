"""Ranges as values of fields: their ends in the database, and how they lie to the range that a query asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.expr import (
    FALSE,
    Cast,
    Column,
    Expr,
    Lambda,
    ListOf,
    Literal,
    all_of,
    call,
    when,
)
from anomalyops_engine.query.limits import limits
from anomalyops_engine.query.options import Scalar
from anomalyops_engine.query.values import as_text, given_number, not_created
from anomalyops_engine.store import Field
from anomalyops_engine.store.fieldtypes.spans import RANGE_KINDS, End, RangeKind, address_number

RELATIONS: Final[dict[str, Callable[[Expr, Expr, Expr, Expr], Expr]]] = {
    "intersects": lambda low, high, first, last: all_of([low <= last, high >= first]),
    "within": lambda low, high, first, last: all_of([low >= first, high <= last]),
    "contains": lambda low, high, first, last: all_of([low <= first, high >= last]),
}
"""How a range [low, high] of a document lies to the one [first, last] of a query."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The range of a query as it is written, None for an open end."""

    low: End | None
    high: End | None
    low_included: bool = True
    high_included: bool = True


def kind_of(leaf: Field) -> RangeKind:
    """Return what the ends of a range field are."""
    return RANGE_KINDS[leaf.type]


def ends_of(kind: RangeKind, value: Expr) -> tuple[Expr, Expr]:
    """Return the first and the last value of a range, both of which are in it."""
    parts = call("string_split", value, ",")
    low, high = (call("list_extract", parts, number) for number in (1, 2))
    return (low, high) if kind.sql_type == "VARCHAR" else (Cast(low, kind.sql_type), Cast(high, kind.sql_type))


def lies(leaf: Field, value: Expr, wanted: Wanted, relation: str) -> Expr:
    """Return how a range of a document lies to the one of a query.

    Args:
        leaf: the field.
        value: a range of a document.
        wanted: the range of the query.
        relation: a key of `RELATIONS`.

    Raises:
        QueryShardError: the range of the query goes from high to low.
    """
    kind = kind_of(leaf)
    first = kind.lowest if wanted.low is None else wanted.low
    last = kind.highest if wanted.high is None else wanted.high
    if first > last:
        raise not_created(IllegalQueryError(f"Range query `from` value ({first}) is greater than `to` value ({last})"))
    # An end that is left out is so where none is given too, as the last value that there is.
    first = first if wanted.low_included else kind.following(first)
    last = last if wanted.high_included else kind.preceding(last)
    if first > last or first > kind.highest or last < kind.lowest:
        return FALSE
    return RELATIONS[relation](*ends_of(kind, value), _constant(kind, first), _constant(kind, last))


def _constant(kind: RangeKind, end: End) -> Literal:
    return Literal(kind.written(end), "VARCHAR") if kind.sql_type == "VARCHAR" else Literal(end, kind.sql_type)


def end_of(leaf: Field, value: Scalar) -> End:
    """Return one end of the range of a query, of numbers and addresses.

    Raises:
        QueryShardError: it is no value that the ranges of the field can have.
    """
    kind = kind_of(leaf)
    if kind.sql_type == "VARCHAR":
        try:
            return address_number(as_text(value))
        except ValueError as error:
            raise not_created(IllegalQueryError(str(error))) from None
    number = given_number(value)
    if kind.sql_type == "DOUBLE":
        return float(number)
    if not kind.lowest <= number <= kind.highest:
        raise not_created(IllegalQueryError(f"Value [{as_text(value)}] is out of range for {_article(kind.element)}"))
    if number != int(number):
        raise not_created(IllegalQueryError(f"Value [{as_text(value)}] has a decimal part"))
    return int(number)


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


# --- histograms ---


def keys_of(values: Expr, keys: Callable[[Expr], Expr], *, multi: bool) -> Expr:
    """Return the list of the keys of a document: those of each of its ranges, each once.

    Args:
        values: its range, or the list of them.
        keys: the list of the keys of one range.
        multi: it is a list.
    """
    listed = values if multi else when(values.is_not_null(), ListOf((values,)))
    found = call("flatten", call("list_transform", listed, Lambda("span", keys(Column("span")))))
    return call("list_filter", call("list_distinct", found), Lambda("item", Column("item").is_not_null()))


def clipped(kind: RangeKind, value: Expr, ends: tuple[Any | None, Any | None] | None) -> tuple[Expr, Expr]:
    """Return the ends of a range as far as it lies between two others, both included; None is open."""
    low, high = ends_of(kind, value)
    first, last = ends or (None, None)
    return (
        low if first is None else call("greatest", low, Cast(Literal(first), kind.sql_type)),
        high if last is None else call("least", high, Cast(Literal(last), kind.sql_type)),
    )


def steps(low: Expr, high: Expr, step: int, key_of: Callable[[Expr], Expr]) -> Expr:
    """Return the keys of the buckets of whole numbers that a stretch lies in; more than allowed where it is endless.

    Args:
        low: where it begins.
        high: where it ends, included.
        step: no bucket is shorter.
        key_of: the key of the bucket of a number.
    """
    first, last = Cast(low, "HUGEINT"), Cast(high, "HUGEINT")
    count = call("least", (last - first) // Cast(Literal(step), "HUGEINT") + 1, _too_many())
    numbers = call("range", 0, Cast(count, "BIGINT") + 1)
    number = call("least", first + Cast(Column("step"), "HUGEINT") * Cast(Literal(step), "HUGEINT"), last)
    made = call("list_transform", numbers, Lambda("step", key_of(Cast(number, "BIGINT", lenient=True))))
    return when(low <= high, made)


def widths(low: Expr, high: Expr, width: float, offset: float) -> Expr:
    """Return the keys of the buckets of a width that a stretch of numbers lies in; see `steps`."""

    def place(value: Expr) -> Expr:
        return call("floor", (Cast(value, "DOUBLE") - Literal(offset)) / Literal(width))

    many = Cast(_too_many(), "DOUBLE")
    last = when(call("isfinite", place(high)), place(high), many)
    first = when(call("isfinite", place(low)), place(low), last - many)
    count = Cast(call("least", last - first + 1.0, many), "BIGINT")
    numbers = call("range", 0, count)
    key = (first + Cast(Column("step"), "DOUBLE")) * Literal(width) + offset
    made = call("list_transform", numbers, Lambda("step", key))
    return when(low <= high, made)


def _too_many() -> Literal:
    """Return a number of buckets that is refused."""
    return Literal(limits().buckets + 1)


def type_error(leaf: Field) -> IllegalQueryError:
    """Return the refusal to aggregate on a range what is about single values."""
    return IllegalQueryError(f"Field [{leaf.path}] of type [{leaf.type}] is not supported for this aggregation")
