"""Deleting the documents that match a query."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from anomalyops_engine.query import sql
from anomalyops_engine.query.documents_of import documents_of
from anomalyops_engine.query.dsl import condition_on, parse_query
from anomalyops_engine.query.errors import QueryError, SearchPhaseError, ShardFailure, UnsupportedQueryError
from anomalyops_engine.query.expr import Column, Delete, Expr, InQuery, Select, Table, any_of, call
from anomalyops_engine.query.lookups import looking_up
from anomalyops_engine.store import Index, Writer
from anomalyops_engine.store.blocks import check_open


def delete_matching(writer: Writer, indices: Sequence[Index], query: object) -> int:
    """Delete the documents that match a query, of an alias those that its filter lets through, and return how many.

    Raises:
        QueryError: the query is malformed or not supported, or does not go with a field of some index; nothing is
            deleted then.
    """
    clause, now_ms = parse_query(query), int(time.time() * 1000)
    check_open(indices, "write")
    deletions: list[Delete] = []
    failures: list[ShardFailure] = []
    with looking_up(writer):
        for index in indices:
            try:
                deletions += _deletions(index, condition_on(index, clause, now_ms=now_ms))
            except UnsupportedQueryError:
                raise
            except QueryError as error:
                failures.append(ShardFailure(index.name, index.uuid, error))
    if failures:
        raise SearchPhaseError(failures)
    deleted = sum(sql.delete(writer.connection, deletion) for deletion in deletions)
    writer.freed += deleted
    return deleted


def delete_where(writer: Writer, index: str, query: dict[str, Any], *, ignore_unavailable: bool = True) -> int:
    """Delete the documents of an index expression that match a query, and return how many there were.

    Raises:
        IndexNotFoundError: a concrete index is missing, and `ignore_unavailable` is False.
        QueryError: as `delete_matching`.
    """
    return delete_matching(writer, writer.resolve(index, ignore_unavailable=ignore_unavailable), query)


def delete_by_id(writer: Writer, index: str, prefixes: Sequence[str]) -> int:
    """Delete the documents of an index expression whose ids begin with one of some texts, and return how many."""
    begins = any_of(call("starts_with", Column("_id"), prefix) for prefix in prefixes)
    indices = writer.resolve(index, ignore_unavailable=True)
    check_open(indices, "write")
    return sum(
        sql.delete(writer.connection, Delete(Table(table), begins)) for index in indices for table in index.stored
    )


def _deletions(index: Index, condition: Expr) -> list[Delete]:
    """Return what deletes the documents of an index that fulfil a condition, which may read any column."""
    if not index.parts:
        return [Delete(Table(index.table), condition)]
    found = Select((Column("_seq_no").named("_seq_no"),), documents_of(index), condition)
    return [Delete(Table(table), InQuery((Column("_seq_no"),), found)) for table in index.stored]
