"""From documents to arrays: one GROUP BY in the database for each detector."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from anomalyops_engine.config import AnalysisConfig
from anomalyops_engine.features.measures import Inputs, Measure
from anomalyops_engine.features.resolving import ResolvedDetector
from anomalyops_engine.query import Documents, sql
from anomalyops_engine.query.expr import (
    Aggregate,
    Cast,
    Column,
    Expr,
    Literal,
    Named,
    Select,
    Star,
    all_of,
    call,
    null,
    when,
)
from anomalyops_engine.store import Connection

Int64Array = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


_BUCKET = Column("bucket")
_ITEM = Column("item_of_list")
_DIGITS = "digits"
# Codes that are counted even for few rows.
_FEW_CODES = 4096
_WHOLE_BELOW = 2.0**53


def number(value: Expr) -> Expr:
    """A value as a finite DOUBLE, null otherwise."""
    cast = Cast(value, "DOUBLE", lenient=True)
    return when(call("isfinite", cast), cast)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The documents of one analysis step, cut to whole buckets.

    Attributes:
        connection: The database.
        documents: The documents.
        time_field: Name of the time field, epoch milliseconds.
        bucket_span_ms: Bucket length.
        start_ms: First bucket's start.
        end_ms: End of the last bucket, exclusive.
    """

    connection: Connection
    documents: Documents
    time_field: str
    bucket_span_ms: int
    start_ms: int
    end_ms: int

    @property
    def bucket_count(self) -> int:
        """Number of buckets."""
        return (self.end_ms - self.start_ms) // self.bucket_span_ms

    def column(self, field: str) -> Column:
        """A field's value."""
        return self.documents.column(field)

    def key(self, field: str) -> Expr:
        """A field's value as text."""
        return Cast(self.column(field), "VARCHAR")

    def any_value(self, field: str) -> Expr:
        """Something that is null where a document has no value of a field."""
        lists = self.documents.lists
        return Column(lists[field]) if field in lists else self.column(field)

    def item(self, field: str) -> Expr:
        """Each value of a field, in groups of each value; that is the value where documents have one at most."""
        return _ITEM if field in self.documents.lists else self.column(field)

    def weight(self, field: str | None) -> Expr | None:
        """The number of events that a document stands for, in a field of its own; None for one each."""
        return call("coalesce", number(self.column(field)), 0) if field else None

    def group(
        self,
        by: Sequence[Named],
        aggregates: Sequence[Named],
        where: Sequence[Expr] = (),
        *,
        each: str | None = None,
    ) -> pa.Table:
        """Aggregates of the documents of each bucket that fulfil all conditions, by the bucket's position and `by`.

        Args:
            by: What else to group by.
            aggregates: What to compute.
            where: The conditions.
            each: A field of which each value counts, not each document; its values are `item(each)`.
        """
        time = self.column(self.time_field)
        stretch = [time >= self.start_ms, time < self.end_ms]
        position = Cast((time - self.start_ms) // self.bucket_span_ms, "INTEGER")
        columns: list[Star | Named] = [Star(), position.named(_BUCKET.name)]
        if each is not None and each in self.documents.lists:
            columns.append(call("unnest", Column(self.documents.lists[each])).named(_ITEM.name))
        placed = Select(tuple(columns), self.documents.relation, all_of(stretch))
        names = [_BUCKET.name, *(named.name for named in by)]
        grouped = Select(
            (_BUCKET.named(_BUCKET.name), *by, *aggregates),
            placed,
            all_of(where),
            group=tuple(Column(name) for name in names),
        )
        return sql.fetch_arrow(self.connection, grouped)


@dataclass(frozen=True, slots=True)
class Values:
    """One detector's values: a row for each key and bucket that has data, or several, sorted by bucket, key and values.

    Attributes:
        bucket: Bucket positions, int64.
        key: Positions in `keys`, int64.
        value: The function's value; NaN where the bucket's documents have none.
        keys: The distinct keys: tuples of text in the order of the asked columns.
        digits: The values as whole numbers where they are some exactly, else 0; None where the field is not of whole
            numbers. A DOUBLE holds no more than 53 of their 63 binary digits.
        others: The feature's columns behind the first, by name.
    """

    bucket: Int64Array
    key: Int64Array
    value: FloatArray
    keys: list[tuple[str, ...]]
    digits: Int64Array | None = None
    others: Mapping[str, FloatArray] = field(default_factory=dict)

    def column(self, name: str) -> Values:
        """The values with one of the columns in the first one's place; the first one is found by any other name."""
        return replace(self, value=self.others.get(name, self.value), others={})

    def exact(self, place: int) -> float | int:
        """The value at a place, to the last digit."""
        value = float(self.value[place])
        if self.digits is None or abs(value) < _WHOLE_BELOW:
            return value
        return int(self.digits[place]) or value

    def between(self, left: int, right: int) -> Values:
        """The values of the buckets [left, right), counted from `left`, with the keys that they have."""
        first, last = np.searchsorted(self.bucket, [left, right])
        has_values = np.bincount(self.key[first:last], minlength=len(self.keys)) > 0
        position = np.cumsum(has_values) - 1
        return Values(
            bucket=self.bucket[first:last] - left,
            key=position[self.key[first:last]],
            value=self.value[first:last],
            digits=None if self.digits is None else self.digits[first:last],
            others={name: column[first:last] for name, column in self.others.items()},
            keys=[name for name, present in zip(self.keys, has_values, strict=True) if present],
        )

    def without(self, keys: Container[tuple[str, ...]]) -> Values:
        """The values of all other keys."""
        return self.where(np.array([name not in keys for name in self.keys], dtype=np.bool_)[self.key])

    def where(self, rows: npt.NDArray[np.bool_]) -> Values:
        """The values of some rows, with the keys that they have."""
        kept = np.bincount(self.key[rows], minlength=len(self.keys)) > 0
        position = np.cumsum(kept) - 1
        return Values(
            bucket=self.bucket[rows],
            key=position[self.key[rows]],
            value=self.value[rows],
            digits=None if self.digits is None else self.digits[rows],
            others={name: column[rows] for name, column in self.others.items()},
            keys=[name for name, keep in zip(self.keys, kept, strict=True) if keep],
        )

    def first_buckets(self) -> Int64Array:
        """Each key's first bucket."""
        first = np.full(len(self.keys), np.iinfo(np.int64).max, dtype=np.int64)
        np.minimum.at(first, self.key, self.bucket)
        return first


def split_keys(stretch: Stretch, detector: ResolvedDetector) -> tuple[list[Named], list[Expr]]:
    """The texts of partition, by and over field, as `key_0` and on, and what a document needs to have them."""
    fields = [*detector.split_fields, *([detector.over] if detector.over else [])]
    keys = [stretch.key(field) for field in fields]
    if detector.use_null:
        return [call("coalesce", key, "").named(f"key_{place}") for place, key in enumerate(keys)], []
    named = [key.named(f"key_{place}") for place, key in enumerate(keys)]
    return named, [stretch.column(field).is_not_null() for field in fields]


def inputs_of(stretch: Stretch, detector: ResolvedDetector) -> Inputs:
    """What the aggregates of a detector's function read of each document."""
    field, weight = detector.field_name, stretch.weight(detector.weight_field)
    time_ms = stretch.column(stretch.time_field)
    if not field:
        return Inputs(null("DOUBLE"), weight, null("VARCHAR"), time_ms=time_ms)
    item, is_whole = stretch.item(field), stretch.documents.types.get(field) == "BIGINT"
    return Inputs(number(item), weight, Cast(item, "VARCHAR"), item if is_whole else None, time_ms)


def detector_values(stretch: Stretch, detector: ResolvedDetector) -> Values:
    """A detector's values by partition, by and over field, computed in the database."""
    keys, where = split_keys(stretch, detector)
    inputs = inputs_of(stretch, detector)
    if detector.weight_field:
        where.append(inputs.events > 0)
    if detector.field_name:
        where.append(stretch.item(detector.field_name).is_not_null())
    measure = detector.measure
    apart = [part.named(f"apart_{place}") for place, part in enumerate(measure.apart(inputs))]
    aggregates = [_aggregate(measure, column(inputs)).named(name) for name, column in measure.columns.items()]
    if measure.digits is not None and inputs.whole is not None:
        aggregates.append(Cast(measure.digits(inputs.whole), "BIGINT", lenient=True).named(_DIGITS))
    table = stretch.group([*keys, *apart], aggregates, where, each=detector.field_name)
    return _values(_finished(table, measure), len(keys), list(measure.columns))


def _aggregate(measure: Measure, column: Expr) -> Expr:
    return column if measure.finish is not None else Cast(column, "DOUBLE")


def _finished(table: pa.Table, measure: Measure) -> pa.Table:
    """The table with the values of what the database could not compute."""
    if measure.finish is None:
        return table
    values = pa.array(measure.finish(table.column("value").to_pylist()), pa.float64())
    return table.set_column(table.column_names.index("value"), "value", values)


def _values(table: pa.Table, width: int, columns: Sequence[str]) -> Values:
    bucket = table.column("bucket").to_numpy().astype(np.int64)
    code = np.zeros(len(bucket), dtype=np.int64)
    dictionaries: list[list[str]] = []
    for position in range(width):
        encoded = pc.dictionary_encode(table.column(f"key_{position}")).combine_chunks()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.chunk(0)
        names = encoded.dictionary.to_pylist()
        order = np.argsort(np.array(names, dtype=object), kind="stable") if names else np.zeros(0, np.int64)
        rank = np.empty(len(names), dtype=np.int64)
        rank[order] = np.arange(len(names))
        code = code * max(len(names), 1) + rank[encoded.indices.to_numpy(zero_copy_only=False)]
        dictionaries.append([names[k] for k in order])
    present, key = distinct(code, math.prod(max(len(names), 1) for names in dictionaries))
    figures = [table.column(name).to_numpy().astype(np.float64) for name in columns]
    order = in_order(bucket, key, figures)
    value, *others = [figure[order] for figure in figures]
    return Values(
        bucket=bucket[order],
        key=key[order],
        value=value,
        keys=[_decode(int(place), dictionaries) for place in present],
        digits=_digits(table, order),
        others=dict(zip(columns[1:], others, strict=True)),
    )


def distinct(codes: Int64Array, limit: int) -> tuple[Int64Array, Int64Array]:
    """The codes that there are, ascending, and the place of each row's code among them.

    Args:
        codes: (rows,) from 0.
        limit: what all of them are below.
    """
    if limit > _FEW_CODES + 2 * len(codes):
        present, places = np.unique(codes, return_inverse=True)
        return present, places.astype(np.int64)
    # Where there may be few codes, they are counted instead of sorting all rows.
    there = np.zeros(limit, dtype=np.bool_)
    there[codes] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[codes]


def in_order(bucket: Int64Array, key: Int64Array, figures: Sequence[FloatArray]) -> Int64Array:
    """The order of rows by bucket and key; by the first two figures too, where a bucket has several rows of a key.

    Args:
        bucket: (rows,) their buckets.
        key: (rows,) their keys, from 0.
        figures: (rows,) each, at least one.
    """
    place = bucket * (int(key.max(initial=0)) + 1) + key
    order = np.argsort(place)
    ranked = place[order]
    if (ranked[1:] > ranked[:-1]).all():
        return order
    return np.lexsort((*map(reproducible, reversed(figures[:2])), place))


def _digits(table: pa.Table, order: Int64Array) -> Int64Array | None:
    if _DIGITS not in table.column_names:
        return None
    digits: Int64Array = pc.fill_null(table.column(_DIGITS), 0).to_numpy().astype(np.int64)[order]
    return digits


def reproducible(values: FloatArray) -> FloatArray:
    """Values without the last 12 of their 52 binary digits: what is learnt from.

    The database adds up in any order, so the last digits of a sum may differ from one run to the next; without
    them an analysis that was stopped and repeated learns the same.
    """
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa * 2.0**40) / 2.0**40, exponent)


