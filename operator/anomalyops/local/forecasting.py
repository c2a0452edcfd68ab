"""A forecast of a job: asked for, waited for and read, with what was before and what came since."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from anomalyops.elastic import Gateway
from anomalyops.elastic.forecasts import Forecasts
from anomalyops.local.errors import LocalError

_DONE: Final = frozenset({"finished", "failed"})
_FIRST_LOOK_S: Final = 0.1
_LAST_LOOK_S: Final = 1.0
_SPLITS: Final = ("partition", "by")

Listener = Callable[[str, float], None]
"""Told the status of the forecast and its progress, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastSeries:
    """The forecast of one series. Times are epoch seconds.

    Attributes:
        detector_index: Position of its detector.
        feature: What is forecast, in the server's words.
        fields: Values of the partition and by fields, by field name.
        times: Starts of the forecast buckets.
        expected: Expected values.
        lower: Lower 95 % bounds.
        upper: Upper 95 % bounds.
        before: Measured values before the forecast by time, as far as the job keeps them (model plot).
        came: The same since.
    """

    detector_index: int
    feature: str
    fields: Mapping[str, str]
    times: Sequence[float]
    expected: Sequence[float]
    lower: Sequence[float]
    upper: Sequence[float]
    before: Mapping[float, float]
    came: Mapping[float, float]

    @property
    def name(self) -> str:
        """What tells it from the others."""
        return ", ".join(f"{name} {value}" for name, value in self.fields.items())

    @property
    def inside(self) -> int:
        """How many of the values that came lie within the bounds."""
        bounds = zip(self.times, self.lower, self.upper, strict=True)
        return sum(time in self.came and low <= self.came[time] <= high for time, low, high in bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobForecast:
    """A forecast as the server has it.

    Attributes:
        job: Id of the job.
        forecast_id: Its id.
        status: finished, or what it is while it is not.
        start: Start of its first bucket.
        end: End of its last bucket, as it was asked for.
        expires: When it is removed; None for never.
        messages: What the server says about it.
        records: Documents that it consists of.
        bucket_span: Seconds.
        series: Its series, those that were asked for.
    """

    job: str
    forecast_id: str
    status: str
    start: datetime
    end: datetime
    expires: datetime | None
    messages: Sequence[str]
    records: int
    bucket_span: int
    series: Sequence[ForecastSeries]


async def make_forecast(
    gateway: Gateway, job: str, options: Mapping[str, str], listener: Listener, *, seconds: float
) -> str:
    """Have the server forecast a job and wait for the end; a closed job is opened for it, and closed again.

    Args:
        gateway: The server.
        job: Id of the job.
        options: Of the forecast, as the API has them.
        listener: Told how far it is.
        seconds: How long to wait at most.

    Returns:
        The forecast's id.

    Raises:
        GatewayError: The server refuses, in its words.
        LocalError: There is no such job, it is neither open nor closed, or the forecast failed or takes too long.
    """
    stats = await gateway.job_stats_of(job)
    if stats is None:
        known = ", ".join(sorted(await gateway.jobs())) or "none"
        raise LocalError(f"there is no job {job!r} on the server; there are: {known}")
    state = stats.get("state")
    if state not in {"opened", "closed"}:
        raise LocalError(f"job {job!r} is {state}; it can be forecast when it is opened or closed")
    if state == "closed":
        await gateway.open_job(job)
    try:
        forecasts = Forecasts(gateway.rest)
        forecast_id = await forecasts.create(job, options)
        await _wait(forecasts, job, forecast_id, listener, seconds)
    finally:
        if state == "closed":
            await gateway.close_job(job)
    return forecast_id


async def _wait(forecasts: Forecasts, job: str, forecast_id: str, listener: Listener, seconds: float) -> None:
    deadline, pause = time.monotonic() + seconds, _FIRST_LOOK_S
    while True:
        request = await forecasts.request(job, forecast_id) or {}
        status, progress = str(request.get("forecast_status", "scheduled")), float(request.get("forecast_progress", 0))
        listener(status, progress)
        if status in _DONE:
            break
        if time.monotonic() > deadline:
            raise LocalError(
                f"forecast {forecast_id} of job {job!r} is {status} ({progress:.0%}) after {seconds:.0f} s; it goes on"
                f" on the server: anomalyops forecast {job} --forecast-id {forecast_id} shows it later"
            )
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LAST_LOOK_S)
    if status == "failed":
        said = "; ".join(request.get("forecast_messages") or ["the server does not say why"])
        raise LocalError(f"forecast {forecast_id} of job {job!r} failed: {said}")


