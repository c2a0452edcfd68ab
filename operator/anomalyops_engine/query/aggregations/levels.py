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
    Join,
    Literal,
    Member,
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
    any_of,
    call,
)


@dataclass(frozen=True, slots=True)
class Level:
    """A bucket aggregation under its ancestors.

    Attributes:
        path: bucket aggregations from the outermost to this one.
        metrics: the metrics directly below each of them.
        within: which keys of the first ancestors are wanted at all, None for those that are kept.
        within_depth: how many ancestors that is about.
    """

    path: tuple[Bucketing, ...]
    metrics: tuple[tuple[Metric, ...], ...]
    within: Expr | None = None
    within_depth: int = 0

    def below(self, bucketing: Bucketing, metrics: Sequence[Metric]) -> Level:
        """Return the level of a bucket aggregation inside this one."""
        return Level((*self.path, bucketing), (*self.metrics, tuple(metrics)))

    def grouped(self, rows: Rows, limit: int, carried: int = 0) -> Relation:
        """Return buckets, at most `limit`: how many keys are lacking, keys, count, siblings, then metrics' aggregates.

        Those of this level come in the order of the response: by parent, and within it as ranked or by key.

        Args:
            rows: the documents.
            limit: most buckets.
            carried: how many levels above this one are counted in the same pass. In their buckets the keys of the
                levels below are lacking. Metrics are those of this level, then of the carried ones inwards.
        """
        depth = len(self.path)
        shown = [Column("n"), Column("siblings"), *self._metric_columns(depth, carried)]
        order = [*(Order(column) for column in _keys(depth - 1)), *self._order(depth)]
        buckets = Select(
            (_lacking(carried).named("lacking"), *_same([*_keys(depth), *shown])),
            self.groups(rows, depth, carried),
            order=tuple(order),
            limit=limit,
        )
        return self.with_selections(rows, depth - 1, buckets)

    def groups(self, rows: Rows, depth: int, carried: int = 0) -> Relation:
        """Return the kept buckets of the first `depth` aggregations; ranked ancestors are read by name.

        The columns are the keys, `n`, `siblings` and the metrics' aggregates; see `grouped` for `carried`.
        """
        ranking = self.path[depth - 1].ranking
        counted = self._counted(rows, depth, carried)
        if ranking is None:
            return Select((Star(), Column("n").named("siblings")), counted)
        kept = [Column("n") >= ranking.minimum] if ranking.minimum > 1 else []
        if ranking.maximum is not None:
            kept.append(Column("n") <= ranking.maximum)
        order = self._order(depth)
        if depth == 1:
            return _first(counted, all_of(kept), order, ranking.size)
        group = (*([Column("lacking")] if carried else []), *_keys(depth - 1))
        siblings = Window("sum", (Column("n"),), group).named("siblings")
        # What is not kept comes behind everything that is.
        ahead = tuple(Order(condition, descending=True) for condition in kept)
        place = Window("row_number", (), group, (*ahead, *order)).named("place")
        keep = all_of([Column("place") <= ranking.size, *kept])
        above = [Column("lacking") > 0] if carried else []
        return Select((Star(), siblings, place), counted, qualify=any_of([*above, keep]))

    def _counted(self, rows: Rows, depth: int, carried: int) -> Relation:
        """Return all buckets of the first `depth` aggregations, with `lacking` where there are carried ones."""
        keys = _keys(depth)
        levels = (depth - 1, *range(depth - 1 - carried, depth - 1))
        metrics = [metric for level in levels for metric in self.metrics[level]]
        aggregates = [aggregate for metric in metrics for aggregate in metric.expressions]
        sets = tuple(keys[: depth - fewer] for fewer in range(carried + 1))
        # A bit for each key that a set is without, of which those of the innermost levels are the lowest.
        lacking = [Aggregate("grouping", keys[depth - carried :]).named("lacking")] if carried else []
        counted = Select(
            (
                *_same(keys),
                *lacking,
                Aggregate("count").named("n"),
                *(aggregate.named(f"m{number}") for number, aggregate in enumerate(aggregates)),
            ),
            self._documents(rows, depth),
            group=keys,
            sets=sets if carried else (),
        )
        # Groups without a key are left out after counting: that costs nothing for each document.
        whole = []
        for number, bucketing in enumerate(self.path[:depth]):
            if not bucketing.keeps_missing:
                below = depth - 1 - number
                without = [Column("lacking") >= 2**below] if below < carried else []
                whole.append(any_of([keys[number].is_not_null(), *without]))
        return Select(source=counted, where=all_of(whole))

    def _order(self, depth: int) -> tuple[Order, ...]:
        return _order(self.path[depth - 1], self.metrics[depth - 1], depth)

    def _documents(self, rows: Rows, depth: int) -> Relation:
        """Return the documents with the keys of the first `depth` aggregations."""
        documents = rows.relation()
        for number, bucketing in enumerate(self.path[:depth]):
            key = Column(f"k{number}")
            value = call("unnest", bucketing.key) if bucketing.is_list else bucketing.key
            conditions: list[Expr] = []
            if self._reads_kept(number) and number < depth - 1:
                keys = _keys(number + 1)
                kept = Select((Row(keys).named("kept"),), Table(_kept(number)))
                conditions.append(InQuery(keys, kept))
            if self.within is not None and number == self.within_depth - 1:
                conditions.append(self.within)
            keyed = Select((Star(), value.named(key.name)), documents)
            documents = Select(source=keyed, where=all_of(conditions)) if conditions else keyed
        return documents

    def _reads_kept(self, number: int) -> bool:
        """Return whether the kept keys of an ancestor have to be found; `within` says what they are."""
        return self.path[number].ranking is not None and number >= self.within_depth

    def with_selections(self, rows: Rows, depth: int, body: Relation) -> Relation:
        """Return a relation with the kept keys of the ranked ones of the first `depth` aggregations named."""
        bindings = tuple(
            (_kept(number), Select(_same(_keys(number + 1)), self.groups(rows, number + 1)))
            for number in range(depth)
            if self._reads_kept(number)
        )
        return With(bindings, body) if bindings else body

    def _metric_columns(self, depth: int, carried: int) -> list[Column]:
        metrics = [metric for level in self.metrics[depth - 1 - carried : depth] for metric in level]
        return [Column(f"m{n}") for n in range(sum(len(metric.expressions) for metric in metrics))]


def _first(counted: Relation, kept: Expr, order: tuple[Order, ...], size: int) -> Relation:
    """Return the first buckets of those without a parent, each with the documents of all of them as `siblings`."""
    cells, total = Table("cells"), Aggregate("sum", (Column("n"),)).named("siblings")
    joined = Join((Member("cell", cells), Member("total", Select((total,), cells))))
    return With((("cells", counted),), Select(source=joined, where=kept, order=order, limit=size))


def _lacking(carried: int) -> Expr:
    return Column("lacking") if carried else Literal(0)


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
