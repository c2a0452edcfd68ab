"""Times of files: which form a column has, and how a value becomes one that every server reads.

A value is sent as ISO-8601 or as epoch milliseconds, whatever the file has, so that the index needs no format of its
own in its mapping. Local times are moved to the zone that the user names, else taken as UTC.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from anomalyops_reading.errors import LoadError
from anomalyops_reading.time_patterns import Parts, Pattern, compile_pattern, offset_text

ACCEPTED: Final = (
    "iso (2014-07-01T00:00:00Z, 2014-07-01 00:00:00), epoch (seconds), epoch_ms, epoch_us, epoch_ns, or a pattern such"
    " as 'dd/MM/yyyy HH:mm:ss' or '%d/%m/%Y %H:%M:%S'"
)
_ISO: Final = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
    r"(?:[T ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?\s*"
    r"(?P<zone>Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
# Of dates those that surely exist, seen without a calendar: all but the 29th of February; ASCII digits alone.
SURE_DATE: Final = (
    r"(?!0000)[0-9]{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)"
    r"|(?:0[13578]|1[02])-31)"
)
SURE_CLOCK: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
SURE_ZONE: Final = r"(?:Z|[+-](?:0[0-9]|1[0-7]):[0-5][0-9])"
_MOST_OFFSET_MINUTES: Final = 18 * 60
_NUMBER: Final = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE]\+?\d{1,2})?", re.ASCII)
# By the number of digits of times between 1973 and 5138, which no two units share.
_EPOCHS: Final = {
    "epoch": (1e8, 1e11, 0),
    "epoch_ms": (1e11, 1e14, 3),
    "epoch_us": (1e14, 1e17, 6),
    "epoch_ns": (1e17, 1e20, 9),
}
# Tried when nothing is said. Day-first and month-first are both there: what both fit is ambiguous, and said to be so.
_KNOWN: Final = tuple(
    compile_pattern(name)
    for name in (
        *("dd/MMM/yyyy:HH:mm:ss Z", "yyyy/MM/dd HH:mm:ss", "yyyy/MM/dd HH:mm", "yyyy/MM/dd", "yyyy.MM.dd HH:mm:ss"),
        *("d.M.yyyy H:mm:ss", "d.M.yyyy H:mm", "d.M.yyyy", "d/M/yyyy H:mm:ss", "M/d/yyyy H:mm:ss", "d/M/yyyy H:mm"),
        *("M/d/yyyy H:mm", "d/M/yyyy", "M/d/yyyy", "d/M/yyyy h:mm:ss a", "M/d/yyyy h:mm:ss a", "d/M/yyyy h:mm a"),
        *("M/d/yyyy h:mm a", "d-M-yyyy H:mm:ss", "M-d-yyyy H:mm:ss", "d-M-yyyy H:mm", "M-d-yyyy H:mm", "d-M-yyyy"),
        *("M-d-yyyy", "d/M/yyyy H.mm.ss", "M/d/yyyy H.mm.ss", "d/M/yy H:mm", "M/d/yy H:mm", "d/M/yy", "M/d/yy"),
        *("d MMM yyyy HH:mm:ss", "d MMM yyyy", "d-MMM-yyyy HH:mm:ss", "d-MMM-yyyy", "d-MMM-yy", "MMM d yyyy"),
        *("MMM d yyyy HH:mm:ss", "MMM d, yyyy", "MMM d, yyyy h:mm:ss a", "MMM d, yyyy HH:mm:ss"),
        *("EEE MMM d HH:mm:ss yyyy", "EEE MMM d HH:mm:ss Z yyyy", "EEE, d MMM yyyy HH:mm:ss Z"),
        *("yyyyMMdd'T'HHmmss", "yyyyMMdd'T'HHmmssZ", "yyyyMMddHHmmss", "yyyyMMdd HH:mm:ss", "yyyyMMdd HHmmss"),
        *("yyyyMMdd", "yyyy-MM-dd-HH.mm.ss", "yyyy-MM-dd HH.mm.ss", "yyyy-MM-dd_HH:mm:ss", "yyyy-DDD"),
    )
)
_CACHED: Final = 100_000


class TimeError(LoadError):
    """A time that cannot be read."""


@dataclass(frozen=True, slots=True)
class TimeOptions:
    """What the user says about times.

    Attributes:
        zone: of times without one, None for UTC.
        date: year, month and day for times that lack them; parts of it may be None.
        day_first: which of day and month comes first where both are possible; None if that is not known.
    """

    zone: ZoneInfo | None = None
    date: tuple[int | None, int | None, int | None] = (None, None, None)
    day_first: bool | None = None


@dataclass(slots=True)
class TimeFormat:
    """How the times of a column are written.

    Attributes:
        name: `iso`, `epoch`, `epoch_ms`, `epoch_us`, `epoch_ns` or a pattern.
        read: from the text in the file to ISO-8601 text or epoch milliseconds; raises TimeError.
        ordered: texts must be read in the order of the file, once, since the year is counted on.
        utc_iso: texts are ISO-8601, in UTC where they name no zone: many can be read at once.
        ambiguous: how many minutes of local time exist twice, because clocks were turned back; the first is taken.
    """

    name: str
    read: Callable[[str], str | int] = field(repr=False)
    ordered: bool = False
    utc_iso: bool = False
    ambiguous: int = 0

    def convert(self, value: object) -> str | int:
        """Return a value of the file, text or number, as every server reads it.

        Raises:
            TimeError: it is no time of this form.
        """
        return self.read(str(value).strip())


def parse_zone(name: str) -> ZoneInfo:
    """Return a time zone by its name.

    Raises:
        LoadError: there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise LoadError(f"--time-zone {name!r} is not known; write a name such as Europe/Berlin or UTC") from None


