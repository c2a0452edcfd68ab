"""Aggregations of a search: a pass over the documents for each way down the tree, put together as the response shows.

A level that keeps all its buckets is counted in the pass of one inside it; below a level that ranks them, only
documents of those that it keeps are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from anomalyops_engine.query import sql
from anomalyops_engine.query.aggregations.aggregation import (
    Bucketing,
    Found,
    Metric,
    MetricAggregation,
)
from anomalyops_engine.query.aggregations.auto_date_histogram import AutoDateHistogram
from anomalyops_engine.query.aggregations.composite import Composite
from anomalyops_engine.query.aggregations.composite_pages import Page, page_of
from anomalyops_engine.query.aggregations.levels import Level
from anomalyops_engine.query.aggregations.parents import (
    PARENT_PIPELINES,
    BucketSort,
    ParentPipeline,
    check_parent,
    in_order,
    paths_of,
    typed_name,
    with_figures,
)
from anomalyops_engine.query.aggregations.rows import Rows
from anomalyops_engine.query.aggregations.siblings import SiblingPipeline, Step, find_step
from anomalyops_engine.query.aggregations.top_hits import Finder
from anomalyops_engine.query.aggregations.tree import Node, bucket_aggregation, compile_metrics
from anomalyops_engine.query.errors import IllegalQueryError, TooManyBucketsError, UnsupportedQueryError
from anomalyops_engine.query.expr import (
    Aggregate,
    Binary,
    Cast,
    Column,
    Expr,
    InQuery,
    Literal,
    Relation,
    Row,
    Select,
    call,
    one_of,
)
from anomalyops_engine.query.limits import limits
from anomalyops_engine.store import Index, Reader

_Keys = tuple[Any, ...]
_Name = Callable[[Metric | Bucketing], str]
_ROOT = Level((), ())


@dataclass(frozen=True, slots=True)
class _Group:
    """Aggregations side by side: at the root of the request, or inside one bucket aggregation.

    Attributes:
        metrics: those that are numbers.
        branches: those that make buckets.
        nodes: all, as the request gave them.
        pipelines: those that are made of the buckets around them, in the order in which they are.
    """

    metrics: tuple[Metric, ...]
    branches: tuple[_Branch, ...]
    nodes: tuple[Node, ...]
    pipelines: dict[str, ParentPipeline] = field(default_factory=dict)


@dataclass(slots=True)
class _Branch:
    """A level of the tree with what the database found for it.

    Attributes:
        level: the bucket aggregation and its ancestors.
        bucketing: the bucket aggregation itself.
        inner: what is inside each of its buckets.
        found: its buckets by the keys of the parents.
        values: metric values by the keys including its own.
        page: the composite aggregation that it is, with a key for each source; None for any other.
    """

    level: Level
    bucketing: Bucketing
    inner: _Group
    found: dict[_Keys, list[Found]] = field(default_factory=dict)
    values: dict[_Keys, tuple[Any, ...]] = field(default_factory=dict)
    page: Page | None = None


def aggregate(
    reader: Reader,
    targets: Sequence[tuple[Index, Expr]],
    aggregations: tuple[Node, ...],
    now_ms: int,
    *,
    typed_keys: bool = False,
    finder: Finder | None = None,
) -> dict[str, Any]:
    """Return the `aggregations` of a response.

    Args:
        reader: the snapshot of the search.
        targets: indices, each with the condition of the query.
        aggregations: those of the request.
        now_ms: the present, epoch milliseconds.
        typed_keys: name aggregations `type#name`.
        finder: knows the documents of the search as hits.

    Raises:
        QueryError: not allowed for a field, or not supported; or too many buckets.
    """

    def ask(relation: Relation) -> list[tuple[Any, ...]]:
        return sql.fetch(reader.connection, relation)

    rows = Rows(targets, now_ms, finder=finder, ask=ask)
    root = _compile(aggregations, rows, _ROOT)
    totals = _totals(reader, rows, root.metrics)
    budget = _Budget()
    for branch in root.branches:
        _run(reader, rows, branch, budget)
    _note(root, [totals])
    return _object(root, totals, (), _typed_name if typed_keys else _plain_name)


class _Budget:
    """Counts buckets, and refuses when there are too many."""

    def __init__(self) -> None:
        self.limit = self.left = limits().buckets

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise TooManyBucketsError(self.limit)


def _compile(nodes: tuple[Node, ...], rows: Rows, parent: Level, metrics: tuple[Metric, ...] | None = None) -> _Group:
    """Return aggregations side by side below a level, whose metrics may be compiled already."""
    if metrics is None:
        metrics = compile_metrics(nodes, rows)
    branches = []
    for node in nodes:
        if isinstance(node.aggregation, Composite):
            branches.append(_compile_page(node, node.aggregation, rows, parent))
        elif not isinstance(node.aggregation, (MetricAggregation, SiblingPipeline, *PARENT_PIPELINES)):
            if isinstance(node.aggregation, AutoDateHistogram) and parent is not _ROOT:
                raise UnsupportedQueryError(
                    f"[auto_date_histogram] of [{node.name}] inside another aggregation is not supported by this engine"
                )
            bucketing = bucket_aggregation(node).compile(node.name, rows)
            inner = compile_metrics(node.children, rows)
            level = parent.below(bucketing, inner)
            branches.append(_Branch(level, bucketing, _compile(node.children, rows, level, inner)))
    group = _Group(metrics, tuple(branches), nodes, _pipelines(nodes, parent))
    for name, pipeline in group.pipelines.items():
        for path in paths_of(pipeline):
            if path != "_count" and find_step(_steps(group), path) is None:
                raise IllegalQueryError(f"No aggregation found for path [{path}] of [{name}]")
    for node in nodes:
        if isinstance(node.aggregation, SiblingPipeline):
            node.aggregation.check(node.name, _steps(group))
    return group


def _pipelines(nodes: tuple[Node, ...], parent: Level) -> dict[str, ParentPipeline]:
    """Return those of aggregations side by side that are made of the buckets around them.

    Raises:
        QueryError: they stand in buckets that they cannot work on, or read each other.
    """
    found = {}
    around = parent.path[-1].typed_name if parent.path else None
    for node in nodes:
        if isinstance(node.aggregation, PARENT_PIPELINES):
            check_parent(node.name, node.kind, node.aggregation, around)
            found[node.name] = node.aggregation
    return in_order(found)


_ONE_BUCKET = frozenset({"filter", "missing"})


def _steps(group: _Group) -> tuple[Step, ...]:
    """Return aggregations side by side as paths go over them."""
    kinds = {node.name: node.kind for node in group.nodes}
    metrics = [
        Step(metric.name, metric.typed_name, is_metric=True, is_single="value" in metric.orders)
        for metric in group.metrics
    ]
    branches = [
        Step(
            branch.bucketing.name,
            _class_of(branch.bucketing.typed_name),
            is_metric=False,
            is_single=kinds[branch.bucketing.name] in _ONE_BUCKET,
            inside=_steps(branch.inner),
        )
        for branch in group.branches
    ]
    made = [
        Step(name, "InternalSimpleValue", is_metric=True, is_single=True)
        for name, pipeline in group.pipelines.items()
        if not isinstance(pipeline, BucketSort)
    ]
    return (*metrics, *branches, *made)


def _class_of(typed_name: str) -> str:
    """Return what Elasticsearch's messages call the results of a type."""
    named = {"lterms": "LongTerms", "sterms": "StringTerms", "dterms": "DoubleTerms", "umterms": "UnmappedTerms"}
    whole = "".join(word.capitalize() for word in typed_name.split("_"))
    return named.get(typed_name, f"Internal{whole}")


