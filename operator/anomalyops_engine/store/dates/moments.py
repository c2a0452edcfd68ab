"""Moments as nanoseconds since 1970 and as the parts that formats read and write.

Moments are plain integers without bounds, so that dates work over all of Elasticsearch's time (64 bits of
milliseconds: the years -292275055 to 292278994), where Python's end in the year 9999.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from anomalyops_engine.store.dates.zones import local_to_epoch, named_zone, offset_at
from anomalyops_engine.store.gregorian import civil_date, day_number

NANOS = 1_000_000_000
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Civil:
    """A moment on the clocks and calendars of a zone."""

    epoch_s: int
    nano: int
    offset_s: int
    tz: tzinfo

    @classmethod
    def of(cls, nanos: int, tz: tzinfo) -> Civil:
        """Return a moment in a zone."""
        epoch_s, nano = divmod(nanos, NANOS)
        return cls(epoch_s, nano, offset_at(tz, epoch_s), tz)

    def part(self, name: str) -> int:
        """Return a part of the moment."""
        return _PARTS[name](self)

    @property
    def day(self) -> int:
        """Days since 1970-01-01."""
        return (self.epoch_s + self.offset_s) // _DAY_S

    @property
    def second_of_day(self) -> int:
        """Seconds since midnight."""
        return (self.epoch_s + self.offset_s) % _DAY_S

    def zone_name(self, *, short: bool) -> str:
        """Return the zone's short name (`CEST`), or its id."""
        if self.tz is UTC:
            return "UTC" if short else "Z"
        if short:
            moment = datetime.fromtimestamp(min(max(self.epoch_s, 0), 32_503_680_000), self.tz)
            return moment.tzname() or str(self.tz)
        return str(self.tz).removeprefix("UTC") or "Z"


def _date(civil: Civil) -> tuple[int, int, int]:
    return civil_date(civil.day)


def _day_of_year(civil: Civil) -> int:
    return civil.day - day_number(_date(civil)[0], 1, 1) + 1


def _weekday(civil: Civil) -> int:
    return (civil.day + 3) % 7 + 1


def _week(civil: Civil) -> tuple[int, int]:
    """Return ISO 8601 year and week: a week belongs to the year of its Thursday."""
    thursday = civil.day + 4 - _weekday(civil)
    year = civil_date(thursday)[0]
    return year, (thursday - day_number(year, 1, 1)) // 7 + 1


def _year_of_era(civil: Civil) -> int:
    year = _date(civil)[0]
    return year if year > 0 else 1 - year


