"""Every field of the resources is in the tables, and a change of each does what its class says, and no more."""

from __future__ import annotations

import types
import typing
from typing import Any

import pytest
from pydantic import BaseModel
from simulated_server import Server

from anomalyops.plan import (
    DATAFEED_FIELDS,
    DETECTOR_FIELDS,
    JOB_FIELDS,
    CloseJob,
    Desired,
    DesiredDatafeed,
    DesiredJob,
    FieldClass,
    OpenJob,
    Owner,
    StartDatafeed,
    StopDatafeed,
    UpdateDatafeed,
    UpdateJob,
    plan,
)
from anomalyops.plan.core.fields import of_class
from anomalyops.resources import AnomalyJob, Datafeed, Detector
from anomalyops.resources.datafeed import DatafeedSpec
from anomalyops.resources.job import AnomalyJobSpec

OWNER = Owner(cluster="c1", namespace="ns", name="logs", uid="u1")
LIFECYCLE = [StopDatafeed, CloseJob, UpdateJob, OpenJob, StartDatafeed]


def _model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    parts = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else ()
    return next((found for part in parts if (found := _model(part))), None)


def leaves(model: type[BaseModel], prefix: str = "") -> set[str]:
    """The paths of all fields that hold a value and no further model."""
    found: set[str] = set()
    for name, info in model.model_fields.items():
        inner = _model(info.annotation)
        found |= leaves(inner, f"{prefix}{name}.") if inner else {f"{prefix}{name}"}
    return found


def server_leaves(spec: Any) -> set[str]:
    """The paths of all fields that the server knows."""
    return {path for path in leaves(spec) if path.split(".")[0] not in spec.CONTROL_FIELDS}


def test_every_field_of_a_job_has_a_class():
    assert server_leaves(AnomalyJobSpec) == {field.path for field in JOB_FIELDS}


def test_every_field_of_a_detector_has_a_class():
    assert leaves(Detector) == {field.path for field in DETECTOR_FIELDS}


def test_every_field_of_a_datafeed_has_a_class():
    assert server_leaves(DatafeedSpec) == {field.path for field in DATAFEED_FIELDS}


# Two values of each field that mean different things, as server names.
VALUES: dict[str, tuple[Any, Any]] = {
    "description": ("a", "b"),
    "groups": (["a"], ["a", "b"]),
    "custom_settings": ({"team": "a"}, {"team": "b"}),
    "results_retention_days": (30, 31),
    "model_snapshot_retention_days": (10, 11),
    "daily_model_snapshot_retention_after_days": (1, 2),
    "renormalization_window_days": (30, 31),
    "allow_lazy_open": (False, True),
    "model_plot_config.enabled": (True, False),
    "model_plot_config.annotations_enabled": (True, False),
    "model_plot_config.terms": ("a", "b"),
    "analysis_config.model_prune_window": ("30d", "31d"),
    "analysis_config.per_partition_categorization.stop_on_warn": (False, True),
    "analysis_limits.model_memory_limit": ("512mb", "1gb"),
    "analysis_limits.categorization_examples_limit": (4, 5),
    "background_persist_interval": ("3h", "4h"),
    "analysis_config.bucket_span": ("15m", "30m"),
    "analysis_config.detectors": ([{"function": "count"}], [{"function": "count"}, {"function": "rare"}]),
    "analysis_config.influencers": (["a"], ["a", "b"]),
    "analysis_config.categorization_field_name": ("message", "text"),
    "analysis_config.categorization_analyzer": ("ml_standard", "standard"),
    "analysis_config.categorization_filters": (["a.*"], ["b.*"]),
    "analysis_config.per_partition_categorization.enabled": (True, False),
    "analysis_config.latency": ("1m", "2m"),
    "analysis_config.summary_count_field_name": ("doc_count", "n"),
    "analysis_config.multivariate_by_fields": (False, True),
    "data_description.time_field": ("@timestamp", "time"),
    "data_description.time_format": ("epoch_ms", "epoch"),
    "data_description.format": ("xcontent", "delimited"),
    "results_index_name": ("mine", "yours"),
}
DETECTOR_VALUES: dict[str, tuple[Any, Any]] = {
    "function": ("mean", "max"),
    "field_name": ("bytes", "size"),
    "by_field_name": ("host", "region"),
    "over_field_name": ("user", "client"),
    "partition_field_name": ("site", "zone"),
    "use_null": (True, False),
    "exclude_frequent": ("all", "by"),
    "detector_description": ("a", "b"),
    "custom_rules": (
        [{"conditions": [{"applies_to": "actual", "operator": "lt", "value": 1}]}],
        [{"conditions": [{"applies_to": "actual", "operator": "lt", "value": 2}]}],
    ),
}
FEED_VALUES: dict[str, tuple[Any, Any]] = {
    "indices": (["a"], ["a", "b"]),
    "query": ({"term": {"a": 1}}, {"term": {"a": 2}}),
    "aggregations": ({"a": {"max": {"field": "t"}}}, {"a": {"min": {"field": "t"}}}),
    "script_fields": ({"a": {"script": {"source": "1"}}}, {"a": {"script": {"source": "2"}}}),
    "runtime_mappings": ({"a": {"type": "long"}}, {"a": {"type": "keyword"}}),
    "query_delay": ("60s", "90s"),
    "frequency": ("150s", "300s"),
    "scroll_size": (1000, 2000),
    "max_empty_searches": (10, 20),
    "chunking_config.mode": ("auto", "off"),
    "chunking_config.time_span": ("1h", "2h"),
    "delayed_data_check_config.enabled": (True, False),
    "delayed_data_check_config.check_window": ("1h", "2h"),
    "indices_options.expand_wildcards": (["open"], ["open", "hidden"]),
    "indices_options.ignore_unavailable": (True, False),
    "indices_options.allow_no_indices": (True, False),
    "indices_options.ignore_throttled": (True, False),
}


