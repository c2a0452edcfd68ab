"""`_source` filtering of hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from anomalyops_engine.query.errors import IllegalQueryError, QueryError, QueryParsingError
from anomalyops_engine.query.options import (
    BodySubject,
    MistypedError,
    list_of,
    option,
    read_options,
    text,
    token_of,
    token_text,
)
from anomalyops_engine.store.patterns import matches


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFilter:
    """Which parts of a document are wanted: dotted patterns; no includes means everything."""

    includes: tuple[str, ...] = option(list_of(text), ())
    excludes: tuple[str, ...] = option(list_of(text), ())

    @property
    def keeps_all(self) -> bool:
        """Whether every part is wanted."""
        return not self.includes and not self.excludes

    @property
    def keeps_hulls(self) -> bool:
        """Whether an object stays, empty, whose parts are all taken away; it does where a pattern says which."""
        return any("*" in pattern for pattern in self.excludes)


_OLD_NAMES = {"include": "includes", "exclude": "excludes"}


def read_source(value: object) -> SourceFilter | None:
    """Read `_source`: the filter that it asks for, None when no source is wanted.

    Raises:
        QueryParsingError: malformed.
    """
    if isinstance(value, bool):
        return SourceFilter() if value else None
    if isinstance(value, str):
        return SourceFilter(includes=(value,))
    if isinstance(value, list):
        return SourceFilter(includes=tuple(map(_pattern, value)))
    if isinstance(value, dict):
        named = {str(_OLD_NAMES.get(key, key)): part for key, part in value.items()}
        return read_options(SourceFilter, named, _Subject("_source"))
    raise QueryParsingError(
        "Expected one of [VALUE_BOOLEAN, VALUE_STRING, START_ARRAY, START_OBJECT] for [_source] but found "
        f"[{token_of(value)}]"
    )


class _Subject(BodySubject):
    """The object of both lists, whose patterns must be texts."""

    __slots__ = ()

    def mistyped(self, key: str, error: MistypedError) -> QueryError:
        """Return the error of a list of anything else."""
        return self.unknown(key, error.value)


def _pattern(value: object) -> str:
    """Read a pattern; a number or boolean is its text."""
    if isinstance(value, str | int | float):
        return token_text(value)
    raise IllegalQueryError(f"Expected text but found {token_of(value)}")


def filter_source(source: dict[str, Any], chosen: SourceFilter) -> dict[str, Any]:
    """Return the wanted parts of a document."""
    if chosen.keeps_all:
        return source
    return _filter(source, "", chosen, inside=not chosen.includes)


def _filter(source: dict[str, Any], prefix: str, chosen: SourceFilter, *, inside: bool) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in source.items():
        path = f"{prefix}{key}"
        if _covered(chosen.excludes, path):
            continue
        wanted = inside or _covered(chosen.includes, path)
        if isinstance(value, dict):
            inner = _filter(value, f"{path}.", chosen, inside=wanted)
            if inner or (wanted and (chosen.keeps_hulls or not value)):
                out[key] = inner
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            items = [_filter(item, f"{path}.", chosen, inside=wanted) for item in value if isinstance(item, dict)]
            if any(items):
                out[key] = [item for item in items if item]
        elif wanted:
            out[key] = value
    return out


def _covered(patterns: Sequence[str], path: str) -> bool:
    """Return whether a path, or an object that it lies in, fits a pattern; names may hold dots themselves."""
    return any(matches(pattern, path) or matches(f"{pattern}.*", path) for pattern in patterns if pattern)
