"""Why something is refused: nobody is known, nothing is allowed, or the request is none that can be served."""

from __future__ import annotations

from collections.abc import Sequence


class SecurityError(Exception):
    """A request that security refuses; the message is the reason that the client is told."""


class AuthenticationError(SecurityError):
    """The client has not shown who it is.

    Attributes:
        details: what was wrong with an API key; None where nothing more is to be said.
    """

    def __init__(self, reason: str, details: str | None = None) -> None:
        super().__init__(reason)
        self.details = details


class ForbiddenError(SecurityError):
    """The client is known and may not do what it asks."""


class NotEnabledError(SecurityError):
    """The engine runs without authentication, so that there are no users and keys to manage."""


class SecurityNotFoundError(SecurityError):
    """A user or role is not there."""


class SecurityValidationError(SecurityError):
    """A request that makes no sense.

    Attributes:
        failures: what is wrong, each by itself; empty where the message is all.
    """

    def __init__(self, reason: str, failures: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.failures = tuple(failures)


class SecurityUnsupportedError(SecurityError):
    """Something that Elasticsearch's security has and this engine has not."""


def invalid(*failures: str) -> SecurityValidationError:
    """Return the refusal of a request with some things wrong with it."""
    return SecurityValidationError("; ".join(failures), failures)
