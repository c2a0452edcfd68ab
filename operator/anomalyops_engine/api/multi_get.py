"""`_mget`: several documents by id, of one index or of many, in one answer and from one snapshot."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import orjson
from starlette.responses import Response

from anomalyops_engine.api.activity import Activity
from anomalyops_engine.api.call import Call
from anomalyops_engine.api.documents import found_document, single, stored_in_address, stored_parts, wanted
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError, from_lower_layer, validation_failed
from anomalyops_engine.api.external_versions import check_read
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import known
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query import QueryError
from anomalyops_engine.query.sources import SourceFilter, filter_source, read_source
from anomalyops_engine.query.stored_fields import StoredFields, read_stored_fields
from anomalyops_engine.store import Index, Reader, Store, Stored, StoreError
from anomalyops_engine.store.blocks import check_open

_PARAMETERS: Final = known(
    ["_source", "_source_excludes", "_source_includes", "stored_fields"],
    idle=("preference", "realtime", "refresh", "routing"),
    missing=("force_synthetic_source",),
)
_KNOWN: Final = frozenset({"_index", "_id", "_source", "routing", "stored_fields", "version", "version_type"})

_SOURCES: Final = ("_source", "_source_excludes", "_source_includes")


@dataclass(frozen=True, slots=True)
class _Wish:
    """A document that is asked for.

    Attributes:
        index: in which index.
        id: its id.
        source: the parts of its source; None for no part.
        version: the version that it must have.
        stored: its stored fields; None where they are not asked for.
    """

    index: str
    id: str
    source: SourceFilter | None
    version: Mapping[str, str]
    stored: StoredFields | None


def endpoints(store: Store, activity: Activity) -> list[Endpoint]:
    """Return the endpoints of this module."""
    answer = partial(_mget, store, activity)
    return [Endpoint("GET POST", path, Lane.SEARCH, answer, _PARAMETERS) for path in ("/_mget", "/{index}/_mget")]


def _mget(store: Store, activity: Activity, call: Call) -> Response:
    wishes = _wishes(call)
    began = time.perf_counter()
    with store.read() as reader:
        places = {wish.index: _place(reader, wish.index) for wish in wishes}
        found = {
            index.name: reader.documents(index, [wish.id for wish in wishes if places[wish.index] is index])
            for index in places.values()
            if isinstance(index, Index)
        }
        stored = [_stored_parts(reader, wish, places[wish.index], found) for wish in wishes]
    seconds = time.perf_counter() - began
    for index in {index.name: index for index in places.values() if isinstance(index, Index)}.values():
        there = [wish.id in found[index.name] for wish in wishes if places[wish.index] is index]
        activity.got(index.uuid, sum(there), len(there) - sum(there), seconds * len(there) / len(wishes))
    docs = [
        shown if "error" in shown or not shown.get("found") else {**shown, **parts}
        for shown, parts in zip((_shown(wish, places[wish.index], found) for wish in wishes), stored, strict=True)
    ]
    return call.respond({"docs": docs})


def _stored_parts(
    reader: Reader, wish: _Wish, place: Index | ApiError, found: Mapping[str, Mapping[str, Stored]]
) -> JsonObject:
    if wish.stored is None or isinstance(place, ApiError) or wish.id not in found[place.name]:
        return {}
    try:
        return stored_parts(reader, place, wish.id, wish.stored)
    except QueryError as error:
        return {"error": from_lower_layer(error).body()["error"]}


def _wishes(call: Call) -> list[_Wish]:
    body, default, source = call.json(required=True), call.path.get("index"), wanted(call)
    stored, stated = stored_in_address(call), any(name in call.query for name in _SOURCES)
    for key in body:
        if key not in {"docs", "ids"}:
            reason = f"unknown key [{key}] for a START_ARRAY, expected [docs] or [ids]"
            raise ApiError(400, "parsing_exception", reason)
    docs, ids = _list(body, "docs"), _list(body, "ids")
    wishes, failures = [], []
    for number, doc in enumerate([*docs, *({"_id": one} for one in ids)]):
        index, doc_id = _read(doc, default)
        if index is None:
            failures.append(f"index is missing for doc {number}")
        if doc_id is None:
            failures.append(f"id is missing for doc {number}")
        if index is not None and doc_id is not None:
            given = {name: str(doc[name]) for name in ("version", "version_type") if doc.get(name) is not None}
            mine = read_stored_fields(doc["stored_fields"]) if "stored_fields" in doc else stored
            if "_source" in doc:
                part = read_source(_new_names(doc["_source"]))
            elif stated:
                part = source
            else:
                part = SourceFilter() if mine is None or mine.source else None
            wishes.append(_Wish(index, doc_id, part, given, mine))
    if not docs and not ids:
        failures = ["no documents to get"]
    if failures:
        raise validation_failed(failures)
    return wishes


def _list(body: JsonObject, key: str) -> list[Any]:
    value = body.get(key, [])
    if not isinstance(value, list):
        raise ApiError(400, "parsing_exception", f"[{key}] must be an array")
    return value


def _read(doc: object, default: str | None) -> tuple[Any, Any]:
    """Return index and id of one entry; None for what it lacks."""
    if not isinstance(doc, dict):
        raise ApiError(400, "illegal_argument_exception", "docs array element should include an object")
    for key in doc:
        if key not in _KNOWN:
            raise ApiError(400, "parsing_exception", f"failed to parse multi get request. unknown field [{key}]")
    names = []
    for value in (doc.get("_index", default), doc.get("_id")):
        if value is not None and (isinstance(value, bool) or not isinstance(value, str | int | float)):
            raise ApiError(400, "parsing_exception", f"[_index] and [_id] must be texts, got [{value}]")
        names.append(None if value is None else str(value))
    return names[0], names[1]


def _new_names(source: object) -> object:
    """Return a source filter with the names that it has in searches: here `include` is one too."""
    if not isinstance(source, dict):
        return source
    return {{"include": "includes", "exclude": "excludes"}.get(name, name): part for name, part in source.items()}


def _place(reader: Reader, name: str) -> Index | ApiError:
    """Return the index of a name, or why there is none to read."""
    try:
        index: Index = single(reader.resolve(name), name)
        check_open([index], "read")
    except StoreError as error:
        return from_lower_layer(error)
    except ApiError as error:
        return error
    return index


def _shown(wish: _Wish, place: Index | ApiError, found: Mapping[str, Mapping[str, Stored]]) -> JsonObject:
    if isinstance(place, ApiError):
        return {"_index": wish.index, "_id": wish.id, "error": place.body()["error"]}
    document = found[place.name].get(wish.id)
    try:
        check_read(wish.version, wish.id, None if document is None else document.version, place)
    except ApiError as error:
        return {"_index": wish.index, "_id": wish.id, "error": error.body()["error"]}
    if document is None:
        return {"_index": place.name, "_id": wish.id, "found": False}
    parts = {} if wish.source is None else {"_source": filter_source(orjson.loads(document.source), wish.source)}
    return {**found_document(place.name, wish.id, document), **parts}
