"""What clients can ask of model snapshots: change, delete, go back to, upgrade; and to delete what is expired."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Final, NoReturn

from anomalyops_engine.config import Job
from anomalyops_engine.config.job import JOB_VERSION
from anomalyops_engine.config.reading import boolean, read_field, text
from anomalyops_engine.jobs.audit import wall_clock_ms
from anomalyops_engine.jobs.documents import ANNOTATIONS_INDEX, results_index
from anomalyops_engine.jobs.interim import erase_interim
from anomalyops_engine.jobs.journal import erase_model, put_model
from anomalyops_engine.jobs.model_life import renormalise
from anomalyops_engine.jobs.posted_records import PostedRecords
from anomalyops_engine.jobs.registry import JobEntry, JobRun
from anomalyops_engine.jobs.retention import expire
from anomalyops_engine.jobs.runtime import Runtime
from anomalyops_engine.jobs.snapshots import (
    EMPTY,
    SNAPSHOT_RECORDS,
    SNAPSHOT_STATE,
    Snapshot,
    delete_snapshots,
    delete_state_documents,
    find_snapshots,
    restore_quantiles,
    state_id,
)
from anomalyops_engine.jobs.waiting_records import replace_segments, waiting_records
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query import delete_where
from anomalyops_engine.refusals import bad_request, conflict, not_found
from anomalyops_engine.scoring import JobAnalysis, SnapshotError
from anomalyops_engine.store import Writer

# What the results index holds beside results of buckets.
_NO_RESULTS: Final = ["model_size_stats", "model_forecast", "model_forecast_request_stats", "category_definition"]
_UNDONE_EVENTS: Final = ["delayed_data", "model_change"]


@dataclass(frozen=True, slots=True)
class _Past:
    """Where a job goes back to.

    Attributes:
        snapshot: the snapshot's document.
        state: what the model had learnt; None for nothing, empty when this engine has no state of the snapshot.
        waiting: the packed records that waited then; None for none.
        next_ms: start of the first bucket that it has not seen; None before any.
        scores: scores of the results that could be lowered then, by document.
    """

    snapshot: Snapshot
    state: bytes | None
    waiting: bytes | None
    next_ms: int | None
    scores: dict[str, JsonObject]


class SnapshotOperations:
    """Model snapshots, as the REST endpoints under `model_snapshots` see them. Thread-safe."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._registry = runtime.registry

    def update(self, job_id: str, snapshot_id: str, body: JsonObject) -> JsonObject:
        """Change description and `retain` of a snapshot, and return it.

        Raises:
            MlError: 400, 404.
        """
        entry = self._registry.job(job_id)
        changes = _changes(body)
        with entry.lock.hold():
            snapshot = self._snapshot(entry.config, snapshot_id)
            if changes:
                with self._registry.store.write() as writer:
                    index = results_index(entry.config.results_index_name)
                    writer.revise(index, [snapshot.document_id], lambda *_: changes)
        return {"acknowledged": True, "model": Snapshot("", {**snapshot.body, **changes}).shown()}

    def delete(self, job_id: str, snapshot_id: str) -> None:
        """Delete a snapshot that is not in use.

        Raises:
            MlError: 400 for the one in use, 404.
        """
        entry = self._registry.job(job_id)
        with entry.lock.hold():
            snapshot = self._snapshot(entry.config, snapshot_id)
            if snapshot_id == entry.config.model_snapshot_id:
                raise bad_request(
                    f"Model snapshot '{snapshot_id}' is the active snapshot for job '{job_id}', so cannot be deleted"
                )
            audit = self._runtime.audit()
            audit.note(
                job_id,
                f"Model snapshot [{snapshot_id}] with description '{snapshot.body.get('description')}' deleted",
            )
            with self._registry.store.write() as writer:
                delete_snapshots(writer, entry.config, [snapshot_id])
                delete_state_documents(writer, job_id, snapshot)
                audit.write(writer)

    def revert(self, job_id: str, snapshot_id: str, *, delete_intervening_results: bool) -> JsonObject:
        """Let a closed job go back to what it had learnt at a snapshot.

        Args:
            job_id: the job.
            snapshot_id: which; `empty` for a job that has learnt nothing.
            delete_intervening_results: delete the results of all later buckets, to analyse them again. Otherwise the
                job goes on after the last bucket that it has analysed, with the older model.

        Returns:
            `{model}`, the snapshot.

        Raises:
            MlError: 404, 409 when the job is not closed or the snapshot cannot be read by this version.
        """
        entry = self._registry.job(job_id)
        with entry.lock.hold():
            if entry.run.state != "closed":
                raise conflict("Can only revert to a model snapshot when the job is closed.")
            past = self._past(entry, snapshot_id)
            waiting = waiting_records(self._registry, entry)
            run = _run_at(entry.run, past, again=delete_intervening_results)
            waiting = _waiting_at(waiting, past, run, again=delete_intervening_results)
            used = None if snapshot_id == EMPTY else snapshot_id
            version = None if used is None else str(past.snapshot.body.get("min_version", JOB_VERSION))
            config = replace(entry.config, model_snapshot_id=used, model_snapshot_min_version=version)
            audit = self._runtime.audit()
            audit.note(job_id, f"Job model snapshot reverted to '{past.snapshot.body.get('description')}'")
            with self._registry.store.write() as writer:
                erase_model(writer, job_id)
                put_model(writer, job_id, run, past.state)
                restore_quantiles(writer, job_id, past.snapshot)
                replace_segments(writer, job_id, run, waiting)
                if run.has_interim:
                    erase_interim(writer, config)
                    run.has_interim = False
                if delete_intervening_results:
                    _undo_results(writer, config, past)
                self._registry.save_job(writer, config, run)
                audit.write(writer)
            entry.config, entry.run, entry.waiting, entry.analysis = config, run, waiting, None
        return {"model": past.snapshot.shown()}

    def upgrade(self, job_id: str, snapshot_id: str) -> NoReturn:
        """Refuse to upgrade a snapshot: those that this version can read need it not, the others it cannot read.

        Raises:
            MlError: 404, 409.
        """
        entry = self._registry.job(job_id)
        self._snapshot(entry.config, snapshot_id)
        if snapshot_id == entry.config.model_snapshot_id and entry.run.state != "closed":
            raise conflict(
                f"Cannot upgrade snapshot [{snapshot_id}] for job [{job_id}] as it is the current primary job snapshot "
                f"and the job's state is [{entry.run.state}]. Please close the job before upgrading the snapshot."
            )
        self._past(entry, snapshot_id)
        raise conflict(
            f"Cannot upgrade job [{job_id}] snapshot [{snapshot_id}] as it is already compatible with current version "
            f"{JOB_VERSION}"
        )

    def upgrades(self, job_id: str, expression: str, *, allow_no_match: bool) -> JsonObject:
        """Return the upgrades that run: there are none.

        Raises:
            MlError: 404 for a snapshot that is asked for by its id.
        """
        parts = [part for part in expression.split(",") if part]
        concrete = [part for part in parts if part != "_all" and "*" not in part]
        if concrete or not allow_no_match:
            raise not_found(f"No model snapshot upgrade [{','.join(concrete or parts)}] exists for job [{job_id}]")
        return {"count": 0, "model_snapshot_upgrades": []}

    def delete_expired(self, expression: str) -> None:
        """Delete the results and snapshots that jobs keep no longer.

        Raises:
            MlError: 404 for a job that is missing.
        """
        for entry in self._registry.find_jobs(expression, allow_no_match=True):
            with entry.lock.hold():
                if self._registry.jobs.get(entry.job_id) is not entry:
                    continue  # deleted meanwhile
                audit = self._runtime.audit()
                with self._registry.store.write() as writer:
                    expire(writer, entry.config, entry.run, audit)
                    audit.write(writer)

    # --- inside ---

    def _snapshot(self, job: Job, snapshot_id: str) -> Snapshot:
        with self._registry.store.read() as reader:
            found = find_snapshots(reader, job, snapshot_id)
        if not found:
            raise not_found(f"No model snapshot with id [{snapshot_id}] exists for job [{job.job_id}]")
        return found[-1]

    def _past(self, entry: JobEntry, snapshot_id: str) -> _Past:
        if snapshot_id == EMPTY:
            nothing: JsonObject = {
                "job_id": entry.job_id,
                "min_version": JOB_VERSION,
                "timestamp": wall_clock_ms(),
                "description": "empty snapshot",
                "snapshot_id": EMPTY,
            }
            return _Past(Snapshot("", nothing), None, None, None, {})
        snapshot, name = self._snapshot(entry.config, snapshot_id), state_id(entry.job_id, snapshot_id)
        with self._registry.store.read() as reader:
            state, waiting = reader.state(SNAPSHOT_STATE, name), reader.state(SNAPSHOT_RECORDS, name)
        if state is None:  # a document that somebody else wrote
            return _Past(snapshot, b"", None, None, {})
        try:
            analysis = JobAnalysis.restore(entry.config, state)
        except SnapshotError as error:
            raise conflict(
                f"model snapshot [{snapshot_id}] of job [{entry.job_id}] cannot be read: {error}; revert to another "
                "snapshot or reset the job"
            ) from error
        return _Past(snapshot, state, waiting, analysis.next_ms, analysis.scores())


