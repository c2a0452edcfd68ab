"""`collapse`: of the hits that have the same value of a field only the first is shown, and others beside it.

A group is a value; documents without one are a group too. Which hit is the first is said by the order of the search, so
the database numbers the rows of each group in that order and keeps those with number one. What `inner_hits` asks for is
a search of its own over the documents of a group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from anomalyops_engine.query import sql
from anomalyops_engine.query.documents_of import documents_of
from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.expr import (
    Aggregate,
    Column,
    Expr,
    Literal,
    Select,
    all_of,
    call,
)
from anomalyops_engine.query.hit_fields import HitField, WantedField, hit_fields, read_docvalue_fields, read_fields
from anomalyops_engine.query.options import (
    MistypedError,
    Subject,
    at_least_zero,
    boolean,
    integer,
    option,
    read_options,
    table_of,
    text,
)
from anomalyops_engine.query.sorting import SortKey, read_sort
from anomalyops_engine.query.sources import SourceFilter, read_source
from anomalyops_engine.store import Index, Reader
from anomalyops_engine.store.mapping import SQL_TYPES

_NUMBERS: Final = frozenset(
    {"byte", "double", "float", "half_float", "integer", "long", "scaled_float", "short", "unsigned_long"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerCollapse:
    """`collapse` inside `inner_hits`."""

    field: str = option(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownHits:
    """Which documents of a group are shown, and what of them."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"explain", "highlight", "script_fields", "stored_fields"})

    start: int = option(at_least_zero("from"), 0, key="from")
    size: int = option(at_least_zero("size"), 3)
    sort: tuple[SortKey, ...] = option(read_sort, ())
    source: SourceFilter | None = option(read_source, SourceFilter(), key="_source")
    fields: tuple[WantedField, ...] = option(read_fields, ())
    docvalue_fields: tuple[WantedField, ...] = option(read_docvalue_fields, ())
    version: bool = option(boolean, default=False)
    seq_no_primary_term: bool = option(boolean, default=False)
    track_scores: bool = option(boolean, default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerHits(ShownHits):
    """What is shown of the documents of a group of `collapse`."""

    UNSUPPORTED: ClassVar[frozenset[str]] = ShownHits.UNSUPPORTED | {"ignore_unmapped"}

    name: str | None = option(text, None)
    collapse: InnerCollapse | None = option(table_of(InnerCollapse, Subject("collapse")), None)


def _inner_hits(value: object) -> tuple[InnerHits, ...]:
    read = table_of(InnerHits, Subject("inner_hits"))
    return tuple(read(item) for item in (value if isinstance(value, list) else [value]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Collapse:
    """`collapse` of a search."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset()

    field: str = option(text)
    inner_hits: tuple[InnerHits, ...] = option(_inner_hits, ())
    # Groups are looked at one after the other.
    max_concurrent_group_searches: int = option(integer(at_least=1), 1)

    def named(self) -> dict[str, InnerHits]:
        """Return what is shown of each group, by name.

        Raises:
            IllegalQueryError: two have the same name.
        """
        named: dict[str, InnerHits] = {}
        for inner in self.inner_hits:
            name = self.field if inner.name is None else inner.name
            if name in named:
                raise IllegalQueryError(f"[inner_hits] already contains an entry for key [{name}]")
            named[name] = inner
        return named


def read_collapse(value: object) -> Collapse:
    """Read `collapse`.

    Raises:
        QueryError: malformed.
    """
    if not isinstance(value, dict):
        raise MistypedError(value)
    read = read_options(Collapse, value, Subject("collapse"))
    read.named()
    return read


@dataclass(frozen=True, slots=True)
class Group:
    """The groups of one index.

    Attributes:
        value: what documents of a group share.
        shown: the field, as hits show it.
    """

    value: Expr
    shown: HitField
    multi: bool

    def of(self, value: Any) -> Expr:
        """Return that a document belongs to the group of a value; None is the group of those without one."""
        return self.value.is_null() if value is None else self.value.equals(Literal(value))


def group_in(index: Index, name: str) -> Group:
    """Return the groups that a field makes in an index.

    Raises:
        IllegalQueryError: the field is not mapped, or of a type that makes none.
    """
    leaf = index.get(name)
    if leaf is None:
        raise IllegalQueryError(f"no mapping found for `{name}` in order to collapse on")
    if leaf.type != "keyword" and leaf.type not in _NUMBERS:
        raise IllegalQueryError(f"collapse is not supported for the field [{leaf.path}] of the type [{leaf.type}]")
    if not leaf.aggregatable:
        raise IllegalQueryError(f"cannot collapse on field `{name}` without `doc_values`")
    column = Column(leaf.column)
    value = call("list_extract", column, 1) if leaf.multi else column
    return Group(value, hit_fields(index, [WantedField(field=name, sorted=True)])[name], leaf.multi)


def check_single(reader: Reader, index: Index, condition: Expr, group: Group) -> None:
    """Check that no document belongs to two groups.

    Raises:
        IllegalQueryError: one does.
    """
    if not group.multi:
        return
    several = call("len", group.shown.values) > 1
    counted = Select((Aggregate("count").named("n"),), documents_of(index), all_of([condition, several]))
    ((found,),) = sql.fetch(reader.connection, counted)
    if found:
        raise IllegalQueryError("failed to extract doc's collapse value: the collapse field must be single valued")


def check_alike(groups: Sequence[Group], name: str) -> None:
    """Check that the values of a field are of one kind in all indices.

    Raises:
        IllegalQueryError: in some they are texts, in others numbers.
    """
    if len({group.shown.type == SQL_TYPES["keyword"] for group in groups}) > 1:
        raise IllegalQueryError(f"cannot collapse on [{name}]: it is a keyword in one index and a number in another")


# Gives the inner hits of a group by its value.
Expand = Callable[[Any], dict[str, Any]]
