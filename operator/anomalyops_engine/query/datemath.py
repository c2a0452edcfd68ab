"""Date math: `now-1d/d`, `2024-01-01||+1M/M` (Elasticsearch's date math expressions)."""

from __future__ import annotations

import calendar
import re
import time
from datetime import UTC, datetime, timedelta, tzinfo

from anomalyops_engine.query.errors import DateParseError, IllegalQueryError
from anomalyops_engine.store.dates import DEFAULT_FORMAT, parse_date, to_millis

_STEP = re.compile(r"([+-])(\d*)([yMwdhHms])|/([yMwdhHms])")
_SPANS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "H": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def resolve_date(
    value: object,
    formats: str = DEFAULT_FORMAT,
    *,
    round_up: bool = False,
    tz: tzinfo = UTC,
    now_ms: int | None = None,
) -> int:
    """Return epoch milliseconds of a date, a number, or a date math expression.

    Args:
        value: as in the request.
        formats: formats of the date part, joined by `||`.
        round_up: for bounds that include the rounded unit whole (`gt`, `lte`): take its last millisecond.
        tz: zone in which dates without one are read, and in which units are rounded.
        now_ms: the present, epoch milliseconds; the clock when None.

    Raises:
        DateParseError: it is none of these.
    """
    if not isinstance(value, str):
        return _parse(value, formats, round_up=round_up, tz=tz)
    if value.startswith("now"):
        start = int(time.time() * 1000) if now_ms is None else now_ms
        return _apply(value[3:], start, value, round_up=round_up, tz=tz)
    text, separator, math = value.partition("||")
    if not separator:
        return _parse(value, formats, round_up=round_up, tz=tz)
    start = _parse(text, formats, round_up=False, tz=tz)
    return _apply(math, start, value, round_up=round_up, tz=tz)


def _parse(value: object, formats: str, *, round_up: bool, tz: tzinfo) -> int:
    try:
        return parse_date(value, formats, round_up=round_up, tz=tz)
    except ValueError as error:
        reason = str(error)
        raise DateParseError(f"{reason}: [{reason}]", IllegalQueryError(reason)) from None


def _apply(math: str, start: int, whole: str, *, round_up: bool, tz: tzinfo) -> int:
    try:
        return _calculate(math, start, round_up=round_up, tz=tz)
    except (OverflowError, ValueError):
        raise DateParseError(
            f"failed to parse date field [{whole}]: dates are calculated within the years 1 to 9999"
        ) from None


def _calculate(math: str, start: int, *, round_up: bool, tz: tzinfo) -> int:
    moment = (_EPOCH + timedelta(milliseconds=start)).astimezone(tz)
    position = 0
    while position < len(math):
        match = _STEP.match(math, position)
        if match is None:
            raise _malformed(math, position)
        position = match.end()
        sign, count, unit, rounding = match.groups()
        if rounding:
            floor = floor_unit(moment, rounding)
            moment = _add(floor, 1, rounding) - timedelta(milliseconds=1) if round_up else floor
        else:
            number = int(count or 1)
            moment = _add(moment, number if sign == "+" else -number, unit)
    return to_millis(moment.astimezone(UTC))


def _malformed(math: str, position: int) -> DateParseError:
    rest = re.match(r"([+-]\d*|/)(.?)", math[position:], re.DOTALL)
    if rest is None:
        return DateParseError(f"operator not supported for date math [{math}]")
    if not rest[2]:
        return DateParseError(f"truncated date math [{math}]")
    return DateParseError(f"unit [{rest[2]}] not supported for date math [{math}]")


def floor_unit(moment: datetime, unit: str) -> datetime:
    """Return the start of the unit (y M w d h H m s) that holds the moment, in its zone; weeks begin Monday."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "y":
        return day.replace(month=1, day=1)
    if unit == "M":
        return day.replace(day=1)
    if unit == "w":
        return day - timedelta(days=day.weekday())
    if unit == "d":
        return day
    if unit in "hH":
        return moment.replace(minute=0, second=0, microsecond=0)
    if unit == "m":
        return moment.replace(second=0, microsecond=0)
    return moment.replace(microsecond=0)


def _add(moment: datetime, number: int, unit: str) -> datetime:
    if unit in _SPANS:
        return moment + number * _SPANS[unit]
    months = moment.year * 12 + moment.month - 1 + (number * 12 if unit == "y" else number)
    year, month = divmod(months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)
