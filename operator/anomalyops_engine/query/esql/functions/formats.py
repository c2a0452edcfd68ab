"""Patterns of letters for dates (`yyyy-MM-dd`) as those of the database (`%Y-%m-%d`)."""

from __future__ import annotations

import re

from anomalyops_engine.query.esql.errors import not_served
from anomalyops_engine.query.esql.scope import fail
from anomalyops_engine.query.esql.syntax import Call

_NAMED = {
    "basic_date": "yyyyMMdd",
    "date": "yyyy-MM-dd",
    "date_hour_minute": "yyyy-MM-dd'T'HH:mm",
    "date_hour_minute_second": "yyyy-MM-dd'T'HH:mm:ss",
    "date_hour_minute_second_millis": "yyyy-MM-dd'T'HH:mm:ss.SSS",
    "hour": "HH",
    "hour_minute": "HH:mm",
    "hour_minute_second": "HH:mm:ss",
    "strict_date": "yyyy-MM-dd",
    "strict_year": "yyyy",
    "strict_year_month": "yyyy-MM",
    "strict_year_month_day": "yyyy-MM-dd",
    "year": "yyyy",
    "year_month": "yyyy-MM",
    "year_month_day": "yyyy-MM-dd",
}
_LETTERS = {
    **dict.fromkeys(("yyyy", "uuuu", "y", "u"), "%Y"),
    **dict.fromkeys(("yy", "uu"), "%y"),
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "M": "%-m",
    "dd": "%d",
    "d": "%-d",
    "DDD": "%j",
    "D": "%-j",
    "EEEE": "%A",
    **dict.fromkeys(("E", "EE", "EEE"), "%a"),
    "HH": "%H",
    "H": "%-H",
    "hh": "%I",
    "h": "%-I",
    "mm": "%M",
    "m": "%-M",
    "ss": "%S",
    "s": "%-S",
    "SSS": "%g",
    "SSSSSS": "%f",
    "a": "%p",
    **dict.fromkeys(("X", "XXX", "z"), "Z"),
}
_PIECE = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")


def strptime_format(pattern: str, node: Call) -> str:
    """Return the format of the database that a pattern means, in UTC.

    Raises:
        VerificationError: it is no pattern.
        UnsupportedQueryError: it has letters that the database has nothing for.
    """
    pattern = _NAMED.get(pattern, pattern)
    found, at = [], 0
    while at < len(pattern):
        piece = _PIECE.match(pattern, at)
        if piece is None:
            fail(node.at, f"invalid date pattern for [{node.text}]: Invalid format: [{pattern}]")
        at = piece.end()
        if piece[2] is None:
            literal = piece[0] if piece[1] is None else piece[1].replace("''", "'") or "'"
            found.append(literal.replace("%", "%%"))
        elif piece[0] in _LETTERS:
            found.append(_LETTERS[piece[0]])
        else:
            raise not_served(f"[{piece[0]}] in the date format [{pattern}]", node.at)
    return "".join(found)
