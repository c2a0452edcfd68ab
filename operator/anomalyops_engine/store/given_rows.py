"""Rows of Python as a table of the database, for as long as a statement needs them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa


@contextmanager
def given_rows(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> Iterator[None]:
    """Let statements of a connection read rows under a name, while the block lasts.

    What goes wrong in the block leaves it as it is: after an error the transaction refuses everything, the removal of
    the rows too, and its refusal says nothing of what happened. The rows are then gone with the transaction.

    Args:
        connection: in a transaction.
        name: of the table; one at a time.
        rows: what it has.
    """
    connection.register(name, rows)
    try:
        yield
    except BaseException:
        with contextlib.suppress(duckdb.Error):
            connection.unregister(name)
        raise
    connection.unregister(name)
