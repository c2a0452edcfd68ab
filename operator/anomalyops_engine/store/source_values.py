"""Values of a field in the source of a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anomalyops_engine.store.fieldtypes.geo import is_point_list
from anomalyops_engine.store.fieldtypes.reader import REFUSALS, Reader
from anomalyops_engine.store.mapping import Field, IndexMapping


def field_values(mapping: IndexMapping, leaf: Field, document: dict[str, Any]) -> list[Any]:
    """Return what a document has for a field, by itself or copied from others, without nulls."""
    path = leaf.path.rpartition(".")[0] if leaf.path in mapping.multi_fields else leaf.path
    copied = [other.path for other in mapping.fields.values() if path in other.definition.get("copy_to", ())]
    found = [value for origin in (path, *copied) for value in values_at(document, origin)]
    points = as_points(found) if leaf.reader.takes_lists else found
    return [value for value in flat(points) if value is not None]


def left_out(mapping: IndexMapping, leaf: Field, document: dict[str, Any]) -> list[Any]:
    """Return the values of a document that the column of a field does not have: too long, or malformed."""
    reader = leaf.reader
    return [value for value in field_values(mapping, leaf, document) if not _takes(reader, value)]


def _takes(reader: Reader, value: Any) -> bool:
    try:
        reader.read(value)
    except REFUSALS:
        return False
    return True


def as_points(value: Any) -> Any:
    """Return a value of geo points in which `[lon, lat]` is no list any more."""
    if is_point_list(value):
        return {"type": "Point", "coordinates": value}
    if isinstance(value, list):
        return [as_points(item) for item in value if item != []]
    return value


def flat(value: list[Any]) -> Iterator[Any]:
    """Yield the items of nested lists in order."""
    stack = [iter(value)]
    while stack:
        for item in stack[-1]:
            if isinstance(item, list):
                stack.append(iter(item))
                break
            yield item
        else:
            stack.pop()


def values_at(node: Any, path: str) -> Iterator[Any]:
    """Yield the values at a dotted path of a document, through lists and dotted keys."""
    if isinstance(node, list):
        for item in node:
            yield from values_at(item, path)
    elif isinstance(node, dict):
        for key, inner in node.items():
            if key == path:
                yield inner
            elif path.startswith(f"{key}."):
                yield from values_at(inner, path[len(key) + 1 :])


def names_in(node: Any, prefix: str = "") -> Iterator[str]:
    """Yield the dotted names of the values of a document, in the order in which they come first."""
    if isinstance(node, list):
        for item in node:
            yield from names_in(item, prefix)
    elif isinstance(node, dict):
        for key, inner in node.items():
            path = f"{prefix}{key}"
            if isinstance(inner, dict | list):
                yield from names_in(inner, f"{path}.")
            yield path
