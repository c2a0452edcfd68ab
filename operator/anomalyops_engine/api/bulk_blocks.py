"""Bulk requests that are one action over and over, each time with another new document: what shippers of logs send.

The documents become columns before anybody holds the store, so that several clients prepare theirs at once, and no
object of Python is made for one of them. Where anything is unusual, the request is done like every other: `bulk.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from anomalyops_engine.api.bulk import is_forbidden
from anomalyops_engine.api.bulk_body import Defaults, Operation, lines_of, read_action
from anomalyops_engine.api.bulk_outcomes import done
from anomalyops_engine.api.errors import ApiError
from anomalyops_engine.api.filtering import keep_paths
from anomalyops_engine.query import QueryError
from anomalyops_engine.store import Index, Prepared, Store, StoreError, Writer, Written
from anomalyops_engine.store.blocks import check_open
from anomalyops_engine.store.catalog import write_target
from anomalyops_engine.store.changes import check_pipelines
from anomalyops_engine.store.known_columns import FEWEST


@dataclass(frozen=True, slots=True)
class Block:
    """New documents for one index.

    Attributes:
        kind: index or create.
        index: name of the index or alias.
        sources: the documents.
    """

    kind: str
    index: str
    sources: list[bytes]

    def operations(self) -> list[Operation]:
        """Return the same as operations."""
        return [Operation(self.kind, self.index, None, source) for source in self.sources]


@dataclass(frozen=True, slots=True)
class WrittenBlock:
    """What became of a block whose documents are all in the index.

    Attributes:
        kind: index or create.
        index: the index.
        ids: ids of the documents.
        first: sequence number of the first one; the others follow.
        uuid: of the index.
    """

    kind: str
    index: str
    ids: list[str]
    first: int
    uuid: str

    def answer(self, took_ms: int, paths: str | None, *, refreshed: bool) -> bytes:
        """Return the answer of the bulk request.

        Args:
            took_ms: how long it took.
            paths: which parts of it are wanted, None for all: names of parts decide, so all items are alike.
            refreshed: whether a refresh was asked for.
        """
        item = done(self.index, Written(self.ids[0], 1, _ANY_NUMBER, created=True)).item
        if refreshed:
            item["forced_refresh"] = True
        body: dict[str, Any] = {"errors": False, "took": took_ms, "items": [{self.kind: item}]}
        if paths:
            body = keep_paths(body, paths.split(","))
        if "items" not in body:
            return orjson.dumps(body)
        text = orjson.dumps(body["items"][0]).decode()
        items = _filled(text.replace("%", "%%"), self.ids, range(self.first, self.first + len(self.ids)))
        return orjson.dumps({**body, "items": orjson.Fragment(items)})


# Stands for a sequence number; no other number of an item is this.
_ANY_NUMBER = -(2**62)


def _filled(template: str, ids: Sequence[str], numbers: range) -> str:
    """Return an item for each document, from that of the first one."""
    columns: list[Sequence[Any]] = []
    # Ids are letters that JSON writes as they are; the id of one document is like nothing else in its item.
    if ids[0] in template:
        template = template.replace(ids[0], "%s")
        columns.append(ids)
    if str(_ANY_NUMBER) in template:
        template = template.replace(str(_ANY_NUMBER), "%d")
        columns.append(numbers)
    if not columns:
        return f"[{','.join([template % ()] * len(ids))}]"
    return f"[{','.join([template % row for row in zip(*columns, strict=True)])}]"


def read_block(body: bytes, defaults: Defaults) -> Block | None:
    """Return the block that a body of `_bulk` is; None where it is more than that, or wrong.

    Args:
        body: the body.
        defaults: what holds for actions that do not say.
    """
    if not body.endswith(b"}\n"):
        return None
    lines = lines_of(body)
    count, half = divmod(len(lines), 2)
    if half or count < FEWEST or lines[::2].count(lines[0]) < count:
        return None
    try:
        action = read_action(lines[0], defaults)
    except (ApiError, QueryError):
        return None
    if action.kind not in {"index", "create"} or action.id is not None or action.failures:
        return None
    if action.condition is not None or action.routing is not None or action.require_alias:
        return None
    return Block(action.kind, action.index, lines[1::2])


def run_block(store: Store, block: Block) -> WrittenBlock | None:
    """Write a block durably and say what became of it; None where nothing was done, because it is not usual.

    Args:
        store: where to.
        block: the documents.
    """
    try:
        index = write_target(store.last_seen(), block.index)
    except StoreError:
        return None
    if index is None or not _takes_blocks(index, block):
        return None
    prepared = store.prepare(index, block.sources)
    if prepared is None or is_forbidden(store, Operation(block.kind, block.index, None)):
        return None
    found: list[WrittenBlock | None] = store.write_together([(block, prepared)], _write, size=len(block.sources))
    return found[0]


def _write(writer: Writer, blocks: Sequence[tuple[Block, Prepared]]) -> list[WrittenBlock | None]:
    """Write blocks, those of one index at once, and return what became of each."""
    targets = [_target(writer, block, prepared) for block, prepared in blocks]
    alike: dict[str, tuple[Index, list[int]]] = {}
    for place, target in enumerate(targets):
        if target is not None:
            alike.setdefault(target.name, (target, []))[1].append(place)
    answers: list[WrittenBlock | None] = [None] * len(blocks)
    for index, places in alike.values():
        first = writer.put_prepared(index, [blocks[place][1] for place in places])
        for place in places:
            block, prepared = blocks[place]
            answers[place] = WrittenBlock(block.kind, index.name, prepared.ids, first, index.uuid)
            first += len(prepared.ids)
    return answers


def _target(writer: Writer, block: Block, prepared: Prepared) -> Index | None:
    """Return the index that a block can be written to as it was prepared; None where it cannot."""
    try:
        index = write_target(writer.indices(), block.index)
    except StoreError:
        return None
    if index is None or index.mapping is not prepared.mapping or not _takes_blocks(index, block):
        return None
    if index.stream == block.index and not prepared.have_all("@timestamp"):
        return None
    return index


def _takes_blocks(index: Index, block: Block) -> bool:
    """Return whether an index takes new documents, and nothing has to be known of them."""
    try:
        check_open([index], "write")
        check_pipelines(index)
    except StoreError:
        return False
    if index.stream == block.index:
        return block.kind == "create"
    return "index_routing" not in index.aliases.get(block.index, {})
