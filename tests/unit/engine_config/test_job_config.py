# ruff: noqa: E501 - texts are compared whole
"""What a job body becomes, and with which words it is refused."""

import pytest

from anomalyops_engine.config import Job, MemorySize, create_job, update_job
from anomalyops_engine.refusals import MlError

COUNT = {"function": "count"}
NOW_MS = 1_700_000_000_000


def body(*detectors, data=None, **fields):
    analysis = {"bucket_span": "15m", "detectors": list(detectors or (COUNT,)), **fields.pop("analysis", {})}
    return {"analysis_config": analysis, "data_description": {} if data is None else data, **fields}


def create(*detectors, url="j1", maximum=None, **fields):
    maximum = None if maximum is None else MemorySize(maximum)
    return create_job(body(*detectors, **fields), job_id=url, now_ms=NOW_MS, maximum=maximum)[0].render()


def refusal(call):
    with pytest.raises(MlError) as caught:
        call()
    return caught.value


def test_a_minimal_job_gets_the_servers_defaults():
    assert create({"function": "sum", "field_name": "bytes"}) == {
        "job_id": "j1",
        "job_type": "anomaly_detector",
        "job_version": "12.0.0",
        "create_time": NOW_MS,
        "analysis_config": {
            "bucket_span": "15m",
            "detectors": [
                {
                    "detector_description": "sum(bytes)",
                    "function": "sum",
                    "field_name": "bytes",
                    "detector_index": 0,
                }
            ],
            "influencers": [],
            "model_prune_window": "30d",
        },
        "analysis_limits": {"model_memory_limit": "1024mb", "categorization_examples_limit": 4},
        "data_description": {"time_field": "time", "time_format": "epoch_ms"},
        "model_snapshot_retention_days": 10,
        "daily_model_snapshot_retention_after_days": 1,
        "results_index_name": "shared",
        "allow_lazy_open": False,
    }


@pytest.mark.parametrize(
    ("fields", "path", "expected"),
    [
        ({"analysis_limits": {"model_memory_limit": "1gb"}}, "analysis_limits.model_memory_limit", "1024mb"),
        ({"analysis_limits": {"model_memory_limit": 512}}, "analysis_limits.model_memory_limit", "512mb"),
        ({"analysis_limits": {"model_memory_limit": "2600kb"}}, "analysis_limits.model_memory_limit", "2mb"),
        ({"results_index_name": "web"}, "results_index_name", "custom-web"),
        ({"results_index_name": "custom-web"}, "results_index_name", "custom-web"),
        ({"data": {"format": "XContent", "time_field": "t"}}, "data_description.time_field", "t"),
        ({"model_plot_config": {"enabled": True}}, "model_plot_config.annotations_enabled", True),
        ({"model_plot_config": {"enabled": False}}, "model_plot_config.annotations_enabled", False),
        ({"analysis": {"bucket_span": "3600s"}}, "analysis_config.bucket_span", "3600s"),
        ({"analysis": {"bucket_span": "2d"}}, "analysis_config.model_prune_window", "40d"),
        ({"custom_settings": {"a": {"b": [1]}}}, "custom_settings.a.b", [1]),
    ],
)
def test_what_is_given_is_normalised(fields, path, expected):
    value = create(**fields)
    for key in path.split("."):
        value = value[key]
    assert value == expected


def test_data_format_is_accepted_and_never_returned():
    assert "format" not in create(data={"format": "xcontent"})["data_description"]


def test_daily_retention_is_absent_when_snapshots_are_kept_a_day():
    assert "daily_model_snapshot_retention_after_days" not in create(model_snapshot_retention_days=1)


@pytest.mark.parametrize(
    ("detector", "description"),
    [
        ({"function": "count"}, "count"),
        ({"function": "nzc", "partition_field_name": "host"}, "non_zero_count partitionfield=host"),
        ({"function": "high_dc", "field_name": "url", "over_field_name": "ip"}, "high_distinct_count(url) over ip"),
        ({"function": "mean", "field_name": "a.b", "by_field_name": "c"}, 'mean("a.b") by c'),
        ({"function": "sum", "field_name": "x", "use_null": True}, "sum(x) usenull=true"),
        (
            {"function": "max", "field_name": "x", "by_field_name": "y", "exclude_frequent": "ALL"},
            "max(x) by y excludefrequent=all",
        ),
    ],
)
def test_generated_descriptions(detector, description):
    assert create(detector)["analysis_config"]["detectors"][0]["detector_description"] == description


