"""The text of csv-spec files as values: statements, and the tables and warnings that they give."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_SHORT = {
    **dict.fromkeys(("i", "int", "short", "byte", "s"), "integer"),
    **dict.fromkeys(("d", "float", "half_float", "scaled_float"), "double"),
    **dict.fromkeys(("b", "bool"), "boolean"),
    **dict.fromkeys(("dt", "datetime"), "date"),
    "l": "long",
    "ul": "unsigned_long",
    "k": "keyword",
    "string": "keyword",
    "v": "version",
    "n": "null",
}
_WHOLE = frozenset({"integer", "long", "unsigned_long", "counter_integer", "counter_long"})


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        file: the name of its file.
        name: its own.
        statement: the ES|QL.
        columns: names and types of what it gives.
        rows: the values.
        warnings: what the answer warns of; None where a pattern says it.
        any_order: rows may come in any order.
        ignored: it is not run.
    """

    file: str
    name: str
    statement: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Any, ...], ...]
    warnings: tuple[str, ...] | None
    any_order: bool
    ignored: bool


@dataclass
class _Draft:
    name: str
    statement: list[str] = field(default_factory=list)
    ended: bool = False
    warnings: list[str] = field(default_factory=list)
    pattern: bool = False
    any_order: bool = False
    table: list[str] = field(default_factory=list)


def cases_of(path: Path) -> Iterator[Case]:
    """The cases of a file; lines without anything and comments count nowhere, not even in the places of warnings."""
    draft: _Draft | None = None
    for raw in path.read_text().splitlines():
        line = raw.strip()
        if not line or line.startswith("//"):
            continue
        if draft is None:
            draft = _Draft(line)
        elif not draft.ended:
            _read_statement(draft, raw.rstrip(), line)
        elif line.startswith(";"):
            yield _case(path.stem, draft)
            draft = None
        else:
            _read_answer(draft, line)


def _read_statement(draft: _Draft, raw: str, line: str) -> None:
    if line.lower().startswith("required_capability:"):
        return
    draft.ended = line.endswith(";") and not line.endswith("\\;")
    text = raw[:-1] if draft.ended else raw
    draft.statement.append(text.replace("\\;", ";"))


def _read_answer(draft: _Draft, line: str) -> None:
    key, _, value = line.partition(":")
    if key.lower() == "warning":
        draft.warnings.append(value.strip().partition("#[Emulated:")[0])
    elif key.lower() == "warningregex":
        draft.pattern = True
    elif key.lower() == "ignoreorder":
        draft.any_order = value.strip() == "true"
    else:
        draft.table.append(line)


def _case(file: str, draft: _Draft) -> Case:
    name, _, options = draft.name.partition("#")
    lines = [_cells(line, "|") for line in draft.table]
    header = [cell.rpartition(":") for cell in lines[0]] if lines else []
    columns = tuple((name.strip(), type_of(kind.strip())) for name, _, kind in header)
    rows = tuple(tuple(_value(cell, kind) for cell, (_, kind) in zip(row, columns, strict=True)) for row in lines[1:])
    warnings = None if draft.pattern else tuple(draft.warnings)
    ignored = name.endswith("-Ignore") or options.startswith("[skip:-9")
    return Case(file, name, "\n".join(draft.statement).strip(), columns, rows, warnings, draft.any_order, ignored)


def type_of(name: str) -> str:
    """The type that answers show for a type, or a short name of one."""
    return _SHORT.get(name.lower(), name.lower())


def _cells(line: str, separator: str) -> list[str]:
    """What lies between separators, outside of quotation marks and not escaped."""
    (row,) = csv.reader([line], delimiter=separator, quotechar='"', escapechar="\\", skipinitialspace=True)
    return [cell.strip() for cell in row]


def _value(text: str, kind: str) -> Any:
    if text == "null":
        return None
    if text.startswith("[") and text.endswith("]") and kind not in {"geo_point", "geo_shape"}:
        parts = [_single(part, kind) for part in _cells(text[1:-1], ",")]
        return parts[0] if len(parts) == 1 else parts
    return _single(text, kind)


def _single(text: str, kind: str) -> Any:
    if text == "null":
        return None
    if kind in _WHOLE:
        return int(float(text)) if re.search(r"[.eE]", text) else int(text)
    if kind == "double":
        return float(text)
    if kind == "boolean":
        return text.lower() == "true"
    return moment(text) if kind == "date" else text


def moment(text: str) -> Any:
    """A moment as answers write it, so that other forms of the same are equal."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="milliseconds")
    except ValueError:
        return text