async def read_forecast(
    gateway: Gateway, job: str, forecast_id: str, *, wanted: str | None, limit: int | None, past_s: float | None
) -> JobForecast:
    """Read a forecast with what was before and what came since.

    Args:
        gateway: The server.
        job: Id of the job.
        forecast_id: The forecast.
        wanted: A value of a partition or by field; None for all series.
        limit: At most so many series are read.
        past_s: Seconds before the forecast of which measured values are read; None for as long as it is.

    Raises:
        GatewayError: The server does not answer.
        LocalError: There is no such forecast, or no such series.
    """
    forecasts = Forecasts(gateway.rest)
    request = await forecasts.request(job, forecast_id)
    if request is None:
        raise LocalError(f"there is no forecast {forecast_id!r} of job {job!r} on the server; it may have expired")
    found = await forecasts.series(job, forecast_id)
    found.sort(key=lambda first: (int(first["detector_index"]), *_fields(first).values()))
    chosen = [first for first in found if wanted is None or wanted in _fields(first).values()]
    if wanted is not None and not chosen:
        known = ", ".join(", ".join(_fields(first).values()) for first in found[:20])
        raise LocalError(f"no series of the forecast has the value {wanted!r}; there are: {known}")
    start_ms, end_ms = _ms(request["forecast_start_timestamp"]), _ms(request["forecast_end_timestamp"])
    past_ms = end_ms - start_ms if past_s is None else round(past_s * 1000)
    series = [
        await _series(forecasts, job, forecast_id, first, past_ms=past_ms, start_ms=start_ms, end_ms=end_ms)
        for first in chosen[:limit]
    ]
    expiry = request.get("forecast_expiry_timestamp")
    return JobForecast(
        job=job,
        forecast_id=forecast_id,
        status=str(request["forecast_status"]),
        start=_time(start_ms),
        end=_time(end_ms),
        expires=_time(_ms(expiry)) if expiry else None,
        messages=tuple(request.get("forecast_messages") or ()),
        records=int(request.get("processed_record_count", 0)),
        bucket_span=int(found[0]["bucket_span"]) if found else 0,
        series=series,
    )


async def _series(
    forecasts: Forecasts,
    job: str,
    forecast_id: str,
    first: Mapping[str, Any],
    *,
    past_ms: int,
    start_ms: int,
    end_ms: int,
) -> ForecastSeries:
    path, plot = await asyncio.gather(
        forecasts.path(job, forecast_id, first),
        forecasts.measured(job, first, start_ms=start_ms - past_ms, end_ms=end_ms),
    )
    actual = {_ms(point["timestamp"]) / 1000: float(point["actual"]) for point in plot if "actual" in point}
    return ForecastSeries(
        detector_index=int(first["detector_index"]),
        feature=str(first.get("model_feature", "")).strip("'"),
        fields=_fields(first),
        times=[_ms(point["timestamp"]) / 1000 for point in path],
        expected=[float(point["forecast_prediction"]) for point in path],
        lower=[float(point["forecast_lower"]) for point in path],
        upper=[float(point["forecast_upper"]) for point in path],
        before={moment: value for moment, value in actual.items() if moment < start_ms / 1000},
        came={moment: value for moment, value in actual.items() if moment >= start_ms / 1000},
    )


def _fields(document: Mapping[str, Any]) -> dict[str, str]:
    return {
        str(document[f"{split}_field_name"]): str(document[f"{split}_field_value"])
        for split in _SPLITS
        if f"{split}_field_value" in document
    }


def _ms(value: int | str) -> int:
    """A timestamp of a document: epoch milliseconds, or ISO 8601 where a server was asked for text."""
    if isinstance(value, str) and not value.lstrip("-").isdigit():
        return round(datetime.fromisoformat(value).timestamp() * 1000)
    return int(value)


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
