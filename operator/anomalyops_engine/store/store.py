"""The data folder: one DuckDB file with documents, configurations and model states, and a lock.

Readers see the snapshot at which they began, at any number and in any thread. There is one writer at a time; its
changes are in the write-ahead log and on disk when `write()` is left, and gone when it is left by an exception.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

from anomalyops_engine.store.catalog import Index
from anomalyops_engine.store.checkpoints import Checkpoints
from anomalyops_engine.store.compaction import compact, is_worth_it, remove_remains
from anomalyops_engine.store.database import connect, limits_of
from anomalyops_engine.store.errors import DamagedStoreError, StoreError
from anomalyops_engine.store.figures import StoreFigures
from anomalyops_engine.store.held import HeldSnapshot
from anomalyops_engine.store.interruption import interruptible
from anomalyops_engine.store.layout import DATABASE_FILE, RESTORED_SUFFIX, bring_up, identity
from anomalyops_engine.store.lock import FolderLock
from anomalyops_engine.store.log_mark import LogMark
from anomalyops_engine.store.prepared import Prepared, prepared
from anomalyops_engine.store.reader import CatalogCache, Reader
from anomalyops_engine.store.standstill import Standstill
from anomalyops_engine.store.together import Together, Work
from anomalyops_engine.store.tombstones import Tombstones
from anomalyops_engine.store.writer import Writer

# Deleted rows that are worth a checkpoint of their own.
_MANY_ROWS = 10_000


class Store:
    """Everything the engine remembers."""

    def __init__(
        self,
        folder: Path,
        *,
        lock: FolderLock,
        mark: LogMark,
        standstill: Standstill,
        connection: duckdb.DuckDBPyConnection,
        uuid: str,
    ) -> None:
        self.folder = folder
        self.uuid = uuid  # of this data folder, for ever
        self._lock = lock
        self._mark = mark
        self._standstill = standstill
        self._connection = connection
        self._writing = threading.Lock()
        self._together = Together(self.write)
        self._checkpoints = Checkpoints(folder / DATABASE_FILE, self._checkpoint)
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
            standstill = Standstill(folder)
            with standstill.over():
                mark = LogMark(folder / DATABASE_FILE)
                connection = _opened(folder, limits_of(memory_bytes, threads))
                uuid = identity(connection)
        except duckdb.Error as error:
            lock.release()
            raise DamagedStoreError(str(folder), str(error).strip().partition("\n")[0]) from error
        except BaseException:
            lock.release()
            raise
        return cls(folder, lock=lock, mark=mark, standstill=standstill, connection=connection, uuid=uuid)

    def close(self, wait_s: float | None = None) -> bool:
        """Write everything into the file and give the folder free; waits for what runs.

        Args:
            wait_s: how long to wait at most.

        Returns:
            False when something still ran: then the file stays open. What is committed is in its log, so the process
            may end as it is; so it stays too while the folder is copied.
        """
        self._checkpoints.stop()
        with self._idle:
            already, self._closed = self._closed, True
            if not self._idle.wait_for(lambda: self._open_cursors == 0, wait_s):
                return False
        if not already:
            with self._standstill.unless_copied() as free, suppress(duckdb.Error):
                if free:
                    self._connection.execute("CHECKPOINT")
            self._connection.close()
            self._standstill.close()
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

    def _checkpoint(self) -> tuple[int, bool] | None:
        with self._standstill.unless_copied() as free, self._writing, self._cursor() as cursor:
            if not free:
                return None
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
            file_bytes=(self.folder / DATABASE_FILE).stat().st_size,
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


def _opened(folder: Path, limits: Mapping[str, str]) -> duckdb.DuckDBPyConnection:
    """Return the database of a folder in the present format, after giving back the space that it does not need."""
    file = folder / DATABASE_FILE
    remove_remains(file)
    file.with_name(f"{file.name}{RESTORED_SUFFIX}").unlink(missing_ok=True)
    connection = connect(str(file), limits)
    bring_up(connection, folder)
    if not is_worth_it(connection, file):
        return connection
    connection.execute("CHECKPOINT")
    connection.close()
    if not file.with_name(f"{file.name}.wal").exists():
        compact(file, limits)
    return connect(str(file), limits)
