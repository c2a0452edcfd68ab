"""The aggregations of a datafeed as rows of a SELECT: one row per innermost bucket.

What is allowed follows Elasticsearch's rules for aggregations in datafeeds: a date histogram (or a composite with one)
outermost, one bucket aggregation per level below it, metrics at any level, and among them a `max` on the time field.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from anomalyops_engine.query.aggregation_tree import Node, parse_aggregations
from anomalyops_engine.query.buckets import Bucketing, Found, compile_bucketing, date_key
from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.filters import Condition, both, where
from anomalyops_engine.query.levels import Level
from anomalyops_engine.query.metrics import Metric, compile_metric
from anomalyops_engine.query.relation import Relation, between, quoted
from anomalyops_engine.query.rows import Rows
from anomalyops_engine.store import Index, Reader

_SINGLE_BUCKET = frozenset({"filter", "missing"})
_LEVELS = frozenset({"date_histogram", "terms", "histogram"}) | _SINGLE_BUCKET


def aggregate_rows(
    reader: Reader,
    indices: Sequence[Index],
    query: dict[str, Any] | None,
    aggregations: dict[str, Any],
    *,
    time_field: str,
    start_ms: int | None,
    end_ms: int | None,
) -> Relation:
    """Return the innermost buckets of a datafeed's aggregations, over the documents in [start, end).

    Columns: the time field (the nested `max`, BIGINT epoch milliseconds), every terms key and every metric under the
    name of its aggregation, and `doc_count`.

    Args:
        reader: the snapshot that `indices` were resolved in.
        indices: where to look.
        query: Query DSL, None for all documents.
        aggregations: the datafeed's `aggregations`.
        time_field: a date field.
        start_ms: first millisecond, None for no bound.
        end_ms: first millisecond that is not included, None for no bound.

    Raises:
        QueryError: not of the allowed form, malformed, or not supported.
    """
    del reader  # part of the signature: the relation is only valid in its snapshot
    targets: list[tuple[Index, Condition]] = []
    for index in indices:
        moment = index.get(time_field)
        if moment is not None:
            targets.append((index, both(between(moment, start_ms, end_ms), where(index, query))))
    rows = Rows(targets, int(time.time() * 1000))
    level, names = _chain(aggregations, rows)
    return _relation(level, names, rows, time_field)


def _chain(aggregations: dict[str, Any], rows: Rows) -> tuple[Level, list[str | None]]:
    """Return the innermost level, and for each key on the way the column's name (None: not shown)."""
    nodes = parse_aggregations(aggregations, composite=True)
    level, names = Level((), ()), []
    outermost = True
    while nodes:
        buckets = [node for node in nodes if node.kind == "composite" or node.kind in _LEVELS]
        if len(buckets) > 1 or (outermost and len(nodes) > 1):
            shown = ", ".join(node.name for node in nodes)
            raise IllegalQueryError(
                f"Multiple bucket aggregations at the same level are not supported, found [{shown}]"
            )
        refused = [node.kind for node in nodes if node.kind in {"filters", "range", "date_range"}]
        if refused:
            raise UnsupportedQueryError(f"[{refused[0]}] in datafeed aggregations is not supported by this engine")
        if not buckets:
            break
        (node,) = buckets
        if outermost and node.kind not in {"date_histogram", "composite"}:
            raise IllegalQueryError(f"A date_histogram (or histogram) aggregation is required, found [{node.kind}]")
        if not outermost and node.kind in {"date_histogram", "histogram", "composite"}:
            raise IllegalQueryError(
                f"Aggregations can only have 1 date_histogram or histogram aggregation, [{node.name}]"
            )
        outermost = False
        metrics = [compile_metric(child, rows) for child in node.metrics]
        for bucketing, name, own in _bucketings(node, rows, metrics):
            level = level.below(bucketing, own)
            names.append(name)
        nodes = node.children
    if outermost:
        raise IllegalQueryError("A date_histogram (or histogram) aggregation is required, found [none]")
    return level, names


