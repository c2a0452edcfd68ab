"""Scheduled events: times in which a job makes no anomalies."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from anomalyops_insight.emptiness import Empty, Reason
from anomalyops_insight.programs import Program, call
from anomalyops_insight.query.rows import milliseconds, time_of
from anomalyops_insight.times import Moment
from anomalyops_insight.tools.configuration import configuration
from anomalyops_insight.tools.registry import tool
from anomalyops_insight.tools.tool import Found, Parameters, Row


class EventParameters(Parameters):
    """Parameters of `ad_get_calendar_events`."""

    job_id: str | None = Field(default=None, description="Only events of calendars of this job.")
    start: Moment | None = Field(default=None, description="Only events that end after this time.")
    end: Moment | None = Field(default=None, description="Only events that begin before this time.")
    limit: int = Field(default=100, ge=1, le=10_000, description="Rows at most.")


class Event(Row):
    """A scheduled event."""

    start_time: datetime
    end_time: datetime
    description: str
    calendar_id: str
    event_id: str | None


@tool(
    "ad_get_calendar_events",
    category="Jobs and datafeeds",
    when="When an anomaly is missing: which scheduled events there are, in which a job makes none.",
    parameters=EventParameters,
    row=Event,
    example={"job_id": "web-rate", "start": "now-7d"},
)
def get_calendar_events(parameters: EventParameters) -> Program[Found[Event]]:
    """Scheduled events in order of time."""
    query: dict[str, str] = {"size": str(parameters.limit)}
    if parameters.job_id is not None:
        query["job_id"] = parameters.job_id
    for name, moment in (("start", parameters.start), ("end", parameters.end)):
        if moment is not None:
            query[name] = str(milliseconds(moment))
    if parameters.job_id is not None:
        yield from configuration(parameters.job_id)  # an unknown job is said as everywhere
    answer = yield from call("GET", "/_ml/calendars/_all/events", query=query)
    rows = tuple(
        Event(
            start_time=time_of(event["start_time"]),
            end_time=time_of(event["end_time"]),
            description=event["description"],
            calendar_id=event["calendar_id"],
            event_id=event.get("event_id"),
        )
        for event in sorted(answer["events"], key=lambda one: (time_of(one["start_time"]), one["calendar_id"]))
    )
    if rows:
        return Found(rows, complete=int(answer.get("count", len(rows))) <= len(rows))
    return Found((), empty=Empty(Reason.NO_RESULTS, "there are no scheduled events for what is asked"))
