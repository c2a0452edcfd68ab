"""Partial updates of a job (`JobUpdate`): parse, check against the job's state, merge.

What is replaced whole and what is merged follows Elasticsearch, traps included: `analysis_limits` is replaced
with its defaults filled in, `model_plot_config`, `custom_settings` and `groups` are replaced, a JSON null
changes nothing.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from anomalyops_engine.config.categorization import check_filters
from anomalyops_engine.config.custom_rules import RULE_PARSER, check_rule, complete_rule
from anomalyops_engine.config.identifiers import check_same_id
from anomalyops_engine.config.job import (
    DEFAULT_MEMORY_LIMIT_MIB,
    PER_PARTITION_PARSER,
    check_job,
    check_memory_limit,
    check_model_prune_window,
    complete_limits,
    job_fields,
    limit_mib,
)
from anomalyops_engine.config.reading import Parser, duration, each, integer, nested, text, texts
from anomalyops_engine.refusals import bad_request, illegal_argument, parse_failure

JsonObject = dict[str, Any]

_DETECTOR_UPDATE: Final = Parser(
    "detector_update",
    {"detector_index": integer, "description": text, "custom_rules": each(nested(RULE_PARSER))},
    required=("detector_index",),
)
JOB_UPDATE_PARSER: Final = Parser(
    "job_update",
    {
        **job_fields(),
        "categorization_filters": texts,
        "per_partition_categorization": nested(PER_PARTITION_PARSER),
        "model_prune_window": duration,
        "detectors": each(nested(_DETECTOR_UPDATE)),
    },
)
# Pushed to the running analysis; the rest takes effect on disk, or at the next open.
LIVE_FIELDS: Final = frozenset(
    {"model_plot_config", "per_partition_categorization", "detectors", "groups", "model_prune_window"}
)
_REPLACED: Final = (
    "description",
    "groups",
    "model_plot_config",
    "model_snapshot_retention_days",
    "daily_model_snapshot_retention_after_days",
    "results_retention_days",
    "renormalization_window_days",
    "background_persist_interval",
    "custom_settings",
    "allow_lazy_open",
)


@dataclass(frozen=True, slots=True)
class JobUpdate:
    """A merged update: the whole new job, and the names of what the request set, sorted."""

    job: JsonObject
    fields: tuple[str, ...]

    @property
    def live(self) -> bool:
        """Whether a running analysis has to be told."""
        return bool(LIVE_FIELDS.intersection(self.fields))


def update_job(
    job: JsonObject,
    body: object,
    *,
    opened: bool,
    model_bytes: int,
    max_memory_mib: int | None = None,
) -> JobUpdate:
    """Merge an update body into a stored job.

    Args:
        job: the job as stored; not changed.
        body: the request body.
        opened: whether the job is open: its memory limit cannot change then.
        model_bytes: what its model uses now.
        max_memory_mib: the server's maximum, if it has one.

    Raises:
        MlError: 400 with Elasticsearch's text.
    """
    if not isinstance(body, dict):
        raise parse_failure("request body is required")
    parsed = JOB_UPDATE_PARSER.parse(body)
    check_same_id("job_id", parsed.pop("job_id", None), job["job_id"])
    merged = deepcopy(job)
    for key in _REPLACED:
        if key in parsed:
            merged[key] = parsed[key]
    if not merged.get("groups", True):
        del merged["groups"]
    if "analysis_limits" in parsed:
        _merge_limits(merged, parsed["analysis_limits"], opened=opened, model_bytes=model_bytes, maximum=max_memory_mib)
    _merge_analysis(merged["analysis_config"], parsed)
    check_job(merged)
    return JobUpdate(merged, tuple(sorted(parsed)))


def _merge_limits(job: JsonObject, limits: JsonObject, *, opened: bool, model_bytes: int, maximum: int | None) -> None:
    # A limit that the request does not name falls back to the default unchecked, as in Elasticsearch.
    if "model_memory_limit" in limits:
        if opened:
            raise bad_request("Cannot update analysis_limits while the job is open")
        mib = limits["model_memory_limit"]
        used_mib = model_bytes >> 20
        if mib < used_mib and mib < limit_mib(job):
            raise bad_request(
                "Invalid update value for analysis_limits: model_memory_limit cannot be decreased below "
                f"current usage; current usage [{used_mib}mb], update had [{mib}mb]"
            )
        check_memory_limit(mib, maximum)
    default = min(DEFAULT_MEMORY_LIMIT_MIB, maximum or DEFAULT_MEMORY_LIMIT_MIB)
    job["analysis_limits"] = complete_limits(limits, default_mib=default)


def _merge_analysis(config: JsonObject, parsed: JsonObject) -> None:
    if "model_prune_window" in parsed:
        check_model_prune_window(parsed["model_prune_window"], config["bucket_span"])
        config["model_prune_window"] = parsed["model_prune_window"]
    if "categorization_filters" in parsed:
        config["categorization_filters"] = parsed["categorization_filters"]
        check_filters(config)
    if "per_partition_categorization" in parsed:
        _merge_per_partition(config, parsed["per_partition_categorization"])
    for change in parsed.get("detectors", ()):
        _merge_detector(config["detectors"], change)


def _merge_per_partition(config: JsonObject, change: JsonObject) -> None:
    current = config.get("per_partition_categorization", {})
    if "enabled" in change and change["enabled"] != current.get("enabled", False):
        raise bad_request("analysis_config.per_partition_categorization.enabled cannot be updated")
    if change.get("stop_on_warn") and not current.get("enabled"):
        raise bad_request("stop_on_warn cannot be true in per_partition_categorization when enabled is false")
    if current:
        config["per_partition_categorization"] = {**current, **change}


def _merge_detector(detectors: list[JsonObject], change: JsonObject) -> None:
    index = change["detector_index"]
    if index < 0:
        raise illegal_argument(f"detector_index cannot be less than 0. Value = {index}")
    if index >= len(detectors):
        raise bad_request(f"Supplied detector_index [{index}] is >= the number of detectors [{len(detectors)}]")
    detector = detectors[index]
    if "description" in change:
        detector["detector_description"] = change["description"]
    if "custom_rules" in change:
        for rule in change["custom_rules"]:
            check_rule(rule, detector)
        detector.pop("custom_rules", None)
        if change["custom_rules"]:
            detector["custom_rules"] = [complete_rule(rule) for rule in change["custom_rules"]]
