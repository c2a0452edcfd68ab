"""What can be wrong with a search, and what Elasticsearch calls it.

An error of reading (`QueryParsingError` and below) refuses the request as it stands. One that depends on what an index
holds (`IllegalQueryError` and below) is the failure of that index; a search that fails in all of them is refused with a
`SearchPhaseError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from anomalyops_engine.node import NODE_ID


class QueryError(Exception):
    """Base of every error about a query.

    Attributes:
        type: Elasticsearch's name of the exception.
        reason: what is wrong.
        cause: what lies behind it, None when the reason says it all.
    """

    type: ClassVar[str] = "exception"

    def __init__(self, reason: str, cause: QueryError | None = None) -> None:
        self.reason = reason
        self.cause = cause
        known = cause is None or cause.reason in reason
        super().__init__(reason if known else f"{reason}: {cause}")

    def as_cause(self) -> dict[str, Any]:
        """Return the error object, with what lies behind it."""
        body: dict[str, Any] = {"type": self.type, "reason": self.reason}
        if self.cause is not None:
            body["caused_by"] = self.cause.as_cause()
        return body


class QueryParsingError(QueryError):
    """The query, aggregation or parameter is malformed."""

    type = "parsing_exception"


class InvalidRequestError(QueryError):
    """Parts of a request that can each be read, and do not go together."""

    type = "action_request_validation_exception"

    def __init__(self, failure: str) -> None:
        super().__init__(f"Validation Failed: 1: {failure};")


class ContentParseError(QueryParsingError):
    """An option is unknown or has a value that cannot be read."""

    type = "x_content_parse_exception"


class DateParseError(QueryParsingError):
    """A value that is no date in any of the formats, or no date math."""

    type = "parse_exception"


class DateBoundError(DateParseError):
    """A bound of a range of dates that is none."""


class IllegalQueryError(QueryError):
    """Well formed, but not allowed for this field or value."""

    type = "illegal_argument_exception"


class NumberFormatError(IllegalQueryError):
    """A text that is no number where one is needed."""

    type = "number_format_exception"

    def __init__(self, text: str) -> None:
        super().__init__(f'For input string: "{text}"')


class QueryShardError(IllegalQueryError):
    """A clause or sort that does not go with a field of the index."""

    type = "query_shard_exception"


class InvalidOrderError(IllegalQueryError):
    """Buckets are to be ordered by what they do not have."""

    type = "invalid_path"


class UnsupportedQueryError(QueryError):
    """Elasticsearch has it, this engine does not; the message names what is missing."""

    type = "not_implemented_exception"


class TooManyClausesError(QueryError):
    """One clause has more others in it, or a text has more words, than allowed."""

    type = "too_many_clauses"
    before: ClassVar[str] = ""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"{self.before}maxClauseCount is set to {limit}. This limit can be set by changing the "
            "[indices.query.bool.max_clause_count] node setting."
        )


class TooManyNestedClausesError(TooManyClausesError):
    """A query has more clauses than allowed, all together."""

    type = "too_many_nested_clauses"
    before = "Query contains too many nested clauses; "


class TooManyBucketsError(QueryError):
    """An aggregation would return more buckets than allowed."""

    type = "too_many_buckets_exception"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"Trying to create too many buckets. Must be less than or equal to: [{limit}] but this number of buckets "
            "was exceeded. This limit can be set by changing the [search.max_buckets] cluster level setting."
        )

    def as_cause(self) -> dict[str, Any]:
        """Return the error object, with the limit."""
        return {**super().as_cause(), "max_buckets": self.limit}


@dataclass(frozen=True, slots=True)
class ShardFailure:
    """What went wrong in one index of a search."""

    index: str
    uuid: str
    error: QueryError

    def reason(self) -> dict[str, Any]:
        """Return the error object; one about a field names the index too."""
        body = self.error.as_cause()
        if isinstance(self.error, QueryShardError):
            body |= {"index_uuid": self.uuid, "index": self.index}
        return body

    def render(self) -> dict[str, Any]:
        """Return the failure as `_shards.failures` and `failed_shards` show it."""
        return {"shard": 0, "index": self.index, "node": NODE_ID, "reason": self.reason()}


class SearchPhaseError(QueryError):
    """A well-formed search that no index could answer.

    Attributes:
        failures: what went wrong, by index.
    """

    type = "search_phase_execution_exception"

    def __init__(self, failures: Sequence[ShardFailure]) -> None:
        self.failures = tuple(failures)
        super().__init__("all shards failed", failures[0].error)

    def root_causes(self) -> list[dict[str, Any]]:
        """Return what went wrong in each index, without what lies behind it."""
        reasons = [failure.reason() for failure in self.failures]
        return [{key: part for key, part in reason.items() if key != "caused_by"} for reason in reasons]
