"""Alias endpoints: look at, set, remove, and several changes at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError, validation_failed
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import TARGETS, WAITING, Known, known
from anomalyops_engine.query import check_query
from anomalyops_engine.query.options import boolean
from anomalyops_engine.store import EVERYTHING, Index, Store, Wildcards, Writer
from anomalyops_engine.store.names import chosen_aliases, missing_aliases, parts_of

_PROPERTIES = frozenset({"filter", "is_write_index", "is_hidden"})
_ROUTING = frozenset({"routing", "index_routing", "search_routing"})
_WHERE = frozenset({"index", "indices", "alias", "aliases", "must_exist"})


def endpoints(store: Store) -> list[Endpoint]:
    """Return the endpoints of this module."""

    def on(methods: str, path: str, handler: Any, parameters: Known) -> Endpoint:
        lane = Lane.SEARCH if "GET" in methods else Lane.WRITE
        return Endpoint(methods, path, lane, partial(handler, store), parameters)

    look = known(TARGETS, idle=(*WAITING, "local"))
    change = known(idle=WAITING)
    return [
        on("GET", "/_alias", _get, look),
        on("GET HEAD", "/_alias/{name}", _get, look),
        on("GET HEAD", "/{index}/_alias", _get, look),
        on("GET HEAD", "/{index}/_alias/{name}", _get, look),
        on("PUT POST", "/{index}/_alias/{name}", _put, change),
        on("PUT POST", "/{index}/_aliases/{name}", _put, change),
        on("DELETE", "/{index}/_alias/{name}", _delete, change),
        on("DELETE", "/{index}/_aliases/{name}", _delete, change),
        on("POST", "/_aliases", _update, change),
    ]


def by_name(aliases: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return aliases in the order of their names, as answers show them."""
    return dict(sorted(aliases.items()))


def alias_properties(alias: str, body: object) -> dict[str, Any]:
    """Return the properties of an alias as a request gives them.

    Raises:
        ApiError: 400 for an unknown one or one of the wrong kind.
        QueryError: the filter is no query that is served.
    """
    if not isinstance(body, dict):
        raise ApiError(400, "parsing_exception", f"alias [{alias}] must be an object, got [{body}]")
    for key, value in body.items():
        if key in _ROUTING:
            continue
        if key not in _PROPERTIES or (key == "filter" and not isinstance(value, dict)):
            raise ApiError(400, "illegal_argument_exception", f"Unknown field [{key}] in alias [{alias}]")
    flags = {key: boolean(body[key]) for key in ("is_write_index", "is_hidden") if key in body}
    if "filter" in body:
        check_query(body["filter"])
    return {**{key: value for key, value in body.items() if key not in _ROUTING}, **flags, **_routings(alias, body)}


def _routings(alias: str, body: dict[str, Any]) -> dict[str, str]:
    """Return what documents are routed by that are written and searched through an alias."""
    found = {}
    for name in ("index_routing", "search_routing"):
        value = body.get(name, body.get("routing"))
        if value is None:
            continue
        if isinstance(value, dict | list | bool):
            raise ApiError(400, "parsing_exception", f"[{name}] of alias [{alias}] must be a text, got [{value}]")
        found[name] = str(value)
    if "," in found.get("index_routing", ""):
        reason = f"alias [{alias}] has several index routing values associated with it"
        raise ApiError(400, "illegal_argument_exception", reason)
    return found


