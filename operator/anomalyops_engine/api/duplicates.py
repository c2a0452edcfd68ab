"""JSON objects that name a field twice: JSON parsers keep the last one, Elasticsearch refuses the document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

# What may stand between a name and its colon; all but the first are rare, and one byte is looked for much faster.
_BLANKS: Final = (b" ", b"\t", b"\n", b"\r")


class DuplicateNameError(ValueError):
    """An object has a name twice."""


def names_once(text: bytes, parsed: Sequence[dict[str, Any]]) -> bool:
    """Return whether surely no object in a text names a field twice; False where it must be looked at closely.

    A text has at least as many `":` as names, unless a name stands apart from its colon; the parsed objects have fewer
    names than the text when one came twice.

    Args:
        text: JSON.
        parsed: what it parses to.
    """
    if any(blank in text and blank + b":" in text for blank in _BLANKS):
        return False
    colons = text.count(b'":')
    return colons == sum(map(len, parsed)) or colons == sum(map(_count, parsed))


def check_names(text: bytes, parsed: object) -> None:
    """Check that no object in a text names a field twice.

    Args:
        text: JSON.
        parsed: what it parses to.

    Raises:
        DuplicateNameError: one does; the message names the field.
    """
    if not isinstance(parsed, dict) or names_once(text, [parsed]):
        return
    json.loads(text, object_pairs_hook=_checked)


def _checked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DuplicateNameError(f"Duplicate field '{twice}'")
    return named


def _count(value: object) -> int:
    """Return the number of names in a value, on every level."""
    return sum(map(len, _objects(value)))


def _objects(value: object) -> Iterator[dict[str, Any]]:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            yield item
            stack.extend(inner for inner in item.values() if isinstance(inner, dict | list))
        elif isinstance(item, list):
            stack.extend(inner for inner in item if isinstance(inner, dict | list))
