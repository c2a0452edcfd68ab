"""A step of a job: buckets are analysed, and what came of them is committed together.

Results, what the model learnt from, counts and position are written in one transaction, so that a kill at any moment
loses at most what the next start repeats identically.
"""

from __future__ import annotations

import time
from copy import deepcopy
from dataclasses import dataclass
from typing import Protocol

from anomalyops_engine.config.units import SECOND_MS
from anomalyops_engine.jobs.audit import Audit, wall_clock_ms
from anomalyops_engine.jobs.interim import erase_interim
from anomalyops_engine.jobs.journal import load_analysis, write_checkpoint, write_entry
from anomalyops_engine.jobs.model_life import account_step, store_snapshot, write_counts, write_results
from anomalyops_engine.jobs.registry import JobEntry, JobRun, Registry
from anomalyops_engine.query import Documents
from anomalyops_engine.scoring import Results
from anomalyops_engine.store import Reader, Writer


class Source(Protocol):
    """Where the documents of a job come from. Times are epoch milliseconds, intervals are [start, end)."""

    def documents(self, reader: Reader, start_ms: int | None, end_ms: int | None) -> Documents:
        """Return what the analysis reads."""


@dataclass(frozen=True, slots=True)
class Step:
    """Buckets that were analysed, and not committed yet.

    Attributes:
        results: what was found.
        inputs: what the model learnt from, packed.
        elapsed_ms: how long it took.
        entry: number of the inputs in the model's journal.
        over_interim: whether interim results are there, which these take the place of.
    """

    results: Results
    inputs: bytes
    elapsed_ms: float
    entry: int
    over_interim: bool


def analyse_buckets(
    registry: Registry,
    job: JobEntry,
    run: JobRun,
    source: Source,
    *,
    start_ms: int,
    end_ms: int,
    first_ms: int,
    audit: Audit,
) -> Step:
    """Analyse the buckets of [start_ms, end_ms).

    The model in memory is ahead of the store from here on until the step is committed; who does not commit it forgets
    the model (`job.analysis = None`).

    Args:
        registry: where the job is kept.
        job: the job.
        run: a copy of the job's run, brought up to date with the step; the next step goes on from it, also where this
            one is not committed yet.
        source: the documents.
        start_ms: start of the first bucket.
        end_ms: end of the last bucket.
        first_ms: time of the first document that counts.
        audit: where changes of the memory status are noted.

    Raises:
        SnapshotError: the model cannot be restored.
    """
    analysis = load_analysis(registry, job)
    started = time.perf_counter()
    with registry.store.read() as reader:
        documents = source.documents(reader, first_ms, end_ms)
        schedule = registry.calendars.schedule(job.config)
        results = analysis.analyse(reader.connection, documents, start_ms=start_ms, end_ms=end_ms, schedule=schedule)
    elapsed_ms = (time.perf_counter() - started) * SECOND_MS
    run.position_ms = end_ms
    account_step(job, run, results, elapsed_ms=elapsed_ms, audit=audit)
    inputs, over_interim = results.inputs.pack(), run.has_interim
    run.has_interim = False
    return Step(results, inputs, elapsed_ms, run.journal.count(len(inputs), now_ms=wall_clock_ms()), over_interim)


def write_step(writer: Writer, registry: Registry, job: JobEntry, run: JobRun, step: Step) -> None:
    """Write a step: its results in place of interim ones, what was learnt from, and the job's run.

    The run is only read: the next step may be on its way from a copy of it.
    """
    if step.over_interim:
        erase_interim(writer, job.config)
    write_results(writer, job, step.results, elapsed_ms=step.elapsed_ms)
    if run.model_size.get("memory_status") != job.run.model_size.get("memory_status"):
        write_counts(writer, job.config, run)
    write_entry(writer, job.job_id, step.entry, step.inputs)
    registry.save_job_run(writer, job.job_id, run)


def persist_if_due(registry: Registry, job: JobEntry, audit: Audit) -> None:
    """Write a checkpoint of the model, or a snapshot, when it is time; the model is packed before others wait."""
    now_ms = wall_clock_ms()
    snapshot = _is_snapshot_due(job, now_ms)
    if job.analysis is None or (not snapshot and not job.run.journal.is_due(now_ms)):
        return
    state, run, config = job.analysis.snapshot(), deepcopy(job.run), job.config
    with registry.store.write() as writer:
        write_checkpoint(writer, job.job_id, run, state)
        if snapshot:
            config = store_snapshot(writer, job, run, audit, state)
        registry.save_job(writer, config, run)
        audit.write(writer)
    job.run, job.config = run, config


def _is_snapshot_due(job: JobEntry, now_ms: int) -> bool:
    run = job.run
    since_ms = run.snapshot_ms if run.snapshot_ms is not None else run.opened_ms
    return since_ms is not None and now_ms - since_ms >= job.config.persist_interval_ms
