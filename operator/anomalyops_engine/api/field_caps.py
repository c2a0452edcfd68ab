"""`_field_caps`: which fields indices have, and of which types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError, not_supported, validation_failed
from anomalyops_engine.api.indices import resolved
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import TARGETS, known
from anomalyops_engine.store import Index, Store
from anomalyops_engine.store.patterns import matches

_NOT_SERVED = ("index_filter", "runtime_mappings")


def endpoints(store: Store) -> list[Endpoint]:
    """Return the endpoints of this module."""
    parameters = known([*TARGETS, "fields", "include_unmapped"], missing=("filters", "types", "include_empty_fields"))
    return [
        Endpoint("GET POST", path, Lane.SEARCH, partial(_field_caps, store), parameters)
        for path in ("/_field_caps", "/{index}/_field_caps")
    ]


def _field_caps(store: Store, call: Call) -> Response:
    patterns = _patterns(call)
    with store.read() as reader:
        indices = resolved(reader, call, closed_too=False)
    of_index = {index.name: dict(_found(index, patterns)) for index in indices}
    names = sorted({name for fields in of_index.values() for name in fields})
    unmapped = call.flag("include_unmapped", default=False)
    fields = {name: _capabilities(name, of_index, unmapped=unmapped) for name in names}
    return call.respond({"indices": sorted(of_index), "fields": fields})


def _patterns(call: Call) -> list[str]:
    """Return the names and patterns that are asked for, of the URL or of the body."""
    body = call.json()
    for name in body:
        if name in _NOT_SERVED and body[name]:
            raise not_supported(f"[{name}] is not supported by this engine")
        if name not in {*_NOT_SERVED, "fields"}:
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
    """

    type: str
    searchable: bool = False
    aggregatable: bool = False


_UNMAPPED = Capability("unmapped")


def _found(index: Index, patterns: list[str]) -> Iterator[tuple[str, Capability]]:
    """Yield the fields of an index that fit: leaves, the fields below them, aliases and objects."""
    mapping = index.mapping
    names = {*mapping.fields, *mapping.multi_fields, *mapping.aliases}
    objects = set(mapping.object_paths)
    for pattern in patterns:
        for name in _fitting(pattern, names):
            found = mapping.leaf(name)
            if found is not None:
                yield name, Capability(found.type, found.searchable and found.type != "binary", found.aggregatable)
        for name in _fitting(pattern, objects):
            yield name, Capability("nested" if name in mapping.nested else "object")


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
            "metadata_field": False,
            "searchable": not unsearched,
            "aggregatable": not unaggregated,
        }
        if len(by_type) > 1:
            found[kind]["indices"] = list(ones)
        if 0 < len(unsearched) < len(ones):
            found[kind]["non_searchable_indices"] = unsearched
        if 0 < len(unaggregated) < len(ones):
            found[kind]["non_aggregatable_indices"] = unaggregated
    return found
