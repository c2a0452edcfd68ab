"""Aggregations: one module a family, compiled to groups of rows that the database counts."""

from anomalyops_engine.query.aggregations.datafeed import aggregate_rows, check_rows
from anomalyops_engine.query.aggregations.response import aggregate
from anomalyops_engine.query.aggregations.tree import Node, parse_aggregations

__all__ = ["Node", "aggregate", "aggregate_rows", "check_rows", "parse_aggregations"]
