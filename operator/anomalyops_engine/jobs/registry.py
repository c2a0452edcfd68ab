"""All jobs and datafeeds in memory, mirrored to the store.

Reading (`_stats` of a thousand jobs) touches memory only. Whoever changes an entry holds its job's lock;
whoever adds or removes entries holds the registry's lock too. The order of locks is: job, registry, store.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Final

from anomalyops_engine.config import Datafeed, Job
from anomalyops_engine.config.filters import Filter
from anomalyops_engine.config.identifiers import expand
from anomalyops_engine.jobs.calendars import Calendars
from anomalyops_engine.jobs.configurations import (
    datafeed_document_id,
    hide,
    job_document_id,
    show_all,
    show_datafeed,
    show_job,
)
from anomalyops_engine.jobs.counts import DataCounts, JobTiming, SearchTiming
from anomalyops_engine.jobs.forecast_request import FORECAST, ForecastRequest
from anomalyops_engine.jobs.journal import JournalRun
from anomalyops_engine.jobs.makers import Rights, shown_maker
from anomalyops_engine.jobs.posted_records import PostedRecords
from anomalyops_engine.jobs.tally import Tally
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.refusals import missing_datafeed, missing_filter, missing_job
from anomalyops_engine.scoring import Filters, ItemSet, JobAnalysis
from anomalyops_engine.store import Store, Visibility, Writer

JOB_CONFIG: Final = "anomaly_detector"
JOB_RUN: Final = "anomaly_detector_run"
DATAFEED_CONFIG: Final = "datafeed"
DATAFEED_RUN: Final = "datafeed_run"
_DATAFEED_MAKER: Final = "datafeed_maker"
METADATA: Final = "ml_metadata"
FILTER: Final = "filter"


@dataclass(slots=True, kw_only=True)
class JobRun:
    """What a job is doing and has done; stored with every step.

    Attributes:
        state: closed, opened, failed, or opening while there is no memory for it; what else lies between them happens
            under the lock of the job.
        opened_ms: when it was opened, epoch milliseconds.
        position_ms: start of the first bucket that is not analysed yet; None before the first record.
        model_size: the latest `model_size_stats` of the analysis; empty before the first.
        unusable: by field: values that should have been numbers and were not.
        journal: how far the stored model is.
        snapshot_ms: when the latest model snapshot was stored.
        failure: why the job failed.
        has_interim: whether interim results are there.
        posted_from: posted records wait in the segments after this number.
        posted_to: number of the last segment.
    """

    state: str = "closed"
    opened_ms: int | None = None
    position_ms: int | None = None
    counts: DataCounts = field(default_factory=DataCounts)
    timing: JobTiming = field(default_factory=JobTiming)
    model_size: JsonObject = field(default_factory=dict)
    unusable: dict[str, int] = field(default_factory=dict)
    journal: JournalRun = field(default_factory=JournalRun)
    snapshot_ms: int | None = None
    failure: str | None = None
    has_interim: bool = False
    posted_from: int = 0
    posted_to: int = 0

    def store(self) -> JsonObject:
        """Return the stored form."""
        return asdict(self)

    @classmethod
    def load(cls, values: JsonObject) -> JobRun:
        """Return a run from its stored form."""
        # A run that an older engine stored may say what blocks it; nothing did.
        values = {key: value for key, value in values.items() if key != "blocked"}
        return cls(
            **{
                **values,
                "counts": DataCounts.load(values["counts"]),
                "timing": JobTiming.load(values["timing"]),
                # A run that was stored before there was a journal has none.
                "journal": JournalRun(**values.get("journal", {})),
            }
        )


@dataclass(slots=True, kw_only=True)
class DatafeedRun:
    """What a datafeed is doing; stored with every step.

    Attributes:
        state: stopped, started, or starting while its job is opening.
        start_ms: first time wanted (inclusive), or None for the earliest.
        end_ms: last time wanted (exclusive), or None for real time.
        looks_back: whether there was something to look back over.
        real_time: whether the lookback is over.
        found_data: whether the run has found any documents.
        empty_searches: searches in a row that found nothing.
        trouble: the error that the latest search met, if it failed.
        failure: why the run ended, if an error ended it; kept until the next start.
        checked_ms: when delayed data was looked for last.
        missing: documents known to have been missed, by bucket start (as text: it is stored as JSON).
        search_start_ms: start of the latest search.
        search_end_ms: end of the latest search.
    """

    state: str = "stopped"
    start_ms: int | None = None
    end_ms: int | None = None
    looks_back: bool = False
    real_time: bool = False
    found_data: bool = False
    empty_searches: int = 0
    trouble: str | None = None
    failure: str | None = None
    checked_ms: int | None = None
    missing: dict[str, int] = field(default_factory=dict)
    search_start_ms: int | None = None
    search_end_ms: int | None = None
    timing: SearchTiming = field(default_factory=SearchTiming)

    def store(self) -> JsonObject:
        """Return the stored form."""
        return asdict(self)

    @classmethod
    def load(cls, values: JsonObject) -> DatafeedRun:
        """Return a run from its stored form."""
        return cls(**{**values, "timing": SearchTiming.load(values["timing"])})


class JobLock:
    """A re-entrant lock that a long row of steps gives up for others who wait."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._count = threading.Lock()
        self._waiting = 0

    @property
    def wanted(self) -> bool:
        """Whether a request waits for the lock: a datafeed's next step lets it go first."""
        return self._waiting > 0

    @contextmanager
    def hold(self, timeout_s: float | None = None) -> Iterator[bool]:
        """Hold the lock; yields False (without holding it) when `timeout_s` passed first."""
        with self._count:
            self._waiting += 1
        try:
            held = self._lock.acquire(timeout=-1 if timeout_s is None else max(timeout_s, 0))
        finally:
            with self._count:
                self._waiting -= 1
        try:
            yield held
        finally:
            if held:
                self._lock.release()


