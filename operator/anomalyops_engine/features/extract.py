"""From documents to arrays: one GROUP BY in the database for each detector."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from anomalyops_engine.features.detectors import Detector

Int64Array = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


class Relation(Protocol):
    """A SELECT whose columns are named like document fields; the time column is epoch milliseconds."""

    @property
    def sql(self) -> str:
        """The SELECT."""

    @property
    def parameters(self) -> tuple[Any, ...]:
        """The values of its placeholders."""


@dataclass(frozen=True, slots=True)
class Source:
    """The documents of one analysis step: a relation cut to whole buckets.

    Attributes:
        connection: The database.
        relation: The documents.
        time_field: Name of the time column, epoch milliseconds.
        bucket_span_ms: Bucket length.
        start_ms: First bucket's start.
        end_ms: End of the last bucket, exclusive.
        list_columns: Columns with lists of values; they are read as sorted, comma-joined text.
    """

    connection: duckdb.DuckDBPyConnection
    relation: Relation
    time_field: str
    bucket_span_ms: int
    start_ms: int
    end_ms: int
    list_columns: frozenset[str]

    @classmethod
    def open(
        cls,
        connection: duckdb.DuckDBPyConnection,
        relation: Relation,
        *,
        time_field: str,
        bucket_span_ms: int,
        start_ms: int,
        end_ms: int,
    ) -> Source:
        """Look at the relation's column types and make a source of it."""
        head = connection.execute(f"SELECT * FROM ({relation.sql}) LIMIT 0", list(relation.parameters))  # noqa: S608
        lists = {column[0] for column in head.description or () if str(column[1]).endswith("]")}
        return cls(connection, relation, time_field, bucket_span_ms, start_ms, end_ms, frozenset(lists))

    @property
    def bucket_count(self) -> int:
        """Number of buckets."""
        return (self.end_ms - self.start_ms) // self.bucket_span_ms

    def key(self, column: str) -> str:
        """SQL of a column's value as text."""
        name = quote(column)
        if column in self.list_columns:
            return f"array_to_string(list_sort(list_distinct({name})), ',')"
        return f"CAST({name} AS VARCHAR)"

    def number(self, column: str) -> str:
        """SQL of a column's value as a finite DOUBLE, null otherwise."""
        value = f"TRY_CAST({quote(column)} AS DOUBLE)"
        return f"(CASE WHEN isfinite({value}) THEN {value} END)"

    def run(self, select: str, where: Sequence[str] = (), tail: str = "") -> pa.Table:
        """Run `SELECT {select} FROM documents WHERE {where} {tail}`; `bucket` is the bucket's position."""
        time = quote(self.time_field)
        conditions = [f"{time} >= {self.start_ms}", f"{time} < {self.end_ms}", *where]
        bucket = f"CAST(({time} - {self.start_ms}) // {self.bucket_span_ms} AS INTEGER) AS bucket__"
        sql = (
            f"SELECT {select} FROM (SELECT *, {bucket} FROM ({self.relation.sql}) "  # noqa: S608
            f"WHERE {' AND '.join(conditions)}) {tail}"
        )
        return self.connection.sql(sql, params=list(self.relation.parameters)).to_arrow_table()


