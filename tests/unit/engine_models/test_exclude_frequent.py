"""`exclude_frequent`: what is there all the time, or what all of a population show, has no results."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.scoring import JobAnalysis
from laws import law

HOUR = 3_600_000
START = 1_704_067_200_000
BUCKETS = 300
BURST = 260


@pytest.fixture(scope="module")
def loaded(new_bench: Any) -> Any:
    """Two hosts that are always there and forty that seldom are; in one hour one of each kind has far larger values."""
    rng = np.random.default_rng(5)
    events = [(hour, f"always{k}", "common") for hour in range(BUCKETS) for k in range(2)]
    events += [(hour, f"seldom{k}", "common") for hour in range(BUCKETS) for k in range(40) if rng.random() < 0.03]
    events += [(hour, f"seldom{k}", "odd") for hour in range(BUCKETS) for k in range(3) if rng.random() < 0.03]
    value = rng.normal(100, 5, len(events))
    events += [(BURST, "always0", "common"), (BURST, "seldom7", "common"), (BURST, "seldom1", "odd")]
    value = np.concatenate([value, [500.0, 500.0, 500.0]])
    hour = np.array([event[0] for event in events])
    with new_bench() as bench:
        bench.load(
            time=(START + hour * HOUR + 1000).astype(np.int64),
            host=np.array([event[1] for event in events], dtype=object),
            process=np.array([event[2] for event in events], dtype=object),
            value=value,
        )
        yield bench


POPULATION = {"function": "max", "field_name": "value", "by_field_name": "process", "over_field_name": "host"}


def told(results: Any) -> set[tuple[str, str]]:
    return {
        (record["over_field_value"], cause["by_field_value"])
        for record in results.records
        if record["timestamp"] == START + BURST * HOUR
        for cause in record["causes"]
    }


@pytest.mark.parametrize(
    ("excluded", "left"),
    [
        ("none", {("always0", "common"), ("seldom7", "common"), ("seldom1", "odd")}),
        ("over", {("seldom7", "common"), ("seldom1", "odd")}),
        ("by", {("seldom1", "odd")}),
        ("all", {("seldom1", "odd")}),
    ],
)
def test_what_is_frequent_has_no_results(loaded: Any, excluded: str, left: set[tuple[str, str]]) -> None:
    job = loaded.job({**POPULATION, "exclude_frequent": excluded})
    assert told(loaded.analyse(job, BUCKETS)) >= left - {("seldom1", "odd")}
    assert told(loaded.analyse(job, BUCKETS)) <= left


@pytest.mark.parametrize("detector", [{"function": "rare", "by_field_name": "host"}, POPULATION])
@law(examples=2)
@given(cuts=st.sets(st.integers(1, BUCKETS - 1), min_size=1, max_size=4))
def test_stopping_anywhere_changes_nothing(loaded: Any, detector: dict[str, str], cuts: set[int]) -> None:
    job = loaded.job({**detector, "exclude_frequent": "all"})
    whole = loaded.analyse(job, BUCKETS)
    analysis, records = JobAnalysis(job), []
    for left, right in pairwise([0, *sorted(cuts), BUCKETS]):
        analysis = JobAnalysis.restore(job, analysis.snapshot())
        records += loaded.analyse(None, right - left, analysis=analysis, first=left).records
    assert [(r["timestamp"], r["initial_record_score"]) for r in records] == [
        (r["timestamp"], r["initial_record_score"]) for r in whole.records
    ]


def test_a_series_that_is_always_there_has_no_results(bench: Any) -> None:
    rng = np.random.default_rng(6)
    value = rng.normal(100, 5, BUCKETS)
    value[BURST] = 500.0
    bench.load(
        time=(START + np.arange(BUCKETS) * HOUR).astype(np.int64), host=np.full(BUCKETS, "a", dtype=object), value=value
    )
    detector = {"function": "mean", "field_name": "value", "by_field_name": "host"}
    for excluded, expected in (("none", True), ("by", False), ("over", True)):
        job = bench.job({**detector, "exclude_frequent": excluded})
        assert bool(bench.analyse(job, BUCKETS).records) is expected
