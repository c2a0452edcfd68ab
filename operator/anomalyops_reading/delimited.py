"""Delimited text: CSV in its dialects, with the places of its faults.

A quote that is opened and never closed makes all that follows one cell, for a reader that believes it. Here a record
may go over several lines only if it then has the right number of cells, and none of its lines is a row by itself.
Otherwise its first line is at fault: that line is reported, and reading goes on behind it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TextIO

from anomalyops_reading.errors import LoadError
from anomalyops_reading.rows import Table, Unreadable

DELIMITERS: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " "}
_GUESSED: Final = (",", ";", "\t", "|")
_LOOKED_AT: Final = 50  # lines for guessing the delimiter
_CHUNK: Final = 1 << 20  # characters read at once
_LONGEST_RECORD: Final = 1_000  # lines; a quote that is open for longer was not meant
_QUOTED = re.compile(r'"[^"\n]*"')
_LETTERS = re.compile(r"[^\W\d_]+")
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a delimited file is written.

    Attributes:
        delimiter: between cells.
        names: names of the columns.
        unnamed: names that were made up, because the header has none there.
        skipped: lines before the first row: comments and the header.
        comment: first character of lines that are no rows, empty for none.
    """

    delimiter: str
    names: tuple[str, ...]
    unnamed: tuple[str, ...] = ()
    skipped: int = 0
    comment: str = ""


def find_dialect(text: TextIO, *, delimiter: str | None, header: str | None, comment: str | None) -> Dialect:
    """Return how a file is written.

    Args:
        text: the file, at its start.
        delimiter: given by the user, None to guess.
        header: names given by the user, separated by commas; `none` to number the columns; None for the first line.
        comment: first character of comment lines; None for `#` where the file begins with it.

    Raises:
        LoadError: there is no row, the header cannot be used, or there seems to be none.
    """
    lines: list[str] = []
    skipped = 0
    mark = comment or ""
    for line in text:
        if comment is None and not lines and not skipped and line.startswith("#"):
            mark = "#"
        if not line.strip() or (mark and line.startswith(mark)):
            skipped += 0 if lines else 1
            continue
        lines.append(line)
        if len(lines) == _LOOKED_AT:
            break
    if not lines:
        raise LoadError("there is no row in the file")
    found = delimiter or _guess_delimiter(lines)
    first = next(csv.reader([lines[0]], delimiter=found))
    if header is None:
        names, unnamed = _header(first)
        return Dialect(found, names, unnamed, skipped + 1, mark)
    if header == "none":
        return Dialect(found, tuple(f"column_{number}" for number in range(1, len(first) + 1)), (), skipped, mark)
    names = tuple(name.strip() for name in header.split(","))
    _check_names(names)
    if len(names) != len(first):
        raise LoadError(f"--header gives {len(names)} names, line {skipped + 1} has {len(first)} cells")
    return Dialect(found, names, (), skipped, mark)


def read_delimited(text: TextIO, dialect: Dialect, time_column: int | None) -> Iterator[Table]:
    """Give the rows of a file in batches, with all that cannot be read among them.

    Args:
        text: the file, at its start.
        dialect: how it is written.
        time_column: place of the column of times, by whose looks a line is known to be a row; None if there is none.
    """
    reader = _Reader(text, dialect, time_column)
    while (table := reader.next_batch()) is not None:
        yield table


