"""JSON in its forms: a line a row, an array, objects one after the other, requests for `_bulk`, and wrappers.

A file is streamed: memory does not grow with it, but for a wrapper, whose rows lie somewhere inside one value.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final, TextIO

from anomalyops_reading.errors import LoadError
from anomalyops_reading.rows import Objects, Unreadable

_CHUNK: Final = 1 << 20
_BATCH: Final = 5_000
_LONGEST: Final = 1 << 26  # characters of one value; beyond it the JSON is taken to be broken
_ACTIONS: Final = frozenset({"index", "create", "update", "delete"})
_ACTION_KEYS: Final = frozenset({"_index", "_id", "_type", "routing", "pipeline", "version", "version_type"})
# Where the rows of known answers lie: Elasticsearch, GeoJSON, Prometheus.
_WRAPPERS: Final = ("hits.hits", "features", "data.result")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


# Made once: `json.loads` makes a decoder for each text.
_decode: Final = json.JSONDecoder(parse_constant=_no_constant).decode


class JsonForm(StrEnum):
    """How a JSON file holds its rows."""

    LINES = "ndjson"
    ARRAY = "array"
    STREAM = "objects"
    BULK = "bulk"


def recognise_json(text: TextIO) -> JsonForm:
    """Return the form of a JSON file, from its first lines.

    Raises:
        LoadError: it does not begin like JSON.
    """
    first = _first_line(text)
    if first.startswith("["):
        return JsonForm.ARRAY
    if not first.startswith("{"):
        raise LoadError(f"line 1 is no JSON: {first[:60]!r}")
    try:
        value = json.loads(first)
    except ValueError:
        return JsonForm.STREAM  # an object over several lines
    if _is_action(value):
        return JsonForm.BULK
    following = _first_line(text)
    return JsonForm.LINES if following or not _is_wrapper(value) else JsonForm.STREAM


def read_json(text: TextIO, form: JsonForm, *, rows_at: str | None) -> Iterator[Objects]:
    """Give the rows of a JSON file in batches.

    Args:
        text: the file, at its start.
        form: how it holds them.
        rows_at: dotted path of the list of rows inside the one object of the file; None to look at known places.

    Raises:
        LoadError: the file is one object in which no rows are found.
    """
    if form is JsonForm.LINES and rows_at is None:
        found = _lines(text)
    elif form is JsonForm.BULK:
        found = _bulk(text)
    elif form is JsonForm.ARRAY and rows_at is None:
        found = _values(text, array=True)
    else:
        found = _stream(text, rows_at)
    while items := list(itertools.islice(found, _BATCH)):
        yield _batch(items)


Item = tuple[int, dict[str, Any], str | None] | Unreadable


def _batch(items: list[Item]) -> Objects:
    batch = Objects()
    for item in items:
        if isinstance(item, Unreadable):
            batch.unreadable.append(item)
        else:
            batch.lines.append(item[0])
            batch.rows.append(item[1])
            batch.ids.append(item[2])
    return batch


def _lines(text: TextIO) -> Iterator[Item]:
    for number, line in enumerate(text, 1):
        stripped = line.strip()
        if stripped:
            yield _parsed(number, stripped)


def _parsed(number: int, text: str) -> Item:
    try:
        value = _decode(text)
    except (ValueError, RecursionError) as error:
        return Unreadable(number, f"not JSON: {error}", text)
    return _row(number, value, text)


def _row(number: int, value: Any, text: str) -> Item:
    """Return a value as a row, with the id that it carries."""
    if not isinstance(value, dict):
        return Unreadable(number, f"a JSON {_json_type(value)} where an object is expected", text)
    if isinstance(value.get("_source"), dict) and value.keys() <= _HIT_KEYS:  # as searches and dumps have documents
        return number, value["_source"], _text_or_none(value.get("_id"))
    if "_id" in value:  # no field of a document can have that name
        return number, {key: inner for key, inner in value.items() if key != "_id"}, _text_or_none(value["_id"])
    return number, value, None


_HIT_KEYS: Final = frozenset(
    {"_index", "_type", "_id", "_score", "_source", "_version", "_seq_no", "_primary_term", "_routing", "sort"}
    | {"fields", "highlight", "_ignored"}
)


def _bulk(text: TextIO) -> Iterator[Item]:
    """Read pairs of an action and its document."""
    lines = ((number, line.strip()) for number, line in enumerate(text, 1) if line.strip())
    for number, line in lines:
        try:
            action = json.loads(line)
        except ValueError as error:
            yield Unreadable(number, f"not JSON: {error}", line)
            continue
        if not _is_action(action):
            yield Unreadable(number, "an action such as {'index': {}} is expected here", line)
            continue
        ((kind, options),) = action.items()
        if kind == "delete":
            yield Unreadable(number, "a deletion is no row", line)
            continue
        following = next(lines, None)
        if following is None:
            yield Unreadable(number, "the document of this action is missing", line)
        elif kind == "update":
            yield Unreadable(number, "an update is no row", line)
        else:
            item = _parsed(*following)
            yield item if isinstance(item, Unreadable) else (number, item[1], _text_or_none(options.get("_id")))


def _stream(text: TextIO, rows_at: str | None) -> Iterator[Item]:
    """Read objects one after the other; if there is just one, the rows are inside it."""
    found = _values(text, array=False)
    first, second = next(found, None), next(found, None)
    if first is None:
        return
    if second is not None or isinstance(first, Unreadable):
        if rows_at is not None:
            raise LoadError("--rows-at is for a file that is one JSON object, this one holds several values")
        yield first
        if second is not None:
            yield second
        yield from found
        return
    yield from _inside(first[1], rows_at)


def _values(text: TextIO, *, array: bool) -> Iterator[Item]:
    """Decode values one at a time from a buffer that holds little more than one of them."""
    decode = json.JSONDecoder(parse_constant=_no_constant).raw_decode
    buffer = text.read(_CHUNK).lstrip()
    if array:
        buffer = buffer[1:]
    for number in itertools.count(1):
        while True:
            buffer = buffer.lstrip(" \t\r\n," if array else " \t\r\n")
            if array and buffer.startswith("]"):
                return
            if not buffer:
                buffer = text.read(_CHUNK)
                if buffer:
                    continue
                if array:
                    yield Unreadable(number, "the array has no end", "")
                return
            try:
                value, end = decode(buffer)
                break
            except (ValueError, RecursionError) as error:
                more = text.read(_CHUNK)
                if not more or len(buffer) > _LONGEST:
                    yield Unreadable(number, f"not JSON, what follows is lost: {error}", buffer[:200])
                    return
                buffer += more
        if end == len(buffer) and not isinstance(value, dict | list | str) and (more := text.read(_CHUNK)):
            buffer += more  # a number may go on
            value, end = decode(buffer)
        yield _row(number, value, buffer[:end])
        buffer = buffer[end:]


def _inside(value: dict[str, Any], rows_at: str | None) -> Iterator[Item]:
    """Read the rows inside one object."""
    path = rows_at or next((path for path in _WRAPPERS if _is_rows(_at(value, path))), None)
    if path is None:
        places = list(_row_lists(value))
        if not places:
            yield _row(1, value, "")
            return
        raise LoadError(
            "the file is one JSON object; --rows-at PATH says where in it the rows are, such as"
            f" {', '.join(places[:5])}"
        )
    rows = _at(value, path)
    if not isinstance(rows, list):
        raise LoadError(f"--rows-at {path}: there is no list, found {_json_type(rows)}")
    number = itertools.count(1)
    for row in rows:
        if path == "features" and isinstance(row, dict) and isinstance(row.get("properties"), dict):
            yield _row(next(number), {**row["properties"], "geometry": row.get("geometry")}, "")
        elif path == "data.result" and isinstance(row, dict) and isinstance(row.get("metric"), dict):
            for moment, text in row.get("values") or [row.get("value") or (None, None)]:
                yield _row(next(number), {**row["metric"], "timestamp": moment, "value": _number(text)}, "")
        else:
            yield _row(next(number), row, "")


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) for row in value[:10])


def _row_lists(value: Any, prefix: str = "", depth: int = 0) -> Iterator[str]:
    if isinstance(value, dict) and depth < 4:
        for key, inner in value.items():
            if _is_rows(inner) and inner:
                yield f"{prefix}{key}"
            yield from _row_lists(inner, f"{prefix}{key}.", depth + 1)


def _is_wrapper(value: Any) -> bool:
    return isinstance(value, dict) and any(True for _ in _row_lists(value))


def _at(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _is_action(value: Any) -> bool:
    if not isinstance(value, dict) or len(value) != 1:
        return False
    ((kind, options),) = value.items()
    return kind in _ACTIONS and isinstance(options, dict) and options.keys() <= _ACTION_KEYS


def _number(text: Any) -> Any:
    """Return a sample of Prometheus, which is a number in quotes, as a number; NaN and infinities as none."""
    try:
        number = float(text)
    except (TypeError, ValueError):
        return text
    return number if abs(number) < float("inf") else None


def _first_line(text: TextIO) -> str:
    return next((line.strip() for line in text if line.strip()), "")


def _json_type(value: Any) -> str:
    return {bool: "boolean", int: "number", float: "number", str: "text", list: "list"}.get(type(value), "null")


def _text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)
