"""Patterns of letters (`yyyy-MM-dd'T'HH:mm:ss.SSSXXX`) as elements.

The letters are those of Java's `DateTimeFormatter`, which Elasticsearch uses for formats that it has no name for.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from anomalyops_engine.store.dates.elements import (
    DAYS,
    ERAS,
    HALVES,
    MONTHS,
    Element,
    Fraction,
    Literal,
    Name,
    Number,
    Offset,
    Optional,
    Zone,
)
from anomalyops_engine.store.dates.errors import UnknownDateFormatError, UnsupportedDateFormatError

_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|(.)", re.DOTALL)
_REGION = r"[A-Za-z][A-Za-z0-9~/._+-]*"
_TWO_DIGIT_YEARS_FROM = 2000
_OFFSET_FORMS: tuple[tuple[str, str | None], ...] = (
    (r"[+-]\d\d(?:\d\d)?", None),
    (r"[+-]\d{4}", ""),
    (r"[+-]\d\d:\d\d", ":"),
    (r"[+-]\d{4}(?:\d\d)?", ""),
    (r"[+-]\d\d:\d\d(?::\d\d)?", ":"),
)
_ZERO = ("+00", "+0000", "+00:00", "+0000", "+00:00")
_UNSERVED = frozenset("gFWBp")


def pattern_elements(pattern: str) -> tuple[Element, ...]:
    """Return the elements of a pattern.

    Raises:
        UnknownDateFormatError: it is no pattern.
        UnsupportedDateFormatError: it has letters that this engine does not serve.
    """
    levels: list[list[Element]] = [[]]
    for match in _TOKEN.finditer(pattern):
        quoted, letter, other = match.groups()
        if quoted is not None:
            levels[-1].append(Literal(quoted.replace("''", "'") if quoted else "'"))
        elif letter is not None:
            levels[-1].append(_letter(pattern, letter, len(match[0])))
        elif other == "[":
            levels.append([])
        elif other == "]":
            if len(levels) == 1:
                raise _invalid(pattern, "Pattern invalid as it contains ] without previous [")
            inner = tuple(levels.pop())
            levels[-1].append(Optional(inner))
        elif other in "{}#":
            raise _invalid(pattern, f"Pattern includes reserved character: '{other}'")
        elif other == "'":
            raise _invalid(pattern, f"Pattern ends with an incomplete string literal: {pattern}")
        else:
            levels[-1].append(Literal(other))
    while len(levels) > 1:  # an optional part may be left open
        inner = tuple(levels.pop())
        levels[-1].append(Optional(inner))
    if not any(_has_value(element) for element in levels[0]):
        raise _invalid(pattern, "Unknown pattern")
    return tuple(levels[0])


def _letter(pattern: str, letter: str, count: int) -> Element:
    if letter in _UNSERVED:
        raise UnsupportedDateFormatError(
            f"Invalid format: [{pattern}]: pattern letter [{letter}] is not supported by this engine"
        )
    make = _LETTERS.get(letter)
    if make is None:
        raise _invalid(pattern, f"Unknown pattern letter: {letter}")
    element = make(count)
    if element is None:
        raise _invalid(pattern, f"Too many pattern letters: {letter}")
    return element


def _has_value(element: Element) -> bool:
    if isinstance(element, Optional):
        return any(_has_value(inner) for inner in element.elements)
    return not isinstance(element, Literal)


def _invalid(pattern: str, why: str) -> UnknownDateFormatError:
    return UnknownDateFormatError(f"Invalid format: [{pattern}]: {why}")


def _year(part: str) -> Callable[[int], Element | None]:
    def make(count: int) -> Element | None:
        if count == 2:
            return Number(part, 2, 2, base=_TWO_DIGIT_YEARS_FROM)
        return Number(part, count, 19, sign="-" if count < 4 else "+") if count <= 19 else None

    return make


def _up_to_two(part: str) -> Callable[[int], Element | None]:
    def make(count: int) -> Element | None:
        return {1: Number(part, 1, 19), 2: Number(part, 2, 2)}.get(count)

    return make


def _month(count: int) -> Element | None:
    if count <= 2:
        return _up_to_two("month")(count)
    return {3: Name("month", MONTHS, length=3), 4: Name("month", MONTHS), 5: Name("month", MONTHS, length=1)}.get(count)


def _quarter(count: int) -> Element | None:
    if count <= 2:
        return _up_to_two("quarter")(count)
    return {
        3: Name("quarter", ("Q1", "Q2", "Q3", "Q4")),
        4: Name("quarter", ("1st quarter", "2nd quarter", "3rd quarter", "4th quarter")),
        5: Name("quarter", ("1", "2", "3", "4")),
    }.get(count)


def _weekday(count: int) -> Element | None:
    if count <= 3:
        return Name("weekday", DAYS, length=3)
    return {4: Name("weekday", DAYS), 5: Name("weekday", DAYS, length=1)}.get(count)


def _numbered_weekday(count: int) -> Element | None:
    return _up_to_two("weekday")(count) if count <= 2 else _weekday(count)


def _era(count: int) -> Element | None:
    if count <= 3:
        return Name("era", ERAS, first=0)
    return {4: Name("era", ("Before Christ", "Anno Domini"), first=0), 5: Name("era", ERAS, first=0, length=1)}.get(
        count
    )


def _day_of_year(count: int) -> Element | None:
    return Number("day_of_year", count, 19 if count == 1 else 3) if count <= 3 else None


def _fraction(count: int) -> Element | None:
    return Fraction(count, count) if count <= 9 else None


def _half(count: int) -> Element | None:
    return Name("half", HALVES, first=0) if count == 1 else None


def _plain_offset(count: int, zero: str) -> Offset:
    form, minutes = _OFFSET_FORMS[count - 1]
    return Offset(form, minutes, zero, seconds=count > 3)


def _offset_or_z(count: int) -> Element | None:
    return _plain_offset(count, "Z") if count <= 5 else None


def _offset(count: int) -> Element | None:
    return _plain_offset(count, _ZERO[count - 1]) if count <= 5 else None


def _zone_offset(count: int) -> Element | None:
    if count <= 3:
        return Offset(r"[+-]\d{4}", "", "+0000")
    return {4: _localized_offset(4), 5: _plain_offset(5, "Z")}.get(count)


def _localized_offset(count: int) -> Element | None:
    if count == 1:
        return Offset(r"(?:[+-]\d{1,2}(?::\d\d(?::\d\d)?)?)?", None, "GMT", "GMT", short_hour=True, seconds=True)
    return Offset(r"(?:[+-]\d\d:\d\d(?::\d\d)?)?", ":", "GMT", "GMT", seconds=True) if count == 4 else None


def _zone_text(count: int) -> Element | None:
    return Zone(rf"{_REGION}|[+-]\d\d(?::?\d\d)?", written="name") if count <= 3 else None


def _zone_id(count: int) -> Element | None:
    return Zone(rf"Z|{_REGION}|[+-]\d\d(?::?\d\d)?", written="id") if count == 2 else None


def _number(part: str) -> Callable[[int], Element | None]:
    return lambda count: Number(part, count, 19) if count <= 19 else None


_LETTERS: dict[str, Callable[[int], Element | None]] = {
    "y": _year("year_of_era"),
    "u": _year("year"),
    "Y": _year("week_year"),
    "M": _month,
    "L": _month,
    "Q": _quarter,
    "q": _quarter,
    "w": _up_to_two("week"),
    "d": _up_to_two("day"),
    "D": _day_of_year,
    "E": _weekday,
    "e": _numbered_weekday,
    "c": _numbered_weekday,
    "G": _era,
    "a": _half,
    "H": _up_to_two("hour"),
    "k": _up_to_two("clock_of_day"),
    "K": _up_to_two("hour_of_half"),
    "h": _up_to_two("clock_of_half"),
    "m": _up_to_two("minute"),
    "s": _up_to_two("second"),
    "S": _fraction,
    "A": _number("milli_of_day"),
    "n": _number("nano"),
    "N": _number("nano_of_day"),
    "X": _offset_or_z,
    "x": _offset,
    "Z": _zone_offset,
    "O": _localized_offset,
    "z": _zone_text,
    "V": _zone_id,
}
