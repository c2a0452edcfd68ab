"""What was asked of each index since the server began: searches, documents that were read and written, and how long.

Elasticsearch keeps these counts in memory too, and begins anew when a shard does. An index is told from another one of
the same name by its uuid.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from anomalyops_engine.api.bulk_outcomes import Outcome
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.store import Index

_OPERATIONS: Final[Mapping[str, str]] = {"delete": "delete", "index": "index", "create": "index", "update": "index"}


@dataclass(slots=True)
class Count:
    """How often something was done, and how long that took.

    Attributes:
        total: how often.
        seconds: how long.
    """

    total: int = 0
    seconds: float = 0.0

    def add(self, total: int, seconds: float) -> None:
        """Count something."""
        self.total += total
        self.seconds += seconds

    @property
    def millis(self) -> int:
        """How long, in milliseconds."""
        return int(self.seconds * 1000)


@dataclass(slots=True)
class IndexActivity:
    """What was asked of one index."""

    query: Count = field(default_factory=Count)
    fetch: Count = field(default_factory=Count)
    scroll: Count = field(default_factory=Count)
    groups: dict[str, tuple[Count, Count]] = field(default_factory=dict)
    exists: Count = field(default_factory=Count)
    missing: Count = field(default_factory=Count)
    index: Count = field(default_factory=Count)
    delete: Count = field(default_factory=Count)
    noops: int = 0
    failed: int = 0
    bulk: Count = field(default_factory=Count)
    bulk_bytes: int = 0


def uuids_of(indices: Iterable[Index]) -> dict[str, str]:
    """Return the uuids of indices by name."""
    return {index.name: index.uuid for index in indices}


class Activity:
    """The counts of all indices."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._indices: dict[str, IndexActivity] = {}

    def of(self, uuid: str) -> IndexActivity:
        """Return the counts of an index, by its uuid."""
        with self._lock:
            return self._of(uuid)

    def _of(self, uuid: str) -> IndexActivity:
        return self._indices.setdefault(uuid, IndexActivity())

    def forget(self, there: Collection[str]) -> None:
        """Drop the counts of indices that are not there any more.

        Args:
            there: uuids of those that are.
        """
        with self._lock:
            for uuid in self._indices.keys() - set(there):
                del self._indices[uuid]

    def searched(
        self,
        indices: Mapping[str, str],
        answer: JsonObject,
        seconds: float,
        *,
        groups: Iterable[str] = (),
        scroll: bool = False,
    ) -> None:
        """Count a search.

        Args:
            indices: uuids of the indices that were searched, by name.
            answer: what was found.
            seconds: how long it took.
            groups: what else it is counted for.
            scroll: whether it is a part of a scroll.
        """
        fetched = {hit["_index"] for hit in answer["hits"]["hits"]}
        with self._lock:
            for name, uuid in indices.items():
                counts = self._of(uuid)
                pairs = [(counts.query, counts.fetch)]
                pairs += [counts.groups.setdefault(group, (Count(), Count())) for group in groups]
                for query, fetch in pairs:
                    query.add(1, seconds)
                    if name in fetched:
                        fetch.add(1, 0.0)
                if scroll:
                    counts.scroll.add(1, seconds)

    def got(self, uuid: str, found: int, missing: int, seconds: float) -> None:
        """Count documents that were read by id."""
        share = seconds / max(found + missing, 1)
        with self._lock:
            counts = self._of(uuid)
            counts.exists.add(found, share * found)
            counts.missing.add(missing, share * missing)

    def wrote(
        self, kinds: Sequence[str], outcomes: Sequence[Outcome], seconds: float, *, size: int, bulk: bool
    ) -> None:
        """Count operations on documents.

        Args:
            kinds: what each of them is.
            outcomes: what became of each.
            seconds: how long all of them took.
            size: bytes of the request.
            bulk: whether they came together.
        """
        share = seconds / max(len(outcomes), 1)
        parts: dict[str, int] = {}
        with self._lock:
            for kind, outcome in zip(kinds, outcomes, strict=True):
                if outcome.uuid is None:
                    continue
                parts[outcome.uuid] = parts.get(outcome.uuid, 0) + 1
                counts = self._of(outcome.uuid)
                if outcome.failed:
                    counts.failed += kind != "delete"
                elif outcome.item["result"] == "noop":
                    counts.noops += 1
                else:
                    getattr(counts, _OPERATIONS[kind]).add(1, share)
            for uuid, number in parts.items() if bulk else ():
                counts = self._of(uuid)
                counts.bulk.add(1, share * number)
                counts.bulk_bytes += size * number // len(outcomes)

    def wrote_block(self, uuid: str, documents: int, seconds: float, *, size: int) -> None:
        """Count documents that were written together, all of them new.

        Args:
            uuid: of their index.
            documents: how many.
            seconds: how long it took.
            size: bytes of the request.
        """
        with self._lock:
            counts = self._of(uuid)
            counts.index.add(documents, seconds)
            counts.bulk.add(1, seconds)
            counts.bulk_bytes += size
