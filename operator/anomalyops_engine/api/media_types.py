"""The media types of requests and answers."""

from __future__ import annotations

import re

from starlette.requests import Request

from anomalyops_engine.api.errors import ApiError

JSON = "application/json"
_PLAIN = frozenset({JSON, "application/x-ndjson"})
# What clients send since version 8; `compatible-with` is the major whose dialect they speak.
_VENDOR = frozenset({"application/vnd.elasticsearch+json", "application/vnd.elasticsearch+x-ndjson"})
_SPOKEN = frozenset({"7", "8", "9"})
_COMPATIBLE = re.compile(r"application/vnd\.elasticsearch\+(?:json|x-ndjson)\s*;\s*compatible-with=(\d+)", re.I)


def check_content_type(request: Request) -> None:
    """Refuse a body of another type than JSON or NDJSON in UTF-8, or of no named type.

    Raises:
        ApiError: 406 naming the header.
    """
    values = request.headers.getlist("content-type")
    if not values:
        raise _refusal("Content-Type header is missing; a body must be [application/json] or [application/x-ndjson]")
    if len(values) > 1 or not _is_json(values[0]):
        raise _refusal(f"Content-Type header [{', '.join(values)}] is not supported")


def answer_type(request: Request) -> str:
    """Return the media type of the answer: the compatible one where the client speaks it."""
    found = _COMPATIBLE.search(request.headers.get("accept", ""))
    return f"application/vnd.elasticsearch+json;compatible-with={found[1]}" if found else JSON


def _is_json(header: str) -> bool:
    name, *rest = (part.strip().lower() for part in header.split(";"))
    parameters = dict(part.partition("=")[::2] for part in rest if part)
    if name not in _PLAIN | _VENDOR or parameters.get("charset", "utf-8").strip('"') not in {"utf-8", "utf8"}:
        return False
    known = {"charset", "compatible-with"} if name in _VENDOR else {"charset"}
    return parameters.keys() <= known and parameters.get("compatible-with", "8") in _SPOKEN


def _refusal(reason: str) -> ApiError:
    return ApiError(406, "media_type_header_exception", reason)
