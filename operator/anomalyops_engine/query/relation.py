"""Documents as rows of a SELECT, for what computes on them inside the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.filters import Condition, both, where
from anomalyops_engine.store import Field, Index, Reader
from anomalyops_engine.store.mapping import SQL_TYPES


@dataclass(frozen=True, slots=True)
class Relation:
    """A SELECT statement with the values of its `?` placeholders."""

    sql: str
    parameters: tuple[Any, ...] = ()


def quoted(name: str) -> str:
    """Return a name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def select(
    reader: Reader,
    indices: Sequence[Index],
    query: dict[str, Any] | None,
    fields: Sequence[str],
    *,
    time_field: str,
    start_ms: int | None,
    end_ms: int | None,
) -> Relation:
    """Return the documents that match a query in [start, end) as rows with the requested fields.

    Columns are named exactly like the fields; the time field is BIGINT epoch milliseconds and never NULL. A field that
    an index does not map is NULL there. Of a field with several values in a document, strings are joined by commas
    and numbers are NULL unless there is just one.

    Args:
        reader: the snapshot that `indices` were resolved in.
        indices: where to look.
        query: Query DSL, None for all documents.
        fields: requested fields; the time field is added when it is not among them.
        time_field: a date field.
        start_ms: first millisecond, None for no bound.
        end_ms: first millisecond that is not included, None for no bound.

    Raises:
        QueryError: the query is malformed or not supported, or the time field is no date.
    """
    del reader  # part of the signature: the relation is only valid in its snapshot
    names = list(dict.fromkeys([time_field, *fields]))
    types = {name: _common_type([index.get(name) for index in indices]) for name in names}
    types[time_field] = "BIGINT"
    selects: list[str] = []
    parameters: list[Any] = []
    for index in indices:
        moment = index.get(time_field)
        if moment is None:
            continue  # no document of this index has a time
        if moment.sql_type.rstrip("[]") != "BIGINT":
            raise IllegalQueryError(
                f"cannot use field [{time_field}] of type [{moment.type}] in index [{index.name}] as time field: "
                "it must be a [date]"
            )
        columns = ", ".join(f"{_scalar(index.get(name), types[name])} AS {quoted(name)}" for name in names)
        condition = both(between(moment, start_ms, end_ms), where(index, query))
        selects.append(f'SELECT {columns} FROM "{index.table}" WHERE {condition.sql}')  # noqa: S608
        parameters.extend(condition.parameters)
    if not selects:
        columns = ", ".join(f"CAST(NULL AS {types[name]}) AS {quoted(name)}" for name in names)
        return Relation(f"SELECT {columns} WHERE FALSE")
    return Relation(" UNION ALL ".join(selects), tuple(parameters))


def between(moment: Field, start_ms: int | None, end_ms: int | None) -> Condition:
    """Return that a document's time lies in [start, end); a bound of None is none."""
    column = _scalar(moment, "BIGINT")
    parts, parameters = [f"{column} IS NOT NULL"], []
    if start_ms is not None:
        parts.append(f"{column} >= ?")
        parameters.append(start_ms)
    if end_ms is not None:
        parts.append(f"{column} < ?")
        parameters.append(end_ms)
    return Condition("(" + " AND ".join(parts) + ")", tuple(parameters))


def _common_type(leaves: Sequence[Field | None]) -> str:
    """Return the SQL type that holds a field's values of all indices."""
    types = {SQL_TYPES[leaf.type] for leaf in leaves if leaf is not None}
    if len(types) == 1:
        return types.pop()
    return "DOUBLE" if types and types <= {"BIGINT", "UBIGINT", "DOUBLE"} else "VARCHAR"


def _scalar(leaf: Field | None, sql_type: str) -> str:
    """Return the SQL expression of a field's one value per document."""
    if leaf is None:
        return f"CAST(NULL AS {sql_type})"
    column = leaf.column
    if leaf.multi:
        if leaf.is_string:
            column = f"array_to_string({column}, ',')"
        elif leaf.is_date:
            column = f"list_min({column})"
        else:
            column = f"CASE WHEN len({column}) = 1 THEN {column}[1] END"
    return column if SQL_TYPES[leaf.type] == sql_type else f"CAST({column} AS {sql_type})"
