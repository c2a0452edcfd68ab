"""Time zones by name, and their offsets at any moment, also far beyond the years that Python has dates for.

The rules are those of the package `tzdata`, whatever the machine has: they are as new as those of the database, which
divides time by the same zones. A machine's own may be years older, and are missing in slim images.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, reset_tzpath

reset_tzpath(to=())

_OFFSET = re.compile(r"([+-])(\d{1,2})(?::?(\d\d)(?::?(\d\d))?)?")
_UTC_NAMES = frozenset({"Z", "z", "UTC", "utc", "GMT", "UT"})
_MOST_S = 18 * 3600
# The rules of zones repeat with the Gregorian calendar, every 400 years.
_CYCLE_S = 146_097 * 86_400
_FIRST_S, _LAST_S = -62_135_510_400, 32_503_680_000  # years 1 to 2999
_CYCLE_START_S = 13_569_465_600  # 2400-01-01
# What names of zones in texts stand for (Common Locale Data Repository, English).
_ABBREVIATIONS = {
    "EST": -5.0,
    "EDT": -4.0,
    "CST": -6.0,
    "CDT": -5.0,
    "MST": -7.0,
    "MDT": -6.0,
    "PST": -8.0,
    "PDT": -7.0,
    "WET": 0.0,
    "WEST": 1.0,
    "BST": 1.0,
    "CET": 1.0,
    "CEST": 2.0,
    "MET": 1.0,
    "MEST": 2.0,
    "EET": 2.0,
    "EEST": 3.0,
    "MSK": 3.0,
    "IST": 5.5,
    "JST": 9.0,
    "KST": 9.0,
    "AEST": 10.0,
    "AEDT": 11.0,
    "HST": -10.0,
    "AKST": -9.0,
}


@lru_cache(maxsize=1024)
def zone(name: str) -> tzinfo:
    """Return the time zone of a name (`Europe/Berlin`), `Z`/`UTC` or an offset (`+01:00`, `UTC+1`).

    Raises:
        ValueError: no such zone.
    """
    if name in _UTC_NAMES:
        return UTC
    offset = name
    for prefix in ("UTC", "GMT", "UT"):
        offset = offset.removeprefix(prefix)
    if _OFFSET.fullmatch(offset):
        return timezone(timedelta(seconds=offset_seconds(offset)))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"Unknown time-zone ID: {name}") from None


def named_zone(name: str) -> tzinfo:
    """Return the zone that a text names: as `zone`, and by the usual abbreviations (`CEST`).

    Raises:
        ValueError: no such zone.
    """
    hours = _ABBREVIATIONS.get(name)
    return zone(name) if hours is None else timezone(timedelta(hours=hours), name)


def offset_seconds(text: str) -> int:
    """Return the seconds of an offset: `+1`, `+01`, `+0130`, `+01:30`, `+01:30:15`; nothing is none.

    Raises:
        ValueError: it is none, or lies beyond 18 hours.
    """
    if not text:
        return 0
    match = _OFFSET.fullmatch(text)
    if match is None:
        raise ValueError(f"Invalid time-zone offset: {text}")
    hour, minute, second = (int(part or 0) for part in match.groups()[1:])
    seconds = hour * 3600 + minute * 60 + second
    if minute > 59 or second > 59 or seconds > _MOST_S:
        raise ValueError(f"Zone offset not in valid range: -18:00 to +18:00, got [{text}]")
    return -seconds if match[1] == "-" else seconds


def offset_at(tz: tzinfo, epoch_s: int) -> int:
    """Return a zone's offset from UTC at a moment, both in seconds."""
    if tz is UTC:
        return 0
    epoch_s = max(epoch_s, _FIRST_S)
    if epoch_s > _LAST_S:
        epoch_s = _CYCLE_START_S + (epoch_s - _CYCLE_START_S) % _CYCLE_S
    offset = datetime.fromtimestamp(epoch_s, tz).utcoffset()
    return 0 if offset is None else offset.days * 86_400 + offset.seconds


def local_to_epoch(tz: tzinfo, local_s: int) -> int:
    """Return the moment at which clocks of a zone show a time, both in seconds since 1970.

    A time that clocks show twice is the first of the two; one that they skip is moved on by what they skip.
    """
    if tz is UTC:
        return local_s
    before = offset_at(tz, local_s - 86_400)
    after = offset_at(tz, local_s + 86_400)
    for offset in (before, after):
        if offset_at(tz, local_s - offset) == offset:
            return local_s - offset
    return local_s - before
