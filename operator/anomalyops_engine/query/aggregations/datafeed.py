"""The aggregations of a datafeed as rows of a SELECT: one row per innermost bucket.

What is allowed follows Elasticsearch's rules for aggregations in datafeeds: a date histogram (or a histogram of the
time field, or a composite with a date histogram) outermost, one bucket aggregation per level below it, metrics at any
level, and among them a `max` on the time field.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from anomalyops_engine.query.aggregations.aggregation import Bucketing, Metric, MetricAggregation
from anomalyops_engine.query.aggregations.composite import Composite
from anomalyops_engine.query.aggregations.date_buckets import interval_of
from anomalyops_engine.query.aggregations.date_histogram import DateHistogram
from anomalyops_engine.query.aggregations.geo import GeoCentroid
from anomalyops_engine.query.aggregations.histogram import Histogram as NumberHistogram
from anomalyops_engine.query.aggregations.levels import Level
from anomalyops_engine.query.aggregations.metrics import Maximum, Percentiles
from anomalyops_engine.query.aggregations.pipelines import (
    BucketScript,
    Derivative,
    Histogram,
    PipelineAggregation,
    is_derivative,
    with_pipelines,
)
from anomalyops_engine.query.aggregations.rows import Rows
from anomalyops_engine.query.aggregations.tree import Node, bucket_aggregation, compile_metrics, parse_aggregations
from anomalyops_engine.query.dsl import where
from anomalyops_engine.query.errors import IllegalQueryError, QueryError, UnsupportedQueryError
from anomalyops_engine.query.expr import Cast, Column, Expr, Join, Member, Relation, Select, all_of, call
from anomalyops_engine.query.fields import shown_address
from anomalyops_engine.query.relation import Documents, in_stretch
from anomalyops_engine.store import Index

_SINGLE_BUCKET = frozenset({"filter", "missing"})
_HISTOGRAMS = frozenset({"composite", "date_histogram", "histogram"})
_LEVELS = frozenset({"terms"}) | _HISTOGRAMS | _SINGLE_BUCKET


def aggregate_rows(
    indices: Sequence[Index],
    query: dict[str, Any] | None,
    aggregations: dict[str, Any],
    *,
    time_field: str,
    start_ms: int | None,
    end_ms: int | None,
) -> Documents:
    """Return the innermost buckets of a datafeed's aggregations, over the documents in [start, end).

    Columns: the time field (the nested `max`, BIGINT epoch milliseconds), every terms key and every metric under the
    name of its aggregation, and `doc_count`.

    Args:
        indices: where to look, as a snapshot resolved them; the rows are only valid in that snapshot.
        query: Query DSL, None for all documents.
        aggregations: the datafeed's `aggregations`.
        time_field: a date field.
        start_ms: first millisecond, None for no bound.
        end_ms: first millisecond that is not included, None for no bound.

    Raises:
        QueryError: not of the allowed form, malformed, or not supported.
    """
    first_ms = start_ms
    if start_ms is not None and (margin_ms := _margin_ms(aggregations)) is not None:
        first_ms = start_ms - margin_ms
    targets = [
        (index, all_of([in_stretch(index, time_field, first_ms, end_ms), where(index, query)]))
        for index in indices
        if index.get(time_field) is not None
    ]
    rows = Rows(targets, int(time.time() * 1000))
    return _leaf_buckets(_chain(aggregations, rows), rows, time_field, start_ms)


def check_rows(aggregations: dict[str, Any]) -> None:
    """Check that aggregations can be rows of a datafeed, whatever the indices are.

    Raises:
        QueryError: not of the allowed form, malformed, or not supported.
    """
    rows = Rows([], int(time.time() * 1000))
    chain = _chain(aggregations, rows)
    for number, metrics in enumerate(chain.level.metrics):
        for metric in metrics:
            _single_value(metric, Column("m"))
        _buckets(chain, rows, number)


@dataclass(frozen=True, slots=True)
class _Chain:
    """The bucket aggregations of a datafeed, one below the other.

    Attributes:
        level: the innermost level.
        names: for each key on the way its name among the columns, None where it is not shown.
        pipelines: for each level what is made of its metrics, by name.
        histogram: the keys of the outermost level as those of a histogram, None for a composite.
    """

    level: Level
    names: list[str | None]
    pipelines: list[dict[str, PipelineAggregation]]
    histogram: Histogram | None


def _margin_ms(aggregations: dict[str, Any]) -> int | None:
    """Return how long before the stretch the bucket begins that derivatives look back at; None without derivatives."""
    node = next(iter(parse_aggregations(aggregations)), None)
    return _interval_ms(node) if node is not None and is_derivative(_pipelines(node)) else None


def _pipelines(node: Node) -> dict[str, PipelineAggregation]:
    made = ((child.name, child.aggregation) for child in node.children)
    return {name: aggregation for name, aggregation in made if isinstance(aggregation, PipelineAggregation)}


def _interval_ms(node: Node) -> int | None:
    """Return the length of a histogram's buckets, None where it is none of fixed length."""
    if isinstance(node.aggregation, NumberHistogram):
        return int(node.aggregation.interval)
    if isinstance(node.aggregation, DateHistogram):
        return interval_of(node.aggregation, node.name).milliseconds
    return None


