"""Index endpoints: create, delete, look at, mappings, aliases, refresh."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.convertors import StringConvertor, register_url_convertor
from starlette.responses import Response

from anomalyops_engine.api.aliases import alias_properties, by_name
from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError, validation_failed
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import TARGETS, WAITING, Known, boolean, known
from anomalyops_engine.store import Index, Reader, Store, Wildcards
from anomalyops_engine.store.blocks import BLOCK_SETTINGS, check_open
from anomalyops_engine.store.catalog import STREAM
from anomalyops_engine.store.dates import format_millis
from anomalyops_engine.store.patterns import matches_any
from anomalyops_engine.store.settings import defaults_besides, nested, replicas

_LOOK = known([*TARGETS, "flat_settings"], idle=(*WAITING, "include_defaults", "local"), missing=("features",))
_SETTINGS = known(
    [*TARGETS, "flat_settings", "include_defaults"],
    idle=(*WAITING, "local"),
    missing=("features",),
    readers={"include_defaults": boolean},
)
_MAPPING_LOOK = known(TARGETS, idle=(*WAITING, "local"))
_REFRESH = known(TARGETS)


class _IndexConvertor(StringConvertor):
    """A path segment that can be an index: endpoints begin with an underscore, index names do not."""

    regex = "[^/_][^/]*|_all"


register_url_convertor("index", _IndexConvertor())


def endpoints(store: Store) -> list[Endpoint]:
    """Return the endpoints of this module."""

    def on(methods: str, path: str, handler: Any, parameters: Known) -> Endpoint:
        lane = Lane.SEARCH if "GET" in methods else Lane.WRITE
        return Endpoint(methods, path, lane, partial(handler, store), parameters)

    create = known(idle=(*WAITING, "wait_for_active_shards"))
    put_settings = known([*TARGETS, "flat_settings", "preserve_existing", "reopen"], idle=WAITING)
    block = known(TARGETS, idle=WAITING)
    put_mapping = known(TARGETS, idle=WAITING, missing=("write_index_only",))
    return [
        on("GET POST", "/_refresh", _refresh, _REFRESH),
        on("GET POST", "/{index}/_refresh", _refresh, _REFRESH),
        on("GET", "/_mapping", _get_mapping, _MAPPING_LOOK),
        on("GET", "/{index}/_mapping", _get_mapping, _MAPPING_LOOK),
        on("PUT POST", "/{index}/_mapping", _put_mapping, put_mapping),
        on("GET", "/_settings", _get_settings, _SETTINGS),
        on("GET", "/_settings/{name}", _get_settings, _SETTINGS),
        on("GET", "/{index}/_settings", _get_settings, _SETTINGS),
        on("GET", "/{index}/_settings/{name}", _get_settings, _SETTINGS),
        on("PUT", "/_settings", _put_settings, put_settings),
        on("PUT", "/{index}/_settings", _put_settings, put_settings),
        on("PUT", "/{index}/_block/{block}", _put_block, block),
        on("GET HEAD", "/{index:index}", _get_index, _LOOK),
        on("PUT", "/{index:index}", _create, create),
    ]


def resolved(
    reader: Reader,
    call: Call,
    default: Wildcards = Wildcards(),  # noqa: B008 (frozen)
    *,
    closed_too: bool = True,
) -> list[Index]:
    """Return the indices that the path and the index options of a request mean.

    Args:
        reader: what there is.
        call: the request.
        default: what patterns reach when the request does not say.
        closed_too: it is not about documents.

    Raises:
        IndexNotFoundError: a concrete name is missing and `ignore_unavailable` is not set.
        IndexClosedError: it is about documents, an index is closed and `ignore_unavailable` is not set.
    """
    given = call.query.get("expand_wildcards")
    return reader.resolve(
        call.path.get("index", "*"),
        ignore_unavailable=call.flag("ignore_unavailable", default=False),
        allow_no_indices=call.flag("allow_no_indices", default=True),
        wildcards=default if given is None else Wildcards.parse(given),
        closed_too=closed_too,
    )


def readable(reader: Reader, call: Call) -> list[Index]:
    """Return the indices of a request that reads their documents.

    Raises:
        IndexNotFoundError: as `resolved`.
        IndexBlockedError: one of them may not be read.
    """
    indices = resolved(reader, call, closed_too=False)
    check_open(indices, "read")
    return indices


def _create(store: Store, call: Call) -> Response:
    body = call.json()
    for key in body:
        if key not in {"mappings", "settings", "aliases"}:
            raise ApiError(400, "parse_exception", f"unknown key [{key}] for create index")
        if not isinstance(body[key], dict):
            raise ApiError(400, "parse_exception", f"key [{key}] must be an object")
    aliases = body.get("aliases", {})
    name = call.path["index"]
    if name in aliases:
        raise ApiError(400, "illegal_argument_exception", f"alias name [{name}] self-conflicts with index name")
    checked = {alias: alias_properties(alias, properties) for alias, properties in aliases.items()}
    with store.write() as writer:
        mappings = untyped(body.get("mappings", {}))
        writer.make_index(name, mappings=mappings, settings=body.get("settings", {}), aliases=checked)
    return call.respond({"acknowledged": True, "shards_acknowledged": True, "index": name})


def _get_index(store: Store, call: Call) -> Response:
    with store.read() as reader:
        indices = described(reader, call)
    return call.respond(
        {
            index.name: {
                "aliases": by_name(index.aliases),
                "mappings": index.mapping.to_body(),
                "settings": shown_settings(index, call),
                **({} if index.stream is None else {"data_stream": index.stream}),
            }
            for index in indices
        }
    )


def _get_mapping(store: Store, call: Call) -> Response:
    with store.read() as reader:
        indices = described(reader, call)
    return call.respond({index.name: {"mappings": index.mapping.to_body()} for index in indices})


def _put_mapping(store: Store, call: Call) -> Response:
    body = call.json(required=True)
    if "_doc" in body:
        raise ApiError(400, "illegal_argument_exception", "Types cannot be provided in put mapping requests")
    with store.write() as writer:
        for index in resolved(writer, call, Wildcards(closed=True)):
            writer.put_mapping(index.name, body)
    return call.respond({"acknowledged": True})


def _get_settings(store: Store, call: Call) -> Response:
    with store.read() as reader:
        indices = described(reader, call)
    wanted = call.path.get("name")
    with_defaults = call.flag("include_defaults", default=False)
    found = {}
    for index in indices:
        shown: dict[str, Any] = {"settings": shown_settings(index, call, wanted)}
        if with_defaults:
            shown["defaults"] = _shown(defaults_besides(index.settings), call, wanted)
        if any(shown.values()) or wanted is None:
            found[index.name] = shown
    return call.respond(found)


def _put_settings(store: Store, call: Call) -> Response:
    given = call.json(required=True)
    settings = given.get("settings", given)
    if not isinstance(settings, dict):
        raise ApiError(
            400, "illegal_argument_exception", "unknown setting [index.settings]: [settings] must be an object"
        )
    if settings is not given and len(given) > 1:
        raise ApiError(400, "parse_exception", "mix of settings map and top-level properties")
    if not settings:
        raise validation_failed(["no settings to update"])
    with store.write() as writer:
        for index in resolved(writer, call, Wildcards(closed=True)):
            writer.put_settings(
                index.name,
                settings,
                preserve=call.flag("preserve_existing", default=False),
                reopen=call.flag("reopen", default=False),
            )
    return call.respond({"acknowledged": True})


def _put_block(store: Store, call: Call) -> Response:
    block = call.path["block"]
    if f"blocks.{block}" not in BLOCK_SETTINGS or block == "read_only_allow_delete":
        raise ApiError(400, "illegal_argument_exception", f"No block found with name {block}")
    with store.write() as writer:
        blocked = [writer.put_settings(index.name, {f"blocks.{block}": True}).name for index in resolved(writer, call)]
    indices = [{"name": name, "blocked": True} for name in blocked]
    return call.respond({"acknowledged": True, "shards_acknowledged": True, "indices": indices})


def described(reader: Reader, call: Call) -> list[Index]:
    """Return the indices of a request that looks at what is known of them."""
    indices = resolved(reader, call)
    check_open(indices, "metadata_read")
    return indices


def _refresh(store: Store, call: Call) -> Response:
    """Answer that everything is visible, which it is from the moment that a write is acknowledged."""
    with store.read() as reader:
        count = len(resolved(reader, call, closed_too=False))
    return call.respond({"_shards": {"total": count, "successful": count, "failed": 0}})


def untyped(body: dict[str, Any]) -> dict[str, Any]:
    """Return a `mappings` body.

    Raises:
        ApiError: 400; it names a type, as mappings did once.
    """
    if "_doc" in body:
        reason = "The mapping definition cannot be nested under a type [_doc]."
        raise ApiError(400, "illegal_argument_exception", reason)
    return body


def shown_settings(index: Index, call: Call, wanted: str | None = None) -> dict[str, Any]:
    """Return the settings of an index as responses show them, all or those of some names and patterns."""
    settings = {
        "number_of_shards": "1",
        **{key: text for key, text in index.settings.items() if key != STREAM},
        "number_of_replicas": replicas(index.settings),
        "creation_date": str(index.created_ms),
        "uuid": index.uuid,
        "provided_name": index.name,
    }
    if call.flag("human", default=False):
        settings["creation_date_string"] = format_millis(index.created_ms, "strict_date_time")
    return _shown(settings, call, wanted)


def _shown(settings: dict[str, str], call: Call, wanted: str | None) -> dict[str, Any]:
    """Return settings of an index, all or those of some names and patterns, nested or with dots."""
    if wanted not in {None, "_all", "*"}:
        patterns = str(wanted).split(",")
        settings = {name: text for name, text in settings.items() if matches_any(patterns, f"index.{name}")}
    if call.flag("flat_settings", default=False):
        return {f"index.{name}": text for name, text in sorted(settings.items())}
    return {"index": nested(settings)} if settings else {}
