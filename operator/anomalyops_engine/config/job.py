"""The configuration of an anomaly detection job (`Job.Builder` of Elasticsearch)."""

from __future__ import annotations

import dataclasses
from typing import Final

from anomalyops_engine.config.analysis_config import AnalysisConfig
from anomalyops_engine.config.identifiers import check_group, check_id, check_job_id, check_same_id
from anomalyops_engine.config.reading import (
    WrongType,
    boolean,
    duration,
    integer,
    mapping,
    text,
    text_or_null,
    texts,
    token,
)
from anomalyops_engine.config.records import Change, Nested, Record, Values, never, record, row, when_true
from anomalyops_engine.config.time_format import check_time_format
from anomalyops_engine.config.units import DAY_MS, HOUR_MS, SECOND_MS, Duration, MemorySize
from anomalyops_engine.json_types import Json, JsonObject
from anomalyops_engine.refusals import bad_request, illegal_argument, name_clash, parse_failure

JOB_VERSION: Final = "12.0.0"  # MlConfigVersion of 8.10 and later
JOB_TYPE: Final = "anomaly_detector"
DEFAULT_MEMORY_LIMIT: Final = MemorySize(1024)
DEFAULT_CATEGORIZATION_EXAMPLES: Final = 4
DEFAULT_SNAPSHOT_RETENTION_DAYS: Final = 10
_DEFAULT_PERSIST_MS: Final = 3 * HOUR_MS
_SHARED: Final = "shared"
_CUSTOM: Final = "custom-"


def _memory(field: str, value: Json) -> MemorySize:
    if isinstance(value, str):
        return MemorySize.read(value, field)
    if isinstance(value, (dict, list)):
        raise WrongType
    if isinstance(value, bool) or value is None:
        raise illegal_argument(f"Unsupported token [{token(value)}]")
    return MemorySize.read(integer(field, value), field)


@record("analysis_limits")
class AnalysisLimits(Record):
    """What the models of a job may take. An update replaces all of it: what it does not name is the default again."""

    model_memory_limit: MemorySize = row(_memory, default=DEFAULT_MEMORY_LIMIT)
    categorization_examples_limit: int = row(integer, default=DEFAULT_CATEGORIZATION_EXAMPLES)

    def check(self) -> None:
        """Raise 400 for limits that leave nothing."""
        if self.model_memory_limit.mib < 1:
            raise bad_request(f"model_memory_limit must be at least 1 MiB. Value = {self.model_memory_limit.mib}")
        examples = self.categorization_examples_limit
        if examples < 0:
            raise bad_request(f"categorization_examples_limit cannot be less than 0. Value = {examples}")


def _data_format(field: str, value: Json) -> str:
    name = text(field, value).lower()
    if name not in {"xcontent", "delimited"}:
        raise illegal_argument(f"No enum constant DataDescription.DataFormat.{name.upper()}")
    return name


@record("data_description", dropped={"format": _data_format})
class DataDescription(Record):
    """Where a document's time is."""

    time_field: str = row(text, default="time")
    time_format: str = row(text, check=check_time_format, default="epoch_ms")


@record("model_plot_config", required=("enabled",))
class ModelPlotConfig(Record):
    """Whether the models' bounds are written as results, and of which series."""

    enabled: bool = row(boolean)
    annotations_enabled: bool = row(boolean, at_creation=lambda known: known["enabled"])
    terms: str | None = row(text, default=None)

    @property
    def term_values(self) -> frozenset[str]:
        """The partition and by values that are plotted; empty for all."""
        return frozenset(term.strip() for term in (self.terms or "").split(",") if term.strip())


def _daily_retention(known: Values) -> int | None:
    return 1 if known["model_snapshot_retention_days"] > 1 else None


def _results_index(name: str) -> str:
    check_id("results_index_name", name)
    return name if name == _SHARED or name.startswith(_CUSTOM) else f"{_CUSTOM}{name}"