def _histogram(node: Node) -> Histogram | None:
    if not isinstance(node.aggregation, NumberHistogram | DateHistogram):
        return None
    return Histogram(Column("k0"), None if node.aggregation.min_doc_count else _interval_ms(node))


def _chain(aggregations: dict[str, Any], rows: Rows) -> _Chain:
    nodes = parse_aggregations(aggregations)
    level, names = Level((), ()), []
    pipelines: list[dict[str, PipelineAggregation]] = []
    histogram: Histogram | None = None
    outermost = True
    while nodes:
        buckets = [node for node in nodes if node.kind in _LEVELS]
        if len(buckets) > 1 or (outermost and len(nodes) > 1):
            shown = ", ".join(node.name for node in nodes)
            raise IllegalQueryError(
                f"Multiple bucket aggregations at the same level are not supported, found [{shown}]"
            )
        refused = [node.kind for node in nodes if not _is_taken(node)]
        if refused:
            raise UnsupportedQueryError(f"[{refused[0]}] in datafeed aggregations is not supported by this engine")
        if not buckets:
            break
        (node,) = buckets
        if outermost and node.kind not in _HISTOGRAMS:
            raise _not_outermost(node)
        if not outermost and node.kind in _HISTOGRAMS:
            raise IllegalQueryError(
                f"Aggregations can only have 1 date_histogram or histogram aggregation, [{node.name}]"
            )
        if outermost:
            histogram = _histogram(node)
        outermost = False
        metrics = compile_metrics(node.children, rows)
        for bucketing, name, own in _bucketings(node, rows, metrics):
            level = level.below(bucketing, own)
            names.append(name)
            pipelines.append({})
        pipelines[-1] = _pipelines(node)
        nodes = node.children
    if outermost:
        raise IllegalQueryError("A date_histogram (or histogram) aggregation is required, found [none]")
    return _Chain(level, names, pipelines, histogram)


def _is_taken(node: Node) -> bool:
    return node.kind in _LEVELS or isinstance(node.aggregation, MetricAggregation | Derivative | BucketScript)


def _not_outermost(node: Node) -> QueryError:
    """Return why an aggregation cannot be the outermost one of a datafeed."""
    below = list(node.children)
    while below:
        child = below.pop()
        if child.kind in _HISTOGRAMS:
            return UnsupportedQueryError(
                f"[{node.kind}] above the histogram of a datafeed's aggregations is not supported by this engine; "
                "supported: below it"
            )
        below += child.children
    return IllegalQueryError(f"A date_histogram (or histogram) aggregation is required, found [{node.kind}]")