@pytest.mark.parametrize(
    ("detector", "reason"),
    [
        (
            {"function": "mean"},
            "Unless a count or temporal function is used one of field_name, by_field_name or over_field_name must be set",
        ),
        ({"function": "mean", "by_field_name": "a"}, "field_name must be set when the 'mean' function is used"),
        ({"function": "count", "field_name": "a"}, "field_name cannot be used with function 'count'"),
        ({"field_name": "a"}, "field_name cannot be used with function 'null'"),
        ({"function": "rare", "over_field_name": "a"}, "by_field_name must be set when the 'rare' function is used"),
        (
            {"function": "freq_rare", "by_field_name": "a"},
            "over_field_name must be set when the 'freq_rare' function is used",
        ),
        ({"function": "nzc", "over_field_name": "a"}, "over_field_name cannot be used with function 'non_zero_count'"),
        (
            {"function": "max", "field_name": 'a"b'},
            "Invalid field name 'a\"b'. Field names including over, by and partition fields cannot contain any of these characters: \",\\",
        ),
        (
            {"function": "count", "by_field_name": "a", "over_field_name": "a"},
            "by_field_name and over_field_name cannot be the same: 'a'",
        ),
        (
            {"function": "count", "by_field_name": "a", "partition_field_name": "a"},
            "partition_field_name and by_field_name cannot be the same: 'a'",
        ),
        ({"function": "count", "by_field_name": "count"}, "'count' is not a permitted value for by_field_name"),
        ({"function": "count", "over_field_name": "by"}, "'by' is not a permitted value for over_field_name"),
        ({"function": "frobnicate"}, "Unknown function 'frobnicate'"),
        (
            {"function": "count", "custom_rules": [{}]},
            "Invalid detector rule: at least scope or a condition is required",
        ),
        (
            {
                "function": "rare",
                "by_field_name": "a",
                "custom_rules": [{"conditions": [{"applies_to": "actual", "operator": "gt", "value": 1}]}],
            },
            "Invalid detector rule: function rare only supports conditions that apply to time",
        ),
        (
            {
                "function": "count",
                "by_field_name": "a",
                "partition_field_name": "b",
                "custom_rules": [{"scope": {"c": {"filter_id": "f"}}}],
            },
            "Invalid detector rule: scope field 'c' is invalid; select from [a, b]",
        ),
        (
            {"function": "count", "custom_rules": [{"scope": {"c": {"filter_id": "f"}}}]},
            "Invalid detector rule: scope field 'c' is invalid; detector has no available fields for scoping",
        ),
    ],
)
def test_detector_rules(detector, reason):
    error = refusal(lambda: create(detector))
    assert (error.status, error.type) == (400, "x_content_parse_exception")
    assert error.reason == "[job_details] failed to parse field [analysis_config]"
    assert error.caused_by["reason"] == "[analysis_config] failed to parse field [detectors]"
    assert error.root_reason() == reason


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"bogus": 1}, "[job_details] unknown field [bogus]"),
        ({"analysis": {"bogus": 1}}, "[analysis_config] unknown field [bogus]"),
        ({"analysis": {"detectors": [{"function": "count", "bogus": 1}]}}, "[detector] unknown field [bogus]"),
        ({"analysis": {"detectors": []}}, "No detectors configured"),
        ({"analysis": {"detectors": [COUNT, COUNT]}}, "Duplicate detectors are not allowed: [count]"),
        (
            {"analysis": {"bucket_span": "8w"}},
            "failed to parse setting [bucket_span] with value [8w] as a time value: unit is missing or unrecognized",
        ),
        ({"analysis": {"bucket_span": "0s"}}, "bucket_span cannot be less or equal than 0. Value = 0s"),
        ({"analysis": {"bucket_span": "1500ms"}}, "bucket_span has to be a multiple of 1s; actual was '1.5s'"),
        (
            {"analysis": {"model_prune_window": "29m"}},
            "model_prune_window [29m] must be a multiple of bucket_span [15m]",
        ),
        (
            {"analysis": {"model_prune_window": "15m"}},
            "model_prune_window [15m] must be at least 2 times greater than bucket_span [15m]",
        ),
        (
            {"analysis": {"summary_count_field_name": "n", "detectors": [{"function": "metric", "field_name": "x"}]}},
            "The 'metric' function cannot be used in jobs that will take pre-summarized input",
        ),
        (
            {"analysis": {"influencers": ["a", "a.b"]}},
            "Fields [a] and [a.b] cannot both be used in the same analysis_config",
        ),
        (
            {"analysis": {"categorization_field_name": "m"}},
            "categorization_field_name is set but mlcategory is not used in any detector by/over/partition field",
        ),
        (
            {"analysis": {"detectors": [{"function": "count", "by_field_name": "mlcategory"}]}},
            "categorization_field_name must be set for mlcategory to be available",
        ),
        ({"analysis": {"influencers": ["time"]}}, "data_description.time_field may not be used in the analysis_config"),
        ({"data": {"format": "csv"}}, "No enum constant DataDescription.DataFormat.CSV"),
        ({"data": {"time_format": "nope"}}, "Invalid Time format string 'nope'"),
        ({"analysis_limits": {"model_memory_limit": "500kb"}}, "model_memory_limit must be at least 1 MiB. Value = 0"),
        ({"background_persist_interval": "10m"}, "background_persist_interval cannot be less than 3,600. Value = 600"),
        ({"results_retention_days": -1}, "results_retention_days cannot be less than 0. Value = -1"),
        (
            {"model_snapshot_retention_days": 3, "daily_model_snapshot_retention_after_days": 4},
            "The value of daily_model_snapshot_retention_after_days [4] cannot be greater than model_snapshot_retention_days [3]",
        ),
        (
            {"groups": ["Bad"]},
            "Invalid group id 'Bad'; must be non-empty string and may contain lowercase alphanumeric (a-z and 0-9), hyphens or underscores; must start and end with alphanumeric",
        ),
        ({"groups": ["j1"]}, "job and group names must be unique but job [j1] and group [j1] have the same name"),
        (
            {"model_snapshot_id": "1"},
            "The job is configured with fields [model_snapshot_id] that are illegal to set at job creation",
        ),
        (
            {"create_time": 5, "finished_time": 6},
            "The job is configured with fields [create_time, finished_time] that are illegal to set at job creation",
        ),
        (
            {"job_id": "other"},
            "Inconsistent job_id; 'other' specified in the body differs from 'j1' specified as a URL argument",
        ),
        (
            {"url": "X"},
            "Invalid job_id; 'X' can contain lowercase alphanumeric (a-z and 0-9), hyphens or underscores; must start and end with alphanumeric",
        ),
        ({"url": "a" * 65}, "The job id cannot contain more than 64 characters."),
        (
            {"url": "_all"},
            "Invalid job_id; '_all' can contain lowercase alphanumeric (a-z and 0-9), hyphens or underscores; must start and end with alphanumeric",
        ),
        (
            {"results_index_name": "A"},
            "Invalid results_index_name; 'A' can contain lowercase alphanumeric (a-z and 0-9), hyphens or underscores; must start and end with alphanumeric",
        ),
    ],
)
def test_job_rules(fields, reason):
    error = refusal(lambda: create(**fields))
    assert error.status == 400
    assert error.root_reason() == reason


