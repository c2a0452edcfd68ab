"""Job configurations: parsing a create body, checking it, filling in what the server fills in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from anomalyops_engine.config.categorization import check_categorization
from anomalyops_engine.config.detector import DETECTOR_PARSER, SPLIT_FIELDS, complete_detector
from anomalyops_engine.config.identifiers import check_group, check_id, check_job_id, check_same_id
from anomalyops_engine.config.reading import (
    Json,
    Parser,
    WrongType,
    boolean,
    duration,
    each,
    integer,
    mapping,
    nested,
    text,
    texts,
)
from anomalyops_engine.config.time_format import check_time_format
from anomalyops_engine.config.units import DAY_MS, HOUR_MS, SECOND_MS, duration_ms, memory_mib, render_duration
from anomalyops_engine.refusals import bad_request, illegal_argument, name_clash, parse_failure

JsonObject = dict[str, Any]

JOB_VERSION: Final = "12.0.0"  # MlConfigVersion of 8.10 and later
DEFAULT_MEMORY_LIMIT_MIB: Final = 1024
DEFAULT_CATEGORIZATION_EXAMPLES: Final = 4
DEFAULT_SNAPSHOT_RETENTION_DAYS: Final = 10
SERVER_FIELDS: Final = (
    "job_version",
    "create_time",
    "finished_time",
    "model_snapshot_id",
    "model_snapshot_min_version",
    "deleting",
    "blocked",
)


def _memory(field: str, value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise WrongType
    mib = memory_mib(value, field)
    if mib < 1:
        raise bad_request(f"model_memory_limit must be at least 1 MiB. Value = {mib}")
    return mib


def _examples(field: str, value: Json) -> int:
    examples = integer(field, value)
    if examples < 0:
        raise bad_request(f"categorization_examples_limit cannot be less than 0. Value = {examples}")
    return examples


ANALYSIS_LIMITS_PARSER: Final = Parser(
    "analysis_limits", {"model_memory_limit": _memory, "categorization_examples_limit": _examples}
)


def _data_format(_: str, value: Json) -> str:
    name = text(_, value).lower()
    if name not in {"xcontent", "delimited"}:
        raise illegal_argument(f"No enum constant DataDescription.DataFormat.{name.upper()}")
    return name


def _time_format(_: str, value: Json) -> str:
    return check_time_format(text(_, value))


_DATA_DESCRIPTION: Final = Parser(
    "data_description", {"time_field": text, "time_format": _time_format, "format": _data_format}
)
MODEL_PLOT_PARSER: Final = Parser(
    "model_plot_config",
    {"enabled": boolean, "annotations_enabled": boolean, "terms": text},
    required=("enabled",),
)
PER_PARTITION_PARSER: Final = Parser("per_partition_categorization", {"enabled": boolean, "stop_on_warn": boolean})


def _analyzer(_: str, value: Json) -> Json:
    if not isinstance(value, (str, dict)):
        raise WrongType
    return value


_ANALYSIS_CONFIG: Final = Parser(
    "analysis_config",
    {
        "bucket_span": duration,
        "detectors": each(nested(DETECTOR_PARSER, complete_detector)),
        "influencers": texts,
        "categorization_field_name": text,
        "categorization_filters": texts,
        "categorization_analyzer": _analyzer,
        "per_partition_categorization": nested(PER_PARTITION_PARSER),
        "latency": duration,
        "summary_count_field_name": text,
        "multivariate_by_fields": boolean,
        "model_prune_window": duration,
    },
)


def complete_model_plot(parsed: JsonObject) -> JsonObject:
    """Fill in `annotations_enabled`, which follows `enabled`."""
    return {**parsed, "annotations_enabled": parsed.get("annotations_enabled", parsed["enabled"])}


def complete_data_description(parsed: JsonObject) -> JsonObject:
    """Fill in the time field and format; `format` is accepted and never returned."""
    return {
        "time_field": parsed.get("time_field") or "time",
        "time_format": parsed.get("time_format") or "epoch_ms",
    }


def complete_limits(parsed: JsonObject, *, default_mib: int) -> JsonObject:
    """Return whole analysis limits: what is missing is the default, never a former value."""
    return {
        "model_memory_limit": f"{parsed.get('model_memory_limit', default_mib)}mb",
        "categorization_examples_limit": parsed.get("categorization_examples_limit", DEFAULT_CATEGORIZATION_EXAMPLES),
    }


def _groups(field: str, value: Json) -> list[str]:
    return texts(field, value)


def job_fields() -> dict[str, Any]:
    """Return the readers of the fields that a create body shares with an update body."""
    return {
        "job_id": text,
        "description": text,
        "groups": _groups,
        "analysis_limits": nested(ANALYSIS_LIMITS_PARSER),
        "model_plot_config": nested(MODEL_PLOT_PARSER, complete_model_plot),
        "model_snapshot_retention_days": integer,
        "daily_model_snapshot_retention_after_days": integer,
        "results_retention_days": integer,
        "renormalization_window_days": integer,
        "background_persist_interval": duration,
        "custom_settings": mapping,
        "allow_lazy_open": boolean,
    }


def complete_analysis_config(parsed: JsonObject) -> JsonObject:
    """Check a parsed `analysis_config` and fill in its defaults.

    Raises:
        MlError: 400 with Elasticsearch's text.
    """
    span_text = parsed.get("bucket_span", "5m")
    span_ms = _positive_seconds("bucket_span", span_text)
    if "latency" in parsed:
        _whole_seconds("latency", parsed["latency"])
    if "model_prune_window" in parsed:
        check_model_prune_window(parsed["model_prune_window"], span_text)
    detectors: list[JsonObject] = parsed.get("detectors", [])
    if not detectors:
        raise bad_request("No detectors configured")
    _check_duplicates(detectors)
    if parsed.get("summary_count_field_name") and any(d["function"] == "metric" for d in detectors):
        raise bad_request("The 'metric' function cannot be used in jobs that will take pre-summarized input")
    check_categorization(parsed)
    _check_nested_fields(parsed)
    config: JsonObject = {
        "bucket_span": span_text,
        "detectors": [{**detector, "detector_index": index} for index, detector in enumerate(detectors)],
        "influencers": parsed.get("influencers", []),
    }
    config.update({key: value for key, value in parsed.items() if key not in config})
    config.setdefault("model_prune_window", _default_prune_window(span_ms))
    return config


def _default_prune_window(span_ms: int) -> str:
    # The greater of 30 days and 20 buckets, as a multiple of the bucket span.
    window = max(-(-30 * DAY_MS // span_ms) * span_ms, 20 * span_ms)
    return render_duration(window)


def check_model_prune_window(window_text: str, span_text: str) -> None:
    """Raise 400 unless the window is a multiple, and at least twice, of the bucket span."""
    window, span = duration_ms(window_text), duration_ms(span_text)
    if window % span:
        raise bad_request(f"model_prune_window [{window_text}] must be a multiple of bucket_span [{span_text}]")
    if window < 2 * span:
        raise bad_request(
            f"model_prune_window [{window_text}] must be at least 2 times greater than bucket_span [{span_text}]"
        )


def _whole_seconds(field: str, value: str) -> int:
    milliseconds = duration_ms(value, field)
    if milliseconds < 0:
        raise illegal_argument(f"{field} cannot be less than 0. Value = {value}")
    if milliseconds % SECOND_MS:
        raise illegal_argument(f"{field} has to be a multiple of 1s; actual was '{value}'")
    return milliseconds


def _positive_seconds(field: str, value: str) -> int:
    if duration_ms(value, field) <= 0 and duration_ms(value, field) != 0:
        raise illegal_argument(f"{field} cannot be less or equal than 0. Value = {value}")
    milliseconds = _whole_seconds(field, value)
    if milliseconds <= 0:
        raise illegal_argument(f"{field} cannot be less or equal than 0. Value = {value}")
    return milliseconds


def _check_duplicates(detectors: Sequence[JsonObject]) -> None:
    for index, detector in enumerate(detectors):
        if detector in detectors[:index]:
            raise bad_request(f"Duplicate detectors are not allowed: [{detector['detector_description']}]")


def analysis_fields(config: JsonObject) -> list[str]:
    """Return the document fields that an `analysis_config` refers to, sorted (without the time field)."""
    fields = {
        detector[key] for detector in config["detectors"] for key in ("field_name", *SPLIT_FIELDS) if detector.get(key)
    }
    fields.update(config.get("influencers", ()))
    for key in ("summary_count_field_name", "categorization_field_name"):
        if config.get(key):
            fields.add(config[key])
    return sorted(fields - {"mlcategory"})


def _check_nested_fields(config: JsonObject) -> None:
    """Refuse `a` beside `a.b`: one field cannot be a value and an object."""
    names = {detector[key] for detector in config["detectors"] for key in SPLIT_FIELDS if detector.get(key)} | set(
        config.get("influencers", ())
    )
    ordered = sorted(names)
    for left, right in pairwise(ordered):
        if right.startswith(f"{left}."):
            raise bad_request(f"Fields [{left}] and [{right}] cannot both be used in the same analysis_config")


def check_job(job: JsonObject) -> None:
    """Check the rules across a whole job (at creation and after every update).

    Raises:
        MlError: 400 with Elasticsearch's text.
    """
    groups: Sequence[str] = job.get("groups", ())
    for group in groups:
        check_group(group)
        if group == job["job_id"]:
            raise name_clash(group)
    time_field = job["data_description"]["time_field"]
    if time_field in analysis_fields(job["analysis_config"]):
        raise bad_request("data_description.time_field may not be used in the analysis_config")
    persist = job.get("background_persist_interval")
    if persist is not None and _whole_seconds("background_persist_interval", persist) < HOUR_MS:
        seconds = duration_ms(persist) // SECOND_MS
        raise illegal_argument(f"background_persist_interval cannot be less than 3,600. Value = {seconds:,}")
    for field in (
        "renormalization_window_days",
        "model_snapshot_retention_days",
        "daily_model_snapshot_retention_after_days",
        "results_retention_days",
    ):
        if job.get(field, 0) < 0:
            raise illegal_argument(f"{field} cannot be less than 0. Value = {job[field]}")
    daily = job.get("daily_model_snapshot_retention_after_days")
    total = job.get("model_snapshot_retention_days")
    if daily is not None and total is not None and daily > total:
        raise illegal_argument(
            f"The value of daily_model_snapshot_retention_after_days [{daily}] "
            f"cannot be greater than model_snapshot_retention_days [{total}]"
        )


def check_memory_limit(mib: int, max_mib: int | None) -> None:
    """Raise 400 when a limit exceeds the server's maximum."""
    if max_mib is not None and mib > max_mib:
        raise bad_request(
            f"model_memory_limit [{render_mib(mib)}] must be less than the value of the "
            f"xpack.ml.max_model_memory_limit setting [{render_mib(max_mib)}]"
        )


