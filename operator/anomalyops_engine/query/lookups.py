"""Lookups: values of a query that stand in a document, as the snapshot of the search has it.

A clause is lowered without the store. Whoever runs a search says where its documents are looked up; elsewhere a lookup
is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson

from anomalyops_engine.query.errors import IllegalQueryError, UnsupportedQueryError
from anomalyops_engine.query.options import Scalar, option, scalar, text
from anomalyops_engine.store import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Where the values of a query stand.

    Attributes:
        index: an index, or an alias of one.
        id: of the document; one that is not there has no values.
        path: dotted names of the field.
        routing: of no use, since an index is one shard.
    """

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset()

    index: str = option(text)
    id: Scalar = option(scalar)
    path: str = option(text)
    routing: Scalar | None = option(scalar, None)


_Find = Callable[[Lookup], tuple[Scalar, ...]]
_current: ContextVar[_Find | None] = ContextVar("lookups", default=None)


@contextmanager
def looking_up(reader: Reader) -> Iterator[None]:
    """Let lookups of the block be made in a snapshot, each of them once."""
    known: dict[Lookup, tuple[Scalar, ...]] = {}

    def find(lookup: Lookup) -> tuple[Scalar, ...]:
        if lookup not in known:
            known[lookup] = _values(reader, lookup)
        return known[lookup]

    token = _current.set(find)
    try:
        yield
    finally:
        _current.reset(token)


def looked_up(lookup: Lookup) -> tuple[Scalar, ...]:
    """Return the values that a lookup finds.

    Raises:
        IndexNotFoundError: its index is missing.
        IllegalQueryError: its index is several, or there is something else than values.
        UnsupportedQueryError: nothing is looked up here.
    """
    find = _current.get()
    if find is None:
        raise UnsupportedQueryError("[terms] lookup is supported in searches only, not here")
    return find(lookup)


def _values(reader: Reader, lookup: Lookup) -> tuple[Scalar, ...]:
    indices = reader.resolve(lookup.index, allow_no_indices=False)
    if len(indices) != 1:
        names = ", ".join(index.name for index in indices)
        raise IllegalQueryError(
            f"alias [{lookup.index}] has more than one index associated with it [{names}], can't execute a single "
            "index op"
        )
    name = str(lookup.id)
    stored = reader.documents(indices[0], [name]).get(name)
    return () if stored is None else tuple(_found(orjson.loads(stored.source), lookup.path.split("."), lookup.path))


def _found(value: Any, names: list[str], path: str) -> Iterator[Scalar]:
    """Return the values below a part of a document; names may hold dots themselves."""
    if isinstance(value, list):
        for each in value:
            yield from _found(each, names, path)
    elif not names:
        if isinstance(value, dict):
            raise IllegalQueryError(f"[terms] lookup found an object at [{path}], and no values")
        if value is not None:
            yield value
    elif isinstance(value, dict):
        for length in range(1, len(names) + 1):
            name = ".".join(names[:length])
            if name in value:
                yield from _found(value[name], names[length:], path)
