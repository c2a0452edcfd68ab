"""How long things are kept: results and model snapshots, as each job says."""

from __future__ import annotations

from typing import Final

from anomalyops_engine.config import Job
from anomalyops_engine.config.units import DAY_MS, iso_time
from anomalyops_engine.jobs.audit import Audit
from anomalyops_engine.jobs.documents import results_index
from anomalyops_engine.jobs.registry import JobRun
from anomalyops_engine.jobs.snapshots import Snapshot, delete_snapshots, find_snapshots, stored_ids
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query import delete_where
from anomalyops_engine.store import Writer

_RETAINED_RESULTS: Final = ["bucket", "record", "influencer", "model_plot"]


def expire(writer: Writer, job: Job, run: JobRun, audit: Audit) -> None:
    """Delete what a job keeps no longer.

    Args:
        writer: the transaction.
        job: the job.
        run: what it has done.
        audit: where deletions are noted.
    """
    expired = expired_snapshots(job, find_snapshots(writer, job))
    delete_snapshots(writer, job, expired)
    if expired:
        audit.note(job.job_id, f"[{len(expired)}] expired model snapshots deleted")
    # Whoever deletes a snapshot's document leaves its state behind.
    known = {snapshot.snapshot_id for snapshot in find_snapshots(writer, job)}
    delete_snapshots(writer, job, [name for name in stored_ids(writer, job.job_id) if name not in known])
    if run.counts.latest_bucket_timestamp is not None:
        _expire_results(writer, job, run.counts.latest_bucket_timestamp, audit)


def expired_snapshots(job: Job, snapshots: list[Snapshot]) -> list[str]:
    """Return the ids of snapshots that a job keeps no longer, out of all, oldest first.

    Ages are those beside the newest one. Kept are all for `daily_model_snapshot_retention_after_days`, then the first
    of each day, and none beyond `model_snapshot_retention_days`; always the one in use, and those with `retain`
    (`ExpiredModelSnapshotsRemover` of Elasticsearch).
    """
    if not snapshots:
        return []
    newest_ms = max(snapshot.made_ms for snapshot in snapshots)
    oldest_ms = newest_ms - job.model_snapshot_retention_days * DAY_MS
    daily = job.daily_model_snapshot_retention_after_days
    daily_ms = oldest_ms if daily is None else newest_ms - daily * DAY_MS
    expired: list[str] = []
    kept_day: int | None = None
    for snapshot in snapshots:
        if snapshot.retained or snapshot.snapshot_id == job.model_snapshot_id or snapshot.made_ms >= daily_ms:
            continue
        day = (snapshot.made_ms - oldest_ms) // DAY_MS
        if snapshot.made_ms < oldest_ms or day == kept_day:
            expired.append(snapshot.snapshot_id)
        else:
            kept_day = day
    return expired


def _expire_results(writer: Writer, job: Job, latest_bucket_ms: int, audit: Audit) -> None:
    """Delete results older than `results_retention_days`, counted back from the latest bucket as the server does."""
    days = job.results_retention_days
    if days is None:
        return
    cutoff_ms = latest_bucket_ms - days * DAY_MS
    expired: JsonObject = {
        "bool": {
            "filter": [
                {"term": {"job_id": job.job_id}},
                {"terms": {"result_type": _RETAINED_RESULTS}},
                {"range": {"timestamp": {"lt": cutoff_ms}}},
            ]
        }
    }
    if delete_where(writer, results_index(job.results_index_name), expired):
        audit.note(job.job_id, f"Deleted results prior to {iso_time(cutoff_ms)}")
