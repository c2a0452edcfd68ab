"""Grouping by a chain of bucket aggregations, in SQL.

A level is a bucket aggregation with all of its ancestors. Its rows are the documents, each once for every combination
of keys that it belongs to; keys are columns `k0`, `k1`, ... from the outermost inwards. Where an ancestor keeps only
its best buckets, their keys come from a common table expression, and only documents of those buckets are grouped on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from anomalyops_engine.query.buckets import Bucketing
from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.filters import Condition
from anomalyops_engine.query.metrics import Metric
from anomalyops_engine.query.rows import Rows


@dataclass(frozen=True, slots=True)
class Level:
    """A bucket aggregation under its ancestors.

    Attributes:
        path: bucket aggregations from the outermost to this one.
        metrics: the metrics directly below each of them.
    """

    path: tuple[Bucketing, ...]
    metrics: tuple[tuple[Metric, ...], ...]

    def below(self, bucketing: Bucketing, metrics: Sequence[Metric]) -> Level:
        """Return the level of a bucket aggregation inside this one."""
        return Level((*self.path, bucketing), (*self.metrics, tuple(metrics)))

    def grouped(self, rows: Rows) -> Condition:
        """Return the SELECT of this level's buckets: keys, count, siblings, then the metrics' expressions.

        Buckets come in the order of the response: by parent, and within it as ranked or by key.
        """
        keys = _keys(len(self.path))
        inner = self.groups(rows, len(self.path))
        order = ", ".join([*(f"k{n}" for n in range(len(self.path) - 1)), "place"])
        metric_columns = "".join(f", m{n}" for n in range(self._metric_count(len(self.path))))
        chosen, parameters = self.selections(rows, len(self.path) - 1)
        sql = f"{chosen}SELECT {keys}, n, siblings{metric_columns} FROM ({inner.sql}) ORDER BY {order}"  # noqa: S608
        return Condition(sql, parameters + inner.parameters)

    def groups(self, rows: Rows, depth: int) -> Condition:
        """Return the SELECT of the kept buckets of the first `depth` aggregations."""
        bucketing = self.path[depth - 1]
        keys = _keys(depth)
        parents = _keys(depth - 1)
        partition = f"PARTITION BY {parents}" if parents else ""
        expressions = [expression for metric in self.metrics[depth - 1] for expression in metric.expressions]
        metrics = "".join(f", {expression} AS m{number}" for number, expression in enumerate(expressions))
        documents = self._documents(rows, depth)
        grouped = f"SELECT {keys}, count(*) AS n{metrics} FROM ({documents.sql}) GROUP BY {keys}"  # noqa: S608
        order = _order_sql(bucketing, self.metrics[depth - 1], depth)
        keep = ""
        if bucketing.ranking is not None:
            keep = f" QUALIFY place <= {bucketing.ranking.size} AND n >= {bucketing.ranking.minimum}"
        sql = (
            f"SELECT *, sum(n) OVER ({partition}) AS siblings, "  # noqa: S608 (built from checked parts)
            f"row_number() OVER ({partition} ORDER BY {order}) AS place FROM ({grouped}){keep}"
        )
        return Condition(sql, documents.parameters)

    def _documents(self, rows: Rows, depth: int) -> Condition:
        """Return the SELECT of the documents with the keys of the first `depth` aggregations."""
        documents = rows.select()
        sql = documents.sql
        for number, bucketing in enumerate(self.path[:depth]):
            key = f"unnest({bucketing.key})" if bucketing.is_list else bucketing.key
            sql = f"SELECT * FROM (SELECT *, {key} AS k{number} FROM ({sql})) WHERE k{number} IS NOT NULL"  # noqa: S608
            if bucketing.ranking is not None and number < depth - 1:
                keys = _keys(number + 1)
                sql += f" AND ({keys}) IN (SELECT ({keys}) FROM kept{number})"  # noqa: S608
        return Condition(sql, documents.parameters)

    def selections(self, rows: Rows, depth: int) -> tuple[str, tuple[Any, ...]]:
        """Return the WITH clause that names the kept keys of ranked ancestors, with its parameters."""
        parts: list[str] = []
        parameters: tuple[Any, ...] = ()
        for number, bucketing in enumerate(self.path[:depth]):
            if bucketing.ranking is None:
                continue
            groups = self.groups(rows, number + 1)
            parts.append(f"kept{number} AS MATERIALIZED (SELECT {_keys(number + 1)} FROM ({groups.sql}))")  # noqa: S608
            parameters += groups.parameters
        return (f"WITH {', '.join(parts)} " if parts else ""), parameters

    def _metric_count(self, depth: int) -> int:
        return sum(len(metric.expressions) for metric in self.metrics[depth - 1])


def _keys(depth: int) -> str:
    return ", ".join(f"k{number}" for number in range(depth))


def _order_sql(bucketing: Bucketing, metrics: Sequence[Metric], depth: int) -> str:
    own = f"k{depth - 1}"
    ranking = bucketing.ranking
    if ranking is None:
        return own
    return ", ".join(
        _order_term(what, "DESC" if descending else "ASC", bucketing, metrics, own)
        for what, descending in ranking.order
    )


def _order_term(what: str, direction: str, bucketing: Bucketing, metrics: Sequence[Metric], own: str) -> str:
    if what in {"_key", "_term"}:
        return f"{own} {direction}"
    if what == "_count":
        return f"n {direction}"
    name, _, part = what.partition(".")
    position = 0
    for metric in metrics:
        if metric.node.name == name:
            if part not in metric.orders:
                break
            return f"m{position + metric.orders[part]} {direction} NULLS LAST"
        position += len(metric.expressions)
    raise IllegalQueryError(
        f"Invalid aggregation order path [{what}] in [{bucketing.node.name}]: it must be [_count], [_key] or a "
        "single-value metric among its own sub-aggregations"
    )