def with_value(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    *parents, last = path.split(".")
    inner = body
    for key in parents:
        inner = inner.setdefault(key, {})
    inner[last] = value
    return body


def job_body(path: str = "", value: Any = None) -> dict[str, Any]:
    body = {
        "analysis_config": {"bucket_span": "15m", "detectors": [{"function": "count"}]},
        "data_description": {"time_field": "@timestamp"},
    }
    return with_value(body, path, value) if path else body


def detector_body(path: str, value: Any) -> dict[str, Any]:
    detector = {"function": "mean", "field_name": "bytes", path: value}
    return with_value(job_body(), "analysis_config.detectors", [detector])


def feed_body(path: str = "", value: Any = None) -> dict[str, Any]:
    return with_value({"indices": ["logs"]}, path, value) if path else {"indices": ["logs"]}


def planned(first: Desired, second: Desired) -> tuple[list[type], Any]:
    """What a change from the first pair to the second plans, while all runs."""
    server = Server()
    for step in plan(first, server.observe()).steps:
        server.execute(step)
    for _ in range(2):
        server.tick()
    made = plan(second, server.observe())
    return [type(step) for step in made.steps], made


def pair(job: dict[str, Any] | None = None, feed: dict[str, Any] | None = None) -> Desired:
    return Desired(
        owner=OWNER,
        job=DesiredJob(job_id="logs", body=job or job_body()),
        datafeed=DesiredDatafeed(datafeed_id="datafeed-logs", body=feed or feed_body()),
    )


def expect(steps: list[type], made: Any, field_class: FieldClass, path: str) -> None:
    match field_class:
        case FieldClass.LIVE:
            assert steps == [UpdateJob]
        case FieldClass.CLOSED_JOB | FieldClass.REOPEN:
            assert steps == LIFECYCLE
        case FieldClass.STOPPED_FEED:
            assert steps == [StopDatafeed, UpdateDatafeed, StartDatafeed]
        case FieldClass.IMMUTABLE:
            assert steps == []
            assert [obstacle.reason for obstacle in made.obstacles] == ["ImmutableFieldChanged"]
        case FieldClass.NOT_KEPT:
            assert steps == []
            assert made.obstacles == ()
    if made.steps:
        last = path.rsplit(".", maxsplit=1)[-1]
        camel = last.split("_")[0] + "".join(part.title() for part in last.split("_")[1:])
        assert camel in made.steps[0].reason, "the reason names the field"


@pytest.mark.parametrize("field", JOB_FIELDS, ids=lambda field: field.path)
def test_a_change_of_a_job_field_does_what_its_class_says(field):
    old, new = VALUES[field.path]
    steps, made = planned(pair(job_body(field.path, old)), pair(job_body(field.path, new)))
    expect(steps, made, field.field_class, field.path)


@pytest.mark.parametrize("field", DETECTOR_FIELDS, ids=lambda field: field.path)
def test_a_change_of_a_detector_field_does_what_its_class_says(field):
    old, new = DETECTOR_VALUES[field.path]
    steps, made = planned(pair(detector_body(field.path, old)), pair(detector_body(field.path, new)))
    expect(steps, made, field.field_class, field.path)


@pytest.mark.parametrize("field", DATAFEED_FIELDS, ids=lambda field: field.path)
def test_a_change_of_a_datafeed_field_does_what_its_class_says(field):
    old, new = FEED_VALUES[field.path]
    steps, made = planned(pair(feed=feed_body(field.path, old)), pair(feed=feed_body(field.path, new)))
    expect(steps, made, field.field_class, field.path)


def test_the_model_input_is_what_is_read():
    assert {field.path for field in DATAFEED_FIELDS if field.model_input} == {
        "indices",
        "query",
        "aggregations",
        "script_fields",
        "runtime_mappings",
    }
    assert not of_class(DATAFEED_FIELDS, FieldClass.IMMUTABLE)


def test_a_manifest_body_is_what_the_tables_speak_of():
    """The tables are read with the bodies that the resource models make."""
    job = AnomalyJob.model_validate(
        {
            "metadata": {"name": "logs"},
            "spec": {
                "analysisConfig": {"bucketSpan": "15m", "detectors": [{"function": "mean", "fieldName": "bytes"}]},
                "dataDescription": {"timeField": "@timestamp"},
                "analysisLimits": {"modelMemoryLimit": "1gb"},
            },
        }
    )
    feed = Datafeed.model_validate(
        {
            "metadata": {"name": "datafeed-logs"},
            "spec": {"jobRef": {"name": "logs"}, "indices": ["logs"], "queryDelay": "60s"},
        }
    )
    body = job.spec.server_body()
    steps, made = planned(pair(body, feed.spec.server_body()), pair(body, feed.spec.server_body()))
    assert steps == []
    assert made.obstacles == ()
