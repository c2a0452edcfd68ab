"""What has to be asked to explain a record, or a moment without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from anomalyops_insight.errors import BadRequestError, RefusedError
from anomalyops_insight.explaining.context import Around, bucket_window
from anomalyops_insight.explaining.explanation import Explanation, Subject, explanation
from anomalyops_insight.programs import Program, ask, call, present
from anomalyops_insight.query import AtMost, Column, Condition, Document, Equals, Pattern, Question, Sort, Window
from anomalyops_insight.query.rows import milliseconds, time_of
from anomalyops_insight.times import seconds_of
from anomalyops_insight.tools.configuration import Configured, configuration, job_states
from anomalyops_insight.tools.messages import Delay, DelayParameters, late_data
from anomalyops_insight.tools.model import Forecast, ForecastParameters, PlotParameters, forecast_question, model_bounds
from anomalyops_insight.tools.records import (
    Influencer,
    InfluencerParameters,
    Record,
    RecordParameters,
    influencer_question,
    record_question,
)
from anomalyops_insight.tools.tool import RESULTS, only_rows, read_rows

_AROUND = 24  # buckets of the plot before the moment, and half as many after it
_SERIES = ("partition_field_value", "by_field_value", "over_field_value")
_FORECAST = ("detector_index", "partition_field_value", "by_field_value")
_MOST_INFLUENCERS = 5


def explain(job_id: str, *, at: datetime | None = None, record_id: str | None = None) -> Program[Explanation]:
    """Explains a record: that of an id, the worst of the bucket at a moment, or the worst of all.

    Args:
        job_id: The job.
        at: A moment; where nothing was flagged in its bucket, why not.
        record_id: The `_id` of a record.

    Raises:
        BadRequestError: There is no such job or record, or the job has no records.
        RefusedError: The server refuses to tell.
    """
    now = yield from present()
    if at is not None and at > now:
        raise BadRequestError(f"{at:%Y-%m-%d %H:%M UTC} lies in the future: nothing is analysed there yet")
    config = yield from configuration(job_id)
    record = (yield from _of_id(job_id, record_id)) if record_id is not None else None
    state = (yield from job_states(Pattern.read(job_id))).get(job_id, {})
    span = yield from _span(config, record)
    if record is None:
        record = yield from _record(job_id, at, span)
    if record is None and at is None:
        raise BadRequestError(f"job {job_id} has no records yet: give --at to ask why nothing was flagged at a time")
    moment = record.timestamp if record is not None else at
    assert moment is not None  # noqa: S101 - for the type checker: one of the two is there
    return explanation((yield from _subject(config, state, record, moment, span)))


def _subject(
    config: Configured, state: Mapping[str, Any], record: Record | None, at: datetime, span: int
) -> Program[Subject]:
    counts = state.get("data_counts", {})
    first, last = counts.get("earliest_record_timestamp"), counts.get("latest_bucket_timestamp")
    stronger = (yield from _stronger(config.job_id, record)) if record is not None else None
    bucket = yield from _bucket(config.job_id, at, span)
    plot = yield from model_bounds(_plot(config.job_id, record, at, span))
    around = yield from _around(config.job_id, record, at, span)
    return Subject(
        config=config,
        at=at,
        record=record,
        nearest=bucket,
        span_seconds=span,
        first_record=None if first is None else time_of(first),
        latest_bucket=None if last is None else time_of(last),
        stronger=stronger,
        plot=plot,
        memory_status=state.get("model_size_stats", {}).get("memory_status"),
        events=(yield from scheduled_events(config.job_id, at, at + timedelta(seconds=span))),
        around=replace(around, counts=counts, size=state.get("model_size_stats", {})),
    )


def _around(job_id: str, record: Record | None, at: datetime, span: int) -> Program[Around]:
    """Who contributed to the bucket, what was forecast for it, and whether data came too late for it."""
    bucket: dict[str, Any] = {"job_id_pattern": job_id, "start": at, "end": at + timedelta(seconds=span)}
    delays = bucket_window(at, (yield from _delays(job_id, bucket["end"])))
    if record is None:
        return Around(delays=delays)
    asked = InfluencerParameters(**bucket, min_score=0, limit=_MOST_INFLUENCERS)
    influencing = yield from only_rows(influencer_question(asked), Influencer)
    forecast = yield from only_rows(forecast_question(ForecastParameters(**bucket)), Forecast)
    of_series = (one for one in forecast if all(getattr(one, name) == getattr(record, name) for name in _FORECAST))
    newest = sorted(of_series, key=lambda one: one.forecast_id, reverse=True)
    return Around(influencing, tuple(newest), delays)


def _delays(job_id: str, end: datetime) -> Program[tuple[Delay, ...]]:
    """Annotations of data that came late, up to a time; none where they may not be read."""
    try:
        asked = DelayParameters(job_id_pattern=job_id, start=None, end=end)
        return (yield from late_data(asked))
    except RefusedError as error:
        if not error.forbidden:
            raise
        return ()


def _span(config: Configured, record: Record | None) -> Program[int]:
    """The bucket span in seconds: as the results have it, else as it is configured."""
    if record is not None and record.bucket_span:
        return record.bucket_span
    question = Question(
        index=RESULTS,
        scope=(Equals("result_type", "bucket"), Equals("job_id", config.job_id)),
        columns=(Column("bucket_span", "number"),),
        limit=1,
    )
    known = (yield from ask(question)).only().get("bucket_span")
    return int(known) if known else seconds_of(config.bucket_span)


def _record(job_id: str, at: datetime | None, span: int) -> Program[Record | None]:
    """The worst record of a bucket, or of all of the job."""
    start = None if at is None else at - timedelta(seconds=span) + timedelta(milliseconds=1)
    end = None if at is None else at + timedelta(milliseconds=1)
    parameters = RecordParameters(job_id_pattern=job_id, start=start, end=end, min_score=0, limit=1)
    rows = read_rows(Record, (yield from ask(record_question(parameters))).rows)
    return rows[0] if rows else None


def _of_id(job_id: str, record_id: str) -> Program[Record]:
    question = Question(
        index=RESULTS,
        scope=(Equals("result_type", "record"), Equals("job_id", job_id)),
        clause={"ids": {"values": [record_id]}},
        columns=Record.columns(),
        limit=1,
    )
    rows = read_rows(Record, (yield from ask(question)).rows)
    if not rows:
        raise BadRequestError(f"job {job_id} has no record {record_id!r}")
    return rows[0]


def _stronger(job_id: str, record: Record) -> Program[Record | None]:
    """The least probable record of the same partition that is less probable than this one, later first."""
    if record.probability is None:
        return None
    scope: tuple[Condition, ...] = (Equals("result_type", "record"), Equals("job_id", job_id))
    if record.partition_field_value is not None:
        scope += (Equals("partition_field_value", record.partition_field_value),)
    question = Question(
        index=RESULTS,
        scope=scope,
        window=Window(record.timestamp + timedelta(milliseconds=1), None),
        thresholds=(AtMost("probability", record.probability),),
        columns=Record.columns(),
        sort=(Sort("probability"), Sort("timestamp")),
        limit=1,
    )
    rows = read_rows(Record, (yield from ask(question)).rows)
    return rows[0] if rows else None


def _bucket(job_id: str, at: datetime, span: int) -> Program[Mapping[str, Any] | None]:
    """The bucket that holds a moment, as it is stored."""
    question = Question(
        index=RESULTS,
        scope=(Equals("result_type", "bucket"), Equals("job_id", job_id)),
        window=Window(at - timedelta(seconds=span) + timedelta(milliseconds=1), at + timedelta(milliseconds=1)),
        columns=(Document(),),
        limit=1,
    )
    found = (yield from ask(question)).only().get("document")
    return found if found is None or isinstance(found, Mapping) else None


def _plot(job_id: str, record: Record | None, at: datetime, span: int) -> PlotParameters:
    before, after = timedelta(seconds=_AROUND * span), timedelta(seconds=_AROUND // 2 * span)
    if record is None:
        before, after = timedelta(seconds=span), timedelta(milliseconds=1)
    series = {} if record is None else {name: getattr(record, name) for name in _SERIES}
    return PlotParameters(
        job_id_pattern=job_id,
        start=at - before,
        end=at + after,
        detector_index=None if record is None else record.detector_index,
        **series,
    )


def scheduled_events(job_id: str, start: datetime, end: datetime) -> Program[tuple[Mapping[str, Any], ...]]:
    """Scheduled events of a job that overlap a time; none where they may not be read."""
    query = {"job_id": job_id, "start": str(milliseconds(start)), "end": str(milliseconds(end))}
    try:
        answer = yield from call("GET", "/_ml/calendars/_all/events", query=query)
    except RefusedError:
        return ()
    return tuple(answer.get("events", ()))
