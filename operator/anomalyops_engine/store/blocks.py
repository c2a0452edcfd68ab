"""`index.blocks`: what the settings of an index keep from being done with it (Elasticsearch's `IndexMetadata`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from anomalyops_engine.store.catalog import RESTRICTED, Index
from anomalyops_engine.store.errors import IndexBlockedError, IndexClosedError, IndexForbiddenError

Access = Literal["read", "write", "metadata_read", "metadata_write"]


@dataclass(frozen=True, slots=True)
class Block:
    """One block.

    Attributes:
        setting: the setting that turns it on.
        shown: how Elasticsearch calls it.
        closed: what it closes.
        status: HTTP status of the refusal.
    """

    setting: str
    shown: str
    closed: frozenset[Access]
    status: int = 403


_BLOCKS: Final = (
    Block("blocks.read_only", "FORBIDDEN/5/index read-only (api)", frozenset({"write", "metadata_write"})),
    Block("blocks.read", "FORBIDDEN/7/index read (api)", frozenset({"read"})),
    Block("blocks.write", "FORBIDDEN/8/index write (api)", frozenset({"write"})),
    Block("blocks.metadata", "FORBIDDEN/9/index metadata (api)", frozenset({"metadata_read", "metadata_write"})),
    Block(
        "blocks.read_only_allow_delete",
        "TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block; for "
        "more information, see https://www.elastic.co/docs/troubleshoot/elasticsearch/fix-watermark-errors?version=9.2",
        frozenset({"write"}),
        429,
    ),
)
BLOCK_SETTINGS: Final = frozenset(block.setting for block in _BLOCKS)


def blocks_of(index: Index) -> dict[str, str]:
    """Return the blocks of an index: their numbers, and what they are called."""
    found = {} if not index.closed else {"4": "index closed"}
    for block in _BLOCKS:
        if index.settings.get(block.setting) == "true":
            _, number, name = block.shown.split("/", 2)
            found[number] = name
    return found


def check_unrestricted(*names: str) -> None:
    """Check that no index of these names belongs to the engine alone.

    Raises:
        IndexForbiddenError: one does.
    """
    for name in names:
        if name in RESTRICTED:
            raise IndexForbiddenError(
                f"index [{name}] is restricted: it can be read, and the engine writes it when jobs and datafeeds change"
            )


def check_open(indices: Iterable[Index], access: Access) -> None:
    """Check that indices let something be done with them.

    Args:
        indices: the indices that a request means.
        access: what it does to them.

    Raises:
        IndexBlockedError: one of them, or several, do not.
        IndexForbiddenError: the engine alone changes one of them.
        IndexClosedError: one of them is closed, and it is about documents.
    """
    indices = list(indices)
    if access in ("write", "metadata_write"):
        check_unrestricted(*(index.name for index in indices))
    for index in indices:
        if index.closed and access in ("read", "write"):
            raise IndexClosedError(index.name, index.uuid)
    blocked: dict[str, list[Block]] = {}
    for index in indices:
        found = [block for block in _BLOCKS if access in block.closed and index.settings.get(block.setting) == "true"]
        if found:
            blocked[index.name] = found
    if blocked:
        every = [block for found in blocked.values() for block in found]
        status = 429 if all(block.status == 429 for block in every) else 403
        raise IndexBlockedError(
            {name: [block.shown for block in found] for name, found in blocked.items()}, status=status
        )
