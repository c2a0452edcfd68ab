"""What clients can ask of a job's data: send records (`_data`), and have what was sent worked off (`_flush`)."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Final

from anomalyops_engine.config.units import SECOND_MS
from anomalyops_engine.jobs.arrivals import Arrivals, complete_before, latency_ms, take_in
from anomalyops_engine.jobs.audit import Audit, wall_clock_ms
from anomalyops_engine.jobs.interim import interim_results, replace_interim
from anomalyops_engine.jobs.itinerary import CHECKED_BUCKETS, Itinerary
from anomalyops_engine.jobs.posted_records import PostedRecords
from anomalyops_engine.jobs.registry import DatafeedRun, JobEntry, JobRun
from anomalyops_engine.jobs.runtime import Runtime
from anomalyops_engine.jobs.stepping import Step, analyse_buckets, persist_if_due, write_step
from anomalyops_engine.jobs.waiting_records import add_segment, replace_segments, waiting_records
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.refusals import MlError, conflict, illegal_argument

_WARM_UP_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Flush:
    """What a flush is asked for. Times are epoch milliseconds.

    Attributes:
        calc_interim: write interim results of the buckets that are not complete.
        start_ms: those from here on.
        end_ms: those before here.
        advance_ms: take all buckets before here as complete.
        skip_ms: leave out all buckets before here that are not complete.
    """

    calc_interim: bool = False
    start_ms: int | None = None
    end_ms: int | None = None
    advance_ms: int | None = None
    skip_ms: int | None = None


class DataOperations:
    """The data of jobs, as `_data` and `_flush` see it. Thread-safe."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._registry = runtime.registry

    def post(
        self, job_id: str, uploaded: Sequence[JsonObject], *, size: int, reset: tuple[int, int] | None
    ) -> JsonObject:
        """Take in an upload, whole or not at all, and analyse the buckets that are complete with it.

        Args:
            job_id: the job.
            uploaded: the records.
            size: bytes of the upload.
            reset: start and end of a stretch (cut to whole buckets) whose waiting records are given up first.

        Returns:
            What was counted of the upload, as `data_counts` has it.

        Raises:
            MlError: 409 when the job is not open or a datafeed feeds it, 501 for a time format that cannot be read.
        """
        entry = self._open_job(job_id)
        with entry.lock.hold():
            self._check_open(entry)
            self._check_not_fed(entry, "post data to")
            waiting = waiting_records(self._registry, entry)
            if reset is not None:
                span_ms = entry.config.bucket_span_ms
                waiting = waiting.outside(reset[0] // span_ms * span_ms, -(-reset[1] // span_ms) * span_ms)
            arrivals = take_in(
                entry.config,
                uploaded,
                size=size,
                from_ms=entry.run.position_ms,
                latest_ms=entry.run.counts.latest_record_timestamp,
                now_ms=wall_clock_ms(),
            )
            latest_ms = _latest(entry.run.counts.latest_record_timestamp, arrivals.counts.latest_record_timestamp)
            reach_ms = None if latest_ms is None else complete_before(entry.config, latest_ms)
            before = deepcopy(entry.run.counts)
            self._work(entry, waiting, reach_ms, arrivals=arrivals, replace=reset is not None)
            buckets = entry.run.counts.buckets_since(before)
        return {**arrivals.counts.render(job_id), **buckets}

    def flush(self, job_id: str, asked: Flush) -> JsonObject:
        """Have a job work off what it was sent.

        Raises:
            MlError: 409 when the job is not open, or time is to be moved while a datafeed feeds it.
        """
        entry = self._open_job(job_id)
        with entry.lock.hold():
            self._check_open(entry)
            if asked.skip_ms is not None or asked.advance_ms is not None:
                self._check_not_fed(entry, "move the time of")
            if asked.skip_ms is not None:
                self._skip(entry, asked.skip_ms)
            if asked.advance_ms is not None:
                span_ms = entry.config.bucket_span_ms
                reach_ms = (asked.advance_ms - latency_ms(entry.config)) // span_ms * span_ms
                self._work(entry, waiting_records(self._registry, entry), reach_ms)
            if asked.calc_interim:
                self._interim(entry, asked.start_ms, asked.end_ms)
            position_ms = entry.run.position_ms
        return {"flushed": True, **({} if position_ms is None else {"last_finalized_bucket_end": position_ms})}

    # --- states ---

    def _open_job(self, job_id: str) -> JobEntry:
        """Return an open job, once the learners can work.

        Raises:
            MlError: 409, also for a job that does not exist: what is looked for is its task.
        """
        entry = self._registry.jobs.get(job_id)
        if entry is None:
            raise _not_open(job_id)
        self._check_open(entry)
        self._runtime.warm_up.wait(_WARM_UP_SECONDS)
        return entry

    def _check_open(self, entry: JobEntry) -> None:
        if entry.run.state != "opened" or self._registry.upgrade_mode:
            raise _not_open(entry.job_id)

    def _check_not_fed(self, entry: JobEntry, action: str) -> None:
        feed = self._registry.datafeed_of(entry.job_id)
        if feed is not None and feed.run.state != "stopped":
            raise conflict(
                f"Cannot {action} job [{entry.job_id}] while datafeed [{feed.datafeed_id}] feeds it; "
                "stop the datafeed first"
            )

    # --- work ---

    def _work(
        self,
        entry: JobEntry,
        waiting: PostedRecords,
        reach_ms: int | None,
        *,
        arrivals: Arrivals | None = None,
        replace: bool = False,
    ) -> None:
        """Analyse all buckets before `reach_ms`; what was done and what waits on is committed together.

        Args:
            entry: the job.
            waiting: the records that wait.
            reach_ms: end of the last complete bucket; None before any data.
            arrivals: further records, just sent.
            replace: some of those that waited were given up.
        """
        registry, audit, run = self._registry, self._runtime.audit(), deepcopy(entry.run)
        before = deepcopy(run.counts)
        records = waiting if arrivals is None else waiting.joined(arrivals.records)
        try:
            steps = [] if reach_ms is None else self._analysed(entry, run, records, reach_ms, audit)
            run.counts.take_records_of(before)  # what counts is what was sent, when it was
            if arrivals is not None:
                run.counts.add(arrivals.counts)
            if reach_ms is not None:
                run.position_ms = max(reach_ms, run.position_ms or reach_ms)
            left = records if run.position_ms is None else records.since(run.position_ms)
            with registry.store.write() as writer:
                for step in steps:
                    write_step(writer, registry, entry, run, step)
                if replace or len(left) != len(records):
                    replace_segments(writer, entry.job_id, run, left)
                elif arrivals is not None:
                    add_segment(writer, entry.job_id, run, arrivals.records)
                registry.save_job_run(writer, entry.job_id, run)
                audit.write(writer)
        except BaseException:
            # Model and records in memory may be ahead of the store: the next request restores what is committed.
            entry.analysis = entry.waiting = None
            raise
        for step in steps:
            registry.tally.add(step.results)
        entry.run, entry.waiting = run, left
        persist_if_due(registry, entry, self._runtime.audit())

    def _analysed(
        self, entry: JobEntry, run: JobRun, records: PostedRecords, reach_ms: int, audit: Audit
    ) -> list[Step]:
        """Analyse all buckets before `reach_ms` on the way that a datafeed would take, and bring the run up to date."""
        steps: list[Step] = []
        itinerary = Itinerary(self._registry.store, records, span_ms=entry.config.bucket_span_ms, delay_ms=0)
        while True:
            leg = itinerary.next_leg(DatafeedRun(), run, now_ms=reach_ms, buckets=CHECKED_BUCKETS)
            if leg.start_ms is None or leg.end_ms == leg.start_ms:
                return steps
            leg.note_gap(audit, entry.job_id, entry.config.bucket_span_ms)
            steps.append(
                analyse_buckets(
                    self._registry,
                    entry,
                    run,
                    records,
                    start_ms=leg.start_ms,
                    end_ms=leg.end_ms,
                    first_ms=leg.start_ms,
                    audit=audit,
                )
            )

    def _skip(self, entry: JobEntry, skip_ms: int) -> None:
        """Go on behind the bucket of a time; records that wait for a bucket before are given up."""
        span_ms, run = entry.config.bucket_span_ms, deepcopy(entry.run)
        end_ms = -(-skip_ms // span_ms) * span_ms
        if run.position_ms is not None and end_ms <= run.position_ms:
            return
        run.position_ms = end_ms
        left = waiting_records(self._registry, entry).since(end_ms)
        with self._registry.store.write() as writer:
            replace_segments(writer, entry.job_id, run, left)
            self._registry.save_job_run(writer, entry.job_id, run)
        entry.run, entry.waiting = run, left

    def _interim(self, entry: JobEntry, start_ms: int | None, end_ms: int | None) -> None:
        """Write interim results of the buckets that have records and are not complete, within [start_ms, end_ms)."""
        running = next((one for one in list(self._runtime.running.values()) if one.job is entry), None)
        if running is not None:
            running.write_interim(wall_clock_ms())
            return
        waiting, position_ms = waiting_records(self._registry, entry), entry.run.position_ms
        if position_ms is None or not len(waiting):
            return
        span_ms = entry.config.bucket_span_ms
        latest_ms = entry.run.counts.latest_record_timestamp or position_ms
        last_ms = max(latest_ms // span_ms * span_ms + span_ms, position_ms + span_ms)
        results = interim_results(
            self._registry,
            entry,
            waiting,
            start_ms=position_ms,
            end_ms=last_ms,
            first_ms=position_ms,
            reach_ms=latest_ms + 1,
        )
        results.keep_between(start_ms, end_ms, span_ms=span_ms)
        replace_interim(self._registry, entry, results)


def flush_of(
    *,
    calc_interim: bool,
    start: tuple[str, int] | None,
    end: tuple[str, int] | None,
    advance_ms: int | None,
    skip_ms: int | None,
) -> Flush:
    """Return what a flush is asked for, from its parameters; start and end as given and as epoch milliseconds.

    Raises:
        MlError: 400 when they do not go together.
    """
    for name, given in (("start", start), ("end", end)):
        if given is not None and not calc_interim:
            raise _bad_flush(f"unexpected '{name}'.")
    if end is not None and start is None:
        raise _bad_flush("'start' has not been specified.")
    if start is None or end is None:
        return Flush(calc_interim, start[1] if start else None, None, advance_ms, skip_ms)
    if end[1] < start[1]:
        raise illegal_argument(f"Invalid time range: end time '{end[0]}' is earlier than start time '{start[0]}'.")
    # An end at the start means that bucket (`TimeRange` of Elasticsearch).
    return Flush(calc_interim, start[1], max(end[1], start[1] + SECOND_MS), advance_ms, skip_ms)


def _bad_flush(reason: str) -> MlError:
    return illegal_argument(f"Invalid flush parameters: {reason}")


def _not_open(job_id: str) -> MlError:
    return conflict(f"Cannot perform requested action because job [{job_id}] is not open")


def _latest(*times: int | None) -> int | None:
    return max((time for time in times if time is not None), default=None)
