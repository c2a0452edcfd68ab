"""Rows as JSON documents: a column at a time where cells are text, a row at a time where the file is JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from anomalyops.loader.survey import TimeField
from anomalyops_reading.columns import Column, FieldType
from anomalyops_reading.numbers import LONG_RANGE, UNSIGNED_MAXIMUM
from anomalyops_reading.rows import Batch, Objects, Table, Unreadable, row_text
from anomalyops_reading.timestamps import SURE_CLOCK, SURE_DATE

try:  # orjson comes with the engine extra; without it loading is slower, not different
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]

_quoted: Callable[[str], str] = json.encoder.encode_basestring
_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_WHOLE: Final = re.compile(r"-?(?:0|[1-9]\d*)", re.ASCII)
_ALL_NUMBERS: Final = re.compile(r"(?:-?(?:0|[1-9]\d{0,17})(?:\.\d{1,300})?\n)*", re.ASCII)
_ALL_WHOLE: Final = re.compile(r"(?:-?(?:0|[1-9]\d{0,17})\n)*", re.ASCII)
# What needs no calendar; other times are read one by one.
_ALL_UTC: Final = re.compile(rf"(?:{SURE_DATE}T{SURE_CLOCK}Z\n)*")
_ALL_LOCAL: Final = re.compile(rf"(?:{SURE_DATE}[T ]{SURE_CLOCK}\n)*")
_ESCAPED: Final = re.compile(r'["\\\x00-\x1f]')
_TEXTS: Final = frozenset({FieldType.IP, FieldType.KEYWORD, FieldType.TEXT})
_RANGES: Final = {FieldType.LONG: LONG_RANGE, FieldType.UNSIGNED_LONG: (0, UNSIGNED_MAXIMUM)}


@dataclass(slots=True)
class Documents:
    """Encoded rows, in the order of the file.

    Attributes:
        documents: JSON texts of one line each.
        lines: the line of each.
        ids: the id of each, None to have one made; empty when no row has one.
        unreadable: rows that became no document.
    """

    documents: list[bytes] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    ids: list[str | None] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)


class Encoder:
    """Makes documents of rows.

    Args:
        columns: the fields.
        time: where the time of a row is; rows without one are unreadable.
        keep_ids: send the ids of the file.
    """

    def __init__(self, columns: Sequence[Column], time: TimeField, *, keep_ids: bool = True) -> None:
        self._columns = {column.name: column for column in columns}
        self._time = time
        self._keep_ids = keep_ids
        self._read_time = self._columns[time.name].time_format

    def encode(self, batch: Batch) -> Documents:
        """Return the documents of a batch."""
        found = self._cells(batch) if isinstance(batch, Table) else self._objects(batch)
        found.unreadable = [*batch.unreadable, *found.unreadable]
        return found

    def _cells(self, batch: Table) -> Documents:
        found = Documents()
        if not batch.rows:
            return found
        by_column: dict[str, Sequence[str]] = dict(zip(batch.names, zip(*batch.rows, strict=True), strict=True))
        if self._time.joined:
            parts = [by_column[part] for part in self._time.parts]
            by_column[self._time.name] = [" ".join(filter(None, cells)) for cells in zip(*parts, strict=True)]
        faults: dict[int, str] = {}
        fragments = [
            self._fragments(self._columns[name], cells, faults)
            for name, cells in by_column.items()
            if name in self._columns
        ]
        if not faults:
            whole = _encoded_at_once(fragments)
            if whole is not None:
                return Documents(whole, batch.lines)
        for place, row in enumerate(zip(*fragments, strict=True)):
            fault = faults.get(place)
            if fault is None:
                try:
                    found.documents.append(f"{{{','.join(filter(None, row))}}}".encode())
                    found.lines.append(batch.lines[place])
                except UnicodeEncodeError:
                    fault = "bytes that are no text in the encoding of the file"
            if fault is not None:
                found.unreadable.append(Unreadable(batch.lines[place], fault, row_text(batch.rows[place])))
        return found

    def _fragments(self, column: Column, cells: Sequence[str], faults: dict[int, str]) -> list[str]:
        """Return `"name":value` for each cell, empty for no value; what is wrong goes to `faults` by place."""
        prefix = f"{_quoted(column.name)}:"
        at_once = column.notation.plain and not any(map(_NUMBER.fullmatch, column.nulls))
        if at_once and _all_plain(column.type, "\n".join(cells) + "\n"):
            return [f"{prefix}{cell}" for cell in cells]
        if column.time_format is not None and column.time_format.utc_iso:
            read = _iso_at_once(cells)
            if read is not None:
                return [f'{prefix}"{moment}"' for moment in read]
        if column.type in _TEXTS and _as_they_are(column, cells):
            return [f'{prefix}"{cell}"' for cell in cells]
        if column.time_format is not None and column.time_format.ordered:
            made = [self._converted(column, cell) for cell in cells]
        else:
            by_cell = {cell: self._converted(column, cell) for cell in dict.fromkeys(cells)}
            made = [by_cell[cell] for cell in cells]
        for place, (_, fault) in enumerate(made):
            if fault:
                faults.setdefault(place, f"{column.name}: {fault}")
        return [f"{prefix}{value}" if value else "" for value, _ in made]

    def _converted(self, column: Column, cell: str) -> tuple[str, str]:
        """Return a cell as JSON, empty for no value, and what is wrong with it."""
        try:
            value = _json_value(column, cell)
        except ValueError as error:
            advice = "" if column.type is FieldType.DATE else f" (--type {column.name}=keyword keeps it)"
            return "", f"{error}{advice}"
        return value, "no value" if not value and column.name == self._time.name else ""

    def _objects(self, batch: Objects) -> Documents:
        found = Documents()
        as_they_are = self._times_stay(batch.rows)
        for line, row, doc_id in zip(batch.lines, batch.rows, batch.ids, strict=True):
            try:
                document = _encode(row if as_they_are else self._timed(row))
            except (ValueError, RecursionError) as error:
                found.unreadable.append(Unreadable(line, str(error), _shown(row)))
            else:
                found.documents.append(document)
                found.lines.append(line)
                found.ids.append(doc_id if self._keep_ids else None)
        return found

    def _times_stay(self, rows: Sequence[dict[str, Any]]) -> bool:
        """Return whether all rows have their time as the server reads it, seen of all at once."""
        if self._read_time is None or not self._read_time.utc_iso:
            return False
        times = [row.get(self._time.name) for row in rows]
        if set(map(type, times)) != {str}:
            return False
        joined = "\n".join(times) + "\n"  # type: ignore[arg-type]
        return joined.count("\n") == len(times) and _ALL_UTC.fullmatch(joined) is not None

    def _timed(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row with its time as the server reads it."""
        name = self._time.name
        holder: Any = row
        leaf = name
        if name not in row:
            *parents, leaf = name.split(".")
            for parent in parents:
                holder = holder.get(parent) if isinstance(holder, dict) else None
        if not isinstance(holder, dict) or holder.get(leaf) in (None, ""):
            raise ValueError(f"{name}: no value")
        if self._read_time is not None:
            try:
                holder[leaf] = self._read_time.convert(holder[leaf])
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return row


