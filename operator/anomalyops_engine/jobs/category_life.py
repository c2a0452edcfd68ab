"""What a step found out about messages, in the store: definitions of categories, counts of categorizers, warnings."""

from __future__ import annotations

from typing import Final

from anomalyops_engine.jobs.audit import Audit, wall_clock_ms
from anomalyops_engine.jobs.documents import results_index
from anomalyops_engine.jobs.registry import JobEntry, JobRun
from anomalyops_engine.scoring import Results
from anomalyops_engine.store import Writer

# Elasticsearch's bounds of a category field that makes sense.
_MANY_CATEGORIES: Final = 1000
_FIRST_BUCKETS: Final = 100


def write_categories(writer: Writer, entry: JobEntry, results: Results) -> None:
    """Write the documents of the categories and categorizers that changed in a step."""
    found = results.categories
    if found is None or not (found.definitions or found.stats):
        return
    log_time = {"log_time": wall_clock_ms()}
    documents = {**found.definitions, **{name: {**stats, **log_time} for name, stats in found.stats.items()}}
    writer.append(results_index(entry.config.results_index_name), list(documents.values()), ids=list(documents))


def note_categories(entry: JobEntry, run: JobRun, results: Results, audit: Audit, *, before: int) -> None:
    """Note changes of the categorization status, and a job that has far too many categories.

    Args:
        entry: the job.
        run: the job's run, brought up to date with the step.
        results: what the step found.
        audit: where it is noted.
        before: categories before the step.
    """
    found = results.categories
    if found is None:
        return
    span_ms = entry.config.bucket_span_ms
    for change in found.changes:
        of = f" for '{found.partition_field}' '{change.partition}'" if found.partition_field else ""
        start_ms = results.inputs.start_ms + change.bucket * span_ms
        audit.annotate(
            entry.job_id,
            f"Categorization status changed to '{change.status}'{of}",
            event="categorization_status_change",
            timestamp_ms=start_ms,
            end_ms=start_ms + span_ms,
            key=f"categorization_status_{entry.job_id}_{start_ms}_{change.partition}",
        )
    total, buckets = run.model_size.get("total_category_count", 0), run.counts.bucket_count
    if before < _MANY_CATEGORIES <= total and buckets <= _FIRST_BUCKETS:
        audit.note(
            entry.job_id,
            f"{total} categories observed in the first [{buckets}] buckets. This suggests an inappropriate "
            "categorization_field_name has been chosen.",
            "warning",
        )