def _changes(body: JsonObject) -> JsonObject:
    changes: JsonObject = {}
    if body.get("description") is not None:
        changes["description"] = read_field("model_snapshot", "description", text, body["description"])
    if body.get("retain") is not None:
        changes["retain"] = read_field("model_snapshot", "retain", boolean, body["retain"])
    return changes


def _run_at(run: JobRun, past: _Past, *, again: bool) -> JobRun:
    """Return a job's run after it went back; what was counted stays counted."""
    run, body = deepcopy(run), past.snapshot.body
    size = body.get("model_size_stats")
    known = size if isinstance(size, dict) else {}
    run.model_size = {**known, "log_time": wall_clock_ms()} if known else {}
    if again:
        run.position_ms = past.next_ms
        if run.position_ms is None and past.state == b"":
            run.position_ms = body.get("latest_result_time_stamp")
        run.counts.latest_record_timestamp = body.get("latest_record_time_stamp")
        run.counts.latest_bucket_timestamp = body.get("latest_result_time_stamp")
    elif past.next_ms is not None:
        run.position_ms = max(past.next_ms, run.position_ms or past.next_ms)
    return run


def _waiting_at(waiting: PostedRecords, past: _Past, run: JobRun, *, again: bool) -> PostedRecords:
    """Return the records that wait after a job went back: those that waited then when it analyses again."""
    if not again:
        return waiting if run.position_ms is None else waiting.since(run.position_ms)
    return waiting.none() if past.waiting is None else waiting.unpacked(past.waiting)


