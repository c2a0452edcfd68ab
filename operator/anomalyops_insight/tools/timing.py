"""Missing documents: what buckets counted against what the source holds now, and how late documents come."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Self

from pydantic import Field, model_validator

from anomalyops_insight.emptiness import Empty, Reason, no_field
from anomalyops_insight.programs import Program, ask
from anomalyops_insight.query import (
    ByTime,
    Column,
    Count,
    Equals,
    Exists,
    Gap,
    Largest,
    Question,
    Smallest,
    Sort,
    Total,
    Window,
)
from anomalyops_insight.query.names import index_expression
from anomalyops_insight.query.question import MOST_ROWS
from anomalyops_insight.times import Moment
from anomalyops_insight.tools.configuration import Configured, configuration
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.tool import RESULTS, Found, Parameters, Row, shaped


class GapParameters(Parameters):
    """Parameters of `ad_ts_bucket_event_gaps`."""

    job_id: str = Field(description="The job.")
    start: Moment | None = Field(default=None, description="From this time on.")
    end: Moment | None = Field(default=None, description="Before this time.")
    min_missing: int = Field(default=1, ge=1, description="Least number of missing documents of a bucket.")
    limit: int = Field(default=1000, ge=1, le=5000, description="Buckets at most, the newest.")


class BucketGap(Row):
    """A bucket that counted fewer documents than the source holds now."""

    timestamp: datetime
    event_count: int
    source_count: int
    missing: int
    missing_percent: float


@tool(
    "ad_ts_bucket_event_gaps",
    category="Missing documents",
    when="To prove missing documents: what each bucket counted against what the source holds now.",
    parameters=GapParameters,
    row=BucketGap,
    example={"job_id": "web-rate", "start": "now-24h"},
)
def bucket_event_gaps(parameters: GapParameters) -> Program[Found[BucketGap]]:
    """Buckets that lack documents, in order of time."""
    found = yield from configuration(parameters.job_id)
    found.need_source()
    buckets = Question(
        index=RESULTS,
        scope=(Equals("result_type", "bucket"), Equals("job_id", parameters.job_id), Equals("is_interim", value=False)),
        window=Window(parameters.start, parameters.end),
        columns=(Column("timestamp", "time"), Column("event_count", "number"), Column("bucket_span", "number")),
        sort=(Sort("timestamp", descending=True),),
        limit=parameters.limit,
    )
    seen = yield from ask(buckets)
    if not seen.rows:
        return (yield from shaped(buckets, seen, ()))
    counted = yield from _source_counts(
        found, [row["timestamp"] for row in seen.rows], int(seen.rows[0]["bucket_span"])
    )
    rows = []
    for row in reversed(seen.rows):
        there, events = counted.get(row["timestamp"], 0), int(row["event_count"])
        if there - events >= parameters.min_missing:
            share = round(100 * (there - events) / there, 2)
            rows.append(
                BucketGap(
                    timestamp=row["timestamp"],
                    event_count=events,
                    source_count=there,
                    missing=there - events,
                    missing_percent=share,
                )
            )
    notes = _gap_notes(found, len(seen))
    if rows:
        return Found(tuple(rows), complete=seen.complete, notes=notes)
    message = f"none of the {len(seen)} buckets counted fewer documents than the source holds now"
    return Found((), empty=Empty(Reason.NOTHING_ABOVE_THRESHOLD, message), notes=notes)


def _gap_notes(found: Configured, buckets: int) -> tuple[str, ...]:
    notes: tuple[str, ...] = (f"{buckets} buckets compared",)
    feed = found.datafeed or {}
    if feed.get("aggregations") or feed.get("aggs"):
        notes += (
            "the datafeed aggregates: its event counts are those of documents only with summary_count_field_name",
        )
    return notes


def _source_counts(found: Configured, starts: Sequence[datetime], span: int) -> Program[dict[datetime, int]]:
    """How many source documents lie in each bucket."""
    window = Window(min(starts), max(starts) + timedelta(seconds=span), found.time_field)
    question = Question(
        index=index_expression(",".join(found.indices)),
        window=window,
        clause=found.query,
        groups=(ByTime("bucket", found.time_field, span),),
        measures=(_counting(found),),
        sort=(Sort("bucket"),),
        limit=MOST_ROWS,
    )
    rows = yield from ask(question)
    return {row["bucket"]: int(row["n"] or 0) for row in rows.rows if row["bucket"] is not None}


def _counting(found: Configured) -> Count | Total:
    """Documents, or what a field of pre-summarised ones says of how many each stands for."""
    field = found.job.get("analysis_config", {}).get("summary_count_field_name")
    aggregated = (found.datafeed or {}).get("aggregations") or (found.datafeed or {}).get("aggs")
    return Total("n", field) if field and not aggregated else Count("n")


class LatencyParameters(Parameters):
    """Parameters of `ad_ts_ingest_latency_estimate`."""

    job_id: str | None = Field(default=None, description="The job whose source is looked at.")
    index: str | None = Field(default=None, description="Instead of a job: an index.")
    time_field: str = Field(default="@timestamp", description="The time of the documents of `index`.")
    ingest_field: str = Field(default="event.ingested", description="When a document was ingested.")
    start: Moment | None = Field(default=None, description="From this time on.")
    end: Moment | None = Field(default=None, description="Before this time.")

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if (self.job_id is None) == (self.index is None):
            raise ValueError("give either job_id or index")
        return self


class Latency(Row):
    """How long after their time documents arrive, and the query delay that follows."""

    documents: int
    p50_seconds: float
    p95_seconds: float
    p99_seconds: float
    max_seconds: float
    query_delay: str | None
    recommended_query_delay: str


BUFFER_SECONDS = 60
_PIPELINE = "an ingest pipeline can set {field}, when a document was ingested"
_LEAST_DELAY = 60


@tool(
    "ad_ts_ingest_latency_estimate",
    category="Missing documents",
    when="To choose a query delay: how late documents arrive, by the time at which they were ingested.",
    parameters=LatencyParameters,
    row=Latency,
    example={"job_id": "web-rate", "ingest_field": "event.ingested"},
)
def ingest_latency_estimate(parameters: LatencyParameters) -> Program[Found[Latency]]:
    """Percentiles of the latency of the newest documents, and the query delay of P95 with a buffer."""
    found = (yield from configuration(parameters.job_id)) if parameters.job_id is not None else None
    if found is not None:
        found.need_source()
    at = found.time_field if found is not None else parameters.time_field
    question = Question(
        index=index_expression(",".join(found.indices) if found is not None else str(parameters.index)),
        scope=(Exists(parameters.ingest_field),),
        window=Window(parameters.start, parameters.end, at),
        clause=found.query if found is not None else None,
        columns=(
            Column(at, "time"),
            Column(parameters.ingest_field, "time"),
            Gap("latency", parameters.ingest_field, at),
        ),
        sort=(Sort(at, descending=True),),
        limit=MOST_ROWS,
    )
    lacking = yield from no_field(question.index, (), times=(at, parameters.ingest_field))
    if lacking is not None:
        return Found((), empty=lacking, notes=(_PIPELINE.format(field=parameters.ingest_field),))
    rows = yield from ask(question)
    delays = sorted(max(0.0, row["latency"] / 1000) for row in rows.rows if row["latency"] is not None)
    if not delays:
        answer: Found[Latency] = yield from shaped(question, rows, ())
        return Found((), empty=answer.empty, notes=(_PIPELINE.format(field=parameters.ingest_field),))
    feed = (found.datafeed if found is not None else None) or {}
    row = Latency(
        documents=len(delays),
        p50_seconds=percentile(delays, 50),
        p95_seconds=percentile(delays, 95),
        p99_seconds=percentile(delays, 99),
        max_seconds=delays[-1],
        query_delay=feed.get("query_delay"),
        recommended_query_delay=f"{recommended_delay(percentile(delays, 95))}s",
    )
    note = "" if rows.complete else f"of the newest {len(delays)} documents"
    return Found((row,), notes=(note,) if note else ())


def percentile(ordered: Sequence[float], percent: float) -> float:
    """A percentile by the nearest rank.

    Args:
        ordered: Values in ascending order, at least one.
        percent: 0 to 100.
    """
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]


def recommended_delay(p95_seconds: float) -> int:
    """The query delay in seconds: the 95th percentile and a buffer, a minute at least."""
    return max(_LEAST_DELAY, math.ceil(p95_seconds) + BUFFER_SECONDS)


def source_range(found: Configured) -> Program[tuple[datetime | None, datetime | None]]:
    """From when to when a job's source has documents."""
    question = Question(
        index=index_expression(",".join(found.indices)),
        clause=found.query,
        measures=(Smallest("first", found.time_field, "time"), Largest("last", found.time_field, "time")),
        limit=1,
    )
    row = (yield from ask(question)).only()
    return row.get("first"), row.get("last")