def _compile_page(node: Node, composite: Composite, rows: Rows, parent: Level) -> _Branch:
    """Return a composite aggregation: a level for each of its sources, of which the last has what is inside.

    Raises:
        QueryError: it stands in another aggregation, or is not allowed for a field.
    """
    if parent is not _ROOT:
        raise IllegalQueryError("[composite] aggregation cannot be used with a parent aggregation")
    page = page_of(composite, node.name, rows)
    inner = compile_metrics(node.children, rows)
    level = parent
    for bucketing in page.bucketings[:-1]:
        level = level.below(bucketing, ())
    level = level.below(page.bucketings[-1], inner)
    whole = replace(page.bucketings[-1], name=node.name, render=page.render)
    return _Branch(level, whole, _compile(node.children, rows, level, inner), page=page)


def _totals(reader: Reader, rows: Rows, metrics: Sequence[Metric]) -> tuple[Any, ...]:
    """Return the values of the metrics at the root, over all documents."""
    expressions = [expression for metric in metrics for expression in metric.expressions]
    if not expressions:
        return ()
    totals = Select(tuple(e.named(f"m{number}") for number, e in enumerate(expressions)), rows.relation())
    (values,) = sql.fetch(reader.connection, totals)
    return values


def _run(reader: Reader, rows: Rows, branch: _Branch, budget: _Budget, carried: tuple[_Branch, ...] = ()) -> None:
    """Find the buckets of a branch and of those inside it.

    Args:
        reader: the snapshot.
        rows: the documents.
        branch: which.
        budget: what may be found yet.
        carried: the branches around it whose buckets are to be found in the same pass.
    """
    depth = len(branch.level.path)
    if branch.page is not None:
        for row in sql.fetch(reader.connection, branch.page.grouped(branch.level, rows)):
            branch.found.setdefault((), []).append(Found(row[:depth], row[depth], int(row[depth + 1])))
            branch.values[row[:depth]] = row[depth + 2 :]
        budget.take(len(branch.values))
        for last in [*branch.values][-1:]:
            for child in branch.inner.branches:
                _narrow(child, branch.page.up_to(last), depth)
                _run(reader, rows, child, budget)
        return
    heir = None if branch.bucketing.ranking is not None else _heir(branch)
    if heir is not None:
        _run(reader, rows, heir, budget, (*carried, branch))
    else:
        _count(reader, rows, (*carried, branch), budget)
    if branch.bucketing.ranking is not None and branch.inner.branches:
        if not branch.values:
            return
        for child in branch.inner.branches:
            _narrow(child, _among(list(branch.values)), depth)
    for child in branch.inner.branches:
        if child is not heir:
            _run(reader, rows, child, budget)


