"""What the histograms share: keys over values, empty buckets between the found ones, and their rendering."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from anomalyops_engine.query.aggregations.bucketing import MAX_BUCKETS, Found, Inner, Render, read_order
from anomalyops_engine.query.aggregations.rows import RowColumn
from anomalyops_engine.query.aggregations.tree import Node
from anomalyops_engine.query.errors import TooManyBucketsError, UnsupportedQueryError
from anomalyops_engine.query.expr import Column, Expr, Lambda, Literal, all_of, call, when


def keys_over(
    column: RowColumn, key_of: Callable[[Expr], Expr], *, missing: Expr | None, hard: tuple[Any, Any] | None
) -> Expr:
    """Return the key of a document, or the list of its keys where the column has lists.

    Args:
        column: the column.
        key_of: the key of one value.
        missing: the value of documents without one.
        hard: values outside of [first, second) have no key.
    """
    values = column.values(missing)
    if column.multi:
        item = Column("item")
        if hard is not None:
            values = call("list_filter", values, Lambda("item", _within(item, hard)))
        return call("list_distinct", call("list_transform", values, Lambda("item", key_of(item))))
    return key_of(values) if hard is None else when(_within(values, hard), key_of(values))


def _within(value: Expr, hard: tuple[Any, Any]) -> Expr:
    return all_of([value >= Literal(hard[0]), value < Literal(hard[1])])


def interval_renderer(
    node: Node,
    show: Callable[[Any], dict[str, Any]],
    following: Callable[[Any], Any],
    extended: tuple[Any, Any] | None,
) -> Render:
    """Return the rendering of a histogram.

    Args:
        node: the aggregation.
        show: how a key looks.
        following: the key after a key.
        extended: first and last key that are shown even when nothing is there.

    Raises:
        QueryError: malformed or unsupported options.
    """
    minimum = int(node.options.get("min_doc_count", 0))
    order = read_order(node, default="_key", descending=False)
    if len(order) > 1 or order[0][0] not in {"_key", "_count"}:
        raise UnsupportedQueryError(f"[order] of aggregation [{node.name}] must be by [_key] or [_count]")
    what, descending = order[0]
    keyed = bool(node.options.get("keyed", False))

    def render(found: Sequence[Found], inner: Inner) -> dict[str, Any]:
        counts = {bucket.key: bucket.count for bucket in sorted(found, key=lambda bucket: bucket.key)}
        if minimum == 0:
            counts = _fill(counts, following, extended)
        items = [(key, number) for key, number in counts.items() if number >= minimum]
        if what == "_count":
            items.sort(key=lambda item: -item[1] if descending else item[1])
        elif descending:
            items.reverse()
        buckets = [{**show(key), "doc_count": number, **inner(key)} for key, number in items]
        if keyed:
            return {"buckets": {str(bucket.get("key_as_string", bucket["key"])): bucket for bucket in buckets}}
        return {"buckets": buckets}

    return render


def _fill(counts: dict[Any, int], following: Callable[[Any], Any], extended: tuple[Any, Any] | None) -> dict[Any, int]:
    """Return the counts with the empty buckets between the first and the last key put in."""
    if not counts and extended is None:
        return counts
    edges = [*counts, *(extended or ())]
    key, last = min(edges), max(edges)
    filled: dict[Any, int] = {}
    remaining = dict(counts)
    while key <= last:
        filled[key] = remaining.pop(key, 0)
        key = following(key)
        if len(filled) > MAX_BUCKETS:
            raise TooManyBucketsError(MAX_BUCKETS)
    # A fractional interval may reach a key by another rounding than the database did.
    return dict(sorted({**filled, **remaining}.items())) if remaining else filled
