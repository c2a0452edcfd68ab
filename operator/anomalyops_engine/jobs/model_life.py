"""The model of one job through its life: what its steps find, snapshots, forgetting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from anomalyops_engine.config import Job
from anomalyops_engine.config.job import JOB_VERSION
from anomalyops_engine.config.units import SECOND_MS, iso_time
from anomalyops_engine.jobs.audit import Audit, wall_clock_ms
from anomalyops_engine.jobs.category_life import note_categories, write_categories
from anomalyops_engine.jobs.documents import ANNOTATIONS_INDEX, Level, results_index
from anomalyops_engine.jobs.forecast_request import erase_forecasts
from anomalyops_engine.jobs.journal import erase_model
from anomalyops_engine.jobs.registry import JobEntry, JobRun
from anomalyops_engine.jobs.retention import expire
from anomalyops_engine.jobs.snapshots import (
    SNAPSHOT_RECORDS,
    SNAPSHOT_STATE,
    delete_all_state_documents,
    erase_states,
    state_id,
    stored_ids,
)
from anomalyops_engine.jobs.waiting_records import erase_waiting, read_waiting
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query import delete_where
from anomalyops_engine.refusals import not_implemented
from anomalyops_engine.scoring import JobAnalysis, Results, UnsupportedAnalysis
from anomalyops_engine.store import Frame, Reader, Writer

_NESTED: Final = "bucket_influencers/"
_EMPTY_SIZE: Final[JsonObject] = {
    "model_bytes": 0,
    "peak_model_bytes": 0,
    "model_bytes_exceeded": 0,
    "total_by_field_count": 0,
    "total_over_field_count": 0,
    "total_partition_field_count": 0,
    "bucket_allocation_failures_count": 0,
    "memory_status": "ok",
    "categorized_doc_count": 0,
    "total_category_count": 0,
    "frequent_category_count": 0,
    "rare_category_count": 0,
    "dead_category_count": 0,
    "failed_category_count": 0,
    "categorization_status": "ok",
}


def check_analysable(job: Job) -> None:
    """Raise 501 naming what the learners cannot do yet, if the job asks for it."""
    try:
        JobAnalysis(job)
    except UnsupportedAnalysis as error:
        raise not_implemented(str(error)) from error


def model_size_stats(job: Job, run: JobRun) -> JsonObject:
    """Return the `model_size_stats` object of a job."""
    return {
        "job_id": job.job_id,
        "result_type": "model_size_stats",
        **_EMPTY_SIZE,
        "log_time": run.counts.log_time or job.create_time,
        **run.model_size,
    }


def account_step(entry: JobEntry, run: JobRun, results: Results, *, elapsed_ms: float, audit: Audit) -> None:
    """Bring a run up to date with a step.

    Args:
        entry: the job; its analysis is the one that made `results`.
        run: a copy of the job's run that takes effect when the step is committed.
        results: what the analysis returned.
        elapsed_ms: how long the analysis took.
        audit: where changes of the memory status and of the models are noted.
    """
    analysis = entry.analysis
    assert analysis is not None  # noqa: S101 - the caller has just used it
    _count(entry, run, results, elapsed_ms)
    _note_unusable(entry, run, results, audit)
    categories = run.model_size.get("total_category_count", 0)
    _measure(entry, run, analysis, audit)
    note_categories(entry, run, results, audit, before=categories)
    for change in results.changes:
        audit.annotate(
            entry.job_id,
            change.text,
            event="model_change",
            timestamp_ms=change.begin_ms,
            end_ms=change.end_ms,
            key=change.id,
            series=change.series,
        )


def write_counts(writer: Writer, job: Job, run: JobRun) -> None:
    """Write what was counted of a job's data, and how large its model is, as documents beside its results."""
    stats = model_size_stats(job, run)
    ids = [f"{job.job_id}_data_counts", f"{job.job_id}_model_size_stats_{stats['log_time']}"]
    writer.append(results_index(job.results_index_name), [run.counts.render(job.job_id), stats], ids=ids)