def render_mib(mib: int) -> str:
    """Return MiB as Elasticsearch prints a size: the largest unit, one decimal at most."""
    if mib >= 1024:
        return f"{mib / 1024:.1f}".removesuffix(".0") + "gb"
    return f"{mib}mb"


def limit_mib(job: JsonObject) -> int:
    """Return the memory limit of a stored job in MiB."""
    return int(job["analysis_limits"]["model_memory_limit"].removesuffix("mb"))


JOB_PARSER: Final = Parser(
    "job_details",
    {
        **job_fields(),
        "analysis_config": nested(_ANALYSIS_CONFIG, complete_analysis_config),
        "data_description": nested(_DATA_DESCRIPTION, complete_data_description),
        "results_index_name": text,
        "job_type": text,
        "datafeed_config": mapping,
        **dict.fromkeys(("create_time", "finished_time"), integer),
        **dict.fromkeys(("job_version", "model_snapshot_id", "model_snapshot_min_version"), text),
        "deleting": boolean,
        "blocked": mapping,
    },
)


def create_job(
    body: object, *, job_id: str | None, now_ms: int, max_memory_mib: int | None = None
) -> tuple[JsonObject, JsonObject | None]:
    """Make the configuration of a new job from a create body.

    Args:
        body: the JSON body of PUT or `_validate`.
        job_id: the id of the URL; None for `_validate`, where the body may carry one.
        now_ms: creation time, epoch milliseconds.
        max_memory_mib: the server's `max_model_memory_limit` in MiB, if it has one.

    Returns:
        The job as GET shows it, and the unparsed body of the datafeed to create with it, if any.

    Raises:
        MlError: 400 with Elasticsearch's text and nesting.
    """
    if not isinstance(body, dict):
        raise parse_failure("request body is required")
    parsed = JOB_PARSER.parse(body)
    illegal = [field for field in SERVER_FIELDS if field in parsed]
    if illegal:
        raise illegal_argument(
            f"The job is configured with fields [{', '.join(illegal)}] that are illegal to set at job creation"
        )
    if job_id is not None:
        check_same_id("job_id", parsed.get("job_id"), job_id)
    identity = job_id if job_id is not None else parsed.get("job_id", "job-to-validate")
    check_job_id(identity)
    if "analysis_config" not in parsed:
        raise illegal_argument("An analysis_config must be set")
    if "data_description" not in parsed:
        raise illegal_argument("A data_description must be set")
    job = _fill_in(parsed, identity, now_ms, max_memory_mib)
    check_job(job)
    check_memory_limit(limit_mib(job), max_memory_mib)
    return job, parsed.get("datafeed_config")


