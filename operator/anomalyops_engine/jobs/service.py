"""The job layer as one object: what the API mounts, started and stopped with the server."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Final

from anomalyops_engine import __version__
from anomalyops_engine.config.categorization import DEFAULT_ANALYZER
from anomalyops_engine.config.job import (
    DEFAULT_CATEGORIZATION_EXAMPLES,
    DEFAULT_MEMORY_LIMIT,
    DEFAULT_SNAPSHOT_RETENTION_DAYS,
)
from anomalyops_engine.jobs.audit import wall_clock_ms
from anomalyops_engine.jobs.calendar_operations import CalendarOperations
from anomalyops_engine.jobs.category_results import CategoryReader
from anomalyops_engine.jobs.cluster_settings import ClusterSettings
from anomalyops_engine.jobs.datafeed_operations import DatafeedOperations
from anomalyops_engine.jobs.figures import JobFigures, job_figures, unwell
from anomalyops_engine.jobs.filter_operations import FilterOperations
from anomalyops_engine.jobs.forecast_operations import ForecastOperations
from anomalyops_engine.jobs.indices import ensure_engine_indices
from anomalyops_engine.jobs.job_operations import JobOperations
from anomalyops_engine.jobs.makers import Rights
from anomalyops_engine.jobs.memory_stats import memory_stats
from anomalyops_engine.jobs.nodes import means_this_node
from anomalyops_engine.jobs.posting import DataOperations
from anomalyops_engine.jobs.registry import METADATA, Registry
from anomalyops_engine.jobs.results import ResultReader
from anomalyops_engine.jobs.runtime import NODE_NAME, Runtime, Settings
from anomalyops_engine.jobs.snapshot_operations import SnapshotOperations
from anomalyops_engine.jobs.tasks import Tasks
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.store import Store

_log = logging.getLogger(__name__)

_WARM_UP_SECONDS: Final = 0.5


class JobService:
    """Jobs and datafeeds over a store.

    All methods are synchronous and thread-safe; the API calls them from worker threads.

    Attributes:
        jobs: operations on jobs.
        datafeeds: operations on datafeeds.
        forecasts: operations on forecasts.
        data: what clients send to jobs themselves.
        snapshots: operations on model snapshots, and on what is expired.
        calendars: operations on calendars.
        filters: operations on filters.
        cluster_settings: what was set through the API.
        results: reading of results.
        categories: reading of categories.
        tasks: what was asked for without waiting.
    """

    def __init__(self, store: Store, settings: Settings | None = None, rights: Rights | None = None) -> None:
        """Prepare jobs and datafeeds; they start with `start`.

        Args:
            store: where everything is kept.
            settings: what they are told.
            rights: what the makers of datafeeds may read; None where there is no authentication.
        """
        self._registry = Registry(store, rights)
        self._runtime = Runtime(self._registry, settings or Settings())
        self.tasks = Tasks()
        self.jobs = JobOperations(self._runtime)
        self.datafeeds = DatafeedOperations(self._runtime)
        self.forecasts = ForecastOperations(self._runtime)
        self.data = DataOperations(self._runtime)
        self.snapshots = SnapshotOperations(self._runtime)
        self.calendars = CalendarOperations(self._runtime)
        self.filters = FilterOperations(self._runtime)
        self.cluster_settings = ClusterSettings(self._runtime)
        self.results = ResultReader(self._registry)
        self.categories = CategoryReader(self._registry)

    def start(self) -> None:
        """Read everything from the store; what was opened is open, what was started runs on."""
        registry, runtime = self._registry, self._runtime
        registry.load()
        if registry.jobs:
            with registry.store.write() as writer:
                ensure_engine_indices(writer)
        registry.show()
        self.cluster_settings.load()
        runtime.warm_up.start()
        runtime.scheduler.start()
        self.forecasts.start()
        for entry in registry.jobs.values():
            if entry.run.state == "opening":
                runtime.watch_for_memory(entry)
        for feed in registry.datafeeds.values():
            job = registry.jobs.get(feed.job_id)
            if job is None or job.run.state != "opened":
                continue
            if feed.run.state == "starting":  # its job was opened just before the end
                with job.lock.hold():
                    runtime.begin(job, feed, replace(feed.run, state="started"))
            elif feed.run.state == "started":
                _log.info("datafeed [%s] goes on", feed.datafeed_id)
                runtime.launch(runtime.prepare(job, feed))

    def stop(self) -> None:
        """Finish the steps that run and stop working; states stay as they are, for the next start."""
        self._runtime.scheduler.stop()
        self._runtime.warm_up.wait(_WARM_UP_SECONDS)

    @property
    def rests(self) -> bool:
        """Whether nothing of it runs in this process; learners that are being compiled cannot be stopped."""
        return self._runtime.warm_up.ended

    @property
    def node_id(self) -> str:
        """The id of this node."""
        return self._runtime.node_id

    def node(self) -> JsonObject:
        """Return what is shown of this node."""
        return self._runtime.node()

    def is_meant(self, nodes: str) -> bool:
        """Return whether a list of nodes means this one."""
        return means_this_node(nodes, own=(self._runtime.node_id, NODE_NAME))

    def memory_stats(self, nodes: str) -> JsonObject:
        """Return what `GET _ml/memory/_stats` shows of the nodes that are asked for."""
        return memory_stats(self._runtime, nodes)

    def set_upgrade_mode(self, *, enabled: bool) -> None:
        """Pause (or resume) all datafeeds without changing their states."""
        with self._registry.store.write() as writer:
            writer.put_config(METADATA, "upgrade_mode", {"enabled": enabled})
        self._registry.upgrade_mode = enabled

    def info(self) -> JsonObject:
        """Return what `GET _ml/info` shows."""
        maximum = self._runtime.settings.max_model_memory
        memory = self._runtime.settings.memory
        limits: JsonObject = {
            "effective_max_model_memory_limit": min(memory, maximum or memory).render(),
            "total_ml_memory": memory.render(),
            "total_ml_processors": self._runtime.settings.workers,
        }
        if maximum is not None:
            limits["max_model_memory_limit"] = self.cluster_settings.max_model_memory
        default = min(DEFAULT_MEMORY_LIMIT, maximum or DEFAULT_MEMORY_LIMIT, memory)
        return {
            "defaults": {
                "anomaly_detectors": {
                    "categorization_analyzer": DEFAULT_ANALYZER,
                    "categorization_examples_limit": DEFAULT_CATEGORIZATION_EXAMPLES,
                    "model_memory_limit": str(default),
                    "model_snapshot_retention_days": DEFAULT_SNAPSHOT_RETENTION_DAYS,
                    "daily_model_snapshot_retention_after_days": 1,
                },
                "datafeeds": {"scroll_size": 1000},
            },
            "upgrade_mode": self._registry.upgrade_mode,
            "native_code": {"version": __version__, "build_hash": "anomalyops"},
            "limits": limits,
        }

    def running(self) -> list[JsonObject]:
        """Return what works on jobs and datafeeds now, as tasks; none in upgrade mode."""
        registry, found = self._registry, []
        jobs = [] if registry.upgrade_mode else sorted(registry.jobs.items())
        for job_id, entry in jobs:
            if entry.run.state != "opened":
                continue
            feed = registry.datafeed_of(job_id)
            found.append(self._task("job", job_id, entry.run.opened_ms))
            if feed is not None and feed.run.state == "started":
                found.append(self._task("datafeed", feed.datafeed_id, entry.run.opened_ms))
        return found

    def _task(self, kind: str, name: str, since_ms: int | None) -> JsonObject:
        task_id = self.tasks.running_id(f"{kind}-{name}")
        node, _, number = task_id.rpartition(":")
        started_ms = wall_clock_ms() if since_ms is None else since_ms
        return {
            "node": node,
            "id": int(number),
            "type": "persistent",
            "action": f"xpack/ml/{kind}[c]",
            "description": f"{kind}-{name}",
            "start_time_in_millis": started_ms,
            "running_time_in_nanos": max(wall_clock_ms() - started_ms, 0) * 1_000_000,
            "cancellable": False,
            "headers": {},
        }

    def figures(self) -> JobFigures:
        """Return the figures of all jobs and datafeeds together; from memory alone."""
        return job_figures(self._runtime)

    def unwell(self) -> dict[str, list[str]]:
        """Return the ids of jobs and datafeeds that do not do what they should, by what is wrong with them."""
        return unwell(self._runtime)

    def counts(self) -> JsonObject:
        """Return how many jobs and datafeeds there are, by state (for `_xpack/usage`-like answers)."""
        states: dict[str, int] = {}
        for entry in list(self._registry.jobs.values()):
            states[entry.run.state] = states.get(entry.run.state, 0) + 1
        return {
            "jobs": len(self._registry.jobs),
            "datafeeds": len(self._registry.datafeeds),
            "states": states,
        }
