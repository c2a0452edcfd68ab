"""A forecast of a whole job: all series of all detectors that can be, from a copy that the job does not notice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from anomalyops_engine.scoring import JobAnalysis, forecast
from anomalyops_engine.scoring.forecast import ForecastRefused, JobForecast, forecast_bytes, prepare_forecast

HOUR = 3_600_000
START = 1_704_067_200_000
BUCKETS = 240


@pytest.fixture
def loaded(bench: Any) -> Any:
    rng = np.random.default_rng(4)
    counts = rng.poisson(12, 2 * BUCKETS)
    time = bench.times(counts)
    day = 1 + 0.5 * np.cos(2 * np.pi * (time - START) / (24 * HOUR))
    bench.load(
        time=time,
        host=rng.choice(["a", "b", "c"], len(time)),
        client=rng.choice(["x", "y"], len(time)),
        value=50 * day + rng.normal(0, 2, len(time)),
    )
    return bench


def ahead(analysis: JobAnalysis, buckets: int = 48, **options: Any) -> JobForecast:
    return prepare_forecast(analysis, start_ms=START + BUCKETS * HOUR, buckets=buckets, folder=options.get("folder"))


def learnt(bench: Any, *detectors: dict[str, Any], buckets: int = BUCKETS) -> JobAnalysis:
    analysis = JobAnalysis(bench.job(*detectors))
    bench.analyse(None, buckets, analysis=analysis)
    return analysis


MEAN = {"function": "mean", "field_name": "value", "partition_field_name": "host"}
METRIC = {"function": "metric", "field_name": "value"}
POPULATION = {"function": "sum", "field_name": "value", "over_field_name": "client"}


def test_all_series_that_can_be_are_forecast_bucket_by_bucket(loaded: Any) -> None:
    made = ahead(learnt(loaded, MEAN, METRIC, POPULATION, {"function": "count"}))
    parts = list(made.parts())
    assert made.done == 1.0
    assert made.messages == []
    found = Counter((part.detector.index, part.detector.function.name, part.key) for part in parts)
    hosts = [(0, "mean", (host,)) for host in "abc"]
    assert set(found) == {*hosts, *((1, name, ()) for name in ("mean", "min", "max")), (3, "count", ())}
    frames = list(forecast.forecast_frames(parts, job_id="job", forecast_id="f", span_ms=HOUR))
    documents = [document for frame in frames for document in frame.documents()]
    ids = [name for frame in frames for name in frame.ids]
    assert len(documents) == len(set(ids)) == 7 * 48
    assert {document["timestamp"] for document in documents} == {START + (BUCKETS + hour) * HOUR for hour in range(48)}
    host = next(document for document in documents if document.get("partition_field_value") == "b")
    assert host["partition_field_name"] == "host"
    assert host["model_feature"] == "'arithmetic mean value by person'"


def test_the_job_does_not_notice(loaded: Any) -> None:
    plain, forecast_on_its_way = (learnt(loaded, MEAN, POPULATION) for _ in range(2))
    before = forecast_on_its_way.snapshot()
    made = ahead(forecast_on_its_way, 500)
    parts = made.parts()
    first = next(parts)
    assert forecast_on_its_way.snapshot() == before
    later = [loaded.analyse(None, BUCKETS, analysis=each, first=BUCKETS) for each in (plain, forecast_on_its_way)]
    assert later[0].found == later[1].found
    # What the job learns meanwhile does not change the forecast either.
    rest = [first, *parts]
    again = list(ahead(learnt(loaded, MEAN, POPULATION), 500).parts())
    assert [part.path.tobytes() for part in rest] == [part.path.tobytes() for part in again]


def test_copies_in_files_make_no_difference(loaded: Any, tmp_path: Any) -> None:
    analysis = learnt(loaded, MEAN, METRIC)
    kept, copied = ahead(analysis, folder=tmp_path), ahead(analysis)
    assert any(tmp_path.iterdir())
    assert kept.memory_bytes == copied.memory_bytes == forecast_bytes(analysis)
    assert [part.path.tobytes() for part in kept.parts()] == [part.path.tobytes() for part in copied.parts()]


@pytest.mark.parametrize(
    ("detectors", "buckets", "reason"),
    [
        ([POPULATION], BUCKETS, "Forecast is not supported for population analysis"),
        ([MEAN], 3, "Forecast cannot be executed as model is not yet established. Job requires more time to learn"),
    ],
)
def test_what_cannot_be_forecast_is_refused(
    loaded: Any, detectors: list[dict[str, Any]], buckets: int, reason: str
) -> None:
    with pytest.raises(ForecastRefused) as refused:
        ahead(learnt(loaded, *detectors, buckets=buckets))
    assert str(refused.value) == reason


def test_where_a_forecast_ends_is_said_once_a_series(bench: Any) -> None:
    rng = np.random.default_rng(1)
    bench.load(
        time=START + np.arange(2 * BUCKETS, dtype=np.int64) * HOUR // 2,
        host=np.tile(["steady", "walk"], BUCKETS),
        value=np.where(np.arange(2 * BUCKETS) % 2, np.cumsum(rng.standard_normal(2 * BUCKETS)), 5.0),
    )
    made = ahead(learnt(bench, MEAN), 20_000)
    lengths: Counter[str] = Counter()
    for part in made.parts():
        lengths[part.key[0]] += len(part.path)
    assert made.done == 1.0
    assert lengths["steady"] == 20_000
    assert lengths["walk"] < 20_000
    (message,) = made.messages
    assert message.startswith("Detector[0]: the forecast of [host=walk] ends at 2024-")
