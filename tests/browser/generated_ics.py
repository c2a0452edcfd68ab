"""Calendars as files: generated, with whatever RFC 5545 has for events."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "UTC")
OWN = """BEGIN:VTIMEZONE
TZID:Somewhere of ours
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE"""


def calendar(source: random.Random) -> str:
    """A file of some events."""
    events = [line for number in range(source.randint(1, 3)) for line in _event(source, number)]
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *OWN.split("\n"), *events, "END:VCALENDAR", ""])


def _event(source: random.Random, number: int) -> list[str]:
    start = datetime(2024, 1, 1) + timedelta(
        days=source.randint(0, 900), hours=source.randint(0, 23), minutes=source.choice([0, 15, 30])
    )
    days = source.random() < 0.3
    zone = "" if days else source.choice(["", "Z", *(f";TZID={name}" for name in ZONES), ";TZID=Somewhere of ours"])
    lines = [
        "BEGIN:VEVENT",
        f"UID:{number}",
        rf"SUMMARY:Event {number}\, with \;signs\\",
        _moment("DTSTART", start, zone, days=days),
        *_length(source, start, zone, days=days),
    ]
    if source.random() < 0.8:
        lines.append(f"RRULE:{rule(source, start)}")
    if source.random() < 0.3:
        lines.append(_moment("EXDATE", start + timedelta(days=source.choice([0, 1, 7])), zone, days=days))
    if source.random() < 0.3:
        lines.append(_moment("RDATE", start + timedelta(days=source.randint(1, 90)), zone, days=days))
    lines += ["BEGIN:VALARM", "TRIGGER:-PT15M", "DURATION:PT5M", "END:VALARM"] if source.random() < 0.2 else []
    return [*lines, "END:VEVENT", *_changed(source, number, start, zone, days=days)]


def _moment(name: str, moment: datetime, zone: str, *, days: bool) -> str:
    if days:
        return f"{name};VALUE=DATE:{moment:%Y%m%d}"
    named, utc = (zone, "") if zone.startswith(";") else ("", zone)
    return f"{name}{named}:{moment:%Y%m%dT%H%M%S}{utc}"


def _length(source: random.Random, start: datetime, zone: str, *, days: bool) -> list[str]:
    kind = source.random()
    if kind < 0.3:
        return [f"DURATION:{source.choice(['P1D', 'P1W', 'P2D'] if days else ['PT1H', 'P1DT6H', 'PT36H', 'P1D'])}"]
    if days and kind < 0.5:
        return []
    lasting = timedelta(days=source.randint(1, 3)) if days else timedelta(minutes=source.randint(1, 3000))
    return [_moment("DTEND", start + lasting, zone, days=days)]


def _changed(source: random.Random, number: int, start: datetime, zone: str, *, days: bool) -> list[str]:
    if source.random() > 0.2:
        return []
    later = start + timedelta(hours=0 if days else 3)
    return [
        "BEGIN:VEVENT",
        f"UID:{number}",
        "SUMMARY:Moved",
        _moment("RECURRENCE-ID", start, zone, days=days),
        _moment("DTSTART", later, zone, days=days),
        f"DURATION:{'P1D' if days else 'PT2H'}",
        *(["STATUS:CANCELLED"] if source.random() < 0.4 else []),
        "END:VEVENT",
    ]


def rule(source: random.Random, start: datetime) -> str:
    """A recurrence rule."""
    frequency = source.choice(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
    parts = [f"FREQ={frequency}"]

    def some(chance: float, name: str, values: list[object], most: int = 3) -> None:
        if source.random() < chance:
            chosen = source.sample(values, source.randint(1, min(most, len(values))))
            parts.append(f"{name}={','.join(map(str, chosen))}")

    some(0.4, "INTERVAL", [1, 2, 3, 5], 1)
    some(0.3, "BYMONTH", list(range(1, 13)), 6)
    numbered = frequency in {"MONTHLY", "YEARLY"}
    some(0.4, "BYDAY", [*DAYS, *(f"{n}{day}" for n in (1, 2, -1, -2) for day in DAYS if numbered)])
    if frequency != "WEEKLY":
        some(0.3, "BYMONTHDAY", [1, 5, 13, 28, 29, 30, 31, -1, -2, -31], 4)
    if frequency == "YEARLY":
        some(0.2, "BYYEARDAY", [1, 60, 100, 200, 365, 366, -1, -100, -366], 4)
        some(0.2, "BYWEEKNO", [1, 2, 10, 20, 51, 52, 53, -1], 4)
    some(0.15, "BYHOUR", [0, 2, 3, 12, 23], 2)
    some(0.1, "BYMINUTE", [0, 30], 2)
    some(0.2, "BYSETPOS", [1, 2, -1, -2], 2)
    some(0.3, "WKST", list(DAYS), 1)
    ending = source.random()
    if ending < 0.3:
        parts.append(f"COUNT={source.randint(1, 40)}")
    elif ending < 0.6:
        until = start + timedelta(days=source.randint(-5, 900))
        parts.append(f"UNTIL={until:{source.choice(['%Y%m%d', '%Y%m%dT%H%M%S', '%Y%m%dT%H%M%SZ'])}}")
    return ";".join(parts)
