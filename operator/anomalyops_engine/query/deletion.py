"""Deleting the documents that match a query."""

from __future__ import annotations

from typing import Any

from anomalyops_engine.query.filters import where
from anomalyops_engine.store import Writer


def delete_where(writer: Writer, index: str, query: dict[str, Any] | None, *, ignore_unavailable: bool = True) -> int:
    """Delete the documents of an index expression that match a query, and return how many there were.

    Raises:
        IndexNotFoundError: a concrete index is missing, and `ignore_unavailable` is False.
        QueryError: the query is malformed or not supported.
    """
    deleted = 0
    for target in writer.resolve(index, ignore_unavailable=ignore_unavailable):
        condition = where(target, query)
        ((count,),) = writer.connection.execute(
            f'DELETE FROM "{target.table}" WHERE {condition.sql}',  # noqa: S608
            list(condition.parameters),
        ).fetchall()
        deleted += count
    return deleted