class _Reader:
    """Reads chunks of lines: at once where there is no quote, else record by record."""

    def __init__(self, text: TextIO, dialect: Dialect, time_column: int | None) -> None:
        self._text = text
        self._dialect = dialect
        self._time_column = time_column
        self._shapes: set[str] = set()
        self._line = dialect.skipped  # number of the last line that was read
        for _ in range(dialect.skipped):
            text.readline()

    def next_batch(self) -> Table | None:
        """Return the next rows, None at the end."""
        table = Table(self._dialect.names)
        chunk = self._text.read(_CHUNK)
        if not chunk:
            return None
        chunk += self._text.readline()
        if '"' in chunk:
            self._records(_lines(chunk), table)
        else:
            self._plain(chunk, table)
        return table

    def _plain(self, chunk: str, table: Table) -> None:
        """Take lines without quotes: each is a row."""
        delimiter, comment = self._dialect.delimiter, self._dialect.comment
        width = len(self._dialect.names)
        lines = [line.rstrip("\r\n") for line in _lines(chunk)] if "\r" in chunk else chunk.split("\n")
        if lines and not lines[-1]:
            lines.pop()
        first = self._line + 1
        self._line += len(lines)
        table.rows = [line.split(delimiter) for line in lines]
        table.lines = list(range(first, first + len(lines)))
        commented = comment and any(line.startswith(comment) for line in lines)
        if set(map(len, table.rows)) != {width} or commented or (width == 1 and "" in lines):
            kept: list[Sequence[str]] = []
            table.lines = []
            for number, (line, cells) in enumerate(zip(lines, table.rows, strict=True), first):
                if not line.strip() or (comment and line.startswith(comment)):
                    continue
                if len(cells) == width:
                    kept.append(cells)
                    table.lines.append(number)
                else:
                    table.unreadable.append(Unreadable(number, _wrong_width(cells, width), line))
            table.rows = kept
        self._learn_shapes(table)

    def _records(self, lines: list[str], table: Table) -> None:
        """Take lines with quotes, record by record; the last record may need lines of the next chunk."""
        position = 0
        while position < len(lines):
            line = lines[position]
            if not line.strip() or (self._dialect.comment and line.startswith(self._dialect.comment)):
                position += 1
                self._line += 1
                continue
            used, cells, fault = self._record(lines, position)
            if fault is None:
                table.rows.append(cells)
                table.lines.append(self._line + 1)
                if len(table.rows) % 64 == 1:
                    self._learn_shapes(table)
            else:
                used = 1
                table.unreadable.append(Unreadable(self._line + 1, fault, line.rstrip("\r\n")))
            position += used
            self._line += used

    def _record(self, lines: list[str], position: int) -> tuple[int, list[str], str | None]:
        """Return how many lines the record at a place has, its cells, and what is wrong with it, if anything."""
        width = len(self._dialect.names)
        if '"' not in lines[position]:
            cells = lines[position].rstrip("\r\n").split(self._dialect.delimiter)
            return 1, cells, None if len(cells) == width else _wrong_width(cells, width)
        taken = 0

        def source() -> Iterator[str]:
            nonlocal taken
            while taken < _LONGEST_RECORD:
                if position + taken >= len(lines):
                    lines.extend(self._text.readlines(_CHUNK))
                    if position + taken >= len(lines):
                        return
                taken += 1
                yield lines[position + taken - 1]

        try:
            cells = next(csv.reader(source(), delimiter=self._dialect.delimiter, strict=True))
        except (csv.Error, StopIteration) as error:
            return taken, [], self._fault(lines[position], taken, str(error))
        if len(cells) != width:
            return taken, cells, self._fault(lines[position], taken, _wrong_width(cells, width))
        own = shape(cells[self._time_column]) if self._time_column is not None else ""
        if any(self._is_row(lines[position + offset], own) for offset in range(1, taken)):
            return taken, cells, self._fault(lines[position], taken, "")
        return taken, cells, None

    def _fault(self, line: str, taken: int, error: str) -> str:
        if taken <= 1 and "unexpected end of data" not in error:
            return error
        column = _open_quote(line, self._dialect.delimiter)
        name = self._dialect.names[column] if column < len(self._dialect.names) else f"cell {column + 1}"
        return f"a quote opens in {name!r} and is not closed in this row"

    def _is_row(self, line: str, own: str) -> bool:
        """Return whether a line is a row by itself: as many cells, and a time where the others have theirs.

        Args:
            line: a line inside a record.
            own: what the time of that record looks like.
        """
        cells = line.rstrip("\r\n").split(self._dialect.delimiter)
        if len(cells) != len(self._dialect.names):
            return False
        return self._time_column is None or shape(cells[self._time_column]) in {own, *self._shapes}

    def _learn_shapes(self, table: Table) -> None:
        if self._time_column is not None and table.rows and len(self._shapes) < _LOOKED_AT:
            self._shapes.add(shape(table.rows[-1][self._time_column]))
            self._shapes.add(shape(table.rows[0][self._time_column]))


def _lines(chunk: str) -> list[str]:
    """Return the lines of a chunk with their ends, as text files have them: no other separators count."""
    return io.StringIO(chunk, newline="").readlines()


def shape(cell: str) -> str:
    """Return what a cell looks like, whatever it says: digits and letters in runs, the rest as it is."""
    return _LETTERS.sub("a", _DIGITS.sub("0", cell.strip().strip('"')))


def _guess_delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter that makes lines most like the first one, and among those the one with the most cells."""
    bare = [_QUOTED.sub("", line) for line in lines]

    def quality(delimiter: str) -> tuple[float, int]:
        widths = [line.count(delimiter) + 1 for line in bare]
        return (widths.count(widths[0]) / len(widths) if widths[0] > 1 else 0.0, widths[0])

    return max(_GUESSED, key=quality)


def _header(cells: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of a header line, and which of them were made up."""
    names = [cell.strip() for cell in cells]
    if all(_is_value(name) for name in names if name):
        raise LoadError(
            f"line 1 looks like data, not like names: {', '.join(names[:4])}; --header NAME,NAME,... gives the names,"
            " --header none numbers them"
        )
    unnamed = []
    for place, name in enumerate(names):
        if not name:  # pandas writes its index so
            made = "index" if place == 0 and "index" not in names else f"column_{place + 1}"
            names[place] = made
            unnamed.append(made)
    _check_names(names)
    return tuple(names), tuple(unnamed)


def _check_names(names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise LoadError(
            f"the header has {', '.join(twice)} more than once; --header NAME,NAME,... names all columns anew"
        )
    for name in names:
        if not name or name.startswith("_") or not all(part.strip() for part in name.split(".")):
            raise LoadError(
                f"column {name!r} cannot be the name of a field (no leading underscore, no empty part between dots);"
                " --header NAME,NAME,... names all columns anew"
            )


def _is_value(text: str) -> bool:
    """Return whether a cell is a number or a time rather than a name."""
    return bool(re.fullmatch(r"[-+]?[\d.,:/ TZ-]*\d[\d.,:/ TZ-]*", text))


def _wrong_width(cells: Sequence[str], width: int) -> str:
    many = "cell" if len(cells) == 1 else "cells"
    return f"{len(cells)} {many}, the header has {width}"


def _open_quote(line: str, delimiter: str) -> int:
    """Return the place of the cell whose quote is open at the end of the line."""
    column, inside, start = 0, False, True
    for character in line:
        if character == '"' and (inside or start):
            inside = not inside
        elif character == delimiter and not inside:
            column, start = column + 1, True
            continue
        start = False
    return column
