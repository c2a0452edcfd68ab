"""Deleting the documents that match a query."""

from __future__ import annotations

from typing import Any

from anomalyops_engine.query import sql
from anomalyops_engine.query.dsl import where
from anomalyops_engine.query.expr import Delete, Table
from anomalyops_engine.store import Writer


def delete_where(writer: Writer, index: str, query: dict[str, Any] | None, *, ignore_unavailable: bool = True) -> int:
    """Delete the documents of an index expression that match a query, and return how many there were.

    Raises:
        IndexNotFoundError: a concrete index is missing, and `ignore_unavailable` is False.
        QueryError: the query is malformed or not supported.
    """
    return sum(
        sql.delete(writer.connection, Delete(Table(target.table), where(target, query)))
        for target in writer.resolve(index, ignore_unavailable=ignore_unavailable)
    )
