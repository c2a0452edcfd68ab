"""Bodies as the parsers of Elasticsearch judge them: each case was put before them."""

from __future__ import annotations

from typing import Any

import pytest
from generated_configs import NOW_MS

from anomalyops_engine.config import create_datafeed, create_job
from anomalyops_engine.jobs.search_check import SEARCH_CHECK
from anomalyops_engine.refusals import MlError

COUNT = {"function": "count"}
HISTOGRAM = {
    "buckets": {
        "date_histogram": {"field": "time", "fixed_interval": "5m"},
        "aggregations": {"time": {"max": {"field": "time"}}},
    }
}


def job(*detectors: dict[str, Any], analysis: Any = None, data: Any = None, **fields: Any) -> dict[str, Any]:
    config = {"bucket_span": "15m", "detectors": list(detectors or (COUNT,)), **(analysis or {})}
    body = {"analysis_config": config, "data_description": data or {}, **fields}
    return create_job(body, job_id="j1", now_ms=NOW_MS)[0].render()


def datafeed(**fields: Any) -> dict[str, Any]:
    body = {"job_id": "j", "indices": ["a"], **fields}
    made = create_datafeed(body, datafeed_id="d1", search=SEARCH_CHECK)
    summarised, _ = create_job(
        {
            "analysis_config": {"bucket_span": "15m", "detectors": [COUNT], "summary_count_field_name": "doc_count"},
            "data_description": {},
        },
        job_id="j",
        now_ms=NOW_MS,
    )
    made.check_with(summarised)
    return made.render()


def refusal(call: Any, **fields: Any) -> tuple[int, str]:
    with pytest.raises(MlError) as caught:
        call(**fields)
    return caught.value.status, caught.value.root_reason()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"analysis": {"detectors": [{"function": "COUNT"}]}}, "Unknown function 'COUNT'"),
        ({"analysis": {"detectors": [{"function": "nns", "field_name": "x"}]}}, "Unknown function 'nns'"),
        (
            {"analysis": {"bucket_span": None}},
            "[analysis_config] bucket_span doesn't support values of type: VALUE_NULL",
        ),
        (
            {"analysis": {"influencers": None}},
            "[analysis_config] influencers doesn't support values of type: VALUE_NULL",
        ),
        ({"data": {"time_field": None}}, "[data_description] time_field doesn't support values of type: VALUE_NULL"),
        ({"description": 5}, "[job_details] description doesn't support values of type: VALUE_NUMBER"),
        ({"job_type": "anomaly_detector"}, "[job_details] unknown field [job_type]"),
        ({"analysis": {"detectors": [[]]}}, "expected value but got [START_ARRAY]"),
        ({"model_snapshot_retention_days": "x"}, 'For input string: "x"'),
        ({"data": {"time_format": "yyyy-MM-dd"}}, "Invalid Time format string 'yyyy-MM-dd'"),
        ({"data": {"time_format": "HH:mm:ss"}}, "Invalid Time format string 'HH:mm:ss'"),
        ({"data": {"time_format": "yyyy-MM-dd hh:mm"}}, "Invalid Time format string 'yyyy-MM-dd hh:mm'"),
        ({"data": {"time_format": "yyyy-XX-zz!"}}, "Invalid Time format string 'yyyy-XX-zz!'"),
        ({"data": {"time_format": "MMMMMM"}}, "Invalid Time format string 'MMMMMM'"),
        ({"analysis": {"detectors": [COUNT, COUNT]}}, "Duplicate detectors are not allowed: [count]"),
    ],
)
def test_job_bodies_that_are_refused(fields: Any, reason: str) -> None:
    assert refusal(job, **fields) == (400, reason)


@pytest.mark.parametrize("analysis", [{"detectors": [COUNT, COUNT]}, {"influencers": ["time"]}])
def test_what_contradicts_across_a_job_is_an_illegal_argument(analysis: Any) -> None:
    with pytest.raises(MlError) as caught:
        job(analysis=analysis)
    assert caught.value.type == "illegal_argument_exception"


@pytest.mark.parametrize(
    "pattern",
    [
        *("yyyy-MM-dd HH", "MMM d HH:mm:ss", "yyyy-DDD HH", "dd/MMM/yyyy:HH:mm:ss Z", "yyyyMMddHHmmss", "MM-dd h a"),
        *("yyyy-MM-dd'T'HH:mm:ss.SSSX", "EEE MMM dd HH:mm:ss zzz yyyy", "yyyy-MM-dd A", "[MM-dd] HH"),
    ],
)
def test_time_formats_that_name_a_date_and_a_time(pattern: str) -> None:
    assert job(data={"time_format": pattern})["data_description"]["time_format"] == pattern


def test_rules_are_shown_as_they_were_given() -> None:
    conditions = [{"applies_to": "actual", "operator": "gt", "value": 1.0}]
    rules = [
        {"conditions": conditions},
        {"actions": [], "conditions": conditions},
        {"actions": ["skip_model_update", "skip_result"], "conditions": conditions},
    ]
    shown = job({**COUNT, "custom_rules": rules})["analysis_config"]["detectors"][0]["custom_rules"]
    assert [rule["actions"] for rule in shown] == [["skip_result"], [], ["skip_result", "skip_model_update"]]