def parse_date(text: str) -> tuple[int | None, int | None, int | None]:
    """Return year, month and day of `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.

    Raises:
        LoadError: it is something else.
    """
    found = re.fullmatch(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", text)
    if found is None:
        raise LoadError(f"--date {text!r}: write YYYY, YYYY-MM or YYYY-MM-DD")
    year, month, day = (None if part is None else int(part) for part in found.groups())
    return year, month, day


def named(name: str, options: TimeOptions) -> TimeFormat:
    """Return the form that a user names.

    Args:
        name: `iso`, `epoch`, `epoch_ms`, `epoch_us`, `epoch_ns`, a strptime pattern or a Java pattern.
        options: what else the user says.

    Raises:
        LoadError: the name is none of these, or a pattern lacks a part of the date that `--date` does not give.
    """
    if name == "iso":
        return _iso(options)
    if name in _EPOCHS:
        return _epoch(name)
    pattern = compile_pattern(name)
    year, month, day = options.date
    if not pattern.has_year and year is None:
        raise LoadError(f"time format {name!r} has no year: --date YYYY says which")
    if not pattern.has_day and (month is None or day is None):
        raise LoadError(f"time format {name!r} has no day and month: --date YYYY-MM-DD says which")
    return _from_pattern(pattern, options)


def detect(values: Sequence[str], options: TimeOptions, *, complete: bool) -> TimeFormat:
    """Return the one form that values have.

    Args:
        values: different values of a column, none empty.
        options: what the user says.
        complete: all values must fit; else nine of ten.

    Raises:
        LoadError: no known form fits, or two fit that disagree about day and month.
    """
    if not values:
        raise TimeError("no value to detect a time format from")
    needed = len(values) if complete else len(values) - len(values) // 10
    candidates = [
        *([_iso(options)] if sum(_ISO.fullmatch(value) is not None for value in values) >= needed else []),
        *(_epoch(name) for name in _EPOCHS if _fits_epoch(name, values, needed)),
        *(_from_pattern(pattern, options) for pattern in _KNOWN if _fits(pattern, values, needed, options)),
    ]
    readings: dict[tuple[str | int | None, ...], TimeFormat] = {}
    for candidate in candidates:
        readings.setdefault(tuple(_try(candidate, value) for value in values), candidate)
    best = max((len(values) - moments.count(None) for moments in readings), default=0)
    if best < needed:
        raise TimeError(f"{values[0]!r} has no known time format; accepted: {ACCEPTED}")
    readings = {moments: found for moments, found in readings.items() if len(values) - moments.count(None) == best}
    if len(readings) > 1:
        names = " or ".join(repr(candidate.name) for candidate in readings.values())
        raise TimeError(f"{values[0]!r} can be read as {names}: say which with --day-first or --month-first")
    return next(iter(readings.values()))


def is_iso(text: str) -> bool:
    """Return whether a text is an ISO-8601 date, or date and time, that can exist."""
    found = _ISO.fullmatch(text)
    return found is not None and _exists(int(found["year"]), int(found["month"]), int(found["day"]), found)


def _exists(year: int, month: int, day: int, found: re.Match[str]) -> bool:
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    if not (year and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]):
        return False
    return hour < 24 and minute < 60 and second < 60 and _is_offset(offset_text(found["zone"]))


def _is_offset(zone: str | None) -> bool:
    """Return whether a zone, as `offset_text` writes it, is one: clocks differ by eighteen hours at most."""
    if zone is None or zone == "Z":
        return True
    hours, minutes = int(zone[1:3]), int(zone[4:])
    return minutes < 60 and hours * 60 + minutes <= _MOST_OFFSET_MINUTES


