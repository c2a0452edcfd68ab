"""The steps on a calendar: small, typed, each with its reason in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from anomalyops.plan.core.server import Server
from anomalyops.plan.core.steps import Effect, Step, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarStep(Step):
    """A step on a calendar."""

    subject: ClassVar[Subject] = Subject.CALENDAR
    calendar_id: str

    @property
    def target(self) -> str:
        """The calendar's id."""
        return self.calendar_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCalendar(CalendarStep):
    """`PUT _ml/calendars/{calendar_id}`, with its jobs."""

    verb: ClassVar[str] = "create calendar"
    effect: ClassVar[Effect] = Effect.CREATES
    body: Mapping[str, Any]

    async def send(self, server: Server) -> None:
        """Make the call."""
        await server.create_calendar(self.calendar_id, self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostEvents(CalendarStep):
    """`POST _ml/calendars/{calendar_id}/events`; the mark is one of them."""

    verb: ClassVar[str] = "add events to calendar"
    effect: ClassVar[Effect] = Effect.CHANGES
    events: tuple[Mapping[str, Any], ...]

    async def send(self, server: Server) -> None:
        """Make the call."""
        await server.post_events(self.calendar_id, self.events)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteEvents(CalendarStep):
    """`DELETE _ml/calendars/{calendar_id}/events/{event_id}`, for each of these."""

    verb: ClassVar[str] = "delete events of calendar"
    effect: ClassVar[Effect] = Effect.CHANGES
    event_ids: tuple[str, ...]

    async def send(self, server: Server) -> None:
        """Make the calls."""
        await server.delete_events(self.calendar_id, self.event_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCalendarJobs(CalendarStep):
    """`PUT _ml/calendars/{calendar_id}/jobs/{job_id}`."""

    verb: ClassVar[str] = "add jobs to calendar"
    effect: ClassVar[Effect] = Effect.CHANGES
    job_ids: tuple[str, ...]

    async def send(self, server: Server) -> None:
        """Make the call."""
        await server.add_calendar_jobs(self.calendar_id, self.job_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveCalendarJobs(CalendarStep):
    """`DELETE _ml/calendars/{calendar_id}/jobs/{job_id}`."""

    verb: ClassVar[str] = "remove jobs from calendar"
    effect: ClassVar[Effect] = Effect.CHANGES
    job_ids: tuple[str, ...]

    async def send(self, server: Server) -> None:
        """Make the call."""
        await server.remove_calendar_jobs(self.calendar_id, self.job_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCalendar(CalendarStep):
    """`DELETE _ml/calendars/{calendar_id}`, with its events."""

    verb: ClassVar[str] = "delete calendar"
    effect: ClassVar[Effect] = Effect.DESTROYS

    async def send(self, server: Server) -> None:
        """Make the call."""
        await server.delete_calendar(self.calendar_id)
