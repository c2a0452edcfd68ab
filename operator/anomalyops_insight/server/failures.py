"""From what the client raises, and what a server answers, to errors in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from elastic_transport import ConnectionTimeout, SerializationError, TransportError
from elasticsearch import ApiError

from anomalyops_insight.errors import NO_MACHINE_LEARNING, RefusedError, UnreachableError, lacks_machine_learning

_PRODUCT = "x-elastic-product"
_UNTRUSTED = "the authority that signed its certificate is not trusted: give it with --ca"
# Words of the network for what a person can put right, and how.
_HINTS: Mapping[str, str] = {
    "WRONG_VERSION_NUMBER": "the server does not speak TLS there: write http:// in the URL",
    "self-signed certificate": _UNTRUSTED,
    "self signed certificate": _UNTRUSTED,
    "unable to get local issuer certificate": _UNTRUSTED,
    "Name or service not known": "no such host is known: is its name right?",
    "Connect call failed": "nothing listens there: are host and port right?",
}
_CLOSED = ("Connection reset by peer", "Server disconnected")
_LONGEST = 300  # characters of an answer that is not an error of Elasticsearch
# What something that stands before a server may say in its place; all else from another program is a wrong URL.
OF_A_PROXY = frozenset({401, 403, 407, 408, 413, 429, 502, 503, 504})


def answered(error: ApiError, shown: str, call: str) -> RefusedError | UnreachableError:
    """The error of an answer that is not what was asked for.

    Args:
        error: What the client raised.
        shown: The URL.
        call: Method and path.
    """
    headers, body, status = error.meta.headers, error.body, error.meta.status
    kibana = "kbn-name" in headers or (isinstance(body, Mapping) and "statusCode" in body)
    ours = headers.get(_PRODUCT) == "Elasticsearch" or (isinstance(body, Mapping) and {"error", "status"} <= set(body))
    if status < 300 or (not ours and (kibana or status not in OF_A_PROXY)):
        what = "this is Kibana: give the URL of its Elasticsearch" if kibana else "is the URL right?"
        return UnreachableError(f"{shown} does not answer as Elasticsearch does: {call} gave {_seen(error)}; {what}")
    return refused(error, f"{shown}: {call}")


def refused(error: ApiError, where: str) -> RefusedError:
    """An error of the server in words."""
    kind, reason = _named(error)
    status = error.meta.status
    hint = ""
    if lacks_machine_learning(kind, reason):
        reason = f"{NO_MACHINE_LEARNING}: {reason}"
    elif status == 401:
        hint = "; credentials come from ANOMALYOPS_API_KEY, or ANOMALYOPS_USERNAME and ANOMALYOPS_PASSWORD"
    elif status == 403:
        hint = "; `anomalyops tool ad_validate_ml_tool_permissions` lists what is missing"
    return RefusedError(f"{where}: {reason} ({status}){hint}", status=status, kind=kind, reason=reason)


def _named(error: ApiError) -> tuple[str, str]:
    """The type and the reason of an error."""
    body = error.body
    described = body.get("error") if isinstance(body, Mapping) else None
    if isinstance(described, Mapping):
        causes = described.get("root_cause") or [described]
        reason = described.get("reason") or error.message
        if reason == "all shards failed" or not described.get("reason"):
            reason = causes[0].get("reason") or reason
        return str(described.get("type", "")), _line(str(reason))
    return "", _line(str(described)) if described else content(body)


def _seen(error: ApiError) -> str:
    """What came instead of an answer, in words."""
    return f"{content(error.body)} ({error.meta.status})"


def content(body: Any) -> str:
    """What an answer holds, in one line for a person: its message where it has one, never markup."""
    if isinstance(body, Mapping):
        said = body.get("message") or body.get("detail") or body.get("error")
        return _line(f"{said}") if said and not isinstance(said, Mapping) else "other JSON"
    text = str(body or "").strip()
    if text.startswith("<"):
        return "an HTML page"
    return _line(text) if text else "an empty answer"


def _line(text: str) -> str:
    """A text as one line that is not too long."""
    return " ".join(text.split())[:_LONGEST]


def unanswered(
    error: TransportError, shown: str, call: str, seconds: float, product: str = "Elasticsearch"
) -> UnreachableError:
    """The error where no answer came.

    Args:
        error: What the client raised.
        shown: The URL.
        call: Method and path.
        seconds: How long was waited.
        product: What should be there.
    """
    if isinstance(error, ConnectionTimeout):
        return UnreachableError(f"{shown}: {call}: no answer within {seconds:g} seconds")
    if isinstance(error, SerializationError):
        return UnreachableError(
            f"{shown} does not answer as {product} does: {call} gave text that is not JSON; is the URL right?"
        )
    words = _innermost(error)
    hint = next((f"; {told}" for sign, told in _HINTS.items() if sign in words), "")
    if any(sign in words for sign in _CLOSED) and shown.startswith("http:"):
        hint = "; where the server speaks TLS, write https:// in the URL"
    return UnreachableError(f"{shown} cannot be reached: {words}{hint}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What an error is made of, the innermost first; retries stand inside of each other."""
    for inner in getattr(error, "errors", ()):
        yield from _causes(inner)
    yield error


def _innermost(error: TransportError) -> str:
    """The text of the first cause that has one."""
    for cause in _causes(error):
        text = str(getattr(cause, "message", "") or cause)
        if text.startswith("0, message=''"):  # aiohttp's words for too many redirects
            return "it redirects without end"
        if text:
            return _line(text).replace(" ssl:default", "").replace(" ssl:True", "")
    return type(error).__name__
