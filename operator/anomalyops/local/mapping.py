"""The mapping of an index, guessed from a sample of the file that is to be loaded into it."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from anomalyops.local import timestamps
from anomalyops.local.timestamps import TimeFormat

_INTEGER: Final = re.compile(r"-?(0|[1-9]\d{0,18})$", re.ASCII)  # no leading zeros: 007 is a name
_DECIMAL: Final = re.compile(r"-?(0|[1-9]\d*)?(\.\d*)?([eE][+-]?\d+)?$", re.ASCII)
_LONG_RANGE: Final = (-(2**63), 2**63 - 1)
_KEYWORD_LENGTH: Final = 256  # what the dynamic mapping of Elasticsearch keeps as a keyword
_KEYWORD_WORDS: Final = 4  # longer values are prose, which is searched by word
_BOOLEANS: Final = {"true": True, "false": False}


class FieldType(StrEnum):
    """The field types that are guessed, in the order of preference."""

    BOOLEAN = "boolean"
    LONG = "long"
    DOUBLE = "double"
    DATE = "date"
    IP = "ip"
    KEYWORD = "keyword"
    TEXT = "text"


class MappingError(ValueError):
    """A mapping that cannot be guessed or is not possible; the message names field and value."""


@dataclass(frozen=True, slots=True)
class Column:
    """One field of the file: its name (dotted where objects nest), type and, for dates, their format."""

    name: str
    type: FieldType
    time_format: TimeFormat | None = None


def guess(
    sample: Sequence[Mapping[str, Any]],
    *,
    time_field: str,
    time_format: TimeFormat | None = None,
    types: Mapping[str, FieldType] | None = None,
    textual: bool,
) -> list[Column]:
    """One column for every field of the sample, in order of appearance.

    Args:
        sample: Rows of the file; the values are text (`textual`) or JSON values. `None` and "" say nothing.
        time_field: Becomes a `date`, whatever it looks like.
        time_format: Of the time field; detected if None.
        types: Types that the user has set, by field.
        textual: Whether text may stand for a number or a boolean, as in CSV.

    Raises:
        MappingError: The time field is missing or unreadable, or a set type belongs to no field.
    """
    values = _values_by_field(sample)
    types = types or {}
    if time_field not in values:
        raise MappingError(f"time field {time_field!r} is not in the file; its fields: {', '.join(values)}")
    unknown = set(types) - set(values)
    if unknown:
        raise MappingError(f"type set for {sorted(unknown)}, but the file's fields are: {', '.join(values)}")
    columns = []
    for name, found in values.items():
        if name == time_field:
            columns.append(Column(name, FieldType.DATE, time_format or _time_format(name, found)))
        else:
            columns.append(_column(name, found, types.get(name), textual=textual))
    return columns


def index_mapping(columns: Iterable[Column]) -> dict[str, Any]:
    """The body of `mappings` for creating the index; dotted names become nested objects."""
    root: dict[str, Any] = {}
    for column in columns:
        *parents, leaf = column.name.split(".")
        level = root
        for parent in parents:
            level = level.setdefault(parent, {}).setdefault("properties", {})
        level[leaf] = _property(column.type)
    return {"properties": root}


def converter(column: Column) -> Callable[[str], Any]:
    """The function that makes a CSV cell of this column into a JSON value. It raises ValueError with the reason."""
    if column.type is FieldType.DATE:
        return (column.time_format or timestamps.ISO).convert
    return _CONVERTERS[column.type]


def _values_by_field(sample: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    values: dict[str, list[Any]] = {}
    for row in sample:
        for name, value in _leaves(row):
            found = values.setdefault(name, [])
            if value is not None and value != "":
                found.append(value)
    return values


def _leaves(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        name = prefix + key
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{name}.")
        elif isinstance(value, list):
            for item in value or [None]:
                if isinstance(item, Mapping):
                    yield from _leaves(item, f"{name}.")
                else:
                    yield name, item
        else:
            yield name, value


def _time_format(name: str, values: Sequence[Any]) -> TimeFormat:
    try:
        return timestamps.detect(values)
    except timestamps.TimeFormatError as error:
        raise MappingError(f"time field {name!r}: {error} (--time-format)") from error


def _column(name: str, values: Sequence[Any], chosen: FieldType | None, *, textual: bool) -> Column:
    kind = chosen or _common_type(values, textual=textual)
    if kind is FieldType.DATE and values and not all(timestamps.is_iso(str(value)) for value in values):
        return Column(name, kind, _time_format(name, values))
    return Column(name, kind, timestamps.ISO if kind is FieldType.DATE else None)


def _common_type(values: Sequence[Any], *, textual: bool) -> FieldType:
    possible = set(FieldType)
    for value in values:
        possible &= _text_types(value, textual=textual) if isinstance(value, str) else _json_types(value)
    if not values:
        return FieldType.KEYWORD
    return next(kind for kind in FieldType if kind in possible)


def _json_types(value: Any) -> set[FieldType]:
    general = {FieldType.KEYWORD, FieldType.TEXT}
    if isinstance(value, bool):
        return general | {FieldType.BOOLEAN}
    if isinstance(value, int) and _LONG_RANGE[0] <= value <= _LONG_RANGE[1]:
        return general | {FieldType.LONG, FieldType.DOUBLE}
    return general | {FieldType.DOUBLE}


def _text_types(text: str, *, textual: bool) -> set[FieldType]:
    kinds = {FieldType.TEXT}
    if len(text) <= _KEYWORD_LENGTH and len(text.split()) <= _KEYWORD_WORDS:
        kinds.add(FieldType.KEYWORD)
    if textual:
        kinds |= _literal_types(text)
    # JSON goes to the server as it is, and the server reads a date with a "T" only.
    if timestamps.is_iso(text) and (textual or " " not in text):
        kinds.add(FieldType.DATE)
    if _is_address(text):
        kinds.add(FieldType.IP)
    return kinds


def _literal_types(text: str) -> set[FieldType]:
    kinds = set()
    if text.lower() in _BOOLEANS:
        kinds.add(FieldType.BOOLEAN)
    for kind, convert in ((FieldType.LONG, _to_long), (FieldType.DOUBLE, _to_double)):
        try:
            convert(text)
        except ValueError:
            continue
        kinds.add(kind)
    return kinds


def _is_address(text: str) -> bool:
    if "." not in text and ":" not in text:
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text  # a zone index is not part of an address


def _property(kind: FieldType) -> dict[str, Any]:
    if kind is FieldType.TEXT:
        return {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": _KEYWORD_LENGTH}}}
    return {"type": str(kind)}


def _to_boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise ValueError(f"{text!r} is not true or false") from None


def _to_long(text: str) -> int:
    if not _INTEGER.match(text) or not _LONG_RANGE[0] <= int(text) <= _LONG_RANGE[1]:
        raise ValueError(f"{text!r} is not a whole number of 64 bits")
    return int(text)


def _to_double(text: str) -> float:
    if not _DECIMAL.match(text) or not any(map(str.isdigit, text)):
        raise ValueError(f"{text!r} is not a number")
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not a finite number")
    return number


def _to_address(text: str) -> str:
    if not _is_address(text):
        raise ValueError(f"{text!r} is not an IP address")
    return text


def _to_text(text: str) -> str:
    return text


_CONVERTERS: Final[Mapping[FieldType, Callable[[str], Any]]] = {
    FieldType.BOOLEAN: _to_boolean,
    FieldType.LONG: _to_long,
    FieldType.DOUBLE: _to_double,
    FieldType.IP: _to_address,
    FieldType.KEYWORD: _to_text,
    FieldType.TEXT: _to_text,
}
