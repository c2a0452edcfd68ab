"""Records that clients send to a job themselves, as the analysis reads them, until their buckets are complete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import zstandard

from anomalyops_engine.query import Documents, Extent
from anomalyops_engine.query.expr import Table
from anomalyops_engine.store import Reader

POSTED_RECORDS: Final = "posted_records"
_VIEW: Final = "posted_records"
_TIME: Final = "time"


@dataclass(frozen=True, slots=True)
class PostedRecords:
    """Records with the fields that a job's analysis reads.

    Attributes:
        time_field: the job's time field.
        fields: names of the other fields; the columns of `rows` are numbered after them.
        every_value: those of them of which each number of an array counts.
        rows: `time` (epoch milliseconds), a text `f<n>` of each field, and of those of `every_value` the list
            `f<n>_all` of its texts.
    """

    time_field: str
    fields: tuple[str, ...]
    every_value: frozenset[str]
    rows: pa.Table

    @classmethod
    def of(
        cls,
        time_field: str,
        fields: Sequence[str],
        every_value: frozenset[str],
        times: Sequence[int] = (),
        values: Sequence[Sequence[object]] = (),
    ) -> PostedRecords:
        """Return records from their times and, by field, their JSON values."""
        columns: dict[str, pa.Array] = {_TIME: pa.array(times, pa.int64())}
        given = values or [()] * len(fields)
        for number, (name, column) in enumerate(zip(fields, given, strict=True)):
            columns[f"f{number}"] = pa.array([text_of(value) for value in column], pa.string())
            if name in every_value:
                columns[f"f{number}_all"] = pa.array([_texts_of(value) for value in column], pa.list_(pa.string()))
        return cls(time_field, tuple(fields), every_value, pa.table(columns))

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def joined(self, other: PostedRecords) -> PostedRecords:
        """Return these records and others after them."""
        return self._with(pa.concat_tables([self.rows, other.rows]))

    def none(self) -> PostedRecords:
        """Return no records, with the same fields."""
        return self._with(self.rows.slice(0, 0))

    def since(self, start_ms: int) -> PostedRecords:
        """Return the records from a time on."""
        return self._with(self.rows.filter(pc.greater_equal(self.rows.column(_TIME), start_ms)))

    def outside(self, start_ms: int, end_ms: int) -> PostedRecords:
        """Return the records that are not in [start_ms, end_ms)."""
        time = self.rows.column(_TIME)
        return self._with(self.rows.filter(pc.or_(pc.less(time, start_ms), pc.greater_equal(time, end_ms))))

    def _with(self, rows: pa.Table) -> PostedRecords:
        return PostedRecords(self.time_field, self.fields, self.every_value, rows)

    def documents(self, reader: Reader, start_ms: int | None, end_ms: int | None) -> Documents:
        """Return the records of [start_ms, end_ms) as rows of the database, for as long as the reader is open."""
        reader.connection.register(_VIEW, self._between(start_ms, end_ms))
        columns = {self.time_field: _TIME} | {name: f"f{number}" for number, name in enumerate(self.fields)}
        lists = {name: f"{columns[name]}_all" for name in self.every_value}
        return Documents(Table(_VIEW), columns, lists)

    def extent(self, reader: Reader, start_ms: int | None, end_ms: int | None) -> Extent | None:
        """Return the extent of the records in [start_ms, end_ms), None when there are none."""
        del reader
        time = self._between(start_ms, end_ms).column(_TIME)
        if not len(time):
            return None
        bounds = pc.min_max(time).as_py()
        return Extent(len(time), bounds["min"], bounds["max"])

    def _between(self, start_ms: int | None, end_ms: int | None) -> pa.Table:
        rows = self.rows
        if start_ms is not None:
            rows = rows.filter(pc.greater_equal(rows.column(_TIME), start_ms))
        if end_ms is not None:
            rows = rows.filter(pc.less(rows.column(_TIME), end_ms))
        return rows

    def pack(self) -> bytes:
        """Return the records as one compressed blob."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.rows.schema) as stream:
            stream.write_table(self.rows)
        return zstandard.compress(sink.getvalue().to_pybytes(), level=1)

    def unpacked(self, blob: bytes) -> PostedRecords:
        """Return the records of a blob that `pack` made of records with these fields."""
        with pa.ipc.open_stream(zstandard.decompress(blob)) as stream:
            return self._with(stream.read_all())


def text_of(value: object) -> str | None:
    """Return a JSON value as the text that names it; None for null, an object or several numbers."""
    match value:
        case None | dict():
            return None
        case bool():
            return "true" if value else "false"
        case list() if len(value) == 1:
            return text_of(value[0])
        case list():
            texts = [text for item in value if (text := text_of(item)) is not None]
            return ",".join(texts) if texts and not _are_numbers(value) else None
        case float():
            return repr(value)
    return str(value)


def _texts_of(value: object) -> list[str] | None:
    """Return the texts of each number of an array, or of one value; None where there is none."""
    if isinstance(value, list) and _are_numbers(value):
        return [str(item) for item in value] or None
    text = text_of(value)
    return None if text is None else [text]


def _are_numbers(values: Sequence[object]) -> bool:
    return all(isinstance(item, int | float) and not isinstance(item, bool) for item in values)
