"""`_source` filtering of hits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from anomalyops_engine.query.errors import QueryParsingError
from anomalyops_engine.store.patterns import matches_any


@dataclass(frozen=True, slots=True)
class SourceFilter:
    """Which parts of a document are wanted: dotted patterns; no includes means everything."""

    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


def source_filter(option: object) -> SourceFilter | None:
    """Return the filter that a `_source` option asks for, None when no source is wanted.

    Raises:
        QueryParsingError: the option is malformed.
    """
    if option is None or option is True:
        return SourceFilter()
    if option is False:
        return None
    if isinstance(option, str):
        return SourceFilter((option,))
    if isinstance(option, list) and all(isinstance(item, str) for item in option):
        return SourceFilter(tuple(option))
    if isinstance(option, dict) and option.keys() <= {"includes", "include", "excludes", "exclude"}:
        includes = option.get("includes", option.get("include", []))
        excludes = option.get("excludes", option.get("exclude", []))
        return SourceFilter(_patterns(includes), _patterns(excludes))
    raise QueryParsingError(f"[_source] must be a boolean, a field, a list of fields or includes/excludes: [{option}]")


def _patterns(value: object) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise QueryParsingError(f"[_source] patterns must be strings, got [{value}]")
    return tuple(item for item in items if item)


def filter_source(source: dict[str, Any], chosen: SourceFilter) -> dict[str, Any]:
    """Return the wanted parts of a document."""
    if not chosen.includes and not chosen.excludes:
        return source
    return _filter(source, "", chosen, inside=not chosen.includes)


def _filter(source: dict[str, Any], prefix: str, chosen: SourceFilter, *, inside: bool) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in source.items():
        path = f"{prefix}{key}"
        if matches_any(chosen.excludes, path):
            continue
        wanted = inside or matches_any(chosen.includes, path)
        if isinstance(value, dict):
            inner = _filter(value, f"{path}.", chosen, inside=wanted)
            if inner or (wanted and not value):
                out[key] = inner
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            items = [_filter(item, f"{path}.", chosen, inside=wanted) for item in value if isinstance(item, dict)]
            if any(items):
                out[key] = [item for item in items if item]
        elif wanted:
            out[key] = value
    return out
