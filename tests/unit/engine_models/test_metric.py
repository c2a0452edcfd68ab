"""`metric`: the mean, the smallest and the largest value of a bucket, by one detector."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

HOUR = 3_600_000
START = 1_704_067_200_000
BUCKETS = 400
LOW, HIGH, MEAN = 300, 330, 360
HOSTS = list("abcdefghijklmno")


@pytest.fixture
def loaded(bench: Any) -> Any:
    """Twenty values an hour of each of fifteen hosts; in three hours one host's are other than usual."""
    rng = np.random.default_rng(3)
    hour = np.repeat(np.arange(BUCKETS), 20 * len(HOSTS))
    host = np.tile(np.repeat(HOSTS, 20), BUCKETS)
    value = rng.uniform(80, 120, len(hour))
    first = [int(np.flatnonzero((hour == place) & (host == "b"))[0]) for place in (LOW, HIGH, MEAN)]
    value[first[0]], value[first[1]] = 0.0, 200.0
    value[(hour == MEAN) & (host == "b")] = rng.uniform(112, 119, 20)
    bench.load(time=(START + hour * HOUR + np.arange(len(hour)) % 300 * 1000).astype(np.int64), host=host, value=value)
    return bench


@pytest.mark.parametrize("split", ["by_field_name", "partition_field_name", "over_field_name"])
def test_what_is_unusual_of_the_three_is_told_once(loaded: Any, split: str) -> None:
    job = loaded.job({"function": "metric", "field_name": "value", split: "host"}, influencers=("host",))
    loud = [r for r in loaded.analyse(job, BUCKETS).records if r["record_score"] >= 50]
    each = [((record["timestamp"] - START) // HOUR, record[split.replace("_name", "_value")]) for record in loud]
    assert len(set(each)) == len(each)
    # By chance one of 18,000 other values may be loud, too: the smallest of twenty is 4e-5 likely to lie as high as 95.
    assert len([host for _, host in each if host != "b"]) <= 1
    told = {hour: record for (hour, host), record in zip(each, loud, strict=True) if host == "b"}
    assert set(told) == {LOW, HIGH, MEAN}
    assert told[MEAN]["function_description"] == "mean"
    for place, function, actual in ((LOW, "min", 0.0), (HIGH, "max", 200.0)):
        record = told[place]
        shown = record["causes"][0] if split == "over_field_name" else record
        assert (record["function"], record["function_description"]) == ("metric", function)
        assert shown["actual"] == [actual]
        assert record["host"] == ["b"]
        assert record["record_score"] >= 75


def test_model_plot_shows_all_three(loaded: Any) -> None:
    job = loaded.job({"function": "metric", "field_name": "value"}, model_plot_config={"enabled": True})
    plot = loaded.analyse(job, BUCKETS).model_plot
    shown = {document["model_feature"] for document in plot if document["timestamp"] == START + 200 * HOUR}
    assert shown == {
        "'arithmetic mean value by person'",
        "'minimum value by person'",
        "'maximum value by person'",
    }
