"""The AnomalyCalendar resource: scheduled events, and the jobs that they are for."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from anomalyops.resources.base import Boolean, SpecModel
from anomalyops.resources.durations import Duration
from anomalyops.resources.ics import IcsError, IcsEvent, read_ics
from anomalyops.resources.identifiers import ConfigMapKeyReference, JobId, ObjectReference, Text
from anomalyops.resources.label_selector import LabelSelector
from anomalyops.resources.recurrence import LocalTime, RecurrenceRule, TimeZone
from anomalyops.resources.resource import Resource, server_id_cel
from anomalyops.resources.rules import Rule, exactly_one
from anomalyops.resources.shared import MARK, SharedSpec, SharedStatus, without_mark
from anomalyops.resources.times import PointInTime, parse_time
from anomalyops.resources.transitions import Transition, server_id_stays

EVERY_JOB = "_all"
MOST_EVENTS = 2000

_JobOrGroup = Annotated[
    str,
    Text(
        pattern=r"^(_all|[a-z0-9](?:[a-z0-9_\-\.]*[a-z0-9])?)$",
        form="write the id of a job or a group on the server, or _all for every job",
        maximum=64,
        counted=True,
    ),
]


def _ends_after_its_start(event: ScheduledEvent) -> bool:
    if "now" in {event.start, event.end}:
        return True  # that is another rule's
    return parse_time(event.start) < parse_time(event.end)


def _without_mark() -> Rule:
    return Rule(
        message=f"description must not begin with {MARK.strip()}, as the operator's mark does: remove it",
        holds=lambda event: not event.description.startswith(MARK.strip()),
        cel=f"!self.description.startsWith('{MARK.strip()}')",
        field="description",
    )


class EventEffects(SpecModel):
    """What an event does to jobs."""

    skip_result: Boolean | None = Field(
        default=None, description="Whether there are no anomalies meanwhile; the server's default is true."
    )
    skip_model_update: Boolean | None = Field(
        default=None, description="Whether the models learn nothing meanwhile; the server's default is true."
    )
    force_time_shift: Annotated[int, Field(strict=True, ge=-86_400, le=86_400)] | None = Field(
        default=None,
        description="Seconds by which the clock of the models is moved when it begins, such as at daylight saving.",
    )

    def effects(self) -> dict[str, Any]:
        """The effects as the server takes them; its own defaults are left out."""
        return self.model_dump(mode="json", exclude_none=True, include=set(EventEffects.model_fields))


class ScheduledEvent(EventEffects):
    """A stretch of time that is out of the ordinary."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            message="an event needs fixed times: write start and end as ISO 8601 or milliseconds since 1970, not now",
            holds=lambda event: "now" not in {event.start, event.end},
            cel="string(self.start) != 'now' && string(self.end) != 'now'",
            field="start",
        ),
        # Times have several forms, which CEL cannot compare.
        Rule(
            message="an event must end after it starts: correct start or end",
            holds=_ends_after_its_start,
            field="end",
        ),
        _without_mark(),
    )

    description: Annotated[str, Field(min_length=1, max_length=1024)] = Field(description="What happens then.")
    start: PointInTime = Field(description="When it begins.")
    end: PointInTime = Field(description="When it ends; this moment is not part of it.")

    def server_body(self) -> dict[str, Any]:
        """The event as the server takes it; its own defaults are left out."""
        body = self.model_dump(mode="json", exclude_none=True, exclude={"start", "end"})
        return body | {"start_time": parse_time(self.start), "end_time": parse_time(self.end)}


def events_of_file(text: str, zone: str) -> tuple[IcsEvent, ...]:
    """The events of an iCalendar text, as `read_ics` has them.

    Raises:
        IcsError: It is no calendar, or an event cannot be taken over.
    """
    events = read_ics(text, zone)
    for event in events:
        if event.summary.startswith(MARK.strip()):
            raise IcsError(f"event {event.summary}: it must not begin as the operator's mark does")
    return events


def _inline_readable(text: str) -> str:
    events_of_file(text, "UTC")
    return text


class RecurringEvent(EventEffects):
    """A stretch of time that comes again, by the clock of `spec.timeZone`."""

    RULES: ClassVar[tuple[Rule, ...]] = (_without_mark(),)

    description: Annotated[str, Field(min_length=1, max_length=1024)] = Field(description="What happens then.")
    start: LocalTime = Field(
        description="When the rule begins, by the clock there: 2026-01-05T02:00, or a day such as 2026-01-05."
    )
    duration: Annotated[str, Duration(minimum="1s", multiple="1s")] = Field(
        description="How long each lasts: `2h`; `1d` is a day of the calendar, also one of 23 or 25 hours."
    )
    rrule: RecurrenceRule = Field(
        description="When it comes again: a recurrence rule of RFC 5545, such as FREQ=WEEKLY;BYDAY=MO,FR or "
        "FREQ=MONTHLY;BYDAY=-1SU;COUNT=12."
    )
    excluded: list[LocalTime] | None = Field(
        default=None, max_length=1000, description="Beginnings of events that do not take place, as `start` is written."
    )


