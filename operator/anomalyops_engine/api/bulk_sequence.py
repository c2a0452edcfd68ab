"""Operations on one index whose order matters: played through in memory, and what they leave is written at once.

Operations on different documents share no more than the sequence numbers and the mapping of their index, and those on
one document need no more than what the one before left of it. So what is there is looked up once for all, each one
is decided in its turn, and the documents become columns together.

Whether a document fits the mapping is known only when all have become columns. One that does not is refused, and what
comes behind it is decided anew. Where that changes what other documents are (an update of the refused one, say), each
is held against the mapping in its turn instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from anomalyops_engine.api.bulk_body import Operation
from anomalyops_engine.api.bulk_documents import parse_documents, refusal_of
from anomalyops_engine.api.bulk_outcomes import Outcome, deleted, done, refused, refused_unseen
from anomalyops_engine.api.errors import ApiError, from_lower_layer
from anomalyops_engine.api.update_body import UpdateRequest
from anomalyops_engine.query.sources import filter_source
from anomalyops_engine.store import DocumentExistsError, Index, Removed, StoreError, Writer, Written
from anomalyops_engine.store.changes import Batch, Changes, Kept, Known, check_pipelines
from anomalyops_engine.store.document_ids import made_ids

# From the place of an operation, its document and its text to what it is refused for, if it does not fit the mapping.
_Fits = Callable[[int, dict[str, Any], bytes], StoreError | None]
_WRITES: Final = frozenset({"index", "create"})
_NOTHING: Final = Known()


def run_sequence(writer: Writer, index: Index, operations: Sequence[Operation]) -> list[Outcome]:
    """Carry out operations on an index in their order, and return an outcome for each."""
    sequence = _Sequence(writer, index, operations)
    turn, batch = sequence.settled()
    writer.change(index, turn.changes(batch))
    return [outcome for outcome in turn.outcomes if outcome is not None]


class _Sequence:
    """What holds for all turns of the same operations."""

    def __init__(self, writer: Writer, index: Index, operations: Sequence[Operation]) -> None:
        self.index = index
        self.operations = operations
        ids = {operation.id for operation in operations if operation.id is not None}
        updated = {operation.id for operation in operations if operation.kind == "update" and operation.id is not None}
        self.before = writer.known(index, ids, with_sources=updated)
        self.first = writer.next_sequence(index)
        self.fresh_ids = made_ids(len(operations))
        try:
            check_pipelines(index)
            self.unwritable = None
        except StoreError as error:
            self.unwritable = from_lower_layer(error)
        places = [place for place, operation in enumerate(operations) if operation.kind in _WRITES]
        documents, errors = parse_documents([operations[place] for place in places]) if places else ([], {})
        self.documents = dict(zip(places, documents, strict=True))
        self.malformed = {places[number]: error for number, error in errors.items()}

    def settled(self) -> tuple[_Turn, Batch]:
        """Return the turn in which every document fits or is refused, and the columns of those that fit."""
        misfits: dict[int, StoreError] = {}
        turn, in_turn = self._turn(misfits), False
        while True:
            batch = Batch(self.index.mapping, turn.documents, turn.sources)
            if not batch.errors:
                return turn, batch
            fresh: dict[int, StoreError] = {turn.places[offset]: error for offset, error in batch.errors.items()}
            following = self._turn(misfits | fresh)
            if not in_turn and following.tried != turn.tried:
                fresh, in_turn = self._misfits_in_turn(), True
                following = self._turn(fresh)
            misfits |= fresh
            turn = following

    def _turn(self, misfits: Mapping[int, StoreError]) -> _Turn:
        return _Turn(self, lambda place, _document, _source: misfits.get(place))

    def _misfits_in_turn(self) -> dict[int, StoreError]:
        """Return what each document is refused for that does not fit the mapping after those before it."""
        mapping = self.index.mapping
        misfits: dict[int, StoreError] = {}

        def fits(place: int, document: dict[str, Any], source: bytes) -> StoreError | None:
            nonlocal mapping
            single = Batch(mapping, [document], [source])
            if single.errors:
                misfits[place] = single.errors[0]
            else:
                mapping = single.mapping
            return misfits.get(place)

        _Turn(self, fits)
        return misfits


@dataclass(slots=True)
class _Row:
    """A document that an operation wrote, and where it is among those that become columns."""

    offset: int
    operation: Operation
    written: Written
    source: bytes


@dataclass(slots=True)
class _Turn:
    """One way through all operations.

    Attributes:
        outcomes: one of each.
        places: of the operations whose documents become columns; also those that only bring fields, because a document
            was to be created that is there.
        documents: these documents.
        sources: their texts.
        tried: the texts of all documents that were held against the mapping, by the places of their operations.
    """

    _sequence: _Sequence
    _fits: _Fits
    outcomes: list[Outcome | None] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    documents: list[dict[str, Any]] = field(default_factory=list)
    sources: list[bytes] = field(default_factory=list)
    tried: dict[int, bytes] = field(default_factory=dict)
    _state: dict[str, Known] = field(default_factory=dict)
    _rows: dict[str, _Row] = field(default_factory=dict)
    _taken: int = 0

    def __post_init__(self) -> None:
        for place, operation in enumerate(self._sequence.operations):
            self.outcomes.append(self._outcome(place, operation))

    def changes(self, batch: Batch) -> Changes:
        """Return what is to be written."""
        before = self._sequence.before
        rows = sorted(self._rows.values(), key=lambda row: row.written.seq_no)
        return Changes(
            batch=batch,
            kept=[
                Kept(row.offset, row.written.id, row.written.version, row.written.seq_no, row.source, _routing(row))
                for row in rows
            ],
            outdated=[doc_id for doc_id in self._state if before.get(doc_id, _NOTHING).there],
            buried={
                doc_id: None if known.there else known.version
                for doc_id, known in self._state.items()
                if not known.there or before.get(doc_id, _NOTHING).buried
            },
            sequence_numbers=self._taken,
        )

    def _outcome(self, place: int, operation: Operation) -> Outcome:
        known = self._known(operation.id)
        conflict = _conflict(operation, known, self._sequence.index)
        if conflict is not None:
            return refused_unseen(operation, conflict)
        if operation.kind == "delete":
            return self._delete(operation, str(operation.id), known)
        if operation.kind == "update":
            return self._update(place, operation, known)
        return self._index(place, operation, known, self._sequence.documents[place], operation.source)

    def _known(self, doc_id: str | None) -> Known:
        if doc_id is None:
            return _NOTHING
        return self._state.get(doc_id) or self._sequence.before.get(doc_id, _NOTHING)

    def _next_number(self) -> int:
        self._taken += 1
        return self._sequence.first + self._taken - 1

    def _delete(self, operation: Operation, doc_id: str, known: Known) -> Outcome:
        removed = Removed(doc_id, _version(operation, known), self._next_number(), known.there)
        self._state[doc_id] = Known(removed.version, buried=True)
        self._rows.pop(doc_id, None)
        return deleted(self._sequence.index.name, removed)

    def _index(
        self, place: int, operation: Operation, known: Known, document: dict[str, Any], source: bytes
    ) -> Outcome:
        sequence = self._sequence
        if sequence.unwritable is not None:
            return refused_unseen(operation, refusal_of(operation) or sequence.unwritable)
        if place in sequence.malformed:
            return refused(operation, sequence.malformed[place])
        self.tried[place] = source
        misfit = self._fits(place, document, source)
        if misfit is not None:
            return refused(operation, from_lower_layer(misfit))
        self.places.append(place)
        self.documents.append(document)
        self.sources.append(source)
        if operation.kind == "create" and known.there:
            index = sequence.index
            error = DocumentExistsError(str(operation.id), known.version, index.name, index.uuid)
            return refused(operation, from_lower_layer(error))
        doc_id = sequence.fresh_ids[place] if operation.id is None else operation.id
        written = Written(doc_id, _version(operation, known), self._next_number(), not known.there)
        self._rows[doc_id] = row = _Row(len(self.places) - 1, operation, written, source)
        if operation.id is not None:
            self._state[doc_id] = Known(written.version, written.seq_no, source, _routing(row), there=True)
        return done(sequence.index.name, written)

    def _update(self, place: int, operation: Operation, known: Known) -> Outcome:
        index, request = self._sequence.index, operation.update
        assert request is not None  # noqa: S101 (every update has one)
        document = request.changed(known.source) if known.there else request.made()
        if document is None:
            details = {"index_uuid": index.uuid, "shard": "0", "index": index.name}
            reason = f"[{operation.id}]: document missing"
            return refused(operation, ApiError(404, "document_missing_exception", reason, details=details))
        if known.there and request.detect_noop and document == orjson.loads(known.source):
            same = Written(str(operation.id), known.version, known.seq_no, created=False)
            return _shown(request, document, done(index.name, same, noop=True))
        routing = operation.routing if operation.routing is not None else known.routing
        change = Operation("index", operation.index, operation.id, routing=routing)
        return _shown(request, document, self._index(place, change, known, document, orjson.dumps(document)))


def _routing(row: _Row) -> str | None:
    return row.operation.routing


def _version(operation: Operation, known: Known) -> int:
    """Return the version that a document has after an operation."""
    return known.version + 1 if operation.external is None else operation.external.version


def _conflict(operation: Operation, known: Known, index: Index) -> ApiError | None:
    """Return what is wrong with an operation whose document is not as it must be."""
    condition, external = operation.condition, operation.external
    if external is not None:
        return external.conflict(operation.id, known.version if known.there or known.buried else None, index)
    if condition is None or (not known.there and operation.kind == "update"):
        return None  # what is missing cannot be updated, whatever is known of it
    if known.there and (known.seq_no, 1) == (condition.seq_no, condition.primary_term):
        return None
    found = f". current document has seqNo [{known.seq_no}] and primary term [1]"
    return condition_failed(operation, found if known.there else " but no document was found", index)


def condition_failed(operation: Operation, found: str, index: Index | None) -> ApiError:
    """Return the refusal of an operation that wanted another document than the one that was found."""
    condition = operation.condition
    assert condition is not None  # noqa: S101 (it was what failed)
    required = f"required seqNo [{condition.seq_no}], primary term [{condition.primary_term}]"
    reason = f"[{operation.id}]: version conflict, {required}{found}"
    details = {} if index is None else {"index_uuid": index.uuid, "shard": "0", "index": index.name}
    return ApiError(409, "version_conflict_engine_exception", reason, details=details)


def _shown(request: UpdateRequest, source: dict[str, Any], outcome: Outcome) -> Outcome:
    """Return an outcome with the parts of the document that the update wants to see."""
    if request.source is not None and not outcome.failed:
        seen = {name: outcome.item[name] for name in ("_seq_no", "_primary_term")}
        outcome.item["get"] = {**seen, "found": True, "_source": filter_source(source, request.source)}
    return outcome
