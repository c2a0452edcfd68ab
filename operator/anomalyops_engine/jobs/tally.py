"""What the jobs of this process have committed since it started: figures for whoever watches the engine."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping

from anomalyops_engine.scoring import Results


class Tally:
    """Counts that only grow. Thread-safe."""

    def __init__(self) -> None:
        self._counting = threading.Lock()
        self._buckets = 0
        self._read = 0
        self._results: Counter[str] = Counter()

    def add(self, results: Results) -> None:
        """Count a step that has been committed."""
        with self._counting:
            self._buckets += results.bucket_count
            self._read += results.processed_records
            for kind in ("record", "influencer"):
                self._results[kind] += len(results.found.get(kind, ()))

    @property
    def buckets(self) -> int:
        """Buckets that were analysed."""
        return self._buckets

    @property
    def documents(self) -> int:
        """Documents that were read for them."""
        return self._read

    @property
    def results(self) -> Mapping[str, int]:
        """Results that were written, by type."""
        return {kind: self._results[kind] for kind in ("record", "influencer")}