@record("job_details")
class Job(Record):
    """A job as the server keeps it."""

    job_id: str = row(text, exported=never)
    job_type: str = row(text, default=JOB_TYPE, server=True, exported=never)
    job_version: str = row(text, default=JOB_VERSION, server=True, exported=never)
    create_time: int = row(integer, server=True, exported=never)
    finished_time: int | None = row(integer, default=None, server=True, exported=never)
    groups: tuple[str, ...] = row(texts, default=(), change=Change.AT_ONCE, shown=when_true)
    description: str | None = row(text_or_null, default=None, change=Change.AT_ONCE)
    analysis_config: AnalysisConfig = row(Nested(AnalysisConfig), change=Change.WITHIN)
    analysis_limits: AnalysisLimits = row(Nested(AnalysisLimits), default=AnalysisLimits(), change=Change.CLOSED)
    data_description: DataDescription = row(Nested(DataDescription))
    model_plot_config: ModelPlotConfig | None = row(Nested(ModelPlotConfig), default=None, change=Change.LIVE)
    renormalization_window_days: int | None = row(integer, default=None, change=Change.LIVE)
    background_persist_interval: Duration | None = row(duration, default=None, change=Change.AT_ONCE)
    results_retention_days: int | None = row(integer, default=None, change=Change.AT_ONCE)
    custom_settings: JsonObject | None = row(mapping, default=None, change=Change.AT_ONCE)
    model_snapshot_retention_days: int = row(integer, default=DEFAULT_SNAPSHOT_RETENTION_DAYS, change=Change.AT_ONCE)
    daily_model_snapshot_retention_after_days: int | None = row(
        integer, default=None, at_creation=_daily_retention, change=Change.AT_ONCE
    )
    model_snapshot_id: str | None = row(text, default=None, server=True, exported=never)
    model_snapshot_min_version: str | None = row(text, default=None, server=True, exported=never)
    results_index_name: str = row(text, default=_SHARED, exported=lambda name, _: name.removeprefix(_CUSTOM))
    allow_lazy_open: bool = row(boolean, default=False, change=Change.AT_ONCE)

    @property
    def bucket_span_ms(self) -> int:
        """Length of a bucket in milliseconds."""
        return self.analysis_config.bucket_span.ms

    @property
    def filter_ids(self) -> frozenset[str]:
        """The filters that its detectors' rules refer to."""
        return frozenset[str]().union(*(detector.filter_ids for detector in self.analysis_config.detectors))

    @property
    def time_field(self) -> str:
        """The field that holds a document's time."""
        return self.data_description.time_field

    @property
    def memory_limit(self) -> MemorySize:
        """What the models may take."""
        return self.analysis_limits.model_memory_limit

    @property
    def renormalization_window_ms(self) -> int:
        """How far back results are dimmed by later ones, in milliseconds (default: the longer of 30 d, 100 buckets)."""
        days = self.renormalization_window_days
        return days * DAY_MS if days else max(30 * DAY_MS, 100 * self.bucket_span_ms)

    @property
    def persist_interval_ms(self) -> int:
        """How often an open job stores a model snapshot, in milliseconds."""
        interval = self.background_persist_interval
        return _DEFAULT_PERSIST_MS if interval is None else interval.ms

    def check(self) -> None:
        """Raise 400 when parts of the job contradict each other."""
        for group in self.groups:
            check_group(group)
            if group == self.job_id:
                raise name_clash(group)
        self.analysis_config.check_duplicates()
        if self.time_field in self.analysis_config.fields:
            raise illegal_argument("data_description.time_field may not be used in the analysis_config")
        self._check_persist_interval()
        for field in (
            "renormalization_window_days",
            "model_snapshot_retention_days",
            "daily_model_snapshot_retention_after_days",
            "results_retention_days",
        ):
            days = getattr(self, field)
            if days is not None and days < 0:
                raise illegal_argument(f"{field} cannot be less than 0. Value = {days}")
        daily, total = self.daily_model_snapshot_retention_after_days, self.model_snapshot_retention_days
        if daily is not None and daily > total:
            raise illegal_argument(
                f"The value of daily_model_snapshot_retention_after_days [{daily}] "
                f"cannot be greater than model_snapshot_retention_days [{total}]"
            )

    def _check_persist_interval(self) -> None:
        interval = self.background_persist_interval
        if interval is None:
            return
        if interval.nanos % (SECOND_MS * 1_000_000):
            raise illegal_argument(f"background_persist_interval has to be a multiple of 1s; actual was '{interval}'")
        if interval.ms < HOUR_MS:
            raise illegal_argument(
                f"background_persist_interval cannot be less than 3,600. Value = {interval.ms // SECOND_MS:,}"
            )


