"""Endpoints of composable index templates and their components, with the simulation of what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError, from_lower_layer
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import Known, known
from anomalyops_engine.api.template_body import check_template_name, component_body, composable_body, invalid_template
from anomalyops_engine.store import (
    IllegalSettingError,
    MappingConflictError,
    MappingError,
    Reader,
    Store,
    Writer,
    check_mappings,
)
from anomalyops_engine.store.index_templates import COMPONENT, COMPOSABLE, LEGACY, Blueprint, Templates, priority_of
from anomalyops_engine.store.patterns import matches, matches_any
from anomalyops_engine.store.settings import nested

_KEPT = ("settings", "mappings", "aliases")


def endpoints(store: Store) -> list[Endpoint]:
    """Return the endpoints of this module."""

    def on(methods: str, path: str, handler: Any, parameters: Known) -> Endpoint:
        lane = Lane.SEARCH if "GET" in methods or "_simulate" in path else Lane.WRITE
        return Endpoint(methods, path, lane, partial(handler, store), parameters)

    put = known(["create"], idle=("cause", "master_timeout"))
    put_component = known(["create"], idle=("cause", "master_timeout", "timeout"))
    look = known(["flat_settings"], idle=("local", "master_timeout", "include_defaults"), missing=("settings_filter",))
    remove = known(idle=("master_timeout", "timeout"))
    simulate = known(["create"], idle=("cause", "master_timeout", "include_defaults"))
    return [
        on("POST", "/_index_template/_simulate_index/{name}", _simulate_index, simulate),
        on("POST", "/_index_template/_simulate", _simulate, simulate),
        on("POST", "/_index_template/_simulate/{name}", _simulate, simulate),
        on("GET", "/_index_template", partial(_get, COMPOSABLE), look),
        on("GET", "/_index_template/{name}", partial(_get, COMPOSABLE), look),
        on("HEAD", "/_index_template/{name}", partial(_exists, COMPOSABLE), look),
        on("PUT POST", "/_index_template/{name}", _put, put),
        on("DELETE", "/_index_template/{name}", _delete, remove),
        on("GET", "/_component_template", partial(_get, COMPONENT), look),
        on("GET", "/_component_template/{name}", partial(_get, COMPONENT), look),
        on("HEAD", "/_component_template/{name}", partial(_exists, COMPONENT), look),
        on("PUT POST", "/_component_template/{name}", _put_component, put_component),
        on("DELETE", "/_component_template/{name}", _delete_component, remove),
    ]


def shown_template(body: Mapping[str, Any], *, flat: bool) -> dict[str, Any]:
    """Return settings, mappings and aliases as responses show them, those that are there."""
    shown = {key: body[key] for key in _KEPT if key in body}
    if "settings" in shown:
        named = {f"index.{name}": text for name, text in sorted(shown["settings"].items())}
        whole = {"index": nested(shown["settings"])} if named else {}
        shown["settings"] = named if flat else whole
    return shown


def chosen(bodies: Iterable[str], expression: str) -> set[str]:
    """Return which of some templates a list of names and patterns means."""
    return {name for name in bodies if matches_any(expression.split(","), name)}


def warn(call: Call, warning: str) -> None:
    """Send a warning with the answer."""
    call.request.scope["anomalyops.deprecation"] = warning


def listed(patterns: Mapping[str, Sequence[str]]) -> str:
    """Return templates with their patterns as warnings show them."""
    return ",".join(f"{name} => [{', '.join(each)}]" for name, each in sorted(patterns.items()))


# The configuration kind comes before the store: both are bound when the endpoint is made.
def _get(kind: str, store: Store, call: Call) -> Response:
    asked = call.path.get("name", "*")
    with store.read() as reader:
        bodies = reader.configs(kind)
    names = chosen(bodies, asked)
    word = "index template" if kind == COMPOSABLE else "component template"
    if not names and "*" not in asked:
        raise ApiError(404, "resource_not_found_exception", f"{word} matching [{asked}] not found")
    flat = call.flag("flat_settings", default=False)
    key = word.replace(" ", "_")
    return call.respond({f"{key}s": [{"name": name, key: _shown(bodies[name], flat=flat)} for name in sorted(names)]})


def _shown(body: Mapping[str, Any], *, flat: bool) -> dict[str, Any]:
    shown = dict(body)
    if "template" in shown:
        shown["template"] = shown_template(shown["template"], flat=flat)
    return shown


def _exists(kind: str, store: Store, call: Call) -> Response:
    with store.read() as reader:
        found = chosen(reader.configs(kind), call.path["name"])
    return call.respond({}, 200 if found else 404)


def _put(store: Store, call: Call) -> Response:
    name = call.path["name"]
    given = call.json(required=True)
    check_template_name(name)
    body = composable_body(name, given)
    with store.write() as writer:
        templates = writer.templates()
        if call.flag("create", default=False) and name in templates.composable:
            raise ApiError(400, "illegal_argument_exception", f"index template [{name}] already exists")
        _check_composition(name, body, templates)
        writer.put_config(COMPOSABLE, name, body)
    patterns = body["index_patterns"]
    old = templates.overlapping(LEGACY, patterns)
    if old:
        warn(
            call,
            f"index template [{name}] has index patterns [{', '.join(patterns)}] matching patterns from existing older "
            f"templates [{','.join(sorted(old))}] with patterns ({listed(old)}); this template [{name}] will take "
            "precedence during new index creation",
        )
    return call.respond({"acknowledged": True})


def _delete(store: Store, call: Call) -> Response:
    with store.write() as writer:
        names = removed(writer, COMPOSABLE, call.path["name"])
        writer.delete_configs(COMPOSABLE, sorted(names))
    return call.respond({"acknowledged": True})


def removed(reader: Reader, kind: str, expression: str) -> set[str]:
    """Return the templates of a kind that a request is to remove.

    Raises:
        ApiError: 404; one of those that it names is not there, or a pattern matches none.
    """
    known_ones = reader.configs(kind)
    missing = [part for part in expression.split(",") if part != "*" and not any(matches(part, n) for n in known_ones)]
    if missing:
        if kind == COMPONENT:
            raise ApiError(404, "resource_not_found_exception", ",".join(missing))
        raise ApiError(404, "index_template_missing_exception", f"index_template [{','.join(missing)}] missing")
    return chosen(known_ones, expression)


def _put_component(store: Store, call: Call) -> Response:
    name = call.path["name"]
    given = call.json(required=True)
    check_template_name(name)
    body = component_body(name, given)
    with store.write() as writer:
        before = writer.templates()
        if call.flag("create", default=False) and name in before.components:
            raise ApiError(400, "illegal_argument_exception", f"component template [{name}] already exists")
        templates = Templates(before.legacy, before.composable, {**before.components, name: body})
        for user in templates.users_of(name):
            _check_valid(user, templates.composable[user], templates)
        writer.put_config(COMPONENT, name, body)
    return call.respond({"acknowledged": True})


def _delete_component(store: Store, call: Call) -> Response:
    with store.write() as writer:
        names = removed(writer, COMPONENT, call.path["name"])
        _check_unused(writer, names)
        writer.delete_configs(COMPONENT, sorted(names))
    return call.respond({"acknowledged": True})


def _check_unused(writer: Writer, names: set[str]) -> None:
    templates = writer.templates()
    used = {
        name: users
        for name in sorted(names)
        if (
            users := [
                user
                for user in templates.users_of(name)
                if name not in templates.composable[user].get("ignore_missing_component_templates", [])
            ]
        )
    }
    if used:
        users = sorted({user for each in used.values() for user in each})
        raise ApiError(
            400,
            "illegal_argument_exception",
            f"component templates [{', '.join(used)}] cannot be removed as they are still in use by index templates "
            f"[{', '.join(users)}]",
        )


def _check_composition(name: str, body: Mapping[str, Any], templates: Templates) -> None:
    """Check that a composable template goes with what else there is.

    Raises:
        ApiError: 400; a component is missing, another template would be as good, or the whole is no index.
    """
    excused = body.get("ignore_missing_component_templates", [])
    missing = [part for part in body["composed_of"] if part not in templates.components and part not in excused]
    if missing:
        why = f"index template [{name}] specifies component templates {_shown_names(missing)} that do not exist"
        raise invalid_template(name, why)
    patterns = body["index_patterns"]
    equals = {
        other: theirs
        for other, theirs in templates.overlapping(COMPOSABLE, patterns, but=name).items()
        if priority_of(templates.composable[other]) == priority_of(body)
    }
    if equals:
        raise ApiError(
            400,
            "illegal_argument_exception",
            f"index template [{name}] has index patterns {_shown_names(patterns)} matching patterns from existing "
            f"templates [{','.join(sorted(equals))}] with patterns ({listed(equals)}) that have the same priority "
            f"[{priority_of(body)}], multiple index templates may not match during index creation, please use a "
            "different priority",
        )
    _check_valid(name, body, templates)


def _check_valid(name: str, body: Mapping[str, Any], templates: Templates) -> None:
    """Check that the settings and mappings of a template and its components make an index together."""
    try:
        check_mappings(templates.composition(body).mappings)
    except (MappingError, MappingConflictError, IllegalSettingError) as error:
        reason = f"composable template [{name}] template after composition is invalid"
        raise ApiError(400, "illegal_argument_exception", reason, from_lower_layer(error).error()) from None


def _shown_names(names: Sequence[str]) -> str:
    return f"[{', '.join(names)}]"


def _simulate_index(store: Store, call: Call) -> Response:
    """Answer what an index of this name would get, perhaps with one more template that is not stored."""
    name = call.path["name"]
    given = call.json()
    with store.read() as reader:
        templates = reader.templates()
    if given:
        # The name of the template to be is the server's own, which no client can give.
        templates = _with_one_more(templates, f"simulate_index_template_{name}", given)
    winner = templates.winner(name)
    if winner is None:
        return call.respond({})
    plan = templates.composition(templates.composable[winner]).of(name)
    patterns = [name]
    others = {
        **templates.overlapping(LEGACY, patterns),
        **templates.overlapping(COMPOSABLE, patterns, but=winner),
    }
    return call.respond(_simulated(plan, others))


def _simulate(store: Store, call: Call) -> Response:
    """Answer what a template comes to: one that is stored, or that of the body."""
    name = call.path.get("name")
    given = call.json()
    with store.read() as reader:
        templates = reader.templates()
    if given:
        name = name or "simulate_template"
        if call.flag("create", default=False) and name in templates.composable:
            raise ApiError(400, "illegal_argument_exception", f"index template [{name}] already exists")
        templates = _with_one_more(templates, name, given)
    elif name is None or name not in templates.composable:
        reason = f"unable to simulate template [{name}] that does not exist"
        raise ApiError(400, "illegal_argument_exception", reason)
    body = templates.composable[name]
    patterns = body["index_patterns"]
    others = {
        **templates.overlapping(LEGACY, patterns),
        **templates.overlapping(COMPOSABLE, patterns, but=name),
    }
    return call.respond(_simulated(templates.composition(body), others))


def _with_one_more(templates: Templates, name: str, given: Mapping[str, Any]) -> Templates:
    body = composable_body(name, given)
    _check_composition(name, body, templates)
    return Templates(templates.legacy, {**templates.composable, name: body}, templates.components)


def _simulated(plan: Blueprint, others: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    body = {"settings": plan.settings, "mappings": plan.mappings, "aliases": plan.aliases}
    return {
        "template": shown_template(body, flat=False),
        "overlapping": [{"name": name, "index_patterns": list(patterns)} for name, patterns in others.items()],
    }
