"""Aggregations: one module a family, compiled to groups of rows that the database counts."""

from anomalyops_engine.query.aggregations.datafeed import aggregate_rows
from anomalyops_engine.query.aggregations.response import aggregate

__all__ = ["aggregate", "aggregate_rows"]
