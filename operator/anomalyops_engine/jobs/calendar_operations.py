"""What clients can ask of calendars: create, read, delete, change their jobs and events."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Iterable

from anomalyops_engine.config.calendars import EVERY_JOB, Calendar, create_calendar, create_events
from anomalyops_engine.jobs.calendars import CALENDAR, CALENDAR_EVENT
from anomalyops_engine.jobs.paging import Page
from anomalyops_engine.jobs.runtime import Runtime
from anomalyops_engine.json_types import JsonObject
from anomalyops_engine.refusals import bad_request, invalid_request, missing_job, not_found
from anomalyops_engine.store import Writer


class CalendarOperations:
    """Calendars, as the REST endpoints under `_ml/calendars` see them. Thread-safe."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._registry = runtime.registry

    def create(self, calendar_id: str, body: object) -> JsonObject:
        """Create a calendar and return it.

        Raises:
            MlError: 400 for a bad body or a taken id.
        """
        calendar = create_calendar(body, calendar_id=calendar_id)
        registry = self._registry
        with registry.lock:
            if calendar_id in registry.calendars.known:
                raise bad_request(f"Cannot create calendar with id [{calendar_id}] as it already exists")
            self._save(calendar)
        return calendar.render()

    def get(self, expression: str, page: Page | None) -> JsonObject:
        """Return `{count, calendars}`: how many calendars an expression names, and a page of them (None for all)."""
        found = self._registry.calendars.find(expression)
        shown = found if page is None else page.of(found)
        return {"count": len(found), "calendars": [calendar.render() for calendar in shown]}

    def delete(self, calendar_id: str) -> None:
        """Delete a calendar and its events.

        Raises:
            MlError: 404.
        """
        registry = self._registry
        with registry.lock:
            calendar = registry.calendars.calendar(calendar_id)
            events = registry.calendars.events[calendar_id]
            with registry.store.write() as writer:
                writer.delete_config(CALENDAR, calendar_id)
                writer.delete_configs(CALENDAR_EVENT, [event.event_id or "" for event in events])
                self._tell(writer, calendar)
            registry.calendars = registry.calendars.without_calendar(calendar_id)

    def change_jobs(self, calendar_id: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> JsonObject:
        """Add jobs or groups to a calendar or remove them, and return the calendar.

        Raises:
            MlError: 404; 400 for one to remove that is not there.
        """
        registry = self._registry
        with registry.lock:
            calendar = registry.calendars.calendar(calendar_id)
            names = dict.fromkeys(calendar.job_ids)
            for name in remove:
                if name not in names:
                    raise bad_request(f"Cannot remove [{name}] as it is not present in calendar [{calendar_id}]")
            changed = dataclasses.replace(calendar, job_ids=tuple(dict.fromkeys([*names, *add])))
            kept = tuple(name for name in changed.job_ids if name not in set(remove))
            changed = dataclasses.replace(changed, job_ids=kept)
            self._save(changed, before=calendar)
        return changed.render()

    def post_events(self, calendar_id: str, body: object) -> JsonObject:
        """Add events to a calendar and return them.

        Raises:
            MlError: 400, 404.
        """
        events = create_events(body, calendar_id=calendar_id)
        kept = [dataclasses.replace(event, event_id=secrets.token_urlsafe(15)) for event in events]
        registry = self._registry
        with registry.lock:
            calendar = registry.calendars.calendar(calendar_id)
            with registry.store.write() as writer:
                writer.put_configs(CALENDAR_EVENT, {event.event_id or "": event.render() for event in kept})
                self._tell(writer, calendar)
            present = registry.calendars.events[calendar_id]
            registry.calendars = registry.calendars.with_events(calendar_id, [*present, *kept])
        return {"events": [event.render() for event in events]}

    def events(
        self, expression: str, *, job_id: str | None, start_ms: int | None, end_ms: int | None, page: Page
    ) -> JsonObject:
        """Return `{count, events}`: those of some calendars that touch [start_ms, end_ms), in order of time.

        Args:
            expression: the calendars; all of them when `job_id` is given.
            job_id: a job, or a group, that the events concern.
            start_ms: events that end at or before it are left out.
            end_ms: events that start at or after it are left out.
            page: which of them to show.

        Raises:
            MlError: 400, 404.
        """
        calendars = self._registry.calendars
        if job_id is not None and expression not in {EVERY_JOB, "*"}:
            raise invalid_request("If job_id is used calendar_id must be '_all'")
        found = calendars.find(expression)
        if job_id is not None:
            names = self._names(job_id)
            found = [calendar for calendar in found if calendar.concerns(names)]
        events = sorted(
            (
                event
                for calendar in found
                for event in calendars.events.get(calendar.calendar_id, ())
                if (start_ms is None or event.end_ms > start_ms) and (end_ms is None or event.start_ms < end_ms)
            ),
            key=lambda event: event.order,
        )
        return {"count": len(events), "events": [event.render() for event in page.of(events)]}

    def delete_event(self, calendar_id: str, event_id: str) -> None:
        """Delete an event of a calendar.

        Raises:
            MlError: 404; 400 for an event of another calendar.
        """
        registry = self._registry
        with registry.lock:
            calendar = registry.calendars.calendar(calendar_id)
            event = registry.calendars.event(event_id)
            if event is None:
                raise not_found(f"No event with id [{event_id}]")
            if event.calendar_id != calendar_id:
                raise bad_request(
                    f"Event [{event_id}] has calendar_id [{event.calendar_id}] which does not match the request "
                    f"calendar_id [{calendar_id}]"
                )
            with registry.store.write() as writer:
                writer.delete_config(CALENDAR_EVENT, event_id)
                self._tell(writer, calendar)
            kept = [one for one in registry.calendars.events[calendar_id] if one is not event]
            registry.calendars = registry.calendars.with_events(calendar_id, kept)

    def _names(self, job_id: str) -> frozenset[str]:
        """Return the names by which a job is in calendars, or a group."""
        entry = self._registry.jobs.get(job_id)
        if entry is not None:
            return frozenset({job_id, *entry.config.groups})
        if job_id in self._registry.groups():
            return frozenset({job_id})
        raise missing_job(job_id)

    def _save(self, calendar: Calendar, *, before: Calendar | None = None) -> None:
        registry = self._registry
        with registry.store.write() as writer:
            writer.put_config(CALENDAR, calendar.calendar_id, calendar.render())
            self._tell(writer, *(one for one in (before, calendar) if one is not None))
        registry.calendars = registry.calendars.with_calendar(calendar)

    def _tell(self, writer: Writer, *calendars: Calendar) -> None:
        """Note for the open jobs that a change concerns that it takes effect: with their next bucket."""
        audit = self._runtime.audit()
        for entry in list(self._registry.jobs.values()):
            names = frozenset({entry.job_id, *entry.config.groups})
            if entry.run.state == "opened" and any(calendar.concerns(names) for calendar in calendars):
                audit.note(entry.job_id, "Updated calendars in running process")
        audit.write(writer)
