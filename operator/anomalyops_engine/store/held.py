"""A snapshot that outlives the request that opened it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import duckdb

from anomalyops_engine.store.errors import StoreError
from anomalyops_engine.store.interruption import interruptible
from anomalyops_engine.store.reader import CatalogCache, Reader


class HeldSnapshot:
    """A consistent view of the store, read by one request after the other until it is closed.

    The database ends a transaction in which a statement failed or was interrupted; the snapshot is closed then.
    """

    def __init__(self, opened: AbstractContextManager[duckdb.DuckDBPyConnection], catalog: CatalogCache) -> None:
        self._stack = ExitStack()
        self._cursor = self._stack.enter_context(opened)
        self._cursor.execute("BEGIN TRANSACTION READ ONLY")
        self._reader = Reader(self._cursor, catalog)
        # The catalog of now, whatever others find in what they share.
        self._reader.indices()
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Give the view; another request waits until the block ends.

        Raises:
            StoreError: it is closed.
            WorkInterruptedError: it was ended from outside.
        """
        with self._lock:
            if self._closed:
                raise StoreError("the snapshot is closed")
            try:
                with interruptible(self._cursor):
                    yield self._reader
            except (duckdb.Error, StoreError):
                self._close()
                raise

    def close(self) -> None:
        """Give the view up, when the request that reads it has ended."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if not self._closed:
            self._closed = True
            self._stack.close()
