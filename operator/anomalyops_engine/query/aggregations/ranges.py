"""`range` and `date_range`: buckets between bounds that may overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anomalyops_engine.query.aggregations.bucketing import Bucketing, Found, Inner
from anomalyops_engine.query.aggregations.filters import numbers_of
from anomalyops_engine.query.aggregations.rows import RowColumn, Rows
from anomalyops_engine.query.aggregations.tree import Node
from anomalyops_engine.query.datemath import resolve_date
from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError
from anomalyops_engine.query.expr import Column, Expr, Lambda, Literal, all_of, call
from anomalyops_engine.store.dates import format_millis


def compile_range(node: Node, rows: Rows) -> Bucketing:
    """Return one bucket for each range of a field's values.

    Raises:
        QueryError: malformed, or not allowed for the field.
    """
    node.only("field", "ranges", "keyed", "format", "missing", "time_zone")
    column = rows.column(str(node.required("field")))
    dates = node.kind == "date_range"
    leaf = column.leaf
    own = leaf.formats if leaf is not None and leaf.is_date else "epoch_millis"
    formats = str(node.options.get("format", own))
    shown: list[dict[str, Any]] = []
    conditions: list[Expr] = []
    for item in node.required("ranges"):
        if not isinstance(item, dict) or not item.keys() <= {"from", "to", "key"}:
            raise QueryParsingError(f"[ranges] of aggregation [{node.name}]: expected from, to and key, got [{item}]")
        bounds = {
            key: _moment(item[key], formats, rows) if dates else _number(node, item[key])
            for key in ("from", "to")
            if item.get(key) is not None
        }
        shown.append(_shown(item.get("key"), bounds, formats if dates else None))
        conditions.append(_some_within(column, bounds))
    keyed = bool(node.options.get("keyed", False))

    def render(found: Sequence[Found], inner: Inner) -> dict[str, Any]:
        counts = {bucket.key: bucket.count for bucket in found}
        buckets = [{**shown[n], "doc_count": counts.get(n, 0), **inner(n)} for n in range(len(shown))]
        if keyed:
            return {"buckets": {bucket.pop("key"): bucket for bucket in buckets}}
        return {"buckets": buckets}

    return Bucketing(node, numbers_of(conditions), render, is_list=True, typed_name=node.kind)


def _moment(value: object, formats: str, rows: Rows) -> int:
    return resolve_date(value, f"{formats}||epoch_millis", now_ms=rows.now_ms)


def _number(node: Node, value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type] # anything else is refused
    except (TypeError, ValueError):
        raise IllegalQueryError(f"[ranges] of aggregation [{node.name}]: [{value}] is no number") from None


def _some_within(column: RowColumn, bounds: dict[str, Any]) -> Expr:
    """Return that some value lies in [from, to)."""

    def within(value: Expr) -> Expr:
        limits = [value >= Literal(bound) if key == "from" else value < Literal(bound) for key, bound in bounds.items()]
        return all_of(limits or [value.is_not_null()])

    if not column.multi:
        return within(column.values())
    return call("len", call("list_filter", column.values(), Lambda("item", within(Column("item"))))) > 0


def _shown(key: str | None, bounds: dict[str, Any], formats: str | None) -> dict[str, Any]:
    def text(name: str) -> str:
        if name not in bounds:
            return "*"
        return format_millis(bounds[name], formats) if formats is not None else str(bounds[name])

    shown: dict[str, Any] = {"key": key if key is not None else f"{text('from')}-{text('to')}"}
    for name, value in bounds.items():
        shown[name] = float(value)
        if formats is not None:
            shown[f"{name}_as_string"] = text(name)
    return shown