def _bucketings(
    node: Node, rows: Rows, metrics: Sequence[Metric]
) -> list[tuple[Bucketing, str | None, Sequence[Metric]]]:
    """Return the bucketings of a node, each with its column's name and its metrics; several for a composite."""
    if not isinstance(node.aggregation, Composite):
        bucketing = bucket_aggregation(node).compile(node.name, rows)
        return [(bucketing, node.name if node.kind == "terms" else None, metrics)]
    sources = node.aggregation.bucketings(node.name, rows)
    last = len(sources) - 1
    return [(bucketing, name, metrics if number == last else ()) for number, (bucketing, name) in enumerate(sources)]


def _leaf_buckets(chain: _Chain, rows: Rows, time_field: str, start_ms: int | None) -> Documents:
    level, names = chain.level, chain.names
    depth = len(level.path)
    members = [_buckets(chain, rows, number) for number in range(depth)]
    values: dict[str, Expr] = {}
    for number, name in enumerate(names):
        if name is not None:
            key = Column(f"k{number}", _member(depth - 1))
            values[name] = shown_address(key) if level.path[number].is_ip else key
    timed = False
    for number, metrics in enumerate(level.metrics):
        position = 0
        for metric in metrics:
            value = _single_value(metric, Column(f"m{position}", _member(number)))
            if isinstance(metric.source, Maximum) and metric.source.field == time_field:
                timed = True
                values[time_field] = Cast(value, "BIGINT")
            else:
                values[metric.name] = value
            position += len(metric.expressions)
        for name, column in members[number][1].items():
            values[name] = Column(column.name, _member(number))
    if not timed:
        raise IllegalQueryError(f"Missing max aggregation for time_field [{time_field}]")
    values["doc_count"] = Column("n", _member(depth - 1))
    joined = [n for n in range(depth) if n == depth - 1 or level.metrics[n] or chain.pipelines[n]]
    buckets = _joined([(number, members[number][0]) for number in joined])
    columns = {name: f"f{number}" for number, name in enumerate(values)}
    looks_back = start_ms is not None and is_derivative(chain.pipelines[0])
    body = Select(
        tuple(value.named(columns[name]) for name, value in values.items()),
        buckets,
        Column("k0", _member(depth - 1)) >= start_ms if looks_back else None,
    )
    return Documents(level.with_selections(rows, depth - 1, body), columns)


def _buckets(chain: _Chain, rows: Rows, number: int) -> tuple[Relation, dict[str, Column]]:
    """Return the buckets of a level, with the columns of its pipeline aggregations."""
    buckets = chain.level.groups(rows, number + 1)
    if not chain.pipelines[number]:
        return buckets, {}
    histogram = chain.histogram if number == 0 else None
    return with_pipelines(buckets, chain.level.metrics[number], chain.pipelines[number], histogram, _single_value)


def _joined(levels: Sequence[tuple[int, Relation]]) -> Join:
    """Return the innermost buckets, each with the buckets of the levels above that it lies in."""
    *above, (innermost, leaves) = levels
    members = [Member(_member(innermost), leaves)]
    for number, buckets in reversed(above):
        keys = tuple(f"k{n}" for n in range(number + 1))
        members.append(Member(_member(number), buckets, keys))
    return Join(tuple(members))


def _member(number: int) -> str:
    return f"l{number}"


def _single_value(metric: Metric, value: Expr) -> Expr:
    if isinstance(metric.source, Percentiles):
        if metric.source.hdr is not None:
            raise UnsupportedQueryError(
                f"[hdr] of percentiles aggregation [{metric.name}] in a datafeed is not supported by this engine"
            )
        if len(metric.source.percents) != 1:
            raise IllegalQueryError(
                f"Percentiles aggregation [{metric.name}] must have exactly one percent in a datafeed"
            )
        return call("list_extract", value, 1)
    if isinstance(metric.source, GeoCentroid):
        return value
    if len(metric.expressions) != 1:
        raise IllegalQueryError(
            f"Aggregation [{metric.name}] of type [{metric.typed_name}] has more than one value; datafeeds take "
            "single-value metrics"
        )
    return value
