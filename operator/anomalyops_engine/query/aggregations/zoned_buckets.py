"""Buckets of time in a zone whose clocks change (`org.elasticsearch.common.Rounding`).

Within a period of one offset, a bucket begins where the local time is a multiple of the interval. The first bucket of a
period may have begun in an earlier one, by the clocks of then; where clocks left the moment out, or showed it twice,
Elasticsearch has rules of its own, and what comes of them is worked out for every period.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from functools import cached_property
from typing import Final

from anomalyops_engine.query.aggregations.date_buckets import Buckets, Interval
from anomalyops_engine.query.expr import Expr, Literal, all_of, call, null, when
from anomalyops_engine.store.dates.transitions import Period, periods

_MILLISECOND: Final = timedelta(milliseconds=1)
# Years 1 to 9999.
_FIRST_MS: Final = -62_135_596_800_000
_LAST_MS: Final = 253_402_300_799_999
# Where sums with offsets of intervals and zones stay within 64 bits.
_FURTHEST_MS: Final = 2**61
_BEGINNING: Final = -(2**62)


def buckets_in(tz: tzinfo, interval: Interval, offset: int) -> Buckets | ZonedBuckets:
    """Return the buckets of an interval in a zone.

    Args:
        tz: the zone.
        interval: how long they are.
        offset: how much later they begin, in milliseconds.
    """
    ahead = tz.utcoffset(None)
    if ahead is None:
        return ZonedBuckets(interval, offset, tz)
    return Buckets(interval, offset - ahead // _MILLISECOND)


@dataclass(frozen=True)
class ZonedBuckets:
    """Buckets of an interval in a zone, moved by an offset.

    Attributes:
        interval: how long they are, by the clocks of the zone.
        offset: how much later they begin, in milliseconds.
        tz: the zone.
    """

    interval: Interval
    offset: int
    tz: tzinfo

    def key_of(self, value: Expr) -> Expr:
        """Return the start of the bucket that holds a moment; NULL for moments that have none in 64 bits."""
        within = all_of([value >= -_FURTHEST_MS, value <= _FURTHEST_MS])
        moment = when(within, value - self.offset if self.offset else value)
        key = self._key(when(all_of([moment >= _FIRST_MS, moment <= _LAST_MS]), moment))
        key = when(moment < _FIRST_MS, self._far(moment, self._periods[0]), key)
        key = when(moment > _LAST_MS, self._far(moment, self._periods[-1]), key)
        return key + self.offset if self.offset else key

    def _key(self, moment: Expr) -> Expr:
        ahead = self._ahead(moment)
        local = self._local.key_of(moment + ahead)
        begun = local - ahead
        then = self._ahead(begun)
        key: Expr = when(then.equals(ahead), begun, local - then)
        if self._odd:
            told = _steps(moment, self._odd)
            key = when(told.is_not_null(), told, key)
        return key

    def _ahead(self, moment: Expr) -> Expr:
        """Return how far the zone is ahead of UTC at a moment, in milliseconds."""
        clocks = call("timezone", Literal(str(self.tz)), call("make_timestamptz", moment * 1000))
        return call("epoch_ms", clocks) - moment

    def _far(self, moment: Expr, period: Period) -> Expr:
        """Return the start of a bucket in a year for which there are no rules of zones."""
        return self._local.key_of(moment + period.offset) - period.offset

    def floor(self, value: int) -> int:
        """Return the start of the bucket that holds a moment."""
        return self._floor(value - self.offset) + self.offset

    def following(self, key: int) -> int:
        """Return the start of the bucket after the one that starts at `key`."""
        start = moment = key - self.offset
        while (begun := self._floor(moment)) <= start:
            number = self._number(moment)
            ahead, end = self._periods[number].offset, self._end(number)
            moment = self._local.following(self._local.floor(moment + ahead)) - ahead
            if end is not None and end < moment:
                moment = end
        return begun + self.offset

    # --- inside ---

    @cached_property
    def _local(self) -> Buckets:
        """Buckets by the clocks of the zone, as if they were those of UTC."""
        return Buckets(self.interval, 0)

    @cached_property
    def _periods(self) -> tuple[Period, ...]:
        return periods(self.tz)

    @cached_property
    def _starts(self) -> list[int]:
        return [_BEGINNING if period.start is None else period.start for period in self._periods]

    @cached_property
    def _odd(self) -> list[tuple[int | None, int | None]]:
        """From when on buckets began elsewhere than where the two offsets put them, and None from when on not."""
        found: list[tuple[int | None, int | None]] = [(None, None)]
        for number, period in enumerate(self._periods):
            if period.start is None:
                continue
            first = self._local.floor(period.start + period.offset)
            for local in (first, self._local.following(first)):
                since = max(local - period.offset, period.start)
                until, end = self._local.following(local) - period.offset, self._end(number)
                then = self._periods[self._number(local - period.offset)].offset
                begun = self._in_utc(local, number)
                if begun != local - then and (end is None or since < end):
                    found.append((since, begun))
                    if end is None or until < end:
                        found.append((until, None))
        return found if len(found) > 1 else []

    def _floor(self, moment: int) -> int:
        number = self._number(moment)
        return self._in_utc(self._local.floor(moment + self._periods[number].offset), number)

    def _number(self, moment: int) -> int:
        return max(bisect_right(self._starts, moment) - 1, 0)

    def _end(self, number: int) -> int | None:
        return self._starts[number + 1] if number + 1 < len(self._periods) else None

    def _in_utc(self, local: int, number: int) -> int:
        """Return the moment of a local time at which a bucket begins, as seen from a period.

        What lies before the period is looked for in the earlier ones. Clocks that were put forward leave out local
        times; clocks that were put back show some of them twice.
        """
        period = self._periods[number]
        if period.start is None:
            return local - period.offset
        earlier = self._periods[number - 1]
        if self._by_days and local < period.start + earlier.offset and earlier.offset > period.offset:
            return self._in_utc(local, number - 1)  # of a midnight that is shown twice, the first one counts
        if local - period.offset >= period.start:
            return local - period.offset
        if earlier.offset < period.offset and local >= period.start + earlier.offset:  # left out
            return self._floor(period.start - 1) if self.interval.unit in {"second", "minute", "hour"} else period.start
        if earlier.offset > period.offset and not self._by_days:  # the bucket of the moment before goes on
            return self._floor(period.start - 1)
        return self._in_utc(local, number - 1)

    @property
    def _by_days(self) -> bool:
        """Whether buckets begin at midnight."""
        return self.interval.unit in {"day", "week", "month", "quarter", "year"}


def _steps(moment: Expr, steps: Sequence[tuple[int | None, int | None]]) -> Expr:
    """Return the value of the last step that a moment has reached, found by halving.

    Args:
        moment: the moment.
        steps: from when on there is which value, the first one from the beginning on; None is NULL.
    """
    if len(steps) == 1:
        value = steps[0][1]
        return null("BIGINT") if value is None else Literal(value, "BIGINT")
    half = len(steps) // 2
    first = steps[half][0]
    return when(moment < (first or 0), _steps(moment, steps[:half]), _steps(moment, steps[half:]))
