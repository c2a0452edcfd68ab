"""What clients can ask of jobs: create, read, update, delete, open, close, reset, validate, stats."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Final

from anomalyops_engine.config import (
    Datafeed,
    Detector,
    IndicesOptions,
    Job,
    create_datafeed,
    create_job,
    update_job,
)
from anomalyops_engine.config.detector import MLCATEGORY
from anomalyops_engine.config.units import SECOND_MS
from anomalyops_engine.jobs.audit import wall_clock_ms
from anomalyops_engine.jobs.calendars import CALENDAR
from anomalyops_engine.jobs.capacity import no_room
from anomalyops_engine.jobs.counts import DataCounts, JobTiming
from anomalyops_engine.jobs.forecast_request import forecasts_stats
from anomalyops_engine.jobs.health import job_health
from anomalyops_engine.jobs.indices import ensure_engine_indices, prepare_results, release_results
from anomalyops_engine.jobs.journal import pending_state, write_checkpoint
from anomalyops_engine.jobs.makers import Maker
from anomalyops_engine.jobs.model_life import check_analysable, erase, model_size_stats
from anomalyops_engine.jobs.registry import (
    DatafeedEntry,
    DatafeedRun,
    JobEntry,
    JobRun,
)
from anomalyops_engine.jobs.runtime import ASSIGNMENT, Runtime
from anomalyops_engine.jobs.search_check import SEARCH_CHECK
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.refusals import (
    already_exists,
    bad_request,
    conflict,
    name_clash,
    timed_out,
    too_many_requests,
)

UPGRADE_EXPLANATION: Final = "persistent task cannot be assigned while upgrade mode is enabled."


class JobOperations:
    """Jobs, as the REST endpoints under `_ml/anomaly_detectors` see them. Thread-safe."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._registry = runtime.registry

    # --- configuration ---

    def create(
        self,
        job_id: str,
        body: object,
        *,
        indices_options: IndicesOptions | None = None,
        maker: Maker | None = None,
    ) -> JsonObject:
        """Create a job, and the datafeed that its body may hold, and return it as GET would.

        Raises:
            MlError: 400 for a bad body or a taken id, 403 for indices that the datafeed's maker may not read, 501 for
                what the learners cannot do yet.
        """
        job, datafeed_body = self._parse(job_id, body)
        datafeed = self._inline_datafeed(job, datafeed_body, indices_options)
        if datafeed is not None and maker is not None:
            maker.check(datafeed.datafeed_id, datafeed.indices)
        record = None if maker is None else maker.record
        feed = None if datafeed is None else DatafeedEntry(datafeed, DatafeedRun(), record)
        registry = self._registry
        with registry.lock:
            self._check_names_free(job, datafeed)
            audit = self._runtime.audit()
            audit.note(job_id, "Job created")
            run = JobRun()
            with registry.store.write() as writer:
                ensure_engine_indices(writer)
                prepare_results(writer, job)
                registry.save_job(writer, job, run)
                if feed is not None:
                    registry.save_datafeed(writer, feed.config, feed.run, feed.maker)
                audit.write(writer)
            registry.jobs[job_id] = JobEntry(job, run)
            if feed is not None:
                registry.datafeeds[feed.datafeed_id] = feed
        return self._shown(job, feed)

    def validate(self, body: object) -> None:
        """Check a job body.

        Raises:
            MlError: 400, or 501 for what the learners cannot do yet.
        """
        job, datafeed_body = self._parse(None, body)
        self._inline_datafeed(job, datafeed_body, None)

    def validate_detector(self, body: object) -> None:
        """Check a detector body.

        Raises:
            MlError: 400, or 501 for a function that the learners do not have yet.
        """
        detector = Detector.parse(body)
        if MLCATEGORY in {detector.by_field_name, detector.over_field_name}:
            return
        job, _ = create_job(
            {"analysis_config": {"detectors": [detector.render()]}, "data_description": {"time_field": "@time"}},
            job_id=None,
            now_ms=wall_clock_ms(),
        )
        check_analysable(job)

    def _parse(self, job_id: str | None, body: object) -> tuple[Job, JsonObject | None]:
        job, datafeed = create_job(
            body,
            job_id=job_id,
            now_ms=wall_clock_ms(),
            maximum=self._runtime.settings.max_model_memory,
            room=self._runtime.settings.memory,
        )
        check_analysable(job)
        return job, datafeed

    def _inline_datafeed(
        self, job: Job, body: JsonObject | None, indices_options: IndicesOptions | None
    ) -> Datafeed | None:
        if body is None:
            return None
        datafeed = create_datafeed(
            body,
            datafeed_id=None,
            search=SEARCH_CHECK,
            job_id=job.job_id,
            indices_options=indices_options,
        )
        datafeed.check_with(job)
        return datafeed

    def _check_names_free(self, job: Job, datafeed: Datafeed | None) -> None:
        job_id, registry = job.job_id, self._registry
        if job_id in registry.jobs:
            raise already_exists(f"The job cannot be created with the Id '{job_id}'. The Id is already used.")
        self._check_groups(job_id, job.groups)
        if job_id in registry.groups():
            raise name_clash(job_id)
        if datafeed is not None and datafeed.datafeed_id in registry.datafeeds:
            raise already_exists(f"A datafeed with id [{datafeed.datafeed_id}] already exists")

    def _check_groups(self, job_id: str, groups: Sequence[str]) -> None:
        for group in groups:
            if group in self._registry.jobs or group == job_id:
                raise name_clash(group)

    def _shown(self, job: Job, feed: DatafeedEntry | None, *, export: bool = False) -> JsonObject:
        shown = job.export() if export else job.render()
        if feed is not None:
            shown["datafeed_config"] = feed.show(export=export)
        return shown

    def get(self, expression: str, *, allow_no_match: bool, exclude_generated: bool) -> JsonObject:
        """Return `{count, jobs}` for the jobs that an expression names."""
        entries = self._registry.find_jobs(expression, allow_no_match=allow_no_match)
        feeds = self._registry.datafeeds_by_job()
        jobs = [self._shown(entry.config, feeds.get(entry.job_id), export=exclude_generated) for entry in entries]
        return {"count": len(jobs), "jobs": jobs}

    def update(self, job_id: str, body: object) -> JsonObject:
        """Merge an update body into a job and return the job.

        Raises:
            MlError: 400, 404; 501 when it asks for what the learners cannot do yet.
        """
        if job_id == "_all":
            raise bad_request("[_all] is not a valid job id for an update")
        entry = self._registry.job(job_id)
        with entry.lock.hold():
            update = update_job(
                entry.config,
                body,
                opened=entry.run.state == "opened",
                model_bytes=int(entry.run.model_size.get("model_bytes", 0)),
                maximum=self._runtime.settings.max_model_memory,
            )
            if "groups" in update.fields:
                self._check_groups(job_id, update.job.groups)
            if "detectors" in update.fields:
                check_analysable(update.job)
            audit = self._runtime.audit()
            audit.note(job_id, f"Job updated: [{', '.join(update.fields)}]")
            changes_analysis = update.live or entry.run.state != "opened"
            state = pending_state(self._registry, entry) if changes_analysis else None
            run = deepcopy(entry.run)
            with self._registry.lock:  # no filter comes or goes while the job begins to refer to it
                if entry.run.state == "opened":
                    self._registry.check_filters(update.job)
                with self._registry.store.write() as writer:
                    if state is not None:
                        write_checkpoint(writer, job_id, run, state)
                    self._registry.save_job(writer, update.job, run)
                    audit.write(writer)
                entry.config, entry.run = update.job, run
                if entry.analysis is not None and update.live:
                    entry.analysis.configure(update.job, self._registry.filters_of(update.job))
            return self._shown(entry.config, self._registry.datafeed_of(job_id))

    # --- states ---

    def open(self, job_id: str) -> JsonObject:
        """Open a job: bring its model into memory and let a datafeed run.

        A job that there is no memory for is refused, or `opening` until there is some when it allows that.

        Raises:
            MlError: 404 missing, 409 not closed, 429 in upgrade mode, while nothing
                is assigned or without memory for it, 500 when the model
                cannot be restored.
        """
        entry = self._registry.job(job_id)
        if self._registry.upgrade_mode:
            raise too_many_requests(
                "Cannot perform cluster:admin/xpack/ml/job/open action while upgrade mode is enabled"
            )
        with entry.lock.hold():
            if entry.run.state != "closed":
                raise conflict(f"Cannot open job [{job_id}] because it has already been opened")
            self._registry.check_filters(entry.config)
            if not self._runtime.settings.assigning:
                raise too_many_requests(
                    f"Cannot open jobs because persistent task assignment is disabled by the [{ASSIGNMENT}] setting"
                )
            explanation = self._runtime.shortage(entry)
            if explanation is None:
                self._runtime.bring_up(entry)
                return {"opened": True, "node": self._runtime.node_id}
            if not entry.config.allow_lazy_open:
                raise no_room(explanation)
            self._runtime.wait_for_memory(entry, explanation)
        return {"opened": True, "node": ""}

    def close(self, expression: str, *, allow_no_match: bool, force: bool, timeout_ms: int) -> JsonObject:
        """Close jobs: stop their datafeeds, store a model snapshot (unless forced), free the model.

        Raises:
            MlError: 404 missing, 409 when a job failed and `force` is not set, 408 after `timeout_ms`.
        """
        entries = self._registry.find_jobs(expression, allow_no_match=allow_no_match)
        failed = [entry.job_id for entry in entries if entry.run.state == "failed"]
        if failed and not force:
            if len(entries) == 1:
                raise conflict(f"cannot close job [{failed[0]}] because it failed, use force close")
            raise conflict("one or more jobs have state failed, use force close")
        for entry in entries:
            with entry.lock.hold(timeout_ms / SECOND_MS) as held:
                if not held:
                    raise timed_out(f"Closing job [{entry.job_id}] timed out after [{timeout_ms}ms]")
                if entry.run.state != "closed":
                    feed = self._registry.datafeed_of(entry.job_id)
                    self._runtime.rest(entry, feed, close=True, forced=force)
        return {"closed": True}

    def reset(self, job_id: str, *, delete_user_annotations: bool) -> None:
        """Forget a closed job's model, results and counts; keep its configuration.

        Raises:
            MlError: 404 missing, 409 not closed.
        """
        entry = self._registry.job(job_id)
        with entry.lock.hold():
            if entry.run.state != "closed":
                raise conflict("Can only reset a job when it is closed.")
            config = replace(entry.config, model_snapshot_id=None, model_snapshot_min_version=None, finished_time=None)
            run, feed, feed_run = JobRun(), self._registry.datafeed_of(job_id), DatafeedRun()
            audit = self._runtime.audit()
            audit.note(job_id, "Job has been reset")
            with self._registry.store.write() as writer:
                erase(writer, config, user_annotations=delete_user_annotations)
                self._registry.save_job(writer, config, run)
                if feed is not None:
                    self._registry.save_datafeed(writer, feed.config, feed_run, feed.maker)
                audit.write(writer)
            entry.config, entry.run, entry.forecasts = config, run, {}
            entry.analysis = entry.waiting = None
            if feed is not None:
                feed.run = feed_run

    def delete(self, job_id: str, *, force: bool, delete_user_annotations: bool, task: str) -> None:
        """Delete a job with its datafeed, model and results.

        Raises:
            MlError: 404 missing, 409 when it is not closed and `force` is not set.
        """
        entry = self._registry.job(job_id)
        with entry.lock.hold():
            if self._registry.jobs.get(job_id) is not entry:
                return  # another request has just deleted it
            feed = self._registry.datafeed_of(job_id)
            if not force:
                if entry.run.state != "closed":
                    raise conflict(f"Cannot delete job [{job_id}] because the job is {entry.run.state}")
                if feed is not None and feed.run.state != "stopped":
                    raise conflict(
                        f"failed to delete job [{job_id}] as its datafeed [{feed.datafeed_id}] could not be deleted"
                    )
            self._abandon(feed)
            audit = self._runtime.audit()
            audit.note(job_id, f"Deleting job by task with id '{task}'")
            audit.note(job_id, "Job deleted")
            with self._registry.lock:
                calendars = self._registry.calendars.without_job(job_id)
                with self._registry.store.write() as writer:
                    for calendar in calendars:
                        writer.put_config(CALENDAR, calendar.calendar_id, calendar.render())
                    erase(writer, entry.config, user_annotations=delete_user_annotations)
                    release_results(writer, entry.config)
                    self._registry.erase_job(writer, job_id)
                    if feed is not None:
                        self._registry.erase_datafeed(writer, feed.datafeed_id)
                    audit.write(writer)
                for calendar in calendars:
                    self._registry.calendars = self._registry.calendars.with_calendar(calendar)
                del self._registry.jobs[job_id]
                if feed is not None:
                    self._registry.datafeeds.pop(feed.datafeed_id, None)
            entry.run.state, entry.analysis, entry.waiting, entry.forecasts = "closed", None, None, {}

    def _abandon(self, feed: DatafeedEntry | None) -> None:
        running = self._runtime.running.pop(feed.datafeed_id, None) if feed is not None else None
        if running is not None:
            running.cancelled = True

    # --- stats ---

    def stats(self, expression: str, *, allow_no_match: bool) -> JsonObject:
        """Return `{count, jobs}` with state and counters; touches memory only."""
        entries = self._registry.find_jobs(expression, allow_no_match=allow_no_match)
        jobs = [self._stats(entry) for entry in entries]
        return {"count": len(jobs), "jobs": jobs}

    def _stats(self, entry: JobEntry) -> JsonObject:
        job_id, run = entry.job_id, entry.run
        counts: DataCounts = run.counts
        timing: JobTiming = run.timing
        stats: JsonObject = {
            "job_id": job_id,
            "data_counts": counts.render(job_id),
            "model_size_stats": model_size_stats(entry.config, run),
            "forecasts_stats": forecasts_stats(entry.forecasts.values()),
            "state": run.state,
        }
        if run.state == "opened":
            if self._registry.upgrade_mode:
                stats["assignment_explanation"] = UPGRADE_EXPLANATION
            else:
                stats["node"] = self._runtime.node()
                stats["assignment_explanation"] = ""
            if run.opened_ms is not None:
                stats["open_time"] = f"{(wall_clock_ms() - run.opened_ms) // SECOND_MS}s"
        elif run.state == "opening":
            stats["assignment_explanation"] = self._runtime.shortage(entry) or ""
        elif run.state == "failed":
            stats["assignment_explanation"] = run.failure or ""
        explanation = stats.get("assignment_explanation", "")
        stats["health"] = job_health(run, explanation, stats["model_size_stats"])
        stats["timing_stats"] = timing.render(job_id)
        return stats
