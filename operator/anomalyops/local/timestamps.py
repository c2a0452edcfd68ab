"""Timestamps in files: which format a column has, and how a value becomes one that every server reads.

A value is sent as ISO-8601 in UTC or as epoch milliseconds, whatever the file has, so that the index needs no
format of its own in its mapping.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

ACCEPTED: Final = (
    "iso (2014-07-01T00:00:00Z, 2014-07-01 00:00:00), epoch (seconds), epoch_ms, a pattern such as"
    " 'dd/MM/yyyy HH:mm:ss' or '%d/%m/%Y %H:%M:%S'"
)

_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?\s*(Z|[+-]\d\d(:?\d\d)?)?)?$")
_STRICT: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$")
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?$")
# Patterns that are tried when nothing is said. Day-first and month-first are both there: a column that
# both fit is ambiguous, and said to be so.
_KNOWN_PATTERNS: Final = (
    "%d/%b/%Y:%H:%M:%S %z",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%m/%d/%Y %I:%M:%S %p",
    "%d %b %Y %H:%M:%S",
    "%a %b %d %H:%M:%S %Y",
    "%a, %d %b %Y %H:%M:%S %z",
    "%Y%m%d%H%M%S",
)
# Letters of Java's DateTimeFormatter, which Elasticsearch uses, and their strptime directives.
_JAVA_DIRECTIVES: Final = {
    "yyyy": "%Y", "uuuu": "%Y", "yy": "%y", "MMM": "%b", "MMMM": "%B", "MM": "%m", "M": "%m", "dd": "%d", "d": "%d",
    "HH": "%H", "H": "%H", "hh": "%I", "h": "%I", "mm": "%M", "m": "%M", "ss": "%S", "s": "%S", "a": "%p",
    "SSS": "%f", "SSSSSS": "%f", "EEE": "%a", "EEEE": "%A",
    "Z": "%z", "X": "%z", "XX": "%z", "XXX": "%z", "xx": "%z", "xxx": "%z",
}  # fmt: skip
_JAVA_TOKEN: Final = re.compile(r"'(?P<quoted>[^']*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>[^A-Za-z']+)")


class TimeFormatError(ValueError):
    """A timestamp, or a whole column of them, that cannot be read."""


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """How the timestamps of a column are written.

    Attributes:
        name: `iso`, `epoch`, `epoch_ms` or a strptime pattern.
        convert: From the value in the file to ISO-8601 text or epoch milliseconds; raises ValueError.
    """

    name: str
    convert: Callable[[object], str | int]


def named(name: str) -> TimeFormat:
    """The format that a user names.

    Args:
        name: `iso`, `epoch`, `epoch_ms`, a strptime pattern or a Java pattern as Elasticsearch has them.

    Raises:
        TimeFormatError: The name is none of these.
    """
    if name in _NAMED:
        return _NAMED[name]
    return _pattern(name if "%" in name else _from_java(name))


def detect(values: Sequence[object]) -> TimeFormat:
    """The one format that all values have.

    Args:
        values: A sample of a column, without empty values; text or JSON numbers.

    Raises:
        TimeFormatError: No known format fits, or two fit that disagree about day and month.
    """
    if not values:
        raise TimeFormatError("no value to detect a time format from")
    texts = [str(value).strip() for value in values]
    if all(_ISO.match(text) for text in texts):
        return ISO
    if all(_NUMBER.match(text) for text in texts):
        by_size = _epoch_by_size([float(text) for text in texts])
        if by_size is not None:
            return by_size
    fitting = [fmt for fmt in map(_pattern, _KNOWN_PATTERNS) if _fits(fmt, texts)]
    if not fitting:
        raise TimeFormatError(f"{texts[0]!r} has no known time format; accepted: {ACCEPTED}")
    readings = {tuple(fmt.convert(text) for text in texts) for fmt in fitting}
    if len(readings) > 1:
        names = " or ".join(repr(fmt.name) for fmt in fitting)
        raise TimeFormatError(f"{texts[0]!r} can be read as {names}: say which")
    return fitting[0]


def is_iso(text: str) -> bool:
    """Whether `text` is an ISO-8601 date or date and time that can exist."""
    if not _ISO.match(text):
        return False
    try:
        _moment(text)
    except ValueError:
        return False
    return True


def _epoch_by_size(numbers: Sequence[float]) -> TimeFormat | None:
    """Seconds from 1973 to 5138 have 9 to 11 digits; the same times in milliseconds have 12 to 14."""
    if all(1e8 <= number < 1e11 for number in numbers):
        return EPOCH
    if all(1e11 <= number < 1e14 for number in numbers):
        return EPOCH_MS
    return None


def _fits(fmt: TimeFormat, texts: Sequence[str]) -> bool:
    try:
        for text in texts:
            fmt.convert(text)
    except ValueError:
        return False
    return True


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # Python does not read a space before the zone, nor more digits than microseconds have
        return datetime.fromisoformat(re.sub(r"\s+(?=[Z+-])|(?<=[.,]\d{6})\d+", "", text))


def _convert_iso(value: object) -> str:
    text = str(value).strip()
    if not _ISO.match(text):
        raise TimeFormatError(f"{text!r} is not an ISO-8601 timestamp")
    try:
        moment = _moment(text)
    except ValueError as error:
        raise TimeFormatError(f"{text!r} is not a timestamp: {error}") from None
    # What every server reads already stays as it is in the file.
    return text if _STRICT.match(text) else _as_text(moment)


def _as_text(moment: datetime) -> str:
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return f"{moment.isoformat()}Z"


def _convert_epoch(value: object) -> int:
    return round(_number(value) * 1000)


def _convert_epoch_ms(value: object) -> int:
    return round(_number(value))


def _number(value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        raise TimeFormatError(f"{value!r} is not a number of seconds or milliseconds") from None
    if not abs(number) < 1e15:
        raise TimeFormatError(f"{value!r} is not a number of seconds or milliseconds")
    return number


def _pattern(pattern: str) -> TimeFormat:
    def convert(value: object) -> str:
        try:
            return _as_text(datetime.strptime(str(value).strip(), pattern))
        except ValueError:
            raise TimeFormatError(f"{value!r} does not match the time format {pattern!r}") from None

    return TimeFormat(pattern, convert)


def _from_java(pattern: str) -> str:
    directives = []
    for match in _JAVA_TOKEN.finditer(pattern):
        letters = match["letters"]
        if letters is None:
            directives.append(match["quoted"] or match["other"] or "")
        elif letters in _JAVA_DIRECTIVES:
            directives.append(_JAVA_DIRECTIVES[letters])
        else:
            raise TimeFormatError(f"time format {pattern!r}: {letters!r} is not known; accepted: {ACCEPTED}")
    return "".join(directives)


ISO: Final = TimeFormat("iso", _convert_iso)
EPOCH: Final = TimeFormat("epoch", _convert_epoch)
EPOCH_MS: Final = TimeFormat("epoch_ms", _convert_epoch_ms)
_NAMED: Final = {fmt.name: fmt for fmt in (ISO, EPOCH, EPOCH_MS)}
