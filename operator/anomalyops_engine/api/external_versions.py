"""Versions that come from elsewhere: `version` with `version_type`, in writes and when a document is read.

As Elasticsearch's `VersionType` has them: a write of an external version needs one that is higher than that of the
document (`external_gte`: or the same), also where the document was deleted not long ago; a reader may insist on the
version that it knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from anomalyops_engine.api.errors import ApiError, validation_failed
from anomalyops_engine.store import Index

_TYPES: Final = frozenset({"internal", "external", "external_gte"})
_ANY, _DELETED = -3, -4
_INTERNAL_REFUSED = (
    "internal versioning can not be used for optimistic concurrency control. Please use `if_seq_no` and "
    "`if_primary_term` instead"
)


@dataclass(frozen=True, slots=True)
class External:
    """The version that a write brings.

    Attributes:
        version: the version that the document has from then on, at least 0.
        same_too: whether a document of the same version is overwritten.
    """

    version: int
    same_too: bool

    def conflict(self, doc_id: str | None, current: int | None, index: Index) -> ApiError | None:
        """Return why a document may not be written, None where it may.

        Args:
            doc_id: its id.
            current: the version that it has, or had when it was deleted; None where it is not known.
            index: its index.
        """
        if current is None or current < self.version or (self.same_too and current == self.version):
            return None
        than = "than" if self.same_too else "or equal to"
        return conflicting(
            doc_id, f"current version [{current}] is higher {than} the one provided [{self.version}]", index
        )


def conflicting(doc_id: str | None, why: str, index: Index) -> ApiError:
    """Return the refusal of a document that has another version than it must have."""
    details = {"index_uuid": index.uuid, "shard": "0", "index": index.name}
    return ApiError(409, "version_conflict_engine_exception", f"[{doc_id}]: version conflict, {why}", details=details)


def read_external(
    kind: str, doc_id: str | None, version: str | None, version_type: str | None, *, conditional: bool
) -> tuple[External | None, list[str]]:
    """Return the version that a write brings, None where it brings none, and what is wrong with it.

    Args:
        kind: index, create or delete.
        doc_id: id of the document; None for one that is made.
        version: `version` of the request.
        version_type: `version_type` of the request.
        conditional: whether the write depends on a sequence number too.

    Raises:
        ApiError: 400; the version is no number, or the type is not known.
    """
    if version is None and version_type is None:
        return None, []
    number, versioning = _number(version), _type(version_type)
    failures = list(_failures(kind, doc_id, number, versioning, conditional=conditional))
    if failures or versioning == "internal":
        return None, failures
    return External(number, versioning == "external_gte"), []


def _failures(kind: str, doc_id: str | None, number: int, versioning: str, *, conditional: bool) -> Iterator[str]:
    if kind == "create" and versioning != "internal":
        yield "create operations only support internal versioning. use index instead"
        return
    if kind == "create" and number not in {_ANY, _DELETED}:
        yield "create operations do not support versions. use index instead"
        return
    if doc_id is None:
        yield "an id must be provided if version type or value are set"
    if not _may_be_written(number, versioning):
        yield f"illegal version value [{number}] for version type [{versioning.upper()}]"
    if versioning == "internal" and number not in {_ANY, _DELETED}:
        yield _INTERNAL_REFUSED
    if conditional and (versioning != "internal" or number != _ANY):
        yield "compare and write operations can not use versioning"


def _may_be_written(number: int, versioning: str) -> bool:
    return number >= 0 if versioning != "internal" else number > 0 or number in {_ANY, _DELETED}


def check_read(query: Mapping[str, str], doc_id: str, found: int | None, index: Index) -> None:
    """Check that a document has the version that its reader wants.

    Args:
        query: query parameters of the reader.
        doc_id: id of the document.
        found: its version, None where there is none.
        index: its index.

    Raises:
        ApiError: 400 for a version that no document has or a type that is not known, 409 for another version.
    """
    if "version" not in query and "version_type" not in query:
        return
    number, versioning = _number(query.get("version")), _type(query.get("version_type"))
    if number != _ANY and number < 0:
        raise validation_failed([f"illegal version value [{number}] for version type [{versioning.upper()}]"])
    if found is not None and number not in {_ANY, found}:
        raise conflicting(doc_id, f"current version [{found}] is different than the one provided [{number}]", index)


def _number(text: str | None) -> int:
    if text is None:
        return _ANY
    if not re.fullmatch(r"[+-]?\d{1,19}", text) or not -(2**63) <= int(text) < 2**63:
        reason = f"Failed to parse long parameter [version] with value [{text}]"
        raise ApiError(400, "illegal_argument_exception", reason)
    return int(text)


def _type(text: str | None) -> str:
    if text is not None and text not in _TYPES:
        raise ApiError(400, "illegal_argument_exception", f"No version type match [{text}]")
    return text or "internal"
