"""Requests that a cluster needs to stay quick, and that this engine has nothing to do for; and `_resolve/index`."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.data_streams import streams_of
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import validation_failed
from anomalyops_engine.api.indices import resolved
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import TARGETS, Known, known
from anomalyops_engine.store import Store, Wildcards
from anomalyops_engine.store.names import chosen_aliases, parts_of, resolve_indices
from anomalyops_engine.store.patterns import matches


def endpoints(store: Store) -> list[Endpoint]:
    """Return the endpoints of this module."""
    # There is no cache of field data, queries or requests, and no file that is merged with others.
    clear = known(TARGETS, idle=("fielddata", "fields", "query", "request", "index"))
    merge = known([*TARGETS, "max_num_segments", "only_expunge_deletes"], idle=("flush", "wait_for_completion"))
    flush = known([*TARGETS, "force", "wait_if_ongoing"])
    resolve = known(["expand_wildcards", "ignore_unavailable", "allow_no_indices"], missing=("mode",))

    def on(methods: str, path: str, handler: Any, parameters: Known) -> Endpoint:
        return Endpoint(methods, path, Lane.SEARCH, partial(handler, store), parameters)

    return [
        on("POST", "/_cache/clear", _nothing_to_do, clear),
        on("POST", "/{index}/_cache/clear", _nothing_to_do, clear),
        on("POST", "/_forcemerge", _merge, merge),
        on("POST", "/{index}/_forcemerge", _merge, merge),
        on("GET POST", "/_flush", _flush, flush),
        on("GET POST", "/{index}/_flush", _flush, flush),
        on("GET POST", "/_resolve/index/{name}", _resolve, resolve),
    ]


def _nothing_to_do(store: Store, call: Call) -> Response:
    """Answer for every shard that it is as it is asked to be."""
    with store.read() as reader:
        count = len(resolved(reader, call, closed_too=False))
    return call.respond({"_shards": {"total": count, "successful": count, "failed": 0}})


def _merge(store: Store, call: Call) -> Response:
    if call.flag("only_expunge_deletes", default=False) and "max_num_segments" in call.query:
        raise validation_failed(["cannot set only_expunge_deletes and max_num_segments at the same time"])
    return _nothing_to_do(store, call)


def _flush(store: Store, call: Call) -> Response:
    if call.flag("force", default=False) and not call.flag("wait_if_ongoing", default=True):
        raise validation_failed(["wait_if_ongoing must be true for a force flush"])
    return _nothing_to_do(store, call)


def _resolve(store: Store, call: Call) -> Response:
    """Answer which indices and aliases an expression of names and patterns means."""
    given = call.query.get("expand_wildcards")
    wildcards = Wildcards() if given is None else Wildcards.parse(given)
    expression = call.path["name"]
    with store.read() as reader:
        every = reader.indices()
    aliases = chosen_aliases({alias for index in every for alias in index.aliases}, parts_of(expression))
    known = aliases | set(streams_of(every))
    plain = [part for part in parts_of(expression) if "*" in part or part not in known]
    found = (
        resolve_indices(
            every,
            plain,
            ignore_unavailable=call.flag("ignore_unavailable", default=False),
            allow_no_indices=call.flag("allow_no_indices", default=True),
            wildcards=wildcards,
        )
        if plain
        else []
    )
    by_name = {index.name: index for index in every}
    shown = []
    for one in found:
        index = by_name[one.name]
        attributes = [word for word, is_so in (("hidden", index.hidden), ("closed", index.closed)) if is_so]
        attributes = [*attributes, *([] if index.closed else ["open"])]
        named = {"aliases": sorted(index.aliases)} if index.aliases else {}
        shown.append({"name": index.name, **named, "attributes": sorted(attributes)})
    listed = []
    for alias in sorted(aliases):
        behind = [index for index in every if alias in index.aliases]
        if any(_is_seen(index.aliases[alias], alias, wildcards, expression) for index in behind):
            listed.append({"name": alias, "indices": [index.name for index in behind]})
    streams = [
        {
            "name": name,
            "backing_indices": [index.name for index in backing],
            "timestamp_field": "@timestamp",
        }
        for name, backing in streams_of(every).items()
        if any(matches(part, name) for part in parts_of(expression))
    ]
    return call.respond({"indices": shown, "aliases": listed, "data_streams": streams})


def _is_seen(properties: dict[str, Any], alias: str, wildcards: Wildcards, expression: str) -> bool:
    """Return whether an alias is not passed by because it is hidden."""
    hidden = properties.get("is_hidden", alias.startswith("."))
    return wildcards.hidden or not hidden or alias in parts_of(expression)
