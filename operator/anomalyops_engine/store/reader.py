"""Reading from one snapshot of the store."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias, TypeVar

import duckdb
import orjson

from anomalyops_engine.store.catalog import Index
from anomalyops_engine.store.errors import IndexNotFoundError
from anomalyops_engine.store.identifiers import united
from anomalyops_engine.store.index_templates import COMPONENT, COMPOSABLE, LEGACY, Templates
from anomalyops_engine.store.known_columns import KnownColumns
from anomalyops_engine.store.mapping import IndexMapping, Limits
from anomalyops_engine.store.names import Wildcards, resolve
from anomalyops_engine.store.parts import from_record, places

# An open database as the layers above hand it on.
Connection: TypeAlias = duckdb.DuckDBPyConnection

T = TypeVar("T")

_CACHE_LIMIT = 512


class Stored(NamedTuple):
    """A document as it is stored.

    Attributes:
        source: its JSON text.
        version: how often it was written.
        seq_no: its sequence number in the index.
        routing: the routing it was written with; None without one.
    """

    source: bytes
    version: int
    seq_no: int
    routing: str | None


@dataclass(slots=True)
class CatalogCache:
    """What all readers of a store share, so that a catalog of thousands of aliases is read once for each change.

    Attributes:
        mappings: parsed mappings by their text and that of their settings.
        latest: the newest committed version of the catalog that somebody has seen, and its indices.
        remembered: figures by what they depend on, the one that was asked for last at the end.
    """

    mappings: dict[tuple[str, str], IndexMapping] = field(default_factory=dict)
    latest: tuple[int, tuple[Index, ...]] = (-1, ())
    remembered: OrderedDict[Hashable, Any] = field(default_factory=OrderedDict)
    _noting: threading.Lock = field(default_factory=threading.Lock)
    _columns: dict[str, tuple[IndexMapping, KnownColumns]] = field(default_factory=dict)

    def note(self, version: int, indices: tuple[Index, ...]) -> None:
        """Note a committed version of the catalog; an older one than is known, of an older snapshot, is passed over."""
        with self._noting:
            if version > self.latest[0]:
                self.latest = version, indices

    def recalled(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return what is remembered of a key, computed when it is nothing."""
        with self._noting:
            if key in self.remembered:
                self.remembered.move_to_end(key)
                found: T = self.remembered[key]
                return found
        made = compute()
        with self._noting:
            self.remembered[key] = made
            while len(self.remembered) > _CACHE_LIMIT:
                self.remembered.popitem(last=False)
        return made

    def known_columns(self, index: Index) -> KnownColumns:
        """Return what reads documents by what the mapping of an index knows."""
        mapping, known = self._columns.get(index.uuid, (None, None))
        if known is None or mapping is not index.mapping:
            if len(self._columns) >= _CACHE_LIMIT:
                self._columns.clear()
            known = KnownColumns(index.mapping)
            self._columns[index.uuid] = index.mapping, known
        return known


