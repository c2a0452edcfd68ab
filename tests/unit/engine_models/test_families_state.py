"""Rare values and points: stopping anywhere, the order of documents and a journal change nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.scoring import JobAnalysis, StepInputs
from laws import law

HOUR = 3_600_000
START = 1_704_067_200_000
BUCKETS = 26 * 24

DETECTORS = (
    {"function": "rare", "by_field_name": "process"},
    {"function": "rare", "by_field_name": "process", "over_field_name": "host", "partition_field_name": "site"},
    {"function": "freq_rare", "by_field_name": "process", "over_field_name": "host"},
    {"function": "time_of_day", "by_field_name": "host"},
    {"function": "time_of_week", "over_field_name": "host"},
    {"function": "lat_long", "field_name": "place", "by_field_name": "host"},
    {"function": "lat_long", "field_name": "place", "over_field_name": "host", "partition_field_name": "site"},
)


@pytest.fixture(scope="module")
def drawn() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    hour = np.repeat(np.arange(BUCKETS), rng.poisson(10, BUCKETS))
    hour = hour[(hour % 24 > 6) | (rng.random(len(hour)) < 0.02)]
    n = len(hour)
    homes = rng.uniform([-50, -180], [60, 180], (12, 2))
    host = rng.integers(0, 12, n)
    point = np.where(rng.random((n, 1)) < 0.995, homes[host], rng.uniform([-50, -180], [60, 180], (n, 2)))
    process = np.array([f"p{k}" for k in np.minimum(rng.zipf(1.8, n), 20)], dtype=object)
    process[np.searchsorted(hour, [160, 250])] = ["evil", "nasty"]
    return {
        "time": START + hour * HOUR + rng.integers(0, HOUR, n),
        "process": process,
        "host": np.array([f"h{k}" for k in host], dtype=object),
        "site": np.array([f"s{k % 2}" for k in host], dtype=object),
        "place": np.array([f"{lat!r},{lon!r}" for lat, lon in point.tolist()], dtype=object),
    }


def initial(parts: list[Any]) -> dict[str, Any]:
    """What records say at first, by id."""
    kept = {}
    for part in parts:
        for record in part.records:
            name = (
                record["timestamp"],
                record["detector_index"],
                *(record.get(f"{kind}_field_value") for kind in ("partition", "by", "over")),
            )
            assert name not in kept
            kept[name] = (
                record["initial_record_score"],
                record["probability"],
                record.get("causes"),
                record.get("influencers"),
            )
    return kept


@pytest.fixture(scope="module")
def whole(new_bench: Any, drawn: dict[str, Any]) -> dict[str, Any]:
    with new_bench() as bench:
        bench.load(**drawn)
        found = initial([bench.analyse(bench.job(*DETECTORS, influencers=("host", "process")), BUCKETS)])
    assert {name[1] for name in found} == set(range(len(DETECTORS)))
    return found


@law(examples=4)
@given(cuts=st.sets(st.integers(1, BUCKETS - 1), min_size=1, max_size=4), seed=st.integers(0, 1000))
def test_stopping_anywhere_and_any_order_of_documents_change_nothing(
    new_bench: Any, drawn: dict[str, Any], whole: dict[str, Any], cuts: set[int], seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(len(drawn["time"]))
    with new_bench() as bench:
        bench.load(**{name: column[order] for name, column in drawn.items()})
        job = bench.job(*DETECTORS, influencers=("host", "process"))
        analysis, parts = JobAnalysis(job), []
        for left, right in pairwise([0, *sorted(cuts), BUCKETS]):
            analysis = JobAnalysis.restore(job, analysis.snapshot())
            parts.append(bench.analyse(None, right - left, analysis=analysis, first=left))
    assert initial(parts) == whole


def test_a_journal_learns_the_same(new_bench: Any, drawn: dict[str, Any]) -> None:
    with new_bench() as bench:
        bench.load(**drawn)
        job = bench.job(*DETECTORS, influencers=("host", "process"))
        first, second = JobAnalysis(job), JobAnalysis(job)
        half = bench.analyse(None, BUCKETS // 2, analysis=first)
        second.replay(StepInputs.unpack(half.inputs.pack()))
        assert first.snapshot() == second.snapshot()
        rest = [bench.analyse(None, BUCKETS // 2, analysis=a, first=BUCKETS // 2) for a in (first, second)]
    assert initial(rest[:1]) == initial(rest[1:])


@pytest.mark.parametrize("cuts", [[1, 7, 130], [50, 101], [128, 250]])
def test_where_time_is_cut_does_not_matter_at_the_memory_limit(
    new_bench: Any, drawn: dict[str, Any], cuts: list[int]
) -> None:
    names = [f"job-{k}-{'x' * 400}" for k in range(len(drawn["time"]))]
    columns = {**drawn, "process": np.array(names, dtype=object)}
    with new_bench() as bench:
        bench.load(**columns)
        job = bench.job(*DETECTORS, analysis_limits={"model_memory_limit": "1mb"})
        at_once = JobAnalysis(job)
        whole = initial([bench.analyse(None, BUCKETS, analysis=at_once)])
        assert at_once.model_size()["bucket_allocation_failures_count"] > 0
        analysis, parts = JobAnalysis(job), []
        for left, right in pairwise([0, *cuts, BUCKETS]):
            analysis = JobAnalysis.restore(job, analysis.snapshot())
            parts.append(bench.analyse(None, right - left, analysis=analysis, first=left))
    assert initial(parts) == whole
    assert analysis.model_size() == at_once.model_size()