@dataclass(slots=True, eq=False)
class JobEntry:
    """One job.

    Attributes:
        analysis: its model; None until it is needed.
        waiting: posted records whose buckets are not complete; None until they are needed.
    """

    config: Job
    run: JobRun
    lock: JobLock = field(default_factory=JobLock)
    analysis: JobAnalysis | None = None
    waiting: PostedRecords | None = None
    deleted: bool = False
    forecasts: dict[str, ForecastRequest] = field(default_factory=dict)

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self.config.job_id


@dataclass(slots=True, eq=False)
class DatafeedEntry:
    """One datafeed.

    Attributes:
        config: its configuration.
        run: what it is doing.
        maker: who made or changed it last; None where that is not known, and it may read everything.
    """

    config: Datafeed
    run: DatafeedRun
    maker: JsonObject | None = None

    @property
    def datafeed_id(self) -> str:
        """The datafeed's id."""
        return self.config.datafeed_id

    @property
    def job_id(self) -> str:
        """The id of its job."""
        return self.config.job_id

    def show(self, *, export: bool = False) -> JsonObject:
        """Return the configuration as clients see it; for an export, without what cannot be sent back."""
        return self.config.export() if export else {**self.config.render(), **shown_maker(self.maker)}


class Registry:
    """The entries by id, and their way to the store."""

    def __init__(self, store: Store, rights: Rights | None = None) -> None:
        """Make an empty registry.

        Args:
            store: where the entries are kept.
            rights: what the makers of datafeeds may read; None where there is no authentication.
        """
        self.store = store
        self._rights = rights
        self.lock = threading.RLock()
        self.jobs: dict[str, JobEntry] = {}
        self.datafeeds: dict[str, DatafeedEntry] = {}
        self.upgrade_mode = False
        self.tally = Tally()
        # Both are replaced, never changed, under the registry's lock; whoever reads needs none.
        self.calendars = Calendars({}, {})
        self.filters: Mapping[str, Filter] = {}

    def load(self) -> None:
        """Read every entry from the store."""
        with self.store.read() as reader:
            runs = reader.configs(JOB_RUN)
            feed_runs = reader.configs(DATAFEED_RUN)
            makers = reader.configs(_DATAFEED_MAKER)
            self.jobs = {}
            for job_id, stored in reader.configs(JOB_CONFIG).items():
                run = JobRun.load(runs[job_id]) if job_id in runs else JobRun()
                self.jobs[job_id] = JobEntry(Job.load(stored), run)
            self.datafeeds = {}
            for feed_id, stored in reader.configs(DATAFEED_CONFIG).items():
                feed_run = DatafeedRun.load(feed_runs[feed_id]) if feed_id in feed_runs else DatafeedRun()
                self.datafeeds[feed_id] = DatafeedEntry(Datafeed.load(stored), feed_run, makers.get(feed_id))
            for stored in reader.configs(FORECAST).values():
                request = ForecastRequest(**stored)
                if request.job_id in self.jobs:
                    self.jobs[request.job_id].forecasts[request.forecast_id] = request
            self.calendars = Calendars.load(reader)
            self.filters = {name: Filter.load(stored) for name, stored in reader.configs(FILTER).items()}
            metadata = reader.config(METADATA, "upgrade_mode") or {}
            self.upgrade_mode = bool(metadata.get("enabled", False))

    def show(self) -> None:
        """Let `.ml-config` show the jobs and datafeeds that are there."""
        with self.store.write() as writer:
            show_all(
                writer,
                {name: entry.config for name, entry in self.jobs.items()},
                {name: entry.config for name, entry in self.datafeeds.items()},
            )

    def job(self, job_id: str) -> JobEntry:
        """Return a job.

        Raises:
            MlError: 404.
        """
        entry = self.jobs.get(job_id)
        if entry is None:
            raise missing_job(job_id)
        return entry

    def datafeed(self, datafeed_id: str) -> DatafeedEntry:
        """Return a datafeed.

        Raises:
            MlError: 404.
        """
        entry = self.datafeeds.get(datafeed_id)
        if entry is None:
            raise missing_datafeed(datafeed_id)
        return entry

    def filters_of(self, job: Job) -> Filters:
        """Return the filters that a job's rules refer to, as far as they exist."""
        present = self.filters
        return {name: ItemSet(present[name].items) for name in job.filter_ids if name in present}

    def check_filters(self, job: Job) -> None:
        """Raise 404 for a filter that a job's rules refer to and that is not there."""
        for name in sorted(job.filter_ids):
            if name not in self.filters:
                raise missing_filter(name)

    def datafeed_of(self, job_id: str) -> DatafeedEntry | None:
        """Return the datafeed of a job, if it has one."""
        return next((feed for feed in list(self.datafeeds.values()) if feed.job_id == job_id), None)

    def datafeeds_by_job(self) -> dict[str, DatafeedEntry]:
        """Return every datafeed by the id of its job."""
        return {feed.job_id: feed for feed in list(self.datafeeds.values())}

    def groups(self) -> dict[str, list[str]]:
        """Return the members of every group."""
        members: dict[str, list[str]] = {}
        for entry in list(self.jobs.values()):
            for group in entry.config.groups:
                members.setdefault(group, []).append(entry.job_id)
        return members

    def find_jobs(self, expression: str, *, allow_no_match: bool) -> list[JobEntry]:
        """Return the jobs that an expression names (ids, lists, wildcards, groups, `_all`).

        Raises:
            MlError: 404 for a concrete id that is missing, or any part that names nothing when not allowed.
        """
        known = dict(self.jobs)
        found = expand(expression, known, groups=self.groups(), missing=missing_job, allow_no_match=allow_no_match)
        return [known[job_id] for job_id in found if job_id in known]

    def find_datafeeds(self, expression: str, *, allow_no_match: bool) -> list[DatafeedEntry]:
        """Return the datafeeds that an expression names (ids, lists, wildcards, `_all`).

        Raises:
            MlError: 404, like `find_jobs`.
        """
        known = dict(self.datafeeds)
        found = expand(expression, known, missing=missing_datafeed, allow_no_match=allow_no_match)
        return [known[feed_id] for feed_id in found if feed_id in known]

    def save_job(self, writer: Writer, config: Job, run: JobRun) -> None:
        """Write a job's configuration and run."""
        writer.put_config(JOB_CONFIG, config.job_id, config.render())
        show_job(writer, config)
        self.save_job_run(writer, config.job_id, run)

    def erase_job(self, writer: Writer, job_id: str) -> None:
        """Delete the configuration and the run of a job."""
        for kind in (JOB_CONFIG, JOB_RUN):
            writer.delete_config(kind, job_id)
        hide(writer, job_document_id(job_id))

    def save_job_run(self, writer: Writer, job_id: str, run: JobRun) -> None:
        """Write a job's run alone: what every step changes."""
        writer.put_config(JOB_RUN, job_id, run.store())

    def visibility_of(self, feed: DatafeedEntry) -> Visibility | None:
        """Return what a datafeed may read now; None for everything."""
        if feed.maker is None or self._rights is None:
            return None
        return self._rights(feed.maker)

    def save_datafeed(self, writer: Writer, config: Datafeed, run: DatafeedRun, maker: JsonObject | None) -> None:
        """Write a datafeed's configuration, who made it, and its run."""
        writer.put_config(DATAFEED_CONFIG, config.datafeed_id, config.render())
        show_datafeed(writer, config)
        if maker is None:
            writer.delete_config(_DATAFEED_MAKER, config.datafeed_id)
        else:
            writer.put_config(_DATAFEED_MAKER, config.datafeed_id, maker)
        self.save_datafeed_run(writer, config.datafeed_id, run)

    def erase_datafeed(self, writer: Writer, datafeed_id: str) -> None:
        """Delete what is kept of a datafeed."""
        for kind in (DATAFEED_CONFIG, DATAFEED_RUN, _DATAFEED_MAKER):
            writer.delete_config(kind, datafeed_id)
        hide(writer, datafeed_document_id(datafeed_id))

    def save_datafeed_run(self, writer: Writer, datafeed_id: str, run: DatafeedRun) -> None:
        """Write a datafeed's run alone: what every step changes."""
        writer.put_config(DATAFEED_RUN, datafeed_id, run.store())