def test_empty_texts_are_kept() -> None:
    made = job({**COUNT, "by_field_name": "", "detector_description": ""}, description="")
    assert made["description"] == ""
    assert made["analysis_config"]["detectors"][0]["by_field_name"] == ""
    assert made["analysis_config"]["detectors"][0]["detector_description"] == ""


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, {"query": {"match_all": {}}, "chunking_config": {"mode": "auto"}, "query_delay": "72314ms"}),
        ({"datafeed_id": "other"}, {"datafeed_id": "d1"}),
        ({"aggs": HISTOGRAM}, {"chunking_config": {"mode": "manual", "time_span": "300000000ms"}}),
        (
            {
                "aggregations": {
                    "c": {
                        "composite": {
                            "sources": [{"d": {"date_histogram": {"field": "time", "fixed_interval": "5m"}}}]
                        },
                        "aggs": {"time": {"max": {"field": "time"}}},
                    }
                }
            },
            {"chunking_config": {"mode": "off"}},
        ),
        ({"query_delay": "0"}, {"query_delay": "0ms"}),
        ({"scroll_size": "12.7"}, {"scroll_size": 12}),
        ({"max_empty_searches": -1}, {"max_empty_searches": None}),
        (
            {"indices_options": {"expandWildcards": "all", "unknown": 1, "ignore_unavailable": "true"}},
            {
                "indices_options": {
                    "expand_wildcards": ["open", "closed", "hidden"],
                    "ignore_unavailable": True,
                    "allow_no_indices": True,
                    "ignore_throttled": True,
                }
            },
        ),
        (
            {
                "aggregations": {
                    "buckets": {
                        "histogram": {"field": "@timestamp", "interval": 300000},
                        "aggs": {"@timestamp": {"max": {"field": "@timestamp"}}},
                    }
                }
            },
            {"chunking_config": {"mode": "manual", "time_span": "300000000ms"}},
        ),
    ],
)
def test_datafeed_bodies_and_what_they_become(fields: Any, shown: dict[str, Any]) -> None:
    made = datafeed(**fields)
    assert {name: made.get(name) for name in shown} == shown


def below(child: dict[str, Any]) -> dict[str, Any]:
    histogram = HISTOGRAM["buckets"]
    return {"buckets": {**histogram, "aggregations": {**histogram["aggregations"], "x": child}}}


@pytest.mark.parametrize(
    ("fields", "status", "reason"),
    [
        ({"aggregations": {}}, 400, "aggs cannot be empty"),
        ({"chunking_config": {"mode": "manual"}}, 400, "when chunk mode is manual time_span is required"),
        (
            {"delayed_data_check_config": {"enabled": True, "check_window": "48h"}},
            400,
            "check_window [48h] must be less than or equal to [24h]",
        ),
        ({"query_delay": "500micros"}, 400, "query_delay has to be a multiple of 1ms; actual was '500micros'"),
        ({"indices": []}, 400, "Invalid indices value '[]' in datafeed configuration"),
        (
            {"aggregations": below(HISTOGRAM["buckets"])},
            400,
            "Aggregations can only have 1 date_histogram or histogram aggregation",
        ),
        (
            {"aggregations": {"hosts": {"terms": {"field": "host"}, "aggs": HISTOGRAM}}},
            501,
            "[terms] above the histogram of a datafeed's aggregations is not supported by this engine; "
            "supported: below it",
        ),
        (
            {"script_fields": {"a": {"script": "1"}}, "aggregations": HISTOGRAM},
            400,
            "script_fields cannot be used in combination with aggregations",
        ),
    ],
)
def test_datafeed_bodies_that_are_refused(fields: Any, status: int, reason: str) -> None:
    assert refusal(datafeed, **fields) == (status, reason)


@pytest.mark.parametrize(
    ("child", "named"),
    [
        ({"derivative": {"buckets_path": "_count", "unit": "1s"}}, "derivative"),
        ({"bucket_script": {"buckets_path": {"a": "_count"}, "script": "while (true) {}"}}, "[while]"),
        ({"moving_fn": {"buckets_path": "_count", "window": 2, "script": "1"}}, "moving_fn"),
        ({"nested": {"path": "p"}}, "nested"),
        ({"filters": {"filters": {"a": {"match_all": {}}}}}, "filters"),
        ({"stats": {"field": "v"}}, "stats"),
        ({"percentiles": {"field": "v"}}, "percentiles"),
    ],
)
def test_aggregations_that_cannot_run_are_refused_by_name(child: dict[str, Any], named: str) -> None:
    status, reason = refusal(datafeed, aggregations=below(child))
    assert status in {400, 501}
    assert named in reason.lower()


@pytest.mark.parametrize("query", [{"regexp": {"a": "b.*"}}, {"nested": {"path": "a", "query": {"match_all": {}}}}])
def test_queries_that_the_engine_lacks_are_not_called_unparsable(query: dict[str, Any]) -> None:
    with pytest.raises(MlError) as caught:
        datafeed(query=query)
    assert (caught.value.status, caught.value.type) == (501, "not_implemented_exception")
    assert next(iter(query)) in caught.value.reason