def write_results(writer: Writer, entry: JobEntry, results: Results, *, elapsed_ms: float) -> None:
    """Write the results of a step, and what it changes in earlier ones.

    Args:
        writer: the step's transaction.
        entry: the job.
        results: what the analysis returned.
        elapsed_ms: how long the analysis took.
    """
    index = results_index(entry.config.results_index_name)
    took = {"processing_time_ms": round(elapsed_ms / max(results.bucket_count, 1))}
    found = [result for kind in results.found.values() for result in kind]
    for result in results.found.get("bucket", ()):
        result.body.update(took)
    if found:
        writer.append(index, [result.body for result in found], ids=[result.id for result in found], new=True)
    for kind, frame in results.frames:
        fields = {**frame.fields, **took} if kind == "bucket" else frame.fields
        writer.append_frame(index, Frame(frame.ids, fields))
    write_categories(writer, entry, results)
    renormalise(writer, index, dict(results.renormalised))


def renormalise(writer: Writer, index: str, changes: Mapping[str, JsonObject]) -> None:
    """Write lowered scores into earlier results.

    A change is a field and its new value; the field `bucket_influencers/<name>` means the score of that influencer
    within the bucket's list.
    """

    def revised(key: str, document: JsonObject) -> JsonObject:
        fields = changes[key]
        change = {name: score for name, score in fields.items() if not name.startswith(_NESTED)}
        lowered = {name.removeprefix(_NESTED): score for name, score in fields.items() if name.startswith(_NESTED)}
        if lowered:
            change["bucket_influencers"] = [
                {**item, "anomaly_score": lowered.get(item["influencer_field_name"], item["anomaly_score"])}
                for item in document["bucket_influencers"]
            ]
        return change

    if changes:
        writer.revise(index, list(changes), revised)


def _count(entry: JobEntry, run: JobRun, results: Results, elapsed_ms: float) -> None:
    counts, records = run.counts, results.processed_records
    fields = len(entry.config.analysis_config.fields)
    counts.processed_record_count += records
    counts.input_record_count += records
    counts.processed_field_count += records * fields - results.missing_field_count
    counts.input_field_count += records * fields - results.missing_field_count
    counts.missing_field_count += results.missing_field_count
    counts.empty_bucket_count += results.empty_bucket_count
    counts.sparse_bucket_count += results.sparse_bucket_count
    counts.bucket_count += results.bucket_count
    now_ms = wall_clock_ms()
    counts.log_time = now_ms
    if records:
        counts.last_data_time = now_ms
        if counts.earliest_record_timestamp is None:
            counts.earliest_record_timestamp = results.earliest_record_ms
        counts.latest_record_timestamp = results.latest_record_ms
    if results.latest_empty_bucket_ms is not None:
        counts.latest_empty_bucket_timestamp = results.latest_empty_bucket_ms
    if results.latest_sparse_bucket_ms is not None:
        counts.latest_sparse_bucket_timestamp = results.latest_sparse_bucket_ms
    if results.latest_bucket_ms is not None:
        counts.latest_bucket_timestamp = results.latest_bucket_ms
        run.timing.add(buckets=results.bucket_count, elapsed_ms=elapsed_ms, latest_ms=results.latest_bucket_ms)


def _note_unusable(entry: JobEntry, run: JobRun, results: Results, audit: Audit) -> None:
    """Say which fields hold values that are no numbers: with the first, and whenever there are ten times as many."""
    for name, count in results.unusable.items():
        before = run.unusable.get(name, 0)
        run.unusable[name] = before + count
        if len(str(before + count)) > len(str(before)) or not before:
            audit.note(
                entry.job_id,
                f"{before + count} values of field [{name}] cannot be used as numbers and count as missing, the "
                f"latest in documents from {iso_time(results.inputs.start_ms)} to {iso_time(results.inputs.end_ms)}",
                "warning",
            )


def _measure(entry: JobEntry, run: JobRun, analysis: JobAnalysis, audit: Audit) -> None:
    before = run.model_size.get("memory_status", "ok")
    size = dict(analysis.model_size())
    size["log_time"] = wall_clock_ms()
    if run.counts.latest_bucket_timestamp is not None:
        size["timestamp"] = run.counts.latest_bucket_timestamp
    run.model_size = size
    status = size.get("memory_status", "ok")
    if status not in {before, "ok"}:
        _note_memory(entry, status, int(size.get("model_bytes_exceeded", 0)), run, audit)


