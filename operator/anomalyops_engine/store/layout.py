"""The layout of the database file: its tables beside those of indices, its version, and the way up from older ones."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from pathlib import Path

import duckdb
import orjson

from anomalyops_engine.store.columns import ROUTING_COLUMN
from anomalyops_engine.store.errors import StoreError
from anomalyops_engine.store.identifiers import quoted

# The file in a data folder.
DATABASE_FILE = "engine.duckdb"
# Of its name while it is put there from a backup.
RESTORED_SUFFIX = ".restoring"
FORMAT_VERSION = 7

_SCHEMA = """
CREATE TABLE IF NOT EXISTS format (version INTEGER);
CREATE TABLE IF NOT EXISTS identity (uuid VARCHAR);
CREATE SEQUENCE IF NOT EXISTS table_numbers;
CREATE TABLE IF NOT EXISTS indices (
    name VARCHAR, table_name VARCHAR, uuid VARCHAR, created_ms BIGINT, mapping VARCHAR, settings VARCHAR,
    parts VARCHAR);
CREATE TABLE IF NOT EXISTS aliases (alias VARCHAR, index_name VARCHAR, properties VARCHAR);
CREATE TABLE IF NOT EXISTS catalog (version BIGINT);
INSERT INTO catalog SELECT 0 WHERE NOT EXISTS (FROM catalog);
CREATE TABLE IF NOT EXISTS configs (kind VARCHAR, id VARCHAR, body VARCHAR);
CREATE TABLE IF NOT EXISTS states (kind VARCHAR, id VARCHAR, state BLOB);
"""


def bring_up(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Have a database in the present layout, whether it is empty or older.

    Raises:
        StoreError: it was written by a newer version, or one that is too old.
    """
    connection.execute(_SCHEMA)
    _check_format(connection, folder)


def is_readable(version: int) -> bool:
    """Return whether this version of the engine reads a version of the layout."""
    return min(_MIGRATIONS) <= version <= FORMAT_VERSION


def readable() -> str:
    """Return the versions of the layout that this version of the engine reads, in words."""
    return f"format versions {min(_MIGRATIONS)} to {FORMAT_VERSION}"


def identity(connection: duckdb.DuckDBPyConnection) -> str:
    """Return what tells this data folder from every other, made when the folder is."""
    found = connection.execute("SELECT uuid FROM identity").fetchone()
    if found is not None:
        return str(found[0])
    # 16 random bytes in the alphabet of URLs, as Elasticsearch writes them.
    uuid = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
    connection.execute("INSERT INTO identity VALUES (?)", [uuid])
    return uuid


def _check_format(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    rows = connection.execute("SELECT version FROM format").fetchall()
    if not rows:
        connection.execute("INSERT INTO format VALUES (?)", [FORMAT_VERSION])
        return
    ((found,),) = rows or [(FORMAT_VERSION,)]
    if not is_readable(found):
        connection.close()
        raise StoreError(f"data folder {folder} has format version {found}; this version reads {readable()}")
    # All or nothing: who is killed here begins again.
    connection.execute("BEGIN TRANSACTION")
    for version in range(found, FORMAT_VERSION):
        _MIGRATIONS[version](connection)
    connection.execute("UPDATE format SET version = ?", [FORMAT_VERSION])
    connection.execute("COMMIT")


def _add_routing(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the tables of indices a column for the routing of documents."""
    for (table,) in connection.execute("SELECT table_name FROM indices").fetchall():
        connection.execute(f"ALTER TABLE {quoted(table)} ADD COLUMN {quoted(ROUTING_COLUMN)} VARCHAR")


def _note_filled(connection: duckdb.DuckDBPyConnection) -> None:
    """Say of the columns of indices that all of them are stored, as they were until then."""
    for name, text in connection.execute("SELECT name, mapping FROM indices").fetchall():
        mapping = orjson.dumps({**orjson.loads(text), "unfilled": []}).decode()
        connection.execute("UPDATE indices SET mapping = ? WHERE name = ?", [mapping, name])


def _note_parts(connection: duckdb.DuckDBPyConnection) -> None:
    """Say of the indices that each has all its documents in one table, as they had until then."""
    connection.execute("ALTER TABLE indices ADD COLUMN parts VARCHAR DEFAULT '{}'")
    connection.execute("ALTER TABLE indices ALTER parts DROP DEFAULT")


# From each version that can be read to the next one.
_MIGRATIONS: dict[int, Callable[[duckdb.DuckDBPyConnection], None]] = {
    4: _add_routing,
    5: _note_filled,
    6: _note_parts,
}
