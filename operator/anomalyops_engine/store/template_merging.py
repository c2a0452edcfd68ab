"""Putting together what several index templates and a request say of a new index.

A later part of a composition replaces what an earlier one says of a field; only objects are merged. Old templates
(`_template`) are merged key by key instead, down to the parameters of fields. Both as Elasticsearch does it
(`MapperService.mergeMappings`, `XContentHelper.mergeDefaults`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Body: TypeAlias = Mapping[str, Any]


def composed_mappings(base: Body, over: Body) -> dict[str, Any]:
    """Return the mappings of a part of a composition with those of a later one over them."""
    made = dict(base)
    for key, value in over.items():
        if key == "properties":
            made[key] = _composed_properties(_expanded(base.get(key)), _expanded(value))
        elif key == "dynamic_templates":
            made[key] = _merged_lists(base.get(key, []), value, replacing=True)
        else:
            made[key] = merged_deeply(base[key], value) if key in base else value
    return made


def merged_deeply(base: Any, over: Any) -> Any:
    """Return a JSON value with another over it: objects are merged key by key, everything else is replaced."""
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        made = dict(base)
        for key, value in over.items():
            made[key] = merged_deeply(base[key], value) if key in base else value
        return made
    if _is_named_list(base) and _is_named_list(over):
        return _merged_lists(base, over, replacing=False)
    return over


def overlaps(one: str, other: str) -> bool:
    """Return whether some name matches both of two patterns."""
    reached = {(0, 0)}
    todo = [(0, 0)]
    while todo:
        left, right = todo.pop()
        if left == len(one) and right == len(other):
            return True
        for step in _steps(one, other, left, right):
            if step not in reached:
                reached.add(step)
                todo.append(step)
    return False


def _steps(one: str, other: str, left: int, right: int) -> list[tuple[int, int]]:
    """Return where two patterns stand after one more character of a name that both match, or after a star of none."""
    here, there = one[left : left + 1], other[right : right + 1]
    found = []
    if here == "*":
        found.append((left + 1, right))
        if there:
            found.append((left, right + 1))
    if there == "*":
        found.append((left, right + 1))
        if here:
            found.append((left + 1, right))
    if here and here == there:
        found.append((left + 1, right + 1))
    return found


def _composed_properties(base: Any, over: Any) -> Any:
    if not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return over
    made = dict(base)
    for name, definition in over.items():
        before = base.get(name)
        if before is not None and _is_object(before) and _is_object(definition):
            inner = _composed_properties(before.get("properties", {}), definition.get("properties", {}))
            made[name] = {**before, **definition, **({"properties": inner} if inner else {})}
        else:
            made[name] = definition
    return made


def _expanded(properties: Any) -> Any:
    """Return properties whose dotted names are objects of objects, as they mean the same."""
    if not isinstance(properties, Mapping):
        return {} if properties == [] else properties  # so some clients write an empty object
    made: dict[str, Any] = {}
    for name, definition in properties.items():
        inner = definition
        if isinstance(definition, Mapping) and "properties" in definition:
            inner = {**definition, "properties": _expanded(definition["properties"])}
        *parents, last = name.split(".") if all(name.split(".")) else [name]
        whole: Any = {last: inner}
        for parent in reversed(parents):
            whole = {parent: {"properties": whole}}
        made = _composed_properties(made, whole)
    return made


def _is_object(definition: Any) -> bool:
    if not isinstance(definition, Mapping):
        return False
    return bool(definition.get("type", "object" if "properties" in definition else None) == "object")


def _is_named_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, Mapping) and len(item) == 1 for item in value)


def _merged_lists(base: Any, over: Any, *, replacing: bool) -> Any:
    """Return two lists of objects of one key each as one list, in which every key is there once."""
    if not _is_named_list(base) or not _is_named_list(over):
        return over
    named: dict[str, Any] = {}
    for item in (*base, *over):
        ((name, value),) = item.items()
        named[name] = value if replacing or name not in named else merged_deeply(named[name], value)
    return [{name: value} for name, value in named.items()]
