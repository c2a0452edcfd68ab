"""`_msearch`: several searches in one request, each with its own answer or error."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from anomalyops_engine.api.activity import Activity, uuids_of
from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError, from_lower_layer, validation_failed
from anomalyops_engine.api.json_text import parse_object
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import TARGETS, known
from anomalyops_engine.api.search_time import in_time
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query import QueryError, search
from anomalyops_engine.query.errors import UnsupportedQueryError
from anomalyops_engine.query.request import read_request
from anomalyops_engine.query.search import with_exact_total
from anomalyops_engine.store import Reader, Store, StoreError, Wildcards
from anomalyops_engine.store.blocks import check_open

_PARAMETERS: Final = known(
    [*TARGETS, "rest_total_hits_as_int", "typed_keys"],
    missing=("include_named_queries_score",),
    idle=(
        *("ccs_minimize_roundtrips", "ignore_throttled", "max_concurrent_searches", "max_concurrent_shard_requests"),
        *("pre_filter_shard_size", "routing", "search_type"),
    ),
)
_TARGET: Final = frozenset({"index", "indices", "allow_no_indices", "expand_wildcards", "ignore_unavailable"})
# One node, one shard an index: where a search runs changes nothing.
_IDLE: Final = frozenset(
    {"ccs_minimize_roundtrips", "ignore_throttled", "preference"}
    | {"request_cache", "requestCache", "routing", "search_type"}
)


def endpoints(store: Store, activity: Activity) -> list[Endpoint]:
    """Return the endpoints of this module."""
    answer = partial(_msearch, store, activity)
    return [Endpoint("GET POST", path, Lane.SEARCH, answer, _PARAMETERS) for path in ("/_msearch", "/{index}/_msearch")]


def _msearch(store: Store, activity: Activity, call: Call) -> Response:
    began = time.perf_counter()
    pairs = _pairs(call)
    # One search that cannot be read refuses all of them, before the first is made.
    for header, body in pairs:
        _check_header(header, call)
        _check_readable(body, as_numbers=call.flag("rest_total_hits_as_int", default=False))
    responses = []
    for header, body in pairs:
        started = time.perf_counter()
        try:
            wanted = header.get("allow_partial_search_results")
            find = partial(_searched, store, activity, call, header, body)
            found = in_time(call, body, wanted, find, partial(_searched_first, store, call, header, body))
        except ApiError as error:
            responses.append(error.body())
        except (StoreError, QueryError) as error:
            responses.append(from_lower_layer(error).body())
        else:
            responses.append({"took": int((time.perf_counter() - started) * 1000), **found, "status": 200})
    return call.respond({"took": int((time.perf_counter() - began) * 1000), "responses": responses})


def _pairs(call: Call) -> list[tuple[JsonObject, JsonObject]]:
    """Return the header and the body of each search.

    Raises:
        ApiError: 400; a line is no object, or a header has no body.
    """
    call.require_body()
    if not call.body.endswith(b"\n"):
        reason = "The msearch request must be terminated by a newline [\n]"
        raise ApiError(400, "illegal_argument_exception", reason)
    lines = call.body.split(b"\n")[:-1]
    if not any(line.strip() for line in lines):
        raise validation_failed(["no requests added"])
    if len(lines) % 2:
        lines.append(b"")
    return [(_object(header), _object(body)) for header, body in zip(lines[::2], lines[1::2], strict=True)]


def _object(line: bytes) -> JsonObject:
    return parse_object(line) if line.strip() else {}


def _searched(store: Store, activity: Activity, call: Call, header: JsonObject, body: JsonObject) -> JsonObject:
    """Return the answer of one search, and count it."""
    began = time.perf_counter()
    with store.read() as reader:
        found, indices = _searched_in(reader, call, header, body)
    activity.searched(indices, found, time.perf_counter() - began, groups=body.get("stats", ()))
    return found


def _searched_first(store: Store, call: Call, header: JsonObject, body: JsonObject, writes: int) -> JsonObject:
    """Return the answer of one search in the documents of so many first writes to each index."""
    with store.read() as reader:
        return _searched_in(reader, call, header, body, first=writes)[0]


def _check_header(header: JsonObject, call: Call) -> None:
    """Check that a header can be read.

    Raises:
        ApiError: 400; a key or the value of one is none that a header has.
    """
    for key in header:
        if key not in _TARGET | _IDLE | {"allow_partial_search_results"}:
            reason = f"key [{key}] is not supported in the metadata section"
            raise ApiError(400, "illegal_argument_exception", reason)
    _names(header, call)
    if "expand_wildcards" in header:
        _wildcards(header["expand_wildcards"])
    for name in ("ignore_unavailable", "allow_no_indices"):
        _flag(header, name, default=True)


def _check_readable(body: JsonObject, *, as_numbers: bool) -> None:
    """Check that a search can be read; what this engine lacks is the answer of that search alone.

    Args:
        body: of the search.
        as_numbers: its total is to be a number.

    Raises:
        QueryError: it is malformed, or its total is none that is one number.
    """
    with suppress(UnsupportedQueryError):
        request = read_request(body)
        if as_numbers:
            with_exact_total(request)


def _wildcards(value: Any) -> Wildcards:
    text = _text(value)
    for word in text.split(","):
        if word.strip().lower() not in {"all", "open", "closed", "hidden", "none"}:
            raise ApiError(400, "illegal_argument_exception", f"No valid expand wildcard value [{word}]")
    return Wildcards.parse(text)


def _searched_in(
    reader: Reader, call: Call, header: JsonObject, body: JsonObject, *, first: int | None = None
) -> tuple[JsonObject, dict[str, str]]:
    # What the address says holds where a header says nothing.
    wildcards = header.get("expand_wildcards", call.query.get("expand_wildcards"))
    lenient = _flag(header, "ignore_unavailable", call.flag("ignore_unavailable", default=False))
    indices = reader.resolve(
        _names(header, call),
        ignore_unavailable=lenient,
        allow_no_indices=_flag(header, "allow_no_indices", call.flag("allow_no_indices", default=True)),
        wildcards=Wildcards() if wildcards is None else _wildcards(wildcards),
    )
    check_open(indices, "read")
    found = search(
        reader,
        indices,
        body,
        parameters={},
        typed_keys=call.flag("typed_keys", default=False),
        totals_as_numbers=call.flag("rest_total_hits_as_int", default=False),
        raw_sources="filter_path" not in call.query,
        ignore_unavailable=lenient,
        first=first,
    )
    return found, uuids_of(indices)


def _names(header: JsonObject, call: Call) -> str:
    given = header.get("index", header.get("indices"))
    return call.path.get("index", "*") if given is None else _text(given) or "*"


def _text(value: Any) -> str:
    parts = value if isinstance(value, list) else [value]
    for part in parts:
        if not isinstance(part, str):
            raise ApiError(400, "illegal_argument_exception", f"[{part}] in the metadata section must be a text")
    return ",".join(parts)


def _flag(header: JsonObject, name: str, default: bool) -> bool:  # noqa: FBT001 (it is the value)
    value = header.get(name, default)
    if str(value).lower() not in {"true", "false"}:
        reason = f"Failed to parse value [{value}] as only [true] or [false] are allowed."
        raise ApiError(400, "illegal_argument_exception", reason)
    return str(value).lower() == "true"
