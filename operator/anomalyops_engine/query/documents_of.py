"""The documents of an index as a relation, wherever they are stored."""

from __future__ import annotations

from anomalyops_engine.query.expr import Table
from anomalyops_engine.store import Index
from anomalyops_engine.store.parts import columns_by_table


def documents_of(index: Index) -> Table:
    """Return what the documents of an index are read from."""
    return Table(index.table, columns_by_table(index) if index.parts else ())
