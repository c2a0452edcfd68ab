"""Changing the store, inside one transaction."""

from __future__ import annotations

import secrets
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from anomalyops_engine.store import catalog
from anomalyops_engine.store.blocks import BLOCK_SETTINGS, check_open, check_unrestricted
from anomalyops_engine.store.catalog import Index, Part
from anomalyops_engine.store.changes import Changes, Known, check_pipelines
from anomalyops_engine.store.columns import IGNORED_COLUMN, ROUTING_COLUMN, Batch
from anomalyops_engine.store.document_ids import made_ids
from anomalyops_engine.store.errors import (
    AmbiguousTargetError,
    DataStreamError,
    DataStreamExistsError,
    DocumentExistsError,
    DocumentParsingError,
    IndexExistsError,
    IndexNotFoundError,
    StoreError,
)
from anomalyops_engine.store.frame import Frame
from anomalyops_engine.store.given_rows import given_rows
from anomalyops_engine.store.identifiers import assignments, column_list, quoted, typed, united
from anomalyops_engine.store.index_templates import Blueprint, is_of_streams
from anomalyops_engine.store.mapping import IndexMapping, Limits
from anomalyops_engine.store.mapping_body import merged
from anomalyops_engine.store.names import parts_of
from anomalyops_engine.store.parts import (
    META_COLUMNS,
    bring_into_main,
    drop_tables,
    empty_into_main,
    fitting_part,
    is_part_worth_it,
    make_view,
    places,
    to_record,
    with_part,
)
from anomalyops_engine.store.prepared import Prepared, joined, text_array
from anomalyops_engine.store.reader import CatalogCache, Reader
from anomalyops_engine.store.settings import changed_settings, read_settings, stated_settings
from anomalyops_engine.store.tombstones import Tombstones

_META_COLUMNS = (*META_COLUMNS, (IGNORED_COLUMN, "VARCHAR[]"), (ROUTING_COLUMN, "VARCHAR"))

_WHOLE_INDEX = 2**62


class Written(NamedTuple):
    """What became of one document.

    Attributes:
        id: its id, given or made.
        version: 1 for a new document, one more with each overwrite.
        seq_no: its sequence number in the index.
        created: False when it replaced an earlier one.
    """

    id: str
    version: int
    seq_no: int
    created: bool


class Removed(NamedTuple):
    """What became of one deletion.

    Attributes:
        id: id of the document.
        version: one more than the document had.
        seq_no: the deletion's own sequence number.
        found: False when there was no such document.
    """

    id: str
    version: int
    seq_no: int
    found: bool


