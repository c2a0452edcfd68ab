"""What a bucket's value would have been without one influencer value's documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from anomalyops_engine.features.extract import Stretch, inputs_of, split_keys
from anomalyops_engine.features.resolving import ResolvedDetector
from anomalyops_engine.query.expr import Aggregate, Case, Column, Expr, Literal, call, one_of

Entity = tuple[int, tuple[str, ...]]
"""A bucket's position and the split values (partition, by, over) of a series or member."""
Parts = dict[str | None, tuple[Any, ...]]
"""Sufficient statistics of the function by influencer value."""


def values_without(
    stretch: Stretch, detector: ResolvedDetector, influencer: str, entities: Iterable[Entity]
) -> dict[Entity, dict[str | None, float]]:
    """The detector's value for each entity, were the documents of one influencer value not there.

    Only the statistics by influencer value are read, and only for the buckets asked for.

    Args:
        stretch: The documents.
        detector: The detector.
        influencer: The influencer field.
        entities: Buckets and split values to look at.

    Returns:
        For each entity with data: the value without each influencer value; NaN when nothing would remain.
    """
    wanted = set(entities)
    if not wanted:
        return {}
    grouped = _grouped(stretch, detector, influencer, sorted({bucket for bucket, _ in wanted}))
    without = _WITHOUT[detector.function.name]
    found: dict[Entity, dict[str | None, float]] = {}
    for entity, parts in _by_entity(grouped):
        if entity in wanted:
            found[entity] = dict(zip(parts, without(list(parts.values())), strict=True))
    return found


def _total(value: Expr) -> Expr:
    return call("coalesce", Aggregate("sum", (value,)), 0)


def _statistics(stretch: Stretch, detector: ResolvedDetector) -> list[Expr]:
    inputs = inputs_of(stretch, detector)
    value, weight = inputs.value, inputs.weight
    if detector.field_name is None:
        return [Aggregate("sum", (weight,))]
    statistics: dict[str, list[Expr]] = {
        "sum": [_total(value)],
        "non_null_sum": [_total(value)],
        "mean": [_total(value * weight), Aggregate("sum", (Case(((value.is_null(), Literal(0)),), weight),))],
        "min": [Aggregate("min", (value,))],
        "max": [Aggregate("max", (value,))],
        "median": [Aggregate("list", (value,), where=value.is_not_null())],
        "varp": [
            Aggregate("count", (value,)),
            call("coalesce", Aggregate("avg", (value,)), 0),
            call("coalesce", Aggregate("var_pop", (value,)), 0),
        ],
        "distinct_count": [Aggregate("count")],
    }
    return statistics[detector.function.name]


def _grouped(stretch: Stretch, detector: ResolvedDetector, influencer: str, buckets: Sequence[int]) -> pa.Table:
    keys, where = split_keys(stretch, detector)
    if detector.field_name:
        where.append(stretch.column(detector.field_name).is_not_null())
    where.append(one_of(Column("bucket"), buckets))
    value = stretch.key(influencer)
    if detector.function.name == "distinct_count" and detector.field_name:
        # A value of the field vanishes with the influencer value only when no other one has it.
        owners = [
            Aggregate("min", (value,)).named("first"),
            Aggregate("max", (value,)).named("last"),
            (Aggregate("count") - Aggregate("count", (value,))).named("bare"),
        ]
        item = stretch.key(detector.field_name).named("item")
        return _exclusive(stretch.group([*keys, item], owners, where), len(keys))
    statistics = [part.named(f"part_{k}") for k, part in enumerate(_statistics(stretch, detector))]
    return stretch.group([*keys, value.named("influencer")], statistics, where)


def _exclusive(table: pa.Table, width: int) -> pa.Table:
    """Count, by influencer value, the items that it alone has; the null influencer holds the shared ones."""
    counts: dict[tuple[object, ...], int] = {}
    names = ["bucket", *(f"key_{k}" for k in range(width))]
    columns = [table.column(name).to_pylist() for name in [*names, "first", "last", "bare"]]
    for *key, first, last, bare in zip(*columns, strict=True):
        owner = first if first == last and not bare else None
        counts[(*key, owner)] = counts.get((*key, owner), 0) + 1
        for other in {first, last} - {owner}:
            counts.setdefault((*key, other), 0)
    rows = list(counts.items())
    data = {name: [key[k] for key, _ in rows] for k, name in enumerate([*names, "influencer"])}
    return pa.table({**data, "part_0": [count for _, count in rows]})


def _by_entity(table: pa.Table) -> Iterator[tuple[Entity, Parts]]:
    width = sum(name.startswith("key_") for name in table.column_names)
    names = ["bucket", *(f"key_{k}" for k in range(width)), "influencer"]
    parts = [name for name in table.column_names if name.startswith("part_")]
    columns = [table.column(name).to_pylist() for name in [*names, *parts]]
    entities: dict[Entity, Parts] = {}
    for row in zip(*columns, strict=True):
        bucket, *key = row[: 1 + width]
        influencer = row[1 + width]
        statistics = row[2 + width :]
        entities.setdefault((bucket, tuple(key)), {})[influencer] = statistics
    # Documents without the influencer field stay as the part of None: it cannot be taken away, but is in the total.
    yield from entities.items()


_List = list[tuple[Any, ...]]


def _totals(parts: _List) -> list[float]:
    numbers = np.array(parts, dtype=np.float64)
    return list(numbers[:, 0].sum() - numbers[:, 0])


def _means(parts: _List) -> list[float]:
    numbers = np.array(parts, dtype=np.float64)
    rest = numbers.sum(axis=0) - numbers
    return [float(total / weight) if weight > 0 else np.nan for total, weight in rest]


def _extreme(pick: Callable[[Iterable[float]], float]) -> Callable[[_List], list[float]]:
    def without(parts: _List) -> list[float]:
        values = [np.nan if part[0] is None else part[0] for part in parts]
        rest = [[v for j, v in enumerate(values) if j != k and not np.isnan(v)] for k in range(len(values))]
        return [pick(others) if others else np.nan for others in rest]

    return without


def _medians(parts: _List) -> list[float]:
    lists = [np.asarray(part[0] if part[0] is not None else [], dtype=np.float64) for part in parts]
    rest = [np.concatenate([*lists[:k], *lists[k + 1 :], np.zeros(0)]) for k in range(len(lists))]
    return [float(np.median(others)) if len(others) else np.nan for others in rest]


def _variances(parts: _List) -> list[float]:
    results = []
    for k in range(len(parts)):
        others = np.array([part for j, part in enumerate(parts) if j != k and part[0]], dtype=np.float64)
        if len(others) == 0:
            results.append(np.nan)
            continue
        n = others[:, 0].sum()
        mean = (others[:, 0] * others[:, 1]).sum() / n
        spread = (others[:, 0] * (others[:, 2] + (others[:, 1] - mean) ** 2)).sum() / n
        results.append(float(spread))
    return results


_WITHOUT: dict[str, Callable[[_List], list[float]]] = {
    "count": _totals,
    "non_zero_count": _totals,
    "sum": _totals,
    "non_null_sum": _totals,
    "distinct_count": _totals,
    "mean": _means,
    "min": _extreme(min),
    "max": _extreme(max),
    "median": _medians,
    "varp": _variances,
}
