"""A field as all indices of a request see it: one type, and an expression for its values in each index.

Indices may map a field to different types, in different columns, with one value or several. Whoever reads several
indices together resolves the field here once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.expr import Cast, Column, Expr, Lambda, ListOf, SqlType, call, null, when
from anomalyops_engine.query.expr import Literal as Written
from anomalyops_engine.store import Field, Index, ip
from anomalyops_engine.store.mapping import SQL_TYPES
from anomalyops_engine.store.patterns import matches

ValueType = Literal["BIGINT", "UBIGINT", "DOUBLE", "VARCHAR", "BOOLEAN"]
_NUMBERS = frozenset({"BIGINT", "UBIGINT", "DOUBLE", "BOOLEAN"})


@dataclass(frozen=True, slots=True)
class ResolvedField:
    """A field of several indices.

    Attributes:
        name: its name.
        leaves: what it is in each index; None where it is not mapped.
        type: SQL type of one value that holds those of all indices.
        multi: some index keeps lists.
    """

    name: str
    leaves: tuple[Field | None, ...]
    type: ValueType
    multi: bool

    @property
    def leaf(self) -> Field | None:
        """The field in the first index that maps it; None when none does."""
        return next((leaf for leaf in self.leaves if leaf is not None), None)

    @property
    def is_date(self) -> bool:
        """True for epoch milliseconds, in all indices that map it."""
        mapped = [leaf for leaf in self.leaves if leaf is not None]
        return bool(mapped) and all(leaf.is_date for leaf in mapped)

    @property
    def is_ip(self) -> bool:
        """True for addresses in the form that sorts (`store.ip`), in all indices that map it."""
        mapped = [leaf for leaf in self.leaves if leaf is not None]
        return bool(mapped) and all(leaf.type == "ip" for leaf in mapped)

    @property
    def is_numeric(self) -> bool:
        """True for what can be added up; also for an unmapped field, which has no values at all."""
        return self.leaf is None or self.type != "VARCHAR"

    @property
    def column_type(self) -> SqlType:
        """SQL type of `values`."""
        return list_type(self.type) if self.multi else self.type

    def values(self, position: int) -> Expr:
        """Return the values in the index at a position: a list when `multi`, else the one value or NULL."""
        leaf = self.leaves[position]
        if leaf is None:
            return null(self.column_type)
        column: Expr = Column(leaf.column)
        if leaf.type == "ip" and not self.is_ip:
            column = shown_addresses(column) if leaf.multi else shown_address(column)
        if self.multi and not leaf.multi:
            column = when(column.is_not_null(), ListOf((column,)))
        return column if SQL_TYPES[leaf.type] == self.type else Cast(column, self.column_type)

    def single(self, position: int) -> Expr:
        """Return the one value that a document stands for in an analysis, in the index at a position.

        Of several values, strings are joined by commas, of dates the first counts, and numbers are NULL.
        """
        leaf = self.leaves[position]
        if leaf is None:
            return null(self.type)
        value = single_value(leaf)
        return value if SQL_TYPES[leaf.type] == self.type else Cast(value, self.type)


@dataclass(frozen=True, slots=True)
class IndexNames(ResolvedField):
    """The field `_index`: every document has the name of its index.

    Attributes:
        names: of the indices.
    """

    names: tuple[str, ...] = ()

    def values(self, position: int) -> Expr:
        """Return the name of the index at a position."""
        return Written(self.names[position], "VARCHAR")


def index_names(indices: Sequence[Index]) -> IndexNames:
    """Return `_index` as indices see it together."""
    leaf = Field("_index", "keyword", "", definition={"type": "keyword"})
    return IndexNames("_index", (leaf,) * len(indices), "VARCHAR", multi=False, names=tuple(i.name for i in indices))


def single_value(leaf: Field) -> Expr:
    """Return the one value of a field that a document stands for; see `ResolvedField.single`."""
    column: Expr = Column(leaf.column)
    if leaf.type == "ip":
        column = shown_addresses(column) if leaf.multi else shown_address(column)
    if not leaf.multi:
        return column
    if leaf.is_string:
        return call("array_to_string", column, ",")
    if leaf.is_date:
        return call("list_min", column)
    return when(call("len", column).equals(1), call("list_extract", column, 1))


def shown_address(value: Expr) -> Expr:
    """Return an address as it is shown, of the form in which it is kept."""
    return call("substr", value, ip.KEY_LENGTH + 1)


def shown_addresses(values: Expr) -> Expr:
    """Return a list of addresses as they are shown."""
    return call("list_transform", values, Lambda("address", shown_address(Column("address"))))


def listed(leaf: Field) -> Expr:
    """Return all values of a field as a list, NULL without any."""
    column = Column(leaf.column)
    return column if leaf.multi else when(column.is_not_null(), ListOf((column,)))


def resolve_field(indices: Sequence[Index], name: str) -> ResolvedField:
    """Return a field as indices see it together."""
    leaves = tuple(index.get(name) for index in indices)
    mapped = [leaf for leaf in leaves if leaf is not None]
    types = {SQL_TYPES[leaf.type] for leaf in mapped} or {"DOUBLE"}
    common = types.pop() if len(types) == 1 else "DOUBLE" if types <= _NUMBERS else "VARCHAR"
    return ResolvedField(name, leaves, cast("ValueType", common), any(leaf.multi for leaf in mapped))


def leaves_matching(index: Index, pattern: str) -> list[Field]:
    """Return the fields that a name, a pattern of `*`, or the name of an object means in an index."""
    exact = index.get(pattern)
    if exact is not None:
        return [exact]
    inside = f"{pattern}."
    named = {**index.mapping.fields, **index.mapping.multi_fields}
    return [
        leaf
        for path, leaf in named.items()
        if (path.startswith(inside) or matches(pattern, path)) and not index.mapping.is_nested(path)
    ]


def list_type(value_type: ValueType) -> SqlType:
    """Return the type of lists of a type."""
    return cast("SqlType", f"{value_type}[]")


def check_doc_values(leaf: Field, name: str, index: str) -> None:
    """Check that documents can be sorted by a field, or aggregated.

    Raises:
        IllegalQueryError: it is analysed text, or its mapping says that it has no doc values.
    """
    if leaf.is_text:
        raise text_field_error(name, index)
    if not leaf.aggregatable:
        raise IllegalQueryError(
            f"Can't load fielddata on [{name}] because fielddata is unsupported on fields of type [{leaf.type}]. Use "
            "doc values instead."
        )


def id_field_error() -> IllegalQueryError:
    """Return the refusal to aggregate or sort on the ids of documents."""
    return IllegalQueryError(
        "Fielddata access on the _id field is disallowed, you can re-enable it by updating the dynamic cluster "
        "setting: indices.id_field_data.enabled"
    )


def text_field_error(name: str, index: str) -> IllegalQueryError:
    """Return the refusal to aggregate or sort on analysed text."""
    return IllegalQueryError(
        f"Fielddata is disabled on [{name}] in [{index}]. Text fields are not optimised for operations that require "
        "per-document field data like aggregations and sorting, so these operations are disabled by default. Please "
        "use a keyword field instead."
    )
