"""What runs in this process: the datafeeds in work, and how a job or a datafeed is brought to rest."""

from __future__ import annotations

import logging
import os
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Final

from anomalyops_engine.config import Job, MemorySize
from anomalyops_engine.jobs.arrivals import no_records
from anomalyops_engine.jobs.audit import Audit, wall_clock_ms
from anomalyops_engine.jobs.capacity import RETRY_S, shortage
from anomalyops_engine.jobs.feed import RunningDatafeed
from anomalyops_engine.jobs.journal import current_state, load_analysis, write_checkpoint
from anomalyops_engine.jobs.machine import machine_memory, usable_memory
from anomalyops_engine.jobs.model_life import store_snapshot, write_counts
from anomalyops_engine.jobs.registry import DatafeedEntry, DatafeedRun, JobEntry, JobRun, Registry
from anomalyops_engine.jobs.scheduler import Scheduler
from anomalyops_engine.jobs.waiting_records import replace_segments, waiting_records
from anomalyops_engine.jobs.warm_up import WarmUp
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.node import NODE_ID
from anomalyops_engine.query.limits import USUAL, Limits
from anomalyops_engine.refusals import MlError, server_error
from anomalyops_engine.scoring import SnapshotError, UnsupportedAnalysis
from anomalyops_engine.store import Writer

_log = logging.getLogger(__name__)

ASSIGNMENT: Final = "cluster.persistent_tasks.allocation.enable"
NODE_NAME: Final = "anomalyops-engine"
MAX_BODY_BYTES: Final = 100 * 2**20


@dataclass(frozen=True, slots=True)
class Settings:
    """What the engine is told at start.

    Attributes:
        max_model_memory: the largest `model_memory_limit` that is accepted; None for any.
        memory: what all models together may use.
        workers: threads that run datafeeds.
        assigning: whether jobs are opened and datafeeds started; what runs is not touched.
        limits: what searches may take where the API says nothing else.
        body_bytes: the largest body of a request (`http.max_content_length`).
    """

    max_model_memory: MemorySize | None = None
    memory: MemorySize = field(default_factory=usable_memory)
    workers: int = field(default_factory=lambda: max(2, os.cpu_count() or 1))
    assigning: bool = True
    limits: Limits = USUAL
    body_bytes: int = MAX_BODY_BYTES


