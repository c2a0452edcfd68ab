"""Data streams: make, look at, delete. Documents are only added to them, by the endpoints of documents."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import index_not_found
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import WAITING, known
from anomalyops_engine.store import Index, Store
from anomalyops_engine.store.index_templates import Templates
from anomalyops_engine.store.names import parts_of
from anomalyops_engine.store.patterns import matches

_LOOK = known(idle=(*WAITING, "expand_wildcards"), missing=("include_defaults", "verbose"))


def endpoints(store: Store) -> list[Endpoint]:
    """Return the endpoints of this module."""
    one = "/_data_stream/{name}"
    return [
        Endpoint("GET", "/_data_stream", Lane.SEARCH, partial(_get, store), _LOOK),
        Endpoint("GET", one, Lane.SEARCH, partial(_get, store), _LOOK),
        Endpoint("PUT", one, Lane.WRITE, partial(_put, store), known(idle=WAITING)),
        Endpoint("DELETE", one, Lane.WRITE, partial(_delete, store), known(idle=(*WAITING, "expand_wildcards"))),
    ]


def streams_of(indices: Iterable[Index]) -> dict[str, list[Index]]:
    """Return the backing indices of every data stream, oldest first, by its name."""
    found: dict[str, list[Index]] = {}
    for index in indices:
        if index.stream is not None:
            found.setdefault(index.stream, []).append(index)
    return {name: sorted(found[name], key=lambda index: index.generation) for name in sorted(found)}


def _chosen(streams: dict[str, list[Index]], expression: str) -> list[str]:
    """Return the data streams that an expression means.

    Raises:
        ApiError: 404; one that is named is not there.
    """
    parts = parts_of(expression)
    for part in parts:
        if "*" not in part and part not in streams:
            raise index_not_found(part)
    return [name for name in streams if any(matches(part, name) for part in parts)]


def _get(store: Store, call: Call) -> Response:
    with store.read() as reader:
        streams, templates = streams_of(reader.indices()), reader.templates()
    names = _chosen(streams, call.path.get("name", "*"))
    return call.respond({"data_streams": [_shown(name, streams[name], templates) for name in names]})


def _shown(name: str, backing: list[Index], templates: Templates) -> dict[str, Any]:
    return {
        "name": name,
        "timestamp_field": {"name": "@timestamp"},
        "indices": [
            {"index_name": index.name, "index_uuid": index.uuid, "prefer_ilm": True, "managed_by": "Unmanaged"}
            for index in backing
        ],
        "generation": backing[-1].generation,
        "status": "GREEN",
        "template": templates.winner(name),
        "next_generation_managed_by": "Unmanaged",
        "prefer_ilm": True,
        "hidden": False,
        "system": False,
        "allow_custom_routing": False,
        "replicated": False,
        "rollover_on_write": False,
    }


def _put(store: Store, call: Call) -> Response:
    call.refuse_body()
    with store.write() as writer:
        writer.make_stream(call.path["name"])
    return call.respond({"acknowledged": True})


def _delete(store: Store, call: Call) -> Response:
    with store.write() as writer:
        for name in _chosen(streams_of(writer.indices()), call.path["name"]):
            writer.delete_stream(name)
    return call.respond({"acknowledged": True})
