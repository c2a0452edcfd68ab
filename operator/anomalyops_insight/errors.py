"""What can go wrong, in words for the person who asked."""

from __future__ import annotations


class InsightError(Exception):
    """A question that cannot be answered; the message says why and what would help."""


class BadRequestError(InsightError):
    """A parameter, a pattern or a name that is not acceptable."""


class UnreachableError(InsightError):
    """The server cannot be reached, or does not answer as Elasticsearch does."""


class RefusedError(InsightError):
    """The server refuses a call.

    Attributes:
        status: The HTTP status.
        kind: The type of the error as the server names it, empty where it names none.
        reason: In the server's words.
    """

    def __init__(self, message: str, *, status: int, kind: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.reason = reason
