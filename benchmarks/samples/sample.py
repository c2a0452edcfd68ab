"""A ready-made job with a generator of its data, and what the engine makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anomalyops_engine.config import create_job
from anomalyops_engine.query import Documents
from anomalyops_engine.query.expr import Table
from anomalyops_engine.scoring import JobAnalysis

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
START_S = 1_704_067_200
"""2024-01-01T00:00:00Z, a Monday."""
CRITICAL = 75.0

Array = npt.NDArray[np.float64]
Columns = dict[str, Any]
"""Fields of documents by column; `time` is in seconds since START_S."""


@dataclass(frozen=True)
class Incident:
    """What was planted in [start_s, end_s), seconds since START_S, and whom a record has to name; None for nobody."""

    start_s: float
    end_s: float
    entity: str | None = None


@dataclass(frozen=True)
class Data:
    """Documents, not in order of time, with what was planted in them."""

    columns: Columns
    incidents: tuple[Incident, ...]


@dataclass(frozen=True)
class Sample:
    """A ready-made job.

    Attributes:
        name: As it is supplied.
        analysis: The `analysis_config`.
        days: Days of data.
        learnt: Days after which an ordinary bucket counts.
        make: Generates the data of a seed.
    """

    name: str
    analysis: dict[str, Any]
    days: int
    learnt: int
    make: Callable[[np.random.Generator], Data]


@dataclass(frozen=True)
class Outcome:
    """What came of one seed: incidents, those found, and critical buckets elsewhere after learning."""

    incidents: int
    found: int
    elsewhere: int

    @property
    def exact(self) -> bool:
        """Whether what was planted is critical and nothing else."""
        return self.found == self.incidents and not self.elsewhere


def outcome(sample: Sample, seed: int) -> Outcome:
    """Let the engine analyse the data of a seed."""
    data = sample.make(np.random.default_rng([11, seed]))
    span_s, buckets, records = _analysed(sample, data)
    planted = [(incident.start_s // span_s * span_s, incident) for incident in data.incidents]
    found = sum(
        any(start <= at < incident.end_s and incident.entity in {None, *entities} for at, entities in records)
        for start, incident in planted
    )
    elsewhere = [
        at
        for at in buckets
        if at >= sample.learnt * DAY_S and not any(start <= at < incident.end_s for start, incident in planted)
    ]
    return Outcome(len(data.incidents), found, len(elsewhere))


def _analysed(sample: Sample, data: Data) -> tuple[int, list[float], list[tuple[float, set[str]]]]:
    """The bucket span, the critical buckets, and the critical records with the entities that they name."""
    body = {"analysis_config": sample.analysis, "data_description": {"time_field": "time"}}
    job, _ = create_job(body, job_id="sample", now_ms=0)
    time = np.asarray(data.columns["time"])
    order = np.argsort(time, kind="stable")
    columns = {name: pa.array(np.asarray(values)[order]) for name, values in data.columns.items()}
    columns["time"] = pa.array((1000 * (START_S + time[order])).astype(np.int64))
    with duckdb.connect() as connection:
        connection.register("documents", pa.table(columns))
        documents = Documents(Table("documents"), {name: name for name in columns})
        span_ms = job.bucket_span_ms
        end_ms = 1000 * (START_S + sample.days * DAY_S) // span_ms * span_ms
        start_ms = 1000 * START_S // span_ms * span_ms
        results = JobAnalysis(job).analyse(connection, documents, start_ms=start_ms, end_ms=end_ms)
    loud = [_at(b) for b in results.buckets if b["initial_anomaly_score"] >= CRITICAL]
    records = [(_at(r), set(_entities(r))) for r in results.records if r["initial_record_score"] >= CRITICAL]
    return span_ms // 1000, loud, records


def _at(document: dict[str, Any]) -> float:
    return float(document["timestamp"] / 1000 - START_S)


def _entities(record: dict[str, Any]) -> Iterator[str]:
    for source in (record, *record.get("causes", ())):
        for name, value in source.items():
            if name.endswith("_field_value"):
                yield str(value)


def busy(time_s: Array) -> Array:
    """How busy a site is, 0.1 to 1: by day, less at weekends."""
    day = np.clip(np.sin(2 * np.pi * (time_s / DAY_S - 0.29)), 0.0, None)
    return (0.1 + 0.9 * day) * np.where((time_s // DAY_S) % 7 < 5, 1.0, 0.6)


def arrivals(rng: np.random.Generator, days: int, per_hour: float, *, by_day: bool = True) -> Array:
    """Times of events, seconds, about `per_hour` at the busiest."""
    times = rng.uniform(0, days * DAY_S, rng.poisson(per_hour * 24 * days))
    return np.sort(times[rng.random(len(times)) < busy(times)] if by_day else times)


def moment(rng: np.random.Generator, days: int, share: float, hour: float | None = None) -> float:
    """A whole hour about a share of the way through the days, seconds; at an hour of the day where one is given."""
    day = int(days * share)
    return day * DAY_S + (int(rng.integers(0, 24)) if hour is None else hour) * HOUR_S


def joined(*parts: Columns) -> Columns:
    """Documents of several sources with the same fields."""
    return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}


def chosen(columns: Columns, keep: npt.NDArray[np.bool_]) -> Columns:
    """Some of the documents."""
    return {name: np.asarray(values)[keep] for name, values in columns.items()}
