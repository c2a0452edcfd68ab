"""`terms`: one bucket a value, the most frequent first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anomalyops_engine.query.aggregations.bucketing import Bucketing, Found, Inner, Ranking, read_order
from anomalyops_engine.query.aggregations.rows import RowColumn, Rows
from anomalyops_engine.query.aggregations.tree import Node
from anomalyops_engine.query.errors import IllegalQueryError, UnsupportedQueryError
from anomalyops_engine.query.expr import (
    Cast,
    Column,
    Expr,
    Lambda,
    Literal,
    Not,
    all_of,
    call,
    one_of,
    when,
)
from anomalyops_engine.store.dates import format_millis


def compile_terms(node: Node, rows: Rows) -> Bucketing:
    """Return the buckets of the values of a field.

    Raises:
        QueryError: malformed, not allowed for the field, or not supported.
    """
    node.only(
        *("field", "size", "order", "min_doc_count", "missing", "include", "exclude", "format", "value_type"),
        *("shard_size", "shard_min_doc_count", "execution_hint", "collect_mode", "show_term_doc_count_error"),
    )
    column = rows.column(str(node.required("field")))
    size = node.options.get("size", 10)
    if isinstance(size, bool) or not isinstance(size, int) or size <= 0:
        raise IllegalQueryError(f"[size] must be greater than 0. Found [{size}] in [{node.name}]")
    minimum = node.options.get("min_doc_count", 1)
    if not isinstance(minimum, int) or minimum < 1:
        raise UnsupportedQueryError(
            f"[min_doc_count] of aggregation [{node.name}] must be at least 1 in this engine, got [{minimum}]"
        )
    order = read_order(node, default="_count", descending=True)
    if order[-1][0] != "_key":
        order = (*order, ("_key", False))
    leaf = column.leaf
    formats = str(node.options.get("format", leaf.formats)) if leaf is not None and leaf.is_date else None

    def show(value: Any) -> dict[str, Any]:
        if formats is not None:
            return {"key": value, "key_as_string": format_millis(value, formats)}
        if isinstance(value, bool):
            return {"key": int(value), "key_as_string": "true" if value else "false"}
        return {"key": value}

    def render(found: Sequence[Found], inner: Inner) -> dict[str, Any]:
        total = found[0].siblings if found else 0
        return {
            "doc_count_error_upper_bound": 0,
            "sum_other_doc_count": total - sum(bucket.count for bucket in found),
            "buckets": [{**show(bucket.key), "doc_count": bucket.count, **inner(bucket.key)} for bucket in found],
        }

    typed = {"VARCHAR": "sterms", "DOUBLE": "dterms"}.get(column.field.type, "lterms")
    return Bucketing(node, _key(node, column), render, column.multi, Ranking(order, size, minimum), typed)


def _key(node: Node, column: RowColumn) -> Expr:
    missing = node.options.get("missing")
    values = column.values(None if missing is None else Literal(missing))

    def kept(value: Expr) -> Expr | None:
        included, excluded = _chosen(node, "include", value), _chosen(node, "exclude", value)
        if included is None and excluded is None:
            return None
        return all_of([*([] if included is None else [included]), *([] if excluded is None else [Not(excluded)])])

    if column.multi:
        condition = kept(Column("item"))
        if condition is not None:
            values = call("list_filter", values, Lambda("item", condition))
        return call("list_distinct", values)
    condition = kept(values)
    return values if condition is None else when(condition, values)


def _chosen(node: Node, option: str, value: Expr) -> Expr | None:
    """Return that a value is among those of `include` or `exclude`, None when the option is not given."""
    wanted = node.options.get(option)
    if wanted is None:
        return None
    if isinstance(wanted, str):
        return call("regexp_full_match", Cast(value, "VARCHAR"), wanted)
    if isinstance(wanted, list) and wanted:
        return one_of(value, wanted)
    raise UnsupportedQueryError(
        f"[{option}] of aggregation [{node.name}] must be a regular expression or a list of values, got [{wanted}]"
    )
