"""Bodies of jobs and datafeeds: for every field of every record, the values that a client may send."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from anomalyops_engine.config.analysis_config import AnalysisConfig
from anomalyops_engine.config.calendars import Calendar, ScheduledEvent
from anomalyops_engine.config.categorization import PerPartitionCategorization
from anomalyops_engine.config.custom_rules import CustomRule, FilterRef, RuleCondition, RuleParams, TimeShift
from anomalyops_engine.config.datafeed import ChunkingConfig, Datafeed, DelayedDataCheck, IndicesOptions
from anomalyops_engine.config.detector import Detector
from anomalyops_engine.config.filters import Filter
from anomalyops_engine.config.job import AnalysisLimits, DataDescription, Job, ModelPlotConfig
from anomalyops_engine.config.records import Record
from anomalyops_engine.functions import NAMES, Use, find_function

NOW_MS = 1_700_000_000_000
_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters='"\\', exclude_categories=["C"]), max_size=8)
_NAMES = st.sampled_from(["host", "client", "zone.name", "status", "größe", "a b"])
_DAYS = st.integers(0, 400)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)
_FREE = st.dictionaries(_TEXTS, _JSON, max_size=3)


def _times(unit: str, most: int) -> st.SearchStrategy[str]:
    return st.integers(1, most).map(lambda count: f"{count}{unit}")


_SPANS = st.sampled_from(["1s", "90s", "1m", "60m", "15m", "1h", "1d", "2d"])
_LISTS_OF_IDS = st.lists(st.sampled_from(["web", "prod", "a-1"]), max_size=3, unique=True)

CONDITIONS = st.fixed_dictionaries(
    {
        "applies_to": st.sampled_from(["actual", "typical", "diff_from_typical", "time"]),
        "operator": st.sampled_from(["gt", "gte", "lt", "lte"]),
        "value": st.floats(-1e9, 1e9),
    }
)

_SHIFTS = st.integers(-86_400, 86_400)
_CLOCK_RULES = st.fixed_dictionaries(
    {
        "actions": st.just(["force_time_shift"]),
        "conditions": st.lists(
            CONDITIONS.map(lambda one: {**one, "applies_to": "time", "operator": "gte"}), min_size=1
        ),
        "params": _SHIFTS.map(lambda seconds: {"force_time_shift": {"time_shift_amount": seconds}}),
    }
)

# The values of each row, by record and name; what the rows must keep between them is left to `bodies`.
VALUES: dict[type[Record], dict[str, st.SearchStrategy[Any]]] = {
    RuleCondition: {
        "applies_to": st.sampled_from(["actual", "typical", "diff_from_typical", "time"]),
        "operator": st.sampled_from(["gt", "gte", "lt", "lte"]),
        "value": st.floats(-1e9, 1e9),
    },
    FilterRef: {"filter_id": st.just("known"), "filter_type": st.sampled_from(["include", "exclude"])},
    CustomRule: {
        "actions": st.lists(st.sampled_from(["skip_result", "skip_model_update"]), max_size=2, unique=True),
        "scope": st.just({}),
        "conditions": st.lists(CONDITIONS, min_size=1, max_size=2),
        "params": st.just({}),
    },
    TimeShift: {"time_shift_amount": _SHIFTS},
    RuleParams: {"force_time_shift": _SHIFTS.map(lambda seconds: {"time_shift_amount": seconds})},
    Filter: {"filter_id": st.just("known"), "description": _TEXTS, "items": st.lists(_TEXTS, max_size=4)},
    Calendar: {"calendar_id": st.just("days"), "job_ids": _LISTS_OF_IDS, "description": _TEXTS},
    ScheduledEvent: {
        "description": _TEXTS,
        "start_time": st.integers(0, 10**12) | st.just("2024-01-01T00:00:00Z"),
        "end_time": st.integers(2 * 10**12, 3 * 10**12) | st.just("2999-01-01"),
        "skip_result": st.booleans(),
        "skip_model_update": st.booleans(),
        "force_time_shift": _SHIFTS,
        "calendar_id": st.just("days"),
    },
    Detector: {
        "detector_description": _TEXTS,
        "function": st.sampled_from(sorted(NAMES)),
        "field_name": _NAMES,
        "by_field_name": _NAMES,
        "over_field_name": _NAMES,
        "partition_field_name": _NAMES,
        "use_null": st.booleans(),
        "exclude_frequent": st.sampled_from(["all", "none", "by", "over"]),
        "custom_rules": st.lists(
            st.fixed_dictionaries(
                {"conditions": st.lists(CONDITIONS, min_size=1, max_size=2)},
                optional={"actions": st.lists(st.sampled_from(["skip_result", "skip_model_update"]), max_size=2)},
            )
            | _CLOCK_RULES,
            max_size=2,
        ),
        "detector_index": st.integers(0, 5),
    },
    PerPartitionCategorization: {"enabled": st.just(False), "stop_on_warn": st.just(False)},
    AnalysisConfig: {
        "bucket_span": _SPANS,
        "detectors": st.deferred(lambda: st.lists(detectors(), min_size=1, max_size=3)),
        "influencers": st.lists(_NAMES, max_size=3),
        "categorization_field_name": st.nothing(),
        "categorization_filters": st.just([]),
        "categorization_analyzer": st.nothing(),
        "per_partition_categorization": st.just({"enabled": False}),
        "latency": _times("m", 9),
        "summary_count_field_name": st.sampled_from(["doc_count", "events"]),
        "multivariate_by_fields": st.booleans(),
        "model_prune_window": _times("d", 60).map(lambda text: f"{2 * int(text[:-1])}d"),
    },
    AnalysisLimits: {
        "model_memory_limit": _times("mb", 5000) | st.integers(1, 5000) | _times("gb", 9),
        "categorization_examples_limit": st.integers(0, 50),
    },
    DataDescription: {
        "time_field": st.sampled_from(["time", "@timestamp"]),
        "time_format": st.sampled_from(["epoch", "epoch_ms", "yyyy-MM-dd HH:mm:ss"]),
    },
    ModelPlotConfig: {"enabled": st.booleans(), "annotations_enabled": st.booleans(), "terms": _TEXTS},
    Job: {
        "job_id": st.just("job"),
        "groups": _LISTS_OF_IDS,
        "description": _TEXTS,
        "analysis_config": st.deferred(lambda: bodies(AnalysisConfig, "detectors")),
        "analysis_limits": st.deferred(lambda: bodies(AnalysisLimits)),
        "data_description": st.deferred(lambda: bodies(DataDescription)),
        "model_plot_config": st.deferred(lambda: bodies(ModelPlotConfig, "enabled")),
        "renormalization_window_days": _DAYS,
        "background_persist_interval": _times("h", 50),
        "results_retention_days": _DAYS,
        "custom_settings": _FREE,
        "model_snapshot_retention_days": st.integers(100, 400),
        "daily_model_snapshot_retention_after_days": st.integers(0, 100),
        "results_index_name": st.sampled_from(["shared", "web", "custom-web"]),
        "allow_lazy_open": st.booleans(),
    },
    ChunkingConfig: {"mode": st.just("manual"), "time_span": _times("h", 50)},
    DelayedDataCheck: {"enabled": st.booleans(), "check_window": _times("h", 24)},
    IndicesOptions: {
        "expand_wildcards": st.lists(st.sampled_from(["open", "closed", "hidden", "all", "none"]), max_size=3),
        "ignore_unavailable": st.booleans(),
        "allow_no_indices": st.booleans(),
        "ignore_throttled": st.booleans(),
    },
    Datafeed: {
        "datafeed_id": st.just("feed"),
        "job_id": st.sampled_from(["job", "another"]),
        "query_delay": _times("s", 200) | st.just("0s"),
        "frequency": _times("m", 60),
        "max_empty_searches": st.integers(1, 50),
        "indices": st.lists(st.sampled_from(["logs", "logs-*"]), min_size=1, max_size=2),
        "query": st.sampled_from([{"match_all": {}}, {"term": {"host": "a"}}]),
        "aggregations": _times("m", 30).map(
            lambda interval: {
                "buckets": {
                    "date_histogram": {"field": "time", "fixed_interval": interval},
                    "aggregations": {"time": {"max": {"field": "time"}}},
                }
            }
        ),
        "script_fields": st.just({}),
        "runtime_mappings": st.just({}),
        "scroll_size": st.integers(0, 10_000),
        "chunking_config": st.sampled_from([{"mode": "auto"}, {"mode": "off"}])
        | st.deferred(lambda: bodies(ChunkingConfig, "mode", "time_span")),
        "delayed_data_check_config": st.deferred(lambda: bodies(DelayedDataCheck, "enabled")),
        "indices_options": st.deferred(lambda: bodies(IndicesOptions)),
    },
}


def bodies(record: type[Record], *required: str) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies of a record: any of its fields, and the required ones always."""
    values = {name: values for name, values in VALUES[record].items() if not values.is_empty}
    optional = {name: strategy for name, strategy in values.items() if name not in required}
    return st.fixed_dictionaries({name: values[name] for name in required}, optional=optional)


