"""How each field of a job and of a datafeed can be changed: tables that the plan follows and that people can read.

The classes and their members follow the `_ml` contract's sections 2.1 and 2.2 ("Upd") and its list of update
traps. A field that is missing here would never be applied, so a test holds the tables against the models.
"""

from __future__ import annotations

from anomalyops.plan.core import meaning
from anomalyops.plan.core.fields import STAYS, Field, FieldClass

_LIVE, _CLOSED, _REOPEN = FieldClass.LIVE, FieldClass.CLOSED_JOB, FieldClass.REOPEN
_STOPPED, _FIXED, _DROPPED = FieldClass.STOPPED_FEED, FieldClass.IMMUTABLE, FieldClass.NOT_KEPT

JOB_FIELDS: tuple[Field, ...] = (
    Field("description", _LIVE, unset=""),
    Field("groups", _LIVE, meaning.unordered, unset=[]),
    Field("custom_settings", _LIVE),  # compared key by key: others may keep keys of their own here
    Field("results_retention_days", _LIVE, unset=STAYS),
    Field("model_snapshot_retention_days", _LIVE, unset=10),
    Field("daily_model_snapshot_retention_after_days", _LIVE, unset=1),
    Field("renormalization_window_days", _LIVE, unset=STAYS),
    Field("allow_lazy_open", _LIVE, meaning.flag, unset=False),
    Field("model_plot_config.enabled", _LIVE, meaning.flag, unset=False),
    Field("model_plot_config.annotations_enabled", _LIVE, meaning.flag),
    Field("model_plot_config.terms", _LIVE),
    Field("analysis_config.model_prune_window", _LIVE, meaning.duration, unset="30d"),
    Field("analysis_config.per_partition_categorization.stop_on_warn", _LIVE, meaning.flag, unset=False),
    # Live only where the job still has them as they were written; usually the server turned them into an
    # analyzer, which is fixed.
    Field("analysis_config.categorization_filters", _LIVE, unset=[]),
    Field("analysis_limits.model_memory_limit", _CLOSED, meaning.memory, unset="1024mb"),
    Field("analysis_limits.categorization_examples_limit", _CLOSED, unset=4),
    Field("background_persist_interval", _REOPEN, meaning.duration, unset=STAYS),
    Field("analysis_config.bucket_span", _FIXED, meaning.duration, unset="5m"),
    Field("analysis_config.detectors", _FIXED),  # the number of them; their parts are in DETECTOR_FIELDS
    Field("analysis_config.influencers", _FIXED, meaning.unordered),
    Field("analysis_config.categorization_field_name", _FIXED),
    Field("analysis_config.categorization_analyzer", _FIXED),
    Field("analysis_config.per_partition_categorization.enabled", _FIXED, meaning.flag),
    Field("analysis_config.latency", _FIXED, meaning.duration),
    Field("analysis_config.summary_count_field_name", _FIXED),
    Field("analysis_config.multivariate_by_fields", _FIXED, meaning.flag),
    Field("data_description.time_field", _FIXED, unset="time"),
    Field("data_description.time_format", _FIXED, unset="epoch_ms"),
    Field("data_description.format", _DROPPED),
    Field("results_index_name", _FIXED, meaning.results_index),
)

# A detector is one value: the fields that say what it computes are compared whole, also those that the manifest
# leaves out (a detector without `by_field_name` is not the one with it). The server fills in none of these.
DETECTOR_FIELDS: tuple[Field, ...] = (
    Field("function", _FIXED, meaning.function_name),
    Field("field_name", _FIXED),
    Field("by_field_name", _FIXED),
    Field("over_field_name", _FIXED),
    Field("partition_field_name", _FIXED),
    Field("use_null", _FIXED, meaning.flag),
    Field("exclude_frequent", _FIXED, meaning.exclude_frequent),
    Field("detector_description", _LIVE, unset=""),
    Field("custom_rules", _LIVE, meaning.rules, unset=[]),
)

DATAFEED_FIELDS: tuple[Field, ...] = (
    Field("indices", _STOPPED, meaning.unordered, model_input=True),
    Field("query", _STOPPED, meaning.query, model_input=True, unset={"match_all": {}}),
    Field("aggregations", _STOPPED, meaning.aggregations, model_input=True, unset=STAYS),
    Field("script_fields", _STOPPED, meaning.script_fields, model_input=True, unset={}),
    Field("runtime_mappings", _STOPPED, model_input=True, unset={}),
    Field("query_delay", _STOPPED, meaning.duration, unset="60s"),
    Field("frequency", _STOPPED, meaning.duration, unset=STAYS),
    Field("scroll_size", _STOPPED, unset=1000),
    Field("max_empty_searches", _STOPPED, meaning.empty_searches, unset=-1),
    Field("chunking_config.mode", _STOPPED, unset="auto"),
    Field("chunking_config.time_span", _STOPPED, meaning.duration),
    Field("delayed_data_check_config.enabled", _STOPPED, meaning.flag_on, unset=True),
    Field("delayed_data_check_config.check_window", _STOPPED, meaning.duration),
    Field("indices_options.expand_wildcards", _STOPPED, meaning.expand_wildcards, unset=["open"]),
    Field("indices_options.ignore_unavailable", _STOPPED, meaning.flag, unset=False),
    Field("indices_options.allow_no_indices", _STOPPED, meaning.flag_on, unset=True),
    Field("indices_options.ignore_throttled", _STOPPED, meaning.flag_on, unset=True),
)

# What only the server fills in, and never takes.
JOB_FILLED_IN = (
    "job_id",
    "job_type",
    "job_version",
    "create_time",
    "finished_time",
    "model_snapshot_id",
    "model_snapshot_min_version",
    "deleting",
    "blocked",
    "datafeed_config",
)
FEED_FILLED_IN = ("datafeed_id", "authorization", "headers", "create_time")