class Writer(Reader):
    """The one that may change things; everything it does becomes durable together or not at all."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        cache: CatalogCache,
        sequences: dict[str, int],
        tombstones: Tombstones,
    ) -> None:
        super().__init__(connection, cache)
        # Versions of the documents that this transaction deletes, None for those that it brings back.
        self.buried: dict[tuple[str, str], int | None] = {}
        # Rows that this transaction deletes; an index that goes counts as many.
        self.freed = 0
        self._tombstones = tombstones
        # The catalog as this transaction sees it. Its own changes stay here until they are committed and read again.
        self._known: list[Index] | None = None
        self._version: int | None = None  # of the catalog, once this transaction changed it
        # Next sequence number by table, shared by the writers of a store: a rolled back write leaves a gap, no more.
        self._next_seq = sequences

    def note_commit(self) -> None:
        """Let what this transaction changed be known, now that it is committed."""
        self._tombstones.change(self.buried)
        if self._version is not None and self._known is not None:
            # Nobody needs to read a catalog of thousands of aliases again because one was added.
            self._cache.note(self._version, tuple(self._known))

    def indices(self) -> list[Index]:
        """Return all indices, by name, as this transaction sees them."""
        if self._known is None:
            self._known = super().indices()
        return list(self._known)

    def _within_reach(self, expression: str | Sequence[str]) -> list[Index]:
        """Return the indices that an expression of a write is resolved over: restricted ones by their names alone."""
        named = set(parts_of(expression))
        return [index for index in self.indices() if not index.restricted or index.name in named]

    # --- indices ---

    def create_index(
        self,
        name: str,
        *,
        mappings: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        aliases: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Index:
        """Create an index.

        Raises:
            IndexExistsError: an index or alias of that name is there.
            InvalidIndexNameError: the name is not allowed.
            MappingError: the mapping cannot be read.
            IllegalSettingError: a setting does not exist, or does not take its value.
            UnsupportedFeatureError: a mapping or setting that this engine has not.
        """
        catalog.check_name(name)
        if any(name in {index.name, index.stream} or name in index.aliases for index in self.indices()):
            raise IndexExistsError(name)
        read = read_settings(settings or {})
        mapping = merged(IndexMapping(limits=Limits.of(read)), mappings or {}).empty()
        ((number,),) = self.connection.execute("SELECT nextval('table_numbers')").fetchall()
        index = Index(
            name,
            f"docs_{number}",
            mapping,
            read,
            {alias: dict(properties) for alias, properties in sorted((aliases or {}).items())},
            int(time.time() * 1000),
            secrets.token_urlsafe(16),
        )
        unstored = index.mapping.column_types.items()
        self.connection.execute(f"CREATE TABLE {quoted(index.table)} ({column_list(_META_COLUMNS, unstored=unstored)})")
        self._record(index)
        for alias, properties in index.aliases.items():
            self._record_alias(index, alias, properties)
        return index

    def make_index(
        self,
        name: str,
        *,
        mappings: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        aliases: Mapping[str, Mapping[str, Any]] | None = None,
        unasked: bool = False,
    ) -> Index:
        """Create an index as its templates and a request say.

        Args:
            name: its name.
            mappings: fields that the request gives.
            settings: settings that it gives; a null takes back what a template says.
            aliases: aliases that it gives.
            unasked: it is made because a document was written to it.

        Raises:
            StoreError: as `create_index` and `put_alias`.
            IndexNotFoundError: its template does not let it be made unasked.
            IndexForbiddenError: it is for the engine alone to make.
        """
        check_unrestricted(name)
        templates = self.templates()
        asked = Blueprint(stated_settings(settings or {}), mappings or {}, aliases or {})
        hidden = asked.settings.get("hidden") == "true"
        winner = templates.winner(name, hidden=hidden)
        if unasked and winner is not None and templates.composable[winner].get("allow_auto_create") is False:
            raise IndexNotFoundError(name, f" and composable template [{winner}] forbids index auto creation")
        if winner is not None and is_of_streams(templates.composable[winner]):
            if unasked:
                return self.make_stream(name)
            raise DataStreamError(
                f"cannot create index with name [{name}], because it matches with template [{winner}] that creates "
                "data streams only, use create data stream api instead"
            )
        plan = templates.blueprint(name, asked, hidden=hidden)
        stated = {key: text for key, text in plan.settings.items() if text is not None}
        self.create_index(name, mappings=plan.mappings, settings=stated)
        for alias, properties in plan.aliases.items():
            self._point(alias, self.index(name), properties)
        return self.index(name)

    def make_stream(self, name: str) -> Index:
        """Create a data stream with its first backing index, as its template says, and return that index.

        Raises:
            DataStreamError: no template is one of data streams, or an index or alias has the name.
            DataStreamExistsError: it is there already.
            StoreError: as `create_index` and `put_alias`.
        """
        catalog.check_name(name)
        if any(index.stream == name for index in self.indices()):
            raise DataStreamExistsError(name)
        if any(name == index.name or name in index.aliases for index in self.indices()):
            raise DataStreamError(f"data stream [{name}] conflicts with index or alias")
        templates = self.templates()
        winner = templates.winner(name)
        if winner is None or not is_of_streams(templates.composable[winner]):
            raise DataStreamError(f"no matching index template found for data stream [{name}]")
        day = datetime.fromtimestamp(time.time(), UTC)
        backing = f".ds-{name}-{day:%Y.%m.%d}-000001"
        dated = Blueprint(mappings={"properties": {"@timestamp": {"type": "date"}}})
        plan = dated.under(templates.composition(templates.composable[winner])).of(backing)
        stated = {key: text for key, text in plan.settings.items() if text is not None}
        index = self.create_index(backing, mappings=plan.mappings, settings={**stated, "hidden": "true"})
        if not index.mapping.fields["@timestamp"].is_date:
            raise DataStreamError(
                "data stream timestamp field [@timestamp] is of type "
                f"[{index.mapping.fields['@timestamp'].type}], but [date,date_nanos] is expected"
            )
        self._record(replace(index, settings={**index.settings, catalog.STREAM: name}))
        for alias, properties in plan.aliases.items():
            self._point(alias, self.index(backing), properties)
        return self.index(backing)

    def delete_stream(self, name: str) -> bool:
        """Delete a data stream with its backing indices; False when there is none."""
        backing = [index.name for index in self.indices() if index.stream == name]
        for index in backing:
            self._drop(index)
        return bool(backing)

    def delete_index(self, name: str) -> None:
        """Delete an index with its documents.

        Raises:
            IndexNotFoundError: there is none of that name.
            DataStreamError: a data stream writes to it.
        """
        stream = self.index(name).stream
        if stream is not None and catalog.write_target(self.indices(), stream) == self.index(name):
            raise DataStreamError(f"index [{name}] is the write index for data stream [{stream}] and cannot be deleted")
        self._drop(name)

    def _drop(self, name: str) -> None:
        index = self.index(name)
        check_open([index], "metadata_write")
        drop_tables(self.connection, index)
        self.freed += _WHOLE_INDEX
        self.connection.execute("DELETE FROM indices WHERE name = ?", [name])
        self.connection.execute("DELETE FROM aliases WHERE index_name = ?", [name])
        self._note_change([other for other in self.indices() if other.name != name])

    def put_mapping(self, name: str, mappings: Mapping[str, Any]) -> Index:
        """Add fields to an index's mapping.

        Raises:
            IndexNotFoundError: there is no such index.
            MappingConflictError: a field would change its type.
            MappingError: the mapping cannot be read.
        """
        index = self.index(name)
        check_open([index], "metadata_write")
        return self._remap(index, merged(index.mapping, mappings))

    def put_settings(
        self, name: str, settings: Mapping[str, Any], *, preserve: bool = False, reopen: bool = False
    ) -> Index:
        """Change settings of an index; a null sets one back to its default.

        Args:
            name: the index.
            settings: the changes.
            preserve: leave those that it has as they are.
            reopen: change what only changes on a closed index too, as if it were closed for a moment.

        Raises:
            IndexNotFoundError: there is no such index.
            IllegalSettingError: a setting does not exist, cannot be changed, or does not take its value.
            UnsupportedFeatureError: a setting that this engine has not.
            IndexBlockedError: the index is closed to changes of anything but its blocks.
        """
        index = self.index(name)
        changed = changed_settings(
            name, index.uuid, index.settings, settings, preserve=preserve, closed=reopen or index.closed
        )
        touched = {key for key, _ in index.settings.items() ^ changed.items()}
        if not touched <= BLOCK_SETTINGS:
            check_open([index], "metadata_write")
        fresh = replace(index, settings=changed, mapping=index.mapping.with_limits(Limits.of(changed)))
        self._record(fresh)
        return fresh

    def close_index(self, name: str) -> Index:
        """Close an index, so that its documents are neither read nor written.

        Raises:
            IndexNotFoundError: there is no such index.
            IndexBlockedError: it is closed to changes.
        """
        return self._set_closed(name, closed=True)

    def open_index(self, name: str) -> Index:
        """Open an index that was closed.

        Raises:
            IndexNotFoundError: there is no such index.
            IndexBlockedError: it is closed to changes.
        """
        return self._set_closed(name, closed=False)

    def _set_closed(self, name: str, *, closed: bool) -> Index:
        index = self.index(name)
        check_open([index], "metadata_write")
        kept = {key: text for key, text in index.settings.items() if key != catalog.CLOSED}
        changed = replace(index, settings={**kept, **({catalog.CLOSED: "true"} if closed else {})})
        self._record(changed)
        return changed

    def put_alias(
        self,
        alias: str,
        index: str,
        *,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 (the alias property's name)
        is_write_index: bool | None = None,
        is_hidden: bool | None = None,
        index_routing: str | None = None,
        search_routing: str | None = None,
    ) -> None:
        """Point an alias at an index.

        Args:
            alias: its name.
            index: name of the index.
            filter: query that documents must satisfy to be seen through the alias.
            is_write_index: whether writes to the alias go to this index, when it stands for several.
            is_hidden: whether patterns pass it by.
            index_routing: what documents are routed by that are written through it.
            search_routing: the same of searches, which on one shard leads nowhere.

        Raises:
            IndexNotFoundError: there is no such index.
            InvalidAliasNameError: the name is not allowed, or an index has it.
            AmbiguousTargetError: another index is the alias's write index already.
        """
        target = self.index(index)
        check_open([target], "metadata_write")
        given = {
            "filter": filter,
            "index_routing": index_routing,
            "search_routing": search_routing,
            "is_write_index": is_write_index,
            "is_hidden": is_hidden,
        }
        self._point(alias, target, {key: value for key, value in given.items() if value is not None})

    def _point(self, alias: str, target: Index, properties: Mapping[str, Any]) -> None:
        """Point an alias at an index, whatever its blocks say."""
        catalog.check_alias_name(alias, self.indices())
        others = [other for other in self.indices() if other.name != target.name]
        writers = [other.name for other in others if other.aliases.get(alias, {}).get("is_write_index")]
        if properties.get("is_write_index") and writers:
            raise AmbiguousTargetError(
                f"alias [{alias}] has more than one write index [{','.join(sorted([*writers, target.name]))}]"
            )
        self._record_alias(target, alias, properties)
        # The results of thousands of jobs share an index, and each has two aliases: one more costs a copy, and no more.
        self._replace(replace(target, aliases={**target.aliases, alias: dict(properties)}))

    def delete_alias(self, alias: str, index: str | None = None) -> bool:
        """Remove an alias from an index, or from every index that has it; False when none had."""
        holders = [other for other in self.indices() if alias in other.aliases and index in {None, other.name}]
        check_open(holders, "metadata_write")
        for holder in holders:
            self.connection.execute("DELETE FROM aliases WHERE alias = ? AND index_name = ?", [alias, holder.name])
            left = dict(holder.aliases)
            del left[alias]
            self._replace(replace(holder, aliases=left))
        return bool(holders)

    # --- documents ---

    def append(
        self,
        index: str,
        documents: Sequence[Mapping[str, Any]],
        *,
        ids: Sequence[str] | None = None,
        new: bool = False,
    ) -> None:
        """Index documents, replacing those whose id is there already; creates and extends the index as needed.

        Args:
            index: index or alias.
            documents: what to index.
            ids: their ids, None to make them.
            new: the caller knows that no document has one of these ids, so none is looked for; looking costs a scan of
                all ids of the index.

        Raises:
            DocumentParsingError: a value does not fit its field; nothing of the batch is indexed.
        """
        plain = [dict(document) for document in documents]
        sources = [orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY) for document in plain]
        # What is stored is what JSON can say: numpy scalars, tuples and dates became plain values.
        parsed = [orjson.loads(source) for source in sources]
        for outcome in self.index_documents(index, parsed, sources, list(ids) if ids is not None else None, new=new):
            if isinstance(outcome, StoreError):
                raise outcome

    def index_documents(
        self,
        name: str,
        documents: Sequence[dict[str, Any]],
        sources: Sequence[bytes],
        ids: Sequence[str | None] | None,
        *,
        new: bool = False,
        create: bool = False,
        routings: Sequence[str | None] | None = None,
    ) -> list[Written | DocumentParsingError | DocumentExistsError]:
        """Index documents; those that do not fit the mapping are reported and left out, the others go on.

        Args:
            name: index or alias; created when nothing has that name.
            documents: parsed documents.
            sources: their JSON text, kept as `_source`.
            ids: ids (None in a place: make one), or None to make all. The given ids must differ.
            new: no document of the index has one of these ids.
            create: those whose id is there already are left out; what they bring to the mapping stays.
            routings: what each was routed by; None for nothing at all.

        Returns:
            One outcome per document, in order.
        """
        index = catalog.write_target(self.indices(), name) or self.make_index(name, unasked=True)
        check_open([index], "write")
        check_pipelines(index)
        outcomes: list[Written | DocumentParsingError | DocumentExistsError | None] = [None] * len(documents)
        positions: Sequence[int] = range(len(documents))
        batch = Batch(index.mapping, documents, sources)
        while batch.errors:
            for offset, error in batch.errors.items():
                outcomes[positions[offset]] = error
            positions = [position for offset, position in enumerate(positions) if offset not in batch.errors]
            batch = Batch(
                index.mapping,
                [documents[position] for position in positions],
                [sources[position] for position in positions],
            )
        arrays = batch.arrays
        mapping = batch.mapping.filled(arrays)
        if mapping is not index.mapping:
            index = self._remap(index, mapping)
        present = self.documents(index, [ids[position] or "" for position in positions]) if create and ids else {}
        if present and ids:
            kept = [offset for offset, position in enumerate(positions) if ids[position] not in present]
            for position in positions:
                doc_id = ids[position]
                if doc_id in present:
                    outcomes[position] = DocumentExistsError(doc_id, present[doc_id][1], index.name, index.uuid)
            positions = [positions[offset] for offset in kept]
            arrays = {column: array.take(pa.array(kept, pa.int64())) for column, array in arrays.items()}
        if positions:
            if routings is not None and any(routings):
                arrays = {**arrays, ROUTING_COLUMN: pa.array([routings[place] for place in positions], pa.string())}
            given = [None if ids is None else ids[position] for position in positions]
            texts = [sources[position] for position in positions]
            for position, written in zip(positions, self._insert(index, arrays, given, texts, new=new), strict=True):
                outcomes[position] = written
        return [outcome for outcome in outcomes if outcome is not None]

    def put_prepared(self, index: Index, parts: Sequence[Prepared]) -> int:
        """Index documents that are columns already, and return the sequence number of the first one.

        The caller has looked that they were made by this very mapping, and that the index takes documents.
        """
        count = sum(part.rows.num_rows for part in parts)
        first = start = self._take_sequence(index, count)
        for rows in joined(parts):
            numbers = pa.array(np.arange(start, start + rows.num_rows))
            self._insert_rows(index.main, rows.append_column("_seq_no", numbers))
            start += rows.num_rows
        return first

    def known(self, index: Index, ids: Iterable[str], *, with_sources: Iterable[str]) -> dict[str, Known]:
        """Return what is known of documents by id, of those that are there or whose deletion is remembered.

        Args:
            index: where.
            ids: of which documents.
            with_sources: of which of them also the texts.
        """
        listed, sourced = list(ids), list(with_sources)
        versions = self._buried_versions(index, listed)
        found = {doc_id: Known(version, buried=True) for doc_id, version in versions.items()}
        if listed:
            rows = self.connection.execute(
                "SELECT _id, _version, _seq_no, _routing "  # noqa: S608
                f"FROM {united(places(index), ('_id', '_version', '_seq_no', '_routing'))} "
                "WHERE _id IN (SELECT unnest(?))",
                [listed],
            ).fetchall()
            found |= {row[0]: Known(row[1], row[2], b"", row[3], there=True) for row in rows}
        if sourced:
            for doc_id, stored in self.documents(index, sourced).items():
                found[doc_id] = found[doc_id]._replace(source=stored.source)
        return found

    def next_sequence(self, index: Index) -> int:
        """Return the sequence number that the next change of a document gets."""
        return self._take_sequence(index, 0)

    def change(self, index: Index, changes: Changes) -> None:
        """Write what a sequence of operations leaves of the documents of an index."""
        mapping = changes.batch.mapping.filled(changes.batch.arrays)
        if mapping is not index.mapping:
            index = self._remap(index, mapping)
        if changes.outdated:
            self._take_out(index, changes.outdated)
        self.buried.update({(index.table, doc_id): version for doc_id, version in changes.buried.items()})
        self._take_sequence(index, changes.sequence_numbers)
        if not changes.kept:
            return
        offsets, ids, versions, numbers, sources, routings = zip(*changes.kept, strict=True)
        arrays = changes.batch.arrays
        if len(offsets) < changes.batch.size:
            arrays = {column: array.take(pa.array(offsets, pa.int64())) for column, array in arrays.items()}
        if any(routings):
            arrays = {**arrays, ROUTING_COLUMN: pa.array(routings, pa.string())}
        self._put(index, ids, versions, sources, arrays, numbers=np.array(numbers, dtype=np.int64))

    def _take_out(self, index: Index, ids: Sequence[str]) -> dict[str, int]:
        """Delete documents by id and return the version each had."""
        found: dict[str, int] = {}
        for table in index.stored:
            rows = self.connection.execute(
                f"DELETE FROM {quoted(table)} WHERE _id IN (SELECT unnest(?)) RETURNING _id, _version",  # noqa: S608
                [list(ids)],
            ).fetchall()
            found.update(rows)
        return found

    def append_frame(self, name: str, frame: Frame) -> None:
        """Index documents of one shape; the caller knows that no document has one of their ids.

        Raises:
            DocumentParsingError: a value does not fit its field; nothing is indexed.
        """
        index = catalog.write_target(self.indices(), name)
        arrays = None if index is None else frame.arrays(index.mapping)
        if index is None or arrays is None:
            self.append(name, frame.documents(), ids=frame.ids, new=True)
            return
        check_open([index], "write")
        mapping = index.mapping.filled(arrays)
        if mapping is not index.mapping:
            index = self._remap(index, mapping)
        part = fitting_part(index, arrays)
        if part is None and is_part_worth_it(index, arrays, len(frame.ids)):
            index = with_part(self.connection, index, arrays)
            self._record(index)
            part = index.parts[-1]
        self._put(index, frame.ids, np.ones(len(frame.ids), dtype=np.int64), frame.sources(), arrays, part=part)

    def revise(self, index: str, ids: Sequence[str], change: Callable[[str, dict[str, Any]], Mapping[str, Any]]) -> int:
        """Change top-level fields of existing documents, all at once; ids that are not there are left out.

        Args:
            index: index or alias.
            ids: which documents; they differ.
            change: from an id and its document to the fields with new values; the same fields for like documents.

        Returns:
            How many documents were changed.

        Raises:
            IndexNotFoundError: there is no such index.
            DocumentParsingError: a value does not fit its field; nothing is changed.
        """
        target = catalog.write_target(self.indices(), index)
        if target is None:
            raise IndexNotFoundError(index)
        check_open([target], "write")
        alike: dict[frozenset[str], dict[str, tuple[Mapping[str, Any], bytes]]] = {}
        for doc_id, source in self._sources(target, ids):
            document = orjson.loads(source)
            fields = change(doc_id, document)
            alike.setdefault(frozenset(fields), {})[doc_id] = fields, orjson.dumps({**document, **fields})
        for names, revised in alike.items():
            target = self._update(target, names, revised)
        return sum(map(len, alike.values()))

    def _sources(self, index: Index, ids: Sequence[str]) -> list[tuple[str, str]]:
        with given_rows(self.connection, "wanted", pa.table({"_id": pa.array(ids, pa.string())})):
            return self.connection.execute(
                f"SELECT _id, _source FROM {united(places(index), ('_id', '_source'))} SEMI JOIN wanted USING (_id)"  # noqa: S608
            ).fetchall()

    def _update(
        self, index: Index, names: Iterable[str], revised: Mapping[str, tuple[Mapping[str, Any], bytes]]
    ) -> Index:
        batch = Batch(index.mapping, [dict(fields) for fields, _ in revised.values()])
        for error in batch.errors.values():
            raise error
        mapping = batch.mapping.filled(batch.arrays)
        if mapping is not index.mapping:
            index = self._remap(index, mapping)
        bring_into_main(self.connection, index, list(revised))
        first = self._take_sequence(index, len(revised))
        columns = {
            "_id": pa.array(list(revised), pa.string()),
            "_seq_no": pa.array(range(first, first + len(revised)), pa.int64()),
            "_source": text_array([source for _, source in revised.values()]),
            **batch.arrays,
        }
        leaves = {**index.mapping.fields, **index.mapping.multi_fields}.values()
        touched = {
            leaf.column for leaf in leaves if any(leaf.path == n or leaf.path.startswith(f"{n}.") for n in names)
        }
        given, gone = columns.keys() - {"_id"}, touched - columns.keys() - index.mapping.unfilled
        with given_rows(self.connection, "incoming", pa.table(columns)):
            self.connection.execute(
                f"UPDATE {quoted(index.main)} AS kept SET _version = _version + 1, "  # noqa: S608
                f"{assignments(given, source='incoming', nulls=gone)} "
                "FROM incoming WHERE kept._id = incoming._id"
            )
        return index

    # --- documents of restricted indices ---

    def own_documents(self, name: str) -> dict[str, bytes]:
        """Return the sources of all documents of an index by their ids."""
        rows = self.connection.execute(
            f"SELECT _id, _source FROM {united(places(self.index(name)), ('_id', '_source'))}"  # noqa: S608
        ).fetchall()
        return {doc_id: source.encode() for doc_id, source in rows}

    def put_own_documents(self, name: str, documents: Mapping[str, dict[str, Any]]) -> None:
        """Index documents of the engine's own by their ids, also where nobody else may.

        Raises:
            DocumentParsingError: a value does not fit its field.
        """
        if not documents:
            return
        index = self.index(name)
        sources = [orjson.dumps(document) for document in documents.values()]
        batch = Batch(index.mapping, list(documents.values()), sources)
        for error in batch.errors.values():
            raise error
        mapping = batch.mapping.filled(batch.arrays)
        if mapping is not index.mapping:
            index = self._remap(index, mapping)
        self._insert(index, batch.arrays, list(documents), sources, new=False)

    def delete_own_documents(self, name: str, ids: Sequence[str]) -> None:
        """Delete documents of the engine's own, as far as they are there."""
        index = self.index(name)
        if ids:
            gone = self._take_out(index, ids)
            self._take_sequence(index, len(gone))

    def refit_own_index(self, name: str, mappings: Mapping[str, Any]) -> None:
        """Add fields to the mapping of an index of the engine's own.

        Raises:
            MappingConflictError: a field would change its type.
        """
        index = self.index(name)
        self._remap(index, merged(index.mapping, mappings))

    # --- configurations and states ---

    def put_config(self, kind: str, id: str, body: Mapping[str, Any]) -> None:  # noqa: A002
        """Store a configuration under its kind and id."""
        self.delete_config(kind, id)
        self.connection.execute("INSERT INTO configs VALUES (?, ?, ?)", [kind, id, orjson.dumps(body).decode()])

    def put_configs(self, kind: str, bodies: Mapping[str, Mapping[str, Any]]) -> None:
        """Store many configurations of a kind by their ids, of which none is there yet."""
        texts = [orjson.dumps(body).decode() for body in bodies.values()]
        self.connection.execute(
            "INSERT INTO configs SELECT ?, unnest(?::VARCHAR[]), unnest(?::VARCHAR[])", [kind, list(bodies), texts]
        )

    def delete_configs(self, kind: str, ids: Sequence[str]) -> None:
        """Remove configurations, as far as they are there."""
        self.connection.execute("DELETE FROM configs WHERE kind = ? AND id IN (SELECT unnest(?))", [kind, list(ids)])

    def delete_config(self, kind: str, id: str) -> None:  # noqa: A002
        """Remove a configuration; nothing happens when there is none."""
        self.connection.execute("DELETE FROM configs WHERE kind = ? AND id = ?", [kind, id])

    def put_state(self, kind: str, id: str, state: bytes) -> None:  # noqa: A002
        """Store a state under its kind and id."""
        self.delete_state(kind, id)
        self.connection.execute("INSERT INTO states VALUES (?, ?, ?)", [kind, id, state])

    def delete_state(self, kind: str, id: str) -> None:  # noqa: A002
        """Remove a state; nothing happens when there is none."""
        self.delete_states(kind, [id])

    def delete_states(self, kind: str, ids: Sequence[str]) -> None:
        """Remove states, as far as they are there."""
        self.connection.execute("DELETE FROM states WHERE kind = ? AND id IN (SELECT unnest(?))", [kind, list(ids)])

    # --- inside ---

    def _insert(
        self,
        index: Index,
        arrays: Mapping[str, pa.Array],
        given: Sequence[str | None],
        sources: Sequence[bytes],
        *,
        new: bool,
    ) -> list[Written]:
        explicit = [] if new else [doc_id for doc_id in given if doc_id is not None]
        replaced = self._take_out(index, explicit) if explicit else {}
        buried = self._buried_versions(index, explicit)
        self.buried.update({(index.table, doc_id): None for doc_id in buried})
        versions = {**buried, **replaced}
        made = made_ids(len(given))
        ids = [fresh if doc_id is None else doc_id for fresh, doc_id in zip(made, given, strict=True)]
        first = self._take_sequence(index, len(ids))
        if versions:
            rows = [
                Written(doc_id, versions.get(doc_id, 0) + 1, first + offset, doc_id not in replaced)
                for offset, doc_id in enumerate(ids)
            ]
        else:
            rows = [Written(doc_id, 1, number, created=True) for number, doc_id in enumerate(ids, first)]
        self._put(
            index, ids, [row.version for row in rows], sources, arrays, numbers=np.arange(first, first + len(ids))
        )
        return rows

    def _put(
        self,
        index: Index,
        ids: Sequence[str],
        versions: Sequence[int] | npt.NDArray[np.int64],
        sources: Sequence[bytes],
        arrays: Mapping[str, pa.Array],
        *,
        numbers: npt.NDArray[np.int64] | None = None,
        part: Part | None = None,
    ) -> None:
        """Insert rows, into a part if one is given; `numbers` are their sequence numbers if they were taken already."""
        if numbers is None:
            first = self._take_sequence(index, len(ids))
            numbers = np.arange(first, first + len(ids))
        rows = {
            "_id": pa.array(ids, pa.string()),
            "_version": pa.array(versions, pa.int64()),
            "_seq_no": pa.array(numbers),
            "_source": text_array(sources),
            **arrays,
        }
        self._insert_rows(index.main if part is None else part.table, pa.table(rows))

    def _insert_rows(self, table: str, rows: pa.Table) -> None:
        with given_rows(self.connection, "incoming", rows):
            self.connection.execute(f"INSERT INTO {quoted(table)} BY NAME SELECT * FROM incoming")  # noqa: S608

    def _buried_versions(self, index: Index, ids: Sequence[str]) -> dict[str, int]:
        """Return the versions of those documents that were deleted not long ago, or in this transaction."""
        versions: dict[str, int | None] = dict(self._tombstones.versions(index.table, ids))
        if self.buried:
            versions |= {
                doc_id: self.buried[index.table, doc_id] for doc_id in ids if (index.table, doc_id) in self.buried
            }
        return {doc_id: version for doc_id, version in versions.items() if version is not None}

    def _take_sequence(self, index: Index, count: int) -> int:
        first = self._next_seq.get(index.table)
        if first is None:
            ((first,),) = self.connection.execute(
                f"SELECT coalesce(max(_seq_no), -1) + 1 FROM {united(places(index), ('_seq_no',))}"  # noqa: S608
            ).fetchall()
        self._next_seq[index.table] = first + count
        return first

    def _remap(self, index: Index, mapping: IndexMapping) -> Index:
        """Bring the table in line with a grown mapping and record it."""
        known = dict(index.mapping.column_types)
        # What is not stored cannot change its type or be given values: it is made anew.
        mapping = mapping.filled(name for name, kind in mapping.column_types.items() if known.get(name, kind) != kind)
        for column in sorted(index.mapping.unfilled - mapping.unfilled):
            self.connection.execute(f"ALTER TABLE {quoted(index.main)} DROP COLUMN {quoted(column)}")
            known.pop(column, None)
        for column, sql_type in mapping.column_types.items():
            before = known.get(column)
            if before is None:
                self.connection.execute(
                    f"ALTER TABLE {quoted(index.main)} ADD COLUMN {quoted(column)} {typed(sql_type)}"
                )
            elif before != sql_type:
                for table in index.stored_with(column):
                    self.connection.execute(
                        f"ALTER TABLE {quoted(table)} ALTER {quoted(column)} TYPE {typed(sql_type)} "
                        f"USING CASE WHEN {quoted(column)} IS NULL THEN NULL ELSE [{quoted(column)}] END"
                    )
        self._fill_own_columns(index, mapping)
        if index.parts:
            make_view(self.connection, index)
        changed = replace(index, mapping=mapping)
        self._record(changed)
        return changed

    def _fill_own_columns(self, index: Index, mapping: IndexMapping) -> None:
        """Copy into the new column of a multi-field what it shared with its field until now, or would have had."""
        for path, sub in mapping.multi_fields.items():
            known = index.mapping.multi_fields.get(path)
            if known is not None and known.column != sub.column:
                empty_into_main(self.connection, index, known.column)
                self.connection.execute(
                    f"UPDATE {quoted(index.main)} SET {quoted(sub.column)} = {quoted(known.column)}"  # noqa: S608
                )

    def _record(self, index: Index) -> None:
        self.connection.execute("DELETE FROM indices WHERE name = ?", [index.name])
        self.connection.execute(
            "INSERT INTO indices VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                index.name,
                index.table,
                index.uuid,
                index.created_ms,
                orjson.dumps(index.mapping.to_record()).decode(),
                orjson.dumps(index.settings).decode(),
                orjson.dumps(to_record(index.parts)).decode(),
            ],
        )
        self._replace(index)

    def _record_alias(self, index: Index, alias: str, properties: Mapping[str, Any]) -> None:
        if alias in index.aliases:
            self.connection.execute("DELETE FROM aliases WHERE alias = ? AND index_name = ?", [alias, index.name])
        row = [alias, index.name, orjson.dumps(properties).decode()]
        self.connection.execute("INSERT INTO aliases VALUES (?, ?, ?)", row)

    def _replace(self, index: Index) -> None:
        indices = self.indices()
        at = bisect_left(indices, index.name, key=attrgetter("name"))
        there = at < len(indices) and indices[at].name == index.name
        indices[at : at + there] = [index]
        self._note_change(indices)

    def _note_change(self, indices: list[Index]) -> None:
        if self._version is None:
            ((self._version,),) = self.connection.execute(
                "UPDATE catalog SET version = version + 1 RETURNING version"
            ).fetchall()
        self._known = indices
