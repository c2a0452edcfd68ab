"""Endpoints that close, open and delete indices."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError, validation_failed
from anomalyops_engine.api.indices import resolved
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import TARGETS, WAITING, Known, integer, known
from anomalyops_engine.jobs import JobService
from anomalyops_engine.store import Store, Wildcards, Writer
from anomalyops_engine.store.names import parts_of, resolve_indices

_OPEN_AND_CLOSED: Final = Wildcards(closed=True)


def endpoints(store: Store, jobs: JobService) -> list[Endpoint]:
    """Return the endpoints of this module."""
    change = known(TARGETS, idle=WAITING)
    waits = known(
        TARGETS, idle=(*WAITING, "wait_for_active_shards"), readers={"wait_for_active_shards": _shards_to_wait_for}
    )

    def on(methods: str, path: str, handler: Any, parameters: Known) -> Endpoint:
        return Endpoint(methods, path, Lane.WRITE, partial(handler, store, jobs), parameters)

    return [
        on("POST", "/{index}/_close", _close, waits),
        on("POST", "/{index}/_open", _open, waits),
        on("DELETE", "/{index:index}", _delete, change),
    ]


def _shards_to_wait_for(name: str, value: str) -> object:
    return value if value in {"all", "index-setting"} else integer(name, value)


def check_destructive(jobs: JobService, expression: str) -> None:
    """Check that indices are named outright where the settings of the cluster ask for it, as they do from the start.

    Raises:
        ApiError: 400; a pattern or `_all` means them.
    """
    wild = any("*" in part for part in parts_of(expression))
    if wild and jobs.cluster_settings.destructive_requires_name:
        raise ApiError(400, "illegal_argument_exception", "Wildcard expressions or all indices are not allowed")


def _close(store: Store, jobs: JobService, call: Call) -> Response:
    call.refuse_body()
    check_destructive(jobs, call.path["index"])
    with store.write() as writer:
        closing = [index.name for index in resolved(writer, call) if not index.closed]
        for name in closing:
            writer.close_index(name)
    return call.respond(
        {"acknowledged": True, "shards_acknowledged": True, "indices": {name: {"closed": True} for name in closing}}
    )


def _open(store: Store, jobs: JobService, call: Call) -> Response:
    call.refuse_body()
    check_destructive(jobs, call.path["index"])
    with store.write() as writer:
        for index in resolved(writer, call, Wildcards(open=False, closed=True)):
            if index.closed:
                writer.open_index(index.name)
    return call.respond({"acknowledged": True, "shards_acknowledged": True})


def _delete(store: Store, jobs: JobService, call: Call) -> Response:
    if not [part for part in call.path["index"].split(",") if part.strip()]:
        raise validation_failed(["index / indices is missing"])
    check_destructive(jobs, call.path["index"])
    with store.write() as writer:
        for name in _named(writer, call):
            writer.delete_index(name)
    return call.respond({"acknowledged": True})


def _named(writer: Writer, call: Call) -> list[str]:
    """Return the indices that are to be deleted: aliases stand for none of them.

    Raises:
        ApiError: 400; an alias is named.
        IndexNotFoundError: what is named is not there.
    """
    given = call.query.get("expand_wildcards")
    lenient = call.flag("ignore_unavailable", default=False)
    for part in parts_of(call.path["index"]):
        if not lenient and "*" not in part and any(part in index.aliases for index in writer.indices()):
            raise ApiError(
                400,
                "illegal_argument_exception",
                f"The provided expression [{part}] matches an alias, specify the corresponding concrete indices "
                "instead.",
            )
    found = resolve_indices(
        writer.indices(),
        call.path["index"],
        ignore_unavailable=lenient,
        allow_no_indices=call.flag("allow_no_indices", default=True),
        wildcards=_OPEN_AND_CLOSED if given is None else Wildcards.parse(given),
    )
    return [index.name for index in found]
