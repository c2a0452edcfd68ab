"""The data folder: one DuckDB file with documents, configurations and model states, and a lock.

Readers see the snapshot at which they began, at any number and in any thread. There is one writer at a time; its
changes are in the write-ahead log and on disk when `write()` is left, and gone when it is left by an exception.
"""

from __future__ import annotations

import base64
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
import orjson

from anomalyops_engine.store.catalog import Index
from anomalyops_engine.store.checkpoints import Checkpoints
from anomalyops_engine.store.columns import ROUTING_COLUMN
from anomalyops_engine.store.compaction import compact, is_worth_it, remove_remains
from anomalyops_engine.store.errors import DamagedStoreError, StoreError
from anomalyops_engine.store.figures import StoreFigures
from anomalyops_engine.store.held import HeldSnapshot
from anomalyops_engine.store.identifiers import quoted
from anomalyops_engine.store.interruption import interruptible
from anomalyops_engine.store.lock import FolderLock
from anomalyops_engine.store.log_mark import LogMark
from anomalyops_engine.store.prepared import Prepared, prepared
from anomalyops_engine.store.reader import CatalogCache, Reader
from anomalyops_engine.store.together import Together, Work
from anomalyops_engine.store.tombstones import Tombstones
from anomalyops_engine.store.writer import Writer

FORMAT_VERSION = 6
_FILE = "engine.duckdb"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS format (version INTEGER);
CREATE TABLE IF NOT EXISTS identity (uuid VARCHAR);
CREATE SEQUENCE IF NOT EXISTS table_numbers;
CREATE TABLE IF NOT EXISTS indices (
    name VARCHAR, table_name VARCHAR, uuid VARCHAR, created_ms BIGINT, mapping VARCHAR, settings VARCHAR);
CREATE TABLE IF NOT EXISTS aliases (alias VARCHAR, index_name VARCHAR, properties VARCHAR);
CREATE TABLE IF NOT EXISTS catalog (version BIGINT);
INSERT INTO catalog SELECT 0 WHERE NOT EXISTS (FROM catalog);
CREATE TABLE IF NOT EXISTS configs (kind VARCHAR, id VARCHAR, body VARCHAR);
CREATE TABLE IF NOT EXISTS states (kind VARCHAR, id VARCHAR, state BLOB);
"""

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
# Deleted rows that are worth a checkpoint of their own.
_MANY_ROWS = 10_000
_CLOSE_DOORS = """
SET autoload_known_extensions = false;
SET lock_configuration = true;
"""


class Store:
    """Everything the engine remembers."""

    def __init__(
        self, folder: Path, lock: FolderLock, mark: LogMark, connection: duckdb.DuckDBPyConnection, uuid: str
    ) -> None:
        self.folder = folder
        self.uuid = uuid  # of this data folder, for ever
        self._lock = lock
        self._mark = mark
        self._connection = connection
        self._writing = threading.Lock()
        self._together = Together(self.write)
        self._checkpoints = Checkpoints(folder / _FILE, self._checkpoint)
        self._catalog = CatalogCache()
        self._sequences: dict[str, int] = {}
        self._tombstones = Tombstones()
        self._idle = threading.Condition()
        self._open_cursors = 0
        self._closed = False
        self._commits = 0

    @classmethod
    def open(cls, folder: Path, *, memory_bytes: int | None = None, threads: int | None = None) -> Store:
        """Open a data folder, and create it when it is not there.

        Args:
            folder: where.
            memory_bytes: what the database may have in memory; None for its own choice.
            threads: how many work on one query; None for all that the machine has.

        Raises:
            StoreLockedError: another process holds it.
            DamagedStoreError: what is there cannot be read.
            LostLogError: acknowledged writes are missing.
            StoreError: it was written by a newer version.
        """
        folder.mkdir(parents=True, exist_ok=True)
        lock = FolderLock(folder)
        try:
            mark = LogMark(folder / _FILE)
            connection = _opened(folder, _limits(memory_bytes, threads))
            uuid = _identity(connection)
        except duckdb.Error as error:
            lock.release()
            raise DamagedStoreError(str(folder), str(error).strip().partition("\n")[0]) from error
        except BaseException:
            lock.release()
            raise
        return cls(folder, lock, mark, connection, uuid)

    def close(self, wait_s: float | None = None) -> bool:
        """Write everything into the file and give the folder free; waits for what runs.

        Args:
            wait_s: how long to wait at most.

        Returns:
            False when something still ran: then the file stays open. What is committed is in its log, so the process
            may end as it is.
        """
        self._checkpoints.stop()
        with self._idle:
            already, self._closed = self._closed, True
            if not self._idle.wait_for(lambda: self._open_cursors == 0, wait_s):
                return False
        if not already:
            self._connection.close()
            self._mark.close()
            self._lock.release()
        return True

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Give a consistent snapshot of everything committed so far.

        Raises:
            WorkInterruptedError: it was ended from outside.
        """
        with self._cursor() as cursor, interruptible(cursor):
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            yield Reader(cursor, self._catalog)

    def hold(self) -> HeldSnapshot:
        """Return a snapshot of everything committed so far that stays open; whoever asked for it closes it.

        What it holds cannot be cleared away, and the log is not shortened, until then.
        """
        return HeldSnapshot(self._cursor(), self._catalog)

    @contextmanager
    def write(self) -> Iterator[Writer]:
        """Give the one writer; its changes are durable when the block ends, and gone when it raises.

        Raises:
            WorkInterruptedError: it was ended from outside, and nothing was written.
        """
        with self._writing, self._cursor() as cursor:
            with interruptible(cursor):
                cursor.execute("BEGIN TRANSACTION")
                writer = Writer(cursor, self._catalog, self._sequences, self._tombstones)
                yield writer
            # A commit is not interrupted: it is either all there or nothing.
            cursor.execute("COMMIT")
            self._mark.note_commit()
            writer.note_commit()
            self._commits += 1
        self._checkpoints.note_commit(freed=writer.freed >= _MANY_ROWS)

    def _checkpoint(self) -> tuple[int, bool]:
        with self._writing, self._cursor() as cursor:
            alone = self._open_cursors == 1
            cursor.execute("CHECKPOINT")
            self._mark.note_checkpoint()
            return self._checkpoints.log_bytes(), alone

    @property
    def checkpoint_trouble(self) -> str | None:
        """Why the log could not be brought into the file the latest time; None when it could."""
        return self._checkpoints.trouble

    def figures(self) -> StoreFigures:
        """Return what the store takes and has done, as of now."""
        with self._cursor() as cursor:
            found = cursor.execute(
                "SELECT sum(memory_usage_bytes), sum(temporary_storage_bytes) FROM duckdb_memory()"
            ).fetchone()
        memory, temporary = found or (0, 0)
        return StoreFigures(
            file_bytes=(self.folder / _FILE).stat().st_size,
            log_bytes=self._checkpoints.log_bytes(),
            memory_bytes=int(memory or 0),
            temporary_bytes=int(temporary or 0),
            commits=self._commits,
            checkpoints=self._checkpoints.taken,
            failed_checkpoints=self._checkpoints.failed,
            cursors=self._open_cursors,
        )

    def last_seen(self) -> tuple[Index, ...]:
        """Return the indices as somebody last found them, which costs nothing; they may have changed since."""
        return self._catalog.latest[1]

    def prepare(self, index: Index, sources: Sequence[bytes]) -> Prepared | None:
        """Return new documents as rows of an index, so that writing them is quick; None where they are not alike.

        Args:
            index: the index, as it was last seen.
            sources: the JSON texts of the documents.
        """
        return prepared(index.mapping, self._catalog.known_columns(index), sources)

    def write_together(self, items: Sequence[Any], work: Work, *, size: int | None = None) -> list[Any]:
        """Have items written in one transaction with those of other threads that wait too; return their answers.

        Args:
            items: what to write.
            work: does items in their order and returns an answer of each; whose items come together does not matter.
            size: how many documents that is, where an item is not one.

        Raises:
            WorkInterruptedError: it was ended from outside, and nothing was written.
        """
        return self._together.write(items, work, size=size)

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._idle:
            if self._closed:
                raise StoreError(f"the store in {self.folder} is closed")
            self._open_cursors += 1
        cursor = self._connection.cursor()
        try:
            yield cursor
        finally:
            # Closing an open transaction rolls it back.
            cursor.close()
            with self._idle:
                self._open_cursors -= 1
                self._idle.notify_all()