def _decode(code: int, dictionaries: Sequence[Sequence[str]]) -> tuple[str, ...]:
    parts: list[str] = []
    for names in reversed(dictionaries):
        code, position = divmod(code, len(names))
        parts.append(names[position])
    return tuple(reversed(parts))


@dataclass(frozen=True, slots=True)
class Events:
    """How many documents and events each bucket holds.

    Attributes:
        documents: Documents a bucket.
        events: Events a bucket (the sum of the summary count, if there is one).
        missing_fields: Values of the asked fields that documents do not have, or that are of no use.
        earliest_ms: Time of the first document; None without documents.
        latest_ms: Time of the last document.
        unusable: By field: values that should be numbers and are not.
    """

    documents: Int64Array
    events: Int64Array
    missing_fields: int
    earliest_ms: int | None
    latest_ms: int | None
    unusable: dict[str, int] = field(default_factory=dict)


def count_events(stretch: Stretch, config: AnalysisConfig) -> Events:
    """Documents and events of every bucket, and how many values of the analysis' fields are missing or of no use."""
    time = stretch.column(stretch.time_field)
    missing: Expr = Literal(0)
    for name in config.fields:
        missing += Aggregate("count") - Aggregate("count", (stretch.any_value(name),))
    suspects = {f"unusable_{place}": name for place, name in enumerate(_suspects(stretch, config))}
    weight = stretch.weight(config.summary_count_field_name)
    table = stretch.group(
        [],
        [
            Aggregate("count").named("documents"),
            Cast(Aggregate("count") if weight is None else Aggregate("sum", (weight,)), "BIGINT").named("events"),
            Cast(missing, "BIGINT").named("missing"),
            Aggregate("min", (time,)).named("earliest"),
            Aggregate("max", (time,)).named("latest"),
            *(_unusable(stretch.column(name)).named(column) for column, name in suspects.items()),
        ],
    )
    documents = np.zeros(stretch.bucket_count, dtype=np.int64)
    events = np.zeros(stretch.bucket_count, dtype=np.int64)
    if table.num_rows == 0:
        return Events(documents, events, 0, None, None)
    bucket = table.column("bucket").to_numpy()
    documents[bucket] = table.column("documents").to_numpy()
    events[bucket] = table.column("events").to_numpy()
    earliest, latest = pc.min(table.column("earliest")).as_py(), pc.max(table.column("latest")).as_py()
    counts = {name: int(pc.sum(table.column(column)).as_py()) for column, name in suspects.items()}
    unusable = {name: count for name, count in counts.items() if count}
    missing_fields = int(pc.sum(table.column("missing")).as_py()) + sum(unusable.values())
    return Events(documents, events, missing_fields, int(earliest), int(latest), unusable)


def _suspects(stretch: Stretch, config: AnalysisConfig) -> list[str]:
    """The fields that are read as numbers and may hold something else."""
    types = stretch.documents.types
    return [name for name in config.number_fields if types.get(name, "VARCHAR") == "VARCHAR"]


def _unusable(column: Expr) -> Expr:
    return Aggregate("count", (column,)) - Aggregate("count", (number(column),))
