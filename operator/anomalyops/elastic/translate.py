"""From the client's exceptions and the server's error bodies to the gateway's errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from elastic_transport import ConnectionTimeout, SerializationError, TlsError, TransportError
from elasticsearch import ApiError, UnsupportedProductError

from anomalyops.elastic.errors import (
    AlreadyExists,
    AlreadyOpened,
    AlreadyStarted,
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
    VersionConflict,
)

_UNTRUSTED = "the authority that signed it is not trusted: give the connection that authority's certificate"
# OpenSSL's words for what a person can put right, and how.
_TLS_HINTS: Mapping[str, str] = {
    "WRONG_VERSION_NUMBER": "the server does not speak TLS there: write http:// in the URL",
    "self-signed certificate": _UNTRUSTED,
    "self signed certificate": _UNTRUSTED,
    "unable to get local issuer certificate": _UNTRUSTED,
}
_REASON_LIMIT = 1000  # characters of a reason that are kept; the rest tells a person nothing more


def from_exception(error: ApiError | TransportError, *, call: str) -> GatewayError:
    """The gateway's error for an exception of the official client.

    Args:
        error: What the client raised.
        call: Method and path, for the message.
    """
    if isinstance(error, UnsupportedProductError):
        return NotAnElasticsearch(
            "the server answers without the header 'X-Elastic-Product: Elasticsearch'; "
            "give the URL of an Elasticsearch 8.x or 9.x cluster or of the embedded engine",
            call=call,
            status=error.meta.status,
        )
    if isinstance(error, ApiError):
        return _stranger(error, call) or from_answer(error.meta.status, error.body, call=call)
    return _from_transport(error, call)


# What something that stands before a server may say in its place; all else from another program is a wrong URL.
_OF_A_PROXY = frozenset({401, 403, 407, 408, 413, 429, 502, 503, 504})


def _stranger(error: ApiError, call: str) -> NotAnElasticsearch | None:
    """The error of an answer that Elasticsearch does not give, so that it is not taken for the absence of a job."""
    headers, body, status = error.meta.headers, error.body, error.meta.status
    kibana = "kbn-name" in headers or (isinstance(body, Mapping) and "statusCode" in body)
    known = "x-elastic-product" in headers or (isinstance(body, Mapping) and "error" in body)
    if not kibana and (known or status in _OF_A_PROXY):
        return None
    what = "this is Kibana: give the URL of its Elasticsearch" if kibana else "is this the URL of Elasticsearch?"
    return NotAnElasticsearch(f"the answer is not one of Elasticsearch; {what}", call=call, status=status)


def _from_transport(error: TransportError, call: str) -> GatewayError:
    if isinstance(error, ConnectionTimeout):
        return Timeout("no answer in time", call=call)
    if isinstance(error, TlsError):
        reason = _innermost(error)
        hint = next((f"; {words}" for sign, words in _TLS_HINTS.items() if sign in reason), "")
        return TlsFailed(f"TLS failed: {reason}{hint}", call=call)
    if isinstance(error, SerializationError):
        return NotAnElasticsearch("the answer is not JSON; is this the URL of Elasticsearch?", call=call)
    return Unreachable(f"no connection: {_innermost(error)}", call=call)


def from_answer(status: int, body: object, *, call: str) -> GatewayError:
    """The gateway's error for an HTTP answer that is not a success.

    Statuses and texts are those of the ML endpoints: already-exists is a 400, already-opened a 409, a licence
    problem a 403 `security_exception` with `license.expired.feature`.
    """
    error = body.get("error") if isinstance(body, Mapping) else None
    details: Mapping[str, Any] = error if isinstance(error, Mapping) else {}
    reason = _deepest_reason(details) or (error if isinstance(error, str) else "") or _text(body)
    kind = str(details.get("type", ""))
    cls = _classify(status, kind, details, reason)
    if "/_ml" in call and _unserved(kind, reason):
        reason = f"this server has no machine learning: {reason}"
    return cls(reason or f"HTTP {status} without a reason", call=call, status=status, error_type=kind)


def _unserved(kind: str, reason: str) -> bool:
    """Whether a path leads nowhere: what serves it is switched off, or not part of a serverless project (410)."""
    unrouted = "no handler found for uri" in reason or "Incorrect HTTP method for uri" in reason
    return unrouted or kind == "api_not_available_exception"


_BY_STATUS: Mapping[int, type[GatewayError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: Unsupported,
    408: Timeout,
    409: Conflict,
    429: Busy,
    501: Unsupported,
}


def _classify(status: int, kind: str, details: Mapping[str, Any], reason: str) -> type[GatewayError]:
    if kind == "resource_already_exists_exception":
        return AlreadyExists
    if status == 409:
        return _classify_conflict(kind, reason)
    if status == 403 and ("license.expired.feature" in details or "license is non-compliant" in reason):
        return LicenseInvalid
    if status == 404 and _unserved(kind, reason):
        return Unsupported  # the path leads nowhere, which says nothing of what it names
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return ServerError
    return Rejected if 400 <= status < 500 else NotAnElasticsearch


def _classify_conflict(kind: str, reason: str) -> type[Conflict]:
    if kind == "version_conflict_engine_exception" or "version conflict" in reason:
        return VersionConflict
    if "already been opened" in reason:
        return AlreadyOpened
    if "already been started" in reason:
        return AlreadyStarted
    return Conflict


def _causes(details: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    current: Any = details
    while isinstance(current, Mapping):
        yield current
        current = current.get("caused_by")


def _deepest_reason(details: Mapping[str, Any]) -> str:
    """The server's outer reason, followed by the deepest cause where that says more.

    Parse failures wrap the sentence that matters two or three levels deep.
    """
    reasons = [str(cause["reason"]) for cause in _causes(details) if cause.get("reason")]
    if not reasons:
        return ""
    outer, deepest = reasons[0], reasons[-1]
    return (outer if deepest in outer else f"{outer}: {deepest}")[:_REASON_LIMIT]


def _text(body: object) -> str:
    text = body.strip() if isinstance(body, str) else ""
    return "an HTML page" if text.startswith("<") else text[:_REASON_LIMIT]


def _made_of(error: BaseException) -> Iterator[BaseException]:
    """An error's causes, the innermost first; retries stand inside of each other."""
    for inner in getattr(error, "errors", ()):
        yield from _made_of(inner)
    yield error


def _innermost(error: TransportError) -> str:
    """The text of the first cause that has one; transport errors wrap the operating system's message."""
    for cause in _made_of(error):
        text = str(getattr(cause, "message", "") or cause)
        if text.startswith("0, message=''"):  # aiohttp's words for too many redirects
            return "it redirects without end"
        if text:
            return text.replace(" ssl:default", "").replace(" ssl:True", "")[:_REASON_LIMIT]  # aiohttp's words
    return type(error).__name__
