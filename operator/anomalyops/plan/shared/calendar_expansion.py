"""The events of a calendar's manifest, with those that come again written out over a window of days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from anomalyops.plan.core.meaning import JsonObject
from anomalyops.plan.shared.calendar_values import Event
from anomalyops.resources.calendar import (
    MOST_EVENTS,
    AnomalyCalendarSpec,
    EventEffects,
    IcsSource,
    RecurringEvent,
    events_of_file,
)
from anomalyops.resources.durations import parse_duration
from anomalyops.resources.recurrence import Recurrence, clock_changes, local_time, time_zone

_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """What a manifest asks for at a time.

    Attributes:
        events: The bodies of all events, each once.
        problems: What cannot be written out, and why; then the events are not all that are asked for.
    """

    events: tuple[JsonObject, ...]
    problems: tuple[str, ...] = ()


def expanded(spec: AnomalyCalendarSpec, now: datetime) -> Expansion:
    """All events of a manifest: those that are written, and the others over whole days (UTC) around the present one.

    Within a day the answer is the same, so that a plan after a plan is empty.

    Args:
        spec: The manifest's spec.
        now: The present time.
    """
    today = int(now.astimezone(UTC).timestamp()) * 1000 // _DAY_MS * _DAY_MS
    begin = today - parse_duration(spec.keep_past)
    end = today + _DAY_MS + parse_duration(spec.expand_ahead)
    bodies: dict[Event, JsonObject] = {}
    problems = []
    for body in (event.server_body() for event in spec.events or ()):
        bodies.setdefault(Event.read(body), body)
    for where, source in _sources(spec):
        try:
            for body in source(begin, end):
                bodies.setdefault(Event.read(body), body)
        except ValueError as error:
            problems.append(f"{where}: {error}")
    if len(bodies) > MOST_EVENTS:
        problems.append(
            f"there are {len(bodies):,} events in the window, and a calendar holds {MOST_EVENTS:,}: lower "
            "spec.expandAhead"
        )
    return Expansion(events=tuple(bodies.values())[:MOST_EVENTS], problems=tuple(problems))


def _sources(spec: AnomalyCalendarSpec) -> Iterator[tuple[str, Any]]:
    for number, event in enumerate(spec.recurring_events or ()):
        yield f"spec.recurringEvents[{number}]", lambda begin, end, one=event: _recurring(one, spec, begin, end)
    for number, file in enumerate(spec.ics or ()):
        yield f"spec.ics[{number}]", lambda begin, end, one=file: _of_file(one, spec, begin, end)
    if spec.daylight_saving_time_zone is not None:
        yield "spec.daylightSavingTimeZone", lambda begin, end: _clock(str(spec.daylight_saving_time_zone), begin, end)


def _recurring(event: RecurringEvent, spec: AnomalyCalendarSpec, begin: int, end: int) -> Iterator[JsonObject]:
    by_days = event.duration.endswith("d")
    recurrence = Recurrence(
        start=local_time(event.start),
        zone=time_zone(spec.time_zone),
        days=int(event.duration[:-1]) if by_days else 0,
        seconds=0 if by_days else parse_duration(event.duration) // 1000,
        rule=event.rrule,
        excluded=tuple(local_time(text) for text in event.excluded or ()),
    )
    for start, stop in _between(recurrence, begin, end):
        yield _body(event.description, start, stop, event)


def _of_file(source: IcsSource, spec: AnomalyCalendarSpec, begin: int, end: int) -> Iterator[JsonObject]:
    if source.inline is None:
        raise ValueError("the text of its ConfigMap was not read")
    for event in events_of_file(source.inline, spec.time_zone):
        for start, stop in _between(event.recurrence, begin, end):
            yield _body(event.summary, start, stop, source)


def _clock(zone: str, begin: int, end: int) -> Iterator[JsonObject]:
    """An event a change: no result is skipped, all is learned. It lasts a day, so that every bucket span meets it."""
    for moment, seconds in clock_changes(time_zone(zone), begin, end):
        words = f"{zone}: clocks go {'forward' if seconds > 0 else 'back'} by {abs(seconds) // 60} minutes"
        effects = {"skip_result": False, "skip_model_update": False, "force_time_shift": seconds}
        yield {"description": words, "start_time": moment, "end_time": moment + _DAY_MS} | effects


def _body(description: str, start: int, stop: int, effects: EventEffects) -> JsonObject:
    return {"description": description, "start_time": start, "end_time": stop} | effects.effects()


@lru_cache(maxsize=4096)
def _between(recurrence: Recurrence, begin: int, end: int) -> tuple[tuple[int, int], ...]:
    return tuple(recurrence.between(begin, end, most=MOST_EVENTS))
