"""`index_filter`: which indices have a document that a query matches."""

from __future__ import annotations

from collections.abc import Sequence

from anomalyops_engine.query import sql
from anomalyops_engine.query.documents_of import documents_of
from anomalyops_engine.query.dsl import condition_on, parse_query
from anomalyops_engine.query.errors import (
    DateBoundError,
    QueryError,
    SearchPhaseError,
    ShardFailure,
    UnsupportedQueryError,
)
from anomalyops_engine.query.expr import Expr, Literal, Select
from anomalyops_engine.query.planning import failure_of
from anomalyops_engine.store import Index, Reader


def with_matches(reader: Reader, indices: Sequence[Index], query: object, *, now_ms: int) -> list[Index]:
    """Return the indices with a document that a query matches.

    A cluster leaves out those of which it sees quickly that there is none; here it is looked for.

    Args:
        reader: the snapshot that `indices` were resolved in.
        indices: where to look.
        query: a query of the Query DSL.
        now_ms: the present that `now` means, epoch milliseconds.

    Raises:
        QueryError: the query is malformed, or not supported; or no index can be asked it.
    """
    clause = parse_query(query)
    found: list[Index] = []
    failures: list[ShardFailure] = []
    for index in indices:
        try:
            if _has(reader, index, condition_on(index, clause, now_ms=now_ms)):
                found.append(index)
        except DateBoundError:
            continue
        except UnsupportedQueryError:
            raise
        except QueryError as error:
            failures.append(failure_of(index, error))
    if len(failures) == len(indices) > 0:
        raise SearchPhaseError(failures)
    return found


def _has(reader: Reader, index: Index, condition: Expr) -> bool:
    first = Select((Literal(1).named("found"),), documents_of(index), condition, limit=1)
    return bool(sql.fetch(reader.connection, first))
