"""Which calls of the page are passed on to the server: a list, and nothing else.

The console holds credentials that may do more than its readers should. What changes something is a list of its own,
which is closed unless the console was started to allow it.
"""

from __future__ import annotations

import enum
import re
from typing import Final
from urllib.parse import unquote_to_bytes


class Access(enum.Enum):
    """What a call may do on the server."""

    READ = "read"
    WRITE = "write"


_ML: Final = "_ml/anomaly_detectors"
# A `*` stands for one segment, after other letters for the rest of one name, a `+` for one that the server named, which
# may begin like an API, a `#` for the name of one index that is not hidden. What is answered does not depend on the
# body's words: searches change nothing, and of bulk requests those are passed on that only add (`only_adds`).
_READS: Final = {
    "GET": (
        "",
        "_ml/info",
        _ML,
        f"{_ML}/_stats",
        f"{_ML}/*",
        f"{_ML}/*/_stats",
        f"{_ML}/*/results/*",
        f"{_ML}/*/results/*/*",
        f"{_ML}/*/model_snapshots",
        f"{_ML}/*/model_snapshots/*",
        "_ml/datafeeds",
        "_ml/datafeeds/_stats",
        "_ml/datafeeds/*",
        "_ml/datafeeds/*/_stats",
        "_ml/datafeeds/*/_preview",
        "_ml/calendars",
        "_ml/calendars/*",
        "_ml/calendars/*/events",
        "_ml/filters",
        "_ml/filters/*",
        "_security/_authenticate",
        "_tasks/+",
        "_resolve/index/*",
        "*/_mapping",
        "*/_field_caps",
    ),
    "POST": (
        f"{_ML}/*/results/*",
        f"{_ML}/*/results/*/*",
        f"{_ML}/_validate",
        f"{_ML}/_validate/detector",
        f"{_ML}/_estimate_model_memory",
        "_ml/datafeeds/_preview",
        "_text_structure/find_structure",
        "_security/user/_has_privileges",
        "_query",
        "*/_search",
        "*/_count",
        "*/_field_caps",
    ),
}
_WRITES: Final = {
    "POST": (
        f"{_ML}/*/_open",
        f"{_ML}/*/_close",
        f"{_ML}/*/_reset",
        f"{_ML}/*/_update",
        f"{_ML}/*/_forecast",
        f"{_ML}/*/model_snapshots/*/_revert",
        f"{_ML}/*/model_snapshots/*/_update",
        "_ml/datafeeds/*/_start",
        "_ml/datafeeds/*/_stop",
        "_ml/calendars/*/events",
        "_ml/filters/*/_update",
        ".ml-annotations-write/_doc",
        "#/_bulk",
    ),
    # What is there is changed in the index that holds it, which after a roll-over is not the one that is written to.
    "PUT": (
        f"{_ML}/*",
        "_ml/datafeeds/*",
        "_ml/calendars/*",
        "_ml/calendars/*/jobs/*",
        "_ml/filters/*",
        ".ml-annotations-*/_doc/+",
        "#",
    ),
    "DELETE": (
        f"{_ML}/*",
        f"{_ML}/*/_forecast/+",
        "_ml/datafeeds/*",
        "_ml/calendars/*",
        "_ml/calendars/*/events/+",
        "_ml/calendars/*/jobs/*",
        "_ml/filters/*",
        ".ml-annotations-*/_doc/+",
    ),
}
_REST: Final = re.compile(r"[a-z0-9-]+")
_INDEX: Final = re.compile(r"[a-z0-9][a-z0-9._+-]{0,254}")
_CREATE: Final = b'{"create":{}}'
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def _compiled(table: dict[str, tuple[str, ...]]) -> dict[str, tuple[tuple[str, ...], ...]]:
    return {method: tuple(tuple(pattern.split("/")) for pattern in patterns) for method, patterns in table.items()}


_TABLES: Final = ((Access.READ, _compiled(_READS)), (Access.WRITE, _compiled(_WRITES)))


def access(method: str, raw_path: bytes) -> Access | None:
    """What a call may do.

    Args:
        method: Of HTTP.
        raw_path: As the browser sent it, with its escapes and without a query.

    Returns:
        None where the call is not one of the page's, or where its path could be read in two ways.
    """
    segments = _segments(raw_path)
    if segments is None:
        return None
    for kind, table in _TABLES:
        if any(_matches(pattern, segments) for pattern in table.get(method, ())):
            return kind
    return None


def only_adds(raw_path: bytes, body: bytes) -> bool:
    """Whether a call, if it is a bulk request, adds documents to the index of its path, and does nothing else.

    An action may name an index of its own, delete, or replace what is there; the page's name nothing.
    """
    segments = _segments(raw_path)
    if segments is None or segments[-1] != "_bulk":
        return True
    lines = body.split(b"\n")
    return lines[-1] == b"" and len(lines) % 2 == 1 and all(line == _CREATE for line in lines[:-1:2])


def _segments(raw_path: bytes) -> tuple[str, ...] | None:
    """The decoded segments of a path; None where decoding makes other segments of it."""
    if not raw_path.startswith(b"/"):
        return None
    try:
        parts = [unquote_to_bytes(part).decode() for part in raw_path[1:].split(b"/")]
    except UnicodeDecodeError:
        return None
    for part in parts:
        if "/" in part or "\\" in part or part in {".", ".."} or _CONTROL.search(part):
            return None
    if parts != [""] and "" in parts:
        return None
    return tuple(parts)


def _matches(pattern: tuple[str, ...], segments: tuple[str, ...]) -> bool:
    """Whether segments are as a pattern has them; a name that begins like an API is no name of an index."""
    if len(pattern) != len(segments):
        return False
    return all(_fits(wanted, segment) for wanted, segment in zip(pattern, segments, strict=True))


def _fits(wanted: str, segment: str) -> bool:
    if wanted == "*":
        return not segment.startswith("_") or segment == "_all"
    if wanted == "+":
        return True
    if wanted == "#":
        return _INDEX.fullmatch(segment) is not None
    if wanted.endswith("*"):
        # One index of many with a beginning of their own, and no list or pattern of indices.
        return segment.startswith(wanted[:-1]) and _REST.fullmatch(segment, len(wanted) - 1) is not None
    return segment == wanted
