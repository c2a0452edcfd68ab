"""Of the stats of thousands of jobs only parts are asked for: what is left out must be read by nothing."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from anomalyops.elastic.gateway import FEED_STATS, JOB_STATS
from anomalyops.reconciler import Observation, Pair
from anomalyops.resources import Resource
from anomalyops_engine.api.filtering import keep_paths

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MS = round(NOW.timestamp() * 1000)
PAIR = Pair(
    job=Resource.from_object(
        {
            "apiVersion": "anomalyops.io/v1alpha1",
            "kind": "AnomalyJob",
            "metadata": {"name": "web", "namespace": "ops", "uid": "uid-1", "generation": 1},
            "spec": {
                "analysisConfig": {"bucketSpan": "15m", "detectors": [{"function": "count"}]},
                "dataDescription": {"timeField": "@timestamp"},
                "analysisLimits": {"modelMemoryLimit": "64mb"},
            },
        }
    ),
    datafeed=Resource.from_object(
        {
            "apiVersion": "anomalyops.io/v1alpha1",
            "kind": "Datafeed",
            "metadata": {"name": "feed", "namespace": "ops", "uid": "uid-2", "generation": 1},
            "spec": {"jobRef": {"name": "web"}, "indices": ["logs-*"], "queryDelay": "60s"},
        }
    ),
)


counts = st.integers(0, 10**6)
times = st.integers(MS - 10**9, MS)
nodes = st.none() | st.fixed_dictionaries(
    {
        "id": st.just("n1"),
        "name": st.sampled_from(["node-a", "node-b"]),
        "ephemeral_id": st.just("e1"),
        "transport_address": st.just("10.0.0.1:9300"),
        "attributes": st.just({"ml.machine_memory": "1"}),
    }
)
job_stats = st.fixed_dictionaries(
    {
        "job_id": st.just("web"),
        "state": st.sampled_from(["opened", "closed", "failed", "opening", "closing"]),
        "data_counts": st.fixed_dictionaries(
            {
                "job_id": st.just("web"),
                **dict.fromkeys(
                    (
                        *("processed_record_count", "processed_field_count", "input_bytes", "input_field_count"),
                        *("invalid_date_count", "missing_field_count", "out_of_order_timestamp_count"),
                        *("empty_bucket_count", "sparse_bucket_count", "bucket_count", "input_record_count"),
                    ),
                    counts,
                ),
                **dict.fromkeys(
                    (
                        *("earliest_record_timestamp", "latest_record_timestamp", "last_data_time"),
                        *("latest_empty_bucket_timestamp", "latest_sparse_bucket_timestamp", "log_time"),
                    ),
                    times,
                ),
            }
        ),
        "model_size_stats": st.fixed_dictionaries(
            {
                "job_id": st.just("web"),
                "result_type": st.just("model_size_stats"),
                "memory_status": st.sampled_from(["ok", "soft_limit", "hard_limit"]),
                "categorization_status": st.sampled_from(["ok", "warn"]),
                "timestamp": times,
                "log_time": times,
                **dict.fromkeys(
                    (
                        *("model_bytes", "model_bytes_exceeded", "model_bytes_memory_limit", "peak_model_bytes"),
                        *("total_by_field_count", "total_over_field_count", "total_partition_field_count"),
                        *("bucket_allocation_failures_count", "categorized_doc_count", "total_category_count"),
                    ),
                    counts,
                ),
            }
        ),
        "forecasts_stats": st.fixed_dictionaries({"total": counts, "forecasted_jobs": counts}),
        "timing_stats": st.fixed_dictionaries({"job_id": st.just("web"), "bucket_count": counts}),
    },
    optional={
        "deleting": st.booleans(),
        "assignment_explanation": st.sampled_from(["", "no node has room"]),
        "node": nodes,
        "open_time": st.just("5s"),
    },
)
feed_stats = st.fixed_dictionaries(
    {
        "datafeed_id": st.just("feed"),
        "state": st.sampled_from(["started", "stopped", "starting", "stopping"]),
        "timing_stats": st.fixed_dictionaries(
            {
                "job_id": st.sampled_from(["web", "web", "another"]),
                "search_count": counts,
                "bucket_count": counts,
                "total_search_time_ms": st.floats(0, 1e6),
                "average_search_time_per_bucket_ms": st.floats(0, 1e6),
                "exponential_average_search_time_per_hour_ms": st.floats(0, 1e6),
            }
        ),
    },
    optional={
        "assignment_explanation": st.sampled_from(["", "no node has room"]),
        "node": nodes,
        "running_state": st.fixed_dictionaries(
            {
                "real_time_configured": st.booleans(),
                "real_time_running": st.booleans(),
                "search_interval": st.just({"start_ms": 1, "end_ms": 2}),
            }
        ),
    },
)


@given(job_stats, feed_stats, st.booleans())
def test_what_is_left_out_of_stats_is_read_by_nothing(job: dict, feed: dict, known: bool) -> None:
    def looked(job_document: dict, feed_document: dict) -> Observation:
        configs = {
            "jobs": {"web": {"job_id": "web", "analysis_config": {"bucket_span": "15m", "detectors": []}}},
            "datafeeds": {"feed": {"datafeed_id": "feed", "job_id": "web", "indices": ["logs-*"]}},
        }
        return Observation(
            started_at=NOW,
            cluster="c",
            job_stats={"web": job_document},
            datafeed_stats={"feed": feed_document},
            **(configs if known else {}),
        )

    whole = looked(job, feed)
    kept = keep_paths({"jobs": [job], "datafeeds": [feed]}, [f"jobs.{part}" for part in JOB_STATS])["jobs"][0]
    kept_feed = keep_paths({"datafeeds": [feed]}, [f"datafeeds.{part}" for part in FEED_STATS])["datafeeds"][0]
    parts = looked(kept, kept_feed)
    assert parts.assess(PAIR) == whole.assess(PAIR)
    assert parts.figures() == whole.figures()
