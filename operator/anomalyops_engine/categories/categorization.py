"""The categorization of a job: its categorizers, one a partition where it has some, and who gets which number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anomalyops_engine.analyzers.analyzer import Analyzer
from anomalyops_engine.categories.categorizer import NO_CATEGORY, Categorizer, ShapeRow
from anomalyops_engine.categories.category import Category
from anomalyops_engine.categories.shapes import shapes_of
from anomalyops_engine.categories.status import WARN, CategorizerStats

Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages in order of time.

    Attributes:
        bucket: position of each one's bucket, ascending.
        texts: the messages, without nulls.
        partition: each one's place in `partitions`.
        partitions: values of the partition field; one empty text for a job without partitions of its messages.
    """

    bucket: Int64Array
    texts: pa.Array
    partition: Int64Array
    partitions: Sequence[str]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Messages:
        """Return some messages of one bucket."""
        nothing = np.zeros(len(texts), dtype=np.int64)
        return cls(nothing, pa.array(texts, pa.large_string()), nothing, ("",))


@dataclass(slots=True)
class BucketRows:
    """What a categorizer learns in one bucket: enough to learn it again without the messages.

    Attributes:
        bucket: the bucket's position in the stretch.
        partition: value of the partition field.
        rows: one a shape, in order of appearance.
    """

    bucket: int
    partition: str
    rows: list[ShapeRow]

    def pack(self) -> list[Any]:
        """Return plain values for `unpack`."""
        return [self.bucket, self.partition, [[r.shape, r.count, r.longest, list(r.texts)] for r in self.rows]]

    @classmethod
    def unpack(cls, plain: Sequence[Any]) -> BucketRows:
        """Return what `pack` described."""
        bucket, partition, rows = plain
        return cls(bucket, partition, [ShapeRow(s, n, longest, tuple(texts)) for s, n, longest, texts in rows])


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A categorizer's status changed at the end of a bucket."""

    bucket: int
    partition: str
    status: str


@dataclass(slots=True)
class Learnt:
    """What a stretch brought.

    Attributes:
        rows: what was learnt from.
        changed: numbers of the categories that are not as they were.
        partitions: partitions with messages.
        changes: changes of status, in order.
    """

    rows: list[BucketRows] = field(default_factory=list)
    changed: set[int] = field(default_factory=set)
    partitions: set[str] = field(default_factory=set)
    changes: list[StatusChange] = field(default_factory=list)

    def add(self, later: Learnt) -> None:
        """Take in what a later stretch brought."""
        self.rows += later.rows
        self.changed |= later.changed
        self.partitions |= later.partitions
        self.changes += later.changes


