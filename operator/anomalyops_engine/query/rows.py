"""The rows that aggregations work on: matching documents of all indices with just the needed fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from anomalyops_engine.query.filters import Condition, Translator
from anomalyops_engine.query.sorting import text_field_error
from anomalyops_engine.store import Field, Index
from anomalyops_engine.store.mapping import SQL_TYPES


@dataclass(frozen=True, slots=True)
class Column:
    """A field as a column of the rows.

    Attributes:
        name: the field's name.
        sql: the column's name in the rows.
        leaf: the field in the first index that maps it; None when none does.
        type: SQL type of one value.
        multi: the column is a list.
    """

    name: str
    sql: str
    leaf: Field | None
    type: str
    multi: bool

    @property
    def is_date(self) -> bool:
        """True for epoch milliseconds."""
        return self.leaf is not None and self.leaf.is_date

    @property
    def is_numeric(self) -> bool:
        """True for what can be added up; also for an unmapped field, which has no values at all."""
        return self.leaf is None or self.type != "VARCHAR"


class Rows:
    """Collects which columns the aggregations of a request need, and then gives the SELECT of them.

    Args:
        targets: indices, each with the condition of the query.
        now_ms: the present that `now` means in filters.
    """

    def __init__(self, targets: Sequence[tuple[Index, Condition]], now_ms: int) -> None:
        self.now_ms = now_ms
        self._targets = list(targets)
        self._columns: dict[str, Column] = {}
        self._conditions: list[dict[str, Any]] = []

    def column(self, name: str) -> Column:
        """Return the column of a field.

        Raises:
            IllegalQueryError: the field is analysed text.
        """
        known = self._columns.get(name)
        if known is not None:
            return known
        leaves = [leaf for index, _ in self._targets if (leaf := index.get(name)) is not None]
        if any(leaf.is_text for leaf in leaves):
            raise text_field_error(name)
        types = {SQL_TYPES[leaf.type] for leaf in leaves} or {"DOUBLE"}
        if len(types) == 1:
            sql_type = types.pop()
        else:
            sql_type = "DOUBLE" if types <= {"BIGINT", "UBIGINT", "DOUBLE", "BOOLEAN"} else "VARCHAR"
        column = Column(
            name,
            f"f{len(self._columns)}",
            leaves[0] if leaves else None,
            sql_type,
            any(leaf.multi for leaf in leaves),
        )
        self._columns[name] = column
        return column

    def condition(self, query: dict[str, Any]) -> str:
        """Return the name of a boolean column that tells whether a query matches."""
        self._conditions.append(query)
        return f"q{len(self._conditions) - 1}"

    def select(self) -> Condition:
        """Return the SELECT statement of all columns asked for so far, with its parameters."""
        selects: list[str] = []
        parameters: list[Any] = []
        for index, condition in self._targets:
            translator = Translator(index, self.now_ms)
            columns = ["1 AS one"]
            columns += [f"{self._expression(index, column)} AS {column.sql}" for column in self._columns.values()]
            for number, query in enumerate(self._conditions):
                filtered = translator.query(query)
                columns.append(f"({filtered.sql}) AS q{number}")
                parameters += filtered.parameters
            selects.append(f'SELECT {", ".join(columns)} FROM "{index.table}" WHERE {condition.sql}')  # noqa: S608
            parameters += condition.parameters
        if not selects:
            columns = ["1 AS one"]
            columns += [f"CAST(NULL AS {_full_type(column)}) AS {column.sql}" for column in self._columns.values()]
            columns += [f"FALSE AS q{number}" for number in range(len(self._conditions))]
            return Condition(f"SELECT {', '.join(columns)} WHERE FALSE")
        return Condition(" UNION ALL ".join(selects), tuple(parameters))

    def _expression(self, index: Index, column: Column) -> str:
        leaf = index.get(column.name)
        wanted = _full_type(column)
        if leaf is None:
            return f"CAST(NULL AS {wanted})"
        expression = leaf.column
        if column.multi and not leaf.multi:
            expression = f"CASE WHEN {expression} IS NULL THEN NULL ELSE [{expression}] END"
        return (
            expression
            if leaf.sql_type == wanted or SQL_TYPES[leaf.type] == column.type
            else f"CAST({expression} AS {wanted})"
        )


def _full_type(column: Column) -> str:
    return f"{column.type}[]" if column.multi else column.type
