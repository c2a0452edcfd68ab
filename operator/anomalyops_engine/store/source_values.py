"""Values of a field in the source of a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anomalyops_engine.store.fieldtypes.geo import is_point_list


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
