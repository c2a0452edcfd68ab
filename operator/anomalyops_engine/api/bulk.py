"""Carrying out the operations of `_bulk`: one transaction, and one answer per operation.

Operations on different indices are independent. Those on one index are done at once: documents that are only written as
columns (the common case), anything else as `bulk_sequence` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from anomalyops_engine.api.bulk_body import Operation
from anomalyops_engine.api.bulk_documents import parse_documents, refusal_of
from anomalyops_engine.api.bulk_outcomes import Outcome, done, refused, refused_unseen
from anomalyops_engine.api.bulk_sequence import condition_failed, run_sequence
from anomalyops_engine.api.bulk_streams import names_stream, refused_by_stream
from anomalyops_engine.api.errors import ApiError, from_lower_layer, index_not_found
from anomalyops_engine.store import Index, IndexForbiddenError, Store, StoreError, Writer, check_visible, doing
from anomalyops_engine.store.blocks import check_open
from anomalyops_engine.store.catalog import write_target
from anomalyops_engine.store.visibility import restricted

__all__ = ["Outcome", "is_forbidden", "run_bulk"]

# What each kind of operation is, for whoever may do some of them.
_ACTIONS = {
    "index": "indices:data/write/index",
    "create": "indices:data/write/index:op_type/create",
    "update": "indices:data/write/update",
    "delete": "indices:data/write/delete",
}


def run_bulk(store: Store, operations: Sequence[Operation]) -> list[Outcome]:
    """Execute operations in order, durably, and return an outcome for each.

    Those that are refused do not keep the others from being done. Requests that wait for each other are done together.
    """
    if not restricted():
        return store.write_together(operations, carry_out)
    # Here, since requests that are done together come from several who may do different things.
    forbidden = _forbidden(store, operations)
    admitted = [one for one in operations if (one.index, one.kind) not in forbidden]
    found = iter(store.write_together(admitted, carry_out) if admitted else ())
    return [
        refused_unseen(one, forbidden[one.index, one.kind]) if (one.index, one.kind) in forbidden else next(found)
        for one in operations
    ]


def is_forbidden(store: Store, operation: Operation) -> bool:
    """Return whether whoever asks may not do an operation."""
    return restricted() and bool(_forbidden(store, [operation]))


def _forbidden(store: Store, operations: Sequence[Operation]) -> dict[tuple[str, str], ApiError]:
    """Return what may not be done by whoever asks: index and kind of operation, and the refusal."""
    refusals = {}
    asked = {(operation.index, operation.kind) for operation in operations}
    there = _there(store, {index for index, _ in asked})
    for index, kind in asked:
        try:
            with doing(_ACTIONS[kind]):
                check_visible(index)
            if index not in there and kind != "delete":
                with doing("indices:admin/auto_create"):
                    check_visible(index)
        except IndexForbiddenError as error:
            refusals[index, kind] = from_lower_layer(error)
    return refusals


def _there(store: Store, names: set[str]) -> set[str | None]:
    """Return names of indices, aliases and data streams that are there, all of those asked for that are."""
    # What was last seen is what is there but for what others change at this moment; most requests need no snapshot.
    there = _names(store.last_seen())
    if not names <= there:
        with store.read() as reader:
            there = _names(reader.indices())
    return there


def _names(indices: Iterable[Index]) -> set[str | None]:
    return {name for index in indices for name in (index.name, *index.aliases, index.stream)}


def carry_out(writer: Writer, operations: Sequence[Operation]) -> list[Outcome]:
    """Execute operations in order, and return an outcome for each."""
    outcomes: list[Outcome | None] = [None] * len(operations)
    for positions in _by_index(writer, operations):
        found = _on_index(writer, [operations[position] for position in positions])
        for position, outcome in zip(positions, found, strict=True):
            outcomes[position] = outcome
    done_or_refused = [outcome for outcome in outcomes if outcome is not None]
    _note_indices(writer, done_or_refused)
    return done_or_refused


def _note_indices(writer: Writer, outcomes: Sequence[Outcome]) -> None:
    names = {outcome.item["_index"] for outcome in outcomes}
    uuids = {index.name: index.uuid for index in writer.indices() if index.name in names}
    for outcome in outcomes:
        outcome.uuid = uuids.get(outcome.item["_index"])


def _by_index(writer: Writer, operations: Sequence[Operation]) -> list[Sequence[int]]:
    """Return the positions of operations by the index that they go to."""
    names = {operation.index for operation in operations}
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


def _on_index(writer: Writer, operations: list[Operation]) -> list[Outcome]:
    """Return the outcomes of operations on one index, which may not be there yet."""
    try:
        index = write_target(writer.indices(), operations[0].index)
    except StoreError as error:
        return [_refused_whole(operation, from_lower_layer(error)) for operation in operations]
    outcomes: list[Outcome] = []
    if index is None and names_stream(writer, operations):
        try:
            index = writer.make_stream(operations[0].index)
        except StoreError as error:
            return [_refused_whole(operation, from_lower_layer(error)) for operation in operations]
    if index is None and not _are_plain(operations):
        index, outcomes = _brought(writer, operations)
        operations = operations[len(outcomes) :]
    failed = _gated(index, operations)
    admitted = [operation for place, operation in enumerate(operations) if place not in failed]
    found = iter(_admitted(writer, index, admitted) if admitted else ())
    return outcomes + [failed[place] if place in failed else next(found) for place in range(len(operations))]


def _brought(writer: Writer, operations: list[Operation]) -> tuple[Index | None, list[Outcome]]:
    """Make an index with the first operation that does; returns the outcomes of those before, or of all without one."""
    outcomes: list[Outcome] = []
    refusal: ApiError | None = None
    for operation in operations:
        if operation.require_alias:
            outcomes.append(refused_unseen(operation, _no_alias(operation.index)))
        elif operation.condition is not None and operation.kind != "update":
            conflict = condition_failed(operation, " but no document was found", None)
            outcomes.append(refused_unseen(operation, conflict))
        elif operation.kind == "delete" and operation.external is None:
            outcomes.append(refused(operation, index_not_found(operation.index)))
        elif refusal is not None:
            outcomes.append(_refused_whole(operation, refusal))
        else:
            try:
                return writer.make_index(operation.index, unasked=True), outcomes
            except StoreError as error:
                refusal = from_lower_layer(error)
                outcomes.append(_refused_whole(operation, refusal))
    return None, outcomes


def _gated(index: Index | None, operations: Sequence[Operation]) -> dict[int, Outcome]:
    """Route operations as their aliases say, and return the outcomes of those that may not pass, by their places."""
    failed: dict[int, Outcome] = {}
    aliases = {} if index is None else index.aliases
    for place, operation in enumerate(operations):
        if operation.require_alias and operation.index not in aliases:
            failed[place] = refused_unseen(operation, _no_alias(operation.index))
        elif index is not None and index.stream == operation.index and (refusal := refused_by_stream(operation)):
            failed[place] = refused_unseen(operation, refusal)
        elif aliases:
            routing = aliases.get(operation.index, {}).get("index_routing")
            if routing is None:
                continue
            if operation.routing not in {None, routing}:
                failed[place] = refused_unseen(operation, _routed_elsewhere(operation, routing))
            operation.routing = routing
    return failed


def _admitted(writer: Writer, index: Index | None, operations: list[Operation]) -> list[Outcome]:
    """Return the outcomes of operations that may pass; they are plain where the index is not there yet."""
    try:
        check_open([] if index is None else [index], "write")
        if index is None or _are_plain(operations):
            return _index(writer, operations)
    except StoreError as error:  # the whole index is refused: its name, a block, a pipeline
        return [_refused_whole(operation, from_lower_layer(error)) for operation in operations]
    return run_sequence(writer, index, operations)


def _are_plain(operations: Sequence[Operation]) -> bool:
    """Return whether operations write documents that have nothing to do with each other."""
    first = operations[0]
    if first.kind not in {"index", "create"}:
        return False
    ids = set()
    given = 0
    for operation in operations:
        if (
            operation.kind != first.kind
            or operation.index != first.index
            or operation.condition is not None
            or operation.external is not None
            or operation.require_alias is not first.require_alias
        ):
            return False
        if operation.id is not None:
            ids.add(operation.id)
            given += 1
    return len(ids) == given


def _index(writer: Writer, operations: list[Operation]) -> list[Outcome]:
    """Return the outcomes of operations that are plain, all of the kind `index` or all `create`."""
    name = operations[0].index
    documents, errors = parse_documents(operations)
    good = [position for position in range(len(operations)) if position not in errors]
    # Without any document that can be read the index is made all the same.
    written = writer.index_documents(
        name,
        [documents[position] for position in good],
        [operations[position].source for position in good],
        [operations[position].id for position in good] if any(op.id is not None for op in operations) else None,
        create=operations[0].kind == "create",
        routings=[operations[position].routing for position in good],
    )
    target = write_target(writer.indices(), name)
    if target is None:
        raise index_not_found(name)
    outcomes: list[Outcome | None] = [None] * len(operations)
    for position, malformed in errors.items():
        outcomes[position] = refused(operations[position], malformed)
    for position, result in zip(good, written, strict=True):
        if isinstance(result, StoreError):
            outcomes[position] = refused(operations[position], from_lower_layer(result))
        else:
            outcomes[position] = done(target.name, result)
    return [outcome for outcome in outcomes if outcome is not None]


def _refused_whole(operation: Operation, refusal: ApiError) -> Outcome:
    """Return the outcome of an operation on an index that takes none."""
    return refused_unseen(operation, refusal_of(operation) or refusal)


def _no_alias(name: str) -> ApiError:
    error = index_not_found(name)
    error.reason += f" and [require_alias] request flag is [true] and [{name}] is not an alias"
    return error


def _routed_elsewhere(operation: Operation, routing: str) -> ApiError:
    reason = (
        f"Alias [{operation.index}] has index routing associated with it [{routing}], and was provided with routing "
        f"value [{operation.routing}], rejecting operation"
    )
    return ApiError(400, "illegal_argument_exception", reason)
