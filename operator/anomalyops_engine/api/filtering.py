"""`filter_path`: keeping only parts of a response."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anomalyops_engine.store.patterns import matches

_MISSING = object()


def keep_paths(value: Any, patterns: Sequence[str]) -> Any:
    """Return the parts of a JSON value that match dotted patterns (`hits.hits._id`, `items.*.error`, `-took`).

    `*` stands for one name or a part of it, `**` for any number of levels, a leading `-` leaves parts out. Arrays are
    passed through, as in Elasticsearch's response filtering.
    """
    includes = [tuple(pattern.split(".")) for pattern in patterns if pattern and not pattern.startswith("-")]
    excludes = [tuple(pattern[1:].split(".")) for pattern in patterns if pattern.startswith("-")]
    if excludes:
        value = _drop(value, excludes)
    if includes:
        value = _keep(value, includes)
    return {} if value is _MISSING else value


def _step(patterns: Sequence[tuple[str, ...]], key: str) -> list[tuple[str, ...]]:
    """Return what is left of the patterns below a key; an empty tuple is a full match."""
    rest: list[tuple[str, ...]] = []
    for pattern in patterns:
        head, tail = pattern[0], pattern[1:]
        if head == "**":
            rest.append(pattern)
            if tail and matches(tail[0], key):
                rest.append(tail[1:])
            elif not tail:
                rest.append(())
        elif matches(head, key):
            rest.append(tail)
    return rest


def _keep(value: Any, patterns: Sequence[tuple[str, ...]]) -> Any:
    if isinstance(value, list):
        items = [_keep(item, patterns) for item in value]
        kept = [item for item in items if item is not _MISSING]
        return kept or _MISSING
    if not isinstance(value, dict):
        return _MISSING
    out = {}
    for key, inner in value.items():
        rest = _step(patterns, key)
        result = inner if () in rest else _keep(inner, rest) if rest else _MISSING
        if result is not _MISSING:
            out[key] = result
    return out or _MISSING


def _drop(value: Any, patterns: Sequence[tuple[str, ...]]) -> Any:
    if isinstance(value, list):
        return [_drop(item, patterns) for item in value]
    if not isinstance(value, dict):
        return value
    out = {}
    for key, inner in value.items():
        rest = _step(patterns, key)
        if () not in rest:
            out[key] = _drop(inner, rest) if rest else inner
    return out
