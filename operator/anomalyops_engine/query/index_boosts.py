"""`indices_boost`: hits of some indices count for more than those of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError
from anomalyops_engine.query.options import any_number, token_of
from anomalyops_engine.store import Reader

# Names and patterns of indices and aliases, each with its factor, in the order of the request.
Boosts: TypeAlias = tuple[tuple[str, float], ...]


def read_boosts(value: object) -> Boosts:
    """Read `indices_boost`: a list of objects of one pair each, or one object as it was written long ago.

    Raises:
        QueryError: malformed.
    """
    items = value if isinstance(value, list) else [{name: boost} for name, boost in _pairs(value).items()]
    return tuple(_read(item) for item in items)


def _pairs(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise QueryParsingError(f"Unknown key for a {token_of(value)} in [indices_boost].")
    return value


def _read(item: object) -> tuple[str, float]:
    if not isinstance(item, dict):
        raise QueryParsingError(f"Expected [START_OBJECT] in [indices_boost] but found [{token_of(item)}]")
    if len(item) != 1:
        raise QueryParsingError(f"Expected [FIELD_NAME] in [indices_boost] for one index, found [{len(item)}]")
    ((name, boost),) = item.items()
    factor = float(any_number(boost))
    if factor < 0:
        raise IllegalQueryError(f"[indices_boost] of [{name}] must not be negative, got [{factor:g}]")
    return name, factor


def factors(reader: Reader, boosts: Sequence[tuple[str, float]], *, ignore_unavailable: bool) -> dict[str, float]:
    """Return the factors of indices by their names: of several that fit, the first.

    Raises:
        IndexNotFoundError: a name stands for nothing, and that is not to be passed over.
    """
    found: dict[str, float] = {}
    for name, factor in boosts:
        for index in reader.resolve(name, ignore_unavailable=ignore_unavailable, allow_no_indices=True):
            found.setdefault(index.name, factor)
    return found
