"""What a step learns from: everything of it that came from the database, so that it can be repeated without."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import zstandard

from anomalyops_engine.categories.categorization import BucketRows
from anomalyops_engine.features.extract import Events, Values
from anomalyops_engine.scoring.detection import Influences
from anomalyops_engine.scoring.schedule import Marks
from anomalyops_engine.scoring.snapshot import VERSION, SnapshotError

MAGIC: Final = b"AOSTEPS"
_HEADER: Final = len(MAGIC) + 2
_KINDS: Final = frozenset("if")


@dataclass(slots=True)
class StepInputs:
    """The inputs of a step.

    Attributes:
        start_ms: Start of the first bucket, epoch milliseconds.
        end_ms: End of the last bucket, exclusive.
        events: Documents and events of each bucket.
        values: Each detector's values.
        influences: Each detector's influences, in the order in which it found its anomalies.
        categories: What the categorizers learnt, where the job has some.
        marks: What scheduled events said of the buckets.
    """

    start_ms: int
    end_ms: int
    events: Events
    values: list[Values] = field(default_factory=list)
    influences: list[list[Influences]] = field(default_factory=list)
    categories: list[BucketRows] = field(default_factory=list)
    marks: Marks = field(default_factory=Marks)

    def pack(self) -> bytes:
        """The inputs as one versioned, compressed blob that holds no code."""
        events = self.events
        arrays = [_narrow(events.documents), _narrow(events.events)]
        for values in self.values:
            arrays += [_narrow(values.bucket), _narrow(values.key), values.value, *values.others.values()]
        plain = {
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "missing_fields": events.missing_fields,
            "earliest_ms": events.earliest_ms,
            "latest_ms": events.latest_ms,
            "keys": [values.keys for values in self.values],
            "others": [list(values.others) for values in self.values],
            "influences": self.influences,
            "categories": [rows.pack() for rows in self.categories],
            "marks": self.marks.pack(),
            "arrays": [[array.dtype.str, len(array)] for array in arrays],
        }
        header = json.dumps(plain).encode()
        body = b"".join([len(header).to_bytes(8, "big"), header, *(array.tobytes() for array in arrays)])
        return MAGIC + VERSION.to_bytes(2, "big") + zstandard.compress(body, level=1)

    @classmethod
    def unpack(cls, blob: bytes) -> StepInputs:
        """The inputs that `pack` described.

        Raises:
            SnapshotError: When the blob is damaged, foreign or of another version.
        """
        if not blob.startswith(MAGIC):
            raise SnapshotError("an entry of the model's journal does not start with this engine's mark")
        version = int.from_bytes(blob[len(MAGIC) : _HEADER], "big")
        if version != VERSION:
            raise SnapshotError(f"the model's journal is of version {version}; this engine reads version {VERSION}")
        try:
            body = zstandard.decompress(blob[_HEADER:])
            size = int.from_bytes(body[:8], "big")
            plain = json.loads(body[8 : 8 + size])
            arrays = _arrays(body[8 + size :], plain["arrays"])
        except (zstandard.ZstdError, ValueError, KeyError) as error:
            raise SnapshotError(f"the model's journal is damaged: {error}") from error
        documents, events, *columns = arrays
        rest = iter(columns)
        return cls(
            plain["start_ms"],
            plain["end_ms"],
            Events(
                documents.astype(np.int64),
                events.astype(np.int64),
                plain["missing_fields"],
                plain["earliest_ms"],
                plain["latest_ms"],
            ),
            [_values(rest, keys, others) for keys, others in zip(plain["keys"], plain["others"], strict=True)],
            plain["influences"],
            [BucketRows.unpack(rows) for rows in plain.get("categories", ())],
            Marks.unpack(plain.get("marks")),  # there were none before there were calendars
        )


def _values(columns: Iterator[npt.NDArray[Any]], keys: Sequence[Sequence[str]], others: Sequence[str]) -> Values:
    """A detector's values, of the columns that come next."""
    bucket, key, value = next(columns), next(columns), next(columns)
    return Values(
        bucket.astype(np.int64),
        key.astype(np.int64),
        value,
        [tuple(name) for name in keys],
        others={name: next(columns) for name in others},
    )


def _narrow(numbers: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Whole numbers in as few bytes as they need."""
    small = len(numbers) == 0 or (numbers.min() >= -(2**31) and numbers.max() < 2**31)
    return numbers.astype(np.int32) if small else numbers


def _arrays(body: bytes, shapes: Sequence[tuple[str, int]]) -> list[npt.NDArray[Any]]:
    arrays, offset = [], 0
    for name, count in shapes:
        dtype = np.dtype(name)
        if dtype.kind not in _KINDS:
            raise ValueError(f"an array of {name}")
        arrays.append(np.frombuffer(body, dtype, count, offset))
        offset += count * dtype.itemsize
    return arrays
