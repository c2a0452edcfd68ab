"""Splitting time, restarting, renormalising, rules and bad data change nothing that they should not."""

from __future__ import annotations

import zlib
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anomalyops_engine.config import create_job
from anomalyops_engine.scoring import (
    JobAnalysis,
    Results,
    SnapshotError,
    StepInputs,
    UnsupportedAnalysis,
    detection,
    parallel,
)

HOUR = 3_600_000
START = 1_704_067_200_000

BUCKETS = 260
JOB, _ = create_job(
    {
        "analysis_config": {
            "bucket_span": "1h",
            "detectors": [
                {"function": "count", "partition_field_name": "host"},
                {"function": "mean", "field_name": "value", "by_field_name": "host"},
                {"function": "high_sum", "field_name": "value", "over_field_name": "client"},
                {"function": "metric", "field_name": "value", "partition_field_name": "host"},
            ],
            "influencers": ["client"],
        },
        "data_description": {"time_field": "time"},
        "model_plot_config": {"enabled": True},
    },
    job_id="job",
    now_ms=0,
)


@pytest.fixture(scope="module")
def loaded(new_bench: Any) -> Any:
    rng = np.random.default_rng(0)
    with new_bench() as bench:
        time = bench.times(rng.poisson(12, BUCKETS))
        value = rng.gamma(3, 10, len(time))
        value[rng.choice(len(time), 25)] *= 30
        bench.load(
            time=time,
            host=rng.choice(["a", "b", "c"], len(time), p=[0.7, 0.29, 0.01]),
            value=value,
            client=rng.choice([f"c{k}" for k in range(30)], len(time)),
        )
        yield bench


class Outcome(dict[str, dict[str, Any]]):
    """Final documents by id; too many to be printed."""

    def __repr__(self) -> str:
        return f"{len(self)} documents"


def final_scores(parts: list[Results]) -> Outcome:
    documents = {name: document for part in parts for name, document in part.all()}
    for part in parts:
        for name, change in part.renormalised:
            for field, score in change.items():
                _, nested, influencer = field.partition("bucket_influencers/")
                if not nested:
                    documents[name][field] = score
                for entry in documents[name].get("bucket_influencers", []):
                    if nested and entry["influencer_field_name"] == influencer:
                        entry["anomaly_score"] = score
    return Outcome(documents)


@pytest.fixture(scope="module")
def whole(loaded: Any) -> Outcome:
    documents = final_scores([loaded.analyse(JOB, BUCKETS)])
    assert any(d["result_type"] == "record" and d["record_score"] > 50 for d in documents.values())
    return documents


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.sets(st.integers(1, BUCKETS - 1), min_size=1, max_size=4))
def test_stopping_and_restoring_anywhere_equals_never_stopping(loaded: Any, whole: Any, cuts: set[int]) -> None:
    edges = [0, *sorted(cuts), BUCKETS]
    parts = []
    analysis = JobAnalysis(JOB)
    for left, right in pairwise(edges):
        analysis = JobAnalysis.restore(JOB, analysis.snapshot())
        parts.append(loaded.analyse(JOB, right - left, analysis=analysis, first=left))
    assert final_scores(parts) == whole


def test_ids_are_unique_and_repeatable(loaded: Any, whole: Any) -> None:
    results = loaded.analyse(JOB, BUCKETS)
    names = [name for name, _ in results.all()]
    assert len(names) == len(set(names))
    assert set(names) == set(whole)


def test_partition_names_do_not_matter(bench: Any) -> None:
    rng = np.random.default_rng(1)
    time, value = np.tile(bench.times([1] * 300), 2), rng.normal(50, 4, 600)
    value[[250, 550]] += 60
    scores = []
    for names in (("a", "z"), ("z", "a")):
        bench.load(time=time, value=value, host=np.repeat(names, 300))
        job = bench.job({"function": "mean", "field_name": "value", "partition_field_name": "host"})
        records = bench.analyse(job, 300).records
        position = {name: k for k, name in enumerate(names)}
        scores.append(
            sorted((position[r["partition_field_value"]], r["timestamp"], r["record_score"]) for r in records)
        )
    assert scores[0] == scores[1]
    assert scores[0]


def test_scaling_values_changes_no_score(bench: Any) -> None:
    rng = np.random.default_rng(2)
    value = rng.normal(50, 4, 400)
    value[350] = 120
    scores = []
    for factor in (1.0, 2.0**-30, 2.0**40):
        bench.load(time=bench.times([1] * 400), value=value * factor)
        records = bench.analyse(bench.job({"function": "mean", "field_name": "value"}), 400).records
        scores.append([(r["timestamp"], round(r["record_score"], 6)) for r in records])
    assert scores[0] == scores[1] == scores[2]


