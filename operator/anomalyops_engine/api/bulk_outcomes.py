"""What is answered for one operation of `_bulk`: the item of the response without the kind around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from anomalyops_engine.api.bulk_body import Operation
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.store import Removed, Written
from anomalyops_engine.store.document_ids import made_ids

_SHARDS = {"total": 1, "successful": 1, "failed": 0}


@dataclass(slots=True)
class Outcome:
    """What became of one operation.

    Attributes:
        item: what the answer says of it.
        uuid: of the index that it was meant for; None where that is not there.
    """

    item: dict[str, Any]
    uuid: str | None = None

    @property
    def failed(self) -> bool:
        """True when the operation was refused."""
        return "error" in self.item


def done(index: str, written: Written, *, noop: bool = False) -> Outcome:
    """Return the outcome of a document that was written."""
    result = "noop" if noop else "created" if written.created else "updated"
    return Outcome(
        {
            "_index": index,
            "_id": written.id,
            "_version": written.version,
            "result": result,
            "_shards": _SHARDS,
            "_seq_no": written.seq_no,
            "_primary_term": 1,
            "status": 201 if written.created else 200,
        }
    )


def deleted(index: str, removed: Removed) -> Outcome:
    """Return the outcome of a deletion."""
    return Outcome(
        {
            "_index": index,
            "_id": removed.id,
            "_version": removed.version,
            "result": "deleted" if removed.found else "not_found",
            "_shards": _SHARDS,
            "_seq_no": removed.seq_no,
            "_primary_term": 1,
            "status": 200 if removed.found else 404,
        }
    )


def refused(operation: Operation, error: ApiError) -> Outcome:
    """Return the outcome of an operation that was refused for its document."""
    # A document without an id has got one before anything is found wrong with it.
    doc_id = made_ids(1)[0] if operation.id is None else operation.id
    return Outcome({"_index": operation.index, "_id": doc_id, "status": error.status, "error": error.error()})


def refused_unseen(operation: Operation, error: ApiError) -> Outcome:
    """Return the outcome of an operation that was refused before its document got an id."""
    return Outcome({"_index": operation.index, "_id": operation.id, "status": error.status, "error": error.error()})
