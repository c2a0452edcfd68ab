"""`_explain`: whether a document matches a query, and its score. What the score is made of is not told."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import orjson
from starlette.responses import Response

from anomalyops_engine.api.call import Call
from anomalyops_engine.api.documents import single, stored_in_address, stored_parts, wanted
from anomalyops_engine.api.endpoint import Endpoint
from anomalyops_engine.api.errors import ApiError, validation_failed
from anomalyops_engine.api.lanes import Lane
from anomalyops_engine.api.parameters import known
from anomalyops_engine.api.query_text import QUERY_TEXT, query_in_address
from anomalyops_engine.query import search
from anomalyops_engine.query.sources import filter_source
from anomalyops_engine.store import Index, Reader, Store
from anomalyops_engine.store.blocks import check_open

_DIFFERS: Final = {"value": 0.0, "description": "the document does not match the query", "details": []}
_SOURCE: Final = ("_source", "_source_includes", "_source_excludes")


def endpoints(store: Store) -> list[Endpoint]:
    """Return the endpoints of this module."""
    parameters = known([*QUERY_TEXT, *_SOURCE, "stored_fields"], idle=("preference", "routing"), missing=("analyzer",))
    return [Endpoint("GET POST", "/{index}/_explain/{id:path}", Lane.SEARCH, partial(_explain, store), parameters)]


def _explain(store: Store, call: Call) -> Response:
    query, doc_id = _query(call), call.path["id"]
    with store.read() as reader:
        index: Index = single(reader.resolve(call.path["index"]), call.path["index"])
        check_open([index], "read")
        there = {"_index": index.name, "_id": doc_id}
        is_it = {"ids": {"values": [doc_id]}}
        found = search(reader, [index], {"query": {"bool": {"must": [query], "filter": [is_it]}}, "_source": False})
        hits = found["hits"]["hits"]
        get = _get(reader, index, call)
    if get is None:
        return call.respond({**there, "matched": False}, 404)
    shown = {"get": get} if any(name in call.query for name in (*_SOURCE, "stored_fields")) else {}
    score = (
        {"value": hits[0]["_score"], "description": "the score of the document", "details": []} if hits else _DIFFERS
    )
    return call.respond({**there, "matched": bool(hits), "explanation": score, **shown})


def _query(call: Call) -> dict[str, Any]:
    """Return the query of a request.

    Raises:
        ApiError: 400; there is none, or something else beside it.
    """
    written = query_in_address(call)
    body = call.json()
    for key in body:
        if key != "query":
            raise ApiError(400, "parsing_exception", f"request does not support [{key}]")
    query = written or body.get("query")
    if query is None:
        raise validation_failed(["query is missing"])
    found: dict[str, Any] = query
    return found


def _get(reader: Reader, index: Index, call: Call) -> dict[str, Any] | None:
    """Return what the answer shows of the document, None where it is not there."""
    found = reader.document(index, call.path["id"])
    if found is None:
        return None
    stored = stored_in_address(call)
    parts = {} if stored is None else stored_parts(reader, index, call.path["id"], stored)
    chosen = wanted(call, default=stored is not None and stored.source)
    source = {} if chosen is None else {"_source": filter_source(orjson.loads(found.source), chosen)}
    return {"_seq_no": found.seq_no, "_primary_term": 1, "found": True, **source, **parts}