def test_a_job_needs_analysis_and_data_description():
    missing = refusal(lambda: create_job({"data_description": {}}, job_id="j", now_ms=0))
    assert missing.reason == "An analysis_config must be set"
    missing = refusal(lambda: create_job({"analysis_config": {"detectors": [COUNT]}}, job_id="j", now_ms=0))
    assert missing.reason == "A data_description must be set"


def test_equal_detectors_pass_when_their_descriptions_differ():
    create(COUNT, {**COUNT, "detector_description": "other"})


def test_the_servers_memory_maximum_is_default_and_bound():
    assert create(maximum=512)["analysis_limits"]["model_memory_limit"] == "512mb"
    error = refusal(lambda: create(maximum=9 * 1024, analysis_limits={"model_memory_limit": "10gb"}))
    assert error.reason == (
        "model_memory_limit [10gb] must be less than the value of the xpack.ml.max_model_memory_limit setting [9gb]"
    )


def test_rules_get_their_defaults():
    rule = {"scope": {"h": {"filter_id": "f"}}}
    detector = create({"function": "count", "by_field_name": "h", "custom_rules": [rule]})
    assert detector["analysis_config"]["detectors"][0]["custom_rules"] == [
        {"actions": ["skip_result"], "scope": {"h": {"filter_type": "include", "filter_id": "f"}}}
    ]


