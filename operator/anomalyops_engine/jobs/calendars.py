"""All calendars with their events in memory, and the schedules that jobs have by them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from anomalyops_engine.config import Job
from anomalyops_engine.config.calendars import Calendar, ScheduledEvent
from anomalyops_engine.config.identifiers import expand
from anomalyops_engine.refusals import missing_calendar
from anomalyops_engine.scoring import Event, Schedule
from anomalyops_engine.store import Reader

CALENDAR: Final = "calendar"
CALENDAR_EVENT: Final = "calendar_event"
_SCHEDULES_KEPT: Final = 256


class Calendars:
    """Calendars by id and their events by the calendar's id.

    What is here is never changed, only replaced, by who holds the registry's lock; so running jobs read without it.

    Attributes:
        known: the calendars.
        events: the events of each, sorted.
    """

    def __init__(self, known: Mapping[str, Calendar], events: Mapping[str, tuple[ScheduledEvent, ...]]) -> None:
        self.known = known
        self.events = events
        self._schedules: dict[tuple[tuple[str, ...], int], Schedule] = {}

    @classmethod
    def load(cls, reader: Reader) -> Calendars:
        """Return what the store holds."""
        known = {name: Calendar.load(stored) for name, stored in reader.configs(CALENDAR).items()}
        events: dict[str, list[ScheduledEvent]] = {name: [] for name in known}
        for stored in reader.configs(CALENDAR_EVENT).values():
            event = ScheduledEvent.load(stored)
            events.setdefault(event.calendar_id, []).append(event)
        return cls(known, {name: _sorted(mine) for name, mine in events.items()})

    def calendar(self, calendar_id: str) -> Calendar:
        """Return a calendar.

        Raises:
            MlError: 404.
        """
        found = self.known.get(calendar_id)
        if found is None:
            raise missing_calendar(calendar_id)
        return found

    def find(self, expression: str) -> list[Calendar]:
        """Return the calendars that an expression names (ids, lists, wildcards, `_all`), by id.

        Raises:
            MlError: 404 for a concrete id that is missing.
        """
        return [self.known[name] for name in expand(expression, self.known, missing=missing_calendar)]

    def with_calendar(self, calendar: Calendar) -> Calendars:
        """Return these calendars with a new or changed one."""
        name = calendar.calendar_id
        return Calendars({**self.known, name: calendar}, {name: (), **self.events})

    def without_calendar(self, calendar_id: str) -> Calendars:
        """Return these calendars without one, and without its events."""
        known = {name: one for name, one in self.known.items() if name != calendar_id}
        return Calendars(known, {name: mine for name, mine in self.events.items() if name != calendar_id})

    def with_events(self, calendar_id: str, events: list[ScheduledEvent]) -> Calendars:
        """Return these calendars with other events of one."""
        return Calendars(self.known, {**self.events, calendar_id: _sorted(events)})

    def without_job(self, job_id: str) -> list[Calendar]:
        """Return the calendars that name a job, as they are without it."""
        return [
            Calendar(
                calendar_id=one.calendar_id,
                job_ids=tuple(name for name in one.job_ids if name != job_id),
                description=one.description,
            )
            for one in self.known.values()
            if job_id in one.job_ids
        ]

    def event(self, event_id: str) -> ScheduledEvent | None:
        """Return an event of any calendar, None when there is none of that id."""
        return next((event for mine in self.events.values() for event in mine if event.event_id == event_id), None)

    def schedule(self, job: Job) -> Schedule:
        """Return the schedule of a job; jobs of the same calendars and bucket span share one."""
        names = frozenset({job.job_id, *job.groups})
        mine = tuple(name for name, one in self.known.items() if one.concerns(names) and self.events.get(name))
        key = mine, job.bucket_span_ms
        found = self._schedules.get(key)
        if found is None:
            found = Schedule((_event(event) for name in mine for event in self.events[name]), job.bucket_span_ms)
            if len(self._schedules) >= _SCHEDULES_KEPT:
                self._schedules.clear()
            self._schedules[key] = found
        return found


def _sorted(events: list[ScheduledEvent]) -> tuple[ScheduledEvent, ...]:
    return tuple(sorted(events, key=lambda event: event.order))


def _event(event: ScheduledEvent) -> Event:
    return Event(
        description=event.description or "",
        start_ms=event.start_ms,
        end_ms=event.end_ms,
        skip_result=event.skip_result,
        skip_update=event.skip_model_update,
        shift_s=event.force_time_shift or 0,
    )
