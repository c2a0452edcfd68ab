"""Members of a population: against their peers, against themselves, many and few of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laws import law

HOUR = 3_600_000
START = 1_704_067_200_000
BUCKETS = 600
SPIKE = 450

Rows = list[tuple[int, str, float]]
MEAN = {"function": "mean", "field_name": "value", "over_field_name": "member"}
SUM = {"function": "sum", "field_name": "value", "over_field_name": "member"}


def analysed(bench: Any, rows: Rows, detector: dict[str, str], **options: Any) -> Any:
    hour = np.array([row[0] for row in rows])
    bench.load(
        time=(START + hour * HOUR + 1000).astype(np.int64),
        member=np.array([row[1] for row in rows], dtype=object),
        value=np.array([float(row[2]) for row in rows]),
    )
    return bench.analyse(bench.job(detector, **options), BUCKETS)


def told(results: Any, score: float = 75.0) -> set[tuple[int, str]]:
    return {
        ((record["timestamp"] - START) // HOUR, record["over_field_value"])
        for record in results.records
        if record["record_score"] >= score
    }


def levels(seed: int, members: int = 150) -> tuple[Rows, list[str]]:
    """Members of very different sizes, each there in half of the hours; their names, the smallest first."""
    rng = np.random.default_rng(seed)
    level = np.sort(rng.lognormal(3, 1, members))
    rows = [
        (hour, f"m{k}", float(level[k] * rng.lognormal(0, 0.2)))
        for hour in range(BUCKETS)
        for k in np.flatnonzero(rng.random(members) < 0.5)
    ]
    return rows, [f"m{k}" for k in range(members)]


def grown(rows: Rows, hour: int, member: str, factor: float) -> Rows:
    """The rows with one value of a member made larger; it is there in that hour."""
    usual = float(np.median([value for _, name, value in rows if name == member]))
    return [row for row in rows if row[:2] != (hour, member)] + [(hour, member, usual * factor)]


@pytest.mark.parametrize("detector", [MEAN, SUM], ids=["mean", "sum"])
@law(examples=2)
@given(seed=st.integers(0, 10_000))
def test_a_large_member_is_no_news_until_it_grows(new_bench: Any, detector: dict[str, str], seed: int) -> None:
    rows, names = levels(seed)
    with new_bench() as bench:
        quiet = told(analysed(bench, rows, detector))
        loud = told(analysed(bench, grown(rows, SPIKE, names[-5], 8.0), detector))
    assert len({place for place in quiet if place[0] >= 200}) <= 1
    assert (SPIKE, names[-5]) in loud


def test_many_small_members_hide_no_large_one(bench: Any) -> None:
    rng = np.random.default_rng(2)
    rows = [(hour, f"s{k}", 1.0) for hour in range(BUCKETS) for k in rng.integers(0, 5000, 200)]
    rows += [(hour, "large", 1.0) for hour in range(BUCKETS) for _ in range(int(rng.poisson(40)))]
    rows += [(SPIKE, "large", 1.0)] * 200
    assert told(analysed(bench, rows, {"function": "high_count", "over_field_name": "member"})) >= {(SPIKE, "large")}


@law(examples=2)
@given(seed=st.integers(0, 10_000), factor=st.sampled_from([1.0, 10.0]), since=st.sampled_from([0, 300]))
def test_one_of_three_members_is_no_outlier_of_a_population(
    new_bench: Any, seed: int, factor: float, since: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = [
        (hour, name, 100.0 * rng.lognormal(0, 0.1) * (factor if name == "c" and hour >= since else 1.0))
        for hour in range(BUCKETS)
        for name in "abc"
    ]
    with new_bench() as bench:
        assert told(analysed(bench, rows, MEAN), 25.0) == set()


@law(examples=2)
@given(seed=st.integers(0, 10_000))
def test_members_that_come_and_go_do_not_flood_and_a_huge_one_is_told(new_bench: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [
        (hour, f"m{3 * hour + k}", float(rng.gamma(3, 10))) for hour in range(BUCKETS) for k in rng.integers(0, 300, 40)
    ]
    rows.append((SPIKE, "huge", 3000.0))
    with new_bench() as bench:
        found = told(analysed(bench, rows, MEAN))
    assert (SPIKE, "huge") in found
    assert len([place for place in found if place[0] >= 100]) <= 2


def test_what_stays_is_learnt(bench: Any) -> None:
    """A member that grows for good is told of at first, and is itself again soon."""
    rows, names = levels(3)
    rows = [(h, name, value * (6.0 if name == names[-9] and h >= SPIKE else 1.0)) for h, name, value in rows]
    hours = sorted(hour for hour, name in told(analysed(bench, rows, MEAN)) if name == names[-9] and hour >= SPIKE)
    assert hours
    assert len(hours) <= 4
    assert hours[-1] < SPIKE + 24


def test_by_values_of_one_member_are_causes_of_one_record(bench: Any) -> None:
    rng = np.random.default_rng(4)
    n = BUCKETS * 60
    columns = {
        "time": (START + np.repeat(np.arange(BUCKETS), 60) * HOUR + 1000).astype(np.int64),
        "member": np.array([f"m{k}" for k in rng.integers(0, 80, n)], dtype=object),
        "kind": np.array([f"k{k}" for k in rng.integers(0, 3, n)], dtype=object),
        "value": rng.normal(100, 10, n),
    }
    places = np.flatnonzero(columns["time"] == START + SPIKE * HOUR + 1000)[:2]
    columns["member"][places], columns["value"][places] = "m7", 900.0
    columns["kind"][places] = ["k0", "k1"]
    bench.load(**columns)
    job = bench.job({**MEAN, "by_field_name": "kind"}, influencers=("member", "kind"))
    (record,) = [r for r in bench.analyse(job, BUCKETS).records if r["record_score"] >= 75]
    assert record["over_field_value"] == "m7"
    assert "by_field_value" not in record
    causes = {cause["by_field_value"]: cause for cause in record["causes"]}
    assert set(causes) == {"k0", "k1"}
    assert all(cause["actual"][0] > 400 and cause["over_field_value"] == "m7" for cause in causes.values())
    assert set(record["kind"]) == {"k0", "k1"}