class Categorization:
    """All categories of a job.

    Attributes:
        stop_on_warn: whether a partition whose status is a warning gets no categories any more.
        limit: bytes that may be taken; beyond, no category is made.
        refused: categories that were not made.
    """

    def __init__(
        self, analyzer: Analyzer, *, examples_limit: int, stop_on_warn: bool = False, limit: int = 1 << 29
    ) -> None:
        self._analyzer = analyzer
        self._examples_limit = examples_limit
        self.stop_on_warn = stop_on_warn
        self.limit = limit
        self._categorizers: dict[str, Categorizer] = {}
        self._status: dict[str, str] = {}
        self._next_id = 1
        self.refused = 0

    # --- learning ---

    def categorize(self, messages: Messages) -> tuple[Int64Array, Learnt]:
        """Place messages, and learn from them.

        Returns:
            The number of each message's category, `NO_CATEGORY` where it has none; and what changed.
        """
        learnt = Learnt()
        result = np.full(len(messages.bucket), NO_CATEGORY, dtype=np.int64)
        if not len(result):
            return result, learnt
        shapes, lengths = shapes_of(messages.texts, self._analyzer)
        groups = _Groups(messages, shapes, lengths)
        placed = np.zeros(groups.count, dtype=np.int64)
        for bucket, partition, members in groups.by_bucket():
            value = messages.partitions[partition]
            if self._is_stopped(value):
                continue
            categorizer = self._categorizer(value)
            rows = BucketRows(bucket, value, [groups.row(k, categorizer, self._examples_limit) for k in members])
            placed[members] = self._learn(rows, learnt)
        return placed[groups.member_of], learnt

    def replay(self, rows: Iterable[BucketRows]) -> Learnt:
        """Learn again what `categorize` learnt from."""
        learnt = Learnt()
        for bucket in rows:
            self._learn(bucket, learnt)
        return learnt

    def _learn(self, rows: BucketRows, learnt: Learnt) -> list[int]:
        categorizer = self._categorizer(rows.partition)
        found, changed = categorizer.learn(rows.rows, new_id=self._new_id)
        learnt.rows.append(rows)
        learnt.changed |= changed
        learnt.partitions.add(rows.partition)
        status = categorizer.stats().status
        if status != self._status.get(rows.partition, "ok"):
            learnt.changes.append(StatusChange(rows.bucket, rows.partition, status))
        self._status[rows.partition] = status
        return found

    def _new_id(self) -> int | None:
        if self.model_bytes >= self.limit:
            self.refused += 1
            return None
        self._next_id += 1
        return self._next_id - 1

    def _categorizer(self, partition: str) -> Categorizer:
        if partition not in self._categorizers:
            self._categorizers[partition] = Categorizer(self._analyzer, self._examples_limit)
        return self._categorizers[partition]

    def _is_stopped(self, partition: str) -> bool:
        return self.stop_on_warn and self._status.get(partition) == WARN

    # --- what is known ---

    @property
    def model_bytes(self) -> int:
        """Bytes of everything learnt, about."""
        return sum(categorizer.model_bytes for categorizer in self._categorizers.values())

    def categories(self) -> list[tuple[str, Category]]:
        """Return all categories with their partitions."""
        return [(name, category) for name, one in self._categorizers.items() for category in one.categories]

    def stats(self) -> CategorizerStats:
        """Return the counts of all partitions together."""
        return sum((one.stats() for one in self._categorizers.values()), CategorizerStats())

    def stats_of(self, partition: str) -> CategorizerStats:
        """Return the counts of one partition."""
        return self._categorizer(partition).stats()

    def pack(self) -> dict[str, Any]:
        """Return plain values for `unpack`."""
        return {
            "categorizers": [[name, one.pack()] for name, one in self._categorizers.items()],
            "status": self._status,
            "next_id": self._next_id,
            "refused": self.refused,
        }

    def unpack(self, plain: dict[str, Any]) -> None:
        """Take over what `pack` described."""
        self._categorizers = {
            name: Categorizer.unpack(self._analyzer, self._examples_limit, one) for name, one in plain["categorizers"]
        }
        self._status = dict(plain["status"])
        self._next_id = plain["next_id"]
        self.refused = plain["refused"]


class _Groups:
    """The messages of each bucket, partition and shape, in order of appearance."""

    def __init__(self, messages: Messages, shapes: Int64Array, lengths: Int64Array) -> None:
        self._messages, self._shapes, self._lengths = messages, shapes, lengths
        place = messages.bucket * len(messages.partitions) + messages.partition
        keys = shapes.view(np.uint64) ^ (place.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
        _, first, self.member_of = np.unique(keys, return_index=True, return_inverse=True)
        order = np.lexsort((first, place[first]))
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        self.member_of = rank[self.member_of]
        self._first = first[order]
        self._place = place[self._first]
        self.count = len(order)
        self._sizes = np.bincount(self.member_of, minlength=self.count)
        self._longest = np.zeros(self.count, dtype=np.int64)
        np.maximum.at(self._longest, self.member_of, lengths)
        self._rows: Int64Array | None = None

    def by_bucket(self) -> Iterable[tuple[int, int, Int64Array]]:
        """Bucket, partition and groups of each, in order of the buckets, then of appearance of the partitions."""
        edges = np.flatnonzero(np.diff(self._place)) + 1
        parts = np.split(np.arange(self.count), edges)
        width = len(self._messages.partitions)
        parts.sort(key=lambda members: (self._place[members[0]] // width, self._first[members[0]]))
        for members in parts:
            bucket, partition = divmod(int(self._place[members[0]]), width)
            yield bucket, partition, members

    def row(self, group: int, categorizer: Categorizer, most_texts: int) -> ShapeRow:
        shape = int(self._shapes[self._first[group]])
        texts: list[str] = []
        if categorizer.wants_texts(shape):
            for row in self._members(group, 4 * max(most_texts, 1)):
                text = self._messages.texts[row].as_py()
                if text not in texts:
                    texts.append(text)
                if len(texts) >= max(most_texts, 1):
                    break
        return ShapeRow(shape, int(self._sizes[group]), int(self._longest[group]), tuple(texts))

    def _members(self, group: int, most: int) -> Int64Array:
        if self._rows is None:
            self._rows = np.argsort(self.member_of, kind="stable")
            self._begins = np.cumsum(self._sizes) - self._sizes
        begin = self._begins[group]
        return self._rows[begin : begin + min(most, self._sizes[group])]


def categories_of(texts: Sequence[str], analyzer: Analyzer, *, examples_limit: int = 4) -> list[int]:
    """Return the number of each message's category, all messages taken as one bucket; 0 where it has none."""
    found, _ = Categorization(analyzer, examples_limit=examples_limit).categorize(Messages.of(texts))
    return [int(number) for number in found]
