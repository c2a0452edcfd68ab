"""Parts of an index: tables of their own for documents of one shape.

A table stores every column of every row, NULLs too: of eighty columns that results fill, one of a quiet bucket fills
nine, and most of what would be written, logged and brought into the file for it is nothing. So documents of one shape
(`frame.py`) lie in parts, which have the columns of that shape and no others, and all other documents in the main
table, which has every column. Who reads the index reads a view of them all, under the name of the index's table; only
what changes or deletes documents has to know in which table they are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

import duckdb
import pyarrow as pa

from anomalyops_engine.store.catalog import Index, Part
from anomalyops_engine.store.columns import IGNORED_COLUMN, ROUTING_COLUMN
from anomalyops_engine.store.given_rows import given_rows
from anomalyops_engine.store.identifiers import all_rows, column_list, quoted

# A view of more tables makes every search of the index slower to plan.
_MOST_PARTS: Final = 6
# Documents and columns that are worth a part: few of either are soon written as they are.
_FEWEST_ROWS: Final = 32
_FEWEST_SPARED: Final = 8
# Columns that a part may have more than a shape fills: fields of the job's own differ from job to job.
_MOST_SPARE: Final = 6

META_COLUMNS: Final = (("_id", "VARCHAR"), ("_version", "BIGINT"), ("_seq_no", "BIGINT"), ("_source", "VARCHAR"))
"""What a part has beside the columns of fields; its documents have no routing, and no value that is ignored."""
_META: Final = frozenset(name for name, _ in META_COLUMNS)
_MAIN_ONLY: Final = frozenset({IGNORED_COLUMN, ROUTING_COLUMN})


def fitting_part(index: Index, columns: Collection[str]) -> Part | None:
    """Return the part of an index that has some columns, and few others; None when there is none."""
    fitting = [part for part in index.parts if part.columns.issuperset(columns)]
    part = min(fitting, key=lambda part: len(part.columns), default=None)
    return None if part is None or len(part.columns) > len(columns) + _MOST_SPARE else part


def is_part_worth_it(index: Index, columns: Collection[str], rows: int) -> bool:
    """Return whether so many documents that fill these columns should have a part of their own."""
    spared = len(index.mapping.column_types) - len(columns)
    return rows >= _FEWEST_ROWS and spared >= _FEWEST_SPARED and len(index.parts) < _MOST_PARTS


def with_part(connection: duckdb.DuckDBPyConnection, index: Index, columns: Collection[str]) -> Index:
    """Make a part of an index for documents that fill some columns; the caller records the index that is returned."""
    types = index.mapping.column_types
    changed = replace(index, parts=(*index.parts, Part(f"{index.table}_part_{len(index.parts)}", frozenset(columns))))
    if not index.parts:
        connection.execute(f"ALTER TABLE {quoted(index.table)} RENAME TO {quoted(changed.main)}")
    listed = [*META_COLUMNS, *((column, types[column]) for column in sorted(columns))]
    connection.execute(f"CREATE TABLE {quoted(changed.parts[-1].table)} ({column_list(listed)})")
    make_view(connection, changed)
    return changed


def make_view(connection: duckdb.DuckDBPyConnection, index: Index) -> None:
    """Let all documents of an index that has parts be read under the name of its table, as its columns are now."""
    connection.execute(f"CREATE OR REPLACE VIEW {quoted(index.table)} AS {all_rows(index.stored)}")


def drop_tables(connection: duckdb.DuckDBPyConnection, index: Index) -> None:
    """Remove what holds the documents of an index."""
    if index.parts:
        connection.execute(f"DROP VIEW {quoted(index.table)}")
    for table in index.stored:
        connection.execute(f"DROP TABLE {quoted(table)}")


def bring_into_main(connection: duckdb.DuckDBPyConnection, index: Index, ids: Sequence[str]) -> None:
    """Move documents from the parts into the main table, where they can have any value."""
    if not index.parts:
        return
    with given_rows(connection, "moved", pa.table({"_id": pa.array(ids, pa.string())})):
        for part in index.parts:
            found = connection.execute(
                f"SELECT 1 FROM {quoted(part.table)} SEMI JOIN moved USING (_id) LIMIT 1"  # noqa: S608
            ).fetchall()
            if found:
                connection.execute(
                    f"INSERT INTO {quoted(index.main)} BY NAME "  # noqa: S608
                    f"SELECT * FROM {quoted(part.table)} SEMI JOIN moved USING (_id)"
                )
                connection.execute(f"DELETE FROM {quoted(part.table)} WHERE _id IN (SELECT _id FROM moved)")  # noqa: S608


def empty_into_main(connection: duckdb.DuckDBPyConnection, index: Index, column: str) -> None:
    """Move all documents of the parts that have a column into the main table."""
    for part in index.parts:
        if column in part.columns:
            connection.execute(f"INSERT INTO {quoted(index.main)} BY NAME SELECT * FROM {quoted(part.table)}")  # noqa: S608
            connection.execute(f"DELETE FROM {quoted(part.table)}")  # noqa: S608


def columns_by_table(index: Index) -> tuple[tuple[str, frozenset[str]], ...]:
    """Return the tables of an index that has parts, each with its columns."""
    main = _META | _MAIN_ONLY | index.mapping.column_types.keys()
    return (index.main, main), *((part.table, _META | part.columns) for part in index.parts)


def places(index: Index) -> tuple[tuple[str, frozenset[str]], ...]:
    """Return the tables that store the documents of an index, each with what it has beside the columns of fields."""
    return (index.main, _META | _MAIN_ONLY), *((part.table, _META) for part in index.parts)


def to_record(parts: Sequence[Part]) -> dict[str, list[str]]:
    """Return the parts of an index as JSON: columns by table."""
    return {part.table: sorted(part.columns) for part in parts}


def from_record(record: Mapping[str, Sequence[str]]) -> tuple[Part, ...]:
    """Return the parts that a record describes."""
    return tuple(Part(table, frozenset(columns)) for table, columns in record.items())
