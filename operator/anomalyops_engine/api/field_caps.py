"""`_field_caps`: which fields indices have, and of which types."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError, not_supported
from anomalyops_engine.api.indices import resolved
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import TARGETS, known
from anomalyops_engine.store import Index, Store
from anomalyops_engine.store.patterns import matches

_UNAGGREGATED = frozenset({"text", "match_only_text", "binary"})
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
        indices = resolved(reader, call)
    of_index = {index.name: dict(_types(index, patterns)) for index in indices}
    names = sorted({name for types in of_index.values() for name in types})
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
        raise ApiError(400, "action_request_validation_exception", "Validation Failed: 1: no fields specified;")
    return found


def _types(index: Index, patterns: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the fields of an index that fit: leaves, the fields below them, aliases and objects."""
    mapping = index.mapping
    names = set(mapping.fields) | set(mapping.aliases)
    for path, leaf in mapping.fields.items():
        names.update(f"{path}.{short}" for short in leaf.definition.get("fields", {}))
    objects = {prefix for path in names for prefix in _parents(path) if prefix not in names}
    for pattern in patterns:
        for name in _fitting(pattern, names):
            found = mapping.get(name)
            if found is not None:
                yield name, found.type
        yield from ((name, "object") for name in _fitting(pattern, objects))


def _parents(path: str) -> Iterator[str]:
    parts = path.split(".")
    return (".".join(parts[:length]) for length in range(1, len(parts)))


def _fitting(pattern: str, names: set[str]) -> Iterator[str]:
    return (name for name in names if matches(pattern, name)) if "*" in pattern else iter(names & {pattern})


def _capabilities(name: str, of_index: dict[str, dict[str, str]], *, unmapped: bool) -> dict[str, Any]:
    """Return what can be done with a field, by the types that it has; the indices are named where those differ."""
    by_type: dict[str, list[str]] = {}
    for index, types in sorted(of_index.items()):
        kind = types.get(name, "unmapped")
        if kind != "unmapped" or unmapped:
            by_type.setdefault(kind, []).append(index)
    found: dict[str, Any] = {}
    for kind, indices in by_type.items():
        leaf = kind not in {"object", "unmapped"}
        found[kind] = {
            "type": kind,
            "metadata_field": False,
            "searchable": leaf and kind != "binary",
            "aggregatable": leaf and kind not in _UNAGGREGATED,
        }
        if len(by_type) > 1:
            found[kind]["indices"] = indices
    return found
