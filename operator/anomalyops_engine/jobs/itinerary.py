"""Where a running datafeed goes next: from which bucket to which, and which stretches without data it leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from anomalyops_engine.config.units import iso_time
from anomalyops_engine.jobs.audit import Audit
from anomalyops_engine.jobs.extractor import FIRST_MS
from anomalyops_engine.jobs.registry import DatafeedRun, JobRun
from anomalyops_engine.query import Extent
from anomalyops_engine.store import Reader, Store

CHECKED_BUCKETS: Final = 8_192
"""Empty buckets after which, at multiples of so many, the next document is looked for; no leg crosses a multiple."""
LONGEST_GAP: Final = 200_000
"""Buckets to the next document, from such a multiple, beyond which they are left out."""


class Timeline(Protocol):
    """Documents by time."""

    def extent(self, reader: Reader, start_ms: int | None, end_ms: int | None) -> Extent | None:
        """Return the extent of the documents in [start_ms, end_ms), None when there are none."""


@dataclass(frozen=True, slots=True)
class Leg:
    """What one step has to do. Times are epoch milliseconds.

    Attributes:
        start_ms: start of the first bucket to analyse; None while there is no document.
        end_ms: end of the last one; equal to `start_ms` when no complete bucket is left.
        limit_ms: up to where there are buckets to analyse now.
        skipped_ms: start and end of a long stretch without documents that lies before `start_ms` and is left out.
        searched: the stretch that was searched for documents on the way; None when no search was needed.
        found: whether that search found any.
    """

    start_ms: int | None
    end_ms: int
    limit_ms: int
    skipped_ms: tuple[int, int] | None = None
    searched: tuple[int, int] | None = None
    found: bool = False

    def note_gap(self, audit: Audit, job_id: str, span_ms: int) -> None:
        """Note the stretch that is left out, if one is."""
        if self.skipped_ms is None:
            return
        begin_ms, end_ms = self.skipped_ms
        audit.note(
            job_id,
            f"No documents from {iso_time(begin_ms)} to {iso_time(end_ms)}: {(end_ms - begin_ms) // span_ms} empty "
            "buckets are left out. Give the datafeed a start, or check the times of the documents before",
            "warning",
        )


class Itinerary:
    """The way of one run of a datafeed.

    A bounded run stops behind the bucket of its last document; empty buckets after it are left to the next start. A
    stretch without documents that would make more than `LONGEST_GAP` empty buckets is left out, but for its
    beginning. Where that is does not depend on how the way is cut into legs.
    """

    def __init__(self, store: Store, documents: Timeline, *, span_ms: int, delay_ms: int) -> None:
        """Prepare.

        Args:
            store: where documents are looked for.
            documents: what is read.
            span_ms: bucket span.
            delay_ms: query delay.
        """
        self._store = store
        self._documents = documents
        self._span_ms = span_ms
        self._delay_ms = delay_ms
        self._data_end_ms: int | None = None  # behind the last document of a bounded run, as last looked up

    def next_leg(self, feed_run: DatafeedRun, job_run: JobRun, *, now_ms: int, buckets: int) -> Leg:
        """Return the next leg of at most `buckets` buckets."""
        reach_ms = self.reach(feed_run, now_ms)
        horizon_ms = self._floor(reach_ms)
        start_ms, searched = self._start(feed_run, job_run, reach_ms)
        if start_ms is None:
            return Leg(None, horizon_ms, horizon_ms, searched=searched)
        skipped = self._gap(start_ms, horizon_ms, job_run, feed_run)
        if skipped is not None:
            start_ms, searched = skipped[1], skipped
        limit_ms, looked = self._limit(start_ms, horizon_ms, reach_ms, feed_run)
        boundary_ms = (start_ms // self._checked_ms + 1) * self._checked_ms
        end_ms = max(min(start_ms + buckets * self._span_ms, limit_ms, boundary_ms), start_ms)
        return Leg(
            start_ms,
            end_ms,
            limit_ms,
            skipped_ms=skipped,
            searched=looked or searched,
            found=self._data_end_ms is not None,
        )

    def reach(self, feed_run: DatafeedRun, now_ms: int) -> int:
        """Return up to where documents may be read now."""
        end_ms = feed_run.end_ms
        if end_ms is not None and end_ms <= now_ms:
            return end_ms
        reach_ms = now_ms - self._delay_ms
        return reach_ms if end_ms is None else min(reach_ms, end_ms)

    @property
    def _checked_ms(self) -> int:
        return CHECKED_BUCKETS * self._span_ms

    def _floor(self, moment_ms: int) -> int:
        return moment_ms // self._span_ms * self._span_ms

    def _start(
        self, feed_run: DatafeedRun, job_run: JobRun, reach_ms: int
    ) -> tuple[int | None, tuple[int, int] | None]:
        """Return the first bucket to analyse, None while there is no document, and the stretch searched for it."""
        start_ms, position_ms = feed_run.start_ms, job_run.position_ms
        if position_ms is not None:
            return max(position_ms, position_ms if start_ms is None else self._floor(start_ms)), None
        horizon_ms = self._floor(reach_ms)
        if start_ms is not None and start_ms >= horizon_ms:
            return None, None
        found = self._look(start_ms, horizon_ms)
        searched = (FIRST_MS if start_ms is None else start_ms, horizon_ms)
        return (None if found is None else self._floor(found.earliest_ms)), searched

    def _limit(
        self, start_ms: int, horizon_ms: int, reach_ms: int, feed_run: DatafeedRun
    ) -> tuple[int, tuple[int, int] | None]:
        """Return where to stop for now (a bounded run: behind its last document), and the stretch searched for it."""
        if feed_run.end_ms is None or start_ms >= reach_ms:
            return horizon_ms, None
        searched = None
        if self._data_end_ms is None or start_ms >= self._data_end_ms:
            searched = (max(start_ms, feed_run.start_ms or start_ms), reach_ms)
            found = self._look(*searched)
            if found is None:
                return start_ms, searched
            self._data_end_ms = self._floor(found.latest_ms) + self._span_ms
        return min(horizon_ms, self._data_end_ms), searched

    def _gap(self, start_ms: int, horizon_ms: int, job_run: JobRun, feed_run: DatafeedRun) -> tuple[int, int] | None:
        """Return the long stretch without documents that begins here, if one does."""
        latest_ms = job_run.counts.latest_record_timestamp
        if start_ms % self._checked_ms or latest_ms is None or latest_ms >= start_ms - self._checked_ms:
            return None
        if horizon_ms - start_ms <= LONGEST_GAP * self._span_ms:
            return None
        found = self._look(start_ms, horizon_ms)
        if found is None and feed_run.end_ms is not None:
            return None  # the run ends behind its last document anyway
        next_ms = horizon_ms if found is None else self._floor(found.earliest_ms)
        return (start_ms, next_ms) if next_ms - start_ms > LONGEST_GAP * self._span_ms else None

    def _look(self, start_ms: int | None, end_ms: int) -> Extent | None:
        with self._store.read() as reader:
            return self._documents.extent(reader, start_ms, end_ms)
