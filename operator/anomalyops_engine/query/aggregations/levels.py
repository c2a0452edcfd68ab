"""Grouping by a chain of bucket aggregations, in the database.

A level is a bucket aggregation with all of its ancestors. Its rows are the documents, each once for every combination
of keys that it belongs to; keys are columns `k0`, `k1`, ... from the outermost inwards. Where an ancestor keeps only
its best buckets, their keys come from a common table expression, and only documents of those buckets are grouped on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anomalyops_engine.query.aggregations.aggregation import Bucketing, Metric
from anomalyops_engine.query.aggregations.rows import Rows
from anomalyops_engine.query.errors import InvalidOrderError
from anomalyops_engine.query.expr import (
    Aggregate,
    Column,
    Expr,
    InQuery,
    Named,
    Order,
    Relation,
    Row,
    Select,
    Star,
    Table,
    Window,
    With,
    all_of,
    call,
)


@dataclass(frozen=True, slots=True)
class Level:
    """A bucket aggregation under its ancestors.

    Attributes:
        path: bucket aggregations from the outermost to this one.
        metrics: the metrics directly below each of them.
        within: which keys of the first ancestors are wanted at all, None for all of them.
        within_depth: how many ancestors that is about.
    """

    path: tuple[Bucketing, ...]
    metrics: tuple[tuple[Metric, ...], ...]
    within: Expr | None = None
    within_depth: int = 0

    def below(self, bucketing: Bucketing, metrics: Sequence[Metric]) -> Level:
        """Return the level of a bucket aggregation inside this one."""
        return Level((*self.path, bucketing), (*self.metrics, tuple(metrics)))

    def grouped(self, rows: Rows, limit: int) -> Relation:
        """Return this level's buckets, at most `limit`: keys, count, siblings, then the metrics' aggregates.

        Buckets come in the order of the response: by parent, and within it as ranked or by key.
        """
        depth = len(self.path)
        shown = [*_keys(depth), Column("n"), Column("siblings"), *self._metric_columns(depth)]
        order = [Order(column) for column in (*_keys(depth - 1), Column("place"))]
        buckets = Select(
            tuple(column.named(column.name) for column in shown),
            self.groups(rows, depth),
            order=tuple(order),
            limit=limit,
        )
        return self.with_selections(rows, depth - 1, buckets)

    def groups(self, rows: Rows, depth: int) -> Relation:
        """Return the kept buckets of the first `depth` aggregations; ranked ancestors are read by name."""
        bucketing, metrics = self.path[depth - 1], self.metrics[depth - 1]
        keys, parents = _keys(depth), _keys(depth - 1)
        aggregates = [aggregate for metric in metrics for aggregate in metric.expressions]
        counted = Select(
            (
                *_same(keys),
                Aggregate("count").named("n"),
                *(aggregate.named(f"m{number}") for number, aggregate in enumerate(aggregates)),
            ),
            self._documents(rows, depth),
            group=keys,
        )
        siblings = Window("sum", (Column("n"),), parents).named("siblings")
        place = Window("row_number", (), parents, _order(bucketing, metrics, depth)).named("place")
        keep = None
        if bucketing.ranking is not None:
            bounds = [Column("place") <= bucketing.ranking.size, Column("n") >= bucketing.ranking.minimum]
            if bucketing.ranking.maximum is not None:
                bounds.append(Column("n") <= bucketing.ranking.maximum)
            keep = all_of(bounds)
        return Select((Star(), siblings, place), counted, qualify=keep)

    def _documents(self, rows: Rows, depth: int) -> Relation:
        """Return the documents with the keys of the first `depth` aggregations."""
        documents = rows.relation()
        for number, bucketing in enumerate(self.path[:depth]):
            key = Column(f"k{number}")
            value = call("unnest", bucketing.key) if bucketing.is_list else bucketing.key
            conditions = [] if bucketing.keeps_missing else [key.is_not_null()]
            if bucketing.ranking is not None and number < depth - 1:
                keys = _keys(number + 1)
                kept = Select((Row(keys).named("kept"),), Table(_kept(number)))
                conditions.append(InQuery(keys, kept))
            if self.within is not None and number == self.within_depth - 1:
                conditions.append(self.within)
            keyed = Select((Star(), value.named(key.name)), documents)
            documents = Select(source=keyed, where=all_of(conditions))
        return documents

    def with_selections(self, rows: Rows, depth: int, body: Relation) -> Relation:
        """Return a relation with the kept keys of the ranked ones of the first `depth` aggregations named."""
        bindings = tuple(
            (_kept(number), Select(_same(_keys(number + 1)), self.groups(rows, number + 1)))
            for number, bucketing in enumerate(self.path[:depth])
            if bucketing.ranking is not None
        )
        return With(bindings, body) if bindings else body

    def _metric_columns(self, depth: int) -> list[Column]:
        return [Column(f"m{n}") for n in range(sum(len(metric.expressions) for metric in self.metrics[depth - 1]))]


def _keys(depth: int) -> tuple[Column, ...]:
    return tuple(Column(f"k{number}") for number in range(depth))


def _same(columns: Sequence[Column]) -> tuple[Named, ...]:
    return tuple(column.named(column.name) for column in columns)


def _kept(number: int) -> str:
    return f"kept{number}"


def _order(bucketing: Bucketing, metrics: Sequence[Metric], depth: int) -> tuple[Order, ...]:
    own = Column(f"k{depth - 1}")
    if bucketing.ranking is None:
        return (Order(own),)
    return tuple(
        Order(_ordered_by(what, bucketing, metrics, own), descending) for what, descending in bucketing.ranking.order
    )


def _ordered_by(what: str, bucketing: Bucketing, metrics: Sequence[Metric], own: Expr) -> Expr:
    if what == "_key":
        return own
    if what == "_count":
        return Column("n")
    name, _, part = what.partition(".")
    position = 0
    for metric in metrics:
        if metric.name == name:
            if part not in metric.orders:
                break
            return Column(f"m{position + metric.orders[part]}")
        position += len(metric.expressions)
    raise InvalidOrderError(
        f"Invalid aggregation order path [{what}] in [{bucketing.name}]. The provided aggregation [{name}] either does "
        "not exist, or is a pipeline aggregation and cannot be used to sort the buckets: it must be [_count], [_key] "
        "or a single-value metric among its own sub-aggregations"
    )
