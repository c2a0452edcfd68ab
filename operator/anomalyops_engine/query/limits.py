"""Limits of requests that an index may set for itself."""

from __future__ import annotations

from anomalyops_engine.store import Index

DEFAULTS = {"max_docvalue_fields_search": 100, "max_result_window": 10_000, "max_terms_count": 65_536}


def limit_of(index: Index, name: str) -> int:
    """Return a limit of an index by the name of its setting, the default where it sets none."""
    return int(index.settings.get(name, DEFAULTS[name]))
