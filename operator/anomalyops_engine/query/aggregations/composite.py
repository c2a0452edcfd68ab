"""`composite`: buckets by the combinations of several keys; only datafeeds read it so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anomalyops_engine.query.aggregations.bucketing import Bucketing, Found, Inner
from anomalyops_engine.query.aggregations.date_histogram import date_key
from anomalyops_engine.query.aggregations.rows import Rows
from anomalyops_engine.query.aggregations.tree import Node, parse_aggregations
from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.expr import call


def source_bucketings(node: Node, rows: Rows) -> list[tuple[Bucketing, str | None]]:
    """Return the bucketing of each source, with the name of its column; None for the date histogram.

    Raises:
        QueryError: malformed, not supported, or not with exactly one date histogram.
    """
    node.only("sources", "size", "after")
    sources = node.required("sources")
    if not isinstance(sources, list) or not all(isinstance(s, dict) and len(s) == 1 for s in sources):
        raise QueryParsingError(f"[sources] of composite aggregation [{node.name}] must be a list of named sources")
    out: list[tuple[Bucketing, str | None]] = []
    for source in sources:
        ((name, definition),) = source.items()
        (inner,) = parse_aggregations({name: definition})
        if inner.kind not in {"date_histogram", "terms"}:
            raise UnsupportedQueryError(
                f"composite source [{name}] of type [{inner.kind}] is not supported by this engine"
            )
        out.append((_source(inner, rows), None if inner.kind == "date_histogram" else name))
    dates = sum(name is None for _, name in out)
    if dates != 1:
        raise IllegalQueryError(
            f"Composite aggregation [{node.name}] must have exactly one date_histogram source, found [{dates}]"
        )
    return out


def _source(node: Node, rows: Rows) -> Bucketing:
    column = rows.column(str(node.required("field")))
    if node.kind == "date_histogram":
        node.only("field", "fixed_interval", "calendar_interval", "offset", "time_zone", "format", "order")
        key = date_key(node)[0](column.values())
    else:
        node.only("field", "order", "missing_bucket")
        if node.options.get("missing_bucket"):
            raise UnsupportedQueryError(f"[missing_bucket] of [{node.name}] is not supported by this engine")
        key = call("list_distinct", column.values()) if column.multi else column.values()
    return Bucketing(node, key, _not_rendered, column.multi)


def _not_rendered(found: Sequence[Found], inner: Inner) -> dict[str, Any]:
    raise UnsupportedQueryError("[composite] in a search is not supported by this engine")
