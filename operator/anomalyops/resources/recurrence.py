"""Events that come again: recurrence rules of RFC 5545, in the wall-clock time of a time zone."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, timedelta, tzinfo
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from pydantic import AfterValidator, Field

_FREQUENCIES: Final = {"DAILY": 86_400, "WEEKLY": 604_800, "MONTHLY": 2_592_000, "YEARLY": 31_536_000}
_PARTS: Final = frozenset(
    {
        *("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYSETPOS", "BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY"),
        *("BYDAY", "BYHOUR", "BYMINUTE", "BYSECOND"),
    }
)
_RULE: Final = re.compile(r"[A-Z]+=[^;=]+(;[A-Z]+=[^;=]+)*\Z")
_UNTIL: Final = re.compile(r"[0-9]{8}(T[0-9]{6}Z?)?\Z")
# Which parts a frequency cannot have: RFC 5545, section 3.3.10.
_NOT_WITH: Final = {
    "BYWEEKNO": ("DAILY", "WEEKLY", "MONTHLY"),
    "BYYEARDAY": ("DAILY", "WEEKLY", "MONTHLY"),
    "BYMONTHDAY": ("WEEKLY",),
}
_MOST_EVENTS: Final = 500_000  # of a rule from its first one to the end of the window: about a second
_CYCLE: Final = 400  # years after which the Gregorian calendar repeats, its weekdays too
_LOCAL: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$"


class RecurrenceError(ValueError):
    """A rule that cannot be followed; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """An event, once or again and again.

    Attributes:
        start: When it first begins, in wall-clock time.
        zone: Where the clock hangs.
        days: How many days it lasts by the calendar, and
        seconds: by the clock after these.
        rule: The recurrence rule; empty for once.
        excluded: When it does not begin, in wall-clock time.
        added: When it begins beside the rule, in wall-clock time.
    """

    start: datetime
    zone: tzinfo
    days: int = 0
    seconds: int = 0
    rule: str = ""
    excluded: tuple[datetime, ...] = ()
    added: tuple[datetime, ...] = ()

    def between(self, begin_ms: int, end_ms: int, *, most: int) -> list[tuple[int, int]]:
        """Begin and end of each event that touches a window, in milliseconds since 1970, in their order.

        A time that the clock leaves out (spring) is what it would have been without the change; one that it shows twice
        is the first of both.

        Raises:
            RecurrenceError: There are more than `most`, or the rule gives very many before the window.
        """
        last = _local(end_ms, self.zone) + timedelta(days=1)
        starts = {start for start in (*self._following(last), *self.added) if start not in self.excluded}
        found = sorted((self._instant(start), self._end(start)) for start in starts)
        within = [(start, end) for start, end in found if start < end_ms and end > begin_ms]
        if len(within) > most:
            raise RecurrenceError(f"there are {len(within):,} events in the window, and at most {most:,} fit")
        return within

    def _following(self, last: datetime) -> Iterator[datetime]:
        """The beginnings by the rule up to a time."""
        if not self.rule:
            yield self.start
            return
        parts = _read(self.rule)
        count, until = parts.pop("COUNT", None), parts.pop("UNTIL", None)
        last = last if until is None else min(last, _last(until, self.zone))
        if self.start > last:
            return
        # The library looks for events up to the last year that there is, also where no more can come. So everything is
        # moved to the last cycle of the calendar before that.
        years = (MAXYEAR - 1 - last.year) // _CYCLE * _CYCLE
        moved = rrulestr(_written(parts), dtstart=self.start.replace(year=self.start.year + years))
        end = last.replace(year=last.year + years)
        bounded = itertools.takewhile(lambda start: start <= end, moved)
        starts = itertools.islice(bounded, None if count is None else int(count))
        for number, start in enumerate(starts):
            if number >= _MOST_EVENTS:
                raise RecurrenceError(f"{self.rule} gives too many events: write a later start or fewer times")
            yield start.replace(year=start.year - years)

    def _instant(self, local: datetime) -> int:
        return round(local.replace(tzinfo=self.zone).timestamp() * 1000)

    def _end(self, start: datetime) -> int:
        return self._instant(start + timedelta(days=self.days)) + self.seconds * 1000


def clock_changes(zone: ZoneInfo, begin_ms: int, end_ms: int) -> Iterator[tuple[int, int]]:
    """When the clock of a zone changes within a window, in milliseconds since 1970, and by how many seconds it does."""
    day = 86_400
    at, last = begin_ms // 1000, end_ms // 1000
    while at < last:
        following = min(at + day, last)
        if (change := _offset(zone, following) - _offset(zone, at)) != 0:
            low, high = at, following  # the offset is the old one at low and the new one at high
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(zone, middle) == _offset(zone, at) else (low, middle)
            yield high * 1000, change
        at = following