def _heir(branch: _Branch) -> _Branch | None:
    """Return a branch inside of one that keeps all its buckets, in whose pass over the documents these are counted too.

    Both then have the metrics of both, so that only those will do that cost little.
    """
    if not _is_light(branch.level.metrics[-1]):
        return None
    inner = (child for child in branch.inner.branches if not child.bucketing.is_list)
    return next((child for child in inner if _is_light(child.level.metrics[-1])), None)


_LIGHT = frozenset({"avg", "count", "fsum", "max", "min", "sum"})


def _is_light(metrics: Sequence[Metric]) -> bool:
    """Return whether metrics are numbers that are carried along, and no collections of values."""
    return all(_is_carried(expression) for metric in metrics for expression in metric.expressions)


def _is_carried(expression: Expr) -> bool:
    if isinstance(expression, Cast):
        return _is_carried(expression.operand)
    if isinstance(expression, Binary):
        return _is_carried(expression.left) and _is_carried(expression.right)
    return isinstance(expression, Aggregate) and expression.function in _LIGHT and not expression.distinct


def _count(reader: Reader, rows: Rows, line: Sequence[_Branch], budget: _Budget) -> None:
    """Find the buckets of branches of which each lies in the one before, in one pass over the documents."""
    *carried, last = line
    depth = len(last.level.path)
    found = sql.fetch(reader.connection, last.level.grouped(rows, budget.limit + 1, len(carried)))
    budget.take(len(found))
    # The innermost branch lacks no key and has its metrics first.
    position = depth + 3
    places: list[tuple[_Branch, int, slice]] = []
    for branch in (last, *carried):
        width = sum(len(metric.expressions) for metric in branch.level.metrics[-1])
        places.append((branch, len(branch.level.path), slice(position, position + width)))
        position += width
    by_lacking = {2 ** (depth - keys) - 1: (branch, keys, metrics) for branch, keys, metrics in places}
    for row in found:
        branch, keys, metrics = by_lacking[row[0]]
        own = row[1 : keys + 1]
        branch.found.setdefault(own[:-1], []).append(Found(own[-1], row[depth + 1], int(row[depth + 2])))
        branch.values[own] = row[metrics]