def _limits(memory_bytes: int | None, threads: int | None) -> dict[str, str]:
    """Return what the database may take, as settings of its own."""
    limits = {"memory_limit": memory_bytes and f"{memory_bytes}B", "threads": threads and str(threads)}
    return {name: value for name, value in limits.items() if value}


def _opened(folder: Path, limits: Mapping[str, str]) -> duckdb.DuckDBPyConnection:
    """Return the database of a folder in the present format, after giving back the space that it does not need."""
    file = folder / _FILE
    remove_remains(file)
    connection = _connect(str(file), limits)
    connection.execute(_SCHEMA)
    _check_format(connection, folder)
    if not is_worth_it(connection, file):
        return connection
    connection.execute("CHECKPOINT")
    connection.close()
    if not file.with_name(f"{file.name}.wal").exists():
        compact(file, limits)
    return _connect(str(file), limits)


def _connect(path: str, limits: Mapping[str, str] = MappingProxyType({})) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(path, config={**_SETTINGS, **limits})
    connection.execute(_CLOSE_DOORS)
    return connection


@contextmanager
def scratch() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give an empty database in memory, behind the same closed doors, for computations on made-up rows."""
    with _connect(":memory:") as connection:
        yield connection


def _identity(connection: duckdb.DuckDBPyConnection) -> str:
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
    if found not in range(min(_MIGRATIONS), FORMAT_VERSION + 1):
        connection.close()
        raise StoreError(
            f"data folder {folder} has format version {found}; this version reads format versions "
            f"{min(_MIGRATIONS)} to {FORMAT_VERSION}"
        )
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


# From each version that can be read to the next one.
_MIGRATIONS: dict[int, Callable[[duckdb.DuckDBPyConnection], None]] = {4: _add_routing, 5: _note_filled}
