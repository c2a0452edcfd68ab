"""Values of a field in many documents, as JSON has them: single, in lists, in lists of lists, in lists of objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anomalyops_engine.store.fieldtypes import ABSENT
from anomalyops_engine.store.source_values import flat

Values = list[Any]  # one a document


def unwrapped(values: Values, *, keep_nulls: bool) -> tuple[Values, bool]:
    """Return values with flat lists, a list of one as that one; and whether some list is left."""
    if list not in set(map(type, values)):
        return values, False
    out: Values = []
    some = False
    for value in values:
        if not isinstance(value, list):
            out.append(value)
            continue
        items = list(flat(value)) if keep_nulls else [item for item in flat(value) if item is not None]
        if not items:
            out.append(ABSENT)
        elif len(items) == 1:
            out.append(items[0])
        else:
            out.append(items)
            some = True
    return out, some


def scalars(values: Values) -> Iterator[tuple[int, Any]]:
    """Yield the values that are neither null nor lists, with the positions of their documents."""
    for position, value in enumerate(values):
        if isinstance(value, list):
            for item in flat(value):
                if item is not None:
                    yield position, item
        elif value is not None and value is not ABSENT:
            yield position, value


def holds_objects(values: Values) -> bool:
    """Return whether some list holds an object."""
    return any(isinstance(item, dict) for value in values if isinstance(value, list) for item in flat(value))


def zipped(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an array of objects as one object of arrays: inner objects are not kept apart, as in Elasticsearch."""
    merged: dict[str, Any] = {}
    for item in items:
        for key, value in item.items():
            known = merged.setdefault(key, [])
            known.append(value)
    return {key: values[0] if len(values) == 1 else values for key, values in merged.items()}


def joined(first: Any, second: Any) -> Any:
    """Return two values of one field as one; null where there is neither."""
    if first is None or first is ABSENT:
        return second
    if second is None or second is ABSENT:
        return first
    return [
        *(first if isinstance(first, list) else [first]),
        *(second if isinstance(second, list) else [second]),
    ]


def has_float(value: Any) -> bool:
    """Return whether a value is a fraction, or a list with one."""
    return isinstance(value, float) or (
        isinstance(value, list) and any(isinstance(item, float) for item in flat(value))
    )
