"""Date formats of mappings and queries: text or number to epoch milliseconds and back.

Supported names follow Elasticsearch's date format documentation: `strict_date_optional_time` (and its non-strict
and nanosecond forms), `epoch_millis`, `epoch_second`, `date`, `basic_date`, and explicit patterns in the letters
y u M d H m s S X Z and quoted text. Several formats are joined by `||` and tried in order.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from anomalyops_engine.store.gregorian import civil_date

DEFAULT_FORMAT = "strict_date_optional_time||epoch_millis"
# What dynamic mapping tries on strings (Elasticsearch's default `dynamic_date_formats`).
SLASH_FORMAT = "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd||epoch_millis"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# Moments are 64-bit numbers of milliseconds, as Elasticsearch has them.
_FIRST_MS, _LAST_MS = -(2**63), 2**63 - 1
# What Python has a date for, in any time zone: 0001-01-02 to 9999-12-30.
_FIRST_DATETIME_MS, _LAST_DATETIME_MS = -62_135_510_400_000, 253_402_214_399_999

_ISO = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(?:(\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?)?(Z|[+-]\d\d(?::?\d\d)?)?)?)?)?$"
)
_SLASH = re.compile(r"\d{4}/\d\d/\d\d(?: \d\d:\d\d:\d\d)?$")
_LETTER_RUN = re.compile(r"'([^']*)'|([A-Za-z])\2*|(\[|\])|([^A-Za-z\[\]']+)")
_OFFSET = r"(?P<zone>Z|[+-]\d\d(?::?\d\d)?)"
_NUMERIC_LETTERS = {
    "y": "year",
    "u": "year",
    "M": "month",
    "d": "day",
    "H": "hour",
    "m": "minute",
    "s": "second",
}

Parser = Callable[[object, bool, tzinfo], int]


class UnknownDateFormatError(ValueError):
    """The format is neither a known name nor a pattern of supported letters."""


def zone(name: str) -> tzinfo:
    """Return the time zone of a name (`Europe/Berlin`), `Z`/`UTC` or an offset (`+01:00`).

    Raises:
        ValueError: no such zone.
    """
    if name in {"Z", "UTC", "utc", "GMT"}:
        return UTC
    match = re.fullmatch(r"([+-])(\d\d):?(\d\d)?", name)
    if match:
        sign = -1 if match[1] == "-" else 1
        return timezone(sign * timedelta(hours=int(match[2]), minutes=int(match[3] or 0)))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, IsADirectoryError):
        raise ValueError(f"Unknown time-zone ID: {name}") from None


def to_millis(moment: datetime) -> int:
    """Return epoch milliseconds of an aware datetime, fractions of a millisecond cut off."""
    return (moment - _EPOCH) // _MILLISECOND


def parse_date(value: object, formats: str = DEFAULT_FORMAT, *, round_up: bool = False, tz: tzinfo = UTC) -> int:
    """Return epoch milliseconds of a value in one of the formats.

    Args:
        value: text or number as it came in JSON.
        formats: format names or patterns joined by `||`.
        round_up: fill missing hours, minutes, seconds and fractions with their maximum instead of zero, as the upper
            bound of a range does.
        tz: zone of a value that names none.

    Raises:
        ValueError: none of the formats fits; the message names value and formats.
    """
    for parser in parsers(formats):
        try:
            millis = parser(value, round_up, tz)
        except (ValueError, OverflowError):
            continue
        if _FIRST_MS <= millis <= _LAST_MS:
            return millis
    raise ValueError(f"failed to parse date field [{value}] with format [{formats}]")


@lru_cache(maxsize=256)
def parsers(formats: str) -> tuple[Parser, ...]:
    """Return the parsers of formats joined by `||`.

    Raises:
        UnknownDateFormatError: one of them is not supported.
    """
    return tuple(_parser(name) for name in formats.split("||"))


def detect_format(text: str) -> str | None:
    """Return the format that dynamic mapping gives a field whose first value is this string, None for no date.

    Pure numbers are never taken for dates, as in Elasticsearch.
    """
    if not text[:4].isdigit() or len(text) < 7:
        return None
    for pattern, formats in ((_ISO, DEFAULT_FORMAT), (_SLASH, SLASH_FORMAT)):
        if pattern.match(text):
            try:
                parse_date(text, formats)
            except ValueError:
                return None
            return formats if not text.isdigit() else None
    return None


def format_millis(millis: int, formats: str = DEFAULT_FORMAT, tz: tzinfo = UTC) -> str:
    """Return the text of a moment in the first of the formats, as `key_as_string` and `fields` show it."""
    name = formats.split("||", 1)[0]
    if name == "epoch_millis":
        return str(millis)
    if name == "epoch_second":
        return str(millis // 1000)
    if not _FIRST_DATETIME_MS <= millis <= _LAST_DATETIME_MS:
        return _far_text(millis)
    moment = (_EPOCH + timedelta(milliseconds=millis)).astimezone(tz)
    if name in _ISO_NAMES:
        text = moment.isoformat(timespec="milliseconds")
        return text[:-6] + "Z" if text.endswith("+00:00") else text
    return _format_pattern(_PATTERN_NAMES.get(name, name), moment)


def _far_text(millis: int) -> str:
    """Return the text of a moment for which Python has no date, with the sign of its year, in UTC."""
    day, rest = divmod(millis, 86_400_000)
    year, month, day_of_month = civil_date(day)
    seconds, fraction = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    sign = "-" if year < 0 else "+" if year > 9999 else ""
    return f"{sign}{abs(year):04d}-{month:02d}-{day_of_month:02d}T{hour:02d}:{minute:02d}:{second:02d}.{fraction:03d}Z"


def _parser(name: str) -> Parser:
    if name in _ISO_NAMES:
        return _parse_iso
    if name == "epoch_millis":
        return _parse_epoch_millis
    if name == "epoch_second":
        return _parse_epoch_second
    return _pattern_parser(_PATTERN_NAMES.get(name, name))


_ISO_NAMES = frozenset(
    {
        "strict_date_optional_time",
        "date_optional_time",
        "strict_date_optional_time_nanos",
        "iso8601",
        "strict_date_time",
        "date_time",
        "strict_date_time_no_millis",
        "date_time_no_millis",
    }
)
_PATTERN_NAMES = {
    "date": "yyyy-MM-dd",
    "strict_date": "yyyy-MM-dd",
    "basic_date": "yyyyMMdd",
    "basic_date_time": "yyyyMMdd'T'HHmmss.SSSX",
    "date_hour_minute_second": "yyyy-MM-dd'T'HH:mm:ss",
    "strict_date_hour_minute_second": "yyyy-MM-dd'T'HH:mm:ss",
}


def _parse_iso(value: object, round_up: bool, tz: tzinfo) -> int:  # noqa: FBT001 (the shape of every parser)
    if not isinstance(value, str):
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 9999:
            value = f"{value:04d}"  # a bare year
        else:
            raise ValueError(value)
    # The common case first: a full timestamp of day, time and zone.
    if len(value) >= 20 and value[10] == "T" and value[-1] == "Z" and value[4] == "-":
        return to_millis(datetime.fromisoformat(value))
    match = _ISO.match(value)
    if match is None:
        raise ValueError(value)
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    date = (int(year), int(month or 1), int(day or 1))
    return _moment(date, (hour, minute, second, fraction), offset, round_up=round_up, tz=tz)


def _parse_epoch_millis(value: object, round_up: bool, tz: tzinfo) -> int:  # noqa: FBT001
    return int(_number(value))


def _parse_epoch_second(value: object, round_up: bool, tz: tzinfo) -> int:  # noqa: FBT001
    number = _number(value)
    return int(number * 1000) + (999 if round_up and number == int(number) else 0)


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(value)
    if isinstance(value, str):
        return float(value) if "." in value else int(value)
    return value


def _moment(
    date: tuple[int, int, int],
    time: tuple[str | None, str | None, str | None, str | None],
    offset: str | None,
    *,
    round_up: bool,
    tz: tzinfo,
) -> int:
    """Return epoch milliseconds of (year, month, day) and (hour, minute, second, fraction), where parts may lack."""
    hour, minute, second, fraction = time
    full = (23, 59, 59, 999_999) if round_up else (0, 0, 0, 0)
    moment = datetime(
        *date,
        int(hour) if hour is not None else full[0],
        int(minute) if minute is not None else full[1],
        int(second) if second is not None else full[2],
        int(fraction[:6].ljust(6, "0")) if fraction is not None else full[3],
        tzinfo=zone(offset) if offset else tz,
    )
    return to_millis(moment)


def _pattern_parser(pattern: str) -> Parser:
    if pattern == "yyyy-MM-dd HH:mm:ss":
        return _parse_plain
    regex = re.compile(_pattern_regex(pattern))

    def parse(value: object, round_up: bool, tz: tzinfo) -> int:  # noqa: FBT001
        match = regex.fullmatch(str(value)) if isinstance(value, str | int) else None
        if match is None:
            raise ValueError(value)
        parts = match.groupdict()
        date = (int(parts.get("year") or 1970), int(parts.get("month") or 1), int(parts.get("day") or 1))
        time = (parts.get("hour"), parts.get("minute"), parts.get("second"), parts.get("fraction"))
        return _moment(date, time, parts.get("zone"), round_up=round_up, tz=tz)

    return parse


def _parse_plain(value: object, round_up: bool, tz: tzinfo) -> int:  # noqa: FBT001
    if not isinstance(value, str) or len(value) != 19 or value[10] != " ":
        raise ValueError(value)
    moment = datetime.fromisoformat(value).replace(tzinfo=tz)
    return to_millis(moment) + (999 if round_up else 0)


def _pattern_regex(pattern: str) -> str:
    """Return the regular expression of a date pattern (`yyyy-MM-dd'T'HH:mm[:ss][.SSS]XXX`)."""
    out, position = [], 0
    for match in _LETTER_RUN.finditer(pattern):
        if match.start() != position:
            break
        position = match.end()
        quoted, letter, bracket, other = match.groups()
        run = match[0]
        if quoted is not None:
            out.append(re.escape(quoted) if quoted else "'")
        elif letter in _NUMERIC_LETTERS and (len(run) <= 2 or letter in "yu"):
            width = f"{{{len(run)}}}" if len(run) > 1 else "{1,2}"
            out.append(rf"(?P<{_NUMERIC_LETTERS[letter]}>\d{width})")
        elif letter == "S":
            out.append(rf"(?P<fraction>\d{{{len(run)}}})")
        elif letter in {"X", "x", "Z"}:
            out.append(_OFFSET)
        elif bracket:
            out.append("(?:" if bracket == "[" else ")?")
        elif other is not None:
            out.append(re.escape(other))
        else:
            raise UnknownDateFormatError(f"Invalid format: [{pattern}]: unsupported pattern letter [{letter}]")
    if position != len(pattern) or not any(name in "".join(out) for name in ("year", "hour", "month")):
        raise UnknownDateFormatError(f"Invalid format: [{pattern}]: Unknown pattern")
    try:
        re.compile("".join(out))
    except re.error as error:
        raise UnknownDateFormatError(f"Invalid format: [{pattern}]: {error}") from None
    return "".join(out)


def _format_pattern(pattern: str, moment: datetime) -> str:
    values = {"y": moment.year, "u": moment.year, "M": moment.month, "d": moment.day}
    values |= {"H": moment.hour, "m": moment.minute, "s": moment.second}
    out = []
    for match in _LETTER_RUN.finditer(pattern):
        quoted, letter, bracket, other = match.groups()
        run = match[0]
        if quoted is not None:
            out.append(quoted or "'")
        elif letter in values:
            out.append(f"{values[letter]:0{len(run)}d}")
        elif letter == "S":
            out.append(f"{moment.microsecond:06d}".ljust(9, "0")[: len(run)])
        elif letter in {"X", "x", "Z"}:
            text = moment.strftime("%z")
            out.append("Z" if letter == "X" and text == "+0000" else f"{text[:3]}:{text[3:]}")
        elif not bracket:
            out.append(other)
    return "".join(out)