def _among(kept: Sequence[_Keys]) -> Expr:
    """Return that the first keys of a document are among known ones."""
    keys = [Column(f"k{number}") for number in range(len(kept[0]))]
    if len(keys) == 1:
        return one_of(keys[0], [values[0] for values in kept])
    lists = (Literal(tuple(values)) for values in zip(*kept, strict=True))
    listed = Select(tuple(call("unnest", each).named(key.name) for key, each in zip(keys, lists, strict=True)))
    return InQuery((Row(tuple(keys)),), Select((Row(tuple(keys)).named("kept"),), listed))


def _narrow(branch: _Branch, within: Expr, depth: int) -> None:
    """Let a branch look at documents with some keys of its first `depth` ancestors only."""
    branch.level = replace(branch.level, within=within, within_depth=depth)
    for child in branch.inner.branches:
        _narrow(child, within, depth)


def _object(group: _Group, values: Sequence[Any], keys: _Keys, name: _Name) -> dict[str, Any]:
    """Return the response objects of the aggregations of one bucket, in the order of the request."""
    shown: dict[str, tuple[str, dict[str, Any]]] = {}
    position = 0
    for metric in group.metrics:
        width = len(metric.expressions)
        part = values[position : position + width] or [None] * width
        position += width
        shown[metric.name] = name(metric), metric.show(part)
    for branch in group.branches:

        def inner(key: Any, branch: _Branch = branch) -> dict[str, Any]:
            deeper = (*keys, key) if branch.page is None else tuple(key)
            return _object(branch.inner, branch.values.get(deeper, ()), deeper, name)

        body = branch.bucketing.render(branch.found.get(keys, []), inner)
        if branch.inner.pipelines:
            pipelines = branch.inner.pipelines
            shown_as = {each: f"{typed_name(pipeline)}#{each}" for each, pipeline in pipelines.items()}
            with_figures(body, pipelines, shown_as if name is _typed_name else {each: each for each in pipelines})
        shown[branch.bucketing.name] = name(branch.bucketing), body
    beside = {each: body for each, (_, body) in shown.items()}
    for node in group.nodes:
        if isinstance(node.aggregation, SiblingPipeline):
            typed = node.name if name is _plain_name else f"{node.aggregation.TYPED_NAME}#{node.name}"
            shown[node.name] = typed, node.aggregation.of(beside)
    answer: dict[str, Any] = {}
    for node in group.nodes:
        if node.name in group.pipelines:
            continue
        key, body = shown[node.name]
        answer[key] = body if node.meta is None else {"meta": node.meta, **body}
    return answer


def _note(group: _Group, buckets: Iterable[Sequence[Any]]) -> None:
    """Tell the metrics of a group, and of those inside it, what will be shown of them."""
    position, noted = 0, []
    for metric in group.metrics:
        width = len(metric.expressions)
        if metric.note is not None:
            noted.append((metric.note, slice(position, position + width)))
        position += width
    for values in buckets if noted else ():
        for note, part in noted:
            note(values[part])
    for branch in group.branches:
        _note(branch.inner, branch.values.values())


def _plain_name(item: Metric | Bucketing) -> str:
    return item.name


def _typed_name(item: Metric | Bucketing) -> str:
    return f"{item.typed_name}#{item.name}"