def test_something_worse_dims_what_came_before_but_not_its_initial_score(bench: Any) -> None:
    rng = np.random.default_rng(3)
    value = rng.normal(100, 5, 500)
    value[400], value[450] = 145, 100_000
    bench.load(time=bench.times([1] * 500), value=value)
    job = bench.job({"function": "mean", "field_name": "value"})
    analysis = JobAnalysis(job)
    before = bench.analyse(job, 420, analysis=analysis)
    early = before.records[-1]
    after = bench.analyse(job, 80, analysis=analysis, first=420)
    changes = dict(after.renormalised)
    name = before.found["record"][-1].id
    assert changes[name]["record_score"] < early["record_score"]
    assert "initial_record_score" not in changes[name]
    assert f"job_bucket_{START + 400 * HOUR}_3600" in changes
    together = final_scores([bench.analyse(job, 500)])
    assert together[name]["record_score"] == changes[name]["record_score"]
    assert together[name]["initial_record_score"] == early["initial_record_score"]


@pytest.mark.parametrize(
    "value",
    [
        np.full(300, 5.0),
        np.where(np.arange(300) == 200, np.inf, 1.0),
        np.where(np.arange(300) % 7 == 0, np.nan, 1e15),
        np.where(np.arange(300) % 2, 1e15, 1e-15),
        np.where(np.arange(300) == 150, 1e308, -1e-300),
        np.where(np.arange(300) == 299, 1.0, 0.0),
    ],
    ids=["constant", "infinite", "missing", "magnitudes", "huge", "zero"],
)
@pytest.mark.parametrize("function", ["mean", "sum", "max"])
def test_hard_values_give_finite_results(bench: Any, value: Any, function: str) -> None:
    bench.load(time=bench.times([1] * 300), value=value)
    job = bench.job({"function": function, "field_name": "value"}, model_plot_config={"enabled": True})
    results = bench.analyse(job, 300)
    for _, document in results.all():
        for field, number in document.items():
            for entry in number if isinstance(number, list) else [number]:
                assert not isinstance(entry, float) or np.isfinite(entry), (field, document)
    assert len(results.buckets) == 300


