"""A row of a file, whatever the file is, and the batches in which rows are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Json = Any


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that could not be read.

    Attributes:
        line: number of its first line, from 1 (of a JSON array or a columnar file: its place).
        reason: why not.
        text: the row as the file has it, as far as it is known.
    """

    line: int
    reason: str
    text: str


@dataclass(slots=True)
class Table:
    """Rows of text cells under common names: delimited files and log lines.

    Attributes:
        names: names of the columns.
        rows: the cells of each row; empty ones say nothing.
        lines: number of each row's first line.
        unreadable: rows that are not among `rows`.
    """

    names: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)


@dataclass(slots=True)
class Objects:
    """Rows that are JSON objects.

    Attributes:
        rows: the objects.
        lines: number of each row's first line, or its place.
        ids: the id that the file gives a row, None to have one made.
        unreadable: rows that are not among `rows`.
    """

    rows: list[dict[str, Json]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    ids: list[str | None] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)


Batch = Table | Objects


def row_text(cells: Sequence[str], delimiter: str = ",") -> str:
    """Return cells as one line, for showing."""
    return delimiter.join(cells)
