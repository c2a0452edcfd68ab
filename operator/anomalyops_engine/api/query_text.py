"""Queries that stand in the address of a request: `q` in Lucene's syntax, with what belongs to it."""

from __future__ import annotations

from typing import Any, Final

from anomalyops_engine.api.call import Call

QUERY_TEXT: Final = ("q", "df", "default_operator", "analyze_wildcard", "lenient")


def query_in_address(call: Call) -> dict[str, Any] | None:
    """Return the query of the Query DSL that the address gives, None where it gives none."""
    text = call.query.get("q")
    if text is None:
        return None
    options: dict[str, Any] = {"query": text, "lenient": call.flag("lenient", default=False)}
    options["analyze_wildcard"] = call.flag("analyze_wildcard", default=False)
    options["default_operator"] = call.query.get("default_operator", "or")
    if "df" in call.query:
        options["default_field"] = call.query["df"]
    return {"query_string": options}