def _offset(zone: ZoneInfo, second: int) -> int:
    offset = datetime.fromtimestamp(second, zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds())


def _local(milliseconds: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, zone).replace(tzinfo=None)


def _last(until: str, zone: tzinfo) -> datetime:
    """The last moment at which an event may begin: a day is meant as a whole, and Z is not the local time."""
    if len(until) == 8:
        return datetime.strptime(until, "%Y%m%d") + timedelta(days=1, seconds=-1)
    moment = datetime.strptime(until[:15], "%Y%m%dT%H%M%S")
    return moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None) if until.endswith("Z") else moment


def _read(rule: str) -> dict[str, str]:
    return dict(part.split("=") for part in rule.upper().removeprefix("RRULE:").split(";"))


def _written(parts: dict[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


def checked_rule(text: str) -> str:
    """A recurrence rule that can be followed.

    Raises:
        RecurrenceError: It is none of RFC 5545, or of a frequency that no calendar of a server could hold.
    """
    if not _RULE.match(text.upper().removeprefix("RRULE:")):
        raise RecurrenceError(f"'{text}' is not a recurrence rule: write one as FREQ=WEEKLY;BYDAY=MO,FR")
    names = [part.partition("=")[0] for part in text.upper().removeprefix("RRULE:").split(";")]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise RecurrenceError(f"'{text}' has {twice} twice: keep one")
    parts = _read(text)
    if unknown := next((name for name in parts if name not in _PARTS), None):
        raise RecurrenceError(f"'{text}' has {unknown}, which no rule has: write some of {', '.join(sorted(_PARTS))}")
    if (frequency := parts.get("FREQ")) not in _FREQUENCIES:
        raise RecurrenceError(f"'{text}' needs FREQ, which is one of {', '.join(_FREQUENCIES)}")
    _check_parts(text, parts, str(frequency))
    try:
        lasting = {name: value for name, value in parts.items() if name != "UNTIL"}
        rrulestr(_written(lasting), dtstart=datetime(2026, 1, 1))
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise RecurrenceError(f"'{text}' is not a recurrence rule: {error}") from None
    return text


def _check_parts(text: str, parts: dict[str, str], frequency: str) -> None:
    for name in ("INTERVAL", "COUNT"):
        if name in parts and not re.fullmatch(r"[1-9][0-9]{0,5}", parts[name]):
            raise RecurrenceError(f"'{text}': {name} must be a number from 1 to 999999")
    if {"COUNT", "UNTIL"} <= set(parts):
        raise RecurrenceError(f"'{text}' has COUNT and UNTIL: keep one")
    if "UNTIL" in parts:
        _check_until(text, parts["UNTIL"])
    for name, frequencies in _NOT_WITH.items():
        if name in parts and frequency in frequencies:
            raise RecurrenceError(f"'{text}': {name} cannot be used with FREQ={frequency}")
    if frequency not in {"MONTHLY", "YEARLY"} and re.search("[0-9]", parts.get("BYDAY", "")):
        raise RecurrenceError(f"'{text}': BYDAY has numbers with FREQ=MONTHLY and YEARLY only")


def _check_until(text: str, until: str) -> None:
    try:
        if not _UNTIL.match(until):
            raise ValueError
        _last(until, UTC)
    except ValueError:
        raise RecurrenceError(f"'{text}': write UNTIL as 20261231, 20261231T180000 or 20261231T180000Z") from None


def local_time(text: str) -> datetime:
    """A wall-clock time; a day is its beginning.

    Raises:
        ValueError: It is none.
    """
    try:
        if not re.match(_LOCAL, text):
            raise ValueError
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"'{text}' is not a local time: write 2026-12-24 or 2026-12-24T18:00, without an offset"
        ) from None


def _checked_time(text: str) -> str:
    local_time(text)
    return text


def time_zone(name: str) -> ZoneInfo:
    """A time zone of the IANA database.

    Raises:
        ValueError: There is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise ValueError(f"'{name}' is not a time zone: write a name such as Europe/Berlin or UTC") from None


def _checked_zone(name: str) -> str:
    time_zone(name)
    return name


def beginning(day: date) -> datetime:
    """The wall-clock time at which a day begins."""
    return datetime(day.year, day.month, day.day)


RecurrenceRule = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(checked_rule)]
LocalTime = Annotated[str, Field(max_length=19, pattern=_LOCAL), AfterValidator(_checked_time)]
TimeZone = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_checked_zone)]
