"""What date formats are made of: each element reads a part of a text, by a regular expression, and writes it again.

The vocabulary is that of Java's `DateTimeFormatter`, in which Elasticsearch's formats are defined: numbers of so many
digits, fractions, names of months and days, offsets, zones, and optional parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from anomalyops_engine.store.dates.moments import Civil
from anomalyops_engine.store.dates.zones import offset_seconds

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HALVES = ("AM", "PM")
ERAS = ("BC", "AD")


class Element(Protocol):
    """A part of a format."""

    def regex(self, groups: Groups) -> str:
        """Return the expression of the texts that it reads; its capturing groups are named by `groups`."""

    def write(self, civil: Civil) -> str:
        """Return the text of a moment."""


@dataclass(slots=True)
class Groups:
    """The capturing groups of a format, each with the element that reads it."""

    readers: dict[str, Reader] = field(default_factory=dict)

    def name(self, reader: Reader) -> str:
        """Return the name of a new group."""
        name = f"g{len(self.readers)}"
        self.readers[name] = reader
        return name

    def values(self, match: re.Match[str]) -> Iterator[tuple[str, int | str]]:
        """Give the parts of a moment (`year`, `month`, ...) that a text names, with their values."""
        for name, text in match.groupdict().items():
            if text is not None:
                yield self.readers[name].read(text)


class Reader(Protocol):
    """An element with a value."""

    def read(self, text: str) -> tuple[str, int | str]:
        """Return which part of a moment the text is, and its value."""


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that stands for itself."""

    text: str

    def regex(self, groups: Groups) -> str:
        """Return the text, escaped."""
        return re.escape(self.text)

    def write(self, civil: Civil) -> str:
        """Return the text."""
        return self.text


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number.

    Attributes:
        part: which part of a moment.
        low: fewest digits; shorter numbers are filled with zeros.
        high: most digits that are read.
        sign: `""` none is read; `-` a minus; `+` a plus too, which numbers longer than `low` must have.
        base: of two-digit years, the first year that they mean.
    """

    part: str
    low: int = 1
    high: int = 19
    sign: str = ""
    base: int | None = None

    def regex(self, groups: Groups) -> str:
        """Return an expression of digits."""
        digits = f"[0-9]{{{self.low},{self.high}}}"
        if self.sign == "+":
            digits = rf"-?[0-9]{{{self.low}}}" + (
                rf"|[+-][0-9]{{{self.low + 1},{self.high}}}" if self.high > self.low else ""
            )
        elif self.sign == "-":
            digits = f"-?{digits}"
        return f"(?P<{groups.name(self)}>{digits})"

    def read(self, text: str) -> tuple[str, int | str]:
        """Return the number."""
        value = int(text)
        if self.base is not None:
            value = self.base + (value - self.base) % 100
        return self.part, value

    def write(self, civil: Civil) -> str:
        """Return the digits."""
        value = civil.part(self.part)
        if self.base is not None:
            return f"{value % 100:02d}"
        digits = str(abs(value)).zfill(self.low)
        if value < 0:
            return f"-{digits}"
        return f"+{digits}" if self.sign == "+" and len(digits) > self.low else digits


@dataclass(frozen=True, slots=True)
class Fraction:
    """The fraction of a second: digits, with a point before them where `points` has one.

    Attributes:
        low: fewest digits.
        high: most digits.
        points: the characters that may stand before the digits; the first is written.
        written: how many digits are written at most; zeros behind the third (or behind `low`) are left out.
    """

    low: int
    high: int
    points: str = ""
    written: int = 9

    def regex(self, groups: Groups) -> str:
        """Return an expression of digits behind a point."""
        point = f"[{self.points}]" if self.points else ""
        return f"{point}(?P<{groups.name(self)}>[0-9]{{{self.low},{self.high}}})"

    def read(self, text: str) -> tuple[str, int | str]:
        """Return nanoseconds."""
        return "nano", int(text.ljust(9, "0"))

    def write(self, civil: Civil) -> str:
        """Return the digits."""
        digits = f"{civil.nano:09d}"
        if self.low == self.high:
            return self.points[:1] + digits[: self.low]
        kept = digits[: self.written].rstrip("0")
        return self.points[:1] + kept.ljust(min(3, self.high), "0")


@dataclass(frozen=True, slots=True)
class Name:
    """A name: of a month, a day of the week, half a day, an era.

    Attributes:
        part: which part of a moment.
        names: its names in order.
        first: number of the first name.
        length: how many letters of them, 0 for all.
    """

    part: str
    names: Sequence[str]
    first: int = 1
    length: int = 0

    def regex(self, groups: Groups) -> str:
        """Return an expression of all names, the long ones first."""
        shown = sorted((self._shown(name) for name in self.names), key=len, reverse=True)
        return f"(?P<{groups.name(self)}>{'|'.join(map(re.escape, shown))})"

    def read(self, text: str) -> tuple[str, int | str]:
        """Return the number of the name."""
        return self.part, self.first + [self._shown(name) for name in self.names].index(text)

    def write(self, civil: Civil) -> str:
        """Return the name."""
        return self._shown(self.names[civil.part(self.part) - self.first])

    def _shown(self, name: str) -> str:
        return name[: self.length] if self.length else name


@dataclass(frozen=True, slots=True)
class Offset:
    """An offset from UTC.

    Attributes:
        form: what is read, as an expression.
        minutes: `:` or nothing before the minutes; None leaves minutes of 0 out.
        zero: how no offset is written and read; None as any other.
        prefix: text before the offset (`GMT`).
        short_hour: hours below 10 have one digit.
        seconds: seconds that are not 0 are written.
    """

    form: str
    minutes: str | None
    zero: str | None
    prefix: str = ""
    short_hour: bool = False
    seconds: bool = False

    def regex(self, groups: Groups) -> str:
        """Return an expression of offsets."""
        zero = [re.escape(self.zero)] if self.zero is not None else []
        return f"(?P<{groups.name(self)}>{'|'.join([self.prefix + self.form, *zero])})"

    def read(self, text: str) -> tuple[str, int | str]:
        """Return the offset in seconds."""
        return "offset", 0 if text == self.zero else offset_seconds(text.removeprefix(self.prefix))

    def write(self, civil: Civil) -> str:
        """Return the offset of the moment's zone."""
        if civil.offset_s == 0 and self.zero is not None:
            return self.zero
        minutes, second = divmod(abs(civil.offset_s), 60)
        hour, minute = divmod(minutes, 60)
        text = f"{self.prefix}{'-' if civil.offset_s < 0 else '+'}{hour if self.short_hour else f'{hour:02d}'}"
        colon = self.minutes if self.minutes is not None else ":" if self.prefix else ""
        if self.minutes is not None or minute:
            text += f"{colon}{minute:02d}"
        return f"{text}{colon}{second:02d}" if second and self.seconds else text


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone: a region (`Europe/Berlin`), an offset, `Z`.

    Attributes:
        form: what is read, as an expression; what it means is left to `zones.zone`.
        written: `offset`, `compact` (an offset without a colon, and without minutes of 0), `name` (`CEST`) or `id`.
    """

    form: str
    written: str = "offset"

    def regex(self, groups: Groups) -> str:
        """Return the expression."""
        return f"(?P<{groups.name(self)}>{self.form})"

    def read(self, text: str) -> tuple[str, int | str]:
        """Return the zone's name."""
        return "zone", text

    def write(self, civil: Civil) -> str:
        """Return the zone's name or its offset, to the minute."""
        if self.written in {"name", "id"}:
            return civil.zone_name(short=self.written == "name")
        if civil.offset_s == 0:
            return "Z"
        hour, minute = divmod(abs(civil.offset_s) // 60, 60)
        text = f"{'-' if civil.offset_s < 0 else '+'}{hour:02d}"
        if self.written == "compact":
            return f"{text}{minute:02d}" if minute else text
        return f"{text}:{minute:02d}"


@dataclass(frozen=True, slots=True)
class Optional:
    """Elements that a text may leave out, and that are always written."""

    elements: tuple[Element, ...]

    def regex(self, groups: Groups) -> str:
        """Return an expression that may match nothing."""
        return f"(?:{''.join(element.regex(groups) for element in self.elements)})?"

    def write(self, civil: Civil) -> str:
        """Return the elements' text."""
        return "".join(element.write(civil) for element in self.elements)