# --- updates ---


def update(job, change, *, opened=False, model_bytes=0, maximum=None):
    return update_job(Job.load(job), change, opened=opened, model_bytes=model_bytes, maximum=maximum).job.render()


def test_analysis_limits_are_replaced_with_defaults():
    job = create(analysis_limits={"model_memory_limit": "50mb", "categorization_examples_limit": 9})
    changed = update(job, {"analysis_limits": {"model_memory_limit": "60mb"}})
    assert changed["analysis_limits"] == {"model_memory_limit": "60mb", "categorization_examples_limit": 4}
    changed = update(job, {"analysis_limits": {"categorization_examples_limit": 7}}, opened=True)
    assert changed["analysis_limits"] == {"model_memory_limit": "1024mb", "categorization_examples_limit": 7}


def test_objects_are_replaced_whole_and_null_changes_nothing():
    job = create(
        description="d",
        custom_settings={"a": 1, "b": 2},
        model_plot_config={"enabled": True, "terms": "x"},
        groups=["g"],
    )
    changed = update(
        job,
        {"description": None, "custom_settings": {"a": 3}, "model_plot_config": {"enabled": False}, "groups": []},
    )
    assert changed["description"] == "d"
    assert changed["custom_settings"] == {"a": 3}
    assert changed["model_plot_config"] == {"enabled": False, "annotations_enabled": False}
    assert "groups" not in changed
    assert job["custom_settings"] == {"a": 1, "b": 2}


def test_detectors_change_by_index_under_the_key_description():
    job = create(COUNT, {"function": "max", "field_name": "x"})
    rule = {"conditions": [{"applies_to": "actual", "operator": "gt", "value": 5}]}
    changed = update(job, {"detectors": [{"detector_index": 1, "description": "highest", "custom_rules": [rule]}]})
    first, second = changed["analysis_config"]["detectors"]
    assert first == job["analysis_config"]["detectors"][0]
    assert second["detector_description"] == "highest"
    assert second["custom_rules"] == [{"actions": ["skip_result"], **rule}]
    cleared = update(changed, {"detectors": [{"detector_index": 1, "custom_rules": []}]})
    assert "custom_rules" not in cleared["analysis_config"]["detectors"][1]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bucket_span": "1h"}, "[job_update] unknown field [bucket_span]"),
        ({"results_index_name": "x"}, "[job_update] unknown field [results_index_name]"),
        ({"model_snapshot_id": "x"}, "[job_update] unknown field [model_snapshot_id]"),
        ({"detectors": [{"detector_index": 3}]}, "Supplied detector_index [3] is >= the number of detectors [1]"),
        (
            {"per_partition_categorization": {"enabled": True}},
            "analysis_config.per_partition_categorization.enabled cannot be updated",
        ),
        ({"model_prune_window": "20m"}, "model_prune_window [20m] must be a multiple of bucket_span [15m]"),
        (
            {"daily_model_snapshot_retention_after_days": 11},
            "The value of daily_model_snapshot_retention_after_days [11] cannot be greater than model_snapshot_retention_days [10]",
        ),
        (
            {"analysis_limits": {"model_memory_limit": "15mb"}},
            "Invalid update value for analysis_limits: model_memory_limit cannot be decreased below current usage; current usage [20mb], update had [15mb]",
        ),
        (
            {"job_id": "j2"},
            "Inconsistent job_id; 'j2' specified in the body differs from 'j1' specified as a URL argument",
        ),
        ({"categorization_filters": ["a"]}, "categorization_filters require setting categorization_field_name"),
    ],
)
def test_update_rules(change, reason):
    error = refusal(lambda: update(create(), change, model_bytes=20 << 20))
    assert error.status == 400
    assert error.root_reason() == reason


def test_the_memory_limit_of_an_open_job_cannot_change():
    error = refusal(lambda: update(create(), {"analysis_limits": {"model_memory_limit": "2gb"}}, opened=True))
    assert (error.status, error.type) == (400, "status_exception")
    assert error.reason == "Cannot update analysis_limits while the job is open"