def test_a_constant_series_that_moves_is_an_anomaly(bench: Any) -> None:
    value = np.full(400, 5.0)
    value[350] = 6.0
    bench.load(time=bench.times([1] * 400), value=value)
    records = bench.analyse(bench.job({"function": "mean", "field_name": "value"}), 400).records
    assert [(r["timestamp"] - START) // HOUR for r in records if r["record_score"] >= 75] == [350]


def test_a_year_without_data_does_no_harm(bench: Any) -> None:
    rng = np.random.default_rng(4)
    value = rng.normal(100, 5, 600)
    time = bench.times([1] * 600)
    time[300:] += 8760 * HOUR
    bench.load(time=time, value=value)
    job = bench.job({"function": "mean", "field_name": "value"})
    results = bench.analyse(job, 8760 + 600)
    assert [r for r in results.records if r["record_score"] >= 75] == []
    assert results.empty_bucket_count == 8760


RULE = {"actions": ["skip_result"], "conditions": [{"applies_to": "actual", "operator": "lt", "value": 200}]}


def test_rules_skip_results_and_updates(bench: Any) -> None:
    rng = np.random.default_rng(5)
    value = rng.normal(100, 5, 500)
    value[400], value[450] = 180, 260
    bench.load(time=bench.times([1] * 500), value=value)
    detector = {"function": "mean", "field_name": "value"}
    records = bench.analyse(bench.job(detector | {"custom_rules": [RULE]}), 500).records
    assert [(r["timestamp"] - START) // HOUR for r in records] == [450]
    value[300:420] = 180
    bench.load(time=bench.times([1] * 500), value=value)
    frozen = {
        "actions": ["skip_model_update"],
        "conditions": [{"applies_to": "actual", "operator": "gte", "value": 150}],
    }
    records = bench.analyse(bench.job(detector | {"custom_rules": [frozen]}), 500).records
    high = [(r["timestamp"] - START) // HOUR for r in records if r["record_score"] >= 75]
    assert set(range(320, 420)) <= set(high)


def test_configure_takes_over_rules_and_model_plot(bench: Any) -> None:
    rng = np.random.default_rng(6)
    value = rng.normal(100, 5, 500)
    value[450] = 180
    bench.load(time=bench.times([1] * 500), value=value)
    detector = {"function": "mean", "field_name": "value"}
    analysis = JobAnalysis(bench.job(detector))
    assert bench.analyse(None, 400, analysis=analysis).model_plot == []
    analysis.configure(bench.job(detector | {"custom_rules": [RULE]}, model_plot_config={"enabled": True}))
    results = bench.analyse(None, 100, analysis=analysis, first=400)
    assert results.records == []
    assert len(results.model_plot) == 100


# From when on is not said.
CLOCK_RULE = {
    "actions": ["force_time_shift"],
    "conditions": [{"applies_to": "time", "operator": "lt", "value": 5}],
    "params": {"force_time_shift": {"time_shift_amount": 3600}},
}


@pytest.mark.parametrize(
    ("detector", "options", "named"),
    [
        ({"function": "count", "by_field_name": "x"}, {"multivariate_by_fields": True}, "multivariate_by_fields"),
        (
            {"function": "count", "by_field_name": "mlcategory"},
            {"categorization_field_name": "message", "categorization_analyzer": {"tokenizer": "icu_tokenizer"}},
            "icu_tokenizer",
        ),
        (
            {"function": "count", "custom_rules": [CLOCK_RULE]},
            {},
            "custom_rules[0] changes clocks",
        ),
    ],
)
def test_what_cannot_be_analysed_is_refused_by_name(bench: Any, detector: Any, options: Any, named: str) -> None:
    with pytest.raises(UnsupportedAnalysis) as error:
        JobAnalysis(bench.job(detector, analysis_config=options))
    assert named in str(error.value)


def test_damaged_and_foreign_state_is_refused(bench: Any) -> None:
    state = JobAnalysis(JOB).snapshot()
    with pytest.raises(SnapshotError, match="mark"):
        JobAnalysis.restore(JOB, b"something")
    with pytest.raises(SnapshotError, match="damaged"):
        JobAnalysis.restore(JOB, state[:-20])
    with pytest.raises(SnapshotError, match="version"):
        JobAnalysis.restore(JOB, state[:7] + b"\x00\x63" + state[9:])
    with pytest.raises(SnapshotError, match="detectors"):
        JobAnalysis.restore(bench.job({"function": "count"}), state)


def test_a_state_that_was_packed_with_zlib_is_read(loaded: Any, whole: Outcome) -> None:
    first = JobAnalysis(JOB)
    parts = [loaded.analyse(JOB, 100, analysis=first)]
    state = first.snapshot()
    older = state[:9] + zlib.compress(zstandard.decompress(state[9:]))
    parts.append(loaded.analyse(JOB, BUCKETS - 100, analysis=JobAnalysis.restore(JOB, older), first=100))
    assert final_scores(parts) == whole


def test_replaying_inputs_learns_what_the_documents_taught(loaded: Any, whole: Outcome) -> None:
    first, again = JobAnalysis(JOB), JobAnalysis(JOB)
    parts = [loaded.analyse(JOB, right - left, analysis=first, first=left) for left, right in pairwise([0, 90, 170])]
    for part in parts:
        again.replay(StepInputs.unpack(part.inputs.pack()))
    assert again.snapshot() == first.snapshot()
    parts.append(loaded.analyse(JOB, BUCKETS - 170, analysis=again, first=170))
    assert final_scores(parts) == whole


@pytest.mark.parametrize("cores", [1, 2, 7])
def test_the_number_of_cores_changes_nothing(
    loaded: Any, whole: Outcome, monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    monkeypatch.setattr(parallel, "CORES", cores)
    monkeypatch.setattr(detection, "CORES", cores)
    monkeypatch.setattr(detection, "_FEWEST_CELLS", 1)
    assert final_scores([loaded.analyse(JOB, BUCKETS)]) == whole


def test_buckets_are_analysed_once_and_in_order(bench: Any) -> None:
    bench.load(time=bench.times([1] * 10))
    analysis = JobAnalysis(bench.job({"function": "count"}))
    bench.analyse(None, 5, analysis=analysis)
    with pytest.raises(ValueError, match="analysed already"):
        bench.analyse(None, 5, analysis=analysis, first=4)


def test_buckets_start_at_the_first_record(bench: Any) -> None:
    counts = [0] * 50 + [3] * 20
    bench.load(time=bench.times(counts))
    results = bench.analyse(bench.job({"function": "count"}), 70)
    assert [b["timestamp"] for b in results.buckets] == [START + b * HOUR for b in range(50, 70)]
    assert results.empty_bucket_count == 0


def test_model_size_counts_series_and_bytes(bench: Any) -> None:
    bench.load(time=bench.times([2] * 30), host=np.tile(["a", "b"], 30))
    analysis = JobAnalysis(bench.job({"function": "count", "partition_field_name": "host"}))
    bench.analyse(None, 30, analysis=analysis)
    size = analysis.model_size()
    assert size["total_partition_field_count"] == 2
    assert size["memory_status"] == "ok"
    assert 2_000 < size["model_bytes"] < 40_000


def test_missing_field_values_are_counted(bench: Any) -> None:
    """Once for each document and field of the analysis that the document does not have."""
    value = [None if position % 4 == 0 else 1.0 for position in range(40)]
    host = [None if position == 1 else "a" for position in range(40)]
    bench.load(time=bench.times([1] * 40), value=pa.array(value, pa.float64()), host=pa.array(host, pa.string()))
    job = bench.job({"function": "mean", "field_name": "value", "partition_field_name": "host"}, {"function": "count"})
    results = bench.analyse(job, 40)
    assert results.processed_records == 40
    assert results.missing_field_count == 11


def test_model_plot_documents_of_similarly_named_series_do_not_collide(bench: Any) -> None:
    """Every series has its own document of a bucket, whatever separators its values hold."""
    bench.load(time=bench.times([2] * 60), zone=np.tile(["a_b", "a"], 60), host=np.tile(["c", "b_c"], 60))
    detector = {"function": "count", "partition_field_name": "zone", "by_field_name": "host"}
    results = bench.analyse(bench.job(detector, model_plot_config={"enabled": True}), 60)
    names = [name for name, body in results.all() if body["result_type"] == "model_plot"]
    assert len(names) > 20
    assert len(set(names)) == len(names)
