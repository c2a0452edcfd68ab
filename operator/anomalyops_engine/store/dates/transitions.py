"""When a zone changes its offset from UTC: what `zoneinfo` knows and does not tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

_FIRST: Final = datetime(1850, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2101, 1, 1, tzinfo=UTC)
# No zone has changed its offset and changed it back within so few days.
_STEP: Final = timedelta(days=4)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Period:
    """A time in which a zone has one offset.

    Attributes:
        start: its first moment, epoch milliseconds; None for the beginning of time.
        offset: how far the zone is ahead of UTC, in milliseconds.
    """

    start: int | None
    offset: int


@lru_cache(maxsize=64)
def periods(tz: tzinfo) -> tuple[Period, ...]:
    """Return the periods of a zone from first to last; the last one, of 2100, goes on for ever.

    Args:
        tz: the zone.
    """
    return tuple(_periods(tz))


def _periods(tz: tzinfo) -> Iterator[Period]:
    known = _offset(_FIRST, tz)
    yield Period(None, known)
    moment = _FIRST
    while moment < _LAST:
        following = moment + _STEP
        while (offset := _offset(following, tz)) != known:
            start = _change(moment, following, tz)
            known = _offset(start, tz)
            yield Period((start - _EPOCH) // _MILLISECOND, known)
            moment = start
            if known == offset:
                break
        moment = following


def _change(before: datetime, after: datetime, tz: tzinfo) -> datetime:
    """Return the first moment after one at which the offset is another."""
    offset = _offset(before, tz)
    while after - before > _SECOND:
        middle = before + (after - before) // (2 * _SECOND) * _SECOND
        before, after = (middle, after) if _offset(middle, tz) == offset else (before, middle)
    return after


def _offset(moment: datetime, tz: tzinfo) -> int:
    offset = moment.astimezone(tz).utcoffset()
    return 0 if offset is None else offset // _MILLISECOND
