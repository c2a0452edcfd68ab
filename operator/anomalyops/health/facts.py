"""The facts of a status: coarse enough that a quiet server gives the same status again and again.

Every change of a status is a write to the Kubernetes API, so nothing here may move with each bucket. While a job
is open its counts are cut off to 1, 2 or 5 times a power of ten, small ones too, and its times are left out; the exact
numbers are metrics. Once it is closed, they are exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from anomalyops.health.messages import Messages
from anomalyops.plan import JobState, ObservedDatafeed, ObservedJob
from anomalyops.resources import (
    DataCounts,
    DelayedData,
    MemoryStatus,
    QueryDelayStatus,
    format_memory,
    parse_duration,
    parse_memory,
)

_PERCENT_STEP = 5
_COUNTS = (
    "processed_record_count",
    "input_record_count",
    "missing_field_count",
    "invalid_date_count",
    "out_of_order_timestamp_count",
    "bucket_count",
    "empty_bucket_count",
)


def memory(job: ObservedJob, previous: MemoryStatus | None, now: datetime) -> MemoryStatus | None:
    """The model's memory, with the limit that it needs and when that was last raised."""
    found = _memory(job, previous)
    if found is None:
        return None
    before = previous or MemoryStatus()
    configured, known = _configured_limit(job) or 0, found.limit_bytes or 0
    limit = max(known, configured)
    # The model's numbers tell of a limit that was raised only with the next bucket.
    grown = configured > known and not _before(job, before.raised_time)
    advised = format_memory(job.advised_limit) if job.advised_limit is not None else before.recommended_limit
    return found.model_copy(
        update={
            "raised_time": now.replace(microsecond=0) if grown else before.raised_time,
            "recommended_limit": advised if advised is not None and parse_memory(advised) > limit else None,
        }
    )


def _memory(job: ObservedJob, previous: MemoryStatus | None) -> MemoryStatus | None:
    """The model's memory; bytes are renewed only when the percentage (in steps of 5) or the limit changes.

    A percentage stands until the memory has left its step by half a one: memory that sways about the edge of a step
    would be written with each bucket.
    """
    size: Mapping[str, Any] = job.stats.get("model_size_stats") or {}
    used = int(size.get("model_bytes") or job.model_bytes)
    limit = size.get("model_bytes_memory_limit") or _configured_limit(job)
    if limit is None and previous is not None:  # a look without configurations
        limit = previous.limit_bytes
    percent = None if not limit else _percent(100 * used / limit, None if previous is None else previous.percent)
    status = size.get("memory_status")
    if not size and not used and limit is None:
        return previous
    if previous is not None and (previous.status, previous.limit_bytes, previous.percent) == (status, limit, percent):
        return previous
    return MemoryStatus(
        status=status,
        model_bytes=used,
        peak_bytes=size.get("peak_model_bytes"),
        limit_bytes=limit,
        percent=percent,
    )


def _percent(share: float, previous: int | None) -> int:
    """A share of the limit in whole steps; the step before as long as it is no more than half a step away."""
    if previous is not None and abs(share - (previous + _PERCENT_STEP / 2)) <= _PERCENT_STEP:
        return previous
    return int(share) // _PERCENT_STEP * _PERCENT_STEP


def _before(job: ObservedJob, moment_: datetime | None) -> bool:
    """Whether the model was measured before a moment."""
    measured = (job.stats.get("model_size_stats") or {}).get("log_time")
    return moment_ is not None and (measured is None or int(measured) < moment_.timestamp() * 1000)


def _configured_limit(job: ObservedJob) -> int | None:
    limit = (job.config.get("analysis_limits") or {}).get("model_memory_limit")
    return None if limit is None else parse_memory(limit)


def query_delay(
    feed: ObservedDatafeed | None, previous: QueryDelayStatus | None, now: datetime, *, asked: bool
) -> QueryDelayStatus | None:
    """How late documents come, when a look told; until the next one it stands.

    Args:
        feed: The server's datafeed; None for none.
        previous: What the status has.
        now: The time of the look.
        asked: Whether the manifest has a policy that measures it.
    """
    if feed is None or not asked:
        return previous if asked else None
    configured = feed.config.get("query_delay")
    in_force = None if configured is None else parse_duration(str(configured))
    if feed.delay is None:
        return None if previous is None else _without_needless(previous, in_force)
    look, now = feed.delay, now.replace(microsecond=0)
    raised = in_force is not None and in_force > look.in_force
    late = look.latency
    made = QueryDelayStatus(
        p50=None if late is None else _seconds(late.p50),
        p95=None if late is None else _seconds(late.p95),
        p99=None if late is None else _seconds(late.p99),
        documents=0 if late is None else late.documents,
        too_late=look.too_late or None,
        recommended_delay=None if look.advised is None else _seconds(look.advised / 1000),
        measured_time=now,
        raised_time=now if raised else (previous.raised_time if previous is not None else None),
    )
    return _without_needless(made, in_force)


def _without_needless(status: QueryDelayStatus, in_force: int | None) -> QueryDelayStatus:
    """Without a recommendation that the delay, where it is known, satisfies."""
    advised = status.recommended_delay
    needless = advised is not None and in_force is not None and parse_duration(advised) <= in_force
    return status.model_copy(update={"recommended_delay": None}) if needless else status


def _seconds(value: float) -> str:
    """Whole seconds, rounded up, as a manifest writes a duration."""
    return f"{math.ceil(value)}s"


def data_counts(job: ObservedJob, previous: DataCounts | None) -> DataCounts | None:
    """What the job has read: exact when it is closed, in coarse steps while it is open."""
    counts: Mapping[str, Any] = job.stats.get("data_counts") or {}
    if not counts:
        return previous
    if job.state is JobState.CLOSED:
        exact: dict[str, Any] = {name: counts.get(name) for name in _COUNTS}
        return DataCounts(
            **exact,
            earliest_record_time=moment(counts.get("earliest_record_timestamp")),
            latest_record_time=moment(counts.get("latest_record_timestamp")),
        )
    coarse: dict[str, Any] = {name: _coarse(counts.get(name)) for name in _COUNTS}
    return DataCounts(**coarse)


def _coarse(count: int | None) -> int | None:
    """A count cut off to 1, 2 or 5 times a power of ten: 1284 is 1000; three values from one power to the next."""
    if not count:
        return count
    unit: int = 10 ** (len(str(count)) - 1)
    return max(step * unit for step in (1, 2, 5) if step * unit <= count)


def delayed_data(messages: Messages, previous: DelayedData | None) -> DelayedData | None:
    """The latest report of documents that came too late."""
    delay = messages.delay()
    if delay is None:
        return previous
    reported = DelayedData(
        missing_documents=delay.missing_documents,
        latest_bucket=delay.latest_bucket,
        observed_at=delay.observed_at,
    )
    if previous is None or previous.observed_at is None or reported.observed_at is None:
        return reported
    return reported if reported.observed_at > previous.observed_at else previous


def moment(milliseconds: float | None) -> datetime | None:
    """A time of the server (milliseconds since 1970)."""
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, tz=UTC)


def node_name(stats: Mapping[str, Any]) -> str | None:
    """The node that runs a job or a datafeed."""
    node = stats.get("node") or {}
    return node.get("name") or node.get("id") or None