def _note_memory(entry: JobEntry, status: str, exceeded: int, run: JobRun, audit: Audit) -> None:
    """Say that memory is scarce: in a notification, and in an annotation of the bucket from which on it is."""
    said: tuple[str, Level] = (
        ("Job memory status changed to soft_limit; memory pruning will now be more aggressive", "warning")
        if status == "soft_limit"
        else (
            "Job memory status changed to hard_limit; job exceeded model memory limit "
            f"{entry.config.memory_limit.render()} by {exceeded}b. "
            "Adjust the analysis_limits.model_memory_limit setting to ensure all data is analyzed",
            "error",
        )
    )
    text, level = said
    audit.note(entry.job_id, text, level)
    bucket_ms = run.counts.latest_bucket_timestamp
    if bucket_ms is not None:
        audit.annotate(
            entry.job_id,
            text,
            event="model_change",
            timestamp_ms=bucket_ms,
            end_ms=bucket_ms + entry.config.bucket_span_ms,
        )


def store_snapshot(writer: Writer, entry: JobEntry, run: JobRun, audit: Audit, state: bytes | None) -> Job:
    """Store a model snapshot (document and model) of the job's latest state; drop expired ones and expired results.

    Nothing is stored when no bucket was analysed since the last snapshot.

    Args:
        writer: the transaction.
        entry: the job.
        run: the run that takes effect with the transaction; told of the snapshot.
        audit: where the snapshot is noted.
        state: what the job has learnt up to its last committed bucket; None when it has learnt nothing.

    Returns:
        The configuration that takes effect with the transaction: it names the snapshot.
    """
    counts = run.counts
    if state is None or counts.latest_bucket_timestamp is None:
        return entry.config
    if run.snapshot_ms is not None and (counts.log_time or 0) <= run.snapshot_ms:
        return entry.config
    now_ms = wall_clock_ms()
    snapshot_id = _new_id(writer, entry.job_id, now_ms)
    reason = "job close" if run.state == "closed" else "background persistence"
    document: JsonObject = {
        "job_id": entry.job_id,
        "min_version": JOB_VERSION,
        "timestamp": now_ms,
        "description": f"State persisted due to {reason} at {iso_time(now_ms)}",
        "snapshot_id": snapshot_id,
        "snapshot_doc_count": 1,
        "model_size_stats": model_size_stats(entry.config, run),
        "latest_record_time_stamp": counts.latest_record_timestamp,
        "latest_result_time_stamp": counts.latest_bucket_timestamp,
        "retain": False,
    }
    index = results_index(entry.config.results_index_name)
    writer.append(index, [document], ids=[f"{entry.job_id}_model_snapshot_{snapshot_id}"])
    writer.put_state(SNAPSHOT_STATE, state_id(entry.job_id, snapshot_id), state)
    waiting = read_waiting(writer, entry.config, run)
    if len(waiting):
        writer.put_state(SNAPSHOT_RECORDS, state_id(entry.job_id, snapshot_id), waiting.pack())
    run.snapshot_ms = now_ms
    config = replace(entry.config, model_snapshot_id=snapshot_id, model_snapshot_min_version=JOB_VERSION)
    text = f"Job model snapshot with id [{snapshot_id}] stored"
    audit.note(entry.job_id, text)
    audit.annotate(
        entry.job_id,
        text,
        event="model_snapshot_stored",
        timestamp_ms=counts.latest_record_timestamp or now_ms,
        end_ms=None,
    )
    expire(writer, config, run, audit)
    return config


def _new_id(reader: Reader, job_id: str, now_ms: int) -> str:
    """Return the id of a snapshot that is made now: the second, or the first free one after it."""
    taken, second = set(stored_ids(reader, job_id)), now_ms // SECOND_MS
    while str(second) in taken:
        second += 1
    return str(second)


def erase(writer: Writer, job: Job, *, user_annotations: bool) -> None:
    """Delete the model, the snapshots, the results and the engine's annotations of a job.

    Args:
        writer: the transaction.
        job: the job's configuration.
        user_annotations: whether annotations that people wrote go too.
    """
    job_id = job.job_id
    erase_model(writer, job_id)
    erase_forecasts(writer, job_id)
    erase_waiting(writer, job_id)
    erase_states(writer, job_id)
    delete_all_state_documents(writer, job_id)
    mine: JsonObject = {"term": {"job_id": job_id}}
    delete_where(writer, results_index(job.results_index_name), mine, ignore_unavailable=True)
    annotations: JsonObject = {"bool": {"filter": [mine]}}
    if not user_annotations:
        annotations["bool"]["must_not"] = [{"term": {"event": "user"}}]
        annotations["bool"]["filter"].append({"exists": {"field": "event"}})
    delete_where(writer, ANNOTATIONS_INDEX, annotations, ignore_unavailable=True)
