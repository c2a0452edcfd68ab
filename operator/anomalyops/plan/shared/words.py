"""Lists in words, for reasons and messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from anomalyops.plan.core.differences import shown

_NAMED: Final = 5  # that are named


def in_words(items: Iterable[str]) -> str:
    """Items in words, a few by name."""
    ordered = sorted(items)
    named = ", ".join(shown(item) for item in ordered[:_NAMED])
    return named if len(ordered) <= _NAMED else f"{named} and {len(ordered) - _NAMED} more"
