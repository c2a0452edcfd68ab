"""The forms that the bodies of clauses have in common."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from anomalyops_engine.query.errors import QueryParsingError


def object_body(kind: str, body: object) -> dict[str, Any]:
    """Return the options of a clause.

    Raises:
        QueryParsingError: they are no object.
    """
    if not isinstance(body, dict):
        raise QueryParsingError(f"[{kind}] query malformed, no start_object after query name")
    return body


def only(kind: str, options: dict[str, Any], allowed: AbstractSet[str]) -> None:
    """Refuse options that are not among the allowed ones.

    Raises:
        QueryParsingError: naming the option.
    """
    for key in options:
        if key not in allowed:
            raise QueryParsingError(f"[{kind}] query does not support [{key}]")


def field_body(kind: str, body: object, *, short: str | None = None) -> tuple[str, dict[str, Any]]:
    """Return field name and options of `{"field": {...}}` or, with `short`, of `{"field": value}`.

    Raises:
        QueryParsingError: not of that form.
    """
    options = object_body(kind, body)
    named = {key: value for key, value in options.items() if key not in {"boost", "_name"}}
    if len(named) != 1:
        shown = ", ".join(f"[{key}]" for key in named)
        raise QueryParsingError(f"[{kind}] query doesn't support multiple fields, found {shown or 'none'}")
    ((name, inner),) = named.items()
    if isinstance(inner, dict):
        return name, inner
    if short is None:
        raise QueryParsingError(f"[{kind}] query malformed, no start_object after field name [{name}]")
    return name, {short: inner}
