"""Whether the fields of an index are what an entry of the catalogue needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from anomalyops.catalog.entries import Entry, FieldKind
from anomalyops.catalog.rendering import Choices, field_names

_KEYWORD: Final = ".keyword"  # the field beside a text that dynamic mapping makes
_NUMBERS: Final = frozenset(
    {"long", "integer", "short", "byte", "double", "float", "half_float", "scaled_float", "unsigned_long"}
)
_VALUES: Final = _NUMBERS | {"keyword", "constant_keyword", "wildcard", "ip", "boolean", "version"}
_ACCEPTED: Final[Mapping[FieldKind, frozenset[str]]] = {
    FieldKind.TIME: frozenset({"date", "date_nanos"}),
    FieldKind.NUMBER: _NUMBERS,
    FieldKind.VALUE: _VALUES,
    FieldKind.TEXT: frozenset({"text", "match_only_text", "keyword", "constant_keyword", "wildcard"}),
}
_SAYS: Final[Mapping[FieldKind, str]] = {
    FieldKind.TIME: "a date",
    FieldKind.NUMBER: "a number",
    FieldKind.VALUE: "a keyword, an ip, a number or a boolean",
    FieldKind.TEXT: "a text or a keyword",
}


def accepted_types() -> Mapping[FieldKind, frozenset[str]]:
    """The types of Elasticsearch that a field may have, by what it is needed for."""
    return _ACCEPTED


def names_to_look_up(entry: Entry, choices: Choices) -> frozenset[str]:
    """The fields to ask the server about, those that could stand in for them too."""
    names = set(_needs(entry, choices))
    return frozenset(names | {f"{name}{_KEYWORD}" for name in names})


def unsuited(entry: Entry, choices: Choices, types: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """What is wrong with the fields of the indices, one line a field.

    Args:
        entry: What shall read them.
        choices: What its fields are called.
        types: The types of each field of the indices; one that is in none of them is left out.
    """
    for called, (kind, name) in _needs(entry, choices).items():
        found = types.get(called, frozenset())
        if not found or found - _ACCEPTED[kind]:
            what = f"is {' and '.join(sorted(found))}" if found else "is not mapped"
            yield f"{called} {what}: {entry.name} needs {_SAYS[kind]}{_advice(name, called, kind, types)}"


def _needs(entry: Entry, choices: Choices) -> dict[str, tuple[FieldKind, str | None]]:
    """For each name in the data: what it is needed for, and its name in the catalogue."""
    names = field_names(entry, choices.fields)
    needs: dict[str, tuple[FieldKind, str | None]] = dict.fromkeys(choices.filters, (FieldKind.VALUE, None))
    return needs | {names[one.name]: (one.kind, one.name) for one in entry.fields}


def _advice(name: str | None, called: str, kind: FieldKind, types: Mapping[str, frozenset[str]]) -> str:
    beside = f"{called}{_KEYWORD}"
    if kind is FieldKind.VALUE and types.get(beside) == frozenset({"keyword"}):
        return f"; write --field {name}={beside}" if name else f"; write --filter {beside}=..."
    return f"; say what it is called with --field {name}=..." if name else ""
