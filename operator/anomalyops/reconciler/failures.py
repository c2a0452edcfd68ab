"""From the gateway's errors to the failures that a status reports."""

from __future__ import annotations

from anomalyops.elastic import (
    AlreadyExists,
    Busy,
    Conflict,
    Forbidden,
    GatewayError,
    LicenseInvalid,
    NotAnElasticsearch,
    NotFound,
    Rejected,
    ServerError,
    Timeout,
    TlsFailed,
    Unauthorized,
    Unreachable,
    Unsupported,
)
from anomalyops.health import Failure, FailureKind
from anomalyops.plan import Step

_KINDS: tuple[tuple[type[GatewayError], FailureKind], ...] = (
    (TlsFailed, FailureKind.TLS),
    (Unauthorized, FailureKind.UNAUTHORIZED),
    (Forbidden, FailureKind.FORBIDDEN),
    (LicenseInvalid, FailureKind.LICENSE),
    (NotAnElasticsearch, FailureKind.CONNECTION),
    (Unreachable, FailureKind.CONNECTION),
    (Rejected, FailureKind.REJECTED),
    (Conflict, FailureKind.CONFLICT),
    (AlreadyExists, FailureKind.CONFLICT),
    (Busy, FailureKind.BUSY),
    (Timeout, FailureKind.TIMEOUT),
    (NotFound, FailureKind.NOT_FOUND),
    (Unsupported, FailureKind.NOT_SUPPORTED),
    (ServerError, FailureKind.SERVER),
)

# The server is not as it was when the plan was made: another look and another plan may help at once.
_STALE = (AlreadyExists, Conflict, NotFound)

# The same request will be refused again; repeating it in a lifecycle would only interrupt the datafeed.
_DEFINITE = (Rejected, Forbidden, AlreadyExists, NotFound, Unsupported)


def failure_of(error: GatewayError, step: Step | None = None) -> Failure:
    """The failure that a status reports for an error.

    Args:
        error: What the gateway raised.
        step: The step that failed, None for a look at the server.
    """
    kind = next((kind for cls, kind in _KINDS if isinstance(error, cls)), FailureKind.SERVER)
    return Failure(kind=kind, message=error.reason, step=step)


def is_stale(error: GatewayError) -> bool:
    """Whether the error means that somebody else acted since the server was looked at."""
    return isinstance(error, _STALE)


def is_definite(error: GatewayError) -> bool:
    """Whether the same request would be refused again."""
    return isinstance(error, _DEFINITE)
