"""Reading and writing dates by formats."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final, Protocol

from anomalyops_engine.store.dates.elements import Element, Groups
from anomalyops_engine.store.dates.errors import UnknownDateFormatError
from anomalyops_engine.store.dates.moments import NANOS, Civil, resolve
from anomalyops_engine.store.dates.named import NAMED
from anomalyops_engine.store.dates.patterns import pattern_elements

DEFAULT_FORMAT: Final = "strict_date_optional_time||epoch_millis"
_NANOS_PER_MS: Final = 1_000_000
# Moments of `date` are 64-bit numbers of milliseconds, as Elasticsearch has them.
_FIRST_MS: Final = -(2**63)
_LAST_MS: Final = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_PLAIN = _EPOCH.replace(tzinfo=None)
# What Python has a date for: the years 1 to 9999.
_FIRST_DATETIME_NS: Final = -62_135_596_800 * NANOS
_LAST_DATETIME_NS: Final = 253_402_300_799_999 * _NANOS_PER_MS
_MICROSECOND = timedelta(microseconds=1)
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d{0,9}))?")


class DateFormat(Protocol):
    """One format."""

    def parse(self, value: object, *, round_up: bool, tz: tzinfo) -> int:
        """Return the moment that a JSON value means, epoch nanoseconds.

        Raises:
            ValueError: it is none in this format.
        """

    def write(self, nanos: int, tz: tzinfo) -> str:
        """Return the text of a moment."""


class Epoch:
    """Numbers of milliseconds or seconds since 1970.

    Args:
        nanos: nanoseconds of one.
    """

    def __init__(self, nanos: int) -> None:
        self._nanos = nanos
        self._digits = len(str(nanos)) - 1

    def parse(self, value: object, *, round_up: bool, tz: tzinfo) -> int:
        """Return the moment; fractions down to a nanosecond are read."""
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError(value)
        if isinstance(value, int):
            return value * self._nanos + (self._nanos - 1 if round_up else 0)
        text = value if isinstance(value, str) else _digits(value)
        match = _EPOCH_NUMBER.fullmatch(text)
        if match is None or len(match[3] or "") > self._digits or not text.isascii():
            raise ValueError(value)
        fraction = match[3]
        nanos = int(match[2]) * self._nanos + int((fraction or "").ljust(self._digits, "0"))
        if match[1]:
            nanos = -nanos
        return nanos + self._nanos - 1 if round_up and fraction is None else nanos

    def write(self, nanos: int, tz: tzinfo) -> str:
        """Return the number, with as many digits of a fraction as it needs."""
        whole, rest = divmod(abs(nanos), self._nanos)
        fraction = f".{rest:0{self._digits}d}".rstrip("0") if rest else ""
        return f"{'-' if nanos < 0 else ''}{whole}{fraction}"


class Pattern:
    """A format of elements.

    Args:
        read: what its texts are made of.
        written: what it writes, None for the same.
    """

    def __init__(self, read: tuple[Element, ...], written: tuple[Element, ...] | None = None) -> None:
        self._written = read if written is None else written
        self._groups = Groups()
        self._regex = re.compile("".join(element.regex(self._groups) for element in read))

    def parse(self, value: object, *, round_up: bool, tz: tzinfo) -> int:
        """Return the moment; a whole number is read as its digits."""
        text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        match = self._regex.fullmatch(text)
        if match is None or not text.isascii():
            raise ValueError(value)
        parts: dict[str, int | str] = {}
        for part, found in self._groups.values(match):
            if parts.setdefault(part, found) != found:
                raise ValueError(f"Conflict found: {part} {parts[part]} differs from {part} {found}")
        return resolve(parts, round_up=round_up, tz=tz)

    def write(self, nanos: int, tz: tzinfo) -> str:
        """Return the text."""
        civil = Civil.of(nanos, tz)
        return "".join(element.write(civil) for element in self._written)


class Iso(Pattern):
    """A named format in which full timestamps are so common that they are read and written by a shorter way."""

    def parse(self, value: object, *, round_up: bool, tz: tzinfo) -> int:
        """Return the moment."""
        if isinstance(value, str) and _is_full(value):
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                return super().parse(value, round_up=round_up, tz=tz)
            nanos = (moment - _EPOCH) // _MICROSECOND * 1000
            return nanos + NANOS - 1 if round_up and value[19] != "." else nanos
        return super().parse(value, round_up=round_up, tz=tz)

    def write(self, nanos: int, tz: tzinfo) -> str:
        """Return the text."""
        if tz is UTC and nanos % _NANOS_PER_MS == 0 and _FIRST_DATETIME_NS <= nanos <= _LAST_DATETIME_NS:
            return (_EPOCH_PLAIN + timedelta(microseconds=nanos // 1000)).isoformat(timespec="milliseconds") + "Z"
        return super().write(nanos, tz)


def _is_full(text: str) -> bool:
    """Return whether a text is laid out as `2024-05-06T13:06:07Z`, with a fraction to microseconds or an offset."""
    if not (20 <= len(text) <= 29 and text[4] == "-" and text[10] == "T" and text[13] == text[16] == ":"):
        return False
    if text[-1] == "Z":
        return len(text) <= 27 and (text[19] == "." or len(text) == 20) and text[5] != "W"
    return len(text) in {25, 29} and text[-6] in "+-" and text[-3] == ":" and text[-5:-3] < "18" and text[5] != "W"


class Plain(Pattern):
    """The pattern `yyyy-MM-dd HH:mm:ss`, which is so common that it is read by a shorter way."""

    def parse(self, value: object, *, round_up: bool, tz: tzinfo) -> int:
        """Return the moment."""
        if isinstance(value, str) and len(value) == 19 and value[10] == " " and value[16] == ":" and tz is UTC:
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                return super().parse(value, round_up=round_up, tz=tz)
            return (moment - _EPOCH_PLAIN) // _MICROSECOND * 1000 + (NANOS - 1 if round_up else 0)
        return super().parse(value, round_up=round_up, tz=tz)


def check_formats(formats: str) -> None:
    """Check formats joined by `||`.

    Raises:
        UnknownDateFormatError: one of them is neither a name nor a pattern.
        UnsupportedDateFormatError: one of them is not served.
    """
    parsers(formats)


@lru_cache(maxsize=256)
def parsers(formats: str) -> tuple[DateFormat, ...]:
    """Return the formats that are joined by `||`.

    Raises:
        UnknownDateFormatError: one of them is neither a name nor a pattern.
        UnsupportedDateFormatError: one of them is not served.
    """
    return tuple(_format(name) for name in formats.split("||"))


def parse_date(value: object, formats: str = DEFAULT_FORMAT, *, round_up: bool = False, tz: tzinfo = UTC) -> int:
    """Return epoch milliseconds of a value in one of the formats.

    Args:
        value: text or number as it came in JSON.
        formats: format names or patterns joined by `||`.
        round_up: fill missing hours, minutes, seconds and fractions with their maximum instead of zero, as the upper
            bound of a range does.
        tz: zone of a value that names none.

    Raises:
        ValueError: none of the formats fits, or the moment is beyond 64 bits of milliseconds; the message names value
            and formats.
    """
    millis = parse_nanos(value, formats, round_up=round_up, tz=tz) // _NANOS_PER_MS
    if not _FIRST_MS <= millis <= _LAST_MS:
        raise _unreadable(value, formats)
    return millis


def parse_nanos(value: object, formats: str = DEFAULT_FORMAT, *, round_up: bool = False, tz: tzinfo = UTC) -> int:
    """Return epoch nanoseconds of a value in one of the formats; see `parse_date`.

    Raises:
        ValueError: none of the formats fits; the message names value and formats.
    """
    for form in parsers(formats):
        try:
            return form.parse(value, round_up=round_up, tz=tz)
        except (ValueError, OverflowError):
            continue
    raise _unreadable(value, formats)


def format_millis(millis: int, formats: str = DEFAULT_FORMAT, tz: tzinfo = UTC) -> str:
    """Return the text of a moment in the first of the formats, as `key_as_string` and `fields` show it."""
    return parsers(formats)[0].write(millis * _NANOS_PER_MS, tz)


def format_nanos(nanos: int, formats: str = DEFAULT_FORMAT, tz: tzinfo = UTC) -> str:
    """Return the text of a moment in epoch nanoseconds."""
    return parsers(formats)[0].write(nanos, tz)


def to_millis(moment: datetime) -> int:
    """Return epoch milliseconds of an aware datetime, fractions of a millisecond cut off."""
    return (moment - _EPOCH) // _MILLISECOND


def _format(name: str) -> DateFormat:
    make = _EPOCHS.get(name)
    if make is not None:
        return make()
    known = NAMED.get(name)
    if known is not None:
        return (Iso if name in _ISO else Pattern)(*known)
    if not name:
        raise UnknownDateFormatError("No date pattern provided")
    return (Plain if name == _PLAIN else Pattern)(pattern_elements(name))


def _digits(number: float) -> str:
    """Return a number's digits without an exponent."""
    return str(int(number)) if number.is_integer() else repr(number)


def _unreadable(value: object, formats: str) -> ValueError:
    return ValueError(f"failed to parse date field [{value}] with format [{formats}]")


_EPOCHS: dict[str, Callable[[], Epoch]] = {
    "epoch_millis": lambda: Epoch(_NANOS_PER_MS),
    "epoch_second": lambda: Epoch(NANOS),
}
_PLAIN = "yyyy-MM-dd HH:mm:ss"
_ISO = frozenset({"strict_date_optional_time", "strict_date_optional_time_nanos", "date_optional_time", "iso8601"})
