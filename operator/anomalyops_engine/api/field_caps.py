"""`_field_caps`: which fields indices have, and of which types."""

from __future__ import annotations

import time
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError, not_supported, validation_failed
from anomalyops_engine.api.indices import resolved
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import TARGETS, known
from anomalyops_engine.query.index_filter import with_matches
from anomalyops_engine.store import Index, Store
from anomalyops_engine.store.patterns import matches

_NOT_SERVED = ("runtime_mappings",)
_FILTERS = frozenset({"+metadata", "-metadata", "-parent", "-nested", "-multifield"})


def endpoints(store: Store) -> list[Endpoint]:
    """Return the endpoints of this module."""
    parameters = known([*TARGETS, "fields", "include_unmapped", "filters", "types"], missing=("include_empty_fields",))
    return [
        Endpoint("GET POST", path, Lane.SEARCH, partial(_field_caps, store), parameters)
        for path in ("/_field_caps", "/{index}/_field_caps")
    ]


def _field_caps(store: Store, call: Call) -> Response:
    body = call.json()
    patterns, wanted = _patterns(call, body), _wanted(call)
    with store.read() as reader:
        indices = resolved(reader, call, closed_too=False)
        if "index_filter" in body:
            indices = with_matches(reader, indices, body["index_filter"], now_ms=int(time.time() * 1000))
    of_index = {index.name: dict(_found(index, patterns, wanted)) for index in indices}
    names = sorted({name for fields in of_index.values() for name in fields})
    unmapped = call.flag("include_unmapped", default=False)
    fields = {name: _capabilities(name, of_index, unmapped=unmapped) for name in names}
    return call.respond({"indices": sorted(of_index), "fields": fields})


def _patterns(call: Call, body: dict[str, Any]) -> list[str]:
    """Return the names and patterns that are asked for, of the URL or of the body."""
    for name, value in body.items():
        if name in _NOT_SERVED and value:
            raise not_supported(f"[{name}] is not supported by this engine")
        if name not in {*_NOT_SERVED, "fields", "index_filter"}:
            raise ApiError(400, "x_content_parse_exception", f"[field_caps_request] unknown field [{name}]")
    given = body.get("fields", [])
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise ApiError(400, "x_content_parse_exception", "[field_caps_request] failed to parse field [fields]")
    if "fields" in call.query and listed:
        raise ApiError(
            400,
            "illegal_argument_exception",
            "can't specify a request body and [fields] request parameter, either specify a request body or the "
            "[fields] request parameter",
        )
    found = listed or call.query.get("fields", "").split(",")
    if not any(found):
        raise validation_failed(["no fields specified"])
    return found


@dataclass(frozen=True, slots=True)
class Capability:
    """What a field is in one index.

    Attributes:
        type: its type, `object`, or `unmapped`.
        searchable: queries may ask for it.
        aggregatable: it may be sorted by and aggregated.
        metadata: it is of every document, and no part of it.
        meta: what its mapping notes of it, by name.
    """

    type: str
    searchable: bool = False
    aggregatable: bool = False
    metadata: bool = False
    meta: Mapping[str, str] = field(default_factory=dict)


_UNMAPPED = Capability("unmapped")
# What every document has beside its fields, as far as this engine can be asked for it.
_METADATA = {
    "_id": Capability("_id", searchable=True, metadata=True),
    "_index": Capability("_index", searchable=True, metadata=True),
    "_source": Capability("_source", metadata=True),
}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which of the fields that fit are shown.

    Attributes:
        filters: words of `filters`, each with its sign.
        types: types of fields; none for all.
    """

    filters: frozenset[str]
    types: frozenset[str]

    def includes(self, name: str, one: Capability, multi_fields: Container[str]) -> bool:
        """Return whether a field that is no object is shown."""
        if self.types and one.type not in self.types:
            return False
        if one.metadata != ("+metadata" in self.filters) and {"+metadata", "-metadata"} & self.filters:
            return False
        return not ("-multifield" in self.filters and name in multi_fields)

    def includes_object(self, kind: str) -> bool:
        """Return whether objects in which a field is shown are shown too."""
        return "-parent" not in self.filters and not (kind == "nested" and "-nested" in self.filters)


def _wanted(call: Call) -> _Wanted:
    filters = frozenset(word for word in call.query.get("filters", "").split(",") if word)
    unknown = sorted(filters - _FILTERS)
    if unknown:
        reason = f"Unknown [filters] [{unknown[0]}], of which [{', '.join(sorted(_FILTERS))}] are accepted"
        raise ApiError(400, "illegal_argument_exception", reason)
    return _Wanted(filters, frozenset(word for word in call.query.get("types", "").split(",") if word))


def _found(index: Index, patterns: list[str], wanted: _Wanted) -> Iterator[tuple[str, Capability]]:
    """Yield what fits and is wanted of an index: leaves, fields below them, aliases, and the objects they are in."""
    mapping = index.mapping
    names = {*mapping.fields, *mapping.multi_fields, *mapping.aliases, *_METADATA}
    for name in {name for pattern in patterns for name in _fitting(pattern, names)}:
        one = _METADATA.get(name) or _capability(index, name)
        if one is not None and wanted.includes(name, one, mapping.multi_fields):
            yield name, one
            yield from ((parent, kind) for parent, kind in _parents(index, name) if wanted.includes_object(kind.type))


def _capability(index: Index, name: str) -> Capability | None:
    found = index.mapping.leaf(name)
    if found is None:
        return None
    searchable = found.searchable and found.type != "binary"
    return Capability(found.type, searchable, found.aggregatable, meta=found.definition.get("meta", {}))


def _parents(index: Index, name: str) -> Iterator[tuple[str, Capability]]:
    parts = name.split(".")
    for parent in {".".join(parts[:depth]) for depth in range(1, len(parts))} & set(index.mapping.object_paths):
        yield parent, Capability("nested" if parent in index.mapping.nested else "object")


def _fitting(pattern: str, names: set[str]) -> Iterator[str]:
    return (name for name in names if matches(pattern, name)) if "*" in pattern else iter(names & {pattern})


def _capabilities(name: str, of_index: dict[str, dict[str, Capability]], *, unmapped: bool) -> dict[str, Any]:
    """Return what can be done with a field, by the types that it has; the indices are named where those differ."""
    by_type: dict[str, dict[str, Capability]] = {}
    for index, fields in sorted(of_index.items()):
        one = fields.get(name, _UNMAPPED)
        if one is not _UNMAPPED or unmapped:
            by_type.setdefault(one.type, {})[index] = one
    found: dict[str, Any] = {}
    for kind, ones in by_type.items():
        unsearched = [index for index, one in ones.items() if not one.searchable]
        unaggregated = [index for index, one in ones.items() if not one.aggregatable]
        found[kind] = {
            "type": kind,
            "metadata_field": any(one.metadata for one in ones.values()),
            "searchable": not unsearched,
            "aggregatable": not unaggregated,
        }
        if len(by_type) > 1:
            found[kind]["indices"] = list(ones)
        if 0 < len(unsearched) < len(ones):
            found[kind]["non_searchable_indices"] = unsearched
        if 0 < len(unaggregated) < len(ones):
            found[kind]["non_aggregatable_indices"] = unaggregated
        notes = sorted({note for one in ones.values() for note in one.meta.items()})
        if notes:
            found[kind]["meta"] = {key: [text for name, text in notes if name == key] for key, _ in notes}
    return found