def _encode(document: Mapping[str, Any]) -> bytes:
    """Return a document as JSON text.

    Raises:
        ValueError: a text in it cannot be written in UTF-8.
    """
    if orjson is not None:
        try:
            return orjson.dumps(document)
        except TypeError:  # a number beyond 64 bits, or text that is no Unicode
            pass
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _encoded_at_once(fragments: Sequence[Sequence[str]]) -> list[bytes] | None:
    """Return the documents of columns that all have a value in every row; None where they have not."""
    if any("" in column for column in fragments):
        return None
    try:
        joined = "}\n{".join(map(",".join, zip(*fragments, strict=True))).encode()
    except UnicodeEncodeError:
        return None
    return (b"{" + joined + b"}").split(b"\n")  # a line end inside a value is written as an escape


def _iso_at_once(cells: Sequence[str]) -> list[str] | None:
    """Return times of the two usual forms as every server reads them; None where one has another form."""
    joined = "\n".join(cells) + "\n"
    if _ALL_UTC.fullmatch(joined):
        return list(cells)
    if _ALL_LOCAL.fullmatch(joined):
        return [f"{cell[:10]}T{cell[11:]}Z" for cell in cells]
    return None


def _as_they_are(column: Column, cells: Sequence[str]) -> bool:
    """Return whether all texts of a column are values that JSON writes without escapes."""
    return "" not in cells and column.nulls.isdisjoint(cells) and _ESCAPED.search("".join(cells)) is None


def _all_plain(kind: FieldType, joined: str) -> bool:
    if kind is FieldType.DOUBLE:
        return _ALL_NUMBERS.fullmatch(joined) is not None
    return kind is FieldType.LONG and _ALL_WHOLE.fullmatch(joined) is not None


def _json_value(column: Column, cell: str) -> str:
    """Return a cell as JSON, empty for no value.

    Raises:
        ValueError: it does not fit the type of its column.
    """
    if cell == "" or cell in column.nulls:
        return ""
    if column.type is FieldType.DATE and column.time_format is not None:
        moment = column.time_format.convert(cell)
        return str(moment) if isinstance(moment, int) else f'"{moment}"'
    try:
        return _CONVERSIONS[column.type](column, cell)
    except ValueError:
        if column.lenient:
            return _quoted(cell)
        raise


def _number(column: Column, cell: str) -> str:
    text = column.notation.read(cell)
    low_high = _RANGES.get(column.type)
    if low_high is None:
        if not _NUMBER.fullmatch(text) or abs(float(text)) == float("inf"):
            raise ValueError(f"{cell!r} is not a finite number")
        return text
    if not _WHOLE.fullmatch(text) or not low_high[0] <= int(text) <= low_high[1]:
        raise ValueError(f"{cell!r} is not a whole number of 64 bits")
    return text


def _boolean(column: Column, cell: str) -> str:
    if cell.lower() not in {"true", "false"}:
        raise ValueError(f"{cell!r} is not true or false")
    return cell.lower()


def _text(column: Column, cell: str) -> str:
    return _quoted(cell)


_CONVERSIONS: Final[Mapping[FieldType, Callable[[Column, str], str]]] = {
    FieldType.BOOLEAN: _boolean,
    FieldType.LONG: _number,
    FieldType.UNSIGNED_LONG: _number,
    FieldType.DOUBLE: _number,
    FieldType.DATE: _text,
    FieldType.IP: _text,
    FieldType.KEYWORD: _text,
    FieldType.TEXT: _text,
}


def _shown(row: Mapping[str, Any]) -> str:
    try:
        return json.dumps(row, ensure_ascii=False, default=str)[:1000]
    except (ValueError, RecursionError):
        return ""
