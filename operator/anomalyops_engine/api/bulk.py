"""Carrying out the operations of `_bulk`: one transaction, and one answer per operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from anomalyops_engine.api.bulk_body import Operation
from anomalyops_engine.api.duplicates import names_once
from anomalyops_engine.api.errors import ApiError, from_lower_layer, index_not_found
from anomalyops_engine.api.json_text import parse_document
from anomalyops_engine.api.update_body import UpdateRequest
from anomalyops_engine.query.sources import filter_source
from anomalyops_engine.store import (
    Index,
    Store,
    Stored,
    StoreError,
    Writer,
    Written,
)
from anomalyops_engine.store.catalog import write_target
from anomalyops_engine.store.document_ids import made_ids

_SHARDS = {"total": 1, "successful": 1, "failed": 0}


@dataclass(slots=True)
class Outcome:
    """What became of one operation: the item of the response without the kind around it."""

    item: dict[str, Any]

    @property
    def failed(self) -> bool:
        """True when the operation was refused."""
        return "error" in self.item


def run_bulk(store: Store, operations: Sequence[Operation]) -> list[Outcome]:
    """Execute operations in order, durably, and return an outcome for each.

    Those that are refused do not keep the others from being done.
    """
    outcomes: list[Outcome | None] = [None] * len(operations)
    with store.write() as writer:
        for positions in _by_index(writer, operations):
            for run in _runs(operations, positions):
                found = _run(writer, [operations[position] for position in run])
                for position, outcome in zip(run, found, strict=True):
                    outcomes[position] = outcome
    return [outcome for outcome in outcomes if outcome is not None]


def _by_index(writer: Writer, operations: Sequence[Operation]) -> list[Sequence[int]]:
    """Return the positions of operations by the index that they go to: those on different ones are independent."""
    names = dict.fromkeys(operation.index for operation in operations)
    if len(names) == 1:
        return [range(len(operations))]
    targets = {name: _name_of_target(writer, name) for name in names}
    found: dict[str, list[int]] = {}
    for position, operation in enumerate(operations):
        found.setdefault(targets[operation.index], []).append(position)
    return list(found.values())


def _name_of_target(writer: Writer, name: str) -> str:
    try:
        index = write_target(writer.indices(), name)
    except StoreError:  # each of its operations is refused for it
        return name
    return name if index is None else index.name


def _runs(operations: Sequence[Operation], positions: Sequence[int]) -> Iterator[list[int]]:
    """Yield stretches of operations on one index that can be done at once: of one kind and name, each id once."""
    run: list[int] = []
    ids: set[str] = set()
    like: tuple[str, str, bool] | None = None
    for position in positions:
        operation = operations[position]
        mine = (operation.kind, operation.index, operation.require_alias)
        if mine != like or (operation.id is not None and operation.id in ids):
            if run:
                yield run
            run, ids, like = [], set(), mine
        run.append(position)
        if operation.id is not None:
            ids.add(operation.id)
    if run:
        yield run


def _run(writer: Writer, run: list[Operation]) -> list[Outcome]:
    """Return the outcomes of operations of one kind on one index."""
    try:
        if run[0].require_alias and not any(run[0].index in index.aliases for index in writer.indices()):
            return [_refused_unseen(operation, _no_alias(operation.index)) for operation in run]
        failed = _routed(writer, run) | _conflicts(writer, run)
        rest = [one for number, one in enumerate(run) if number not in failed]
        done = iter(_RUNNERS[run[0].kind](writer, rest) if rest else [])
        return [failed[number] if number in failed else next(done) for number in range(len(run))]
    except StoreError as error:  # the whole index is refused: its name, an alias without write index, a block
        refusal = from_lower_layer(error)
        return [_refused_unseen(operation, _refusal(operation) or refusal) for operation in run]


def _no_alias(name: str) -> ApiError:
    refused = index_not_found(name)
    refused.reason += f" and [require_alias] request flag is [true] and [{name}] is not an alias"
    return refused


def _routed(writer: Writer, run: list[Operation]) -> dict[int, Outcome]:
    """Route operations as their alias says, and return the outcomes of those that say otherwise, by their places."""
    name, index = run[0].index, write_target(writer.indices(), run[0].index)
    routing = None if index is None else index.aliases.get(name, {}).get("index_routing")
    failed: dict[int, Outcome] = {}
    if routing is None:
        return failed
    for number, operation in enumerate(run):
        if operation.routing not in {None, routing}:
            reason = (
                f"Alias [{name}] has index routing associated with it [{routing}], and was provided with routing value "
                f"[{operation.routing}], rejecting operation"
            )
            failed[number] = _refused_unseen(operation, ApiError(400, "illegal_argument_exception", reason))
        operation.routing = routing
    return failed


def _conflicts(writer: Writer, run: list[Operation]) -> dict[int, Outcome]:
    """Return the outcomes of operations, by their places, whose documents are not as they must be."""
    conditional = [(number, one) for number, one in enumerate(run) if one.condition is not None]
    index = write_target(writer.indices(), run[0].index) if conditional else None
    present = {} if index is None else writer.documents(index, [str(one.id) for _, one in conditional])
    failed = {}
    for number, operation in conditional:
        condition, there = operation.condition, present.get(str(operation.id))
        if condition is None or (there is None and operation.kind == "update"):
            continue  # what is missing cannot be updated, whatever is known of it
        if there is not None and (there.seq_no, 1) == (condition.seq_no, condition.primary_term):
            continue
        found = "but no document was found"
        if there is not None:
            found = f"current document has seqNo [{there.seq_no}] and primary term [1]"
        required = f"required seqNo [{condition.seq_no}], primary term [{condition.primary_term}]"
        reason = f"[{operation.id}]: version conflict, {required}{' ' if there is None else '. '}{found}"
        details = {} if index is None else {"index_uuid": index.uuid, "shard": "0", "index": index.name}
        error = ApiError(409, "version_conflict_engine_exception", reason, details=details)
        failed[number] = _refused_unseen(operation, error)
    return failed


def _refusal(operation: Operation) -> ApiError | None:
    """Return what is wrong with an operation before its document is looked at."""
    if operation.id == "":
        return ApiError(400, "illegal_argument_exception", "if _id is specified it must not be empty")
    return None


def _run_index(writer: Writer, run: list[Operation]) -> list[Outcome]:
    """Return the outcomes of operations of the kinds `index` or `create` on one index."""
    name = run[0].index
    documents, errors = _parse_documents(run)
    good = [position for position in range(len(run)) if position not in errors]
    # Without any document that can be read the index is made all the same.
    written = writer.index_documents(
        name,
        [documents[position] for position in good],
        [run[position].source for position in good],
        [run[position].id for position in good] if any(op.id is not None for op in run) else None,
        create=run[0].kind == "create",
        routings=[run[position].routing for position in good],
    )
    target = _target(writer, name).name
    outcomes: list[Outcome | None] = [None] * len(run)
    for position, malformed in errors.items():
        outcomes[position] = _refused(run[position], malformed)
    for position, result in zip(good, written, strict=True):
        if isinstance(result, StoreError):
            outcomes[position] = _refused(run[position], from_lower_layer(result))
        else:
            outcomes[position] = _done(target, result)
    return [outcome for outcome in outcomes if outcome is not None]


def _run_delete(writer: Writer, run: list[Operation]) -> list[Outcome]:
    index = write_target(writer.indices(), run[0].index)
    if index is None:
        return [_refused(operation, index_not_found(operation.index)) for operation in run]
    removed = writer.delete_documents(index, [str(operation.id) for operation in run])
    return [
        Outcome(
            {
                "_index": index.name,
                "_id": one.id,
                "_version": one.version,
                "result": "deleted" if one.found else "not_found",
                "_shards": _SHARDS,
                "_seq_no": one.seq_no,
                "_primary_term": 1,
                "status": 200 if one.found else 404,
            }
        )
        for one in removed
    ]


def _run_update(writer: Writer, run: list[Operation]) -> list[Outcome]:
    name = run[0].index
    index = write_target(writer.indices(), name) or writer.make_index(name, unasked=True)
    present = writer.documents(index, [str(operation.id) for operation in run])
    outcomes: list[Outcome | None] = [None] * len(run)
    sources: dict[int, dict[str, Any]] = {}
    for position, operation in enumerate(run):
        request, known = _update_of(operation), present.get(str(operation.id))
        source = request.made() if known is None else request.changed(known.source)
        if source is None:
            outcomes[position] = _refused(operation, _missing(operation, index))
        elif known is not None and request.detect_noop and source == orjson.loads(known.source):
            written = Written(str(operation.id), known.version, known.seq_no, created=False)
            outcomes[position] = _shown(request, source, _done(index.name, written, noop=True))
        else:
            sources[position] = source
    changes = [
        Operation("index", name, one.id, orjson.dumps(made), routing=_routing(one, present))
        for one, made in ((run[position], made) for position, made in sources.items())
    ]
    written_ones = _run_index(writer, changes) if changes else []
    for (position, source), outcome in zip(sources.items(), written_ones, strict=True):
        outcomes[position] = _shown(_update_of(run[position]), source, outcome)
    return [outcome for outcome in outcomes if outcome is not None]


def _routing(operation: Operation, present: Mapping[str, Stored]) -> str | None:
    """Return what a document is routed by once it is updated: as it was, unless the update says."""
    known = present.get(str(operation.id))
    return operation.routing if operation.routing is not None or known is None else known.routing


def _update_of(operation: Operation) -> UpdateRequest:
    assert operation.update is not None  # noqa: S101 (every update has one)
    return operation.update


def _shown(request: UpdateRequest, source: dict[str, Any], outcome: Outcome) -> Outcome:
    """Return an outcome with the parts of the document that the update wants to see."""
    if request.source is not None and not outcome.failed:
        seen = {name: outcome.item[name] for name in ("_seq_no", "_primary_term")}
        outcome.item["get"] = {**seen, "found": True, "_source": filter_source(source, request.source)}
    return outcome


def _missing(operation: Operation, index: Index) -> ApiError:
    details = {"index_uuid": index.uuid, "shard": "0", "index": index.name}
    return ApiError(404, "document_missing_exception", f"[{operation.id}]: document missing", details=details)


_RUNNERS: dict[str, Callable[[Writer, list[Operation]], list[Outcome]]] = {
    "index": _run_index,
    "create": _run_index,
    "delete": _run_delete,
    "update": _run_update,
}


def _parse_documents(run: list[Operation]) -> tuple[list[dict[str, Any]], dict[int, ApiError]]:
    try:  # all at once is much faster than one by one; a wrong one among them is looked for afterwards
        text = b",".join(operation.source for operation in run)
        documents = orjson.loads(b"[" + text + b"]")
        if (
            len(documents) == len(run)
            and set(map(type, documents)) == {dict}
            and not any(operation.id == "" for operation in run)
            and names_once(text, documents)
        ):
            return documents, {}
    except orjson.JSONDecodeError:
        pass
    documents, errors = [], {}
    for position, operation in enumerate(run):
        try:
            refusal = _refusal(operation)
            if refusal is not None:
                raise refusal
            documents.append(parse_document(operation.source))
        except ApiError as error:
            documents.append({})
            errors[position] = error
    return documents, errors


def _target(writer: Writer, name: str) -> Index:
    target = write_target(writer.indices(), name)
    if target is None:
        raise index_not_found(name)
    return target


def _done(index: str, written: Written, *, noop: bool = False) -> Outcome:
    result = "noop" if noop else "created" if written.created else "updated"
    return Outcome(
        {
            "_index": index,
            "_id": written.id,
            "_version": written.version,
            "result": result,
            "_shards": _SHARDS,
            "_seq_no": written.seq_no,
            "_primary_term": 1,
            "status": 201 if written.created else 200,
        }
    )


def _refused(operation: Operation, error: ApiError) -> Outcome:
    # A document without an id has got one before anything is found wrong with it.
    doc_id = made_ids(1)[0] if operation.id is None else operation.id
    return Outcome({"_index": operation.index, "_id": doc_id, "status": error.status, "error": error.error()})


def _refused_unseen(operation: Operation, error: ApiError) -> Outcome:
    """Return the outcome of an operation that was refused before its document got an id."""
    return Outcome({"_index": operation.index, "_id": operation.id, "status": error.status, "error": error.error()})
