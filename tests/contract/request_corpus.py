"""Good bodies by endpoint: what generated requests are made of by changing a part."""

from __future__ import annotations

from typing import Any

SEARCHES: tuple[dict[str, Any], ...] = (
    {
        "query": {"match_all": {}},
        "size": 3,
        "from": 1,
        "sort": [{"time": {"order": "desc", "missing": "_last"}}, "_score"],
    },
    {
        "query": {
            "bool": {
                "must": [{"term": {"host": {"value": "h1"}}}, {"terms": {"host": ["h1", "h2"]}}],
                "filter": {
                    "range": {"time": {"gte": 0, "lt": "2024-01-01||/d", "format": "epoch_millis||strict_date"}}
                },
                "should": [{"match": {"message": "a b"}}, {"wildcard": {"host": {"value": "h*"}}}],
                "must_not": [{"exists": {"field": "nothing"}}, {"prefix": {"host": "x"}}, {"ids": {"values": ["1"]}}],
                "minimum_should_match": 0,
            }
        },
        "_source": {"includes": ["ho*"], "excludes": ["x"]},
        "fields": ["host", {"field": "time", "format": "yyyy"}],
        "docvalue_fields": [{"field": "value", "format": "#.0"}],
        "track_total_hits": True,
    },
    {
        "size": 0,
        "aggs": {
            "t": {
                "date_histogram": {
                    "field": "time",
                    "fixed_interval": "10m",
                    "time_zone": "+02:00",
                    "offset": "1m",
                    "min_doc_count": 0,
                    "extended_bounds": {"min": 0, "max": 3600000},
                },
                "aggs": {
                    "h": {
                        "terms": {
                            "field": "host",
                            "size": 2,
                            "order": {"v": "desc"},
                            "include": ["h1", "h2"],
                            "missing": "n",
                        },
                        "aggs": {"v": {"avg": {"field": "value", "missing": 1}}},
                    },
                    "s": {"stats": {"field": "value"}},
                    "p": {"percentiles": {"field": "value", "percents": [1, 50, 99], "keyed": False}},
                },
            },
            "hist": {"histogram": {"field": "value", "interval": 5, "offset": 1, "hard_bounds": {"min": 0, "max": 40}}},
            "r": {"range": {"field": "value", "ranges": [{"to": 5}, {"from": 5, "to": 20, "key": "k"}], "keyed": True}},
            "dr": {"date_range": {"field": "time", "ranges": [{"from": "now-1d/d"}], "time_zone": "Europe/Berlin"}},
            "f": {"filters": {"filters": {"a": {"term": {"host": "h1"}}}, "other_bucket": True}},
            "c": {"cardinality": {"field": "host", "precision_threshold": 100}},
            "m": {"missing": {"field": "host"}, "aggs": {"n": {"value_count": {"field": "host"}}}},
        },
    },
)
QUERIES = tuple({"query": body["query"]} for body in SEARCHES if "query" in body)
RULE: dict[str, Any] = {
    "actions": ["skip_model_update", "force_time_shift"],
    "scope": {"host": {"filter_id": "law-filter", "filter_type": "exclude"}},
    "conditions": [{"applies_to": "time", "operator": "gte", "value": 5}],
    "params": {"force_time_shift": {"time_shift_amount": 60}},
}
JOB: dict[str, Any] = {
    "description": "a job",
    "groups": ["g"],
    "analysis_config": {
        "bucket_span": "15m",
        "detectors": [
            {
                "function": "mean",
                "field_name": "value",
                "by_field_name": "host",
                "partition_field_name": "p",
                "use_null": False,
                "custom_rules": [
                    {"actions": ["skip_result"], "conditions": [{"applies_to": "actual", "operator": "lt", "value": 5}]}
                ],
            },
            {"function": "high_count", "over_field_name": "user"},
        ],
        "influencers": ["host"],
        "model_prune_window": "30d",
    },
    "analysis_limits": {"model_memory_limit": "20mb", "categorization_examples_limit": 4},
    "data_description": {"time_field": "time", "time_format": "epoch_ms"},
    "model_plot_config": {"enabled": True, "terms": "a", "annotations_enabled": True},
    "results_retention_days": 10,
    "model_snapshot_retention_days": 5,
    "daily_model_snapshot_retention_after_days": 2,
    "renormalization_window_days": 3,
    "background_persist_interval": "2h",
    "allow_lazy_open": False,
    "results_index_name": "own",
    "custom_settings": {"a": {"b": [1]}},
}
DATAFEED: dict[str, Any] = {
    "job_id": "law-job",
    "indices": ["law-a"],
    "query": {"term": {"host": "h1"}},
    "query_delay": "60s",
    "frequency": "150s",
    "scroll_size": 100,
    "chunking_config": {"mode": "manual", "time_span": "1h"},
    "delayed_data_check_config": {"enabled": True, "check_window": "2h"},
    "max_empty_searches": 10,
    "indices_options": {"expand_wildcards": ["open"], "ignore_unavailable": True},
    "aggregations": {
        "buckets": {
            "date_histogram": {"field": "time", "fixed_interval": "60s"},
            "aggregations": {"time": {"max": {"field": "time"}}, "value": {"avg": {"field": "value"}}},
        }
    },
}
MAPPING: dict[str, Any] = {
    "dynamic": "strict",
    "properties": {
        "a": {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 10}}},
        "t": {"type": "date", "format": "epoch_second||yyyy/MM/dd"},
        "o": {"properties": {"n": {"type": "scaled_float", "scaling_factor": 100}}},
        "g": {"type": "geo_point"},
        "i": {"type": "ip"},
    },
    "dynamic_templates": [{"s": {"match_mapping_type": "string", "mapping": {"type": "keyword"}}}],
}
DOCUMENT: dict[str, Any] = {
    "time": "2024-01-01T00:00:00Z",
    "host": "h9",
    "value": 1.5,
    "o": {"a": [1, {"b": None}]},
    "n": 3,
}
BULK: tuple[dict[str, Any], ...] = (
    {"index": {"_index": "law-b", "_id": "1"}},
    DOCUMENT,
    {"create": {"_index": "law-b"}},
    DOCUMENT,
    {"update": {"_index": "law-b", "_id": "1", "retry_on_conflict": 1}},
    {"doc": {"n": 4}, "doc_as_upsert": True},
    {"delete": {"_index": "law-b", "_id": "2"}},
)