def _undone_annotations(job: Job, latest_ms: int | None) -> JsonObject:
    """Return the query for what was annotated after a bucket; what changed in a model ends where it was found."""
    since: list[JsonObject] = []
    if latest_ms is not None:
        found: JsonObject = {"range": {"end_timestamp": {"gt": latest_ms + job.bucket_span_ms}}}
        change: JsonObject = {"bool": {"filter": [{"term": {"event": "model_change"}}, found]}}
        since = [{"bool": {"should": [{"range": {"timestamp": {"gt": latest_ms}}}, change]}}]
    return {"bool": {"filter": [{"term": {"job_id": job.job_id}}, {"terms": {"event": _UNDONE_EVENTS}}, *since]}}


def _undo_results(writer: Writer, job: Job, past: _Past) -> None:
    """Delete what was found after a snapshot, and give what was found before the scores that it had then."""
    latest_ms = past.snapshot.body.get("latest_result_time_stamp")
    later: list[JsonObject] = [] if latest_ms is None else [{"range": {"timestamp": {"gt": latest_ms}}}]
    mine: list[JsonObject] = [{"term": {"job_id": job.job_id}}, *later]
    index = results_index(job.results_index_name)
    results = {
        "filter": [*mine, {"exists": {"field": "result_type"}}],
        "must_not": [{"terms": {"result_type": _NO_RESULTS}}],
    }
    delete_where(writer, index, {"bool": results})
    delete_where(writer, ANNOTATIONS_INDEX, _undone_annotations(job, latest_ms), ignore_unavailable=True)
    renormalise(writer, index, past.scores)
