"""What operations on a data stream must be: new documents, each with its time."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from anomalyops_engine.api.bulk_body import Operation
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.store import Writer
from anomalyops_engine.store.index_templates import is_of_streams


def names_stream(writer: Writer, operations: Sequence[Operation]) -> bool:
    """Return whether operations on what is not there make a data stream of it."""
    if all(operation.kind == "delete" or operation.require_alias for operation in operations):
        return False
    templates = writer.templates()
    winner = templates.winner(operations[0].index)
    return winner is not None and is_of_streams(templates.composable[winner])


def refused_by_stream(operation: Operation) -> ApiError | None:
    """Return why an operation cannot be one on a data stream, None where it can."""
    if operation.kind != "create":
        reason = "only write ops with an op_type of create are allowed in data streams"
        return ApiError(400, "illegal_argument_exception", reason)
    try:
        document = orjson.loads(operation.source)
    except orjson.JSONDecodeError:
        return None  # it is refused as a document
    if not isinstance(document, dict):
        return None
    moment = document.get("@timestamp")
    if moment is None or moment == []:
        reason = "data stream timestamp field [@timestamp] is missing"
    elif isinstance(moment, list) and len(moment) > 1:
        reason = "data stream timestamp field [@timestamp] encountered multiple values"
    else:
        return None
    return ApiError(400, "document_parsing_exception", f"[1:1] {reason}")
