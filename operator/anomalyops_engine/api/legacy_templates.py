"""Endpoints of old index templates, which came before composable ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.index_templates import chosen, listed, removed, shown_template, warn
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import known
from anomalyops_engine.api.template_body import check_template_name, legacy_body
from anomalyops_engine.store import Store
from anomalyops_engine.store.index_templates import COMPOSABLE, LEGACY, Templates


def endpoints(store: Store) -> list[Endpoint]:
    """Return the endpoints of this module."""

    def on(methods: str, path: str, handler: Any, parameters: Any) -> Endpoint:
        lane = Lane.SEARCH if "GET" in methods else Lane.WRITE
        return Endpoint(methods, path, lane, partial(handler, store), parameters)

    look = known(["flat_settings"], idle=("local", "master_timeout"))
    return [
        on("GET", "/_template", _get, look),
        on("GET HEAD", "/_template/{name}", _get, look),
        on("PUT POST", "/_template/{name}", _put, known(["create", "order"], idle=("cause", "master_timeout"))),
        on("DELETE", "/_template/{name}", _delete, known(idle=("master_timeout", "timeout"))),
    ]


def _get(store: Store, call: Call) -> Response:
    asked = call.path.get("name")
    with store.read() as reader:
        bodies = reader.configs(LEGACY)
    names = chosen(bodies, asked or "*")
    flat = call.flag("flat_settings", default=False)
    shown = {name: {**bodies[name], **shown_template(bodies[name], flat=flat)} for name in sorted(names)}
    return call.respond(shown, 200 if names or asked is None else 404)


def _put(store: Store, call: Call) -> Response:
    name = call.path["name"]
    given = call.json(required=True)
    check_template_name(name)
    order = call.query.get("order")
    body = legacy_body(name, given, None if order is None else int(order))
    with store.write() as writer:
        templates = writer.templates()
        if call.flag("create", default=False) and name in templates.legacy:
            raise ApiError(400, "illegal_argument_exception", f"index_template [{name}] already exists")
        writer.put_config(LEGACY, name, body)
        _check_newer(call, templates, name, body["index_patterns"])
    return call.respond({"acknowledged": True})


def _check_newer(call: Call, templates: Templates, name: str, patterns: Sequence[str]) -> None:
    """Look whether composable templates are for the same indices, which would make this one count for nothing there.

    Raises:
        ApiError: there are some, and the template is new or for other indices than before, and not for everything.
    """
    newer = templates.overlapping(COMPOSABLE, patterns)
    if not newer:
        return
    what = (
        f"legacy template [{name}] has index patterns [{', '.join(patterns)}] matching patterns from existing "
        f"composable templates [{','.join(sorted(newer))}] with patterns ({listed(newer)})"
    )
    before = templates.legacy.get(name, {}).get("index_patterns")
    if before != patterns and "*" not in patterns:
        raise ApiError(
            400, "illegal_argument_exception", f"{what}, use composable templates (/_index_template) instead"
        )
    warn(
        call,
        f"{what}; this template [{name}] may be ignored in favor of a composable template at index creation time",
    )


def _delete(store: Store, call: Call) -> Response:
    with store.write() as writer:
        names = removed(writer, LEGACY, call.path["name"])
        writer.delete_configs(LEGACY, sorted(names))
    return call.respond({"acknowledged": True})
