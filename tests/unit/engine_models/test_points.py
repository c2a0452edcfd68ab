"""Times of the day and week, and places on the globe: what is usual, and what is far from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laws import law

HOUR = 3_600_000
DAY = 24
START = 1_704_067_200_000
DAYS = 60


def at(document: dict[str, Any]) -> int:
    return int((document["timestamp"] - START) // HOUR)


def logins(seed: int) -> tuple[list[float], list[str]]:
    """Logins of nine users: by day, in the morning and the evening, or around midnight; their hours and names."""
    rng = np.random.default_rng(seed)
    hours: list[float] = []
    users: list[str] = []
    for user in range(9):
        for day in range(DAYS):
            n = rng.poisson(5)
            if user % 3 == 0:
                of_day = rng.uniform(9, 17, n)
            elif user % 3 == 1:
                of_day = np.where(rng.random(n) < 0.5, rng.normal(8.5, 0.3, n), rng.normal(17.5, 0.4, n))
            else:
                of_day = rng.normal(0, 0.8, n) % 24
            hours += list(day * DAY + of_day)
            users += [f"u{user}"] * n
    return hours, users


def load(bench: Any, hours: list[float], users: list[str], **columns: Any) -> None:
    time = START + (np.array(hours) * HOUR).astype(np.int64)
    bench.load(time=time, user=np.array(users, dtype=object), **columns)


@pytest.mark.parametrize("function", ["time_of_day", "time_of_week"])
@pytest.mark.parametrize("split", ["by_field_name", "partition_field_name"])
def test_a_login_in_the_night_is_told_and_midnight_is_no_edge(bench: Any, function: str, split: str) -> None:
    hours, users = logins(1)
    load(bench, [*hours, 50 * DAY + 3.25], [*users, "u1"])
    results = bench.analyse(bench.job({"function": function, split: "user"}, influencers=("user",)), DAYS * DAY)
    assert [at(record) for record in results.records if record["record_score"] >= 75] == [50 * DAY + 3]
    record = max(results.records, key=lambda record: record["record_score"])
    of_day = 3.25 * 3600
    # Weeks are counted from the epoch's Thursday; the series starts on a Monday.
    of_week = (4 * 86_400 + 50 * 86_400 + of_day) % 604_800
    assert record["actual"] == [of_day if function == "time_of_day" else of_week]
    assert abs(record["typical"][0] % 86_400 - 8.5 * 3600) < 1800
    assert (record["function"], record["function_description"]) == (function, "time")
    assert record["user"] == ["u1"]
    assert record["anomaly_score_explanation"].keys().isdisjoint({"lower_confidence_bound", "anomaly_type"})


def test_a_new_usual_time_is_told_at_first_only(bench: Any) -> None:
    hours, users = logins(2)
    shifted = [day * DAY + 3.0 + 0.01 * (day % 7) for day in range(45, DAYS)]
    load(bench, [*hours, *shifted], [*users, *["u1"] * len(shifted)])
    results = bench.analyse(bench.job({"function": "time_of_day", "by_field_name": "user"}), DAYS * DAY)
    told = [at(record) for record in results.records if record["record_score"] >= 50]
    assert told
    assert set(told) <= {45 * DAY + 3, 46 * DAY + 3}


@law(examples=3)
@given(
    seed=st.integers(0, 10_000),
    function=st.sampled_from(["time_of_day", "time_of_week"]),
    split=st.sampled_from([{}, {"by_field_name": "user"}, {"over_field_name": "user"}]),
)
def test_ordinary_times_do_not_flood(new_bench: Any, seed: int, function: str, split: dict[str, str]) -> None:
    hours, users = logins(seed)
    with new_bench() as bench:
        load(bench, hours, users)
        results = bench.analyse(bench.job({"function": function, **split}), DAYS * DAY)
    assert len([b for b in results.buckets if b["anomaly_score"] >= 75 and at(b) > 7 * DAY]) <= 1


def places(seed: int) -> tuple[list[float], list[str], Any]:
    """Visits of eight users to their homes and offices."""
    rng = np.random.default_rng(seed)
    hours, users = logins(seed)
    homes = {user: rng.uniform([-50, -180], [60, 180]) for user in set(users)}
    chosen = np.array([homes[user] for user in users])
    office = rng.random(len(users)) < 0.4
    chosen[office] += [0.6, -0.7]
    return hours, users, chosen + rng.normal(0, 0.03, chosen.shape)


def texts(points: Any) -> Any:
    return np.array([f"{lat!r},{(lon + 180) % 360 - 180!r}" for lat, lon in np.asarray(points).tolist()], dtype=object)


@pytest.mark.parametrize("split", ["by_field_name", "partition_field_name", "over_field_name"])
def test_a_visit_from_afar_is_told_with_both_points(bench: Any, split: str) -> None:
    hours, users, points = places(3)
    load(bench, [*hours, 50 * DAY + 3.0], [*users, "u1"], place=texts([*points, (78.25, 15.5)]))
    job = bench.job({"function": "lat_long", "field_name": "place", split: "user"}, influencers=("user",))
    results = bench.analyse(job, DAYS * DAY)
    (record,) = [record for record in results.records if record["record_score"] >= 75]
    assert at(record) == 50 * DAY + 3
    shown = record["causes"][0] if split == "over_field_name" else record
    assert shown["actual"] == [78.25, 15.5]
    assert shown["geo_results"]["actual_point"] == "78.250000000000,15.500000000000"
    lat, lon = map(float, shown["geo_results"]["typical_point"].split(","))
    assert shown["typical"] == pytest.approx([lat, lon])
    if split != "over_field_name":
        own = points[np.array(users) == "u1"]
        assert np.abs(own - [lat, lon]).sum(axis=1).min() < 0.5
    assert record["user"] == ["u1"]


@law(examples=2)
@given(seed=st.integers(0, 10_000), split=st.sampled_from([{}, {"by_field_name": "user"}, {"over_field_name": "user"}]))
def test_usual_places_do_not_flood(new_bench: Any, seed: int, split: dict[str, str]) -> None:
    hours, users, points = places(seed)
    with new_bench() as bench:
        load(bench, hours, users, place=texts(points))
        job = bench.job({"function": "lat_long", "field_name": "place", **split})
        results = bench.analyse(job, DAYS * DAY)
    assert len([b for b in results.buckets if b["anomaly_score"] >= 75 and at(b) > 7 * DAY]) <= 1


def test_what_is_no_place_is_left_out(bench: Any) -> None:
    hours, users, points = places(4)
    place = texts(points)
    place[::7] = np.resize(
        np.array(["", "here", "1", "91,0", "0,181", "nan,nan", "1,2,3", "inf,0"], dtype=object), len(place[::7])
    )
    load(bench, hours, users, place=place)
    results = bench.analyse(
        bench.job({"function": "lat_long", "field_name": "place", "by_field_name": "user"}), DAYS * DAY
    )
    assert len(results.buckets) > 1000
    assert not [record for record in results.records if record["record_score"] >= 75]
