"""The numbers that a look at a server shows of each job and datafeed, for metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from anomalyops.elastic import LatestScores

Stats = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFigures:
    """The numbers of a job.

    Attributes:
        opened: Whether it is open.
        model_bytes: What its model uses.
        limit_bytes: What its model may use; None where the server does not say.
        records: Records that it has analysed.
        invalid_dates: Records refused for their time.
        out_of_order: Records refused because they came too late.
        missing_fields: Fields that records lacked.
        buckets: Buckets finished.
        empty_buckets: Of these, the ones without a record.
        latest_record: Time of the latest record, in seconds since the epoch; None without a record.
    """

    opened: bool
    model_bytes: int
    limit_bytes: int | None
    records: int
    invalid_dates: int
    out_of_order: int
    missing_fields: int
    buckets: int
    empty_buckets: int
    latest_record: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatafeedFigures:
    """The numbers of a datafeed.

    Attributes:
        started: Whether it is started.
        searches: Searches that it has made.
        search_seconds: How long they took together.
    """

    started: bool
    searches: int
    search_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The numbers of a server's jobs and datafeeds by id.

    Attributes:
        jobs: Of jobs.
        datafeeds: Of datafeeds.
        scores: How anomalous the latest finished bucket of each job is; without jobs that have no recent result.
        scores_problem: Why the scores cannot be read; empty when they can, or when nobody asked for them.
    """

    jobs: Mapping[str, JobFigures] = field(default_factory=dict)
    datafeeds: Mapping[str, DatafeedFigures] = field(default_factory=dict)
    scores: Mapping[str, LatestScores] = field(default_factory=dict)
    scores_problem: str = ""


def job_figures(stats: Stats) -> JobFigures:
    """The numbers of an item of `GET _ml/anomaly_detectors/_stats`."""
    counts, memory = stats.get("data_counts", {}), stats.get("model_size_stats", {})
    limit, latest = memory.get("model_bytes_memory_limit"), counts.get("latest_record_timestamp")
    return JobFigures(
        opened=stats.get("state") == "opened",
        model_bytes=int(memory.get("model_bytes", 0)),
        limit_bytes=None if limit is None else int(limit),
        records=int(counts.get("processed_record_count", 0)),
        invalid_dates=int(counts.get("invalid_date_count", 0)),
        out_of_order=int(counts.get("out_of_order_timestamp_count", 0)),
        missing_fields=int(counts.get("missing_field_count", 0)),
        buckets=int(counts.get("bucket_count", 0)),
        empty_buckets=int(counts.get("empty_bucket_count", 0)),
        latest_record=None if latest is None else int(latest) / 1000,
    )


def datafeed_figures(stats: Stats) -> DatafeedFigures:
    """The numbers of an item of `GET _ml/datafeeds/_stats`."""
    timing = stats.get("timing_stats", {})
    return DatafeedFigures(
        started=stats.get("state") == "started",
        searches=int(timing.get("search_count", 0)),
        search_seconds=float(timing.get("total_search_time_ms", 0.0)) / 1000,
    )