class IcsSource(EventEffects):
    """Events of an iCalendar file, and what they do to jobs."""

    RULES: ClassVar[tuple[Rule, ...]] = (exactly_one("inline", "configMapRef"),)

    inline: Annotated[str, Field(min_length=1, max_length=262_144), AfterValidator(_inline_readable)] | None = Field(
        default=None, description="The text of the file."
    )
    config_map_ref: ConfigMapKeyReference | None = Field(
        default=None, description="A ConfigMap's key with the file; the calendar follows it as it changes."
    )


def _are_different(spec: AnomalyCalendarSpec) -> bool:
    if any("now" in {event.start, event.end} for event in spec.events or ()):
        return True  # that is another rule's
    bodies = [tuple(sorted(event.server_body().items())) for event in spec.events or ()]
    return len(set(bodies)) == len(bodies)


class AnomalyCalendarSpec(SharedSpec):
    """Which events there are, and for which jobs."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        without_mark(),
        # Each would be compared with each other, which costs more than the API server allows.
        Rule(message="events holds the same event twice: keep one", holds=_are_different, field="events"),
    )

    calendar_id: JobId | None = Field(
        default=None,
        description="The calendar's id on the server; by default the resource's name. Cannot be changed.",
    )
    description: Annotated[str, Field(max_length=4096)] | None = Field(
        default=None, description="What the calendar is for. The server takes it at creation alone."
    )
    job_refs: list[ObjectReference] | None = Field(
        default=None, max_length=1000, description="AnomalyJobs of the same namespace, by name; they may come later."
    )
    job_selector: LabelSelector | None = Field(
        default=None, description="AnomalyJobs of the same namespace, by label, as they come and go."
    )
    job_ids: list[_JobOrGroup] | None = Field(
        default=None,
        max_length=1000,
        description="Ids of jobs or groups on the server, whoever manages them, or `_all` for every job there.",
    )
    events: list[ScheduledEvent] | None = Field(
        default=None,
        max_length=MOST_EVENTS,
        description="Events at fixed times. What somebody else adds on the server is removed again.",
    )
    recurring_events: list[RecurringEvent] | None = Field(
        default=None, max_length=200, description="Events that come again; they are written out over a window of days."
    )
    ics: list[IcsSource] | None = Field(
        default=None, max_length=20, description="iCalendar files whose events are written out likewise."
    )
    daylight_saving_time_zone: TimeZone | None = Field(
        default=None,
        description=(
            "A time zone, such as Europe/Berlin: each change of its clocks becomes an event that moves the clock of "
            "the models and skips nothing. For jobs whose seasons follow that clock; servers from 8.16 on."
        ),
    )
    time_zone: TimeZone = Field(
        default="UTC",
        description="Where the clock hangs that recurring events, and times of files without a zone, follow.",
    )
    expand_ahead: Annotated[str, Duration(minimum="1d", multiple="1d")] = Field(
        default="90d", description="How far ahead recurring events are written out."
    )
    keep_past: Annotated[str, Duration(minimum="0", multiple="1d")] = Field(
        default="30d", description="How long they stay when they are over."
    )


class AnomalyCalendarStatus(SharedStatus):
    """The state of an AnomalyCalendar."""

    calendar_id: str | None = Field(default=None, description="The id of the calendar on the server.")
    job_count: int | None = Field(default=None, description="How many jobs and groups the calendar names there.")
    event_count: int | None = Field(default=None, description="How many events it has there.")


class AnomalyCalendar(Resource):
    """A calendar on an Elasticsearch-compatible server: scheduled events for some of its jobs."""

    KIND: ClassVar[str] = "AnomalyCalendar"
    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            message="metadata.name has more than 64 characters, too many for an id on the server: set spec.calendarId",
            holds=lambda calendar: len(calendar.server_id) <= 64,
            cel=f"size({server_id_cel('calendarId')}) <= 64",
            field="spec.calendarId",
        ),
    )
    TRANSITIONS: ClassVar[tuple[Transition, ...]] = (server_id_stays("calendarId", "AnomalyCalendar"),)

    spec: AnomalyCalendarSpec = Field(description="Which events there are, and for which jobs.")
    status: AnomalyCalendarStatus | None = Field(default=None, description="What the operator observed.")

    @property
    def server_id(self) -> str:
        """The calendar's id on the server."""
        return self.spec.calendar_id or self.metadata.name

    @property
    def config_maps(self) -> frozenset[str]:
        """The names of the ConfigMaps that iCalendar files come from."""
        references = (source.config_map_ref for source in self.spec.ics or ())
        return frozenset(reference.name for reference in references if reference is not None)
