"""What a client posts to a job: each record's time, whether it comes in time, and what is counted of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from anomalyops_engine.config import Job
from anomalyops_engine.config.units import SECOND_MS
from anomalyops_engine.jobs.counts import DataCounts
from anomalyops_engine.jobs.extractor import FIRST_MS, LAST_MS
from anomalyops_engine.jobs.posted_records import PostedRecords, text_of
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.refusals import not_implemented
from anomalyops_engine.store.dates import UnsupportedDateFormatError, parse_date

_UNITS_MS = {"epoch": SECOND_MS, "epoch_ms": 1}


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The records of one upload.

    Attributes:
        records: those that came in time, in the order of the upload.
        counts: what is counted of the upload, without buckets.
    """

    records: PostedRecords
    counts: DataCounts


def no_records(job: Job) -> PostedRecords:
    """Return no records, with the fields that a job's analysis reads."""
    return PostedRecords.of(job.time_field, _fields(job), _every_value(job))


def _fields(job: Job) -> list[str]:
    return [name for name in job.analysis_config.fields if name != job.time_field]


def _every_value(job: Job) -> frozenset[str]:
    return frozenset(name for detector in job.analysis_config.detectors if (name := detector.field_name))


def take_in(
    job: Job, uploaded: Sequence[JsonObject], *, size: int, from_ms: int | None, latest_ms: int | None, now_ms: int
) -> Arrivals:
    """Sort out the records of an upload.

    A record is late when its bucket is complete: when a record of a later bucket came before it, and more time than the
    job's `latency` lies between the two. Late records, and those without a readable time, are counted and left out.

    Args:
        job: the job.
        uploaded: the records, in order.
        size: bytes of the upload.
        from_ms: start of the first bucket that is not complete, None before any data.
        latest_ms: the latest time of all records before, None before any.
        now_ms: the time now.

    Raises:
        MlError: 501 for a time format that cannot be read.
    """
    times, readable = _times(job, uploaded)
    in_time = readable & (times >= _complete_before(job, times, readable, from_ms, latest_ms))
    kept = np.flatnonzero(in_time)
    names = _fields(job)
    rows = [uploaded[position] for position in kept.tolist()]
    values = [[_value(row, name) for row in rows] for name in names]
    records = PostedRecords.of(job.time_field, names, _every_value(job), times[kept].tolist(), values)
    numbers = set(job.analysis_config.number_fields)
    missing = sum(
        sum(_is_missing(value, number=name in numbers) for value in column)
        for name, column in zip(names, values, strict=True)
    )
    counts = DataCounts(
        processed_record_count=len(kept),
        processed_field_count=len(kept) * len(names) - missing,
        input_bytes=size,
        input_field_count=sum(max(_leaves(record) - 1, 0) for record in uploaded),
        invalid_date_count=int((~readable).sum()),
        missing_field_count=missing,
        out_of_order_timestamp_count=int((readable & ~in_time).sum()),
        input_record_count=len(uploaded),
        last_data_time=now_ms,
        log_time=now_ms,
    )
    if len(kept):
        counts.earliest_record_timestamp = int(times[kept].min())
        counts.latest_record_timestamp = int(times[kept].max())
    return Arrivals(records, counts)


def complete_before(job: Job, latest_ms: int) -> int:
    """Return where the first bucket begins that is not complete once a record of a time has come."""
    span_ms = job.bucket_span_ms
    return (latest_ms - latency_ms(job)) // span_ms * span_ms


def latency_ms(job: Job) -> int:
    """Return how long a job waits for late records, in milliseconds."""
    latency = job.analysis_config.latency
    return 0 if latency is None else latency.ms


def _complete_before(
    job: Job, times: npt.NDArray[np.int64], readable: npt.NDArray[np.bool_], from_ms: int | None, latest_ms: int | None
) -> npt.NDArray[np.int64]:
    """Return, for each record of an upload, where the first bucket begins that is not complete when it comes."""
    least = np.iinfo(np.int64).min // 2
    seen = np.concatenate([[least if latest_ms is None else latest_ms], np.where(readable, times, least)[:-1]])
    span_ms = job.bucket_span_ms
    bounds: npt.NDArray[np.int64] = (np.maximum.accumulate(seen) - latency_ms(job)) // span_ms * span_ms
    return bounds.clip(min=least if from_ms is None else from_ms)


def _times(job: Job, uploaded: Sequence[JsonObject]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return each record's time in epoch milliseconds, and whether it has one that can be analysed."""
    times = np.zeros(len(uploaded), dtype=np.int64)
    readable = np.zeros(len(uploaded), dtype=np.bool_)
    name, form = job.time_field, job.data_description.time_format
    for position, record in enumerate(uploaded):
        moment = _moment(_value(record, name), form)
        if moment is not None and FIRST_MS <= moment <= LAST_MS:
            times[position], readable[position] = moment, True
    return times, readable


def _moment(value: object, form: str) -> int | None:
    if value is None or isinstance(value, bool | list | dict):
        return None
    unit_ms = _UNITS_MS.get(form)
    try:
        if unit_ms is None:
            return parse_date(value, form)
        return value * unit_ms if isinstance(value, int) else int(float(str(value)) * unit_ms)
    except UnsupportedDateFormatError as error:
        raise not_implemented(f"data_description.time_format: {error}") from error
    except (ValueError, OverflowError):
        return None


def _value(record: JsonObject, name: str) -> object:
    """Return a field's value; a dotted name may lead through objects."""
    if name in record:
        return record[name]
    head, dot, rest = name.partition(".")
    while dot:
        inner = record.get(head)
        if isinstance(inner, dict):
            return _value(inner, rest)
        part, dot, rest = rest.partition(".")
        head = f"{head}.{part}"
    return None


def _is_missing(value: object, *, number: bool) -> bool:
    if value is None or isinstance(value, dict):
        return True
    if not number or isinstance(value, int | float):
        return False
    if isinstance(value, list):
        return not value or any(_is_missing(item, number=True) for item in value)
    try:
        return not np.isfinite(float(text_of(value) or ""))
    except ValueError:
        return True


def _leaves(record: JsonObject) -> int:
    return sum(_leaves(value) if isinstance(value, dict) else 1 for value in record.values())
