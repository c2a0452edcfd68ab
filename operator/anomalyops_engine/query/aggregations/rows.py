"""The rows that aggregations work on: matching documents of all indices with just the needed fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anomalyops_engine.query.dsl import Clause, Scope
from anomalyops_engine.query.expr import (
    FALSE,
    Cast,
    Column,
    Expr,
    ListOf,
    Literal,
    Relation,
    Select,
    Table,
    Union,
    call,
    null,
)
from anomalyops_engine.query.fields import (
    ResolvedField,
    ValueType,
    check_doc_values,
    id_field_error,
    index_names,
    list_type,
    resolve_field,
)
from anomalyops_engine.query.options import Scalar
from anomalyops_engine.query.values import filler
from anomalyops_engine.store import Field, Index

if TYPE_CHECKING:
    from anomalyops_engine.query.aggregations.top_hits import Finder


@dataclass(frozen=True, slots=True)
class Values:
    """The value of each row, or its list of values.

    Attributes:
        expression: them.
        type: SQL type of one value.
        multi: they are lists.
    """

    expression: Expr
    type: ValueType
    multi: bool


@dataclass(frozen=True, slots=True)
class RowColumn:
    """A field as a column of the rows.

    Attributes:
        field: the field.
        column: where its values are.
        now_ms: the present, epoch milliseconds.
    """

    field: ResolvedField
    column: Column
    now_ms: int

    @property
    def name(self) -> str:
        """The field's name."""
        return self.field.name

    @property
    def leaf(self) -> Field | None:
        """The field in the first index that maps it; None when none does."""
        return self.field.leaf

    @property
    def type_name(self) -> str:
        """The field's type, for messages."""
        return "unmapped" if self.leaf is None else self.leaf.type

    @property
    def values(self) -> Values:
        """The values of a row, NULL where it has none."""
        return Values(self.column, self.field.type, self.field.multi)

    def filled(self, missing: Scalar | None, formats: str = "") -> Values:
        """Return the values with `missing` where a row has none.

        Args:
            missing: what stands for no value, None for nothing.
            formats: date formats of `missing`; the field's own when empty.

        Raises:
            QueryError: `missing` is no value of the field's type.
        """
        if missing is None:
            return self.values
        if self.leaf is None:
            return Values(Literal(missing), _type_of(missing), multi=False)
        value, wanted = filler(self.field, missing, formats or self.leaf.formats, self.now_ms)
        values: Expr = self.column
        if wanted != self.field.type:
            values = Cast(values, list_type(wanted) if self.field.multi else wanted)
        instead = Literal(value, wanted)
        filled = call("coalesce", values, ListOf((instead,)) if self.field.multi else instead)
        return Values(filled, wanted, self.field.multi)


def _type_of(value: Scalar) -> ValueType:
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, str):
        return "VARCHAR"
    return "BIGINT" if isinstance(value, int) and -(2**63) <= value < 2**63 else "DOUBLE"


class Rows:
    """Collects which columns the aggregations of a request need, and then gives the rows.

    Args:
        targets: indices, each with the condition of the query.
        now_ms: the present that `now` means in filters.
        finder: knows the documents as hits, None where there are none.
        ask: gives the only row of a relation, None where nothing may be asked before all is compiled.
    """

    def __init__(
        self,
        targets: Sequence[tuple[Index, Expr]],
        now_ms: int,
        *,
        finder: Finder | None = None,
        ask: Callable[[Relation], tuple[Any, ...]] | None = None,
    ) -> None:
        self.now_ms = now_ms
        self.finder = finder
        self._ask = ask
        self._targets = list(targets)
        self._columns: dict[str, RowColumn] = {}
        self._conditions: list[Clause] = []
        self._given: list[tuple[Expr, ...]] = []

    def column(self, name: str) -> RowColumn:
        """Return the column of a field.

        Raises:
            IllegalQueryError: the field is analysed text, or has no doc values.
        """
        known = self._columns.get(name)
        if known is not None:
            return known
        if name == "_id":
            raise id_field_error()
        indices = [index for index, _ in self._targets]
        field = index_names(indices) if name == "_index" else resolve_field(indices, name)
        for (index, _), leaf in zip(self._targets, field.leaves, strict=True):
            if leaf is not None:
                check_doc_values(leaf, name, index.name)
        column = self._columns[name] = RowColumn(field, Column(f"f{len(self._columns)}"), self.now_ms)
        return column

    def condition(self, query: Clause) -> Expr:
        """Return the boolean column that tells whether a query matches."""
        self._conditions.append(query)
        return Column(f"q{len(self._conditions) - 1}")

    @property
    def ask(self) -> Callable[[Sequence[Expr]], tuple[Any, ...]] | None:
        """What gives aggregates over all rows; None where nothing may be asked yet."""
        ask = self._ask
        if ask is None:
            return None

        def totals(aggregates: Sequence[Expr]) -> tuple[Any, ...]:
            named = tuple(each.named(f"a{number}") for number, each in enumerate(aggregates))
            return ask(Select(named, self.relation()))

        return totals

    def given(self, values: Sequence[Expr]) -> Column:
        """Return the column of a value that is something else in each of the indices."""
        self._given.append(tuple(values))
        return Column(f"g{len(self._given) - 1}")

    def relation(self) -> Relation:
        """Return the rows with all columns asked for so far."""
        members = []
        for position, (index, condition) in enumerate(self._targets):
            scope = Scope(index, self.now_ms)
            columns = [Literal(1).named("one")]
            columns += [c.field.values(position).named(c.column.name) for c in self._columns.values()]
            columns += [clause.lower(scope).named(f"q{n}") for n, clause in enumerate(self._conditions)]
            columns += [values[position].named(f"g{n}") for n, values in enumerate(self._given)]
            members.append(Select(tuple(columns), Table(index.table), condition))
        if not members:
            columns = [Literal(1).named("one")]
            columns += [null(c.field.column_type).named(c.column.name) for c in self._columns.values()]
            columns += [FALSE.named(f"q{number}") for number in range(len(self._conditions))]
            columns += [null("BIGINT").named(f"g{number}") for number in range(len(self._given))]
            members.append(Select(tuple(columns), where=FALSE))
        return Union(tuple(members))