# Known, and refused with words of their own; `job_type` is not known at all.
_SERVER_FIELDS: Final = (
    *(made.name for made in Job.ROWS if made.server and made.name != "job_type"),
    *("deleting", "blocked"),
)
_CREATE: Final = Job.parser(datafeed_config=mapping, **dict.fromkeys(_SERVER_FIELDS, lambda _, value: value))


def create_job(
    body: Json,
    *,
    job_id: str | None,
    now_ms: int,
    maximum: MemorySize | None = None,
    room: MemorySize | None = None,
) -> tuple[Job, JsonObject | None]:
    """Make the configuration of a new job from a create body.

    Args:
        body: the JSON body of PUT or `_validate`.
        job_id: the id of the URL; None for `_validate`, where the body may carry one.
        now_ms: creation time, epoch milliseconds.
        maximum: the server's `max_model_memory_limit`, if it has one.
        room: what the machine has for models: a job that names no limit gets none that it could not be open with.

    Returns:
        The job, and the unparsed body of the datafeed to create with it, if any.

    Raises:
        MlError: 400 with Elasticsearch's text and nesting.
    """
    if not isinstance(body, dict):
        raise parse_failure("request body is required")
    given = _CREATE.parse(body)
    illegal = [field for field in _SERVER_FIELDS if field in given]
    if illegal:
        raise illegal_argument(
            f"The job is configured with fields [{', '.join(illegal)}] that are illegal to set at job creation"
        )
    if job_id is not None:
        check_same_id("job_id", given.get("job_id"), job_id)
    identity = job_id if job_id is not None else given.get("job_id", "job-to-validate")
    check_job_id(identity)
    for part in ("analysis_config", "data_description"):
        if part not in given:
            raise illegal_argument(f"{'An' if part[0] == 'a' else 'A'} {part} must be set")
    datafeed = given.pop("datafeed_config", None)
    made = {**given, "job_id": identity, "create_time": now_ms}
    made["results_index_name"] = _results_index(given.get("results_index_name") or _SHARED)
    made["analysis_limits"] = within(given.get("analysis_limits"), body.get("analysis_limits"), maximum, room)
    job = Job.complete(made)
    check_memory_limit(job.memory_limit, maximum)
    return job, datafeed


def within(
    limits: AnalysisLimits | None, body: Json, maximum: MemorySize | None, room: MemorySize | None = None
) -> AnalysisLimits:
    """Return the limits that a body asks for; where it names no memory limit, the default or the lowest bound."""
    limits = limits or AnalysisLimits()
    if (body or {}).get("model_memory_limit") is not None:
        return limits
    bounds = [bound for bound in (DEFAULT_MEMORY_LIMIT, maximum, room) if bound is not None]
    return dataclasses.replace(limits, model_memory_limit=min(bounds))


def check_memory_limit(limit: MemorySize, maximum: MemorySize | None) -> None:
    """Raise 400 when a limit exceeds the server's maximum."""
    if maximum is not None and limit > maximum:
        raise bad_request(
            f"model_memory_limit [{limit}] must be less than the value of the "
            f"xpack.ml.max_model_memory_limit setting [{maximum}]"
        )
