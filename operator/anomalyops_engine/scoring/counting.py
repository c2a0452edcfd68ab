"""Counting buckets without documents, and with fewer than there usually are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anomalyops_engine.features.extract import Events
from anomalyops_engine.scoring.results import Results

_SPARSE_SHARE = 0.1
_SPARSE_FROM = 10.0


@dataclass(slots=True)
class BucketCounter:
    """What is usual.

    Attributes:
        usual_documents: Mean number of documents of the last thousand buckets or so.
        seen_buckets: Buckets since the first document.
    """

    usual_documents: float = 0.0
    seen_buckets: int = 0

    def count(self, events: Events, begin: int, *, start_ms: int, span_ms: int, results: Results) -> None:
        """Count empty buckets, and sparse ones: with a small part of the documents that buckets usually have.

        Args:
            events: The documents of each bucket of a stretch.
            begin: Position of the first bucket that counts.
            start_ms: Start of the stretch.
            span_ms: Bucket length.
            results: Receives the counts.
        """
        for position, documents in enumerate(events.documents[begin:].tolist(), begin):
            timestamp = start_ms + position * span_ms
            if documents == 0:
                results.empty_bucket_count += 1
                results.latest_empty_bucket_ms = timestamp
            elif self.usual_documents >= _SPARSE_FROM and documents < _SPARSE_SHARE * self.usual_documents:
                results.sparse_bucket_count += 1
                results.latest_sparse_bucket_ms = timestamp
            self.seen_buckets += 1
            self.usual_documents += (documents - self.usual_documents) / min(self.seen_buckets, 1000)

    def pack(self) -> dict[str, Any]:
        """Plain values for `unpack`."""
        return {"usual_documents": self.usual_documents, "seen_buckets": self.seen_buckets}

    @classmethod
    def unpack(cls, plain: Mapping[str, Any]) -> BucketCounter:
        """The counter that `pack` described."""
        return cls(plain["usual_documents"], plain["seen_buckets"])
