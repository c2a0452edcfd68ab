"""`_validate/query`: whether a query can be asked of indices, without asking it."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import not_supported
from anomalyops_engine.api.indices import readable
from anomalyops_engine.api.json_text import MalformedJsonError
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import TARGETS, known
from anomalyops_engine.api.query_text import QUERY_TEXT, query_in_address
from anomalyops_engine.query import QueryError, UnsupportedQueryError
from anomalyops_engine.query.dsl import condition_on, parse_query
from anomalyops_engine.store import Index, Store

_ALL: Final[dict[str, Any]] = {"match_all": {}}


def endpoints(store: Store) -> list[Endpoint]:
    """Return the endpoints of this module."""
    # An index is one shard, so that one answers for all of them.
    parameters = known([*TARGETS, *QUERY_TEXT, "explain"], idle=("all_shards",), missing=("analyzer", "rewrite"))
    return [
        Endpoint("GET POST", path, Lane.SEARCH, partial(_validate, store), parameters)
        for path in ("/_validate/query", "/{index}/_validate/query")
    ]


def _validate(store: Store, call: Call) -> Response:
    explained = call.flag("explain", default=False)
    with store.read() as reader:
        indices = readable(reader, call)
    shards = {"total": 1, "successful": 1, "failed": 0}
    try:
        query = _query(call)
        clause = parse_query(query)
    except UnsupportedQueryError:
        raise
    except (QueryError, MalformedJsonError) as error:
        why = {"error": f"org.elasticsearch.common.ParsingException: {error}"} if explained else {}
        return call.respond({"valid": False, "_shards": {**shards, "total": 0, "successful": 0}, **why})
    if explained and query != _ALL:
        raise not_supported("[explain] of a query that is not [match_all] is not supported by this engine")
    told = [_told(index, clause) for index in indices]
    valid = all(one["valid"] for one in told)
    return call.respond({"_shards": shards, "valid": valid, **({"explanations": told} if explained else {})})


def _query(call: Call) -> dict[str, Any]:
    """Return the query of a request.

    Raises:
        QueryError: there is something else beside it.
        MalformedJsonError: the body is no JSON.
    """
    body = call.json()
    for key in body:
        if key != "query":
            raise QueryError(f"request does not support [{key}]")
    found: dict[str, Any] = query_in_address(call) or body.get("query") or _ALL
    return found


def _told(index: Index, clause: Any) -> dict[str, Any]:
    """Return whether a query can be asked of an index.

    Raises:
        UnsupportedQueryError: this engine cannot, where a cluster might.
    """
    try:
        condition_on(index, clause, now_ms=int(time.time() * 1000))
    except UnsupportedQueryError:
        raise
    except QueryError as error:
        return {"index": index.name, "valid": False, "error": str(error)}
    return {"index": index.name, "valid": True, "explanation": "*:*"}
