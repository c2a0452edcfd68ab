"""Rows of a file, one at a time: CSV, NDJSON or a JSON array, plain or gzip-compressed.

Memory does not grow with the file. A row that cannot be read is not an end of the file: it comes out as an
unreadable row with its line and the reason.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self, cast

_SNIFFED: Final = 4096  # characters: enough to tell an array from lines
_CHUNK: Final = 1 << 16  # characters of a JSON array that are read at once
_LONGEST_OBJECT: Final = 1 << 24  # characters; beyond it an array is taken to be broken
_DELIMITERS: Final = ",;\t|"
_ACCEPTED: Final = ".csv, .tsv, .ndjson, .jsonl or .json, each also with .gz"


class FileError(ValueError):
    """A file that cannot be read at all; the message names it."""


class FileFormat(StrEnum):
    """What a file holds."""

    CSV = "csv"
    NDJSON = "ndjson"
    JSON_ARRAY = "json"


@dataclass(slots=True)
class Row:
    """One row of a file.

    Attributes:
        line: Number of its first line, from 1; for a JSON array the position in the array, from 1.
        values: The fields by name, None if the row could not be read.
        text: The row as the file has it, as far as it is known.
        error: Why it could not be read, empty otherwise.
    """

    line: int
    values: dict[str, Any] | None
    text: str
    error: str = ""


class RowFile:
    """A file that is read row by row. Use as a context manager; iterate once.

    Attributes:
        path: Where it lies.
        format: What it holds.
        size: Bytes on disk.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.format = _recognise(path)
        self.size = path.stat().st_size
        self._raw, self._text = _open(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._raw.close()

    @property
    def position(self) -> int:
        """Bytes of the file that have been read, out of `size`."""
        return self.size if self._raw.closed else min(self._raw.tell(), self.size)

    def __iter__(self) -> Iterator[Row]:
        readers = {
            FileFormat.CSV: _csv_rows,
            FileFormat.NDJSON: _ndjson_rows,
            FileFormat.JSON_ARRAY: _array_rows,
        }
        try:
            yield from readers[self.format](self._text)
        except (EOFError, OSError) as error:
            raise FileError(f"{self.path}: {error}") from error
        except FileError as error:
            raise FileError(f"{self.path}: {error}") from error


def sample(path: Path, rows: int) -> list[dict[str, Any]]:
    """The first readable rows of a file, at most `rows` of them.

    Raises:
        FileError: The file cannot be read, or has no row that can.
    """
    with RowFile(path) as file:
        readable = (row.values for row in file if row.values is not None)
        found = list(itertools.islice(readable, rows))
    if not found:
        raise FileError(f"{path}: no row could be read")
    return found


def _open(path: Path) -> tuple[IO[bytes], io.TextIOWrapper]:
    """The file on disk, and its text."""
    try:
        raw = path.open("rb")
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from error
    compressed = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    stream = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if compressed else raw
    # Bytes that are not UTF-8 become lone surrogates, which no encoder accepts: such a row is rejected later.
    return raw, io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _recognise(path: Path) -> FileFormat:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = next((suffix for suffix in reversed(suffixes) if suffix != ".gz"), "")
    if kind not in {".csv", ".tsv", ".ndjson", ".jsonl", ".json"}:
        raise FileError(f"{path}: unknown kind of file {kind!r}; accepted: {_ACCEPTED}")
    raw, text = _open(path)
    try:
        start = text.read(_SNIFFED).lstrip()
    except (EOFError, OSError) as error:
        raise FileError(f"{path}: {error}") from error
    finally:
        raw.close()
    if not start:
        raise FileError(f"{path}: the file is empty")
    if kind in {".csv", ".tsv"}:
        return FileFormat.CSV
    return FileFormat.JSON_ARRAY if start.startswith("[") else FileFormat.NDJSON


def _csv_rows(text: io.TextIOWrapper) -> Iterator[Row]:
    first = next(text)
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(itertools.chain([first], text), delimiter=delimiter)
    header = [name.strip() for name in next(reader)]
    _check_header(header)
    width = len(header)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, None, "", str(error))
            continue
        if len(cells) == width:
            yield Row(line, dict(zip(header, cells, strict=True)), delimiter.join(cells))
        elif cells:  # an empty line is no row
            yield Row(line, None, delimiter.join(cells), f"{len(cells)} cells, the header has {width}")


def _check_header(header: Sequence[str]) -> None:
    if "" in header:
        raise FileError(f"column {header.index('') + 1} of the header has no name")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise FileError(f"the header has {', '.join(twice)} more than once")


def _ndjson_rows(text: io.TextIOWrapper) -> Iterator[Row]:
    for number, line in enumerate(text, start=1):
        stripped = line.strip()
        if not stripped:
            continue
        try:
            value = json.loads(stripped)
        except ValueError as error:
            yield Row(number, None, stripped, f"not JSON: {error}")
        else:
            yield _checked(number, value, stripped)


def _checked(number: int, value: Any, text: str) -> Row:
    if not isinstance(value, dict):
        return Row(number, None, text, f"a JSON {type(value).__name__} where an object is expected")
    return Row(number, value, text)


def _array_rows(text: io.TextIOWrapper) -> Iterator[Row]:
    """Objects of one JSON array, decoded one at a time from a buffer that holds little more than one of them."""
    decode = json.JSONDecoder().raw_decode
    buffer = text.read(_CHUNK).lstrip()[1:]
    for number in itertools.count(1):
        while True:
            buffer = buffer.lstrip(" \t\r\n,")
            if buffer.startswith("]"):
                return
            try:
                value, end = decode(buffer)
                break
            except ValueError as error:
                more = text.read(_CHUNK)
                if not more or len(buffer) > _LONGEST_OBJECT:
                    yield Row(number, None, buffer[:200], f"not JSON, the rest of the array is lost: {error}")
                    return
                buffer += more
        yield _checked(number, value, buffer[:end])
        buffer = buffer[end:]