class Reader:
    """A consistent view of the store.

    Attributes:
        connection: the cursor whose open transaction is the snapshot.
    """

    def __init__(self, connection: Connection, cache: CatalogCache) -> None:
        self.connection = connection
        self._cache = cache

    def remembered(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return what was computed for a key before, or compute it; all readers of the store remember together.

        Args:
            key: all that the value depends on, the documents too.
            compute: gives the value.
        """
        return self._cache.recalled(key, compute)

    def version(self) -> int:
        """Return how often the indices have changed."""
        ((version,),) = self.connection.execute("SELECT version FROM catalog").fetchall()
        return int(version)

    def indices(self) -> list[Index]:
        """Return all indices, by name."""
        version = self.version()
        known, indices = self._cache.latest
        if version != known:
            indices = self._read_indices()
            self._cache.note(version, indices)
        return list(indices)

    def _read_indices(self) -> tuple[Index, ...]:
        aliases: dict[str, dict[str, dict[str, Any]]] = {}
        for alias, name, properties in self.connection.execute(
            "SELECT alias, index_name, properties FROM aliases ORDER BY alias"
        ).fetchall():
            aliases.setdefault(name, {})[alias] = orjson.loads(properties)
        rows = self.connection.execute(
            "SELECT name, table_name, uuid, created_ms, mapping, settings, parts FROM indices ORDER BY name"
        ).fetchall()
        return tuple(
            Index(
                name,
                table,
                self._mapping(mapping, settings),
                orjson.loads(settings),
                aliases.get(name, {}),
                created_ms,
                uuid,
                parts=from_record(orjson.loads(parts)),
            )
            for name, table, uuid, created_ms, mapping, settings, parts in rows
        )

    def _within_reach(self, _expression: str | Sequence[str]) -> list[Index]:
        """Return the indices that an expression is resolved over."""
        return self.indices()

    def resolve(
        self,
        expression: str | Sequence[str],
        *,
        ignore_unavailable: bool = False,
        allow_no_indices: bool = True,
        wildcards: Wildcards = Wildcards(),  # noqa: B008 (frozen)
        closed_too: bool = False,
    ) -> list[Index]:
        """Return the indices that an expression of names, patterns, aliases and exclusions means.

        Raises:
            IndexNotFoundError: a concrete name is missing, or nothing matched and that is not allowed.
            IndexClosedError: a closed index is meant, unless `closed_too`.
        """
        return resolve(
            self._within_reach(expression),
            expression,
            ignore_unavailable=ignore_unavailable,
            allow_no_indices=allow_no_indices,
            wildcards=wildcards,
            closed_too=closed_too,
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

    def document(self, index: Index, doc_id: str) -> Stored | None:
        """Return a document, None when there is none of that id."""
        found = self.documents(index, [doc_id])
        return found.get(doc_id)

    def documents(self, index: Index, ids: Sequence[str]) -> dict[str, Stored]:
        """Return documents by id, of those that exist."""
        rows = self.connection.execute(
            "SELECT _id, _source, _version, _seq_no, _routing "  # noqa: S608
            f"FROM {united(places(index), ('_id', '_source', '_version', '_seq_no', '_routing'))} "
            "WHERE _id IN (SELECT unnest(?))",
            [list(ids)],
        ).fetchall()
        return {row[0]: Stored(row[1].encode(), *row[2:]) for row in rows}

    def size(self, index: Index) -> int:
        """Return the bytes of the database's file that the documents of an index take, without those in its log."""
        blocks = {
            block
            for table in index.stored
            for (block,) in self.connection.execute(
                "SELECT DISTINCT block_id FROM pragma_storage_info(?) WHERE persistent", [table]
            ).fetchall()
        }
        ((block_bytes,),) = self.connection.execute("SELECT block_size FROM pragma_database_size()").fetchall()
        return len(blocks) * int(block_bytes)

    def config(self, kind: str, id: str) -> dict[str, Any] | None:  # noqa: A002 (the field's name for it)
        """Return a stored configuration, None when there is none."""
        rows = self.connection.execute("SELECT body FROM configs WHERE kind = ? AND id = ?", [kind, id]).fetchall()
        return orjson.loads(rows[0][0]) if rows else None

    def configs(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return all configurations of a kind by id, in id order."""
        rows = self.connection.execute("SELECT id, body FROM configs WHERE kind = ? ORDER BY id", [kind]).fetchall()
        return {row[0]: orjson.loads(row[1]) for row in rows}

    def templates(self) -> Templates:
        """Return all index templates."""
        return Templates(self.configs(LEGACY), self.configs(COMPOSABLE), self.configs(COMPONENT))

    def state(self, kind: str, id: str) -> bytes | None:  # noqa: A002
        """Return a stored state, None when there is none."""
        rows = self.connection.execute("SELECT state FROM states WHERE kind = ? AND id = ?", [kind, id]).fetchall()
        return bytes(rows[0][0]) if rows else None

    def states(self, kind: str, ids: Sequence[str]) -> dict[str, bytes]:
        """Return stored states by id, of those that exist."""
        rows = self.connection.execute(
            "SELECT id, state FROM states WHERE kind = ? AND id IN (SELECT unnest(?))", [kind, list(ids)]
        ).fetchall()
        return {row[0]: bytes(row[1]) for row in rows}

    def state_ids(self, kind: str) -> list[str]:
        """Return the ids of all states of a kind."""
        rows = self.connection.execute("SELECT id FROM states WHERE kind = ? ORDER BY id", [kind]).fetchall()
        return [row[0] for row in rows]

    def _mapping(self, text: str, settings: str) -> IndexMapping:
        mappings = self._cache.mappings
        mapping = mappings.get((text, settings))
        if mapping is None:
            if len(mappings) >= _CACHE_LIMIT:
                mappings.clear()
            limits = Limits.of(orjson.loads(settings))
            mapping = mappings[text, settings] = IndexMapping.from_record(orjson.loads(text), limits)
        return mapping
