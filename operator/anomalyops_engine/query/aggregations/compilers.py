"""Which module compiles which kind of bucket aggregation."""

from __future__ import annotations

from collections.abc import Callable

from anomalyops_engine.query.aggregations.bucketing import Bucketing
from anomalyops_engine.query.aggregations.date_histogram import compile_date_histogram
from anomalyops_engine.query.aggregations.filters import compile_filter, compile_filters, compile_missing
from anomalyops_engine.query.aggregations.histogram import compile_histogram
from anomalyops_engine.query.aggregations.ranges import compile_range
from anomalyops_engine.query.aggregations.rows import Rows
from anomalyops_engine.query.aggregations.terms import compile_terms
from anomalyops_engine.query.aggregations.tree import Node

_COMPILERS: dict[str, Callable[[Node, Rows], Bucketing]] = {
    "date_histogram": compile_date_histogram,
    "date_range": compile_range,
    "filter": compile_filter,
    "filters": compile_filters,
    "histogram": compile_histogram,
    "missing": compile_missing,
    "range": compile_range,
    "terms": compile_terms,
}


def compile_bucketing(node: Node, rows: Rows) -> Bucketing:
    """Return the keys and the rendering of a bucket aggregation.

    Raises:
        QueryError: malformed, not allowed for the field, or not supported.
    """
    return _COMPILERS[node.kind](node, rows)
