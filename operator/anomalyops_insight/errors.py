"""What can go wrong, in words for the person who asked."""

from __future__ import annotations

NO_MACHINE_LEARNING = "this server has no machine learning"


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

    @property
    def without_ml(self) -> bool:
        """Whether there is no machine learning at all: switched off, not licensed, or not part of the server."""
        return lacks_machine_learning(self.kind, self.reason)

    @property
    def forbidden(self) -> bool:
        """Whether it is the user who lacks a privilege; a licence that lacks machine learning is no such thing."""
        return self.status == 403 and not self.without_ml


def lacks_machine_learning(kind: str, reason: str) -> bool:
    """Whether a refusal says that the server has no machine learning.

    Elasticsearch says so in three ways: no handler for the path where `xpack.ml.enabled` is false, a licence that is
    not compliant, and `api_not_available_exception` (410) where it is serverless.
    """
    if "license is non-compliant for [ml]" in reason or NO_MACHINE_LEARNING in reason:
        return True
    unrouted = "no handler found for uri" in reason or "Incorrect HTTP method for uri" in reason
    return "/_ml/" in reason and (unrouted or kind == "api_not_available_exception")
