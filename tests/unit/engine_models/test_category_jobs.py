"""Jobs with categories: stopped and repeated anywhere they find the same, and their partitions stop when asked to."""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anomalyops_engine.config import create_job, update_job
from anomalyops_engine.query import Documents
from anomalyops_engine.query.expr import Table
from anomalyops_engine.scoring import JobAnalysis, Results, StepInputs, categorizing

HOUR = 3_600_000
START = 1_704_067_200_000
BUCKETS = 120
STATEMENTS = (
    "User {name} logged in from 10.0.0.{n}",
    "{name} joined the room",
    "Flushing table {name} took {n} ms",
    "disk {n} is full",
    "12:{n}",
)
SERVER_STATEMENTS = (
    "Connection from 10.0.0.{} accepted",
    "Flushing buffers to disk took {} ms",
    "Query finished with {} rows",
    "Timeout while waiting for lock {}",
    "Checkpoint complete: wrote {} buffers",
    "Session {} closed",
    "Out of memory in worker {}",
    "Replication is {} bytes behind",
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


def test_what_a_step_found_is_not_changed_by_the_next(loaded: Any) -> None:
    """A step is committed while the next one is analysed."""
    analysis, steps = JobAnalysis(JOB), []
    for first in range(24):
        found = loaded.analyse(JOB, 1, analysis=analysis, first=first).categories
        steps.append((found, deepcopy(found)))
    assert any(one["preferred_to_categories"] for found, _ in steps for one in found.definitions.values())
    assert all(found == before for found, before in steps)


ROLES = {
    "by": {"function": "count", "by_field_name": "mlcategory"},
    "over": {"function": "count", "over_field_name": "mlcategory"},
    "by and over": {"function": "high_count", "by_field_name": "host", "over_field_name": "mlcategory"},
    "over in partitions": {"function": "count", "over_field_name": "mlcategory", "partition_field_name": "host"},
    "distinct over": {"function": "high_distinct_count", "field_name": "user", "over_field_name": "mlcategory"},
    "partition": {"function": "count", "partition_field_name": "mlcategory"},
    "partition of a mean": {"function": "mean", "field_name": "took", "partition_field_name": "mlcategory"},
    "partition of by": {"function": "rare", "by_field_name": "user", "partition_field_name": "mlcategory"},
    "rare over": {"function": "rare", "by_field_name": "user", "over_field_name": "mlcategory"},
    "frequently rare": {"function": "freq_rare", "by_field_name": "mlcategory", "over_field_name": "user"},
    "without category": {"function": "count", "partition_field_name": "mlcategory", "use_null": True},
}


def as_a_field(value: Any) -> Any:
    """The same with a field `category` in place of `mlcategory`."""
    if isinstance(value, dict):
        return {as_a_field(name): as_a_field(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [as_a_field(inner) for inner in value]
    return "category" if value == "mlcategory" else value


def told(parts: list[Results]) -> list[Any]:
    """Buckets, records and influencers, without the time that they took."""
    kinds = ("bucket", "record", "influencer")
    found = [result.body for part in parts for kind in kinds for result in part.found.get(kind, [])]
    return [{name: value for name, value in body.items() if name != "processing_time_ms"} for body in found]


def unscored(found: list[Any]) -> list[Any]:
    """The records alone, without the scores that a later step may lower in documents that are stored."""
    return [{k: v for k, v in body.items() if k != "record_score"} for body in found if body["result_type"] == "record"]


@pytest.fixture(scope="module")
def placed(new_bench: Any) -> Any:
    """Messages of statements with a burst, one never seen, a user never seen, a strange mean; and their categories."""
    rng = np.random.default_rng(4)
    with new_bench() as bench:
        counts = rng.poisson(40, BUCKETS)
        counts[100] += 200
        time = bench.times(counts)
        hour = (time - START) // HOUR
        statement = rng.choice(len(SERVER_STATEMENTS) - 1, len(time))
        user = rng.choice([f"user{n}" for n in range(20)], len(time)).astype(object)
        burst = np.flatnonzero(hour == 100)[::2]
        statement[burst], user[burst] = 3, [f"u{n}" for n in range(len(burst))]
        user[(hour == 105) & (statement == 2)] = "mallory"
        unheard = np.flatnonzero(hour == 107)[::2]
        statement[unheard], user[unheard] = len(SERVER_STATEMENTS) - 1, "user7"
        took = rng.normal(50, 5, len(time))
        took[(hour == 110) & (statement == 1)] += 100
        messages: list[str | None] = [SERVER_STATEMENTS[n].format(k % 97) for k, n in enumerate(statement.tolist())]
        messages[5::60] = [None] * len(messages[5::60])
        host = rng.choice(["a", "b"], len(time))
        columns = {"time": time, "host": host, "message": messages, "took": took, "user": user.tolist()}
        bench.load(**columns)
        analysis = JobAnalysis(job(detectors=[ROLES["by"]], per_partition_categorization={"enabled": False}))
        documents = Documents(Table("documents"), bench.columns)
        stretch = analysis._stretch(bench.connection, documents, START, START + BUCKETS * HOUR)
        with analysis._categories.placed(stretch) as (with_numbers, _):
            rows = categorizing._rows(with_numbers, stretch.start_ms, stretch.end_ms)
        order = np.argsort(rows.column("time").to_numpy(), kind="stable")
        assert (rows.column("time").to_numpy()[order] == time).all()
        bench.load(**columns, category=rows.column("mlcategory").take(order))
        yield bench


@pytest.mark.parametrize("role", ROLES)
def test_a_category_is_a_value_like_any_other_in_every_role(placed: Any, role: str) -> None:
    """A job that places messages itself finds what one finds that reads the categories from a field."""
    whole = {"per_partition_categorization": {"enabled": False}, "influencers": ["mlcategory", "host", "user"]}
    own = job(detectors=[ROLES[role]], **whole)
    read = placed.job(as_a_field(ROLES[role]), influencers=("category", "host", "user"))
    expected = told([placed.analyse(read, BUCKETS)])
    assert any(body["result_type"] == "record" for body in expected)
    assert as_a_field(told([placed.analyse(own, BUCKETS)])) == expected


@pytest.mark.parametrize("role", ["over", "partition of a mean", "partition of by", "frequently rare"])
def test_law_stopped_and_replayed_with_categories_in_other_roles(placed: Any, role: str) -> None:
    own = job(detectors=[ROLES[role]], per_partition_categorization={"enabled": False})
    at_once = JobAnalysis(own)
    undivided = told([placed.analyse(own, BUCKETS, analysis=at_once)])
    analysis, replayed, parts = JobAnalysis(own), JobAnalysis(own), []
    for left, right in pairwise([0, 1, 37, 100, 101, BUCKETS]):
        analysis = JobAnalysis.restore(own, analysis.snapshot())
        parts.append(placed.analyse(own, right - left, analysis=analysis, first=left))
        replayed.replay(StepInputs.unpack(parts[-1].inputs.pack()))
        assert replayed.snapshot() == analysis.snapshot()
    assert analysis.snapshot() == at_once.snapshot()
    assert unscored(told(parts)) == unscored(undivided)


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
