"""Limits of requests that an index may set for itself."""

from __future__ import annotations

from typing import Any

from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.options import integer
from anomalyops_engine.store import Index

DEFAULTS = {"max_result_window": 10_000, "max_terms_count": 65_536}


def limit_of(index: Index, name: str) -> int:
    """Return a limit of an index (`max_result_window`, `max_terms_count`), the default where it sets none."""
    settings: dict[str, Any] = index.settings
    nested = settings.get("index")
    given = (nested.get(name) if isinstance(nested, dict) else None, settings.get(f"index.{name}"), settings.get(name))
    for value in given:
        if value is not None:
            try:
                return integer(at_least=1)(value)
            except IllegalQueryError:
                break
    return DEFAULTS[name]
