"""A file as the loader reads it: what it found, the documents, and the rows that became none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anomalyops.loader.encoding import Encoder
from anomalyops.loader.loading import FileOptions, Source, _batches, inspect
from anomalyops.loader.survey import Wishes
from anomalyops_reading.rows import Unreadable


@dataclass
class Read:
    """Everything that a file became."""

    source: Source
    documents: list[dict[str, Any]]
    lines: list[int]
    ids: list[str | None]
    unreadable: list[Unreadable]

    @property
    def types(self) -> dict[str, str]:
        """Types by field."""
        return {column.name: str(column.type) for column in self.source.found.columns}

    @property
    def notes(self) -> dict[str, str]:
        """What is said of each field."""
        return {column.name: ", ".join(column.notes) for column in self.source.found.columns if column.notes}

    @property
    def reasons(self) -> list[tuple[int, str]]:
        """Line and reason of each unreadable row, by line."""
        return sorted((row.line, row.reason) for row in self.unreadable)


def read(path: Path, *, time_field: str = "t", options: FileOptions | None = None, **wishes: Any) -> Read:
    """Read a file twice, as loading does."""
    source = inspect(path, options or FileOptions(), Wishes(time_field=time_field, **wishes))
    encoder = Encoder(source.found.columns, source.found.time)
    found = Read(source, [], [], [], [])
    with _batches(source) as (batches, _):
        for batch in batches:
            encoded = encoder.encode(batch)
            found.documents += [json.loads(document) for document in encoded.documents]
            found.lines += encoded.lines
            found.ids += encoded.ids
            found.unreadable += encoded.unreadable
    assert len(found.documents) + len(found.unreadable) == source.found.rows
    return found
