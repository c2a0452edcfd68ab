"""The JSON of requests: what is none or names a field twice, and the errors that Elasticsearch gives for it."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from anomalyops_engine.api.duplicates import DuplicateNameError, check_names
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.query.options import token_of

# As deep as Elasticsearch's parser goes (`StreamReadConstraints` of Jackson).
MOST_DEPTH: Final = 1000
_TOO_DEEP: Final = (
    f"Document nesting depth ({MOST_DEPTH + 1}) exceeds the maximum allowed ({MOST_DEPTH}, from "
    "`StreamReadConstraints.getMaxNestingDepth()`)"
)
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
# How a value begins that may stand after another one, and the name of its kind.
_BEGINNINGS: Final = (
    (rb"\{", "START_OBJECT"),
    (rb"\[", "START_ARRAY"),
    (rb'"', "VALUE_STRING"),
    (rb"-?\d", "VALUE_NUMBER"),
    (rb"(true|false)\b", "VALUE_BOOLEAN"),
    (rb"null\b", "VALUE_NULL"),
)


class MalformedJsonError(ApiError):
    """A text is no JSON, or an object in it names a field twice.

    Attributes:
        rest: what stands behind a whole value, where that is what is wrong.
    """

    def __init__(self, reason: str, *, cut_off: bool = False, rest: bytes = b"") -> None:
        kind = "e_o_f" if cut_off else "parse"
        cause = {"type": f"json_{kind}_exception", "reason": reason}
        super().__init__(400, f"x_content_{kind}_exception", reason, cause)
        self.rest = rest


def without_mark(text: bytes) -> bytes:
    """Return a text without the byte order mark that it may begin with."""
    return text.removeprefix(_BYTE_ORDER_MARK)


def is_too_deep(text: bytes, value: object) -> bool:
    """Return whether objects and arrays lie in one another deeper than they may.

    Args:
        text: JSON.
        value: what it parses to.
    """
    if len(text) < 2 * MOST_DEPTH or text.count(b"{") + text.count(b"[") <= MOST_DEPTH:
        return False
    level, depth = [value], 0
    while level:
        depth += 1
        parts = (part.values() if isinstance(part, dict) else part for part in level if isinstance(part, dict | list))
        level = [inner for part in parts for inner in part if isinstance(inner, dict | list)]
    return depth > MOST_DEPTH


def parse_json(text: bytes) -> Any:
    """Return parsed JSON.

    Raises:
        MalformedJsonError: 400 with line and column of the syntax error, or the field that an object names twice.
    """
    text = without_mark(text)
    try:
        value = orjson.loads(text)
        if is_too_deep(text, value):
            raise MalformedJsonError(_TOO_DEEP)
        check_names(text, value)
    except DuplicateNameError as error:
        raise MalformedJsonError(str(error)) from None
    except orjson.JSONDecodeError as error:
        if "depth" in error.msg:
            raise MalformedJsonError(_TOO_DEEP) from None
        where = len(text.decode(errors="replace")[: error.pos].encode())
        behind = text[where:] if "content after" in error.msg else b""
        reason = f"[{error.lineno}:{error.colno}] {error.msg}"
        raise MalformedJsonError(reason, cut_off="end of data" in error.msg, rest=behind) from None
    return value


def parse_document(text: bytes) -> dict[str, Any]:
    """Return the document of a JSON text.

    Raises:
        ApiError: 400; the text is no JSON, no object, or goes on after it.
    """
    try:
        document = parse_json(text)
    except MalformedJsonError as error:
        for beginning, token in _BEGINNINGS:
            if re.match(beginning, error.rest):
                reason = f"Malformed content, found extra data after parsing: {token}"
                raise ApiError(400, "illegal_argument_exception", reason) from None
        cause = {"type": error.type, "reason": error.reason}
        raise ApiError(400, "document_parsing_exception", f"failed to parse: {error.reason}", cause) from None
    if not isinstance(document, dict):
        raise ApiError(400, "document_parsing_exception", "Malformed content, must start with an object")
    return document


def parse_object(text: bytes) -> dict[str, Any]:
    """Return the object of a JSON text.

    Raises:
        ApiError: 400; the text is no JSON, or no object.
    """
    value = parse_json(text)
    if not isinstance(value, dict):
        raise ApiError(400, "parsing_exception", f"Expected [START_OBJECT] but found [{token_of(value)}]")
    return value
