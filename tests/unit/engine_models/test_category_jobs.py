"""Jobs with categories: stopped and repeated anywhere they find the same, and their partitions stop when asked to."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anomalyops_engine.config import create_job, update_job
from anomalyops_engine.scoring import JobAnalysis, Results, StepInputs, categorizing

BUCKETS = 120
STATEMENTS = (
    "User {name} logged in from 10.0.0.{n}",
    "{name} joined the room",
    "Flushing table {name} took {n} ms",
    "disk {n} is full",
    "12:{n}",
)


def job(**options: Any) -> Any:
    detector = {"function": "count", "by_field_name": "mlcategory", "partition_field_name": "host"}
    body = {
        "analysis_config": {
            "bucket_span": "1h",
            "categorization_field_name": "message",
            "detectors": [detector],
            "influencers": ["mlcategory", "host"],
            "per_partition_categorization": {"enabled": True},
            **options,
        },
        "data_description": {"time_field": "time"},
    }
    return create_job(body, job_id="job", now_ms=0)[0]


JOB = job()


@pytest.fixture(scope="module")
def loaded(new_bench: Any) -> Any:
    rng = np.random.default_rng(0)
    names = ["ann", "bob", "cyd", "dan", "eve", "müller"]
    with new_bench() as bench:
        counts = rng.poisson(8, BUCKETS)
        counts[100] = 60
        time = bench.times(counts)
        statement = rng.choice(len(STATEMENTS), len(time), p=[0.4, 0.2, 0.2, 0.1, 0.1])
        statement[time >= bench.times(counts[:100])[-1]] %= 3
        messages = [
            None if k % 50 == 0 else STATEMENTS[number].format(name=rng.choice(names), n=rng.integers(60))
            for k, number in enumerate(statement)
        ]
        bench.load(time=time, host=rng.choice(["a", "b"], len(time)), message=messages)
        yield bench


def outcome(parts: list[Results]) -> dict[str, Any]:
    """The last version of each document of a category, all records, and the changes of status by time."""
    documents = {name: body for part in parts for name, body in part.categories.definitions.items()}
    records = [
        (r["timestamp"], r["by_field_value"], r["partition_field_value"], r["actual"], r["influencers"])
        for part in parts
        for r in part.records
    ]
    changes = [
        (part.inputs.start_ms + change.bucket * 3_600_000, change.partition, change.status)
        for part in parts
        for change in part.categories.changes
    ]
    return {"categories": documents, "records": records, "changes": changes}


@pytest.fixture(scope="module")
def whole(loaded: Any) -> dict[str, Any]:
    found = outcome([loaded.analyse(JOB, BUCKETS)])
    assert len(found["categories"]) >= 8
    assert found["records"]
    return found


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.sets(st.integers(1, BUCKETS - 1), min_size=1, max_size=4))
def test_law_stopped_and_replayed_anywhere_is_as_never_stopped(loaded: Any, whole: Any, cuts: set[int]) -> None:
    parts = []
    analysis, replayed = JobAnalysis(JOB), JobAnalysis(JOB)
    for left, right in pairwise([0, *sorted(cuts), BUCKETS]):
        analysis = JobAnalysis.restore(JOB, analysis.snapshot())
        parts.append(loaded.analyse(JOB, right - left, analysis=analysis, first=left))
        replayed.replay(StepInputs.unpack(parts[-1].inputs.pack()))
        assert replayed.model_size() == analysis.model_size()
        assert replayed.snapshot() == analysis.snapshot()
    assert outcome(parts) == whole


def test_documents_are_read_in_parts_that_fit_into_memory(loaded: Any, whole: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(categorizing, "_MOST_AT_ONCE", 20)
    assert outcome([loaded.analyse(JOB, BUCKETS)]) == whole


def test_messages_are_counted_and_placed_each_on_its_own_side(loaded: Any, whole: Any) -> None:
    analysis = JobAnalysis(JOB)
    loaded.analyse(JOB, BUCKETS, analysis=analysis)
    size = analysis.model_size()
    definitions = whole["categories"].values()
    assert size["categorized_doc_count"] == sum(one["num_matches"] for one in definitions)
    assert size["failed_category_count"] > 0
    assert {one["partition_field_value"] for one in definitions} == {"a", "b"}
    assert len({one["category_id"] for one in definitions}) == len(definitions)
    assert size["model_bytes"] > 0


def test_a_partition_stops_on_a_warning_from_when_it_is_asked_to(new_bench: Any) -> None:
    with new_bench() as bench:
        time = bench.times([60] * 8)
        bench.load(time=time, host=["a"] * len(time), message=["always the same"] * len(time))
        analysis = JobAnalysis(JOB)
        bench.analyse(JOB, 4, analysis=analysis)
        assert analysis.model_size()["categorized_doc_count"] == 240
        change = {"per_partition_categorization": {"enabled": True, "stop_on_warn": True}}
        update = update_job(JOB, change, opened=True, model_bytes=0)
        assert update.live
        analysis.configure(update.job)
        results = bench.analyse(None, 4, analysis=analysis, first=4)
        assert analysis.model_size()["categorized_doc_count"] == 240
        assert results.processed_records == 240


def test_categories_without_memory_have_failed(loaded: Any) -> None:
    small = create_job(
        {
            "analysis_config": {
                "bucket_span": "1h",
                "categorization_field_name": "message",
                "detectors": [{"function": "count", "by_field_name": "mlcategory"}],
            },
            "analysis_limits": {"model_memory_limit": "1mb"},
            "data_description": {"time_field": "time"},
        },
        job_id="job",
        now_ms=0,
    )[0]
    rng = np.random.default_rng(1)
    words = ["".join(map(chr, rng.integers(97, 123, 9))) for _ in range(6000)]
    time = loaded.times([1500] * 2)
    loaded.load(
        time=time,
        host=["a"] * len(time),
        message=[f"{words[2 * k]} of {words[2 * k + 1]} failed" for k in range(len(time))],
    )
    analysis = JobAnalysis(small)
    loaded.analyse(small, 2, analysis=analysis)
    size = analysis.model_size()
    assert size["model_bytes"] < 2 << 20
    assert size["memory_status"] == "hard_limit"
    assert size["failed_category_count"] > 0
    assert size["categorized_doc_count"] + size["failed_category_count"] == len(time)
