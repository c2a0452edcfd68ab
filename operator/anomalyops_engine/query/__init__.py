"""Query DSL and aggregations, translated to SQL and evaluated inside the database."""

from anomalyops_engine.query.aggregated_rows import aggregate_rows
from anomalyops_engine.query.deletion import delete_where
from anomalyops_engine.query.errors import (
    IllegalQueryError,
    QueryError,
    QueryParsingError,
    TooManyBucketsError,
    UnsupportedQueryError,
)
from anomalyops_engine.query.filters import check_query
from anomalyops_engine.query.relation import Relation, select
from anomalyops_engine.query.search import count, search

__all__ = [
    "IllegalQueryError",
    "QueryError",
    "QueryParsingError",
    "Relation",
    "TooManyBucketsError",
    "UnsupportedQueryError",
    "aggregate_rows",
    "check_query",
    "count",
    "delete_where",
    "search",
    "select",
]