def quote(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Values:
    """One detector's values, one row for each key and bucket that has data, sorted by bucket, then key.

    Attributes:
        bucket: Bucket positions, int64.
        key: Positions in `keys`, int64.
        value: The function's value; NaN where the bucket's documents have none.
        count: Events behind it.
        keys: The distinct keys: tuples of text in the order of the asked columns.
    """

    bucket: Int64Array
    key: Int64Array
    value: FloatArray
    count: Int64Array
    keys: list[tuple[str, ...]]

    def between(self, left: int, right: int) -> Values:
        """The values of the buckets [left, right), counted from `left`, with the keys that they have."""
        first, last = np.searchsorted(self.bucket, [left, right])
        has_values = np.bincount(self.key[first:last], minlength=len(self.keys)) > 0
        position = np.cumsum(has_values) - 1
        return Values(
            bucket=self.bucket[first:last] - left,
            key=position[self.key[first:last]],
            value=self.value[first:last],
            count=self.count[first:last],
            keys=[name for name, present in zip(self.keys, has_values, strict=True) if present],
        )

    def without(self, keys: Container[tuple[str, ...]]) -> Values:
        """The values of all other keys."""
        kept = np.array([name not in keys for name in self.keys], dtype=np.bool_)
        rows = kept[self.key]
        position = np.cumsum(kept) - 1
        return Values(
            bucket=self.bucket[rows],
            key=position[self.key[rows]],
            value=self.value[rows],
            count=self.count[rows],
            keys=[name for name, keep in zip(self.keys, kept, strict=True) if keep],
        )

    def first_buckets(self) -> Int64Array:
        """Each key's first bucket."""
        first = np.full(len(self.keys), np.iinfo(np.int64).max, dtype=np.int64)
        np.minimum.at(first, self.key, self.bucket)
        return first


def weight_sql(source: Source, weight_field: str | None) -> str:
    """SQL of the number of events that a document stands for."""
    return f"coalesce({source.number(weight_field)}, 0)" if weight_field else "1"


def detector_values(source: Source, detector: Detector) -> Values:
    """A detector's values by partition, by and over field, computed in the database."""
    columns = [*detector.split_fields, *([detector.over] if detector.over else [])]
    value = source.number(detector.field_name) if detector.field_name else "NULL"
    weight = weight_sql(source, detector.weight_field)
    key = source.key(detector.field_name) if detector.field_name else "NULL"
    aggregate = detector.function.aggregate.format(value=value, weight=weight, key=key)
    keys = [f"coalesce({source.key(column)}, '')" if detector.use_null else source.key(column) for column in columns]
    where = [] if detector.use_null else [f"{quote(column)} IS NOT NULL" for column in columns]
    if detector.over and not detector.use_null:
        where = [f"{quote(column)} IS NOT NULL" for column in columns]
    if detector.weight_field and detector.function.counts_events:
        where.append(f"{weight} > 0")
    if detector.field_name:
        where.append(f"{quote(detector.field_name)} IS NOT NULL")
    select = ", ".join(
        [
            "bucket__ AS bucket",
            *(f"{sql} AS key_{position}" for position, sql in enumerate(keys)),
            f"CAST({aggregate} AS DOUBLE) AS value",
            f"CAST(sum({weight}) AS BIGINT) AS events",
        ]
    )
    group = ", ".join(["bucket__", *(f"key_{position}" for position in range(len(keys)))])
    table = source.run(select, where, f"GROUP BY {group}")
    return _values(table, len(keys))


def _values(table: pa.Table, width: int) -> Values:
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
    present, key = np.unique(code, return_inverse=True)
    order = np.lexsort((key, bucket))
    value = table.column("value").to_numpy().astype(np.float64)
    return Values(
        bucket=bucket[order],
        key=key.astype(np.int64)[order],
        value=_reproducible(value[order]),
        count=table.column("events").to_numpy().astype(np.int64)[order],
        keys=[_decode(int(number), dictionaries) for number in present],
    )


def _reproducible(values: FloatArray) -> FloatArray:
    """Values without the last 12 of their 52 binary digits.

    The database adds up in any order, so the last digits of a sum may differ from one run to the next; without
    them an analysis that was stopped and repeated gives the same results.
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
        missing_fields: Values of the asked fields that documents do not have.
        earliest_ms: Time of the first document; None without documents.
        latest_ms: Time of the last document.
    """

    documents: Int64Array
    events: Int64Array
    missing_fields: int
    earliest_ms: int | None
    latest_ms: int | None


def count_events(source: Source, weight_field: str | None, fields: Sequence[str]) -> Events:
    """Documents and events of every bucket, and how many values of `fields` are missing."""
    time = quote(source.time_field)
    missing = " + ".join(f"count(*) - count({quote(field)})" for field in fields) or "0"
    table = source.run(
        f"bucket__ AS bucket, count(*) AS documents, "
        f"CAST(sum({weight_sql(source, weight_field)}) AS BIGINT) AS events, "
        f"CAST({missing} AS BIGINT) AS missing, min({time}) AS earliest, max({time}) AS latest",
        tail="GROUP BY bucket__",
    )
    documents = np.zeros(source.bucket_count, dtype=np.int64)
    events = np.zeros(source.bucket_count, dtype=np.int64)
    if table.num_rows == 0:
        return Events(documents, events, 0, None, None)
    bucket = table.column("bucket").to_numpy()
    documents[bucket] = table.column("documents").to_numpy()
    events[bucket] = table.column("events").to_numpy()
    earliest, latest = pc.min(table.column("earliest")).as_py(), pc.max(table.column("latest")).as_py()
    missing_fields = int(pc.sum(table.column("missing")).as_py())
    return Events(documents, events, missing_fields, int(earliest), int(latest))
