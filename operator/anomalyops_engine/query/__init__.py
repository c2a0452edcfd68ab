"""Query DSL and aggregations, lowered to typed expressions and evaluated inside the database."""

from anomalyops_engine.query.aggregations import aggregate_rows, check_rows, parse_aggregations
from anomalyops_engine.query.deletion import delete_by_id, delete_matching, delete_where
from anomalyops_engine.query.dsl import check_query
from anomalyops_engine.query.errors import (
    IllegalQueryError,
    QueryError,
    QueryParsingError,
    SearchPhaseError,
    TooManyBucketsError,
    UnsupportedQueryError,
)
from anomalyops_engine.query.reading import Extent, Peak, event_counts, extent, peaks, read_rows
from anomalyops_engine.query.relation import Documents, select, with_empty
from anomalyops_engine.query.search import count, counted, search

__all__ = [
    "Documents",
    "Extent",
    "IllegalQueryError",
    "Peak",
    "QueryError",
    "QueryParsingError",
    "SearchPhaseError",
    "TooManyBucketsError",
    "UnsupportedQueryError",
    "aggregate_rows",
    "check_query",
    "check_rows",
    "count",
    "counted",
    "delete_by_id",
    "delete_matching",
    "delete_where",
    "event_counts",
    "extent",
    "parse_aggregations",
    "peaks",
    "read_rows",
    "search",
    "select",
    "with_empty",
]
