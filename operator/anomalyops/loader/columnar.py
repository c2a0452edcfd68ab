"""Parquet and Arrow files, whose columns have types already."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from anomalyops_reading.errors import LoadError
from anomalyops_reading.rows import Objects

_BATCH: Final = 5_000


def read_columnar(path: Path, kind: str) -> Iterator[Objects]:
    """Give the rows of a Parquet or Arrow file in batches.

    Args:
        path: the file.
        kind: `parquet` or `arrow` (also Feather).

    Raises:
        LoadError: pyarrow is missing, or the file cannot be read.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise LoadError(f"{path}: reading {kind} needs pyarrow (pip install 'anomalyops[engine]')") from None
    first = 1
    try:
        for table in _tables(path, kind, pa, pq):
            rows = [{name: _plain(value) for name, value in row.items()} for row in table.to_pylist()]
            yield Objects(rows, list(range(first, first + len(rows))), [None] * len(rows))
            first += len(rows)
    except (pa.ArrowException, OSError) as error:
        raise LoadError(f"{path}: {error}") from error


def _tables(path: Path, kind: str, pa: Any, pq: Any) -> Iterator[Any]:
    if kind == "parquet":
        yield from pq.ParquetFile(path).iter_batches(batch_size=_BATCH)
        return
    with pa.memory_map(str(path)) as source:
        try:
            reader = pa.ipc.open_file(source)
            batches = (reader.get_batch(number) for number in range(reader.num_record_batches))
        except pa.ArrowInvalid:
            source.seek(0)
            batches = iter(pa.ipc.open_stream(source))
        for batch in batches:
            for offset in range(0, batch.num_rows, _BATCH):
                yield batch.slice(offset, _BATCH)


def _plain(value: Any) -> Any:
    """Return a value as JSON can say it; NaN and infinities, which it cannot, as none."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    for kinds, convert in _CONVERSIONS:
        if isinstance(value, kinds):
            return convert(value)
    return value


def _moment(value: datetime) -> str:
    nanoseconds = getattr(value, "nanosecond", 0)  # pandas' timestamps have them
    moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo is not None else value
    text = moment.isoformat(timespec="microseconds" if nanoseconds else "auto")
    return f"{text}{nanoseconds:03d}Z" if nanoseconds else f"{text}Z"


_CONVERSIONS: Final[tuple[tuple[type, Any], ...]] = (
    (datetime, _moment),
    (date, date.isoformat),
    (time, time.isoformat),
    (timedelta, timedelta.total_seconds),
    (Decimal, lambda value: int(value) if value == value.to_integral_value() else float(value)),
)
