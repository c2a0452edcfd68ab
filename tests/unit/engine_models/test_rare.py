"""Rare values: in time, in a population, and when they stop being rare."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laws import law

HOUR = 3_600_000
START = 1_704_067_200_000
BUCKETS = 800
EVIL, USUAL = 600, 700


def at(document: dict[str, Any]) -> int:
    return int((document["timestamp"] - START) // HOUR)


def catalogue(seed: int, **columns: str) -> dict[str, Any]:
    """Thirty events an hour of twenty-five processes, some of them seldom, on 100 hosts."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(30, BUCKETS)
    hour = np.repeat(np.arange(BUCKETS), counts)
    time = START + hour * HOUR + rng.integers(0, HOUR, len(hour))
    return {
        "time": time,
        "process": np.array([f"p{k}" for k in rng.zipf(1.5, len(hour)) % 25], dtype=object),
        "host": np.array([f"host{k}" for k in rng.integers(0, 100, len(hour))], dtype=object),
        **{name: np.full(len(hour), value, dtype=object) for name, value in columns.items()},
    }


def with_more(columns: dict[str, Any], *events: tuple[int, str, str]) -> dict[str, Any]:
    """The events and some more: their hour, process and host."""
    more = {
        "time": np.array([START + hour * HOUR + 1000 for hour, _, _ in events], dtype=np.int64),
        "process": np.array([process for _, process, _ in events], dtype=object),
        "host": np.array([host for _, _, host in events], dtype=object),
    }
    length = len(events)
    return {
        name: np.concatenate([column, more.get(name, np.full(length, column[0], dtype=object))])
        for name, column in columns.items()
    }


FORMS = [
    {"function": "rare", "by_field_name": "process"},
    {"function": "rare", "by_field_name": "process", "partition_field_name": "site"},
    {"function": "rare", "by_field_name": "process", "over_field_name": "host"},
    {"function": "rare", "by_field_name": "process", "over_field_name": "host", "partition_field_name": "site"},
    {"function": "freq_rare", "by_field_name": "process", "over_field_name": "host"},
    {"function": "freq_rare", "by_field_name": "process", "over_field_name": "host", "partition_field_name": "site"},
]


@pytest.mark.parametrize("detector", FORMS, ids=lambda form: " ".join(form.values()))
def test_a_new_value_is_critical_once_and_blamed_on_who_has_it(bench: Any, detector: dict[str, str]) -> None:
    usual = [(USUAL + k, "new", f"host{k % 40}") for k in range(90)]
    bench.load(**with_more(catalogue(1, site="x"), (EVIL, "evil", "host7"), *usual))
    results = bench.analyse(bench.job(detector, influencers=("host",)), BUCKETS)
    critical = {at(record): record for record in results.records if record["record_score"] >= 75}
    assert EVIL in critical
    assert set(critical) <= {EVIL, USUAL, USUAL + 1, USUAL + 2}
    assert not [record for record in results.records if at(record) > USUAL + 15]
    record = critical[EVIL]
    assert (record["function"], record["function_description"]) == (detector["function"], "rare")
    assert record["host"] == ["host7"]
    assert record["anomaly_score_explanation"]["by_field_first_occurrence"] is True
    if "over_field_name" in detector:
        assert "by_field_value" not in record
        assert record["over_field_value"] == "host7"
        (cause,) = record["causes"]
    else:
        cause = record
    assert (cause["by_field_value"], cause["actual"], cause["typical"]) == ("evil", [1.0], [0.0])


@pytest.mark.parametrize("detector", FORMS, ids=lambda form: " ".join(form.values()))
@law(examples=2)
@given(seed=st.integers(0, 10_000), kind=st.sampled_from(["unique", "long tail", "usual"]))
def test_what_never_ends_does_not_flood(new_bench: Any, detector: dict[str, str], seed: int, kind: str) -> None:
    columns = catalogue(seed, site="x")
    length, rng = len(columns["time"]), np.random.default_rng(seed)
    if kind == "unique":
        columns["process"] = np.array([f"job-{k}" for k in range(length)], dtype=object)
    elif kind == "long tail":
        columns["process"] = np.array([f"p{k}" for k in rng.zipf(1.3, length)], dtype=object)
    with new_bench() as bench:
        bench.load(**columns)
        results = bench.analyse(bench.job(detector), BUCKETS)
    critical = [b for b in results.buckets if b["anomaly_score"] >= 75 and at(b) >= 200]
    assert len(critical) <= 1


def test_what_one_of_the_population_does_all_the_time_is_told_at_first(bench: Any) -> None:
    habit = [(EVIL + k, "own", "host7") for k in range(150)]
    bench.load(**with_more(catalogue(2), *habit))
    job = bench.job({"function": "rare", "by_field_name": "process", "over_field_name": "host"})
    told = [at(record) for record in bench.analyse(job, BUCKETS).records if record["record_score"] >= 75]
    assert told == [EVIL]


def test_freq_rare_weighs_how_many_events_there_are(bench: Any) -> None:
    many = [(EVIL, "evil", "host7")] * 50
    scores = {}
    for name, events in (("one", many[:1]), ("many", many)):
        bench.load(**with_more(catalogue(3), *events))
        for function in ("rare", "freq_rare"):
            job = bench.job({"function": function, "by_field_name": "process", "over_field_name": "host"})
            records = [r for r in bench.analyse(job, BUCKETS).records if at(r) == EVIL]
            scores[function, name] = records[0]["probability"]
    assert scores["rare", "one"] == scores["rare", "many"]
    assert scores["freq_rare", "many"] < 0.1 * scores["freq_rare", "one"]


def test_several_rare_values_of_one_member_are_one_record_with_causes(bench: Any) -> None:
    events = [(EVIL, name, "host7") for name in ("evil", "nasty", "vile")]
    bench.load(**with_more(catalogue(4), *events))
    job = bench.job(
        {"function": "rare", "by_field_name": "process", "over_field_name": "host"}, influencers=("process",)
    )
    (record,) = [r for r in bench.analyse(job, BUCKETS).records if at(r) == EVIL]
    assert {cause["by_field_value"] for cause in record["causes"]} == {"evil", "nasty", "vile"}
    assert set(record["process"]) == {"evil", "nasty", "vile"}
    assert record["record_score"] >= 75
