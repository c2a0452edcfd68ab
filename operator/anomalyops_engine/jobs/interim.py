"""Interim results: what buckets that are not complete look like so far; the final ones take their place."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anomalyops_engine.jobs.documents import results_index
from anomalyops_engine.jobs.journal import load_analysis
from anomalyops_engine.query import Documents, delete_where
from anomalyops_engine.scoring import Results
from anomalyops_engine.store import Reader, Writer

if TYPE_CHECKING:
    from anomalyops_engine.config import Job
    from anomalyops_engine.jobs.registry import JobEntry, Registry
    from anomalyops_engine.jobs.stepping import Source


@dataclass(frozen=True, slots=True)
class _Until:
    """The documents of a source before a time: what can be known of them by then."""

    source: Source
    reach_ms: int

    def documents(self, reader: Reader, start_ms: int | None, end_ms: int | None) -> Documents:
        """Return the documents in [start_ms, end_ms)."""
        return self.source.documents(reader, start_ms, self.reach_ms if end_ms is None else min(end_ms, self.reach_ms))


def interim_results(
    registry: Registry, job: JobEntry, source: Source, *, start_ms: int, end_ms: int, first_ms: int, reach_ms: int
) -> Results:
    """Return what the buckets of [start_ms, end_ms) look like so far; nothing is learnt and nothing written.

    Args:
        registry: where the job is kept.
        job: the job (needs its lock).
        source: the documents.
        start_ms: start of the first bucket that is not analysed.
        end_ms: end of the last bucket.
        first_ms: time of the first document that counts.
        reach_ms: up to where documents may be read.

    Raises:
        SnapshotError: the model cannot be restored.
    """
    analysis = load_analysis(registry, job)
    with registry.store.read() as reader:
        documents = _Until(source, reach_ms).documents(reader, first_ms, end_ms)
        return analysis.interim(
            reader.connection,
            documents,
            start_ms=start_ms,
            end_ms=end_ms,
            reach_ms=reach_ms,
            schedule=registry.calendars.schedule(job.config),
        )


def replace_interim(registry: Registry, job: JobEntry, results: Results) -> None:
    """Write interim results in place of those before, and note that there are some (needs the job's lock)."""
    run = deepcopy(job.run)
    run.has_interim = True
    found = [result for kind in results.found.values() for result in kind]
    with registry.store.write() as writer:
        erase_interim(writer, job.config)
        if found:
            index = results_index(job.config.results_index_name)
            writer.append(index, [result.body for result in found], ids=[result.id for result in found], new=True)
        registry.save_job_run(writer, job.job_id, run)
    job.run = run


def erase_interim(writer: Writer, job: Job) -> None:
    """Delete the interim results of a job."""
    mine = [{"term": {"job_id": job.job_id}}, {"term": {"is_interim": True}}]
    delete_where(writer, results_index(job.results_index_name), {"bool": {"filter": mine}})
