"""`slice`: one of several parts of a search, which together are the whole and have no hit in common.

What a part is depends on how the search goes on (`SliceBuilder.toFilter`). All parts of a point in time see the same
documents, so that any number of a document will do. Each part of a scroll has a snapshot of its own: there a document
is told by its id, which a change in between leaves as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from anomalyops_engine.query.errors import ContentParseError, IllegalQueryError
from anomalyops_engine.query.expr import Column, Expr, call
from anomalyops_engine.query.limits import limit_of
from anomalyops_engine.query.options import MistypedError, Subject, integer, option, read_options, text
from anomalyops_engine.store import Index
from anomalyops_engine.store.mapping import SQL_TYPES

GoesOn = Literal["scroll", "pit"]
_NUMBERS = frozenset({"BIGINT", "UBIGINT", "DOUBLE", "BOOLEAN"})
_NUMBERS_OF_DOCUMENTS = frozenset({"_seq_no", "_version"})


def _number(value: object) -> int:
    found = integer()(value)
    if found < 0:
        raise IllegalQueryError("id must be greater than or equal to 0")
    return found


def _count(value: object) -> int:
    found = integer()(value)
    if found <= 1:
        raise IllegalQueryError("max must be greater than 1")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One part of several.

    Attributes:
        number: which, from 0.
        count: of how many.
        field: whose values tell the parts apart; None for what is best.
    """

    number: int = option(_number, key="id")
    count: int = option(_count, key="max")
    field: str | None = option(text, None)


def read_slice(value: object) -> Slice:
    """Read `slice`.

    Raises:
        ContentParseError: an option is unknown, or is no such number.
        IllegalQueryError: one is missing.
    """
    if not isinstance(value, dict):
        raise MistypedError(value)
    read = read_options(Slice, value, Subject("slice"))
    if read.number >= read.count:
        last = [key for key in value if key in {"id", "max"}][-1]
        cause = IllegalQueryError("max must be greater than id")
        raise ContentParseError(f"[slice] failed to parse field [{last}]", cause)
    return read


def in_slice(index: Index, part: Slice, goes_on: GoesOn) -> Expr:
    """Return that a document of an index is in a part.

    Args:
        index: the index.
        part: the part.
        goes_on: how the search goes on.

    Raises:
        IllegalQueryError: there are more parts than the index allows, or its field is no number.
    """
    _check_count(index, part.count, goes_on)
    return (_told_by(index, part.field, goes_on) % part.count).equals(part.number)


def _told_by(index: Index, field: str | None, goes_on: GoesOn) -> Expr:
    """Return what tells the parts apart: a whole number, at least 0, that every document has."""
    if field is None and goes_on == "pit":
        return Column("_seq_no")
    if field in {None, "_id"}:
        if goes_on == "pit":
            raise IllegalQueryError("cannot slice on [_id] when using [point-in-time]")
        return call("hash", Column("_id"))
    if field in _NUMBERS_OF_DOCUMENTS:
        return Column(str(field))
    leaf = index.get(str(field))
    if leaf is None:
        raise IllegalQueryError(f"field {field} not found")
    if not leaf.aggregatable or SQL_TYPES[leaf.type] not in _NUMBERS:
        raise IllegalQueryError(f"cannot load numeric doc values on {field}")
    column: Expr = Column(leaf.column)
    # What there is none of is told by the same number everywhere, which is none itself.
    return call("hash", call("list_min", column) if leaf.multi else column)


def _check_count(index: Index, count: int, goes_on: GoesOn) -> None:
    setting = f"max_slices_per_{goes_on}"
    limit = limit_of(index, setting)
    if count > limit:
        raise IllegalQueryError(
            f"The number of slices [{count}] is too large. It must be less than [{limit}]. This limit can be set by "
            f"changing the [index.{setting}] index level setting."
        )
