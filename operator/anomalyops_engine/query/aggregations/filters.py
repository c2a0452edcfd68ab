"""Buckets by condition: `filter`, `filters`, `missing`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anomalyops_engine.query.aggregations.bucketing import Bucketing, Found, Inner
from anomalyops_engine.query.aggregations.rows import Rows
from anomalyops_engine.query.aggregations.tree import Node
from anomalyops_engine.query.errors import QueryParsingError
from anomalyops_engine.query.expr import Column, Expr, Lambda, ListOf, any_of, call, when


def compile_filter(node: Node, rows: Rows) -> Bucketing:
    """Return the one bucket of the documents that match a query.

    Raises:
        QueryError: the query is malformed or not supported.
    """
    return Bucketing(node, when(rows.condition(node.options), 0), _render_single, typed_name="filter")


def compile_missing(node: Node, rows: Rows) -> Bucketing:
    """Return the one bucket of the documents without a value in a field.

    Raises:
        QueryError: malformed, or not allowed for the field.
    """
    node.only("field")
    column = rows.column(str(node.required("field")))
    return Bucketing(node, when(column.values().is_null(), 0), _render_single, typed_name="missing")


def _render_single(found: Sequence[Found], inner: Inner) -> dict[str, Any]:
    return {"doc_count": found[0].count if found else 0, **inner(0)}


def compile_filters(node: Node, rows: Rows) -> Bucketing:
    """Return one bucket for each of several queries, and one for the rest if asked for.

    Raises:
        QueryError: malformed or not supported.
    """
    node.only("filters", "other_bucket", "other_bucket_key", "keyed")
    given = node.required("filters")
    if not isinstance(given, dict | list) or not given:
        raise QueryParsingError(f"[filters] of aggregation [{node.name}] must be an object or a list of queries")
    names = list(given) if isinstance(given, dict) else None
    conditions = [rows.condition(query) for query in (given.values() if isinstance(given, dict) else given)]
    if node.options.get("other_bucket") or "other_bucket_key" in node.options:
        conditions.append(any_of(conditions).is_not_true())
        if names is not None:
            names.append(str(node.options.get("other_bucket_key", "_other_")))
    keyed = names is not None and node.options.get("keyed", True)

    def render(found: Sequence[Found], inner: Inner) -> dict[str, Any]:
        counts = {bucket.key: bucket.count for bucket in found}
        buckets = [{"doc_count": counts.get(number, 0), **inner(number)} for number in range(len(conditions))]
        if keyed and names is not None:
            return {"buckets": dict(zip(names, buckets, strict=True))}
        if names is not None:
            buckets = [{"key": name, **bucket} for name, bucket in zip(names, buckets, strict=True)]
        return {"buckets": buckets}

    return Bucketing(node, numbers_of(conditions), render, is_list=True, typed_name="filters")


def numbers_of(conditions: Sequence[Expr]) -> Expr:
    """Return the list of the numbers of those conditions that hold."""
    cases = ListOf(tuple(when(condition, number) for number, condition in enumerate(conditions)))
    return call("list_filter", cases, Lambda("item", Column("item").is_not_null()))