def _bucketings(
    node: Node, rows: Rows, metrics: Sequence[Metric]
) -> list[tuple[Bucketing, str | None, Sequence[Metric]]]:
    """Return the bucketings of a node, each with its column's name and its metrics; several for a composite."""
    if node.kind != "composite":
        return [(compile_bucketing(node, rows), node.name if node.kind == "terms" else None, metrics)]
    node.only("sources", "size", "after")
    sources = node.required("sources")
    if not isinstance(sources, list) or not all(isinstance(s, dict) and len(s) == 1 for s in sources):
        raise QueryParsingError(f"[sources] of composite aggregation [{node.name}] must be a list of named sources")
    out: list[tuple[Bucketing, str | None, Sequence[Metric]]] = []
    dates = 0
    for number, source in enumerate(sources):
        ((name, definition),) = source.items()
        (inner,) = parse_aggregations({name: definition})
        dates += inner.kind == "date_histogram"
        if inner.kind not in {"date_histogram", "terms"}:
            raise UnsupportedQueryError(
                f"composite source [{name}] of type [{inner.kind}] is not supported by this engine"
            )
        last = number == len(sources) - 1
        shown = None if inner.kind == "date_histogram" else name
        out.append((_unranked(inner, rows), shown, metrics if last else ()))
    if dates != 1:
        raise IllegalQueryError(
            f"Composite aggregation [{node.name}] must have exactly one date_histogram source, found [{dates}]"
        )
    return out


def _unranked(node: Node, rows: Rows) -> Bucketing:
    column = rows.column(str(node.required("field")))
    if node.kind == "date_histogram":
        node.only("field", "fixed_interval", "calendar_interval", "offset", "time_zone", "format", "order")
        key = date_key(node, column)[0].replace("{}", column.sql)
    else:
        node.only("field", "order", "missing_bucket")
        if node.options.get("missing_bucket"):
            raise UnsupportedQueryError(f"[missing_bucket] of [{node.name}] is not supported by this engine")
        key = f"list_distinct({column.sql})" if column.multi else column.sql
    return Bucketing(node, key, _not_rendered, column.multi)


def _not_rendered(found: Sequence[Found], inner: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    raise UnsupportedQueryError("[composite] in a search is not supported by this engine")


def _relation(level: Level, names: Sequence[str | None], rows: Rows, time_field: str) -> Relation:
    depth = len(level.path)
    columns: dict[str, str] = {}
    for number, name in enumerate(names):
        if name is not None:
            columns[name] = f"l{depth - 1}.k{number}"
    timed = False
    for number, metrics in enumerate(level.metrics):
        position = 0
        for metric in metrics:
            expression = _single_value(metric, f"l{number}.m{position}")
            if metric.node.kind == "max" and metric.node.options.get("field") == time_field:
                timed = True
                columns[time_field] = f"CAST({expression} AS BIGINT)"
            else:
                columns[metric.node.name] = expression
            position += len(metric.expressions)
    if not timed:
        raise IllegalQueryError(f"Missing max aggregation for time_field [{time_field}]")
    columns["doc_count"] = f"l{depth - 1}.n"
    joined = [number for number in range(depth) if number == depth - 1 or level.metrics[number]]
    sources, parameters = [], ()
    for number in reversed(joined):
        groups = level.groups(rows, number + 1)
        keys = ", ".join(f"k{n}" for n in range(number + 1))
        join = f" JOIN ({groups.sql}) AS l{number} USING ({keys})"
        sources.append(f"({groups.sql}) AS l{number}" if number == depth - 1 else join)
        parameters += groups.parameters
    chosen, first = level.selections(rows, depth - 1)
    shown = ", ".join(f"{expression} AS {quoted(name)}" for name, expression in columns.items())
    return Relation(f"{chosen}SELECT {shown} FROM {''.join(sources)}", first + parameters)  # noqa: S608


def _single_value(metric: Metric, expression: str) -> str:
    if metric.node.kind == "percentiles":
        if len(metric.node.options.get("percents", ())) != 1:
            raise IllegalQueryError(
                f"Percentiles aggregation [{metric.node.name}] must have exactly one percent in a datafeed"
            )
        return f"{expression}[1]"
    if len(metric.expressions) != 1:
        raise IllegalQueryError(
            f"Aggregation [{metric.node.name}] of type [{metric.node.kind}] has more than one value; datafeeds take "
            "single-value metrics"
        )
    return expression
