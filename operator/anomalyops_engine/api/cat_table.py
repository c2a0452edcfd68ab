"""Tables of the `_cat` endpoints: columns that are asked for, sorted and laid out as text or JSON (`RestTable`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.parameters import Known, known, one_of
from anomalyops_engine.config.units import iso_time
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.store.patterns import matches

_BYTES: Final = {unit: 1 << 10 * power for power, unit in enumerate(("b", "kb", "mb", "gb", "tb", "pb"))}
_TIMES: Final = {
    "nanos": 1e-6,
    "micros": 1e-3,
    "ms": 1.0,
    "s": 1_000.0,
    "m": 60_000.0,
    "h": 3_600_000.0,
    "d": 86_400_000.0,
}


class Kind(StrEnum):
    """What a column holds, which says how it is written."""

    PLAIN = "plain"
    BYTES = "bytes"
    TIME = "time"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: its name.
        aliases: shorter names.
        path: where its value is in what a row is made of, parts separated by dots.
        about: what it says.
        shown: whether it is shown unless others are asked for.
        kind: what it holds; times are in milliseconds.
        right: whether it is set flush right.
        absent: what is shown where there is no value.
    """

    name: str
    aliases: tuple[str, ...]
    path: str
    about: str
    shown: bool = False
    kind: Kind = Kind.PLAIN
    right: bool = False
    absent: Any = None

    def value(self, row: Mapping[str, Any]) -> Any:
        """Return its value in a row."""
        found: Any = row
        for part in self.path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return self.absent if found is None else found


def parameters(*names: str, idle: Iterable[str] = ()) -> Known:
    """Return the query parameters of a table, and others by name; see `Known` for those that are idle."""
    return known(
        ["bytes", "h", "help", "s", "time", "v", *names], idle=idle, readers={"format": one_of("text", "json")}
    )


def respond(call: Call, columns: Sequence[Column], rows: Callable[[], Iterable[JsonObject]]) -> Response:
    """Return a table as a client asks for it; `rows` are only looked up when it asks for more than help."""
    if call.flag("help", default=False):
        return _plain([[one.name, "|", ",".join(one.aliases), "|", one.about] for one in columns], ())
    chosen = _chosen(columns, call.query.get("h"))
    found = _sorted(columns, list(rows()), call.query.get("s"))
    cells = [[_written(one, one.value(row), call) for one in chosen.values()] for row in found]
    if _wants_json(call):
        return call.respond([dict(zip(chosen, line, strict=True)) for line in cells])
    head = [list(chosen)] if call.flag("v", default=False) else []
    lines = [*head, *([cell or "" for cell in line] for line in cells)]
    return _plain(lines, [place for place, one in enumerate(chosen.values()) if one.right])


def _chosen(columns: Sequence[Column], asked: str | None) -> dict[str, Column]:
    """Return the columns that `h` names, in its order and by its names for them.

    As on a cluster, what it names in vain is left out, and a column that it names twice, by two names, is there twice.
    """
    if asked is None:
        return {one.name: one for one in columns if one.shown}
    by_name = {name: one for one in reversed(columns) for name in (*one.aliases, one.name)}
    found: dict[str, Column] = {}
    for name in filter(None, (part.strip() for part in asked.split(","))):
        if name in by_name:
            found.setdefault(name, by_name[name])
        elif "*" in name:
            for one in columns:
                if any(matches(name, known_as) for known_as in (one.name, *one.aliases)):
                    found.setdefault(one.name, one)
    return found


def _sorted(columns: Sequence[Column], rows: list[JsonObject], asked: str | None) -> list[JsonObject]:
    by_name = {name: one for one in columns for name in (*one.aliases, one.name)}
    for part in reversed([part.strip() for part in asked.split(",")] if asked else []):
        name, _, order = part.partition(":")
        one = by_name.get(name)
        if one is None:
            raise ApiError(400, "illegal_argument_exception", f"Unable to sort by unknown sort key `{name}`")
        if order not in {"", "asc", "desc"}:
            raise ApiError(400, "illegal_argument_exception", f"sort order of [{part}] must be [asc] or [desc]")
        rows = sorted(rows, key=lambda row, one=one: _rank(one.value(row)), reverse=order == "desc")  # type: ignore[misc]
    return rows


def _rank(value: Any) -> tuple[bool, bool, Any]:
    """Return what values are compared by: numbers before texts, nothing at the end."""
    number = isinstance(value, (int, float))
    return value is None, not number, 0 if value is None else value if number else str(value)


def _written(column: Column, value: Any, call: Call) -> str | None:
    if value is None:
        return None
    if column.kind is Kind.BYTES:
        unit = call.query.get("bytes")
        return _size(int(value)) if unit is None else str(int(value) // _BYTES[unit.lower()])
    if column.kind is Kind.TIME:
        unit = call.query.get("time")
        return _time(float(value)) if unit is None else str(int(float(value) / _TIMES[unit.lower()]))
    if column.kind is Kind.DATE:
        return iso_time(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _size(count: int) -> str:
    """Return a number of bytes in the largest unit, with one decimal at most."""
    unit, factor = next((unit, factor) for unit, factor in reversed(_BYTES.items()) if count >= factor or factor == 1)
    return f"{count * 10 // factor / 10:.1f}".removesuffix(".0") + unit


def _time(ms: float) -> str:
    """Return a duration in its largest unit, with one decimal at most."""
    whole = int(ms)
    units = [(unit, factor) for unit, factor in _TIMES.items() if factor >= 1]
    unit, factor = next(((unit, factor) for unit, factor in reversed(units) if whole >= factor), ("ms", 1.0))
    return "0s" if whole == 0 else f"{whole * 10 // factor / 10:.1f}".removesuffix(".0") + unit


def _wants_json(call: Call) -> bool:
    asked = call.query.get("format")
    if asked is not None:
        return asked.lower() == "json"
    accepted = call.request.headers.get("accept", "")
    return "json" in accepted and "text/plain" not in accepted


def _plain(lines: Sequence[Sequence[str]], right: Iterable[int]) -> Response:
    """Return lines of cells as text in columns; the last is not filled up."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    flush = set(right)
    out = []
    for line in lines:
        cells = [
            cell.rjust(width) if place in flush else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        if cells and len(cells) - 1 not in flush:
            cells[-1] = line[-1]
        out.append(" ".join(cells) + "\n")
    return Response("".join(out), media_type="text/plain")
