"""What can go wrong between the operator and Elasticsearch, as a small tree of exceptions.

Every message is the server's own reason (the deepest one it gives) with the call it belongs to. No message
ever holds a header, a credential or a request body. The classes are named like what they report.
"""

# ruff: noqa: N818

from __future__ import annotations

from typing import ClassVar


class GatewayError(Exception):
    """Any failure of a call to the server.

    Attributes:
        reason: What the server (or the transport) said, for people.
        call: Method and path of the call, for example `POST /_ml/anomaly_detectors/web/_open`.
        status: HTTP status, None when no answer came.
        error_type: `error.type` of the server's body, empty when there was none.
        placed: Whether the reason says already which server it is of.
    """

    transient: ClassVar[bool] = False  # the same call may succeed later without any change by a person
    connection: ClassVar[bool] = False  # says something about the connection, not about one job or datafeed

    def __init__(self, reason: str, *, call: str = "", status: int | None = None, error_type: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.call = call
        self.status = status
        self.error_type = error_type
        self.placed = False

    def __str__(self) -> str:
        where = f" ({self.call}{f' answered {self.status}' if self.status is not None else ''})" if self.call else ""
        return f"{self.reason}{where}"


class Unreachable(GatewayError):
    """No connection: name not resolved, refused, reset, closed in mid-answer."""

    transient = True
    connection = True


class KeptBack(GatewayError):
    """The call would have changed something and was not sent: this process may not change anything now."""

    transient = True


class OtherServer(GatewayError):
    """Another cluster answers than the one that was meant."""

    connection = True


class TlsFailed(GatewayError):
    """The TLS handshake failed: unknown authority, wrong host name, expired certificate."""

    connection = True


class Timeout(GatewayError):
    """No answer, a 408, or a state that was not reached in time. The server may still act."""

    transient = True


class Unauthorized(GatewayError):
    """401: the credentials are missing or wrong."""

    connection = True


class Forbidden(GatewayError):
    """403: the credentials lack a privilege."""


class LicenseInvalid(GatewayError):
    """403: the licence does not cover machine learning, or it has expired."""

    connection = True


class NotFound(GatewayError):
    """404: no such job, datafeed or endpoint."""


class AlreadyExists(GatewayError):
    """400 `resource_already_exists_exception`: the id is taken."""


class Conflict(GatewayError):
    """409: the state of the job or datafeed does not allow the call now."""

    transient = True


class AlreadyOpened(Conflict):
    """409 on `_open`: the job has been opened already; success for a reconciler."""


class AlreadyStarted(Conflict):
    """409 on `_start`: the datafeed has been started already; success for a reconciler."""


class VersionConflict(Conflict):
    """409 `version_conflict_engine_exception`: a concurrent internal write; the call may be sent again."""


class Rejected(GatewayError):
    """400: the server refuses the request as it is; only another request can succeed."""


class Busy(GatewayError):
    """429: no capacity, too many requests, or upgrade mode."""

    transient = True


class ServerError(GatewayError):
    """5xx: the server failed."""

    transient = True


class Unsupported(ServerError):
    """501: this server does not implement the request."""

    transient = False


class NotAnElasticsearch(GatewayError):
    """What answered is not Elasticsearch (no product header, no JSON)."""

    connection = True
