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

_ROLE: dict[str, Any] = {
    "cluster": ["monitor_ml", "manage_own_api_key"],
    "indices": [{"names": ["law-*", "/a.*/"], "privileges": ["read", "view_index_metadata"]}],
    "metadata": {"a": 1},
}
_KEY: dict[str, Any] = {"name": "k", "expiration": "1d", "role_descriptors": {"r": _ROLE}, "metadata": {"a": {"b": 1}}}
_PRIVILEGES: dict[str, Any] = {
    "cluster": ["monitor"],
    "index": [{"names": ["law-a", "*"], "privileges": ["read", "write"], "allow_restricted_indices": True}],
    "application": [],
}
_TEMPLATE: dict[str, Any] = {
    "index_patterns": ["law-made-*"],
    "template": {
        "settings": {"index.number_of_replicas": "0"},
        "mappings": {"properties": {"a": {"type": "long"}}},
        "aliases": {"law-t": {}},
    },
    "composed_of": ["law-part"],
    "ignore_missing_component_templates": ["law-part"],
    "priority": 5,
    "version": 3,
    "_meta": {"a": 1},
    "data_stream": {"hidden": True},
}
_ANALYZE: dict[str, Any] = {
    "tokenizer": {"type": "pattern", "pattern": "[ ,]", "flags": "CASE_INSENSITIVE", "group": -1},
    "filter": ["lowercase", {"type": "stop", "stopwords": ["a"], "ignore_case": True}, {"type": "length", "max": 5}],
    "char_filter": [{"type": "pattern_replace", "pattern": "(b+)", "replacement": "$1-"}, "html_strip"],
    "text": ["<b>A quick b</b>, c", "d"],
    "explain": False,
}

# By method and the end of a path; the first that fits counts.
BODIES: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("/_has_privileges", (_PRIVILEGES,)),
    ("/api_key/_bulk_update", ({"ids": ["nothing"], "role_descriptors": {"r": _ROLE}, "expiration": "2d"},)),
    ("/_security/_query/api_key", ({"query": {"term": {"name": "k"}}, "from": 0, "size": 5, "sort": ["name"]},)),
    ("/_security/api_key", (_KEY, {"ids": ["nothing"], "owner": False})),
    ("/api_key/{key_id}", ({key: _KEY[key] for key in ("role_descriptors", "metadata", "expiration")},)),
    ("/_password", ({"password": "long-enough"}, {"password_hash": "$2a$10$abc"})),
    (
        "/_security/user/{username}",
        (
            {
                "password": "long-enough",
                "roles": ["viewer"],
                "full_name": "F",
                "email": "a@b.org",
                "metadata": {"a": 1},
                "enabled": True,
            },
        ),
    ),
    ("/_security/role/{name}", (_ROLE,)),
    ("/_start", ({"start": "0", "end": "3600000", "timeout": "1s"},)),
    (
        "/_data",
        (
            [{"time": 60_000 * n, "host": "h1", "value": n} for n in range(3)],
            {"time": "2024-01-01T00:00:00Z", "host": ["h1", "h2"], "value": "1.5"},
        ),
    ),
    (
        "/{job_id}/_flush",
        ({"calc_interim": True, "start": "0", "end": "3600000", "advance_time": "60000", "skip_time": "1"}, None),
    ),
    ("/results/buckets/{timestamp}", ({"expand": True, "exclude_interim": False, "anomaly_score": 1},)),
    ("/model_snapshots/{snapshot_id}", (_PAGE,)),
    ("/results/categories", ({"page": {"from": 0, "size": 3}},)),
    ("/results/categories/{category_id}", ({"page": {"from": 0, "size": 3}},)),
    ("/_forecast", ({"duration": "1h", "expires_in": "2d", "max_model_memory": "10mb"},)),
    ("/model_snapshots/{snapshot_id}/_update", ({"description": "d", "retain": True},)),
    ("/model_snapshots/{snapshot_id}/_revert", ({"delete_intervening_results": True},)),
    (
        "/_estimate_model_memory",
        (
            {
                "analysis_config": JOB["analysis_config"],
                "overall_cardinality": {"host": 10, "p": 5, "user": 3},
                "max_bucket_cardinality": {"host": 4},
            },
        ),
    ),
    ("/calendars/", ({"page": {"from": 0, "size": 5}},)),
    ("/{job_id}/_open", ({"timeout": "1s"}, None)),
    ("/_async_search", SEARCHES),
    ("/_explain/{id:path}", QUERIES),
    ("/_validate/query", QUERIES),
    ("/_pit", ({}, {"index_filter": {"term": {"host": "h1"}}})),
    ("/_search/scroll", ({"scroll": "1m", "scroll_id": "nothing"}, {"scroll_id": ["nothing"]})),
    ("/_search/scroll/{scroll_id}", ({"scroll": "1m"},)),
    (
        "/_query/async",
        ({"query": "FROM law-* | LIMIT 3", "wait_for_completion_timeout": "1s", "keep_on_completion": False},),
    ),
    (
        "/_mget",
        (
            {"docs": [{"_index": "law-a", "_id": "1", "_source": ["host"], "routing": "r", "stored_fields": ["a"]}]},
            {"ids": ["1", "2"]},
        ),
    ),
    ("/_data_stream/{name}", (None,)),
    ("/_aliases/{name}", ({"filter": {"term": {"host": "h1"}}, "routing": "r", "is_hidden": False},)),
    ("/_simulate_index/{name}", (_TEMPLATE,)),
    ("/_simulate", (_TEMPLATE,)),
    ("/_simulate/{name}", (_TEMPLATE,)),
    ("/_index_template/{name}", (_TEMPLATE,)),
    ("/_component_template/{name}", ({"template": _TEMPLATE["template"], "version": 1, "_meta": {}},)),
    ("/_template/{name}", ({"index_patterns": ["law-old-*"], "order": 1, **_TEMPLATE["template"]},)),
    (
        "/_settings",
        ({"index": {"max_result_window": 500, "hidden": False, "number_of_replicas": 0}}, {"index.priority": 4}),
    ),
    ("/_field_caps", ({"fields": ["host", "*"], "index_filter": {"range": {"time": {"gte": 0}}}},)),
    ("/_analyze", (_ANALYZE, {"analyzer": "standard", "text": "a b"}, {"field": "host", "text": "a"})),
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

# What takes no body, by the end of a path.
BODILESS = (
    *("/_enable", "/_disable", "/set_upgrade_mode", "/_upgrade", "/jobs/{job_id}", "/_reset", "/_ml/{path:path}"),
    *("/stop", "/{index}/_open", "/_cache/clear", "/_forcemerge", "/_flush", "/_refresh", "/_resolve/index/{name}"),
    "/_block/{block}",
)
# Bodies of lines: by the end of a path, good lines.
LINES: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("/_bulk", BULK),
    (
        "/_text_structure/find_structure",
        (
            {"at": "2026-01-01T00:00:00Z", "n": 1, "o": {"a": [True, None]}},
            {"at": 1_767_225_600_000, "n": 1.5, "o": ""},
        ),
    ),
    (
        "/_msearch",
        (
            {"index": "law-a"},
            SEARCHES[1],
            {},
            SEARCHES[0],
            {"index": ["law-*"], "ignore_unavailable": True},
            SEARCHES[2],
        ),
    ),
)