class Runtime:
    """The registry, the workers, and the running datafeeds by id. Methods that say so need the job's lock."""

    def __init__(self, registry: Registry, settings: Settings) -> None:
        self.registry = registry
        self.settings = settings
        self.scheduler = Scheduler(settings.workers)
        self.warm_up = WarmUp()
        self.node_id = NODE_ID
        self.running: dict[str, RunningDatafeed] = {}

    def node(self) -> JsonObject:
        """Return the `node` object of `_stats`."""
        return {
            "id": self.node_id,
            "name": NODE_NAME,
            "ephemeral_id": self.node_id,
            "transport_address": "127.0.0.1:9300",
            "attributes": {"ml.machine_memory": str(machine_memory())},
        }

    def audit(self) -> Audit:
        """Return an empty audit."""
        return Audit(NODE_NAME)

    def prepare(self, job: JobEntry, feed: DatafeedEntry) -> RunningDatafeed:
        """Return a run of a started datafeed, not yet scheduled."""
        return RunningDatafeed(
            self.registry, job, feed, node=NODE_NAME, ready=lambda: self.warm_up.done, on_end=self.finish
        )

    def launch(self, running: RunningDatafeed) -> None:
        """Put a run to work."""
        self.running[running.feed.datafeed_id] = running
        self.scheduler.submit(running.step)

    def begin(self, job: JobEntry, feed: DatafeedEntry, run: DatafeedRun) -> None:
        """Start a datafeed of an open job (needs the job's lock)."""
        running, job_run = self.prepare(job, feed), deepcopy(job.run)
        running.announce(run)
        waiting = waiting_records(self.registry, job)
        if len(waiting):
            running.audit.note(
                job.job_id, f"{len(waiting)} posted records of buckets that are not complete are left out", "warning"
            )
        if job_run.position_ms is None and run.start_ms is None:
            with self.registry.store.read() as reader:
                job_run.counts.invalid_date_count += running.note_unreadable_times(reader)
        with self.registry.store.write() as writer:
            replace_segments(writer, job.job_id, job_run, no_records(job.config))
            self.registry.save_job_run(writer, job.job_id, job_run)
            self.registry.save_datafeed_run(writer, feed.datafeed_id, run)
            running.audit.write(writer)
        job.run, feed.run, job.waiting = job_run, run, None
        self.launch(running)

    def shortage(self, job: JobEntry) -> str | None:
        """Return why there is no memory for a job, None when there is."""
        return shortage(job, list(self.registry.jobs.values()), self.settings.memory)

    def bring_up(self, job: JobEntry) -> None:
        """Bring the model of a job into memory and open it (needs the job's lock).

        Raises:
            MlError: 500 when the model cannot be restored; the job has failed then.
        """
        self._restore(job)
        run = deepcopy(job.run)
        run.state, run.opened_ms = "opened", wall_clock_ms()
        config = replace(job.config, finished_time=None)
        with self.registry.store.write() as writer:
            self.registry.save_job(writer, config, run)
        job.config, job.run = config, run

    def wait_for_memory(self, job: JobEntry, explanation: str) -> None:
        """Let a job be `opening` until there is memory for it (needs the job's lock)."""
        audit, run = self.audit(), deepcopy(job.run)
        run.state = "opening"
        audit.note(job.job_id, explanation, "warning")
        with self.registry.store.write() as writer:
            self.registry.save_job_run(writer, job.job_id, run)
            audit.write(writer)
        job.run = run
        self.watch_for_memory(job)

    def watch_for_memory(self, job: JobEntry) -> None:
        """Open a job that waits, and start its datafeed if that waits too, as soon as there is memory for it."""
        self.scheduler.submit(lambda: self._open_if_there_is_memory(job), RETRY_S)

    def _open_if_there_is_memory(self, job: JobEntry) -> float | None:
        with job.lock.hold():
            if job.run.state != "opening" or self.registry.jobs.get(job.job_id) is not job:
                return None
            if self.registry.upgrade_mode or self.shortage(job) is not None:
                return RETRY_S
            try:
                self.bring_up(job)
            except MlError as error:
                _log.warning("job [%s] could not be opened: %s", job.job_id, error.root_reason())
                return None
            feed = self.registry.datafeed_of(job.job_id)
            if feed is not None and feed.run.state == "starting":
                self.begin(job, feed, replace(feed.run, state="started"))
        return None

    def _restore(self, job: JobEntry) -> None:
        try:
            load_analysis(self.registry, job)
        except UnsupportedAnalysis:
            raise
        except Exception as error:
            reason = str(error) or type(error).__name__
            self.rest(job, None, close=True, failure=reason)
            raise server_error(
                f"Unexpected job state [failed] with reason [{reason}] while waiting for job to be opened"
            ) from error

    def finish(self, running: RunningDatafeed, failure: str | None) -> None:
        """Stop a datafeed that ended by itself and close its job, or mark it failed (needs the job's lock)."""
        self.rest(running.job, running.feed, close=True, failure=failure)

    def rest(
        self,
        job: JobEntry,
        feed: DatafeedEntry | None,
        *,
        close: bool,
        forced: bool = False,
        failure: str | None = None,
    ) -> None:
        """Stop a datafeed and, if asked, close its job, in one transaction (needs the job's lock).

        Args:
            job: the job.
            feed: its datafeed, if it has one; a stopped one is left alone.
            close: whether to close the job too.
            forced: close without storing a snapshot, and isolate the datafeed.
            failure: the reason why the job failed: it ends as `failed`, not `closed`.
        """
        running = self.running.pop(feed.datafeed_id, None) if feed is not None else None
        audit = running.audit if running is not None else self.audit()
        if running is not None:
            running.cancelled = True
        feed_run = self._stopped(job, feed, audit, forced=forced and close) if feed is not None else None
        state = None
        if close and not forced and failure is None and job.run.state == "opened":
            try:
                state = current_state(self.registry, job)
            except SnapshotError as error:
                failure = str(error)
        with self.registry.store.write() as writer:
            config, run = job.config, job.run
            if close:
                config, run = self._closed(writer, job, audit, state, forced=forced, failure=failure)
                self.registry.save_job(writer, config, run)
            if feed is not None and feed_run is not None:
                self.registry.save_datafeed_run(writer, feed.datafeed_id, feed_run)
            audit.write(writer)
        job.config, job.run = config, run
        if close:
            job.analysis = job.waiting = None
        if feed is not None and feed_run is not None:
            feed.run = feed_run

    def _stopped(self, job: JobEntry, feed: DatafeedEntry, audit: Audit, *, forced: bool) -> DatafeedRun | None:
        if feed.run.state == "stopped":
            return None
        audit.note(job.job_id, "Datafeed isolated" if forced else "Datafeed stopped")
        stopped = deepcopy(feed.run)
        stopped.state = "stopped"
        stopped.trouble = None
        return stopped

    def _closed(
        self,
        writer: Writer,
        job: JobEntry,
        audit: Audit,
        state: bytes | None,
        *,
        forced: bool,
        failure: str | None,
    ) -> tuple[Job, JobRun]:
        run = deepcopy(job.run)
        run.state, run.opened_ms, run.failure = "closed", None, None
        if failure is not None:
            run.state, run.failure = "failed", failure
            audit.note(job.job_id, f"Job failed: {failure}", "error")
            return job.config, run
        audit.note(job.job_id, "Job is closing (forced)" if forced else "Job is closing")
        if state is not None and run.journal.pending:
            write_checkpoint(writer, job.job_id, run, state)
        config = job.config if forced else store_snapshot(writer, job, run, audit, state)
        write_counts(writer, config, run)
        return replace(config, finished_time=wall_clock_ms()), run
