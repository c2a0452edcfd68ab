"""An incident whose truth is known, planted as results, messages and source documents of a few jobs."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

from anomalyops_insight.server import Endpoint, Server, Session
from anomalyops_insight.toolset import find

RESULTS = ".ml-anomalies-shared"
BEGIN = datetime(2026, 1, 10, 10, tzinfo=UTC)
START, END = "2026-01-10T10:00:00Z", "2026-01-10T12:00:00Z"
WINDOW = {"start": START, "end": END}
PATTERN = r".*?request.+?failed.*"


def at(minutes: float) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


def stamp(minutes: float) -> str:
    return at(minutes).isoformat()


def answer(url: str, tool: str, way: str = "auto", **values):
    """What a tool found."""
    return answer_and_asked(url, tool, way, **values)[0]


def answer_and_asked(url: str, tool: str, way: str = "auto", **values):
    async def run():
        async with Server(Endpoint(urls=(url,))) as server:
            session = Session(server, way)
            return await session.run(find(tool).run(values)), session.asked

    return asyncio.run(run())


def result(job: str, kind: str, minutes: float, **values) -> dict:
    return {
        "job_id": job,
        "result_type": kind,
        "timestamp": stamp(minutes),
        "bucket_span": 300,
        "is_interim": False,
    } | values


def influencer(job: str, minutes: float, field: str, value: str, score: float) -> dict:
    named = {"influencer_field_name": field, "influencer_field_value": value, "probability": 1e-6}
    return result(job, "influencer", minutes, influencer_score=score, initial_influencer_score=score, **named)


def record(job: str, minutes: float, score: float, initial: float, **values) -> dict:
    values = {"detector_index": 0, "probability": 1e-9, "multi_bucket_impact": -5.0} | values
    return result(job, "record", minutes, record_score=score, initial_record_score=initial, **values)


def bucket(job: str, minutes: float, score: float, events: int) -> dict:
    return result(job, "bucket", minutes, anomaly_score=score, initial_anomaly_score=score, event_count=events)


CHECKOUT = {"partition_field_name": "service", "partition_field_value": "checkout"}
CPU = {"function": "mean", "field_name": "system.cpu.pct", "by_field_name": "host", "by_field_value": "db1"}
LATENCY = {"function": "high_mean", "field_name": "latency_ms"}
PLANTED = [
    influencer("db-cpu", 0, "host", "db1", 90),
    influencer("web-errors", 10, "host", "db1", 60),
    influencer("web-latency", 15, "host", "db1", 70),
    influencer("web-errors", 60, "host", "db1", 20),
    influencer("web-errors", 10, "service", "checkout", 80),
    influencer("web-latency", 15, "service", "checkout", 50),
    influencer("web-latency", 20, "host", "h9", 95),
    influencer("web-latency", 500, "host", "late", 99),
    record("db-cpu", 0, 88, 95, actual=[0.99], typical=[0.2], multi_bucket_impact=4.0, **CPU),
    record("db-cpu", 5, 70, 70, actual=[0.97], typical=[0.2], **CPU),
    record("web-latency", 15, 60, 90, actual=[2100.0], typical=[130.0], **LATENCY, **CHECKOUT)
    | {
        "anomaly_score_explanation": {
            "anomaly_type": "spike",
            "anomaly_length": 2,
            "single_bucket_impact": 9,
            "upper_confidence_bound": 190.0,
            "high_variance_penalty": True,
        }
    },
    record("web-errors", 10, 30, 30, actual=[0.0], typical=[40.0], function="count", **CHECKOUT),
    record("web-errors", 20, 12, 12, actual=[30.0], typical=[40.0], function="count", **CHECKOUT),
    bucket("db-cpu", 0, 91, 60),
    bucket("db-cpu", 5, 40, 60),
    bucket("web-latency", 15, 75, 10),
    bucket("web-latency", 20, 26, 10),
    bucket("web-latency", 25, 3, 7),
    *(
        result(
            "web-latency", "model_plot", minutes, detector_index=0, model_feature="'mean value by person'",
            model_lower=90.0, model_median=130.0, model_upper=190.0, actual=actual, **CHECKOUT,
        )
        for minutes, actual in ((15, 2100.0), (20, 131.0))
    ),
    result(
        "web-latency", "model_forecast", 60, forecast_id="f1", detector_index=0, forecast_lower=80.0,
        forecast_prediction=120.0, forecast_upper=160.0,
    ),
    *(
        {
            "job_id": job, "result_type": "model_size_stats", "timestamp": stamp(minutes), "log_time": stamp(minutes),
            "model_bytes": size, "peak_model_bytes": size, "model_bytes_memory_limit": 1000,
            "model_bytes_exceeded": over, "memory_status": status, "total_by_field_count": by,
            "total_over_field_count": 0, "total_partition_field_count": 2,
            "total_category_count": 0, "bucket_allocation_failures_count": failed,
            "categorization_status": "ok",
        }
        for job, minutes, size, over, status, by, failed in (
            ("db-cpu", 0, 400, 0, "ok", 3, 0),
            ("db-cpu", 30, 1000, 77, "hard_limit", 150_000, 4),
            ("web-latency", 30, 500, 0, "ok", 3, 0),
        )
    ),
    {
        "job_id": "web-latency", "snapshot_id": "s1", "timestamp": stamp(30), "description": "periodic",
        "retain": False, "snapshot_doc_count": 2, "latest_record_time_stamp": stamp(29),
        "latest_result_time_stamp": stamp(25),
    },
    {
        "job_id": "log-categories", "result_type": "category_definition", "category_id": 1, "mlcategory": "1",
        "terms": "request failed", "regex": PATTERN, "num_matches": 40, "examples": ["request 7 failed"],
        "max_matching_length": 30,
    },
    {
        "job_id": "log-categories", "result_type": "category_definition", "category_id": 2, "mlcategory": "2",
        "terms": "request served", "regex": r".*?request.+?served.*", "num_matches": 900,
        "examples": ["request served"], "max_matching_length": 30,
    },
]  # fmt: skip


def plant(client) -> None:
    """Jobs, their results, messages, annotations and source documents."""
    _source(client)
    _jobs(client)
    _index(client, RESULTS, PLANTED)
    _index(
        client,
        ".ml-notifications-000002",
        [
            {"job_id": "db-cpu", "level": "error", "message": "Job memory status changed to hard_limit",
             "timestamp": stamp(30), "node_name": "n1", "job_type": "anomaly_detector"},
            {"job_id": "web-latency", "level": "warning", "message": "Datafeed has been retrieving no data for a while",
             "timestamp": stamp(40), "node_name": "n1", "job_type": "anomaly_detector"},
        ],
    )  # fmt: skip
    late = "Datafeed has missed 7 documents due to ingest latency, latest bucket with missing data is [x]."
    _index(
        client,
        ".ml-annotations-000001",
        [
            {"job_id": "web-latency", "event": "delayed_data", "annotation": late, "timestamp": stamp(25),
             "end_timestamp": stamp(30), "create_time": stamp(40), "create_username": "_xpack", "type": "annotation"},
            {"job_id": "web-latency", "event": "user", "annotation": "deployed", "timestamp": stamp(25),
             "create_time": stamp(40), "create_username": "me", "type": "annotation"},
        ],
    )  # fmt: skip


def _index(client, index: str, documents: list[dict]) -> None:
    body = [part for document in documents for part in ({"index": {"_index": index}}, document)]
    assert not client.bulk(operations=body, refresh=True)["errors"]


def _source(client) -> None:
    """Web logs: ten requests in five minutes, ingested 30 seconds late, some much later; and messages."""
    kinds = {"@timestamp": "date", "event.ingested": "date", "latency_ms": "double", "message": "text"}
    mapping = {name: {"type": kind} for name, kind in kinds.items()}
    mapping |= {name: {"type": "keyword"} for name in ("service", "host", "dataset")}
    for index in ("web-logs-1", "db-metrics"):
        client.indices.create(index=index, mappings={"properties": mapping})
    documents = []
    for number in range(60):
        minutes = 10 + number / 2  # from 10:10 to 10:40
        documents.append(
            {
                "@timestamp": stamp(minutes),
                "event": {"ingested": stamp(minutes + (20 if number >= 58 else 0.5))},
                "service": "checkout" if number % 2 else "cart",
                "host": f"h{number % 5}",
                "latency_ms": 2100.0 if 10 <= number < 20 and number % 2 else 120.0,
                "message": f"request {number} {'failed' if 10 <= number < 20 else 'served'}",
                "dataset": "web",
            }
        )
    documents.append({"@timestamp": stamp(15), "service": "checkout", "host": "h0", "dataset": "other", "message": "-"})
    _index(client, "web-logs-1", documents)


def _jobs(client) -> None:
    def job(
        name: str, detector: dict, influencers: list[str], *, groups=(), index=None, query=None, **analysis
    ) -> None:
        client.ml.put_job(
            job_id=name,
            groups=list(groups),
            analysis_config={"bucket_span": "5m", "detectors": [detector], "influencers": influencers} | analysis,
            data_description={"time_field": "@timestamp"},
        )
        if index is not None:
            client.ml.put_datafeed(
                datafeed_id=f"datafeed-{name}", job_id=name, indices=[index], query_delay="90s",
                query=query or {"match_all": {}},
            )  # fmt: skip

    web = {"groups": ("web",), "index": "web-logs-*", "query": {"term": {"dataset": "web"}}}
    latency = {"function": "high_mean", "field_name": "latency_ms", "partition_field_name": "service"}
    job("web-latency", latency, ["service", "host"], **web)
    job("web-errors", {"function": "count", "partition_field_name": "service"}, ["service", "host"], **web)
    job("db-cpu", {"function": "mean", "field_name": "cpu", "by_field_name": "host"}, ["host"], index="db-metrics")
    category = {"function": "count", "by_field_name": "mlcategory"}
    job("log-categories", category, ["mlcategory"], index="web-logs-1", categorization_field_name="message")
    job("lonely", {"function": "count"}, [])


DAY = 24 * 60
BEGAN = {"stock": 62.0, "orders": 63.5}
"""When each of two services became slow, in minutes; both in the bucket from 60 to 65."""


def _metrics(name: str, begins: float, seed: int) -> list[dict]:
    """A value each five seconds, ten times as high for 25 minutes from `begins` on."""
    chance = random.Random(seed)
    documents = []
    for number in range(12 * 120):
        minutes = number / 12
        high = begins <= minutes < begins + 25
        value = {"took_ms": (1000 if high else 100) + chance.gauss(0, 20)}
        documents.append(
            {"@timestamp": at(2 * DAY + minutes).isoformat(), "service": name, "dataset": "steps", **value}
        )
    return documents


def plant_steps(client) -> None:
    """Two days later: two services whose latency rises in the same bucket, one 90 seconds after the other."""
    kinds = {"@timestamp": "date", "service": "keyword", "dataset": "keyword", "took_ms": "double"}
    properties = {name: {"type": kind} for name, kind in kinds.items()}
    client.indices.create(index="steps", mappings={"properties": properties})
    for number, (name, begins) in enumerate(BEGAN.items()):
        body = [part for one in _metrics(name, begins, number) for part in ({"index": {"_index": "steps"}}, one)]
        assert not client.bulk(operations=body, refresh=True)["errors"]
        job = f"steps-{name}"
        client.ml.put_job(
            job_id=job,
            analysis_config={
                "bucket_span": "5m",
                "detectors": [{"function": "mean", "field_name": "took_ms", "partition_field_name": "service"}],
                "influencers": ["service"],
            },
            data_description={"time_field": "@timestamp"},
        )
        client.ml.put_datafeed(
            datafeed_id=f"datafeed-{job}", job_id=job, indices=["steps"], query={"term": {"dataset": "steps"}}
        )
        values = {"partition_field_name": "service", "partition_field_value": name, "function": "mean"}
        planted = [
            made
            for bucket in range(60, 90, 5)
            for made in (
                influencer(job, 2 * DAY + bucket, "service", name, 80),
                record(job, 2 * DAY + bucket, 80, 80, field_name="took_ms", **values),
            )
        ]
        body = [part for one in planted for part in ({"index": {"_index": RESULTS}}, one)]
        assert not client.bulk(operations=body, refresh=True)["errors"]
