"""Posted records whose buckets are not complete: kept in the store from the answer of their upload on.

An upload is added as a segment; when buckets are complete, what is left becomes one segment. So an upload costs its own
records, however many wait already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anomalyops_engine.jobs.arrivals import no_records
from anomalyops_engine.jobs.posted_records import POSTED_RECORDS, PostedRecords

if TYPE_CHECKING:
    from anomalyops_engine.config import Job
    from anomalyops_engine.jobs.registry import JobEntry, JobRun, Registry
    from anomalyops_engine.store import Reader, Writer


def _segment_ids(job_id: str, run: JobRun) -> list[str]:
    return [f"{job_id}/{number}" for number in range(run.posted_from + 1, run.posted_to + 1)]


def waiting_records(registry: Registry, job: JobEntry) -> PostedRecords:
    """Return the records of a job that wait, from memory or from the store."""
    if job.waiting is None:
        with registry.store.read() as reader:
            job.waiting = read_waiting(reader, job.config, job.run)
    return job.waiting


def read_waiting(reader: Reader, job: Job, run: JobRun) -> PostedRecords:
    """Return the records of a job that wait, from the store."""
    names = _segment_ids(job.job_id, run)
    segments = reader.states(POSTED_RECORDS, names)
    waiting = no_records(job)
    for name in names:
        waiting = waiting.joined(waiting.unpacked(segments[name]))
    return waiting


def add_segment(writer: Writer, job_id: str, run: JobRun, records: PostedRecords) -> None:
    """Write further records that wait."""
    if len(records):
        run.posted_to += 1
        writer.put_state(POSTED_RECORDS, f"{job_id}/{run.posted_to}", records.pack())


def replace_segments(writer: Writer, job_id: str, run: JobRun, records: PostedRecords) -> None:
    """Write the records that wait in place of all that did before."""
    writer.delete_states(POSTED_RECORDS, _segment_ids(job_id, run))
    run.posted_from = run.posted_to
    add_segment(writer, job_id, run, records)


def erase_waiting(writer: Writer, job_id: str) -> None:
    """Delete all records of a job that wait."""
    prefix = f"{job_id}/"
    writer.delete_states(POSTED_RECORDS, [name for name in writer.state_ids(POSTED_RECORDS) if name.startswith(prefix)])
