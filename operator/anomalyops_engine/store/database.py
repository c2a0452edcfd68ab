"""Connections to the database: behind closed doors, within what it may take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import duckdb

# The database cannot leave its folder: whatever a statement says, it reads and writes no other file, reaches no
# network, loads no code and sees no variable of this process (DuckDB's "Securing DuckDB" guide).
_SETTINGS = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "allow_persistent_secrets": "false",
    # The engine needs no extension and must not fetch one.
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
    "allow_extension_repositories": "forbidden",
    # The built-in functions count as one that is loaded on demand, and replaying the log after a crash needs them: so
    # this is turned off as soon as the file is open.
    "autoload_known_extensions": "true",
    # No commit waits for a checkpoint: they are taken beside the writers (`checkpoints.py`).
    "checkpoint_threshold": "1TB",
}
_CLOSE_DOORS = """
PRAGMA disable_checkpoint_on_shutdown;
SET autoload_known_extensions = false;
SET lock_configuration = true;
"""


def limits_of(memory_bytes: int | None, threads: int | None) -> dict[str, str]:
    """Return what the database may take, as settings of its own."""
    limits = {"memory_limit": memory_bytes and f"{memory_bytes}B", "threads": threads and str(threads)}
    return {name: value for name, value in limits.items() if value}


def connect(path: str, limits: Mapping[str, str] = MappingProxyType({})) -> duckdb.DuckDBPyConnection:
    """Return a connection to a database file that reaches nothing else.

    Args:
        path: the file, made when missing.
        limits: what the database may take, as settings of its own.
    """
    connection = duckdb.connect(path, config={**_SETTINGS, **limits})
    connection.execute(_CLOSE_DOORS)
    return connection


@contextmanager
def scratch() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give an empty database in memory, behind the same closed doors, for computations on made-up rows."""
    with connect(":memory:") as connection:
        yield connection
