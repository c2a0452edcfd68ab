"""Errors as Elasticsearch tells them: status, type, reason, and what caused it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anomalyops_engine.jobs import MlError
from anomalyops_engine.query import QueryError, SearchPhaseError, TooManyBucketsError, UnsupportedQueryError
from anomalyops_engine.store import (
    AmbiguousTargetError,
    BrokenStoreError,
    DataStreamError,
    DataStreamExistsError,
    DiskFullError,
    DocumentExistsError,
    DocumentParsingError,
    IllegalSettingError,
    IndexBlockedError,
    IndexClosedError,
    IndexExistsError,
    IndexForbiddenError,
    IndexNotFoundError,
    InvalidAliasNameError,
    InvalidIndexNameError,
    MappingConflictError,
    MappingError,
    OutOfRoomError,
    PipelineNotFoundError,
    StoreError,
    UnsupportedFeatureError,
    WorkInterruptedError,
)


class ApiError(Exception):
    """A refusal with its HTTP status and Elasticsearch error type.

    Attributes:
        status: HTTP status code.
        type: `error.type`, such as `illegal_argument_exception`.
        reason: `error.reason`.
        caused_by: the cause, an error object itself (`type`, `reason`, perhaps `caused_by`).
        details: further keys of the error object (`index`, `resource.id`, `line`, ...).
        root_cause: where it all began; None for what `root_of` finds.
    """

    def __init__(
        self,
        status: int,
        type: str,  # noqa: A002 (Elasticsearch's name for it)
        reason: str,
        caused_by: dict[str, Any] | None = None,
        *,
        details: dict[str, Any] | None = None,
        root_cause: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.type = type
        self.reason = reason
        self.caused_by = caused_by
        self.details = details or {}
        self.root_cause = root_cause

    def error(self) -> dict[str, Any]:
        """Return the error object without its root cause, as bulk items show it."""
        body: dict[str, Any] = {"type": self.type, "reason": self.reason, **self.details}
        if self.caused_by is not None:
            body["caused_by"] = self.caused_by
        return body

    def body(self) -> dict[str, Any]:
        """Return the response body."""
        own = {"type": self.type, "reason": self.reason, **self.details}
        roots = [root_of(own, self.caused_by)] if self.root_cause is None else self.root_cause
        return {"error": {"root_cause": roots, **self.error()}, "status": self.status}


# Causes that are exceptions of Elasticsearch's own, unlike those of Java, by the ends of their names.
_OF_JAVA = frozenset(
    {"illegal_argument_exception", "illegal_state_exception", "number_format_exception", "date_time_exception"}
    | {"null_pointer_exception", "zone_rules_exception", "json_parse_exception", "json_e_o_f_exception"}
    | {"date_time_parse_exception", "arithmetic_exception", "document_parsing_exception"}
)
_OF_PARSERS = frozenset({"x_content_parse_exception", "x_content_e_o_f_exception"})


def root_of(error: dict[str, Any], cause: dict[str, Any] | None) -> dict[str, Any]:
    """Return where an error began, as Elasticsearch guesses it (`ElasticsearchException.guessRootCauses`).

    That of a parser began where the value that it read was refused; any other one of Elasticsearch's own began in
    another of them that it names as its cause.

    Args:
        error: type, reason and details.
        cause: what lies behind it, None for nothing.
    """
    while cause is not None and error["type"] not in _OF_JAVA and cause["type"] not in _OF_JAVA:
        if cause["type"] in _OF_PARSERS and error["type"] not in _OF_PARSERS:
            break
        error, cause = {key: part for key, part in cause.items() if key != "caused_by"}, cause.get("caused_by")
    return error


def not_supported(what: str) -> ApiError:
    """Return the 501 for something that Elasticsearch has and this engine has not."""
    return ApiError(501, "not_implemented_exception", what)


def validation_failed(failures: Sequence[str]) -> ApiError:
    """Return the 400 that lists what is wrong with a request."""
    listed = "".join(f"{number}: {failure};" for number, failure in enumerate(failures, 1))
    return ApiError(400, "action_request_validation_exception", f"Validation Failed: {listed}")


def index_not_found(name: str, reason: str = "") -> ApiError:
    """Return the 404 of a missing index."""
    details = {"resource.type": "index_or_alias", "resource.id": name, "index_uuid": "_na_", "index": name}
    return ApiError(404, "index_not_found_exception", reason or f"no such index [{name}]", details=details)


def from_lower_layer(error: StoreError | QueryError | MlError) -> ApiError:
    """Return the API error for an error of the store, of a query, or of a job or datafeed."""
    if isinstance(error, MlError):
        return ApiError(error.status, error.type, error.reason, error.caused_by)
    reason = str(error)
    if isinstance(error, IndexNotFoundError):
        return index_not_found(error.index, reason)
    if isinstance(error, DocumentParsingError):
        cause = {"type": error.cause_type, "reason": error.cause} if error.cause else None
        status = 501 if error.type == "not_implemented_exception" else 400
        return ApiError(status, error.type, reason, cause)
    if isinstance(error, DocumentExistsError):
        details = {"index_uuid": error.uuid, "shard": "0", "index": error.index}
        return ApiError(409, "version_conflict_engine_exception", reason, details=details)
    if isinstance(error, IndexBlockedError):
        return ApiError(error.status, "cluster_block_exception", reason)
    if isinstance(error, QueryError):
        return _from_query(error)
    if isinstance(error, UnsupportedFeatureError):
        return not_supported(reason)
    if isinstance(error, WorkInterruptedError):
        return ApiError(503, "node_closed_exception", reason)
    for kinds, status, name in _PLAIN:
        if isinstance(error, kinds):
            return ApiError(status, name, reason, details=_details(error))
    return ApiError(500, "exception", reason)


def _details(error: StoreError) -> dict[str, Any]:
    if isinstance(error, IndexClosedError):
        return {"index_uuid": error.uuid, "index": error.index}
    if isinstance(error, OutOfRoomError):
        return {"durability": "TRANSIENT"}
    return {"index": error.index} if isinstance(error, IndexExistsError) else {}


_PLAIN: tuple[tuple[type[Exception], int, str], ...] = (
    (IndexClosedError, 400, "index_closed_exception"),
    (IndexExistsError, 400, "resource_already_exists_exception"),
    (InvalidAliasNameError, 400, "invalid_alias_name_exception"),
    (InvalidIndexNameError, 400, "invalid_index_name_exception"),
    (AmbiguousTargetError, 400, "illegal_argument_exception"),
    (DataStreamError, 400, "illegal_argument_exception"),
    (DataStreamExistsError, 400, "resource_already_exists_exception"),
    (MappingConflictError, 400, "illegal_argument_exception"),
    (IllegalSettingError, 400, "illegal_argument_exception"),
    (OutOfRoomError, 429, "circuit_breaking_exception"),
    (DiskFullError, 429, "cluster_block_exception"),
    (BrokenStoreError, 503, "node_closed_exception"),
    (IndexForbiddenError, 403, "security_exception"),
    (PipelineNotFoundError, 400, "illegal_argument_exception"),
    (MappingError, 400, "mapper_parsing_exception"),
)


def _from_query(error: QueryError) -> ApiError:
    cause = None if error.cause is None else error.cause.as_cause()
    if isinstance(error, UnsupportedQueryError):
        return not_supported(str(error))
    if isinstance(error, SearchPhaseError):
        shards = [failure.render() for failure in error.failures]
        details = {"phase": "query", "grouped": True, "failed_shards": shards}
        return ApiError(400, error.type, error.reason, details=details, root_cause=error.root_causes())
    if isinstance(error, TooManyBucketsError):
        # It is found out while the answers of the shards are put together: no shard has failed.
        details = {"phase": "fetch", "grouped": True, "failed_shards": []}
        return ApiError(400, SearchPhaseError.type, "", error.as_cause(), details=details, root_cause=[])
    return ApiError(400, error.type, error.reason, cause)
