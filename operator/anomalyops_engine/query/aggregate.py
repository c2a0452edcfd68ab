"""Aggregations of a search: one statement per level of the tree, put together as the response shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from anomalyops_engine.query.aggregation_tree import METRICS, Node, parse_aggregations
from anomalyops_engine.query.buckets import MAX_BUCKETS, Bucketing, Found, compile_bucketing
from anomalyops_engine.query.errors import TooManyBucketsError
from anomalyops_engine.query.filters import Condition
from anomalyops_engine.query.levels import Level
from anomalyops_engine.query.metrics import Metric, compile_metric
from anomalyops_engine.query.rows import Rows
from anomalyops_engine.store import Index, Reader

_Keys = tuple[Any, ...]
_ROOT = Level((), ())


@dataclass(slots=True)
class _Branch:
    """A level of the tree with what the database found for it.

    Attributes:
        level: the bucket aggregation and its ancestors.
        bucketing: the bucket aggregation itself.
        metrics: metrics below it.
        children: bucket aggregations below it.
        found: its buckets by the keys of the parents.
        values: metric values by the keys including its own.
    """

    level: Level
    bucketing: Bucketing
    metrics: tuple[Metric, ...]
    children: tuple[_Branch, ...]
    found: dict[_Keys, list[Found]] = field(default_factory=dict)
    values: dict[_Keys, tuple[Any, ...]] = field(default_factory=dict)


def aggregate(
    reader: Reader,
    targets: Sequence[tuple[Index, Condition]],
    body: dict[str, Any],
    now_ms: int,
    *,
    typed_keys: bool = False,
) -> dict[str, Any]:
    """Return the `aggregations` of a response.

    Args:
        reader: the snapshot of the search.
        targets: indices, each with the condition of the query.
        body: the `aggs` of the request.
        now_ms: the present, epoch milliseconds.
        typed_keys: name aggregations `type#name`.

    Raises:
        QueryError: malformed, not allowed, or not supported; or too many buckets.
    """
    nodes = parse_aggregations(body)
    rows = Rows(targets, now_ms)
    metrics = tuple(compile_metric(node, rows) for node in nodes if node.kind in METRICS)
    branches = tuple(_compile(node, rows, _ROOT) for node in nodes if node.kind not in METRICS)
    totals = _totals(reader, rows, metrics)
    budget = _Budget()
    for branch in branches:
        _run(reader, rows, branch, budget)
    name = _typed_name if typed_keys else _plain_name
    return _object(metrics, totals, branches, (), _Naming(name, [node.name for node in nodes]))


@dataclass(frozen=True, slots=True)
class _Naming:
    """How the aggregations of a bucket are called in the response, and in which order they come.

    Attributes:
        name: gives the key of an aggregation.
        order: names as the request gave them.
    """

    name: Callable[[Metric | Bucketing], str]
    order: Sequence[str]


class _Budget:
    """Counts buckets, and refuses when there are too many."""

    def __init__(self) -> None:
        self.left = MAX_BUCKETS

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise TooManyBucketsError(MAX_BUCKETS)


def _compile(node: Node, rows: Rows, parent: Level) -> _Branch:
    bucketing = compile_bucketing(node, rows)
    metrics = tuple(compile_metric(child, rows) for child in node.metrics)
    level = parent.below(bucketing, metrics)
    return _Branch(level, bucketing, metrics, tuple(_compile(child, rows, level) for child in node.buckets))


def _totals(reader: Reader, rows: Rows, metrics: Sequence[Metric]) -> tuple[Any, ...]:
    """Return the values of the metrics at the root, over all documents."""
    expressions = [expression for metric in metrics for expression in metric.expressions]
    if not expressions:
        return ()
    select = rows.select()
    sql = f"SELECT {', '.join(expressions)} FROM ({select.sql})"  # noqa: S608 (built from checked parts)
    (values,) = reader.connection.execute(sql, list(select.parameters)).fetchall()
    return tuple(values)


def _run(reader: Reader, rows: Rows, branch: _Branch, budget: _Budget) -> None:
    statement = branch.level.grouped(rows)
    depth = len(branch.level.path)
    sql = f"{statement.sql} LIMIT {MAX_BUCKETS + 1}"
    found = reader.connection.execute(sql, list(statement.parameters)).fetchall()
    budget.take(len(found))
    for row in found:
        parents, keys = row[: depth - 1], row[:depth]
        branch.found.setdefault(parents, []).append(Found(row[depth - 1], row[depth], int(row[depth + 1])))
        branch.values[keys] = row[depth + 2 :]
    for child in branch.children:
        _run(reader, rows, child, budget)


def _object(
    metrics: Sequence[Metric],
    values: Sequence[Any],
    branches: Sequence[_Branch],
    keys: _Keys,
    naming: _Naming,
) -> dict[str, Any]:
    """Return the response objects of the aggregations of one bucket, in the order of the request."""
    shown: dict[str, tuple[str, dict[str, Any]]] = {}
    position = 0
    for metric in metrics:
        width = len(metric.expressions)
        part = list(values[position : position + width]) or [None] * width
        position += width
        shown[metric.node.name] = naming.name(metric), _with_meta(metric.node, metric.show(part))
    for branch in branches:
        node = branch.bucketing.node

        def inner(key: Any, branch: _Branch = branch, node: Node = node) -> dict[str, Any]:
            deeper = (*keys, key)
            found = branch.values.get(deeper, ())
            children = [child.name for child in node.children]
            return _object(branch.metrics, found, branch.children, deeper, replace(naming, order=children))

        body = branch.bucketing.render(branch.found.get(keys, []), inner)
        shown[node.name] = naming.name(branch.bucketing), _with_meta(node, body)
    return dict(shown[item] for item in naming.order)


def _with_meta(node: Node, body: dict[str, Any]) -> dict[str, Any]:
    return body if node.meta is None else {"meta": node.meta, **body}


def _plain_name(item: Metric | Bucketing) -> str:
    return item.node.name


def _typed_name(item: Metric | Bucketing) -> str:
    kind = item.typed_name if isinstance(item, Bucketing) else item.node.kind
    return f"{'tdigest_percentiles' if kind == 'percentiles' else kind}#{item.node.name}"