def _get(store: Store, call: Call) -> Response:
    given = call.query.get("expand_wildcards")
    with store.read() as reader:
        indices = reader.resolve(
            call.path.get("index", "*"),
            ignore_unavailable=call.flag("ignore_unavailable", default=False),
            allow_no_indices=call.flag("allow_no_indices", default=True),
            wildcards=EVERYTHING if given is None else Wildcards.parse(given),
            closed_too=True,
        )
    name = call.path.get("name")
    if name is None:
        return call.respond({index.name: {"aliases": by_name(index.aliases)} for index in indices})
    parts = parts_of(name)
    chosen = chosen_aliases({alias for index in indices for alias in index.aliases}, parts)
    found: dict[str, Any] = {}
    for index in indices:
        aliases = by_name({alias: properties for alias, properties in index.aliases.items() if alias in chosen})
        if aliases:
            found[index.name] = {"aliases": aliases}
    missing = missing_aliases(chosen, parts)
    if missing:
        many = "es" if len(missing) > 1 else ""
        return call.respond({"error": f"alias{many} [{','.join(missing)}] missing", "status": 404, **found}, 404)
    return call.respond(found)


def _put(store: Store, call: Call) -> Response:
    alias = call.path["name"]
    if not alias.strip():
        raise ApiError(400, "illegal_argument_exception", "[alias] is required")
    properties = alias_properties(alias, call.json())
    with store.write() as writer:
        for index in writer.resolve(call.path["index"], allow_no_indices=False, closed_too=True):
            writer.put_alias(alias, index.name, **properties)
    return call.respond({"acknowledged": True, "errors": False})


def _delete(store: Store, call: Call) -> Response:
    with store.write() as writer:
        targets = _targets(writer, call.path["index"].split(","), removing=True)
        done = _remove(writer, targets, call.path["name"].split(","), must_exist=None)
        if done.missing:
            raise _not_found(done.aliases)
    return call.respond({"acknowledged": True, "errors": False})


