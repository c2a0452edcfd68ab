"""What a user of a job sees: the planted incident is found, and the ordinary day is left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

HOUR = 3_600_000
START = 1_704_067_200_000


def at(document: dict[str, Any]) -> int:
    return (document["timestamp"] - START) // HOUR


def daily(buckets: int) -> np.ndarray:
    """Requests an hour: about 25 at noon, almost none at night."""
    hour = np.arange(buckets) % 24
    return 230 * np.exp(-0.5 * ((hour - 12) / 3.6) ** 2) / 9.02


def test_an_outage_at_noon_is_critical_and_empty_nights_are_not(bench: Any) -> None:
    rng = np.random.default_rng(7)
    counts = rng.poisson(daily(24 * 28))
    outage = [24 * 20 + 11, 24 * 20 + 12]
    counts[outage] = 0
    counts[24 * 24 + 12] += 100
    bench.load(time=bench.times(counts))
    results = bench.analyse(bench.job({"function": "low_count"}), len(counts))
    critical = [at(record) for record in results.records if record["record_score"] >= 75]
    assert critical == outage
    worst = results.records[[at(r) for r in results.records].index(outage[0])]
    assert worst["actual"] == [0.0]
    assert 15 < worst["typical"][0] < 35
    assert worst["anomaly_score_explanation"]["anomaly_type"] == "dip"
    assert worst["anomaly_score_explanation"]["lower_confidence_bound"] > 0
    assert results.empty_bucket_count == int((counts == 0).sum()) - int(counts[0] == 0)


def test_a_flood_from_one_client_is_found_in_its_partition_and_blamed_on_the_client(bench: Any) -> None:
    rng = np.random.default_rng(1)
    normal = bench.times(rng.poisson(daily(24 * 21)))
    code = rng.choice(["200", "404"], len(normal), p=[0.94, 0.06])
    client = rng.choice([f"10.0.0.{k}" for k in range(50)], len(normal))
    flood = START + (24 * 15 + 12) * HOUR + np.arange(100) * 1000
    bench.load(
        time=np.concatenate([normal, flood]),
        code=np.concatenate([code, ["404"] * 100]),
        client=np.concatenate([client, ["6.6.6.6"] * 100]),
    )
    job = bench.job({"function": "count", "partition_field_name": "code"}, influencers=("client", "code"))
    results = bench.analyse(job, 24 * 21)
    worst = max(results.records, key=lambda record: record["record_score"])
    assert (at(worst), worst["partition_field_value"]) == (24 * 15 + 12, "404")
    assert worst["record_score"] >= 75
    assert worst["code"] == ["404"]
    named = {entry["influencer_field_name"]: entry["influencer_field_values"] for entry in worst["influencers"]}
    assert named == {"client": ["6.6.6.6"], "code": ["404"]}
    top = max(results.influencers, key=lambda document: document["influencer_score"])
    assert top["influencer_field_value"] in {"6.6.6.6", "404"}
    bucket = results.buckets[at(worst) - at(results.buckets[0])]
    assert bucket["anomaly_score"] >= 50
    assert {entry["influencer_field_name"] for entry in bucket["bucket_influencers"]} == {
        "client",
        "code",
        "bucket_time",
    }


def test_a_scanner_stands_out_of_its_population(bench: Any) -> None:
    rng = np.random.default_rng(2)
    time = bench.times(rng.poisson(20, 24 * 10))
    client = rng.choice([f"10.0.{k // 256}.{k % 256}" for k in range(1000)], len(time))
    url = rng.choice([f"/page/{k}" for k in range(25)], len(time))
    scan = START + (24 * 8 + 3) * HOUR + np.arange(60) * 1000
    bench.load(
        time=np.concatenate([time, scan]),
        client=np.concatenate([client, ["6.6.6.6"] * 60]),
        url=np.concatenate([url, [f"/admin/{k}" for k in range(60)]]),
    )
    detector = {"function": "high_distinct_count", "field_name": "url", "over_field_name": "client"}
    results = bench.analyse(bench.job(detector, influencers=("client",)), 24 * 10)
    critical = [record for record in results.records if record["record_score"] >= 75]
    assert [(at(r), r["over_field_value"]) for r in critical] == [(24 * 8 + 3, "6.6.6.6")]
    cause = critical[0]["causes"][0]
    assert cause["actual"] == [60.0]
    assert cause["typical"][0] < 2
    assert "actual" not in critical[0]


def test_a_series_that_appears_late_has_no_zeros_before_and_others_do_not_notice(bench: Any) -> None:
    rng = np.random.default_rng(3)
    first = bench.times(rng.poisson(30, 400))
    late_counts = np.zeros(400, dtype=int)
    late_counts[200:] = rng.poisson(30, 200)
    late = bench.times(late_counts)
    bench.load(time=np.concatenate([first, late]), host=np.array(["a"] * len(first) + ["b"] * len(late), dtype=object))
    results = bench.analyse(bench.job({"function": "count", "partition_field_name": "host"}), 400)
    assert [r for r in results.records if r["record_score"] >= 25] == []


@pytest.mark.parametrize("function", ["mean", "min", "max", "sum", "median", "non_null_sum", "varp"])
def test_a_jump_of_a_metric_is_found_by_every_function(bench: Any, function: str) -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(100, 5, (400, 3))
    values[350] += 200 if function != "varp" else [0, 300, 0]
    bench.load(time=bench.times([3] * 400), value=values.ravel())
    results = bench.analyse(bench.job({"function": function, "field_name": "value"}), 400)
    assert [at(r) for r in results.records if r["record_score"] >= 75] == [350]
    assert results.records[-1]["function_description"] == function


def test_a_high_detector_is_silent_about_dips(bench: Any) -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(100, 5, 500)
    values[400], values[450] = 20, 180
    bench.load(time=bench.times([1] * 500), value=values)
    results = bench.analyse(bench.job({"function": "high_mean", "field_name": "value"}), 500)
    assert [at(r) for r in results.records if r["record_score"] >= 25] == [450]


def test_gaps_of_a_metric_are_no_anomaly_and_those_of_a_sum_are(bench: Any) -> None:
    rng = np.random.default_rng(6)
    counts = np.ones(500, dtype=int)
    counts[400:403] = 0
    bench.load(time=bench.times(counts), value=rng.normal(100, 5, int(counts.sum())))
    mean = bench.analyse(bench.job({"function": "mean", "field_name": "value"}), 500)
    assert [r for r in mean.records if r["record_score"] >= 25] == []
    total = bench.analyse(bench.job({"function": "sum", "field_name": "value"}), 500)
    assert [at(r) for r in total.records if r["record_score"] >= 75] == [400, 401, 402]


def test_noise_raises_no_critical_anomaly_in_its_first_days(bench: Any) -> None:
    rng = np.random.default_rng(8)
    names = np.repeat([f"host-{k}" for k in range(40)], 120)
    bench.load(time=np.tile(bench.times([1] * 120), 40), value=rng.lognormal(3, 0.7, 4800), host=names)
    job = bench.job({"function": "mean", "field_name": "value", "partition_field_name": "host"})
    assert [r for r in bench.analyse(job, 120).records if r["record_score"] >= 75] == []


def test_a_lasting_shift_is_reported_and_then_accepted(bench: Any) -> None:
    rng = np.random.default_rng(9)
    values = rng.normal(100, 5, 700) + 30 * np.sin(np.arange(700) * 2 * np.pi / 24)
    values[400:] += 150
    bench.load(time=bench.times([1] * 700), value=values)
    records = bench.analyse(bench.job({"function": "mean", "field_name": "value"}), 700).records
    high = [at(r) for r in records if r["record_score"] >= 50]
    assert 400 in high
    assert max(high) < 400 + 48


def test_drifts_too_small_for_one_bucket_are_found_over_twelve(bench: Any) -> None:
    rng = np.random.default_rng(10)
    values = rng.normal(100, 5, 1200)
    values[1000:1014] += 12
    bench.load(time=bench.times([1] * 1200), value=values)
    records = bench.analyse(bench.job({"function": "mean", "field_name": "value"}), 1200).records
    found = [r for r in records if 1004 <= at(r) <= 1016 and r["record_score"] >= 50]
    assert found
    assert max(r["multi_bucket_impact"] for r in found) > 0


def test_summary_counts_weigh_documents(bench: Any) -> None:
    rng = np.random.default_rng(11)
    counts = rng.poisson(200, 500)
    counts[450] = 20
    bench.load(time=bench.times([1] * 500), doc_count=counts)
    job = bench.job({"function": "count"}, analysis_config={"summary_count_field_name": "doc_count"})
    results = bench.analyse(job, 500)
    assert [at(r) for r in results.records if r["record_score"] >= 75] == [450]
    assert results.buckets[450]["event_count"] == 20
    assert results.processed_records == 500


def test_model_plot_bounds_hold_most_values(bench: Any) -> None:
    rng = np.random.default_rng(12)
    bench.load(time=bench.times([1] * 1000), value=rng.lognormal(3, 0.5, 1000))
    job = bench.job({"function": "mean", "field_name": "value"}, model_plot_config={"enabled": True})
    plots = bench.analyse(job, 1000).model_plot[200:]
    inside = np.mean([p["model_lower"] <= p["actual"] <= p["model_upper"] for p in plots])
    assert 0.92 < inside < 0.98
    assert all(p["model_lower"] >= 0 for p in plots)


def test_use_null_makes_a_series_of_documents_without_the_field(bench: Any) -> None:
    rng = np.random.default_rng(13)
    counts = rng.poisson(50, 400)
    counts[350] = 400
    bench.load(time=bench.times(counts), host=np.array([None] * int(counts.sum()), dtype=object))
    bench.connection.execute("ALTER TABLE documents ALTER host TYPE VARCHAR")
    detector = {"function": "count", "partition_field_name": "host"}
    assert bench.analyse(bench.job(detector), 400).records == []
    found = bench.analyse(bench.job(detector | {"use_null": True}), 400).records
    assert [(at(r), r["partition_field_value"]) for r in found if r["record_score"] >= 75] == [(350, "")]
