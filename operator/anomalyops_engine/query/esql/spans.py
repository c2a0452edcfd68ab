"""Stretches of time, and moments moved by them or cut down to them."""

from __future__ import annotations

from anomalyops_engine.query.esql.operands import Fresh, attempt
from anomalyops_engine.query.esql.syntax import TimeSpan
from anomalyops_engine.query.expr import Expr, call, when
from anomalyops_engine.store.gregorian import civil_date, day_number, month_of, start_of_month

DAY_MS = 86_400_000
# 1970-01-01 was a Thursday; weeks begin on Monday.
_MONDAY_MS = 4 * DAY_MS
_YEAR_ONE = 12


def moved(moment: Expr, span: TimeSpan, sign: int) -> Expr:
    """Return a moment so much later, or earlier with a sign of -1."""
    found = moment
    if span.months:
        found = attempt(call("epoch_ms", call("epoch_ms", found) + call("to_months", sign * span.months)))
    length = sign * (span.days * DAY_MS + span.milliseconds)
    return attempt(found + length) if length else found


def moved_ms(moment: int, span: TimeSpan, sign: int) -> int:
    """Return a known moment so much later, or earlier."""
    if span.months:
        day, rest = divmod(moment, DAY_MS)
        number = month_of(moment) + sign * span.months
        last = start_of_month(number + 1) // DAY_MS - 1
        year, month = divmod(number, 12)
        moment = min(day_number(year, month + 1, civil_date(day)[2]), last) * DAY_MS + rest
    return moment + sign * (span.days * DAY_MS + span.milliseconds)


def length_ms(span: TimeSpan) -> int | None:
    """Return how long a span is where it does not follow the calendar, None where it does."""
    return None if span.months else span.days * DAY_MS + span.milliseconds


def is_plain(span: TimeSpan) -> bool:
    """Return whether a span is positive, and made of months, of days, or of hours and below alone."""
    parts = [part for part in (span.months, span.days, span.milliseconds) if part]
    return len(parts) == 1 and parts[0] > 0


def truncated(fresh: Fresh, moment: Expr, span: TimeSpan) -> Expr:
    """Return the start of the stretch of a plain span that holds a moment."""
    if span.months:
        return _truncated_to_months(fresh, moment, span.months)
    length = span.days * DAY_MS + span.milliseconds
    origin = _MONDAY_MS if span.days == 7 else 0
    return fresh.let(moment, lambda value: attempt(value - ((value - origin) % length + length) % length))


def truncated_ms(moment: int, span: TimeSpan) -> int:
    """Return the start of the stretch of a plain span that holds a known moment."""
    if span.months:
        number = month_of(moment) - _YEAR_ONE
        return start_of_month(number - number % span.months + _YEAR_ONE)
    length = span.days * DAY_MS + span.milliseconds
    origin = _MONDAY_MS if span.days == 7 else 0
    return moment - (moment - origin) % length


def _truncated_to_months(fresh: Fresh, moment: Expr, months: int) -> Expr:
    unit = {1: "month", 3: "quarter", 12: "year"}.get(months)
    stamp = call("epoch_ms", moment)
    if unit is not None:
        return attempt(call("epoch_ms", call("date_trunc", unit, stamp)))

    def start(value: Expr) -> Expr:
        # Counted from the year 1 on.
        number = (call("year", value) - 1) * 12 + (call("month", value) - 1)
        first = number - ((number % months) + months) % months
        return call("epoch_ms", call("make_timestamp", first // 12 + 1, first % 12 + 1, 1, 0, 0, 0.0))

    return attempt(fresh.let(stamp, lambda value: when(call("year", value) >= 1, start(value))))


# What the number of buckets of time is chosen among, from the longest down.
HUMAN_SPANS: tuple[dict[str, int], ...] = (
    {"months": 12},
    {"months": 1},
    {"days": 7},
    {"days": 1},
    *({"milliseconds": hours * 3_600_000} for hours in (12, 3, 1)),
    *({"milliseconds": minutes * 60_000} for minutes in (30, 10, 5, 1)),
    *({"milliseconds": seconds * 1000} for seconds in (30, 10, 5, 1)),
    *({"milliseconds": length} for length in (100, 50, 10, 1)),
)
