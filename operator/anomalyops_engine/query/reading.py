"""What is read of documents as they are: rows, their extent, and counts and maxima of stretches of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from anomalyops_engine.query import sql
from anomalyops_engine.query.expr import Aggregate, Cast, Column, Expr, Order, Select, call
from anomalyops_engine.query.relation import Documents
from anomalyops_engine.store import Reader


@dataclass(frozen=True, slots=True)
class Extent:
    """The documents of a stretch of time: how many, and the times of the first and the last (epoch ms)."""

    count: int
    earliest_ms: int
    latest_ms: int


def read_rows(
    reader: Reader, documents: Documents, *, ordered_by: str | None = None, limit: int | None = None
) -> list[dict[str, Any]]:
    """Return documents as values by field, in the order of a field.

    Args:
        reader: the snapshot of the documents.
        documents: what to read.
        ordered_by: smallest first by this field, None for no order.
        limit: most rows, None for all.
    """
    order = () if ordered_by is None else (Order(documents.column(ordered_by)),)
    columns = tuple(Column(column).named(column) for column in documents.columns.values())
    rows = sql.fetch(reader.connection, Select(columns, documents.relation, order=order, limit=limit))
    return [dict(zip(documents.columns, row, strict=True)) for row in rows]


def extent(reader: Reader, documents: Documents, time_field: str) -> Extent | None:
    """Return the extent of documents, or None when there are none."""
    time = documents.column(time_field)
    figures = (
        Aggregate("count").named("count"),
        Aggregate("min", (time,)).named("earliest"),
        Aggregate("max", (time,)).named("latest"),
    )
    ((count, earliest, latest),) = sql.fetch(reader.connection, Select(figures, documents.relation))
    return Extent(int(count), int(earliest), int(latest)) if count else None


def event_counts(
    reader: Reader, documents: Documents, time_field: str, span_ms: int, *, weight_field: str | None
) -> dict[int, int]:
    """Return the number of events in each stretch of `span_ms` that has some, by its start.

    Args:
        reader: the snapshot of the documents.
        documents: what to count.
        time_field: their time, epoch milliseconds.
        span_ms: length of a stretch; stretches begin at multiples of it.
        weight_field: how many events a document stands for, None for one.
    """
    events: Expr = Aggregate("count")
    if weight_field is not None:
        weight = Cast(documents.column(weight_field), "BIGINT", lenient=True)
        events = call("coalesce", Aggregate("sum", (weight,)), 0)
    return {start: int(count) for start, count in _by_stretch(reader, documents, time_field, span_ms, events)}


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest value of a stretch of time among the documents of one key, and whether any of them is flagged."""

    key: str
    start_ms: int
    value: float
    flagged: bool


def peaks(
    reader: Reader, documents: Documents, *, key: str, value: str, flag: str, time_field: str, span_ms: int
) -> list[Peak]:
    """Return the peaks of every key in each stretch of `span_ms` that has documents of it, by start and key.

    Args:
        reader: the snapshot of the documents.
        documents: what to look at.
        key: the field that tells documents apart.
        value: a field of numbers; a document without it counts 0.
        flag: a field that is true on flagged documents.
        time_field: their time, epoch milliseconds.
        span_ms: length of a stretch; stretches begin at multiples of it.
    """
    start = documents.column(time_field) // span_ms * span_ms
    flagged = Aggregate("bool_or", (Cast(documents.column(flag), "BOOLEAN"),))
    figures = (
        documents.column(key).named("key"),
        start.named("start"),
        Aggregate("max", (documents.column(value),)).named("value"),
        flagged.named("flagged"),
    )
    order = (Order(Column("start")), Order(Column("key")))
    grouped = Select(figures, documents.relation, group=(Column("key"), Column("start")), order=order)
    rows = sql.fetch(reader.connection, grouped)
    return [Peak(str(key), int(start), float(value or 0.0), bool(flagged)) for key, start, value, flagged in rows]


def _by_stretch(
    reader: Reader, documents: Documents, time_field: str, span_ms: int, aggregate: Expr
) -> list[tuple[int, Any]]:
    start = documents.column(time_field) // span_ms * span_ms
    columns = (start.named("start"), aggregate.named("value"))
    rows = sql.fetch(reader.connection, Select(columns, documents.relation, group=(Column("start"),)))
    return [(int(moment), value) for moment, value in rows]
