"""`histogram`: buckets of equal width over numbers."""

from __future__ import annotations

from typing import Any

from anomalyops_engine.query.aggregations.bucketing import Bucketing
from anomalyops_engine.query.aggregations.intervals import interval_renderer, keys_over
from anomalyops_engine.query.aggregations.rows import Rows
from anomalyops_engine.query.aggregations.tree import Node
from anomalyops_engine.query.errors import IllegalQueryError, UnsupportedQueryError
from anomalyops_engine.query.expr import Cast, Expr, Literal, call


def compile_histogram(node: Node, rows: Rows) -> Bucketing:
    """Return a histogram over a numeric field.

    Raises:
        QueryError: malformed, not allowed for the field, or not supported.
    """
    node.only(
        *("field", "interval", "offset", "min_doc_count", "keyed", "extended_bounds", "hard_bounds", "order"),
        *("missing", "format"),
    )
    column = rows.column(str(node.required("field")))
    if not column.field.is_numeric:
        raise IllegalQueryError(f"Field [{column.name}] of type [keyword] is not supported for aggregation [histogram]")
    interval = node.required("interval")
    if isinstance(interval, bool) or not isinstance(interval, int | float) or interval <= 0:
        raise IllegalQueryError(f"[interval] must be >0 for histogram aggregation [{node.name}], got [{interval}]")
    offset = _number(node, "offset", node.options.get("offset", 0.0))
    missing = node.options.get("missing")

    def key_of(value: Expr) -> Expr:
        width, shift = Literal(float(interval)), Literal(offset)
        return call("floor", (Cast(value, "DOUBLE") - shift) / width) * width + shift

    def following(value: float) -> float:
        return (round((value - offset) / interval) + 1) * interval + offset

    extended = _bounds(node, "extended_bounds")
    if extended is not None:
        low, high = ((bound - offset) // interval * interval + offset for bound in extended)
        extended = (low, high)
    return Bucketing(
        node,
        keys_over(
            column,
            key_of,
            missing=None if missing is None else Literal(_number(node, "missing", missing)),
            hard=_bounds(node, "hard_bounds"),
        ),
        interval_renderer(node, lambda value: {"key": float(value)}, following, extended),
        column.multi,
        typed_name="histogram",
    )


def _bounds(node: Node, name: str) -> tuple[float, float] | None:
    bounds = node.options.get(name)
    if bounds is None:
        return None
    if not isinstance(bounds, dict) or bounds.keys() != {"min", "max"}:
        raise UnsupportedQueryError(f"[{name}] of aggregation [{node.name}] needs both [min] and [max]")
    return _number(node, name, bounds["min"]), _number(node, name, bounds["max"])


def _number(node: Node, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise IllegalQueryError(f"[{name}] of aggregation [{node.name}] must be a number, got [{value}]")
    return float(value)
