"""A forecast of all series of a job, from a copy of what the job has learnt: the job goes on beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from anomalyops_engine.features.resolving import ResolvedDetector
from anomalyops_engine.models.series.bank import SeriesBank
from anomalyops_engine.scoring.analysis import JobAnalysis
from anomalyops_engine.scoring.detection import Forecastable
from anomalyops_engine.scoring.documents import series_digest, split_fields
from anomalyops_engine.store import Frame

_BLOCK: Final = 4_096
"""Buckets of a series that are forecast at once."""
NO_SERIES: Final = "Insufficient history to forecast for all models"


class ForecastRefused(Exception):  # noqa: N818 - a statement about the job, as the API words it
    """A job cannot be forecast; the message says why, in Elasticsearch's words."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some buckets of the forecast of one series."""

    detector: ResolvedDetector
    key: tuple[str, ...]
    first_bucket: int
    path: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Series:
    """The series of one detector."""

    detector: ResolvedDetector
    bank: SeriesBank
    rows: npt.NDArray[np.int64]


@dataclass(slots=True)
class JobForecast:
    """A forecast in work.

    Attributes:
        first_bucket: Number of its first bucket: its start over the bucket span.
        buckets: Buckets of each series, at most.
        memory_bytes: What the copied models take.
        messages: What there is to say about it.
        done: Share that is done, 0 to 1.
    """

    first_bucket: int
    buckets: int
    memory_bytes: int
    messages: list[str] = field(default_factory=list)
    done: float = 0.0
    _series: list[_Series] = field(default_factory=list)

    def parts(self) -> Iterator[Part]:
        """The forecast, series by series and block by block; `done` tells how far it is.

        A series whose bounds would be wider than all of its values so far ends there; `messages` says which and where.
        """
        total, ready = sum(len(series.rows) for series in self._series) * self.buckets, 0
        for series in self._series:
            for row in series.rows.tolist():
                path = series.bank.forecast(row, first_bucket=self.first_bucket)
                while path.done < self.buckets:
                    begin, wanted = self.first_bucket + path.done, min(_BLOCK, self.buckets - path.done)
                    block = path.extend(wanted)
                    self.done = (ready + path.done) / total
                    if len(block):
                        yield Part(series.detector, series.bank.keys[row], begin, block)
                    if len(block) < wanted:
                        self._note_end(series, row, self.first_bucket + path.done)
                        break
                ready += self.buckets
        self.done = 1.0

    def _note_end(self, series: _Series, row: int, bucket: int) -> None:
        names, values = series.detector.split_fields, series.bank.keys[row]
        split = ", ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))
        end = np.datetime64(int(bucket * series.bank.parameters.span_s), "s")
        self.messages.append(
            f"Detector[{series.detector.index}]: the forecast{f' of [{split}]' if split else ''} ends at {end}Z, from "
            "where on its bounds would be wider than all values so far"
        )


def prepare_forecast(analysis: JobAnalysis, *, start_ms: int, buckets: int, folder: Path | None) -> JobForecast:
    """Copy what a forecast of a job needs.

    Args:
        analysis: The job's analysis.
        start_ms: Start of the first bucket that is not analysed yet.
        buckets: Buckets to forecast.
        folder: Where the copies are kept; None for memory.

    Raises:
        ForecastRefused: When nothing of the job can be forecast.
    """
    found = _forecastable(analysis)
    forecast = JobForecast(start_ms // analysis.bucket_span_ms, buckets, sum(_bytes(bank) for _, bank in found))
    short = False
    for detector, bank in found:
        rows = bank.established()
        short = short or len(rows) < len(bank)
        place = None if folder is None else folder / f"{detector.index}-{detector.function.name}"
        if place is not None:
            place.mkdir()
        forecast._series.append(_Series(detector, bank.fork(place), rows))
    if not any(len(series.rows) for series in forecast._series):
        raise ForecastRefused(
            "Forecast cannot be executed as model is not yet established. Job requires more time to learn"
        )
    if short:
        forecast.messages.append(NO_SERIES)
    return forecast


def forecast_bytes(analysis: JobAnalysis) -> int:
    """What the models that a forecast copies take.

    Raises:
        ForecastRefused: When nothing of the job can be forecast.
    """
    return sum(_bytes(bank) for _, bank in _forecastable(analysis))


def _bytes(bank: SeriesBank) -> int:
    return len(bank) * bank.bytes_per_model


def _forecastable(analysis: JobAnalysis) -> list[tuple[ResolvedDetector, SeriesBank]]:
    alone = [detection for detection in analysis.detections if detection.detector.over is None]
    if not alone:
        raise ForecastRefused("Forecast is not supported for population analysis")
    able = [detection for detection in alone if isinstance(detection, Forecastable)]
    found = [series for detection in able for series in detection.forecastable()]
    if not found:
        raise ForecastRefused("Forecast is not supported for the used functions")
    return found


def forecast_frames(parts: Sequence[Part], *, job_id: str, forecast_id: str, span_ms: int) -> Iterator[Frame]:
    """The documents of some parts of a forecast, detector by detector."""
    for detector, alike in groupby(parts, key=lambda part: part.detector):
        mine = list(alike)
        lengths = [len(part.path) for part in mine]
        name = f"{detector.function.name}_" if detector.is_part else ""
        path = np.concatenate([part.path for part in mine])
        times = np.concatenate([(part.first_bucket + np.arange(len(part.path))) * span_ms for part in mine])
        tails = np.repeat(
            [f"_{span_ms // 1000}_{detector.index}_{name}{series_digest(part.key)}" for part in mine], lengths
        )
        splits = split_fields(detector, mine[0].key)
        values = [name for name in splits if name.endswith("_value")]
        columns = {
            name: [part.key[place] for part, length in zip(mine, lengths, strict=True) for _ in range(length)]
            for place, name in enumerate(values)
        }
        head = f"{job_id}_model_forecast_{forecast_id}_"
        yield Frame(
            [f"{head}{time}{tail}" for time, tail in zip(times.tolist(), tails.tolist(), strict=True)],
            {
                "job_id": job_id,
                "forecast_id": forecast_id,
                "result_type": "model_forecast",
                "bucket_span": span_ms // 1000,
                "detector_index": detector.index,
                "timestamp": times,
                **splits,
                **columns,
                "model_feature": detector.function.model_feature(detector.side),
                "forecast_lower": path[:, 1],
                "forecast_upper": path[:, 2],
                "forecast_prediction": path[:, 0],
            },
        )
