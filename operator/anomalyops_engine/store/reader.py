"""Reading from one snapshot of the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import orjson

from anomalyops_engine.store import catalog
from anomalyops_engine.store.catalog import Index
from anomalyops_engine.store.errors import IndexNotFoundError
from anomalyops_engine.store.mapping import IndexMapping

# Parsed mappings by their text, shared by all readers of a store.
MappingCache = dict[str, IndexMapping]
_CACHE_LIMIT = 512


class Reader:
    """A consistent view of the store.

    Attributes:
        connection: the cursor whose open transaction is the snapshot.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, mappings: MappingCache) -> None:
        self.connection = connection
        self._mappings = mappings

    def indices(self) -> list[Index]:
        """Return all indices, by name."""
        rows = self.connection.execute(
            "SELECT name, table_name, uuid, created_ms, mapping, settings, aliases FROM indices ORDER BY name"
        ).fetchall()
        return [
            Index(
                name,
                table,
                self._mapping(mapping),
                orjson.loads(settings),
                orjson.loads(aliases),
                created_ms,
                uuid,
            )
            for name, table, uuid, created_ms, mapping, settings, aliases in rows
        ]

    def resolve(
        self,
        expression: str | Sequence[str],
        *,
        ignore_unavailable: bool = False,
        allow_no_indices: bool = True,
    ) -> list[Index]:
        """Return the indices that an expression of names, patterns, aliases and exclusions means.

        Raises:
            IndexNotFoundError: a concrete name is missing, or nothing matched and that is not allowed.
        """
        return catalog.resolve(
            self.indices(),
            expression,
            ignore_unavailable=ignore_unavailable,
            allow_no_indices=allow_no_indices,
        )

    def index(self, name: str) -> Index:
        """Return the index of exactly this name.

        Raises:
            IndexNotFoundError: there is none.
        """
        for index in self.indices():
            if index.name == name:
                return index
        raise IndexNotFoundError(name)

    def document(self, index: Index, doc_id: str) -> tuple[bytes, int, int] | None:
        """Return (source JSON, version, sequence number) of a document, None when there is none of that id."""
        found = self.documents(index, [doc_id])
        return found.get(doc_id)

    def documents(self, index: Index, ids: Sequence[str]) -> dict[str, tuple[bytes, int, int]]:
        """Return (source JSON, version, sequence number) by id, of those documents that exist."""
        rows = self.connection.execute(
            f'SELECT _id, _source, _version, _seq_no FROM "{index.table}" WHERE _id IN (SELECT unnest(?))',  # noqa: S608
            [list(ids)],
        ).fetchall()
        return {row[0]: (row[1].encode(), row[2], row[3]) for row in rows}

    def config(self, kind: str, id: str) -> dict[str, Any] | None:  # noqa: A002 (the field's name for it)
        """Return a stored configuration, None when there is none."""
        rows = self.connection.execute("SELECT body FROM configs WHERE kind = ? AND id = ?", [kind, id]).fetchall()
        return orjson.loads(rows[0][0]) if rows else None

    def configs(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return all configurations of a kind by id, in id order."""
        rows = self.connection.execute("SELECT id, body FROM configs WHERE kind = ? ORDER BY id", [kind]).fetchall()
        return {row[0]: orjson.loads(row[1]) for row in rows}

    def state(self, kind: str, id: str) -> bytes | None:  # noqa: A002
        """Return a stored state, None when there is none."""
        rows = self.connection.execute("SELECT state FROM states WHERE kind = ? AND id = ?", [kind, id]).fetchall()
        return bytes(rows[0][0]) if rows else None

    def state_ids(self, kind: str) -> list[str]:
        """Return the ids of all states of a kind."""
        rows = self.connection.execute("SELECT id FROM states WHERE kind = ? ORDER BY id", [kind]).fetchall()
        return [row[0] for row in rows]

    def _mapping(self, text: str) -> IndexMapping:
        mapping = self._mappings.get(text)
        if mapping is None:
            if len(self._mappings) >= _CACHE_LIMIT:
                self._mappings.clear()
            mapping = self._mappings[text] = IndexMapping.from_record(orjson.loads(text))
        return mapping
