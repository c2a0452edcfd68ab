"""A job keeps to its memory limit: old entities give way, new ones are refused, and more memory brings them back."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from anomalyops_engine.config import Job
from anomalyops_engine.scoring import JobAnalysis
from anomalyops_engine.scoring.memory import MemoryBudget, Newcomer

MIB = 2**20
BUCKETS = 240
HOSTS = 300
START_OF_SECOND_HALF = 100


def job(bench: Any, limit: str, **options: Any) -> Job:
    return bench.job(
        {"function": "mean", "field_name": "value", "partition_field_name": "host"},
        {"function": "count", "by_field_name": "host"},
        {"function": "high_sum", "field_name": "value", "over_field_name": "client", "partition_field_name": "zone"},
        analysis_limits={"model_memory_limit": limit},
        analysis_config={"model_prune_window": "60h"} | options,
    )


@pytest.fixture(scope="module")
def loaded(new_bench: Any) -> Any:
    """Half of the hosts only in the first hundred buckets, the other half only after them."""
    rng = np.random.default_rng(0)
    with new_bench() as bench:
        time = bench.times([60] * BUCKETS)
        late = np.repeat(np.arange(BUCKETS), 60) >= START_OF_SECOND_HALF
        number = rng.integers(0, HOSTS // 2, len(time)) + late * (HOSTS // 2)
        bench.load(
            time=time,
            host=np.char.add("host-", number.astype(str)),
            client=np.char.add("client-", rng.integers(0, 2000, len(time)).astype(str)),
            zone=np.char.add("zone-", (number % 40).astype(str)),
            value=rng.normal(100, 5, len(time)),
        )
        yield bench


def hosts(analysis: JobAnalysis) -> set[str]:
    return {key[0] for detection in analysis.detections[:2] for key in detection.series_keys()}


def test_enough_memory_refuses_nobody(loaded: Any) -> None:
    config = job(loaded, "64mb")
    analysis = JobAnalysis(config)
    loaded.analyse(config, START_OF_SECOND_HALF, analysis=analysis)
    size = analysis.model_size()
    assert size["memory_status"] == "ok"
    assert size["bucket_allocation_failures_count"] == size["model_bytes_exceeded"] == 0
    assert len(hosts(analysis)) == HOSTS // 2
    assert size["peak_model_bytes"] >= size["model_bytes"] > 1.5 * MIB


def test_a_full_job_refuses_newcomers_and_goes_on_with_the_others(loaded: Any) -> None:
    config = job(loaded, "1mb")
    analysis = JobAnalysis(config)
    results = loaded.analyse(config, 50, analysis=analysis)
    size = analysis.model_size()
    assert size["memory_status"] == "hard_limit"
    assert 0.95 * MIB < size["model_bytes"] <= size["peak_model_bytes"] <= MIB
    assert size["model_bytes_exceeded"] > 0
    assert 40 < size["bucket_allocation_failures_count"] <= 50
    assert 0 < len(hosts(analysis)) < HOSTS // 2
    assert len(results.buckets) == 50
    known = hosts(analysis)
    loaded.analyse(config, 10, analysis=analysis, first=50)
    assert hosts(analysis) == known
    assert analysis.model_size()["bucket_allocation_failures_count"] > size["bucket_allocation_failures_count"]


@pytest.mark.parametrize("restored", [False, True])
def test_a_larger_limit_brings_the_refused_in(loaded: Any, restored: bool) -> None:
    small, large = job(loaded, "1mb"), job(loaded, "64mb")
    analysis = JobAnalysis(small)
    loaded.analyse(small, 50, analysis=analysis)
    failures = analysis.model_size()["bucket_allocation_failures_count"]
    if restored:
        analysis = JobAnalysis.restore(large, analysis.snapshot())
    else:
        analysis.configure(large)
    loaded.analyse(large, START_OF_SECOND_HALF - 50, analysis=analysis, first=50)
    size = analysis.model_size()
    assert len(hosts(analysis)) == HOSTS // 2
    assert size["memory_status"] == "ok"
    assert size["model_bytes_exceeded"] == 0
    assert size["bucket_allocation_failures_count"] == failures


def test_entities_without_data_for_the_prune_window_are_given_up(loaded: Any) -> None:
    config = job(loaded, "64mb")
    analysis = JobAnalysis(config)
    loaded.analyse(config, BUCKETS, analysis=analysis)
    size = analysis.model_size()
    assert hosts(analysis) == {f"host-{k}" for k in range(HOSTS // 2, HOSTS)}
    assert size["peak_model_bytes"] > 1.5 * size["model_bytes"]


def test_a_long_silence_is_pruned_earlier_when_memory_is_scarce(loaded: Any) -> None:
    left = []
    for limit in ("64mb", "12mb"):
        config = job(loaded, limit)
        analysis = JobAnalysis(config)
        loaded.analyse(config, 120, analysis=analysis)
        status = analysis.model_size()["memory_status"]
        loaded.analyse(config, 35, analysis=analysis, first=120)
        left.append((status, len(hosts(analysis))))
    assert [status for status, _ in left] == ["ok", "soft_limit"]
    assert left[0][1] > 0.95 * HOSTS
    assert left[1][1] < 0.8 * HOSTS


@pytest.mark.parametrize(("limit", "cuts"), [("1mb", [1, 7, 130]), ("2mb", [50, 101]), ("3mb", [128, 131, 200])])
def test_where_time_is_cut_does_not_matter_at_the_limit(loaded: Any, limit: str, cuts: list[int]) -> None:
    config = job(loaded, limit)
    whole = JobAnalysis(config)
    at_once = [document for _, document in loaded.analyse(config, BUCKETS, analysis=whole).all()]
    parts, analysis = [], JobAnalysis(config)
    for left, right in pairwise([0, *cuts, BUCKETS]):
        analysis = JobAnalysis.restore(config, analysis.snapshot())
        results = loaded.analyse(config, right - left, analysis=analysis, first=left)
        parts += [document for _, document in results.all()]

    def initial(documents: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        return sorted(
            (d["result_type"], d["timestamp"], d.get("initial_record_score", 0.0), d.get("initial_anomaly_score", 0.0))
            for d in documents
        )

    assert initial(parts) == initial(at_once)
    assert analysis.model_size() == whole.model_size()
    assert hosts(analysis) == hosts(whole)


def test_the_first_to_come_are_admitted_whatever_their_names() -> None:
    budget = MemoryBudget(100)
    refused = budget.admit([Newcomer(5, 0, ("a",), 60), Newcomer(2, 1, ("z",), 60)], used=0)
    assert refused == {(0, ("a",))}
    assert budget.peak == 60
