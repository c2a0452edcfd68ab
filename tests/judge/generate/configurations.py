"""Bodies of jobs and datafeeds, for the parsers."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from random import Random
from typing import Any

from judge.cases import Case, Request
from judge.generate.families import case, family

AREA = "configurations"
_PER_BATCH = 8
_FIELDLESS = ["count", "high_count", "low_count", "non_zero_count"]
_VALUED = ["mean", "min", "max", "sum", "median", "varp", "high_mean", "low_sum", "distinct_count", "high_non_null_sum"]


def _job(job: Any) -> Request:
    return Request("PUT", "/_ml/anomaly_detectors/j", job)


def _detector(rng: Random) -> dict[str, Any]:
    if rng.random() < 0.4:
        detector: dict[str, Any] = {"function": rng.choice(_FIELDLESS)}
    else:
        detector = {"function": rng.choice(_VALUED), "field_name": rng.choice(["bytes", "latency"])}
    names = rng.sample(["host", "service", "region"], 3)
    for key, name in zip(("by_field_name", "partition_field_name", "over_field_name"), names, strict=True):
        if rng.random() < (0.15 if key == "over_field_name" else 0.35):
            detector[key] = name
    if rng.random() < 0.3:
        detector["detector_description"] = "odd traffic"
    if rng.random() < 0.2:
        detector["use_null"] = rng.choice([True, False])
    if rng.random() < 0.2:
        condition = {
            "applies_to": rng.choice(["actual", "typical", "diff_from_typical"]),
            "operator": rng.choice(["gt", "lte"]),
            "value": 5,
        }
        detector["custom_rules"] = [
            {"actions": rng.choice([["skip_result"], ["skip_model_update"]]), "conditions": [condition]}
        ]
    return detector


def _ordinary_job(rng: Random) -> dict[str, Any]:
    analysis: dict[str, Any] = {
        "bucket_span": rng.choice(["5m", "15m", "1h", "900s", "1d"]),
        "detectors": [_detector(rng) for _ in range(rng.randrange(1, 3))],
    }
    if rng.random() < 0.6:
        analysis["influencers"] = rng.sample(["host", "service", "region", "client.ip"], 2)
    if rng.random() < 0.15:
        analysis["model_prune_window"] = rng.choice(["30d", "10d"])
    body: dict[str, Any] = {"analysis_config": analysis, "data_description": {"time_field": "@timestamp"}}
    optional: dict[str, list[Any]] = {
        "description": ["Web traffic"],
        "groups": [["web"], ["web", "prod"]],
        "analysis_limits": [
            {"model_memory_limit": "50mb"},
            {"model_memory_limit": "1gb", "categorization_examples_limit": 4},
        ],
        "model_plot_config": [{"enabled": True}, {"enabled": True, "annotations_enabled": False}],
        "custom_settings": [{"team": "sre", "custom_urls": []}],
        "model_snapshot_retention_days": [10],
        "results_retention_days": [30],
        "results_index_name": ["web-results"],
        "allow_lazy_open": [True],
        "background_persist_interval": ["3h"],
        "renormalization_window_days": [14],
        "daily_model_snapshot_retention_after_days": [1],
    }
    for name in rng.sample(sorted(optional), rng.randrange(4)):
        body[name] = rng.choice(optional[name])
    if rng.random() < 0.3:
        body["data_description"]["time_format"] = rng.choice(
            ["epoch_ms", "epoch", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ssX"]
        )
    return body


@family(AREA, ordinary=True)
def jobs(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        yield case((), _job(_ordinary_job(rng)), changes=True)


_SIMPLE = {
    "analysis_config": {"bucket_span": "15m", "detectors": [{"function": "count"}]},
    "data_description": {"time_field": "@timestamp"},
}
_SUMMARY = copy.deepcopy(_SIMPLE) | {
    "analysis_config": {
        "bucket_span": "15m",
        "summary_count_field_name": "doc_count",
        "detectors": [{"function": "mean", "field_name": "bytes"}],
    }
}


def _ordinary_datafeed(rng: Random) -> dict[str, Any]:
    body: dict[str, Any] = {
        "job_id": "j",
        "indices": rng.choice([["logs-*"], ["logs", "metrics"]]),
        "query_delay": rng.choice(["60s", "2m"]),
    }
    optional: dict[str, list[Any]] = {
        "query": [{"match_all": {}}, {"bool": {"filter": [{"term": {"status": 500}}]}}, {"term": {"host": "a"}}],
        "frequency": ["150s", "5m"],
        "scroll_size": [500],
        "chunking_config": [{"mode": "auto"}, {"mode": "off"}, {"mode": "manual", "time_span": "1h"}],
        "delayed_data_check_config": [{"enabled": True}, {"enabled": False}, {"enabled": True, "check_window": "2h"}],
        "max_empty_searches": [10],
        "indices_options": [{"ignore_unavailable": True, "allow_no_indices": True, "expand_wildcards": ["open"]}],
    }
    for name in rng.sample(sorted(optional), rng.randrange(5)):
        body[name] = rng.choice(optional[name])
    return body


def _aggregations(rng: Random) -> dict[str, Any]:
    inner: dict[str, Any] = {"@timestamp": {"max": {"field": "@timestamp"}}, "bytes": {"avg": {"field": "bytes"}}}
    if rng.random() < 0.4:
        inner = {
            "@timestamp": inner["@timestamp"],
            "host": {"terms": {"field": "host", "size": 10}, "aggs": {"bytes": inner["bytes"]}},
        }
    if rng.random() < 0.5:
        return {
            "buckets": {
                "date_histogram": {"field": "@timestamp", "fixed_interval": rng.choice(["5m", "900s"])},
                "aggs": inner,
            }
        }
    sources = [
        {"date": {"date_histogram": {"field": "@timestamp", "fixed_interval": "5m"}}},
        {"service": {"terms": {"field": "service"}}},
    ]
    return {"buckets": {"composite": {"size": 1000, "sources": sources}, "aggregations": inner}}


def _datafeed(body: Any) -> Request:
    return Request("PUT", "/_ml/datafeeds/d", body)


@family(AREA, ordinary=True)
def datafeeds(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        yield case((_job(_SIMPLE),), _datafeed(_ordinary_datafeed(rng)), changes=True)


@family(AREA, ordinary=True)
def datafeeds_with_aggregations(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        body = _ordinary_datafeed(rng) | {rng.choice(["aggregations", "aggs"]): _aggregations(rng)}
        body.pop("scroll_size", None)
        yield case((_job(_SUMMARY),), _datafeed(body), changes=True)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value within a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _places(inner, (*path, key))


_ODD: list[Any] = [
    *(
        None,
        True,
        0,
        -1,
        1.5,
        10**12,
        "",
        " ",
        "x",
        "COUNT",
        "5",
        "true",
        "0s",
        "-5m",
        "1x",
        "100y",
        "10kb",
        [],
        {},
        [None],
        ["a"],
    ),
    *({"a": 1}, "ä", "a b", "A", "*", "_all", "yyyy-MM-dd", "yyyy-XX", "2h", "48h", 900, "900"),
]


def _mutated(rng: Random, body: dict[str, Any]) -> dict[str, Any]:
    """Return a body with one value replaced, removed, or one unknown key."""
    changed = copy.deepcopy(body)
    path = rng.choice(sorted(_places(changed), key=str))
    parent: Any = changed
    for key in path[:-1]:
        parent = parent[key]
    action = rng.random()
    if action < 0.65:
        parent[path[-1]] = rng.choice(_ODD)
    elif action < 0.85:
        del parent[path[-1]]
    elif isinstance(parent, dict):
        parent[
            rng.choice(
                [
                    "foo",
                    "Function",
                    "function",
                    "time_format",
                    "over_field_name",
                    "mode",
                    "job_id",
                    "job_type",
                    "exclude_frequent",
                ]
            )
        ] = rng.choice(_ODD)
    return changed


@family(AREA, ordinary=False)
def odd_jobs(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        yield case((), _job(_mutated(rng, _ordinary_job(rng))), changes=True)


@family(AREA, ordinary=False)
def odd_detectors(rng: Random) -> Iterator[Case]:
    functions = [
        *_FIELDLESS,
        *_VALUED,
        "Mean",
        "rare",
        "freq_rare",
        "info_content",
        "time_of_day",
        "lat_long",
        "metric",
        "non_null_sum",
        "low_varp",
        "avg",
        "high_median",
        "foo",
        "",
    ]
    for _ in range(_PER_BATCH):
        detector: dict[str, Any] = {"function": rng.choice(functions)}
        for key in ("field_name", "by_field_name", "over_field_name", "partition_field_name"):
            if rng.random() < 0.45:
                detector[key] = rng.choice(
                    ["a", "a", "b", "c", "count", "by", "over", 'a"b', "a.b", "@timestamp", "mlcategory", ""]
                )
        if rng.random() < 0.2:
            detector["exclude_frequent"] = rng.choice(["all", "none", "by", "over", "ALL", "foo"])
        job = copy.deepcopy(_SIMPLE)
        job["analysis_config"]["detectors"] = [detector] * rng.choice([1, 1, 1, 2])
        yield case((), _job(job), changes=True)


@family(AREA, ordinary=False)
def odd_datafeeds(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        if rng.random() < 0.5:
            yield case((_job(_SIMPLE),), _datafeed(_mutated(rng, _ordinary_datafeed(rng))), changes=True)
        else:
            body = {"job_id": "j", "indices": ["logs"], "aggregations": _aggregations(rng)}
            yield case((_job(_SUMMARY),), _datafeed(_mutated(rng, body)), changes=True)


@family(AREA, ordinary=True, held_out=True)
def updates(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        if rng.random() < 0.5:
            changed = _ordinary_job(rng)
            names = set(changed) - {"analysis_config", "data_description", "results_index_name", "analysis_limits"}
            body: dict[str, Any] = {name: changed[name] for name in sorted(names)} or {"description": "x"}
            yield case((_job(_SIMPLE),), Request("POST", "/_ml/anomaly_detectors/j/_update", body), changes=True)
        else:
            body = {name: value for name, value in _ordinary_datafeed(rng).items() if name != "job_id"}
            feed = _datafeed({"job_id": "j", "indices": ["logs"], "query_delay": "60s"})
            yield case((_job(_SIMPLE), feed), Request("POST", "/_ml/datafeeds/d/_update", body), changes=True)


@family(AREA, ordinary=False, held_out=True)
def odd_updates(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        changed = _mutated(rng, _ordinary_job(rng) | {"detectors": [{"detector_index": 0, "description": "x"}]})
        name = rng.choice(sorted(changed))
        yield case(
            (_job(_SIMPLE),), Request("POST", "/_ml/anomaly_detectors/j/_update", {name: changed[name]}), changes=True
        )
