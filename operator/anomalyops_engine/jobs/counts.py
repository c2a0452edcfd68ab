"""Running totals of a job and of a datafeed, in the shapes of `_stats`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from anomalyops_engine.config.units import HOUR_MS
from anomalyops_engine.json_types import JsonObject

# Weight of a new bucket in the exponential averages (`TimingStats.ALPHA` of Elasticsearch).
_ALPHA: Final = 0.01


def _known(cls: type, values: JsonObject) -> JsonObject:
    names = {item.name for item in fields(cls)}
    return {key: value for key, value in values.items() if key in names}


_OF_RECORDS: Final = (
    "processed_record_count",
    "processed_field_count",
    "input_bytes",
    "input_field_count",
    "invalid_date_count",
    "missing_field_count",
    "out_of_order_timestamp_count",
    "input_record_count",
)
_TIMES_OF_RECORDS: Final = ("earliest_record_timestamp", "latest_record_timestamp", "last_data_time")
_OF_BUCKETS: Final = ("empty_bucket_count", "sparse_bucket_count", "bucket_count")


@dataclass(slots=True, kw_only=True)
class DataCounts:
    """What a job has been fed since it was created or reset. Times are epoch milliseconds."""

    processed_record_count: int = 0
    processed_field_count: int = 0
    input_bytes: int = 0
    input_field_count: int = 0
    invalid_date_count: int = 0
    missing_field_count: int = 0
    out_of_order_timestamp_count: int = 0
    empty_bucket_count: int = 0
    sparse_bucket_count: int = 0
    bucket_count: int = 0
    input_record_count: int = 0
    earliest_record_timestamp: int | None = None
    latest_record_timestamp: int | None = None
    last_data_time: int | None = None
    latest_empty_bucket_timestamp: int | None = None
    latest_sparse_bucket_timestamp: int | None = None
    latest_bucket_timestamp: int | None = None
    log_time: int | None = None

    @classmethod
    def load(cls, values: JsonObject) -> DataCounts:
        """Return counts from their stored form."""
        return cls(**_known(cls, values))

    def take_records_of(self, other: DataCounts) -> None:
        """Take over what other counts say of records; what is said of buckets stays."""
        for name in (*_OF_RECORDS, *_TIMES_OF_RECORDS):
            setattr(self, name, getattr(other, name))

    def add(self, upload: DataCounts) -> None:
        """Add what was counted of the records of an upload."""
        for name in _OF_RECORDS:
            setattr(self, name, getattr(self, name) + getattr(upload, name))
        self.last_data_time, self.log_time = upload.last_data_time, upload.log_time
        earliest = (self.earliest_record_timestamp, upload.earliest_record_timestamp)
        latest = (self.latest_record_timestamp, upload.latest_record_timestamp)
        self.earliest_record_timestamp = min((time for time in earliest if time is not None), default=None)
        self.latest_record_timestamp = max((time for time in latest if time is not None), default=None)

    def buckets_since(self, before: DataCounts) -> JsonObject:
        """Return how many buckets were counted since these counts were `before`."""
        return {name: getattr(self, name) - getattr(before, name) for name in _OF_BUCKETS}

    def render(self, job_id: str) -> JsonObject:
        """Return the `data_counts` object; times that are not known yet are absent."""
        rendered: JsonObject = {"job_id": job_id}
        for name in self.__slots__:
            value = getattr(self, name)
            if value is not None:
                rendered[name] = value
        return rendered


@dataclass(slots=True, kw_only=True)
class _HourlyTiming:
    """How much time an hour of data takes, on average."""

    hour: int = 0  # which hour of data `hour_ms` adds up
    hour_ms: float = 0.0
    exponential_average_per_hour_ms: float = 0.0

    def _add_to_hour(self, elapsed_ms: float, latest_ms: int) -> None:
        hour = latest_ms // HOUR_MS
        if hour != self.hour and self.hour_ms:
            before = self.exponential_average_per_hour_ms
            self.exponential_average_per_hour_ms = (
                (1 - _ALPHA) * before + _ALPHA * self.hour_ms if before else self.hour_ms
            )
            self.hour_ms = 0.0
        self.hour = hour
        self.hour_ms += elapsed_ms

    def _per_hour(self) -> float:
        return self.exponential_average_per_hour_ms or self.hour_ms


@dataclass(slots=True, kw_only=True)
class JobTiming(_HourlyTiming):
    """How long the analysis of buckets took, in milliseconds."""

    bucket_count: int = 0
    total_ms: float = 0.0
    minimum_ms: float | None = None
    maximum_ms: float | None = None
    exponential_average_ms: float | None = None

    @classmethod
    def load(cls, values: JsonObject) -> JobTiming:
        """Return timings from their stored form."""
        return cls(**_known(cls, values))

    def add(self, *, buckets: int, elapsed_ms: float, latest_ms: int) -> None:
        """Count `buckets` buckets that took `elapsed_ms` together; the last one started at `latest_ms`."""
        if buckets <= 0:
            return
        each = elapsed_ms / buckets
        self.bucket_count += buckets
        self.total_ms += elapsed_ms
        self.minimum_ms = each if self.minimum_ms is None else min(self.minimum_ms, each)
        self.maximum_ms = each if self.maximum_ms is None else max(self.maximum_ms, each)
        keep = (1 - _ALPHA) ** buckets
        previous = self.exponential_average_ms
        self.exponential_average_ms = each if previous is None else keep * previous + (1 - keep) * each
        self._add_to_hour(elapsed_ms, latest_ms)

    def render(self, job_id: str) -> JsonObject:
        """Return the `timing_stats` object of a job."""
        rendered: JsonObject = {
            "job_id": job_id,
            "bucket_count": self.bucket_count,
            "total_bucket_processing_time_ms": self.total_ms,
        }
        if self.bucket_count:
            rendered["minimum_bucket_processing_time_ms"] = self.minimum_ms
            rendered["maximum_bucket_processing_time_ms"] = self.maximum_ms
            rendered["average_bucket_processing_time_ms"] = self.total_ms / self.bucket_count
            rendered["exponential_average_bucket_processing_time_ms"] = self.exponential_average_ms
        rendered["exponential_average_bucket_processing_time_per_hour_ms"] = self._per_hour()
        return rendered


@dataclass(slots=True, kw_only=True)
class SearchTiming(_HourlyTiming):
    """How long the searches of a datafeed took, in milliseconds."""

    search_count: int = 0
    bucket_count: int = 0
    total_ms: float = 0.0

    @classmethod
    def load(cls, values: JsonObject) -> SearchTiming:
        """Return timings from their stored form."""
        return cls(**_known(cls, values))

    def add(self, *, buckets: int, elapsed_ms: float, latest_ms: int) -> None:
        """Count one search that filled `buckets` buckets in `elapsed_ms`."""
        self.search_count += 1
        self.bucket_count += buckets
        self.total_ms += elapsed_ms
        self._add_to_hour(elapsed_ms, latest_ms)

    def render(self, job_id: str) -> JsonObject:
        """Return the `timing_stats` object of a datafeed."""
        rendered: JsonObject = {
            "job_id": job_id,
            "search_count": self.search_count,
            "bucket_count": self.bucket_count,
            "total_search_time_ms": self.total_ms,
        }
        if self.bucket_count:
            rendered["average_search_time_per_bucket_ms"] = self.total_ms / self.bucket_count
        rendered["exponential_average_search_time_per_hour_ms"] = self._per_hour()
        rendered["exponential_average_calculation_context"] = {"incremental_metric_value_ms": self.hour_ms}
        return rendered
