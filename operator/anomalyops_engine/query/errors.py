"""What can be wrong with a search; the API layer maps each to an Elasticsearch error body."""

from __future__ import annotations


class QueryError(Exception):
    """Base of every error about a query."""


class QueryParsingError(QueryError):
    """The query, aggregation or parameter is malformed (`parsing_exception`)."""


class IllegalQueryError(QueryError):
    """Well formed, but not allowed for this field or value (`illegal_argument_exception`)."""


class UnsupportedQueryError(QueryError):
    """Elasticsearch has it, this engine does not; the message names what is missing."""


class TooManyBucketsError(QueryError):
    """An aggregation would return more buckets than allowed."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"Trying to create too many buckets. Must be less than or equal to: [{limit}]. This limit can be set by "
            "changing the [search.max_buckets] cluster level setting."
        )
