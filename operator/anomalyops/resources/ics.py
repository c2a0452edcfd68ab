"""Calendars as files: the events of an iCalendar text (RFC 5545)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any, NamedTuple

from icalendar import Calendar

from anomalyops.resources.recurrence import Recurrence, beginning, checked_rule, time_zone

_Component = Any  # its properties are of some thirty classes, broken ones among them


class IcsError(ValueError):
    """A text that is no calendar, or an event in it that cannot be taken over; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IcsEvent:
    """One event of a file.

    Attributes:
        summary: What happens then.
        recurrence: When.
    """

    summary: str
    recurrence: Recurrence


class _Read(NamedTuple):
    uid: str
    replaces: datetime | None  # the beginning, in UTC, of the one event of a series that it stands for
    cancelled: bool
    event: IcsEvent


@lru_cache(maxsize=512)  # a file of 250 kB takes a second to read
def read_ics(text: str, zone: str) -> tuple[IcsEvent, ...]:
    """The events of a file, in their order. Cancelled ones are left out, and changed ones of a series are as changed.

    Args:
        text: The file.
        zone: The time zone of days and of times that name none.

    Raises:
        IcsError: It is no calendar, or an event has no end, or what cannot be followed.
    """
    try:
        calendars = Calendar.from_ical(text, multiple=True)
    except (ValueError, IndexError, KeyError) as error:
        raise IcsError(f"not an iCalendar text: {error}") from None
    found = [_read(event, time_zone(zone)) for one in calendars for event in one.walk("VEVENT")]
    if not found:
        raise IcsError("no VEVENT in this text")
    return tuple(_resolved(found))


def _resolved(found: list[_Read]) -> Iterator[IcsEvent]:
    """Each series without the events that others stand for, and these."""
    changed: dict[str, list[datetime]] = {}
    for one in found:
        if one.replaces is not None:
            changed.setdefault(one.uid, []).append(one.replaces)
    for one in found:
        recurrence = one.event.recurrence
        if one.replaces is None and one.uid in changed:
            out = (moment.astimezone(recurrence.zone).replace(tzinfo=None) for moment in changed[one.uid])
            recurrence = replace(recurrence, excluded=(*recurrence.excluded, *out))
        if not one.cancelled:
            yield replace(one.event, recurrence=recurrence)


def _read(event: _Component, default: tzinfo) -> _Read:
    summary = str(event.get("SUMMARY") or "").strip()
    name = f"event {summary or event.get('UID') or 'without SUMMARY'}"
    if not summary:
        raise IcsError(f"{name}: SUMMARY is missing")
    if "DTSTART" not in event:
        raise IcsError(f"{name}: DTSTART is missing")
    if "EXRULE" in event:
        raise IcsError(f"{name}: EXRULE cannot be followed; write EXDATE")
    start = _time(event["DTSTART"], f"{name}: DTSTART")
    zone = start.tzinfo if isinstance(start, datetime) and start.tzinfo is not None else default
    days, seconds = _length(event, start, zone, name)
    recurrence = Recurrence(
        start=_wall_clock(start, zone),
        zone=zone,
        days=days,
        seconds=seconds,
        rule=_rule(event, name),
        excluded=tuple(_times(event, "EXDATE", start, zone, name)),
        added=tuple(_times(event, "RDATE", start, zone, name)),
    )
    return _Read(
        uid=str(event.get("UID") or ""),
        replaces=_replaced(event, zone, name),
        cancelled=str(event.get("STATUS") or "").upper() == "CANCELLED",
        event=IcsEvent(summary=summary, recurrence=recurrence),
    )


def _rule(event: _Component, name: str) -> str:
    rule = event.get("RRULE")
    if rule is None:
        return ""
    if isinstance(rule, list):
        raise IcsError(f"{name}: more than one RRULE")
    try:
        return checked_rule(rule.to_ical().decode())
    except ValueError as error:
        raise IcsError(f"{name}: RRULE {error}") from None


def _replaced(event: _Component, zone: tzinfo, name: str) -> datetime | None:
    identity = event.get("RECURRENCE-ID")
    if identity is None:
        return None
    if "RANGE" in getattr(identity, "params", ()):
        raise IcsError(f"{name}: RECURRENCE-ID with RANGE cannot be followed; write each changed event")
    return _wall_clock(_time(identity, f"{name}: RECURRENCE-ID"), zone).replace(tzinfo=zone).astimezone(UTC)


def _length(event: _Component, start: date, zone: tzinfo, name: str) -> tuple[int, int]:
    """Days by the calendar, and seconds by the clock."""
    if "DURATION" in event:
        length = _value(event["DURATION"])
        if not isinstance(length, timedelta):
            raise IcsError(f"{name}: DURATION is not a duration")
        days, seconds = length.days, length.seconds
    elif "DTEND" in event:
        days, seconds = _until(start, _time(event["DTEND"], f"{name}: DTEND"), zone, name)
    else:
        days, seconds = (0, 0) if isinstance(start, datetime) else (1, 0)
    if days < 0 or (days, seconds) == (0, 0):
        raise IcsError(f"{name}: it does not end after it begins; write DTEND or DURATION")
    return days, seconds


def _until(start: date, end: date, zone: tzinfo, name: str) -> tuple[int, int]:
    if isinstance(start, datetime) is not isinstance(end, datetime):
        raise IcsError(f"{name}: DTSTART and DTEND must both be days or both be times")
    if not isinstance(start, datetime):
        return (end - start).days, 0
    first, last = (_wall_clock(moment, zone).replace(tzinfo=zone).astimezone(UTC) for moment in (start, end))
    length = last - first
    return (0, round(length.total_seconds())) if length > timedelta(0) else (-1, 0)


def _times(event: _Component, name: str, start: date, zone: tzinfo, what: str) -> Iterator[datetime]:
    """The times of EXDATE or RDATE; a day stands for the event of that day."""
    given = event.get(name)
    for one in given if isinstance(given, list) else [] if given is None else [given]:
        for entry in _entries(one):
            moment = _time(entry, f"{what}: {name}")
            yield _wall_clock(moment, zone, of_day=_wall_clock(start, zone))


def _value(given: Any) -> Any:
    """The value of a property; None for one that is broken or there twice."""
    try:
        return given.dt
    except (AttributeError, ValueError):
        return None


def _entries(given: Any) -> list[Any]:
    try:
        return list(given.dts)
    except (AttributeError, ValueError):
        return [given]


def _time(given: Any, what: str) -> date:
    """The day or time of a property."""
    moment = _value(given)
    if isinstance(moment, tuple):
        raise IcsError(f"{what} with periods cannot be followed; write times")
    if not isinstance(moment, date):
        raise IcsError(f"{what} is not a day or time")
    if not 1900 <= moment.year <= 9000:
        raise IcsError(f"{what} is of the year {moment.year}; write one from 1900 to 9000")
    return moment


def _wall_clock(moment: date, zone: tzinfo, of_day: datetime | None = None) -> datetime:
    if not isinstance(moment, datetime):
        return beginning(moment) if of_day is None else datetime.combine(moment, of_day.time())
    return moment if moment.tzinfo is None else moment.astimezone(zone).replace(tzinfo=None)