def _fill_in(parsed: JsonObject, job_id: str, now_ms: int, max_memory_mib: int | None) -> JsonObject:
    default_mib = min(DEFAULT_MEMORY_LIMIT_MIB, max_memory_mib or DEFAULT_MEMORY_LIMIT_MIB)
    retention = parsed.get("model_snapshot_retention_days", DEFAULT_SNAPSHOT_RETENTION_DAYS)
    job: JsonObject = {
        "job_id": job_id,
        "job_type": "anomaly_detector",
        "job_version": JOB_VERSION,
        "create_time": now_ms,
    }
    for key in ("groups", "description"):
        if parsed.get(key):
            job[key] = parsed[key]
    job["analysis_config"] = parsed["analysis_config"]
    job["analysis_limits"] = complete_limits(parsed.get("analysis_limits", {}), default_mib=default_mib)
    job["data_description"] = parsed["data_description"]
    for key in (
        "model_plot_config",
        "renormalization_window_days",
        "background_persist_interval",
        "results_retention_days",
        "custom_settings",
    ):
        if key in parsed:
            job[key] = parsed[key]
    job["model_snapshot_retention_days"] = retention
    if "daily_model_snapshot_retention_after_days" in parsed:
        job["daily_model_snapshot_retention_after_days"] = parsed["daily_model_snapshot_retention_after_days"]
    elif retention > 1:
        job["daily_model_snapshot_retention_after_days"] = 1
    job["results_index_name"] = _results_index(parsed.get("results_index_name", "shared"))
    job["allow_lazy_open"] = parsed.get("allow_lazy_open", False)
    return job


def _results_index(name: str) -> str:
    check_id("results_index_name", name)
    return name if name == "shared" or name.startswith("custom-") else f"custom-{name}"
