"""What a datafeed would read now, and whether it waits long enough for its documents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pydantic import Field

from anomalyops_insight.emptiness import Empty, Reason
from anomalyops_insight.errors import BadRequestError, RefusedError
from anomalyops_insight.programs import Program, call
from anomalyops_insight.query.rows import time_of
from anomalyops_insight.times import seconds_of
from anomalyops_insight.tools.configuration import Configured, configuration
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.timing import LatencyParameters, ingest_latency_estimate
from anomalyops_insight.tools.tool import Found, Parameters, Row


class PreviewParameters(Parameters):
    """Parameters of `ad_preview_datafeed_with_latency`."""

    job_id: str = Field(description="The job whose datafeed is tried.")
    ingest_field: str = Field(default="event.ingested", description="When a document was ingested.")
    limit: int = Field(default=10, ge=1, le=1000, description="Documents at most.")


class Previewed(Row):
    """One document as the job would receive it."""

    time: datetime | None
    document: dict[str, Any]


@tool(
    "ad_preview_datafeed_with_latency",
    category="Jobs and datafeeds",
    when="Before a datafeed is started: does it return data, and does its query delay wait for late documents.",
    parameters=PreviewParameters,
    row=Previewed,
    example={"job_id": "web-rate"},
)
def preview_datafeed_with_latency(parameters: PreviewParameters) -> Program[Found[Previewed]]:
    """The first documents of the datafeed; its lateness is in the notes."""
    found = yield from configuration(parameters.job_id)
    found.need_source()
    assert found.datafeed is not None  # noqa: S101 - need_source has made sure
    path = f"/_ml/datafeeds/{quote(str(found.datafeed['datafeed_id']), safe='')}/_preview"
    documents: list[Mapping[str, Any]] = yield from call("GET", path)
    rows = tuple(
        Previewed(time=_time(one.get(found.time_field)), document=dict(one)) for one in documents[: parameters.limit]
    )
    notes = yield from _lateness(found, parameters.ingest_field)
    if rows:
        return Found(rows, complete=len(documents) <= parameters.limit, notes=notes)
    read = ", ".join(found.indices)
    message = f"the datafeed returns no document: {read} has none that match its query and carry {found.time_field}"
    return Found((), empty=Empty(Reason.NOTHING_IN_WINDOW, message), notes=notes)


def _time(value: object) -> datetime | None:
    return time_of(value) if isinstance(value, int | float | str) else None


def _lateness(found: Configured, field: str) -> Program[tuple[str, ...]]:
    """How late documents come, in words beside the datafeed's query delay."""
    try:
        late = yield from ingest_latency_estimate(
            LatencyParameters(job_id=found.job_id, index=None, ingest_field=field, start=None, end=None)
        )
    except RefusedError as error:
        if error.forbidden:
            return ("how late documents come is not known: this user may not read the source",)
        raise
    delay = str((found.datafeed or {}).get("query_delay", "the server's own"))
    if not late.rows:
        return (f"query_delay {delay}; how late documents come is not known: they have no {field}",)
    row = late.rows[0]
    words = f"query_delay {delay}; documents come {row.p95_seconds:g} s late (95th percentile of {row.documents})"
    try:
        enough = seconds_of(delay) >= row.p95_seconds
    except (BadRequestError, ValueError):
        return (words,)
    return (words if enough else f"{words}: too short, {row.recommended_query_delay} would do",)
