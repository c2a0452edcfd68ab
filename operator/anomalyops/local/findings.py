"""What jobs have found, as values to show: anomalies, influencers and the series around an anomaly."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from anomalyops.elastic import Gateway
from anomalyops.elastic.results import Results

_SPLITS: Final = ("partition", "by", "over")
_AROUND: Final = 48  # buckets on each side of an anomaly
_TRIED: Final = 20  # anomalies that may have no model plot before it is given up
_MOST: Final = 10_000  # results that the server gives in one answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which results: of at least a score, in a time range, at most so many."""

    min_score: float = 0.0
    limit: int = 50
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """One anomaly record.

    Attributes:
        job: Id of the job.
        timestamp: Start of the bucket.
        score: `record_score`, 0 to 100.
        fields: The entity: values of the partition, by and over fields, by field name.
        function: What was measured, such as `count` or `distinct_count(url.keyword)`.
        actual: What was measured; empty if the record does not say.
        typical: What was expected.
        influencers: Values by influencer field.
        detector_index: Position of the detector in the job.
        bucket_span: Seconds.
        series: What tells the model plot of this entity from others of the detector.
    """

    job: str
    timestamp: datetime
    score: float
    fields: Mapping[str, str]
    function: str
    actual: tuple[float, ...]
    typical: tuple[float, ...]
    influencers: Mapping[str, tuple[str, ...]]
    detector_index: int
    bucket_span: int
    series: Mapping[str, str]

    @property
    def entity(self) -> str:
        """The values of the entity, empty for a job that looks at everything together."""
        return ", ".join(self.fields.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Influencer:
    """One influencer result: an entity that contributed to the anomalies of a bucket."""

    job: str
    timestamp: datetime
    score: float
    field: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPlot:
    """A series around an anomaly. Sequences of equal length, one item for each bucket.

    Attributes:
        anomaly: The anomaly in the middle.
        times: Starts of the buckets, epoch seconds.
        actual: Measured values, None where there were none.
        lower: Lower model bound.
        upper: Upper model bound.
        anomalies: Positions of buckets that are anomalous.
    """

    anomaly: Anomaly
    times: Sequence[float]
    actual: Sequence[float | None]
    lower: Sequence[float | None]
    upper: Sequence[float | None]
    anomalies: frozenset[int]


async def top_anomalies(gateway: Gateway, jobs: Sequence[str], window: Window) -> list[Anomaly]:
    """The anomalies of the jobs, highest score first, then latest first.

    Raises:
        GatewayError: The server does not answer, or has no such job.
    """
    results = Results(gateway.rest)
    found = await asyncio.gather(
        *(
            results.records(
                job,
                min_score=window.min_score,
                limit=min(window.limit, _MOST),
                start=window.start,
                end=window.end,
            )
            for job in jobs
        )
    )
    anomalies = [_anomaly(record) for records in found for record in records]
    anomalies.sort(key=lambda anomaly: (-anomaly.score, -anomaly.timestamp.timestamp(), anomaly.job))
    return anomalies[: window.limit]


async def top_influencers(gateway: Gateway, jobs: Sequence[str], window: Window) -> list[Influencer]:
    """The influencers of the jobs, each field and value of a job once with its highest score, highest first.

    Raises:
        GatewayError: The server does not answer, or has no such job.
    """
    results = Results(gateway.rest)
    found = await asyncio.gather(
        *(
            results.influencers(job, min_score=window.min_score, limit=1_000, start=window.start, end=window.end)
            for job in jobs
        )
    )
    best: dict[tuple[str, str, str], Influencer] = {}
    for result in sorted((r for part in found for r in part), key=lambda r: r["influencer_score"]):
        influencer = Influencer(
            job=result["job_id"],
            timestamp=_time(result["timestamp"]),
            score=float(result["influencer_score"]),
            field=str(result["influencer_field_name"]),
            value=str(result["influencer_field_value"]),
        )
        best[influencer.job, influencer.field, influencer.value] = influencer
    return sorted(best.values(), key=lambda item: (-item.score, item.job, item.value))[: window.limit]


async def series_around(
    gateway: Gateway, anomaly: Anomaly, others: Sequence[Anomaly] = (), *, buckets: int = _AROUND
) -> ModelPlot | None:
    """The model plot of the anomaly's entity around it.

    Args:
        gateway: The server.
        anomaly: The one in the middle.
        others: Further anomalies; those of the same series are marked too.
        buckets: How many on each side.

    Returns:
        None if the job has no model plot for the entity.

    Raises:
        GatewayError: The server does not answer.
    """
    middle = round(anomaly.timestamp.timestamp() * 1000)
    reach = buckets * anomaly.bucket_span * 1000
    documents = await Results(gateway.rest).model_plot(
        anomaly.job,
        anomaly.detector_index,
        anomaly.series,
        start_ms=middle - reach,
        end_ms=middle + reach + 1,
    )
    if not documents:
        return None
    times = [_milliseconds(document["timestamp"]) / 1000 for document in documents]
    anomalous = {
        other.timestamp.timestamp()
        for other in (anomaly, *others)
        if (other.job, other.detector_index, other.series) == (anomaly.job, anomaly.detector_index, anomaly.series)
    }
    return ModelPlot(
        anomaly=anomaly,
        times=times,
        actual=[document.get("actual") for document in documents],
        lower=[document.get("model_lower") for document in documents],
        upper=[document.get("model_upper") for document in documents],
        anomalies=frozenset(position for position, time in enumerate(times) if time in anomalous),
    )


async def worst_series(gateway: Gateway, anomalies: Sequence[Anomaly], *, jobs: int = 1) -> list[ModelPlot]:
    """The model plots around the highest anomalies that have one, each of another job.

    Args:
        gateway: The server.
        anomalies: Highest first.
        jobs: At most so many plots.

    Raises:
        GatewayError: The server does not answer.
    """
    plots: dict[str, ModelPlot] = {}
    for anomaly in anomalies[:_TRIED]:
        if len(plots) < jobs and anomaly.job not in plots:
            plot = await series_around(gateway, anomaly, anomalies)
            if plot is not None:
                plots[anomaly.job] = plot
    return list(plots.values())


def _anomaly(record: Mapping[str, Any]) -> Anomaly:
    # A population record keeps values of its by field in its causes, of which the first is the worst.
    cause: Mapping[str, Any] = (record.get("causes") or [{}])[0]
    field_name = record.get("field_name") or cause.get("field_name")
    function = str(record.get("function_description") or record.get("function"))
    entity = {
        str(record[f"{split}_field_name"]): str(record[f"{split}_field_value"])
        for split in _SPLITS
        if f"{split}_field_value" in record
    }
    return Anomaly(
        job=record["job_id"],
        timestamp=_time(record["timestamp"]),
        score=float(record["record_score"]),
        fields=entity,
        function=f"{function}({field_name})" if field_name else function,
        actual=_values(record.get("actual", cause.get("actual"))),
        typical=_values(record.get("typical", cause.get("typical"))),
        influencers={
            str(influencer["influencer_field_name"]): tuple(map(str, influencer["influencer_field_values"]))
            for influencer in record.get("influencers", ())
        },
        detector_index=int(record.get("detector_index", 0)),
        bucket_span=int(record["bucket_span"]),
        series={
            f"{split}_field_value": str(record[f"{split}_field_value"])
            for split in _SPLITS
            if f"{split}_field_value" in record
        },
    )


def _values(value: Any) -> tuple[float, ...]:
    if value is None:
        return ()
    return tuple(float(item) for item in value) if isinstance(value, list) else (float(value),)


def _time(value: int | str) -> datetime:
    return datetime.fromtimestamp(_milliseconds(value) / 1000, UTC)


def _milliseconds(value: int | str) -> int:
    """A timestamp of a document: epoch milliseconds, or ISO 8601 where a server was asked for text."""
    if isinstance(value, str) and not value.isdigit():
        return round(datetime.fromisoformat(value).timestamp() * 1000)
    return int(value)
