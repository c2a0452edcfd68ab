"""Which jobs there are, and which belong together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from anomalyops_insight.emptiness import Empty, Reason
from anomalyops_insight.errors import RefusedError
from anomalyops_insight.programs import Program
from anomalyops_insight.query import Pattern
from anomalyops_insight.query.names import index_expression, patterns_meet
from anomalyops_insight.query.rows import time_of
from anomalyops_insight.tools.configuration import (
    Configured,
    configuration,
    configurations,
    datafeed_states,
    functions,
    job_states,
    no_job,
)
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.tool import Found, Parameters, Row, Texts


class JobsParameters(Parameters):
    """Parameters of `ad_get_jobs`."""

    job_id_pattern: str = Field(default="*", description="Job ids: exact, or patterns with *, comma separated.")
    group: str | None = Field(default=None, description="Only jobs of this group.")
    limit: int = Field(default=500, ge=1, le=10_000, description="Rows at most.")


class Job(Row):
    """A job, its datafeed, and how both are."""

    job_id: str
    state: str | None
    datafeed_id: str | None
    datafeed_state: str | None
    memory_status: str | None
    model_bytes: int | None
    model_memory_limit: str | None
    bucket_span: str
    detectors: Texts
    influencers: Texts
    groups: Texts
    indices: Texts
    processed_records: int | None
    earliest_record: datetime | None
    latest_record: datetime | None
    days_of_data: float | None
    created: datetime | None
    description: str | None


@tool(
    "ad_get_jobs",
    category="Permissions and metadata",
    when="To list jobs with their state, their datafeed's state, their memory and how much data they have seen.",
    parameters=JobsParameters,
    row=Job,
    example={"job_id_pattern": "web-*"},
)
def get_jobs(parameters: JobsParameters) -> Program[Found[Job]]:
    """Jobs in order of their ids, those that never ran too."""
    pattern = Pattern.read(parameters.job_id_pattern, what="job_id_pattern")
    found = yield from configurations(pattern)
    group = parameters.group
    kept = [item for item in found if group is None or group in item.job.get("groups", ())]
    if not kept:
        empty = (yield from no_job(pattern)) if group is None or not found else _no_group(group, found)
        return Found((), empty=empty)
    notes: tuple[str, ...] = ()
    states: dict[str, Any] = {}
    feeds: dict[str, Any] = {}
    try:
        states = yield from job_states(pattern)
        feeds = yield from datafeed_states()
    except RefusedError as error:
        notes = (f"states are not known: {error.reason}",)
    rows = [_job(item, states.get(item.job_id, {}), feeds) for item in kept[: parameters.limit]]
    return Found(tuple(rows), complete=len(kept) <= parameters.limit, notes=notes)


def _no_group(group: str, found: Sequence[Configured]) -> Empty:
    there = sorted({name for item in found for name in item.job.get("groups", ())})
    words = f"there are {', '.join(there)}" if there else "these jobs have no groups"
    return Empty(Reason.NO_RESULTS, f"no job is of group {group!r}; {words}")


def _job(found: Configured, state: dict[str, Any], feeds: dict[str, Any]) -> Job:
    counts, size = state.get("data_counts", {}), state.get("model_size_stats", {})
    feed = found.datafeed or {}
    first, last = counts.get("earliest_record_timestamp"), counts.get("latest_record_timestamp")
    days = None if first is None or last is None else round((last - first) / 86_400_000, 2)
    created = found.job.get("create_time")
    return Job(
        job_id=found.job_id,
        state=state.get("state"),
        datafeed_id=feed.get("datafeed_id"),
        datafeed_state=feeds.get(str(feed.get("datafeed_id")), {}).get("state"),
        memory_status=size.get("memory_status"),
        model_bytes=size.get("model_bytes"),
        model_memory_limit=found.job.get("analysis_limits", {}).get("model_memory_limit"),
        bucket_span=found.bucket_span,
        detectors=functions(found),
        influencers=found.influencers,
        groups=tuple(found.job.get("groups", ())),
        indices=found.indices,
        processed_records=counts.get("processed_record_count"),
        earliest_record=None if first is None else time_of(first),
        latest_record=None if last is None else time_of(last),
        days_of_data=days,
        created=None if created is None else time_of(created),
        description=found.job.get("description"),
    )


class IndexParameters(Parameters):
    """Parameters of `ad_discover_jobs_by_datafeed_index`."""

    index: str = Field(description="An index, or a pattern with *; several comma separated.")


class JobOfIndex(Row):
    """A job whose datafeed reads the index."""

    job_id: str
    datafeed_id: str
    matching: Texts
    indices: Texts
    detectors: Texts


@tool(
    "ad_discover_jobs_by_datafeed_index",
    category="Discovery",
    when="To find the jobs that read an index, by the indices of their datafeeds.",
    parameters=IndexParameters,
    row=JobOfIndex,
    example={"index": "logs-nginx-*"},
)
def discover_jobs_by_datafeed_index(parameters: IndexParameters) -> Program[Found[JobOfIndex]]:
    """Jobs whose datafeed reads an index that the pattern could name."""
    wanted = index_expression(parameters.index).split(",")
    every = yield from configurations(Pattern.read("*"))
    rows = []
    for item in every:
        if item.datafeed is None:
            continue
        matching = tuple(name for name in item.indices if any(patterns_meet(name, one) for one in wanted))
        if matching:
            rows.append(
                JobOfIndex(
                    job_id=item.job_id,
                    datafeed_id=item.datafeed["datafeed_id"],
                    matching=matching,
                    indices=item.indices,
                    detectors=functions(item),
                )
            )
    if rows:
        return Found(tuple(rows))
    read = sorted({name for item in every for name in item.indices})
    there = f"; datafeeds read {', '.join(read[:12])}" if read else "; there are no datafeeds"
    return Found((), empty=Empty(Reason.NO_RESULTS, f"no datafeed reads {parameters.index}{there}"))


class RelatedParameters(Parameters):
    """Parameters of `ad_discover_related_jobs`."""

    job_id: str = Field(description="The job whose relatives are looked for.")


class RelatedJob(Row):
    """A job that has something in common with the given one."""

    job_id: str
    shared_indices: Texts
    shared_fields: Texts
    shared_groups: Texts
    bucket_span: str
    detectors: Texts


@tool(
    "ad_discover_related_jobs",
    category="Discovery",
    when="To widen an investigation: jobs that read the same indices, name the same entities or share a group.",
    parameters=RelatedParameters,
    row=RelatedJob,
    example={"job_id": "web-rate"},
)
def discover_related_jobs(parameters: RelatedParameters) -> Program[Found[RelatedJob]]:
    """Jobs with something in common, most first."""
    given = yield from configuration(parameters.job_id)
    every = yield from configurations(Pattern.read("*"))
    rows = [related(given, other) for other in every if other.job_id != given.job_id]
    kept = [row for row in rows if row.shared_indices or row.shared_fields or row.shared_groups]
    kept.sort(key=lambda row: (-_in_common(row), row.job_id))
    if kept:
        return Found(tuple(kept))
    message = f"none of the other {len(every) - 1} jobs shares an index, an entity field or a group with {given.job_id}"
    return Found((), empty=Empty(Reason.NO_RESULTS, message))


def related(given: Configured, other: Configured) -> RelatedJob:
    """What two jobs have in common."""
    shared = tuple(name for name in other.indices if any(patterns_meet(name, mine) for mine in given.indices))
    groups = set(given.job.get("groups", ()))
    return RelatedJob(
        job_id=other.job_id,
        shared_indices=shared,
        shared_fields=tuple(name for name in other.entity_fields if name in given.entity_fields),
        shared_groups=tuple(name for name in other.job.get("groups", ()) if name in groups),
        bucket_span=other.bucket_span,
        detectors=functions(other),
    )


def _in_common(row: RelatedJob) -> int:
    return len(row.shared_indices) + len(row.shared_fields) + len(row.shared_groups)
