"""A job that comes to its memory limit says so where people look: stats, documents, notification and annotation."""

import pytest
from small_engine import SmallEngine

from anomalyops_engine.jobs.indices import ensure_engine_indices
from anomalyops_engine.query import search

START_MS = 1_704_067_200_000
HOUR_MS = 3_600_000
CONFIG = {
    "analysis_config": {
        "bucket_span": "1h",
        "detectors": [{"function": "mean", "field_name": "value", "partition_field_name": "host"}],
    },
    "analysis_limits": {"model_memory_limit": "1mb"},
    "data_description": {"time_field": "time"},
}


@pytest.fixture
def engine(store):
    with store.write() as writer:
        ensure_engine_indices(writer)
    engine = SmallEngine(store)
    engine.service.jobs.create("j", CONFIG)
    engine.service.jobs.open("j")
    return engine


def send(engine, hour, hosts):
    records = [{"time": START_MS + hour * HOUR_MS, "host": f"h{n}", "value": n} for n in range(hosts)]
    engine.service.data.post("j", records, size=1, reset=None)


def size(engine):
    return engine.service.jobs.stats("j", allow_no_match=True)["jobs"][0]["model_size_stats"]


def size_documents(engine):
    body = {"query": {"term": {"result_type": "model_size_stats"}}, "sort": [{"log_time": "asc"}]}
    with engine.registry.store.read() as reader:
        hits = search(reader, reader.resolve(".ml-anomalies-shared"), body)["hits"]["hits"]
    return [hit["_source"]["memory_status"] for hit in hits]


def test_what_comes_of_a_limit_that_is_too_low(engine):
    send(engine, 0, 2)
    send(engine, 1, 2)
    one = size(engine)["model_bytes"] // 2
    fit = (1 << 20) // one
    assert (size(engine)["memory_status"], engine.annotations("j")) == ("ok", [])
    send(engine, 1, fit - 2)
    send(engine, 2, 2)
    assert size(engine)["memory_status"] == "soft_limit"
    send(engine, 2, fit + 7)
    send(engine, 3, 2)
    stats = size(engine)
    assert (stats["memory_status"], stats["total_partition_field_count"]) == ("hard_limit", fit)
    assert stats["model_bytes_exceeded"] == 7 * one
    assert stats["bucket_allocation_failures_count"] == 1
    assert stats["model_bytes"] <= stats["model_bytes_memory_limit"] == 1 << 20
    soft = "Job memory status changed to soft_limit; memory pruning will now be more aggressive"
    hard = (
        f"Job memory status changed to hard_limit; job exceeded model memory limit 1mb by {7 * one}b. "
        "Adjust the analysis_limits.model_memory_limit setting to ensure all data is analyzed"
    )
    assert [text for text in engine.messages("j") if "memory" in text] == [soft, hard]
    assert [(note["annotation"], note["timestamp"]) for note in engine.annotations("j")] == [
        (soft, START_MS + HOUR_MS),
        (hard, START_MS + 2 * HOUR_MS),
    ]
    assert size_documents(engine) == ["ok", "soft_limit", "hard_limit"]
    # What is known goes on being analysed.
    send(engine, 4, fit)
    assert size(engine)["total_partition_field_count"] == fit


def test_a_closed_job_gets_more_memory_and_then_everybody_has_a_model(engine):
    for hour in range(3):
        send(engine, hour, 120)
    assert size(engine)["memory_status"] == "hard_limit"
    engine.service.jobs.close("j", allow_no_match=True, force=False, timeout_ms=1000)
    engine.service.jobs.update("j", {"analysis_limits": {"model_memory_limit": "32mb"}})
    engine.service.jobs.open("j")
    send(engine, 3, 120)
    send(engine, 4, 120)
    assert (size(engine)["memory_status"], size(engine)["total_partition_field_count"]) == ("ok", 120)
