"""Check of `data_description.time_format`: `epoch`, `epoch_ms` or a Java `DateTimeFormatter` pattern.

Elasticsearch writes a moment with the pattern and must be able to read a whole date and time from it again. A year that
the pattern does not name is the present one (`DateTimeFormatterTimestampConverter.ofPattern`).
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import Final

from anomalyops_engine.refusals import bad_request

# How often each letter may be repeated (`DateTimeFormatterBuilder.appendPattern`).
_TIMES: Final = {
    **dict.fromkeys("FWa", range(1, 2)),
    **dict.fromkeys("dHhKkmsw", range(1, 3)),
    "D": range(1, 4),
    "z": range(1, 5),
    **dict.fromkeys("EGLMQXZeqx", range(1, 6)),
    "S": range(1, 10),
    **dict.fromkeys("ANYgnuy", range(1, 20)),
    "B": (1, 4, 5),
    "c": (1, 3, 4, 5),
    "O": (1, 4),
    "V": (2,),
    "v": (1, 4),
}
_YEARS_APART: Final = frozenset("uYg")  # they contradict the present year where the year of era is not named


def check_time_format(_: str, pattern: str) -> None:
    """Raise 400 for a time format that is no pattern, or one of which no date and time can be read."""
    if pattern in {"epoch", "epoch_ms"}:
        return
    unquoted = re.sub(r"'[^']*'", "", pattern)
    letters = _letters(unquoted)
    malformed = "'" in unquoted or re.search(r"[{}#]", unquoted) or "]" in _outside_brackets(unquoted)
    if malformed or letters is None or not _names_date(letters) or not _names_time(letters):
        raise bad_request(f"Invalid Time format string '{pattern}'")


def _letters(pattern: str) -> frozenset[str] | None:
    """Return the letters of a pattern, None when one is unknown or repeated as it must not be."""
    runs = [(letter, len(list(run))) for letter, run in groupby(re.sub(r"p+(?=[A-Za-z])", "", pattern))]
    named = [(letter, times) for letter, times in runs if letter.isascii() and letter.isalpha()]
    if any(times not in _TIMES.get(letter, ()) for letter, times in named):
        return None
    return frozenset(letter for letter, _ in named)


def _outside_brackets(pattern: str) -> str:
    inner = None
    while inner != pattern:
        inner, pattern = pattern, re.sub(r"\[[^\[\]]*\]", "", pattern)
    return pattern


def _names_date(letters: frozenset[str]) -> bool:
    if letters & _YEARS_APART and "y" not in letters:
        return False
    return "D" in letters or bool(letters & {"M", "L"} and "d" in letters) or "g" in letters


def _names_time(letters: frozenset[str]) -> bool:
    if letters & {"A", "N"}:
        return True
    half = letters & {"a", "B"}
    hour = letters & {"H", "k"} or (letters & {"h", "K"} and half)
    if not hour:
        return bool(half) and not letters & {"h", "K", "m", "s", "S", "n"}
    if letters & {"S", "n"} and "s" not in letters:
        return False
    return "s" not in letters or "m" in letters
