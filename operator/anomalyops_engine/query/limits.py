"""Limits of requests: those that an index may set for itself, and those of the whole engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from anomalyops_engine.store import Index

DEFAULTS = {
    "max_docvalue_fields_search": 100,
    "max_regex_length": 1000,
    "max_result_window": 10_000,
    "max_slices_per_pit": 1024,
    "max_slices_per_scroll": 1024,
    "max_terms_count": 65_536,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What searches may take, whatever they search.

    Attributes:
        buckets: buckets of all aggregations of a search together (`search.max_buckets`).
        clauses: clauses of a query, and words of one of its texts (`indices.query.bool.max_clause_count`).
        depth: how many clauses may lie in one another (`indices.query.bool.max_nested_depth`).
        timeout_ms: how long a search may take that says nothing of it; None for any time.
        partial: whether a search whose time is over is answered, and not refused, where it says nothing of it.
    """

    buckets: int = 65_536
    # Elasticsearch computes its limit of the heap; it is at least 1,024.
    clauses: int = 10_000
    depth: int = 30
    timeout_ms: int | None = None
    partial: bool = True


USUAL: Final = Limits()
_current: ContextVar[Limits] = ContextVar("limits", default=USUAL)


def limits() -> Limits:
    """Return the limits of the work of this thread."""
    return _current.get()


@contextmanager
def limited(to: Limits) -> Iterator[None]:
    """Let the work of the block have limits."""
    token = _current.set(to)
    try:
        yield
    finally:
        _current.reset(token)


def limit_of(index: Index, name: str) -> int:
    """Return a limit of an index by the name of its setting, the default where it sets none."""
    return int(index.settings.get(name, DEFAULTS[name]))
