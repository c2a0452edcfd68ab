"""Which fields the documents of an index have."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from urllib.parse import quote

from anomalyops_insight.errors import RefusedError
from anomalyops_insight.programs import Program, call
from anomalyops_insight.query.names import quoted

_NAMED = 8
_DATES = frozenset({"date", "date_nanos"})
_CONTAINERS = frozenset({"unmapped", "object", "nested"})


def lacking_fields(index: str, fields: Sequence[str], times: Sequence[str] = ()) -> Program[str | None]:
    """Which of some fields an index lacks, in words, with those that it has; None where it has all, or does not say.

    Args:
        index: An index expression.
        fields: Fields of any type.
        times: Fields that have to be dates.

    Raises:
        BadRequestError: One cannot be the path of a field.
    """
    wanted = list(dict.fromkeys((*times, *fields)))
    for field in wanted:
        quoted(field)
    known = (yield from _known(index, ",".join(wanted))) if wanted else None
    if known is None:
        return None
    if not (missing := [field for field in wanted if field not in known]):
        other = [f"{name} is {' and '.join(sorted(known[name]))}" for name in times if not known[name] <= _DATES]
        return f"a date is needed, and in {index} {', '.join(other)}" if other else None
    every = sorted((yield from _known(index, "*")) or ())
    close = difflib.get_close_matches(missing[0], every, n=5, cutoff=0.4) or every[:_NAMED]
    there = f" (it has {', '.join(close)}{', ...' if len(every) > len(close) else ''})" if close else ""
    return f"no index of {index} has the field {', '.join(missing)}{there}"


def _known(index: str, pattern: str) -> Program[dict[str, set[str]] | None]:
    """The fields of a pattern that an index has, with their types; None where there is none, or it does not say."""
    path = f"/{quote(index, safe='*,:@.-_+')}/_field_caps"
    query = {"fields": pattern, "ignore_unavailable": "true", "allow_no_indices": "true"}
    try:
        answer = yield from call("GET", path, query=query)
    except RefusedError:
        return None
    if not answer.get("indices"):
        return None
    kinds = {
        name: {kind for kind, facts in of.items() if not facts.get("metadata_field")}
        for name, of in answer.get("fields", {}).items()
    }
    return {name: types for name, of in kinds.items() if (types := of - _CONTAINERS)}