_PARTS: dict[str, Callable[[Civil], int]] = {
    "year": lambda c: _date(c)[0],
    "year_of_era": _year_of_era,
    "era": lambda c: int(_date(c)[0] > 0),
    "month": lambda c: _date(c)[1],
    "day": lambda c: _date(c)[2],
    "day_of_year": _day_of_year,
    "quarter": lambda c: (_date(c)[1] + 2) // 3,
    "week_year": lambda c: _week(c)[0],
    "week": lambda c: _week(c)[1],
    "weekday": _weekday,
    "half": lambda c: c.second_of_day // 43_200,
    "hour": lambda c: c.second_of_day // 3600,
    "hour_of_half": lambda c: c.second_of_day // 3600 % 12,
    "clock_of_half": lambda c: (c.second_of_day // 3600 + 11) % 12 + 1,
    "clock_of_day": lambda c: (c.second_of_day // 3600 + 23) % 24 + 1,
    "minute": lambda c: c.second_of_day // 60 % 60,
    "second": lambda c: c.second_of_day % 60,
    "nano": lambda c: c.nano,
    "milli_of_day": lambda c: c.second_of_day * 1000 + c.nano // 1_000_000,
    "nano_of_day": lambda c: c.second_of_day * NANOS + c.nano,
}
_LIMITS = {
    "month": (1, 12),
    "day": (1, 31),
    "day_of_year": (1, 366),
    "quarter": (1, 4),
    "week": (1, 53),
    "weekday": (1, 7),
    "hour": (0, 23),
    "hour_of_half": (0, 11),
    "clock_of_half": (1, 12),
    "clock_of_day": (1, 24),
    "minute": (0, 59),
    "second": (0, 59),
    "nano": (0, 999_999_999),
    "milli_of_day": (0, _DAY_S * 1000 - 1),
    "nano_of_day": (0, _DAY_S * NANOS - 1),
    "year": (-999_999_999, 999_999_999),
    "year_of_era": (1, 999_999_999),
    "week_year": (-999_999_999, 999_999_999),
}


def resolve(parts: Mapping[str, int | str], *, round_up: bool, tz: tzinfo) -> int:
    """Return the moment that the parts of a text mean, nanoseconds since 1970.

    Args:
        parts: what the text names.
        round_up: hours, minutes, seconds and fractions that it does not name are the last ones, not the first.
        tz: zone of a text that names none.

    Raises:
        ValueError: there is no such date or time.
    """
    numbers: dict[str, int] = {}
    for name, value in parts.items():
        if isinstance(value, int):
            low, high = _LIMITS.get(name, (value, value))
            if not low <= value <= high:
                raise ValueError(f"Invalid value for {name} (valid values {low} - {high}): {value}")
            numbers[name] = value
    second, nano = _time(numbers, round_up=round_up)
    local_s = _day(numbers) * _DAY_S + second
    if "offset" in numbers:
        return (local_s - numbers["offset"]) * NANOS + nano
    named = parts.get("zone")
    return local_to_epoch(tz if named is None else named_zone(str(named)), local_s) * NANOS + nano


def _day(parts: Mapping[str, int]) -> int:
    """Return the number of the day that the parts name; months and days that they leave out are the first."""
    if "week_year" in parts:
        year = parts["week_year"]
        fourth = day_number(year, 1, 4)
        monday = fourth - (fourth + 3) % 7
        day = monday + (parts.get("week", 1) - 1) * 7 + parts.get("weekday", 1) - 1
        thursday = day - (day + 3) % 7 + 3
        if civil_date(thursday)[0] != year:
            raise ValueError(f"Invalid value for week: {parts.get('week')} of {year}")
        return day
    year_of_era = parts.get("year_of_era")
    if year_of_era is not None:
        year = year_of_era if parts.get("era", 1) else 1 - year_of_era
    else:
        year = parts.get("year", 1970)
    if "day_of_year" in parts:
        day = day_number(year, 1, 1) + parts["day_of_year"] - 1
        if civil_date(day)[0] != year:
            raise ValueError(f"Invalid date 'DayOfYear {parts['day_of_year']}' as '{year}' is not a leap year")
        return day
    month, day_of_month = parts.get("month", 1), parts.get("day", 1)
    day = day_number(year, month, day_of_month)
    if civil_date(day) != (year, month, day_of_month):
        raise ValueError(f"Invalid date: day {day_of_month} of month {month} of {year}")
    return day


def _time(parts: Mapping[str, int], *, round_up: bool) -> tuple[int, int]:
    """Return second of the day and nanosecond of the second."""
    if "nano_of_day" in parts:
        return divmod(parts["nano_of_day"], NANOS)
    if "milli_of_day" in parts:
        second, milli = divmod(parts["milli_of_day"], 1000)
        return second, milli * 1_000_000
    full = (23, 59, 59, NANOS - 1) if round_up else (0, 0, 0, 0)
    hour = parts.get("hour")
    if hour is None and "clock_of_day" in parts:
        hour = parts["clock_of_day"] % 24
    if hour is None and "half" in parts and ("hour_of_half" in parts or "clock_of_half" in parts):
        hour = 12 * parts["half"] + parts.get("hour_of_half", parts.get("clock_of_half", 0) % 12)
    hour = full[0] if hour is None else hour
    minute, second = parts.get("minute", full[1]), parts.get("second", full[2])
    return hour * 3600 + minute * 60 + second, parts.get("nano", full[3])
