"""The rows that aggregations work on: matching documents of all indices with just the needed fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anomalyops_engine.query.documents_of import documents_of
from anomalyops_engine.query.dsl import Clause, Scope
from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.expr import (
    FALSE,
    Aggregate,
    Cast,
    Column,
    Expr,
    Join,
    ListOf,
    Literal,
    Member,
    Relation,
    Select,
    Star,
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
from anomalyops_engine.query.spans import type_error
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
        ask: gives the rows of a relation, None where nothing may be asked before all is compiled.
    """

    def __init__(
        self,
        targets: Sequence[tuple[Index, Expr]],
        now_ms: int,
        *,
        finder: Finder | None = None,
        ask: Callable[[Relation], Sequence[tuple[Any, ...]]] | None = None,
    ) -> None:
        self.now_ms = now_ms
        self.finder = finder
        self._ask = ask
        self._targets = list(targets)
        self._columns: dict[str, RowColumn] = {}
        self._conditions: list[Clause] = []
        self._given: list[tuple[Expr, ...]] = []
        self._translated: list[tuple[Expr, Relation]] = []

    def column(self, name: str, *, ranges: bool = False) -> RowColumn:
        """Return the column of a field.

        Args:
            name: its name.
            ranges: it may be one of ranges.

        Raises:
            IllegalQueryError: the field is analysed text, or has no doc values, or has ranges where single values are
                wanted.
        """
        if name == "_id":
            raise id_field_error()
        column = self._column(name)
        for (index, _), leaf in zip(self._targets, column.field.leaves, strict=True):
            if leaf is not None:
                check_doc_values(leaf, name, index.name)
                if leaf.is_range and not ranges:
                    raise type_error(leaf)
        return column

    def text_column(self, name: str) -> RowColumn:
        """Return the column of a field of texts, analysed ones too.

        Raises:
            IllegalQueryError: it holds something else.
        """
        column = self._column(name)
        for leaf in column.field.leaves:
            if leaf is not None and (not leaf.is_string or leaf.is_range or leaf.type == "ip"):
                raise IllegalQueryError(
                    f"Field [{name}] of type [{leaf.type}] is not supported for aggregation [categorize_text]"
                )
        return column

    def _column(self, name: str) -> RowColumn:
        known = self._columns.get(name)
        if known is None:
            indices = [index for index, _ in self._targets]
            field = index_names(indices) if name == "_index" else resolve_field(indices, name)
            known = self._columns[name] = RowColumn(field, Column(f"f{len(self._columns)}"), self.now_ms)
        return known

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
            (row,) = ask(Select(named, self.relation()))
            return tuple(row)

        return totals

    def counted(self, value: Expr) -> list[tuple[Any, int]] | None:
        """Return the different values of all rows with the number of their rows; None where nothing may be asked yet.

        Args:
            value: of a row; rows where it is NULL are left out.
        """
        if self._ask is None:
            return None
        one, inner = Column("value"), Select((value.named("value"),), self.relation())
        columns = (one.named("value"), Aggregate("count").named("n"))
        whole = Select(columns, inner, one.is_not_null(), group=(one,))
        return [(found, int(n)) for found, n in self._ask(whole)]

    def translated(self, value: Expr, numbers: Mapping[str, tuple[int, ...]], *, several: bool) -> Expr:
        """Return the number that stands for the text of a row, or the list of such; NULL where none does.

        Args:
            value: the text of a row.
            numbers: what stands for each text; one at most, unless there may be `several`.
            several: whether the result is a list.
        """
        place = len(self._translated)
        text, number = f"t{place}", f"n{place}"
        written = [" ".join(map(str, found)) for found in numbers.values()]
        texts, shown = Literal(tuple(numbers), "VARCHAR[]"), Literal(tuple(written), "VARCHAR[]")
        pairs = Select((call("unnest", texts).named(text), call("unnest", shown).named(number)))
        self._translated.append((value, pairs))
        found = call("nullif", Column(number), "")
        return Cast(call("string_split", found, " "), "BIGINT[]") if several else Cast(found, "BIGINT")

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
            members.append(Select(tuple(columns), documents_of(index), condition))
        if not members:
            columns = [Literal(1).named("one")]
            columns += [null(c.field.column_type).named(c.column.name) for c in self._columns.values()]
            columns += [FALSE.named(f"q{number}") for number in range(len(self._conditions))]
            columns += [null("BIGINT").named(f"g{number}") for number in range(len(self._given))]
            members.append(Select(tuple(columns), where=FALSE))
        return self._joined(Union(tuple(members)))

    def _joined(self, relation: Relation) -> Relation:
        """Return rows with the numbers that stand for texts of theirs."""
        for place, (value, pairs) in enumerate(self._translated):
            text = f"t{place}"
            keyed = Select((Star(), value.named(text)), relation)
            joined = Join((Member("rows", keyed), Member("texts", pairs, (text,), outer=True)))
            relation = Select((Star(),), joined)
        return relation
