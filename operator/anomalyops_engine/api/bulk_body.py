"""The body of `_bulk`: action lines, each but those of deletions followed by a line of source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

from anomalyops_engine.api.errors import ApiError, not_supported

_KINDS = frozenset({"index", "create", "update", "delete"})
_META = frozenset({"_index", "_id", "routing", "require_alias", "retry_on_conflict"})
_LONGEST_ID = 512  # bytes of UTF-8


@dataclass(slots=True)
class Operation:
    """One operation of a bulk request.

    Attributes:
        kind: index, create, update or delete.
        index: name of the target index or alias.
        id: document id; None to make one.
        source: JSON text of the document, or of the update request.
    """

    kind: str
    index: str
    id: str | None
    source: bytes = b""


def parse_bulk(body: bytes, default_index: str | None) -> list[Operation]:
    """Return the operations of an NDJSON body.

    Raises:
        ApiError: 400 when the body is malformed as a whole.
    """
    if not body.strip():
        raise ApiError(400, "parse_exception", "request body is required")
    if not body.endswith(b"\n"):
        raise ApiError(400, "illegal_argument_exception", "The bulk request must be terminated by a newline [\\n]")
    lines = body.split(b"\n")
    lines.pop()
    return list(_operations(lines, default_index))


def _operations(lines: Sequence[bytes], default_index: str | None) -> Iterator[Operation]:
    known: dict[bytes, tuple[str, str, str | None]] = {}
    number, count = 0, len(lines)
    while number < count:
        line = lines[number]
        number += 1
        if not line.strip():
            continue
        action = known.get(line)
        if action is None:
            action = known[line] = _action(line, number, default_index)
        kind, index, doc_id = action
        if kind == "delete":
            yield Operation(kind, index, doc_id)
            continue
        if number >= count:
            raise ApiError(
                400, "illegal_argument_exception", f"Malformed action/metadata line [{number}], no source follows it"
            )
        yield Operation(kind, index, doc_id, lines[number].strip())
        number += 1


def _action(line: bytes, number: int, default_index: str | None) -> tuple[str, str, str | None]:
    """Return kind, index and id of an action line."""
    try:
        action = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise _malformed(number, f"[{error.lineno}:{error.colno}] {error.msg}") from None
    if not isinstance(action, dict) or len(action) != 1:
        raise _malformed(number, 'expected one action such as {"index":{}}')
    ((kind, meta),) = action.items()
    if kind not in _KINDS:
        raise _malformed(number, f"expected field [create], [delete], [index] or [update] but found [{kind}]")
    if not isinstance(meta, dict):
        raise _malformed(number, f"expected an object after [{kind}]")
    for key in meta:
        if key in {"if_seq_no", "if_primary_term", "version", "version_type", "pipeline", "dynamic_templates"}:
            raise not_supported(f"[{key}] in bulk action [{kind}] is not supported by this engine")
        if key not in _META:
            raise _malformed(number, f"unknown parameter [{key}]")
    index = meta.get("_index", default_index)
    if not isinstance(index, str) or not index:
        raise _invalid("index is missing")
    return kind, index, _checked_id(meta.get("_id"), kind)


def _checked_id(doc_id: object, kind: str) -> str | None:
    """Return the id of an action; an empty one is an error of its item alone, as `_refusal` says.

    Raises:
        ApiError: Elasticsearch refuses the whole request for it.
    """
    if doc_id is None or (doc_id == "" and kind in {"update", "delete"}):
        if kind in {"update", "delete"}:
            raise _invalid("id is missing")
        return None
    text = doc_id if isinstance(doc_id, str) else orjson.dumps(doc_id).decode()
    length = len(text.encode())
    if length > _LONGEST_ID and kind in {"index", "create"}:
        raise _invalid(f"id [{text}] is too long, must be no longer than {_LONGEST_ID} bytes but was: {length}")
    return text


def _malformed(number: int, why: str) -> ApiError:
    return ApiError(400, "illegal_argument_exception", f"Malformed action/metadata line [{number}], {why}")


def _invalid(why: str) -> ApiError:
    return ApiError(400, "action_request_validation_exception", f"Validation Failed: 1: {why};")
