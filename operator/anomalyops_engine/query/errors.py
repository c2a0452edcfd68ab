"""What can be wrong with a search; the API layer maps each to an Elasticsearch error body."""

from __future__ import annotations


class QueryError(Exception):
    """Base of every error about a query.

    Attributes:
        reason: what is wrong.
        cause: what lies behind it, None when the reason says it all.
    """

    def __init__(self, reason: str, cause: QueryError | None = None) -> None:
        self.reason = reason
        self.cause = cause
        super().__init__(reason if cause is None else f"{reason}: {cause}")


class QueryParsingError(QueryError):
    """The query, aggregation or parameter is malformed (`parsing_exception`)."""


class ContentParseError(QueryParsingError):
    """An option is unknown or has a value that cannot be read (`x_content_parse_exception`)."""


class IllegalQueryError(QueryError):
    """Well formed, but not allowed for this field or value (`illegal_argument_exception`)."""


class NumberFormatError(IllegalQueryError):
    """A text that is no number where one is needed (`number_format_exception`)."""

    def __init__(self, text: str) -> None:
        super().__init__(f'For input string: "{text}"')


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