@st.composite
def detectors(draw: st.DrawFn) -> dict[str, Any]:
    """Detectors whose function has the fields that it needs."""
    body = draw(bodies(Detector, "function", "field_name", "by_field_name"))
    function = body["function"]
    rules = find_function(function).function
    body["by_field_name"], over, partition = draw(st.lists(_NAMES, min_size=3, max_size=3, unique=True))
    for name, value in (("over_field_name", over), ("partition_field_name", partition)):
        if name in body:
            body[name] = value
    if rules.field_name is Use.FORBIDDEN:
        del body["field_name"]
    if rules.over is Use.FORBIDDEN:
        body.pop("over_field_name", None)
    if rules.over is Use.REQUIRED:
        body["over_field_name"] = over
    if rules.time_rules_only:
        body.pop("custom_rules", None)
    return body


JOB_BODIES = bodies(Job, "analysis_config", "data_description")
DATAFEED_BODIES = bodies(Datafeed, "job_id", "indices")


def any_json(*known: type[Record]) -> st.SearchStrategy[Any]:
    """Any JSON, with a liking for the names that records know."""
    names = sorted({row.name for record in known for row in record.ROWS})
    words = st.sampled_from(
        [*names, "", "1h", "-1", "1e999", "9" * 30, "NaN", "count", "auto", "10mb", "date_histogram"]
    )
    scalars = (
        st.none()
        | st.booleans()
        | st.sampled_from([0, -1, 1, 2**63, -(2**63) - 1, 10**400, 1e308, -0.0, 1.5])
        | words
        | st.text(max_size=4)
    )
    keys = st.sampled_from(names) | st.text(max_size=3)
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=12,
    )
