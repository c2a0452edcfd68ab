"""Loading a file into an index: several bulk requests in flight, every rejected row accounted for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from anomalyops.local.mapping import Column, converter
from anomalyops.local.rows import FileFormat, Row

try:  # orjson comes with the engine extra; without it loading is slower, not different
    import orjson

    def _encode(document: dict[str, Any]) -> bytes:
        return orjson.dumps(document)
except ImportError:

    def _encode(document: dict[str, Any]) -> bytes:
        return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


BATCH_BYTES: Final = 8 * 1024 * 1024  # an HTTP body well below the server's limit of 100 MB
SHOWN_REJECTIONS: Final = 10


class BulkIndex(Protocol):
    """Where documents go: one bulk request."""

    async def bulk(self, index: str, documents: Sequence[bytes]) -> list[tuple[int, str]]:
        """Index the encoded documents; answer position and reason of those that the server refused."""
        ...


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that is not in the index, and why."""

    line: int
    reason: str
    text: str


@dataclass(slots=True)
class LoadReport:
    """What became of the rows.

    Attributes:
        loaded: Rows that the server has.
        rejected: Rows that it has not.
        first: The first few rejections, by line.
    """

    loaded: int = 0
    rejected: int = 0
    first: list[Rejection] = field(default_factory=list)


@dataclass(slots=True)
class _Batch:
    documents: list[bytes] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    size: int = 0
    unreadable: list[Rejection] = field(default_factory=list)


class Loader:
    """Sends rows to one index.

    Args:
        target: The server.
        index: Name of the index; it exists.
        columns: The fields, as `mapping.guess` has them.
        file_format: What the rows come from; the cells of a CSV file are converted, JSON is sent as it is.
        time_field: A row without it is rejected.
        batch_size: Rows in a bulk request.
        in_flight: Bulk requests at a time.
        on_progress: Called with the report after each answered request.
        on_rejected: Called with each rejected row.
    """

    def __init__(
        self,
        target: BulkIndex,
        *,
        index: str,
        columns: Sequence[Column],
        file_format: FileFormat,
        time_field: str,
        batch_size: int = 5_000,
        in_flight: int = 4,
        on_progress: Callable[[LoadReport], None] | None = None,
        on_rejected: Callable[[Rejection], None] | None = None,
    ) -> None:
        self._target = target
        self._index = index
        self._batch_size = batch_size
        self._in_flight = in_flight
        self._on_progress = on_progress
        self._on_rejected = on_rejected
        convert = _csv_document if file_format is FileFormat.CSV else _json_document
        self._convert = convert(columns, time_field)
        self.report = LoadReport()

    async def load(self, rows: Iterable[Row]) -> LoadReport:
        """Send all rows.

        Raises:
            GatewayError: A whole request failed; `report` says what had been loaded before.
        """
        slots = asyncio.Semaphore(self._in_flight)
        batches = self._batches(rows)
        async with asyncio.TaskGroup() as sending:
            while True:
                await slots.acquire()
                # Reading and encoding happen beside the loop, so that requests in flight go on.
                batch = await asyncio.to_thread(next, batches, None)
                if batch is None:
                    break
                task = sending.create_task(self._send(batch))
                task.add_done_callback(lambda _: slots.release())
        self.report.first.sort(key=lambda rejection: rejection.line)
        return self.report

    async def _send(self, batch: _Batch) -> None:
        refused = await self._target.bulk(self._index, batch.documents) if batch.documents else []
        self.report.loaded += len(batch.documents) - len(refused)
        for position, reason in refused:
            text = batch.documents[position].decode()
            self._reject(Rejection(batch.lines[position], reason, text))
        for rejection in batch.unreadable:
            self._reject(rejection)
        if self._on_progress is not None:
            self._on_progress(self.report)

    def _reject(self, rejection: Rejection) -> None:
        self.report.rejected += 1
        if len(self.report.first) < SHOWN_REJECTIONS:
            self.report.first.append(rejection)
        if self._on_rejected is not None:
            self._on_rejected(rejection)

    def _batches(self, rows: Iterable[Row]) -> Iterator[_Batch]:
        batch = _Batch()
        for row in rows:
            encoded = self._encoded(row)
            if isinstance(encoded, Rejection):
                batch.unreadable.append(encoded)
            else:
                batch.documents.append(encoded)
                batch.lines.append(row.line)
                batch.size += len(encoded)
            full = len(batch.documents) >= self._batch_size or batch.size >= BATCH_BYTES
            if full or len(batch.unreadable) >= self._batch_size:
                yield batch
                batch = _Batch()
        if batch.documents or batch.unreadable:
            yield batch

    def _encoded(self, row: Row) -> bytes | Rejection:
        if row.values is None:
            return Rejection(row.line, row.error, row.text)
        try:
            return _encode(self._convert(row.values))
        except (ValueError, TypeError) as error:  # orjson's error for text that is not UTF-8 is a TypeError
            return Rejection(row.line, str(error), row.text)


def _csv_document(columns: Sequence[Column], time_field: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    converters = [(column.name, converter(column)) for column in columns]

    def convert(values: dict[str, Any]) -> dict[str, Any]:
        document = {}
        for name, convert_cell in converters:
            cell = values[name]
            if cell != "":
                try:
                    document[name] = convert_cell(cell)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
        if time_field not in document:
            raise ValueError(f"{time_field}: no value")
        return document

    return convert


def _json_document(columns: Sequence[Column], time_field: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    convert_time = next(converter(column) for column in columns if column.name == time_field)
    *parents, leaf = time_field.split(".")

    def convert(values: dict[str, Any]) -> dict[str, Any]:
        holder: Any = values
        if time_field in values:  # a key that has dots in it
            name = time_field
        else:
            for parent in parents:
                holder = holder.get(parent) if isinstance(holder, dict) else None
            name = leaf
        if not isinstance(holder, dict) or holder.get(name) in (None, ""):
            raise ValueError(f"{time_field}: no value")
        try:
            holder[name] = convert_time(holder[name])
        except ValueError as error:
            raise ValueError(f"{time_field}: {error}") from None
        return values

    return convert