def _update(store: Store, call: Call) -> Response:
    body = call.json(required=True)
    actions = body.get("actions")
    unknown = sorted(set(body) - {"actions"})
    if unknown:
        raise ApiError(400, "x_content_parse_exception", f"[aliases] unknown field [{unknown[0]}]")
    if not isinstance(actions, list | None):
        raise ApiError(400, "x_content_parse_exception", f"[aliases] [actions] must be a list, got [{actions}]")
    if not actions:
        raise ApiError(400, "illegal_argument_exception", "No action specified")
    with store.write() as writer:  # all of them or none
        read = [_read(writer, action) for action in actions]
        # Indices go first, so that an alias may take the name of one.
        for action in read:
            if action.kind == "remove_index":
                for index in action.targets:
                    writer.delete_index(index.name)
        done = [_apply(writer, action) for action in read]
        if all(one.missing for one in done):
            raise _not_found([alias for one in done for alias in one.aliases])
    if not any(one.missing for one in done):
        return call.respond({"acknowledged": True, "errors": False})
    return call.respond({"acknowledged": True, "errors": True, "action_results": [_result(one) for one in done]})


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of one action.

    Attributes:
        kind: `add`, `remove` or `remove_index`.
        indices: those that it was about.
        aliases: as they were given.
        missing: it was to remove aliases, and none of them was there.
    """

    kind: str
    indices: list[str]
    aliases: list[str]
    missing: bool = False


def _result(done: _Done) -> dict[str, Any]:
    """Return what is told of one action among several of which one had nothing to do."""
    action = {"type": done.kind, "indices": done.indices, "aliases": done.aliases}
    if not done.missing:
        return {"action": action, "status": 200}
    error = _not_found(done.aliases)
    return {"action": action, "status": 404, "error": {"type": error.type, "reason": error.reason, **error.details}}


def _not_found(aliases: Sequence[str]) -> ApiError:
    names = list(dict.fromkeys(aliases))
    details = {"resource.type": "aliases", "resource.id": names if len(names) > 1 else names[0]}
    return ApiError(404, "aliases_not_found_exception", f"aliases [{', '.join(names)}] missing", details=details)


@dataclass(frozen=True, slots=True)
class _Action:
    """What one action asks for, with the indices that it meant before any of them was done.

    Attributes:
        kind: `add`, `remove` or `remove_index`.
        targets: the indices that it is about.
        aliases: as they were given.
        properties: of the aliases that it adds.
        must_exist: whether it fails when an alias is missing, None for its own way.
    """

    kind: str
    targets: list[Index]
    aliases: list[str]
    properties: dict[str, Any]
    must_exist: bool | None


def _read(writer: Writer, action: object) -> _Action:
    if not isinstance(action, dict) or len(action) != 1:
        raise ApiError(400, "x_content_parse_exception", f"[alias_action] must have one action, got [{action}]")
    ((kind, options),) = action.items()
    if kind not in {"add", "remove", "remove_index"}:
        raise ApiError(400, "x_content_parse_exception", f"[alias_action] unknown field [{kind}]")
    if not isinstance(options, dict):
        raise ApiError(400, "x_content_parse_exception", f"[{kind}] must be an object, got [{options}]")
    indices = _names(kind, options, "index", "indices")
    must_exist = options.get("must_exist")
    if kind == "remove_index":
        if set(options) - {"index", "indices", "must_exist"}:
            raise validation_failed([f"[{kind}] takes [index], [indices] and [must_exist] only"])
        lenient = must_exist is False
        gone = writer.resolve(indices, ignore_unavailable=lenient, allow_no_indices=False, closed_too=True)
        return _Action(kind, gone, [], {}, must_exist)
    aliases = _names(kind, options, "alias", "aliases")
    properties = {key: value for key, value in options.items() if key not in _WHERE}
    unknown = sorted(set(properties) - ((_PROPERTIES | _ROUTING) if kind == "add" else set()))
    if unknown:
        raise ApiError(400, "x_content_parse_exception", f"[{kind}] unknown field [{unknown[0]}]")
    return _Action(kind, _targets(writer, indices, removing=kind == "remove"), aliases, properties, must_exist)


def _targets(writer: Writer, indices: list[str], *, removing: bool) -> list[Index]:
    """Return the indices whose aliases change; removing reaches hidden and closed ones by patterns too."""
    wildcards = EVERYTHING if removing else Wildcards()
    return writer.resolve(indices, allow_no_indices=False, wildcards=wildcards, closed_too=True)


def _apply(writer: Writer, action: _Action) -> _Done:
    """Change aliases as an action asks; the indices that shall go are gone."""
    if action.kind == "remove":
        return _remove(writer, action.targets, action.aliases, must_exist=action.must_exist)
    for alias in action.aliases:
        checked = alias_properties(alias, action.properties)
        for index in action.targets:
            writer.put_alias(alias, index.name, **checked)
    return _Done(action.kind, [index.name for index in action.targets], action.aliases)


def _names(kind: str, options: dict[str, Any], single: str, plural: str) -> list[str]:
    """Return what an action names, as one name or a list."""
    given = [options[key] for key in (single, plural) if key in options]
    if len(given) != 1:
        raise ApiError(400, "x_content_parse_exception", f"[{kind}] requires one of [{single}] or [{plural}]")
    names = given[0] if isinstance(given[0], list) else [given[0]]
    if not names or not all(isinstance(name, str) and name for name in names):
        raise validation_failed([f"[{single}] of [{kind}] must be a name or a list of names, got [{given[0]}]"])
    return [str(name) for name in names]


def _remove(writer: Writer, targets: list[Index], aliases: list[str], *, must_exist: bool | None) -> _Done:
    """Remove aliases that names and patterns mean from indices.

    Raises:
        ApiError: 404 when one was not there that must exist.
    """
    parts = parts_of(aliases)
    chosen = chosen_aliases({alias for index in targets for alias in index.aliases}, parts)
    if must_exist and (missing := missing_aliases(chosen, parts) or ([] if chosen else aliases)):
        raise _not_found(missing)
    for index in targets:
        for alias in chosen & set(index.aliases):
            writer.delete_alias(alias, index.name)
    return _Done("remove", [index.name for index in targets], aliases, missing=not chosen)
