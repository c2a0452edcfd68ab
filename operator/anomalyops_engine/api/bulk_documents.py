"""The documents of `_bulk`: many are read at once, and one by one only where something is wrong with one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from anomalyops_engine.api.bulk_body import Operation
from anomalyops_engine.api.duplicates import names_once
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.json_text import is_too_deep, parse_document

# Bytes of JSON that are read at once: some milliseconds.
PIECE: Final = 2**19


def refusal_of(operation: Operation) -> ApiError | None:
    """Return what is wrong with an operation before its document is looked at."""
    if operation.id == "":
        return ApiError(400, "illegal_argument_exception", "if _id is specified it must not be empty")
    return None


def parse_documents(operations: Sequence[Operation]) -> tuple[list[dict[str, Any]], dict[int, ApiError]]:
    """Return the documents of operations, and by place what is wrong with those that cannot be read."""
    documents: list[dict[str, Any]] = []
    errors: dict[int, ApiError] = {}
    for piece in _pieces(operations):
        read, wrong = _parse_piece(piece)
        errors |= {len(documents) + position: error for position, error in wrong.items()}
        documents += read
    return documents, errors


def _pieces(operations: Sequence[Operation]) -> Iterator[Sequence[Operation]]:
    """Yield the operations in stretches whose documents are read at once.

    Reading holds the interpreter's lock from the first byte to the last: all documents of a large request together
    would keep everybody else from answering.
    """
    begin = size = 0
    for place, operation in enumerate(operations):
        size += len(operation.source)
        if size >= PIECE:
            yield operations[begin : place + 1]
            begin, size = place + 1, 0
    if begin < len(operations):
        yield operations[begin:]


def _parse_piece(operations: Sequence[Operation]) -> tuple[list[dict[str, Any]], dict[int, ApiError]]:
    try:  # all at once is much faster than one by one; a wrong one among them is looked for afterwards
        text = b",".join([operation.source for operation in operations])
        documents = orjson.loads(b"[" + text + b"]")
        if (
            len(documents) == len(operations)
            and set(map(type, documents)) == {dict}
            and not any(operation.id == "" for operation in operations)
            and names_once(text, documents)
            and not any(
                is_too_deep(operation.source, document)
                for operation, document in zip(operations, documents, strict=True)
            )
        ):
            return documents, {}
    except orjson.JSONDecodeError:
        pass
    documents, errors = [], {}
    for position, operation in enumerate(operations):
        try:
            refusal = refusal_of(operation)
            if refusal is not None:
                raise refusal
            documents.append(parse_document(operation.source))
        except ApiError as error:
            documents.append({})
            errors[position] = error
    return documents, errors
