"""Figures of all jobs and datafeeds together, for whoever watches the engine; none of them names a job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from anomalyops_engine.jobs.runtime import Runtime

JOB_STATES: Final = ("opening", "opened", "closed", "failed")
DATAFEED_STATES: Final = ("starting", "started", "stopped")
_MEMORY_STATUSES: Final = ("ok", "soft_limit", "hard_limit")


@dataclass(frozen=True, slots=True)
class JobFigures:
    """Figures of one moment; what is counted is counted since the process started.

    Attributes:
        jobs: number of jobs by state.
        datafeeds: number of datafeeds by state.
        troubled: datafeeds that run and whose latest search failed.
        memory_statuses: number of open jobs by memory status.
        model_bytes: what the models of the open jobs take.
        model_budget: bytes that all models together may take.
        buckets: buckets that were analysed.
        documents: documents that were read for them.
        results: results that were written, by type.
        upgrade_mode: whether all datafeeds are paused.
        learners_ready: whether the learners are compiled; no datafeed works before.
    """

    jobs: Mapping[str, int]
    datafeeds: Mapping[str, int]
    troubled: int
    memory_statuses: Mapping[str, int]
    model_bytes: int
    model_budget: int
    buckets: int
    documents: int
    results: Mapping[str, int]
    upgrade_mode: bool
    learners_ready: bool


def job_figures(runtime: Runtime) -> JobFigures:
    """Return the figures of now; from memory alone."""
    registry = runtime.registry
    jobs = [entry.run for entry in list(registry.jobs.values())]
    feeds = [entry.run for entry in list(registry.datafeeds.values())]
    opened = [run.model_size for run in jobs if run.state == "opened"]
    return JobFigures(
        jobs=_counted(JOB_STATES, [run.state for run in jobs]),
        datafeeds=_counted(DATAFEED_STATES, [run.state for run in feeds]),
        troubled=sum(run.state == "started" and run.trouble is not None for run in feeds),
        memory_statuses=_counted(_MEMORY_STATUSES, [str(size.get("memory_status", "ok")) for size in opened]),
        model_bytes=sum(int(size.get("model_bytes", 0)) for size in opened),
        model_budget=runtime.settings.memory.bytes,
        buckets=registry.tally.buckets,
        documents=registry.tally.documents,
        results=registry.tally.results,
        upgrade_mode=registry.upgrade_mode,
        learners_ready=runtime.warm_up.done,
    )


def unwell(runtime: Runtime) -> dict[str, list[str]]:
    """Return the ids of jobs and datafeeds that do not do what they should, by what is wrong with them."""
    jobs = sorted(runtime.registry.jobs.items())
    feeds = sorted(runtime.registry.datafeeds.items())
    return {
        "failed_jobs": [name for name, job in jobs if job.run.state == "failed"],
        "datafeeds_in_trouble": [name for name, feed in feeds if feed.run.state == "started" and feed.run.trouble],
        "hard_limit": [
            name
            for name, job in jobs
            if job.run.state == "opened" and job.run.model_size.get("memory_status") == "hard_limit"
        ],
        "waiting_for_memory": [name for name, job in jobs if job.run.state == "opening"],
    }


def _counted(names: tuple[str, ...], found: list[str]) -> dict[str, int]:
    counts = Counter(found)
    return {name: counts[name] for name in (*names, *sorted(set(counts) - set(names)))}
