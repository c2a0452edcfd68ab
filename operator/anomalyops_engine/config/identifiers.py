"""Identifiers: which are legal, and which of the known ones an expression names."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from anomalyops_engine.refusals import MlError, illegal_argument
from anomalyops_engine.store.patterns import matches

_VALID = re.compile(r"[a-z0-9](?:[a-z0-9_\-.]*[a-z0-9])?")
ID_RULE: Final = (
    "can contain lowercase alphanumeric (a-z and 0-9), hyphens or underscores; must start and end with alphanumeric"
)
MAX_JOB_ID_LENGTH: Final = 64


def is_valid_id(value: str) -> bool:
    """Tell whether `value` may be an id of a job, datafeed, group or results index (`MlStrings`)."""
    return value != "_all" and _VALID.fullmatch(value) is not None


def check_id(field: str, value: str) -> str:
    """Return `value` when it is a legal id.

    Raises:
        MlError: 400 with Elasticsearch's text.
    """
    if not is_valid_id(value):
        raise illegal_argument(f"Invalid {field}; '{value}' {ID_RULE}")
    return value


def check_job_id(value: str) -> str:
    """Return `value` when it is a legal job id (at most 64 characters)."""
    if is_valid_id(value) and len(value) > MAX_JOB_ID_LENGTH:
        raise illegal_argument(f"The job id cannot contain more than {MAX_JOB_ID_LENGTH} characters.")
    return check_id("job_id", value)


def check_group(value: str) -> str:
    """Return `value` when it is a legal group name."""
    if not is_valid_id(value):
        raise illegal_argument(
            f"Invalid group id '{value}'; must be non-empty string and may contain lowercase alphanumeric "
            "(a-z and 0-9), hyphens or underscores; must start and end with alphanumeric"
        )
    return value


def check_same_id(field: str, body: object, url: str) -> None:
    """Raise 400 when the id of the body (if any) differs from the one of the URL."""
    if body is not None and body != url:
        raise illegal_argument(
            f"Inconsistent {field}; '{body}' specified in the body differs from '{url}' specified as a URL argument"
        )


def expand(
    expression: str,
    known: Collection[str],
    *,
    missing: Callable[[str], MlError],
    allow_no_match: bool = True,
    groups: Mapping[str, Iterable[str]] | None = None,
) -> list[str]:
    """Return the known ids that an expression names, sorted.

    Args:
        expression: an id, a comma separated list, wildcards (`*`), `_all` or nothing (all); group names too.
        known: the ids that exist.
        missing: makes the error for a part that names nothing.
        allow_no_match: whether a wildcard may match nothing. A concrete id must always exist.
        groups: group name to the ids of its members.

    Raises:
        MlError: what `missing` made.
    """
    groups = groups or {}
    found: set[str] = set()
    for part in [part.strip() for part in expression.split(",")] if expression else ["_all"]:
        pattern = "*" if part in {"_all", ""} else part
        if "*" in pattern:
            matched = {name for name in known if matches(pattern, name)}
            for group, members in groups.items():
                if matches(pattern, group):
                    matched.update(members)
        else:
            matched = {pattern} if pattern in known else set(groups.get(pattern, ()))
        if not matched and not (allow_no_match and "*" in pattern):
            raise missing(part)
        found |= matched
    return sorted(found)
