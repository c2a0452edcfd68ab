"""Check of `data_description.time_format`: `epoch`, `epoch_ms` or a Java `DateTimeFormatter` pattern."""

from __future__ import annotations

import re
from typing import Final

from anomalyops_engine.refusals import bad_request

_LETTERS: Final = frozenset("GuyDMLdQqYwWEecFaBhKkHmsSAnNVvzOXxZp")


def check_time_format(_: str, pattern: str) -> None:
    """Raise 400 for a time format with unknown letters, reserved characters, unbalanced quotes or brackets."""
    if pattern in {"epoch", "epoch_ms"}:
        return
    unquoted = re.sub(r"'[^']*'", "", pattern)
    letters = set(re.findall(r"[A-Za-z]", unquoted))
    # A pattern without a year (or epoch-like) field cannot name a point in time.
    incomplete = not letters & set("uyY")
    if "'" in unquoted or re.search(r"[{}#]", unquoted) or letters - _LETTERS or incomplete:
        raise bad_request(f"Invalid Time format string '{pattern}'")
    if not _brackets_balance(unquoted):
        raise bad_request(f"Invalid Time format string '{pattern}'")


def _brackets_balance(pattern: str) -> bool:
    depth = 0
    for character in pattern:
        depth += (character == "[") - (character == "]")
        if depth < 0:
            return False
    return depth == 0
