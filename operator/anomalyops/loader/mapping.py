"""The mapping of the index that a file is loaded into."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from anomalyops_reading.columns import KEYWORD_LENGTH, NUMBERS, Column, FieldType


def index_mapping(columns: Iterable[Column]) -> dict[str, Any]:
    """Return the body of `mappings` for creating the index; dotted names become nested objects."""
    root: dict[str, Any] = {}
    for column in columns:
        *parents, leaf = column.name.split(".")
        level = root
        for parent in parents:
            level = level.setdefault(parent, {}).setdefault("properties", {})
        level[leaf] = _property(column)
    return {"properties": root}


def clashes(columns: Iterable[Column], mapping: Mapping[str, Any]) -> list[str]:
    """Return, in words, where the fields of a file do not fit the mapping of an index that is there."""
    found = []
    for column in columns:
        field: Any = {"properties": mapping.get("properties", {})}
        for part in column.name.split("."):
            field = field.get("properties", {}).get(part, {}) if isinstance(field, Mapping) else {}
        kind = field.get("type")
        if kind is not None and kind not in _ACCEPTED_BY[column.type]:
            found.append(f"{column.name} is {kind} in the index, {column.type} in the file")
    return found


_WORDS = frozenset({"keyword", "text", "constant_keyword", "wildcard", "match_only_text"})
_ACCEPTED_BY: Mapping[FieldType, frozenset[str]] = {
    FieldType.BOOLEAN: _WORDS | {"boolean"},
    FieldType.LONG: _WORDS | {"long", "integer", "short", "byte", "double", "float", "half_float", "unsigned_long"},
    FieldType.UNSIGNED_LONG: _WORDS | {"unsigned_long", "double", "float"},
    FieldType.DOUBLE: _WORDS | {"double", "float", "half_float", "scaled_float"},
    FieldType.DATE: _WORDS | {"date", "date_nanos"},
    FieldType.IP: _WORDS | {"ip"},
    FieldType.KEYWORD: _WORDS,
    FieldType.TEXT: _WORDS,
}


def _property(column: Column) -> dict[str, Any]:
    if column.type is FieldType.TEXT:
        return {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": KEYWORD_LENGTH}}}
    if column.lenient and column.type in NUMBERS:
        return {"type": str(column.type), "ignore_malformed": True}
    return {"type": str(column.type)}
