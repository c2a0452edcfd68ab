"""Space that deletions left in the database file, given back to the disk before the file is used.

The database uses free blocks again but keeps them. Where they are most of a file, everything is copied into a fresh
one, which takes the other's place in one step when all of it is on disk. Who is killed before that has the old file,
who is killed after it the new one; half a copy is thrown away at the next start.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import duckdb

from anomalyops_engine.store.identifiers import quoted
from anomalyops_engine.store.syncing import sync

_log = logging.getLogger(__name__)

# Bytes that are worth a copy, and their share of the file: what is copied is never more than what is given back.
LEAST_FREE: Final = 64 * 2**20
_SHARE: Final = 0.5
# A start must not take minutes: files with more in them than this are left as they are.
_MOST_COPIED: Final = 4 * 2**30
# The copy must not fill the disk.
_SPARE: Final = 1.2
_SUFFIX: Final = ".compact"
_TABLES = "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND NOT internal ORDER BY table_name"


def remove_remains(file: Path) -> None:
    """Remove half a copy of a database file, which a process that was killed left behind."""
    for name in (f"{file.name}{_SUFFIX}", f"{file.name}{_SUFFIX}.wal"):
        file.with_name(name).unlink(missing_ok=True)


def is_worth_it(connection: duckdb.DuckDBPyConnection, file: Path) -> bool:
    """Return whether so much of an open database file is free that it should be copied.

    Args:
        connection: to the database.
        file: its file.
    """
    ((block, total, free),) = connection.execute(
        "SELECT block_size, total_blocks, free_blocks FROM pragma_database_size()"
    ).fetchall()
    used = (total - free) * block
    return bool(
        free * block >= LEAST_FREE
        and free >= _SHARE * total
        and used <= _MOST_COPIED
        and used * _SPARE < shutil.disk_usage(file.parent).free
    )


def compact(file: Path, limits: Mapping[str, str]) -> None:
    """Copy a database file that nobody has open into a fresh one that takes its place.

    Where that cannot be done the file stays as it is, and the log says so.

    Args:
        file: the file; there is no log beside it.
        limits: what the database may take for it, as settings of its own.
    """
    fresh = file.with_name(f"{file.name}{_SUFFIX}")
    before = file.stat().st_size
    try:
        _copy(file, fresh, limits)
        sync(fresh)
        fresh.replace(file)
        sync(file.parent)
    except (duckdb.Error, OSError, _DiffersError) as error:
        _log.warning("the free space of the database file could not be given back: %s", error)
        remove_remains(file)
        return
    _log.info("the database file was copied: it has %d bytes instead of %d", file.stat().st_size, before)


class _DiffersError(Exception):
    """A copy does not have what the original has."""


def _copy(file: Path, fresh: Path, limits: Mapping[str, str]) -> None:
    # The doors of this connection stay open, since it reaches two files; it runs the statements below and no others.
    settings = {"autoinstall_known_extensions": "false", "temp_directory": "", **limits}
    with duckdb.connect(":memory:", config=dict(settings)) as connection:
        connection.execute("ATTACH ? AS original (READ_ONLY)", [str(file)])
        connection.execute("ATTACH ? AS fresh", [str(fresh)])
        connection.execute("COPY FROM DATABASE original TO fresh")
        connection.execute("CHECKPOINT fresh")
        if _counts(connection, "original") != _counts(connection, "fresh"):
            raise _DiffersError("the copy has other rows than the file")
        connection.execute("DETACH fresh")


def _counts(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, int]:
    """Return how many rows each table of a database has."""
    found = {}
    for (table,) in connection.execute(_TABLES, [database]).fetchall():
        ((count,),) = connection.execute(
            f"SELECT count(*) FROM {quoted(database)}.main.{quoted(table)}"  # noqa: S608
        ).fetchall()
        found[table] = count
    return found