_PAGE = {"page": {"from": 0, "size": 10}, "start": "0", "end": "now", "sort": "timestamp", "desc": True}
_RESULTS = {**_PAGE, "exclude_interim": True}

# By method and the end of a path; the first that fits counts.
BODIES: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("/_search", SEARCHES),
    ("/_count", QUERIES),
    (
        "/_query",
        (
            {
                "query": "FROM law-* METADATA _id | WHERE host == ?h | STATS n = COUNT(*), MAX(value) BY host | SORT n",
                "params": [{"h": "h1"}],
                "columnar": True,
                "filter": {"term": {"host": "h1"}},
            },
            {"query": "ROW a = ?, b = ? | EVAL c = a + 1", "params": [1, "x"]},
        ),
    ),
    ("/_delete_by_query", ({"query": {"term": {"host": "nobody"}}},)),
    ("/_mapping", (MAPPING,)),
    ("/_aliases", ({"actions": [{"add": {"index": "law-a", "alias": "law-x", "filter": {"term": {"host": "h1"}}}}]},)),
    ("/_alias/{name}", ({"filter": {"term": {"host": "h1"}}, "is_write_index": True},)),
    ("/_update/{id:path}", ({"doc": {"n": 5}, "upsert": DOCUMENT, "detect_noop": True},)),
    ("/_doc", (DOCUMENT,)),
    ("/_doc/{id:path}", (DOCUMENT,)),
    ("/_create/{id:path}", (DOCUMENT,)),
    ("/_validate/detector", ({"function": "mean", "field_name": "value", "by_field_name": "host"},)),
    ("/_validate", (JOB,)),
    ("/anomaly_detectors/{job_id}", ({**JOB, "datafeed_config": {"indices": ["law-a"]}}, JOB)),
    (
        "/anomaly_detectors/{job_id}/_update",
        (
            {
                "description": "b",
                "groups": ["x"],
                "analysis_limits": {"model_memory_limit": "30mb"},
                "detectors": [{"detector_index": 0, "description": "d", "custom_rules": [RULE]}],
                "model_plot_config": {"enabled": False},
                "model_prune_window": "20d",
                "custom_settings": {},
            },
        ),
    ),
    ("/datafeeds/{datafeed_id}", (DATAFEED,)),
    ("/datafeeds/{datafeed_id}/_update", ({key: value for key, value in DATAFEED.items() if key != "job_id"},)),
    ("/_preview", ({"datafeed_config": {"indices": ["law-a"]}, "job_config": JOB}, {"datafeed_config": DATAFEED})),
    ("/_stop", ({"force": True, "timeout": "1s", "allow_no_match": True},)),
    ("/_close", ({"force": True, "timeout": "1s"},)),
    (
        "/overall_buckets",
        ({"top_n": 2, "bucket_span": "1h", "overall_score": 1.5, "start": "0", "allow_no_match": True},),
    ),
    ("/results/buckets", ({**_RESULTS, "anomaly_score": 10, "expand": True}, {"timestamp": "0"})),
    ("/results/records", ({**_RESULTS, "record_score": 10},)),
    ("/results/influencers", ({**_RESULTS, "influencer_score": 10},)),
    ("/model_snapshots", (_PAGE,)),
    ("/filters/{filter_id}", ({"items": ["a", "*.b"], "description": "d"},)),
    (
        "/filters/{filter_id}/_update",
        ({"add_items": ["c"], "remove_items": ["a"], "description": "e", "filter_id": "law-filter"},),
    ),
    ("/calendars/{calendar_id}", ({"job_ids": ["law-job", "x"], "description": "d"},)),
    ("/calendars", ({"page": {"from": 0, "size": 5}},)),
    (
        "/calendars/{calendar_id}/events",
        (
            {
                "events": [
                    {"description": "d", "start_time": 0, "end_time": "2024-01-01T00:00:00Z", "skip_result": False},
                    {"description": "e", "start_time": 5, "end_time": 10**13, "force_time_shift": -3600},
                ]
            },
        ),
    ),
    (
        "/_cluster/settings",
        ({"persistent": {"xpack.ml.max_model_memory_limit": "20gb"}, "transient": {"logger.a": "INFO"}},),
    ),
    ("/{index:index}", ({"mappings": MAPPING, "settings": {"index.number_of_shards": 1}, "aliases": {"law-y": {}}},)),
)
