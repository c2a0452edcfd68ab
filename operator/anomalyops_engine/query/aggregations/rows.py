"""The rows that aggregations work on: matching documents of all indices with just the needed fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anomalyops_engine.query.dsl import Clause, Scope, parse_query
from anomalyops_engine.query.expr import (
    FALSE,
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
from anomalyops_engine.query.fields import ResolvedField, resolve_field, text_field_error
from anomalyops_engine.store import Field, Index


@dataclass(frozen=True, slots=True)
class RowColumn:
    """A field as a column of the rows.

    Attributes:
        field: the field.
        column: where its values are.
    """

    field: ResolvedField
    column: Column

    @property
    def name(self) -> str:
        """The field's name."""
        return self.field.name

    @property
    def leaf(self) -> Field | None:
        """The field in the first index that maps it; None when none does."""
        return self.field.leaf

    @property
    def multi(self) -> bool:
        """The column is a list."""
        return self.field.multi

    def values(self, missing: Expr | None = None) -> Expr:
        """Return the value or the list of values of a row, with `missing` where it has none."""
        if missing is None:
            return self.column
        return call("coalesce", self.column, ListOf((missing,)) if self.multi else missing)


class Rows:
    """Collects which columns the aggregations of a request need, and then gives the rows.

    Args:
        targets: indices, each with the condition of the query.
        now_ms: the present that `now` means in filters.
    """

    def __init__(self, targets: Sequence[tuple[Index, Expr]], now_ms: int) -> None:
        self.now_ms = now_ms
        self._targets = list(targets)
        self._columns: dict[str, RowColumn] = {}
        self._conditions: list[Clause] = []

    def column(self, name: str) -> RowColumn:
        """Return the column of a field.

        Raises:
            IllegalQueryError: the field is analysed text.
        """
        known = self._columns.get(name)
        if known is not None:
            return known
        field = resolve_field([index for index, _ in self._targets], name)
        if field.is_text:
            raise text_field_error(name)
        column = self._columns[name] = RowColumn(field, Column(f"f{len(self._columns)}"))
        return column

    def condition(self, query: object) -> Expr:
        """Return the boolean column that tells whether a query matches.

        Raises:
            QueryError: the query is malformed or not supported.
        """
        self._conditions.append(parse_query(query))
        return Column(f"q{len(self._conditions) - 1}")

    def relation(self) -> Relation:
        """Return the rows with all columns asked for so far."""
        members = []
        for position, (index, condition) in enumerate(self._targets):
            scope = Scope(index, self.now_ms)
            columns = [Literal(1).named("one")]
            columns += [c.field.values(position).named(c.column.name) for c in self._columns.values()]
            columns += [clause.lower(scope).named(f"q{n}") for n, clause in enumerate(self._conditions)]
            members.append(Select(tuple(columns), Table(index.table), condition))
        if not members:
            columns = [Literal(1).named("one")]
            columns += [null(c.field.column_type).named(c.column.name) for c in self._columns.values()]
            columns += [FALSE.named(f"q{number}") for number in range(len(self._conditions))]
            members.append(Select(tuple(columns), where=FALSE))
        return Union(tuple(members))
