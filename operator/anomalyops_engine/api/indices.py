"""Index endpoints: create, delete, look at, mappings, aliases, refresh."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from starlette.convertors import StringConvertor, register_url_convertor
from starlette.responses import Response
from starlette.routing import Route

from anomalyops_engine.api.call import Call, endpoint
from anomalyops_engine.api.errors import ApiError, index_not_found, not_supported
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.store import Index, Reader, Store

_TARGETS = {"expand_wildcards", "ignore_unavailable", "allow_no_indices", "local", "flat_settings", "include_defaults"}
_WAITING = {"timeout", "master_timeout", "wait_for_active_shards", "include_type_name"}


class _IndexConvertor(StringConvertor):
    """A path segment that can be an index: endpoints begin with an underscore, index names do not."""

    regex = "[^/_][^/]*|_all"


register_url_convertor("index", _IndexConvertor())


def routes(store: Store) -> list[Route]:
    """Return the routes of this module."""

    def on(path: str, handler: Any, *methods: str) -> Route:
        lane = Lane.SEARCH if "GET" in methods else Lane.WRITE
        return Route(path, endpoint(partial(handler, store), lane), methods=list(methods))

    return [
        on("/_refresh", _refresh, "GET", "POST"),
        on("/{index}/_refresh", _refresh, "GET", "POST"),
        on("/_flush", _refresh, "GET", "POST"),
        on("/{index}/_flush", _refresh, "GET", "POST"),
        on("/_mapping", _get_mapping, "GET"),
        on("/{index}/_mapping", _get_mapping, "GET"),
        on("/{index}/_mapping", _put_mapping, "PUT", "POST"),
        on("/{index}/_settings", _get_settings, "GET"),
        on("/_alias", _get_alias, "GET"),
        on("/_alias/{name}", _get_alias, "GET"),
        on("/{index}/_alias", _get_alias, "GET"),
        on("/{index}/_alias/{name}", _get_alias, "GET"),
        on("/{index}/_alias/{name}", _put_alias, "PUT", "POST"),
        on("/{index:index}", _get_index, "GET"),
        on("/{index:index}", _create, "PUT"),
        on("/{index:index}", _delete, "DELETE"),
    ]


def resolved(reader: Reader, call: Call) -> list[Index]:
    """Return the indices that the path and the index options of a request mean.

    Raises:
        IndexNotFoundError: a concrete name is missing and `ignore_unavailable` is not set.
    """
    return reader.resolve(
        call.path.get("index", "*"),
        ignore_unavailable=call.flag("ignore_unavailable", default=False),
        allow_no_indices=call.flag("allow_no_indices", default=True),
    )


def _create(store: Store, call: Call) -> Response:
    call.allow(_WAITING)
    body = call.json()
    for key in body:
        if key not in {"mappings", "settings", "aliases"}:
            raise ApiError(400, "parse_exception", f"unknown key [{key}] for create index")
    aliases = body.get("aliases", {})
    for alias, properties in aliases.items():
        _check_alias(alias, properties)
    name = call.path["index"]
    with store.write() as writer:
        writer.create_index(
            name, mappings=_mapping(body.get("mappings", {})), settings=body.get("settings", {}), aliases=aliases
        )
    return call.respond({"acknowledged": True, "shards_acknowledged": True, "index": name})


def _delete(store: Store, call: Call) -> Response:
    call.allow(_TARGETS | _WAITING)
    expression = call.path["index"]
    if "*" in expression or "_all" in expression.split(","):
        raise ApiError(400, "illegal_argument_exception", "Wildcard expressions or all indices are not allowed")
    with store.write() as writer:
        names = {index.name for index in writer.indices()}
        for name in expression.split(","):
            if name in names:
                writer.delete_index(name)
            elif any(name in index.aliases for index in writer.indices()):
                raise ApiError(
                    400,
                    "illegal_argument_exception",
                    f"The provided expression [{name}] matches an alias, specify the corresponding concrete indices "
                    "instead.",
                )
            elif not call.flag("ignore_unavailable", default=False):
                raise index_not_found(name)
    return call.respond({"acknowledged": True})


def _get_index(store: Store, call: Call) -> Response:
    call.allow(_TARGETS | _WAITING, unsupported={"features"})
    with store.read() as reader:
        indices = resolved(reader, call)
    return call.respond(
        {
            index.name: {
                "aliases": index.aliases,
                "mappings": index.mapping.to_body(),
                "settings": _settings(index),
            }
            for index in indices
        }
    )


def _get_mapping(store: Store, call: Call) -> Response:
    call.allow(_TARGETS | _WAITING)
    with store.read() as reader:
        indices = resolved(reader, call)
    return call.respond({index.name: {"mappings": index.mapping.to_body()} for index in indices})


def _put_mapping(store: Store, call: Call) -> Response:
    call.allow(_TARGETS | _WAITING, unsupported={"write_index_only"})
    body = _mapping(call.json(required=True))
    with store.write() as writer:
        for index in resolved(writer, call):
            writer.put_mapping(index.name, body)
    return call.respond({"acknowledged": True})


def _get_settings(store: Store, call: Call) -> Response:
    call.allow(_TARGETS | _WAITING)
    with store.read() as reader:
        indices = resolved(reader, call)
    return call.respond({index.name: {"settings": _settings(index)} for index in indices})


def _refresh(store: Store, call: Call) -> Response:
    """Answer that everything is visible, which it is from the moment that a write is acknowledged."""
    call.allow(_TARGETS | {"force", "wait_if_ongoing"})
    with store.read() as reader:
        count = len(resolved(reader, call))
    return call.respond({"_shards": {"total": count, "successful": count, "failed": 0}})


def _get_alias(store: Store, call: Call) -> Response:
    call.allow(_TARGETS | _WAITING)
    name = call.path.get("name")
    wanted = re.compile("|".join(re.escape(part).replace(r"\*", ".*") for part in (name or "*").split(",")))
    with store.read() as reader:
        indices = resolved(reader, call)
    found = {}
    for index in indices:
        aliases = {alias: body for alias, body in index.aliases.items() if wanted.fullmatch(alias)}
        if aliases or name is None:
            found[index.name] = {"aliases": aliases}
    if not found and name is not None and "*" not in name:
        return call.respond({"error": f"alias [{name}] missing", "status": 404}, 404)
    return call.respond(found)


def _put_alias(store: Store, call: Call) -> Response:
    call.allow(_WAITING)
    body = call.json()
    _check_alias(call.path["name"], body)
    with store.write() as writer:
        for index in resolved(writer, call):
            writer.put_alias(
                call.path["name"],
                index.name,
                filter=body.get("filter"),
                is_write_index=body.get("is_write_index"),
            )
    return call.respond({"acknowledged": True})


def _check_alias(alias: str, properties: object) -> None:
    if not isinstance(properties, dict):
        raise ApiError(400, "parsing_exception", f"alias [{alias}] must be an object, got [{properties}]")
    for key in properties:
        if key not in {"filter", "is_write_index", "is_hidden"}:
            raise not_supported(f"[{key}] of alias [{alias}] is not supported by this engine")


def _mapping(body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise ApiError(400, "mapper_parsing_exception", f"Failed to parse mapping: expected an object, got [{body}]")
    return body


def _settings(index: Index) -> dict[str, Any]:
    given = index.settings.get("index", index.settings)
    given = {key.removeprefix("index."): value for key, value in given.items()} if isinstance(given, dict) else {}
    return {
        "index": {
            "number_of_shards": "1",
            "number_of_replicas": "0",
            **given,
            "creation_date": str(index.created_ms),
            "uuid": index.uuid,
            "provided_name": index.name,
        }
    }
