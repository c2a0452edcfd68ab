"""Patterns of times, as Java and Python write them, and the parts that they find in a text."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from anomalyops_reading.errors import LoadError

_MONTHS: Final = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_MONTHS_SHORT: Final = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name} | {"sept": 9}
_NAME: Final = r"[^\W\d_]+\.?"
_HALF: Final = r"[AaPp]\.?[Mm]\.?"
_ZONE: Final = r"Z|UTC|GMT|[+-][0-9][0-9](?::?[0-9][0-9])?"

# What each directive matches, by its group. Java's DateTimeFormatter counts letters, strptime has one each.
_JAVA: Final[Mapping[str, tuple[str, str]]] = {
    "yyyy": ("year", r"[0-9]{4}"),
    "uuuu": ("year", r"[0-9]{4}"),
    "yy": ("short_year", r"[0-9][0-9]"),
    "uu": ("short_year", r"[0-9][0-9]"),
    "MMMM": ("month_name", _NAME),
    "MMM": ("month_name", _NAME),
    "MM": ("month", r"[0-9][0-9]"),
    "M": ("month", r"[0-9][0-9]?"),
    "dd": ("day", r"[0-9][0-9]"),
    "d": ("day", r" ?[0-9][0-9]?"),
    "DDD": ("day_of_year", r"[0-9]{3}"),
    "HH": ("hour", r"[0-9][0-9]"),
    "H": ("hour", r"[0-9][0-9]?"),
    "hh": ("hour12", r"[0-9][0-9]"),
    "h": ("hour12", r"[0-9][0-9]?"),
    "mm": ("minute", r"[0-9][0-9]"),
    "m": ("minute", r"[0-9][0-9]?"),
    "ss": ("second", r"[0-9][0-9]"),
    "s": ("second", r"[0-9][0-9]?"),
    "a": ("half", _HALF),
    "EEEE": ("", _NAME),
    "EEE": ("", _NAME),
    "EE": ("", _NAME),
    "E": ("", _NAME),
    **dict.fromkeys(
        ("Z", "ZZ", "ZZZ", "X", "XX", "XXX", "x", "xx", "xxx", "z", "ZZZZZ"),
        ("zone", _ZONE),
    ),
}
_STRPTIME: Final[Mapping[str, tuple[str, str]]] = {
    "Y": ("year", r"[0-9]{4}"),
    "y": ("short_year", r"[0-9][0-9]"),
    "m": ("month", r"[0-9][0-9]?"),
    "d": ("day", r" ?[0-9][0-9]?"),
    "e": ("day", r" ?[0-9][0-9]?"),
    "j": ("day_of_year", r"[0-9]{3}"),
    "b": ("month_name", _NAME),
    "B": ("month_name", _NAME),
    "h": ("month_name", _NAME),
    "H": ("hour", r"[0-9][0-9]?"),
    "I": ("hour12", r"[0-9][0-9]?"),
    "M": ("minute", r"[0-9][0-9]?"),
    "S": ("second", r"[0-9][0-9]?"),
    "f": ("fraction", r"[0-9]{1,9}"),
    "p": ("half", _HALF),
    "a": ("", _NAME),
    "A": ("", _NAME),
    "z": ("zone", _ZONE),
    "Z": ("zone", _ZONE),
}
_COMPOSED: Final = {"T": "%H:%M:%S", "D": "%m/%d/%y", "F": "%Y-%m-%d", "R": "%H:%M"}
_TOKEN: Final = re.compile(r"'(?P<quoted>(?:[^']|'')*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>[^A-Za-z']+)")


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a time that a text gives; None where it does not.

    Attributes:
        year: with its century.
        month: 1 to 12.
        day: of the month, 1 to 31.
        hour: 0 to 23.
        minute: 0 to 59.
        second: 0 to 60.
        fraction: digits of the fraction of a second.
        zone: `Z` or an offset such as `+02:00`.
    """

    year: int | None
    month: int | None
    day: int | None
    hour: int = 0
    minute: int = 0
    second: int = 0
    fraction: str = ""
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern.

    Attributes:
        name: as the user or the table of known ones spells it.
        regex: with a group for each part.
        parts: the groups that it has.
    """

    name: str
    regex: re.Pattern[str]
    parts: frozenset[str]

    @property
    def has_day(self) -> bool:
        """Whether it says which day of the year."""
        return "day_of_year" in self.parts or ({"day"} <= self.parts and bool(self.parts & {"month", "month_name"}))

    @property
    def has_year(self) -> bool:
        """Whether it says which year."""
        return bool(self.parts & {"year", "short_year"})

    def read(self, text: str) -> Parts | None:
        """Return the parts of a text, None when it has another form, names no month, or an hour that clocks lack."""
        found = self.regex.fullmatch(text)
        return None if found is None else _parts(found.groupdict())


def compile_pattern(name: str) -> Pattern:
    """Return a pattern of Java (`dd/MM/yyyy HH:mm:ss`) or of strptime (`%d/%m/%Y %H:%M:%S`).

    Raises:
        LoadError: it has a directive that is not known, or one twice.
    """
    pieces = _strptime_pieces(name) if "%" in name else _java_pieces(name)
    expression = ""
    seen: set[str] = set()
    for group, match in pieces:
        if not group:
            expression += match
            continue
        if group in seen:
            raise LoadError(f"time format {name!r} says the {group.replace('_', ' ')} twice")
        seen.add(group)
        expression += f"(?P<{group}>{match})"
    if "second" in seen and "fraction" not in seen:  # fractions of any length are read where seconds are
        expression = expression.replace("(?P<second>", "(?P<second>", 1)
        end = expression.index(")", expression.index("(?P<second>")) + 1
        expression = f"{expression[:end]}(?:[.,](?P<fraction>[0-9]+))?{expression[end:]}"
        seen.add("fraction")
    return Pattern(name, re.compile(expression), frozenset(seen))


def _java_pieces(name: str) -> list[tuple[str, str]]:
    pieces: list[tuple[str, str]] = []
    position = 0
    for token in _TOKEN.finditer(name):
        if token.start() != position:
            break
        position = token.end()
        letters = token["letters"]
        if letters is None:
            text = token["other"] if token["other"] is not None else token["quoted"].replace("''", "'") or "'"
            pieces.append(("", re.escape(text)))
        elif re.fullmatch("S{1,9}|n", letters):
            if pieces and pieces[-1][1] in {r"\.", ","}:
                pieces[-1] = ("", "[.,]")
            pieces.append(("fraction", r"[0-9]+"))
        elif letters in _JAVA:
            pieces.append(_JAVA[letters])
        else:
            raise LoadError(f"time format {name!r}: {letters!r} is not known; known are {' '.join(_JAVA)} and SSS")
    if position != len(name):
        raise LoadError(f"time format {name!r}: a quote is not closed")
    return pieces


def _strptime_pieces(name: str) -> list[tuple[str, str]]:
    for letter, composed in _COMPOSED.items():
        name = name.replace(f"%{letter}", composed)
    pieces: list[tuple[str, str]] = []
    for token in re.finditer(r"%-?(.)|([^%]+)|%", name):
        if token[2] is not None:
            pieces.append(("", re.escape(token[2])))
        elif token[1] == "%":
            pieces.append(("", "%"))
        elif token[1] in _STRPTIME:
            pieces.append(_STRPTIME[token[1]])
        else:
            raise LoadError(f"time format {name!r}: {token[0]!r} is not known; known are %{' %'.join(_STRPTIME)}")
    return pieces


def _parts(groups: Mapping[str, str | None]) -> Parts | None:
    year = _whole(groups, "year")
    short = _whole(groups, "short_year")
    if short is not None:
        year = short + (1900 if short >= 69 else 2000)  # as POSIX reads two digits
    month, day = _whole(groups, "month"), _whole(groups, "day")
    name = groups.get("month_name")
    if name is not None:
        name = name.rstrip(".").lower()
        month = _MONTHS.get(name) or _MONTHS_SHORT.get(name)
        if month is None:
            return None
    ordinal = _whole(groups, "day_of_year")
    if ordinal is not None and year is not None:
        month, day = _from_ordinal(year, ordinal)
    hour = _whole(groups, "hour") or 0
    half = groups.get("half")
    if groups.get("hour12") is not None:
        hour = _whole(groups, "hour12") or 0
        if hour > 12:
            return None
        hour %= 12
    if half is not None and half[0] in "pP" and hour < 12:
        hour += 12
    return Parts(
        year,
        month,
        day,
        hour,
        _whole(groups, "minute") or 0,
        _whole(groups, "second") or 0,
        groups.get("fraction") or "",
        offset_text(groups.get("zone")),
    )


def _from_ordinal(year: int, ordinal: int) -> tuple[int, int]:
    month = 1
    while month < 12 and ordinal > (length := calendar.monthrange(year, month)[1]):
        ordinal -= length
        month += 1
    return month, ordinal


def _whole(groups: Mapping[str, str | None], name: str) -> int | None:
    text = groups.get(name)
    return None if text is None else int(text)


def offset_text(zone: str | None) -> str | None:
    """Return a zone as every server reads it."""
    if zone is None:
        return None
    if zone in {"Z", "UTC", "GMT"}:
        return "Z"
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return "Z" if digits == "0000" else f"{zone[0]}{digits[:2]}:{digits[2:]}"
