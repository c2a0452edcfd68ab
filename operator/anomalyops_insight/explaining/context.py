"""What lies around a record and bears on its score: who contributed, forecasts, late data, settings. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from anomalyops_insight.tools.configuration import Configured
from anomalyops_insight.tools.messages import Delay
from anomalyops_insight.tools.model import Forecast
from anomalyops_insight.tools.records import Influencer, Record

_LOW = 50.0  # below this a score is asked about for being low
_LONG_SPAN = 3600
_SPARSE = 0.1  # documents of a series and bucket, below which a model sees too little
_RARE = frozenset({"rare", "freq_rare", "time_of_day", "time_of_week"})
_SIDED = frozenset(
    {"count", "non_zero_count", "distinct_count", "mean", "avg", "median", "sum", "non_null_sum", "info_content"}
)


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is to be said.

    Attributes:
        about: What it is about: verdict, score, factors, bounds, history, rules, calendar, memory, bucket, influencers,
            forecast.
        text: In words.
        effect: `raises` or `lowers` a score, or `none`.
    """

    about: str
    text: str
    effect: str = "none"


@dataclass(frozen=True, slots=True)
class Around:
    """What is known beside the record and the bucket.

    Attributes:
        influencers: Of the bucket, most first.
        forecasts: Of the series for the bucket, the newest forecast first.
        delays: Annotations of data that came too late for the bucket.
        counts: `data_counts` of the job.
        size: `model_size_stats` of the job.
    """

    influencers: tuple[Influencer, ...] = ()
    forecasts: tuple[Forecast, ...] = ()
    delays: tuple[Delay, ...] = ()
    counts: Mapping[str, Any] = field(default_factory=dict)
    size: Mapping[str, Any] = field(default_factory=dict)


def of_record(record: Record, config: Configured, around: Around, span_seconds: int) -> list[Part]:
    """What is to be said of a record's surroundings."""
    return [
        *_contributors(around.influencers),
        *_forecast(record, around.forecasts),
        *late(around.delays),
        *_settings(record, config, span_seconds),
        *_sparse(record, around),
    ]


def _contributors(found: Sequence[Influencer]) -> list[Part]:
    if not found:
        return []
    named = (f"{one.influencer_field_name}={one.influencer_field_value} ({one.influencer_score:.0f})" for one in found)
    return [Part("influencers", f"who contributed to the bucket, most first: {', '.join(named)}")]


def _forecast(record: Record, forecasts: Sequence[Forecast]) -> list[Part]:
    if not forecasts or not record.actual:
        return []
    one, actual = forecasts[0], record.actual[0]
    where = "inside"
    if not one.forecast_lower <= actual <= one.forecast_upper:
        where = "above" if actual > one.forecast_upper else "below"
    bounds = f"{one.forecast_lower:.4g} to {one.forecast_upper:.4g}"
    return [Part("forecast", f"forecast {one.forecast_id} expected {bounds}: the value {actual:.4g} is {where} that")]


def late(delays: Sequence[Delay]) -> list[Part]:
    """That documents came too late for a bucket."""
    if not delays:
        return []
    missed = sum(one.missed_documents or 0 for one in delays)
    words = f"{missed} documents came too late for it and buckets around it" if missed else "documents came too late"
    return [Part("bucket", f"{words} (annotation of delayed data): the score is of a bucket that lacks them", "lowers")]


def _settings(record: Record, config: Configured, span_seconds: int) -> list[Part]:
    """What of the job's settings makes a low score."""
    if record.record_score >= _LOW:
        return []
    parts = []
    detectors, index = config.detectors, record.detector_index
    function = str(detectors[index].get("function", "")) if index < len(detectors) else ""
    if function in _SIDED and record.actual and record.typical and record.actual[0] != record.typical[0]:
        side = "high" if record.actual[0] > record.typical[0] else "low"
        words = f"{function} looks at both sides: {side}_{function} would take this for a little more unusual"
        parts.append(Part("rules", words, "lowers"))
    if span_seconds >= _LONG_SPAN and function not in _RARE:
        words = f"bucket_span is {config.bucket_span}: what lasts some minutes is a small part of a bucket"
        parts.append(Part("bucket", words, "lowers"))
    return parts


def _sparse(record: Record, around: Around) -> list[Part]:
    """That a model of many series sees few documents of each: what is merely new looks unusual."""
    records, buckets = around.counts.get("processed_record_count") or 0, around.counts.get("bucket_count") or 0
    series = max(int(around.size.get(f"total_{kind}_field_count") or 0) for kind in ("by", "partition", "over"))
    if record.function in _RARE or not records or not buckets or series < 2:
        return []
    each = records / buckets / series
    if each >= _SPARSE:
        return []
    words = f"{series} series share {records} documents of {buckets} buckets: {each:.2g} of each, too few to learn from"
    return [Part("history", words, "raises")]


def bucket_window(at: datetime, found: Sequence[Delay]) -> tuple[Delay, ...]:
    """The annotations that cover a bucket."""
    return tuple(one for one in found if one.timestamp <= at <= (one.end_timestamp or one.timestamp))