def _iso(options: TimeOptions) -> TimeFormat:
    def parts(text: str) -> Parts | None:
        found = _ISO.fullmatch(text)
        if found is None:
            return None
        zone = found["zone"]
        return Parts(
            year=int(found["year"]),
            month=int(found["month"]),
            day=int(found["day"]),
            hour=int(found["hour"] or 0),
            minute=int(found["minute"] or 0),
            second=int(found["second"] or 0),
            fraction=found["fraction"] or "",
            zone=offset_text(zone),
        )

    found = _reading("iso", parts, options)
    found.utc_iso = options.zone is None
    return found


def _from_pattern(pattern: Pattern, options: TimeOptions) -> TimeFormat:
    return _reading(pattern.name, pattern.read, options, rolls=not pattern.has_year)


def _reading(
    name: str, parts_of: Callable[[str], Parts | None], options: TimeOptions, *, rolls: bool = False
) -> TimeFormat:
    """Return the form whose texts have parts.

    Args:
        name: what to call it.
        parts_of: from a text to its parts.
        options: zone and missing parts.
        rolls: the year is not in the texts: it is the next one after the months went back to the beginning.
    """
    kept: dict[str, str] = {}
    offsets: dict[datetime, str] = {}
    last_month = 0
    years = 0

    def offset(local: datetime) -> str:
        """Return the offset of the zone at a local time."""
        zone = options.zone
        if zone is None:
            return "Z"
        key = local.replace(second=0, microsecond=0)
        known = offsets.get(key)
        if known is None:
            early, late = (key.replace(fold=fold, tzinfo=zone).utcoffset() or timedelta(0) for fold in (0, 1))
            found.ambiguous += early > late
            minutes = int(early.total_seconds() // 60)
            known = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
            offsets[key] = known = "Z" if minutes == 0 else known
        return known

    def read(text: str) -> str:
        nonlocal last_month, years
        known = kept.get(text)
        if known is not None:
            return known
        parts = parts_of(text)
        if parts is None:
            raise TimeError(f"{text!r} does not match the time format {name!r}")
        year, month, day = (
            given if given is not None else other
            for given, other in zip((parts.year, parts.month, parts.day), options.date, strict=True)
        )
        if year is None or month is None or day is None:
            raise TimeError(f"{text!r} has no whole date")
        if rolls:
            years += last_month - month > 6
            last_month = month
            year += years
        second = min(parts.second, 59)  # a leap second is the last of its minute
        try:
            local = datetime(year, month, day, parts.hour, parts.minute, second)
        except ValueError as error:
            raise TimeError(f"{text!r} is not a time: {error}") from None
        if not _is_offset(parts.zone):
            raise TimeError(f"{text!r} is not a time: there is no zone {parts.zone}")
        fraction = f".{parts.fraction[:9]}" if parts.fraction else ""
        made = f"{local.isoformat()}{fraction}{parts.zone or offset(local)}"
        if not rolls and len(kept) < _CACHED:
            kept[text] = made
        return made

    found = TimeFormat(name, read, ordered=rolls)
    return found


def _epoch(name: str) -> TimeFormat:
    digits = _EPOCHS[name][2]

    def read(text: str) -> str | int:
        if not _NUMBER.fullmatch(text):
            raise TimeError(f"{text!r} is not a number of {name}")
        whole, _, fraction = text.partition(".")
        if "e" in text.lower():
            whole, fraction = str(int(float(text))), ""
        nanoseconds = int(whole) * 10 ** (9 - digits)
        sign = -1 if whole.startswith("-") else 1
        nanoseconds += sign * int((fraction[: 9 - digits] or "0").ljust(9 - digits, "0") or "0")
        if not abs(nanoseconds) < 10**23:
            raise TimeError(f"{text!r} is not a number of {name}")
        milliseconds, rest = divmod(nanoseconds, 1_000_000)
        if not rest:
            return int(milliseconds)
        moment = datetime(1970, 1, 1) + timedelta(milliseconds=milliseconds)
        return f"{moment.replace(microsecond=0).isoformat()}.{nanoseconds % 10**9:09d}Z"

    return TimeFormat(name, read)


def _fits_epoch(name: str, values: Iterable[str], needed: int) -> bool:
    low, high, _ = _EPOCHS[name]
    return sum(bool(_NUMBER.fullmatch(value)) and low <= float(value) < high for value in values) >= needed


def _fits(pattern: Pattern, values: Sequence[str], needed: int, options: TimeOptions) -> bool:
    if options.day_first is not None and pattern.name.startswith("M" if options.day_first else "d"):
        other = pattern.name[0]
        if pattern.name[1] in "/-" and other in "Md":
            return False
    return sum(pattern.regex.fullmatch(value) is not None for value in values) >= needed


def _try(candidate: TimeFormat, value: str) -> str | int | None:
    try:
        return candidate.convert(value)
    except TimeError:
        return None
