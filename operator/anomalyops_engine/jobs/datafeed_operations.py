"""What clients can ask of datafeeds: create, read, update, delete, start, stop, preview, stats."""

from __future__ import annotations

from copy import deepcopy
from typing import Final

from anomalyops_engine.config import Datafeed, IndicesOptions, Job, create_datafeed, create_job, update_datafeed
from anomalyops_engine.config.units import SECOND_MS, iso_time
from anomalyops_engine.jobs.extractor import FIRST_MS, LAST_MS, Extractor
from anomalyops_engine.jobs.health import datafeed_health
from anomalyops_engine.jobs.makers import Maker
from anomalyops_engine.jobs.registry import (
    DatafeedEntry,
    DatafeedRun,
    JobEntry,
)
from anomalyops_engine.jobs.runtime import Runtime
from anomalyops_engine.jobs.search_check import SEARCH_CHECK
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.query import read_rows
from anomalyops_engine.refusals import (
    already_exists,
    bad_request,
    conflict,
    illegal_argument,
    invalid_request,
    missing_datafeed,
    missing_job,
    server_error,
    too_many_requests,
)

UPGRADE_EXPLANATION: Final = "persistent task cannot be assigned while upgrade mode is enabled."


class DatafeedOperations:
    """Datafeeds, as the REST endpoints under `_ml/datafeeds` see them. Thread-safe."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._registry = runtime.registry

    # --- configuration ---

    def create(
        self,
        datafeed_id: str,
        body: object,
        *,
        indices_options: IndicesOptions | None = None,
        maker: Maker | None = None,
    ) -> JsonObject:
        """Create a datafeed and return it.

        Raises:
            MlError: 400 bad body or taken id, 403 for indices that its maker may not read, 404 unknown job, 409 when
                the job has a datafeed.
        """
        datafeed = create_datafeed(body, datafeed_id=datafeed_id, search=SEARCH_CHECK, indices_options=indices_options)
        registry = self._registry
        if maker is not None:
            maker.check(datafeed_id, datafeed.indices)
        job = registry.job(datafeed.job_id)
        with job.lock.hold(), registry.lock:
            if registry.jobs.get(job.job_id) is not job:
                raise missing_job(job.job_id)
            if datafeed_id in registry.datafeeds:
                raise already_exists(f"A datafeed with id [{datafeed_id}] already exists")
            other = registry.datafeed_of(job.job_id)
            if other is not None:
                raise conflict(f"A datafeed [{other.datafeed_id}] already exists for job [{job.job_id}]")
            datafeed.check_with(job.config)
            entry = DatafeedEntry(datafeed, DatafeedRun(), None if maker is None else maker.record)
            with registry.store.write() as writer:
                registry.save_datafeed(writer, datafeed, entry.run, entry.maker)
            registry.datafeeds[datafeed_id] = entry
        return entry.show()

    def get(self, expression: str, *, allow_no_match: bool, exclude_generated: bool) -> JsonObject:
        """Return `{count, datafeeds}` for the datafeeds that an expression names."""
        entries = self._registry.find_datafeeds(expression, allow_no_match=allow_no_match)
        shown = [entry.show(export=exclude_generated) for entry in entries]
        return {"count": len(shown), "datafeeds": shown}

    def update(
        self,
        datafeed_id: str,
        body: object,
        *,
        indices_options: IndicesOptions | None = None,
        maker: Maker | None = None,
    ) -> JsonObject:
        """Merge an update body into a stopped datafeed and return it; from then on it has the rights of `maker`.

        Raises:
            MlError: 400, 404, 409 when it is not stopped.
        """
        feed = self._registry.datafeed(datafeed_id)
        job = self._registry.job(feed.job_id)
        with job.lock.hold():
            if feed.run.state != "stopped":
                raise conflict(f"Cannot update datafeed [{datafeed_id}] while its status is {feed.run.state}")
            merged = update_datafeed(feed.config, body, search=SEARCH_CHECK, indices_options=indices_options)
            merged.check_with(job.config)
            record = None if maker is None else maker.record
            with self._registry.store.write() as writer:
                self._registry.save_datafeed(writer, merged, feed.run, record)
            feed.config, feed.maker = merged, record
        return feed.show()

    def delete(self, datafeed_id: str, *, force: bool) -> None:
        """Delete a datafeed; its job stays as it is.

        Raises:
            MlError: 404, 409 when it runs and `force` is not set.
        """
        feed = self._registry.datafeed(datafeed_id)
        job = self._registry.job(feed.job_id)
        with job.lock.hold():
            if self._registry.datafeeds.get(datafeed_id) is not feed:
                raise missing_datafeed(datafeed_id)
            if feed.run.state != "stopped":
                if not force:
                    raise conflict(f"Cannot delete datafeed [{datafeed_id}] while its status is {feed.run.state}")
                self._runtime.rest(job, feed, close=False)
            with self._registry.lock:
                with self._registry.store.write() as writer:
                    self._registry.erase_datafeed(writer, datafeed_id)
                del self._registry.datafeeds[datafeed_id]

    # --- running ---

    def start(self, datafeed_id: str, *, start_ms: int | None, end_ms: int | None) -> JsonObject:
        """Start a datafeed.

        Args:
            datafeed_id: which.
            start_ms: first time wanted; None: go on where the job is, or from the earliest document.
            end_ms: last time wanted (exclusive); None: real time.

        Raises:
            MlError: 400 for a bad interval or a field without mapping, 404, 409 for the wrong state or
                missing indices, 429 while nothing is assigned.
        """
        if start_ms is not None and end_ms is not None and start_ms >= end_ms:
            raise invalid_request(f"start [{start_ms}] must be earlier than end [{end_ms}]")
        for name, moment_ms in (("start", start_ms), ("end", end_ms)):
            if moment_ms is not None and not FIRST_MS <= moment_ms <= LAST_MS:
                raise illegal_argument(
                    f"[{name}] is [{moment_ms}]; accepted are epoch milliseconds of the years 1 to 9999, "
                    f"[{FIRST_MS}] to [{LAST_MS}]"
                )
        feed = self._registry.datafeed(datafeed_id)
        job = self._registry.job(feed.job_id)
        with job.lock.hold():
            if job.run.state not in {"opened", "opening"}:
                raise conflict(f"cannot start datafeed [{datafeed_id}] because job [{job.job_id}] is {job.run.state}")
            if feed.run.state != "stopped":
                raise conflict(f"cannot start datafeed [{datafeed_id}] because it has already been started")
            with self._registry.store.read() as reader:
                extractor = Extractor(feed.config, job.config, lambda: self._registry.visibility_of(feed))
                extractor.check(reader)
            if not self._runtime.settings.assigning:
                raise too_many_requests(
                    "Could not start datafeed, allocation explanation "
                    "[no persistent task assignments are allowed due to cluster settings]"
                )
            run = DatafeedRun(state="started", start_ms=start_ms, end_ms=end_ms, timing=deepcopy(feed.run.timing))
            if job.run.state == "opening":
                run.state = "starting"
                with self._registry.store.write() as writer:
                    self._registry.save_datafeed_run(writer, datafeed_id, run)
                feed.run = run
                return {"started": True, "node": ""}
            self._runtime.begin(job, feed, run)
        return {"started": True, "node": self._runtime.node_id}

    def stop(
        self, expression: str, *, allow_no_match: bool, force: bool, timeout_ms: int, close_job: bool
    ) -> JsonObject:
        """Stop datafeeds; the job of a bounded run (one with an `end`) is closed as if the run had ended.

        Raises:
            MlError: 404 missing, 500 after `timeout_ms`.
        """
        for feed in self._registry.find_datafeeds(expression, allow_no_match=allow_no_match):
            job = self._registry.jobs.get(feed.job_id)
            if job is None or feed.run.state == "stopped":
                if job is not None and close_job:
                    self._close_job(job)
                continue
            with job.lock.hold(timeout_ms / SECOND_MS) as held:
                if not held:
                    running = self._runtime.running.get(feed.datafeed_id)
                    if running is not None and force:
                        running.cancelled = True
                    raise server_error(f"Stopping datafeed [{feed.datafeed_id}] timed out after [{timeout_ms}ms]")
                if feed.run.state != "stopped":
                    bounded = feed.run.end_ms is not None and job.run.state == "opened"
                    self._runtime.rest(job, feed, close=bounded or close_job)
        return {"stopped": True}

    def _close_job(self, job: JobEntry) -> None:
        with job.lock.hold():
            if job.run.state == "opened":
                self._runtime.rest(job, None, close=True)

    # --- reading ---

    def stats(self, expression: str, *, allow_no_match: bool) -> JsonObject:
        """Return `{count, datafeeds}` with state and timings; touches memory only."""
        entries = self._registry.find_datafeeds(expression, allow_no_match=allow_no_match)
        shown = [self._stats(entry) for entry in entries]
        return {"count": len(shown), "datafeeds": shown}

    def _stats(self, feed: DatafeedEntry) -> JsonObject:
        run = feed.run
        stats: JsonObject = {"datafeed_id": feed.datafeed_id, "state": run.state}
        if run.state != "stopped":
            if self._registry.upgrade_mode:
                stats["assignment_explanation"] = UPGRADE_EXPLANATION
            elif run.state == "starting":
                stats["assignment_explanation"] = "datafeed awaiting job assignment."
            else:
                stats["node"] = self._runtime.node()
                stats["assignment_explanation"] = ""
        job = self._registry.jobs.get(feed.job_id)
        span_ms = 0 if job is None else job.config.bucket_span_ms
        stats["health"] = datafeed_health(run, stats.get("assignment_explanation", ""), span_ms)
        stats["timing_stats"] = run.timing.render(feed.job_id)
        if run.state != "stopped":
            stats["running_state"] = _running_state(run)
        elif run.failure is not None:
            stats["assignment_explanation"] = f"the datafeed stopped because of an error: {run.failure}"
        return stats

    def preview(self, datafeed_id: str, *, start_ms: int | None, end_ms: int | None) -> list[JsonObject]:
        """Return the first documents that a datafeed would hand to its job."""
        feed = self._registry.datafeed(datafeed_id)
        return self._preview(feed.config, self._registry.job(feed.job_id).config, start_ms, end_ms)

    def preview_body(
        self,
        datafeed_body: object,
        job_body: JsonObject | None,
        *,
        start_ms: int | None,
        end_ms: int | None,
    ) -> list[JsonObject]:
        """Return the first documents that a datafeed not yet created would hand to its job.

        Args:
            datafeed_body: the datafeed; None when the job body embeds it.
            job_body: the job, if it is not created yet either.
            start_ms: first time wanted, or None.
            end_ms: last time wanted (exclusive), or None.

        Raises:
            MlError: 400, 404.
        """
        job: Job | None = None
        if job_body is not None:
            job, embedded = create_job(job_body, job_id=None, now_ms=0)
            if datafeed_body is not None and embedded is not None:
                raise bad_request(
                    "[datafeed_config] must not be present when a [job_config.datafeed_config] is present"
                )
            datafeed_body = datafeed_body if datafeed_body is not None else embedded
        if datafeed_body is None:
            raise bad_request("[datafeed_config] must be set when no datafeed id is given")
        if isinstance(datafeed_body, dict):
            if job is None and datafeed_body.get("job_id") is None:
                raise bad_request("[datafeed_config.job_id] must be set or a [job_config] must be provided")
            datafeed_body = {"datafeed_id": "preview_id", "job_id": "preview_job_id", **datafeed_body}
            if job is not None:
                datafeed_body["job_id"] = job.job_id
        datafeed = create_datafeed(datafeed_body, datafeed_id=None, search=SEARCH_CHECK)
        if job is None:
            job = self._registry.job(datafeed.job_id).config
        datafeed.check_with(job)
        return self._preview(datafeed, job, start_ms, end_ms)

    def _preview(self, datafeed: Datafeed, job: Job, start_ms: int | None, end_ms: int | None) -> list[JsonObject]:
        extractor = Extractor(datafeed, job)
        summary = job.analysis_config.summary_count_field_name
        limit = max(datafeed.scroll_size, 1)
        with self._registry.store.read() as reader:
            documents = extractor.documents(reader, start_ms, end_ms)
            rows = read_rows(reader, documents, ordered_by=extractor.time_field, limit=limit)
        hidden = {"doc_count"} - {summary}
        return [
            {name: value for name, value in row.items() if value is not None and name not in hidden} for row in rows
        ]


def _running_state(run: DatafeedRun) -> JsonObject:
    state: JsonObject = {
        "real_time_configured": run.end_ms is None,
        "real_time_running": run.real_time,
    }
    if run.search_start_ms is not None and run.search_end_ms is not None:
        state["search_interval"] = {
            "start": iso_time(run.search_start_ms),
            "start_ms": run.search_start_ms,
            "end": iso_time(run.search_end_ms),
            "end_ms": run.search_end_ms,
        }
    return state
