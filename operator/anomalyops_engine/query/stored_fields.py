"""`stored_fields`: the values of fields that the mapping stores apart (`store: true`), and whether a hit has a source.

The rules of Elasticsearch's `StoredFieldsContext` and `FetchPhase`: a list of names leaves the source out, unless
`_source` is one of them or asked for by itself; `_none_` leaves the id out too; names of fields that are not stored, or
not mapped, give nothing; names of objects are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.hit_fields import HitField, WantedField, hit_fields
from anomalyops_engine.query.options import MistypedError
from anomalyops_engine.store import Field, Index
from anomalyops_engine.store.mapping import IndexMapping
from anomalyops_engine.store.patterns import matches

_SOURCE: Final = "_source"
_NONE: Final = "_none_"


@dataclass(frozen=True, slots=True)
class StoredFields:
    """What is asked for.

    Attributes:
        names: names and patterns of fields.
        source: whether the source is one of them.
        nothing: not even the id.
    """

    names: tuple[str, ...] = ()
    source: bool = False
    nothing: bool = False


def read_stored_fields(value: object) -> StoredFields:
    """Read `stored_fields`: a name, or a list of names.

    Raises:
        MistypedError: it is neither.
        IllegalQueryError: `_none_` is not alone.
    """
    listed = value if isinstance(value, list) else [value]
    names = []
    for name in listed:
        if not isinstance(name, str):
            raise MistypedError(value)
        names.append(name)
    if _NONE in names:
        if len(names) > 1:
            raise IllegalQueryError(f"cannot combine {_NONE} with other fields")
        return StoredFields(nothing=True)
    return StoredFields(tuple(name for name in names if name != _SOURCE), source=_SOURCE in names)


def stored_hit_fields(index: Index, wanted: StoredFields) -> dict[str, HitField]:
    """Return the stored fields of an index that are asked for, by name.

    Raises:
        IllegalQueryError: a name is that of an object.
    """
    found: dict[str, HitField] = {}
    for pattern in wanted.names:
        if pattern in _objects(index.mapping):
            raise IllegalQueryError(f"field [{pattern}] isn't a leaf field")
        for name in _stored(index.mapping):
            if matches(pattern, name):
                # As they were given, in their order: those that were left out of the column were not stored either.
                found |= {
                    each: replace(field, ignored=None)
                    for each, field in hit_fields(index, [WantedField(field=name)]).items()
                }
    return found


def _stored(mapping: IndexMapping) -> list[str]:
    fields: Mapping[str, Field] = {**mapping.fields, **mapping.multi_fields}
    return [name for name, field in fields.items() if field.definition.get("store") is True]


def _objects(mapping: IndexMapping) -> set[str]:
    paths: set[str] = set(mapping.objects)
    for name in mapping.fields:
        parts = name.split(".")[:-1]
        paths.update(".".join(parts[: length + 1]) for length in range(len(parts)))
    return paths


def without_source(body: Mapping[str, Any], wanted: StoredFields | None) -> bool:
    """Return whether a search that asks for stored fields shows no source.

    Args:
        body: the search, which may ask for the source by itself.
        wanted: the stored fields; None where they are not asked for.
    """
    return wanted is not None and not wanted.source and "_source" not in body
