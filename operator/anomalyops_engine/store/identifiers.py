"""Names and types in SQL text: the only functions through which either becomes part of a statement."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

_TYPE = re.compile(r"[A-Z]+(?:\[\])?")


def quoted(name: str) -> str:
    """Return any name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def typed(sql_type: str) -> str:
    """Return the name of an SQL type.

    Raises:
        ValueError: it is no plain name of a type, or of a list of it.
    """
    if _TYPE.fullmatch(sql_type) is None:
        raise ValueError(f"[{sql_type}] is no SQL type")
    return sql_type


def column_list(columns: Iterable[tuple[str, str]], *, unstored: Iterable[tuple[str, str]] = ()) -> str:
    """Return the definitions of columns, given as (name, type); the unstored ones are NULL everywhere, for no space."""
    kept = [f"{quoted(name)} {typed(sql_type)}" for name, sql_type in columns]
    void = [
        f"{quoted(name)} {kind} GENERATED ALWAYS AS (NULL::{kind}) VIRTUAL"
        for name, kind in ((name, typed(sql_type)) for name, sql_type in unstored)
    ]
    return ", ".join([*kept, *void])


def assignments(names: Iterable[str], *, source: str, nulls: Iterable[str]) -> str:
    """Return what an UPDATE sets: columns to those of the same name of another relation, and columns to nothing."""
    given = [f"{quoted(name)} = {quoted(source)}.{quoted(name)}" for name in names]
    return ", ".join([*given, *(f"{quoted(name)} = NULL" for name in nulls)])


def united(tables: Iterable[tuple[str, Collection[str]]], names: Collection[str]) -> str:
    """Return the rows of tables as one relation with some columns, NULL where a table has not the column.

    Args:
        tables: each with the columns that it has; the first has all that are asked for.
        names: which columns.
    """
    selects = (
        f"SELECT {', '.join(quoted(n) if n in columns else f'NULL AS {quoted(n)}' for n in names)} FROM {quoted(table)}"  # noqa: S608
        for table, columns in tables
    )
    return f"({' UNION ALL '.join(selects)})"


def all_rows(tables: Iterable[str]) -> str:
    """Return a query of the rows of tables with every column that one of them has, NULL in those of the others."""
    return " UNION ALL BY NAME ".join(f"SELECT * FROM {quoted(table)}" for table in tables)  # noqa: S608
