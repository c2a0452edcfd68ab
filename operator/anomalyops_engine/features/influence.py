"""What a bucket's value would have been without one influencer value's documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from anomalyops_engine.features.extract import Stretch, inputs_of, split_keys
from anomalyops_engine.features.resolving import ResolvedDetector
from anomalyops_engine.query.expr import Aggregate, Column, one_of

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
    without = detector.measure.without
    found: dict[Entity, dict[str | None, float]] = {}
    for entity, parts in _by_entity(grouped):
        if entity in wanted:
            found[entity] = dict(zip(parts, without(list(parts.values())), strict=True))
    return found


def _grouped(stretch: Stretch, detector: ResolvedDetector, influencer: str, buckets: Sequence[int]) -> pa.Table:
    keys, where = split_keys(stretch, detector)
    if detector.field_name:
        where.append(stretch.item(detector.field_name).is_not_null())
    where.append(one_of(Column("bucket"), buckets))
    value = stretch.key(influencer)
    if detector.measure.by_item and detector.field_name:
        # A value of the field vanishes with the influencer value only when no other one has it.
        owners = [
            Aggregate("min", (value,)).named("first"),
            Aggregate("max", (value,)).named("last"),
            (Aggregate("count") - Aggregate("count", (value,))).named("bare"),
        ]
        item = inputs_of(stretch, detector).key.named("item")
        found = stretch.group([*keys, item], owners, where, each=detector.field_name)
        return _exclusive(found, len(keys))
    statistics = [
        part.named(f"part_{k}") for k, part in enumerate(detector.measure.statistics(inputs_of(stretch, detector)))
    ]
    return stretch.group([*keys, value.named("influencer")], statistics, where, each=detector.field_name)


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
