"""The delayed data check: did documents arrive for buckets that were analysed before?

`DelayedDataDetector` of Elasticsearch: compare what the indices hold now with the `event_count` that each
bucket was written with. What was missed is reported, never analysed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from anomalyops_engine.config import Datafeed, Job
from anomalyops_engine.config.units import MINUTE_MS, iso_time
from anomalyops_engine.jobs.documents import results_index
from anomalyops_engine.jobs.extractor import Extractor
from anomalyops_engine.jobs.registry import DatafeedRun, JobEntry
from anomalyops_engine.query import read_rows, select
from anomalyops_engine.store import Reader, Store

_INTERVAL_MS: Final = 15 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class DelayedData:
    """What a check found: missed events by bucket start, and the stretch [start_ms, end_ms) of them."""

    missing: dict[str, int]
    start_ms: int
    end_ms: int
    message: str


def check_delayed_data(
    store: Store, job: JobEntry, datafeed: Datafeed, feed_run: DatafeedRun, extractor: Extractor, *, now_ms: int
) -> DelayedData | None:
    """Look for documents that came too late, when a check is due.

    Returns:
        What was found (possibly nothing missing), or None when no check is due.
    """
    position_ms = job.run.position_ms
    if not datafeed.delayed_data_check_config.enabled or position_ms is None:
        return None
    span_ms = job.config.bucket_span_ms
    window_ms = datafeed.check_window_ms(span_ms)
    # Every 15 minutes, and often enough that no bucket leaves a short window unseen.
    if feed_run.checked_ms is not None and now_ms - feed_run.checked_ms < min(_INTERVAL_MS, window_ms // 8):
        return None
    start_ms = (position_ms - window_ms) // span_ms * span_ms
    first_ms = max(start_ms, feed_run.start_ms or start_ms)
    with store.read() as reader:
        now_there = extractor.event_counts(reader, first_ms, position_ms, span_ms)
        recorded = _recorded(reader, job.config, start_ms, position_ms)
    missing = {
        bucket: now_there[bucket] - events
        for bucket, events in sorted(recorded.items())
        if now_there.get(bucket, 0) > events
    }
    if not missing:
        return DelayedData({}, start_ms, position_ms, "")
    first, last = min(missing), max(missing)
    message = (
        f"Datafeed has missed {sum(missing.values())} documents due to ingest latency, latest bucket with missing "
        f"data is [{iso_time(last)}]. Consider increasing query_delay"
    )
    return DelayedData({str(key): count for key, count in missing.items()}, first, last + span_ms, message)


def _recorded(reader: Reader, job: Job, start_ms: int, end_ms: int) -> dict[int, int]:
    """Return the event count of each bucket result in [start_ms, end_ms)."""
    indices = reader.resolve(results_index(job.results_index_name), ignore_unavailable=True)
    query = {"bool": {"filter": [{"term": {"job_id": job.job_id}}, {"term": {"result_type": "bucket"}}]}}
    fields = ["event_count"]
    buckets = select(indices, query, fields, time_field="timestamp", start_ms=start_ms, end_ms=end_ms)
    return {row["timestamp"]: int(row["event_count"] or 0) for row in read_rows(reader, buckets)}
