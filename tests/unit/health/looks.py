"""Resources, observations and messages for the tests of health."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from anomalyops.health import Annotation, Messages, Notification, PlanState, datafeed_status, job_status
from anomalyops.plan import DatafeedState, JobState, ObservedDatafeed, ObservedJob
from anomalyops.resources import AnomalyJob, Datafeed, ElasticsearchConnection, find_condition

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
MB = 1024 * 1024


def job(generation=1, deleted=False, **spec):
    metadata = {"name": "logs", "namespace": "ns", "generation": generation}
    if deleted:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return AnomalyJob.model_validate(
        {
            "metadata": metadata,
            "spec": {
                "analysisConfig": {"bucketSpan": "15m", "detectors": [{"function": "count"}]},
                "dataDescription": {"timeField": "@timestamp"},
                **spec,
            },
        }
    )


def feed(generation=1, deleted=False, **spec):
    metadata = {"name": "datafeed-logs", "namespace": "ns", "generation": generation}
    if deleted:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return Datafeed.model_validate(
        {"metadata": metadata, "spec": {"jobRef": {"name": "logs"}, "indices": ["logs-*"], **spec}}
    )


def connection(generation=1, **spec):
    return ElasticsearchConnection.model_validate(
        {"metadata": {"name": "default", "generation": generation}, "spec": {"url": "http://es:9200", **spec}}
    )


def seen_job(
    state="opened", memory="ok", used=100 * MB, records=1284, explanation="", blocked=None, node="n1", buckets=10
):
    stats = {
        "data_counts": {
            "processed_record_count": records,
            "bucket_count": buckets,
            "latest_record_timestamp": 1_700_000_000_000,
        },
        "model_size_stats": {
            "model_bytes": used,
            "peak_model_bytes": used,
            "model_bytes_memory_limit": 1024 * MB,
            "memory_status": memory,
        },
    }
    if node and state == "opened":
        stats["node"] = {"id": "x", "name": node}
    return ObservedJob(
        config={"job_id": "logs"},
        state=JobState(state),
        blocked=blocked,
        model_bytes=used,
        assignment_explanation=explanation,
        stats=stats,
    )


def seen_feed(state="started", real_time=True, explanation="", **config):
    stats = {}
    if state == "started":
        stats["running_state"] = {"real_time_configured": True, "real_time_running": real_time}
    return ObservedDatafeed(
        config={"datafeed_id": "datafeed-logs", "query_delay": "61499ms", **config},
        state=DatafeedState(state),
        assignment_explanation=explanation,
        stats=stats,
    )


def noted(*texts, start=NOW):
    """Notifications, a second apart."""
    return Messages(
        notifications=tuple(
            Notification(timestamp=start + timedelta(seconds=place), level="info", message=text)
            for place, text in enumerate(texts)
        )
    )


def annotated(text, at=NOW):
    return Messages(annotations=(Annotation(timestamp=at, event="delayed_data", text=text),))


NOTHING = Messages()
DONE = PlanState()


def job_look(
    resource=None,
    observed=None,
    *,
    previous=None,
    state=DONE,
    messages=NOTHING,
    now=NOW,
    done=False,
    gone=False,
    trouble=None,
):
    return job_status(
        previous,
        resource or job(),
        None if gone else observed or seen_job(),
        None,
        state,
        messages,
        now,
        lookback_done=done,
        datafeed_trouble=trouble,
    )


def feed_look(
    resource=None,
    observed=None,
    *,
    previous=None,
    state=DONE,
    messages=NOTHING,
    now=NOW,
    done=False,
    gone=False,
    of_job=None,
    observed_job=None,
):
    return datafeed_status(
        previous,
        resource or feed(),
        of_job or carried_out(),
        None if gone else observed or seen_feed(),
        observed_job or seen_job(),
        state,
        messages,
        now,
        lookback_done=done,
    )


def carried_out():
    """A job whose manifest was carried out before this look."""
    return job().model_copy(update={"status": job_look()})


def told(status, type_="Ready"):
    """A condition as (status, reason), None when it is absent."""
    found = find_condition(status.conditions, type_)
    return None if found is None else (found.status.value, found.reason)


def message(status, type_="Ready"):
    return find_condition(status.conditions, type_).message
