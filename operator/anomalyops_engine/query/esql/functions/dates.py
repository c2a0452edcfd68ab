"""Functions of moments."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from anomalyops_engine.query.esql.datatypes import MOMENTS, SPANS, DataType
from anomalyops_engine.query.esql.errors import not_served
from anomalyops_engine.query.esql.functions.conversions import moment_in, shown_moment
from anomalyops_engine.query.esql.functions.formats import strptime_format
from anomalyops_engine.query.esql.functions.function import (
    FIXED_TEXT,
    MOMENT,
    NUMBERS,
    TEXT,
    Function,
    Parameter,
)
from anomalyops_engine.query.esql.operands import Operand, as_type, attempt, constant, nothing
from anomalyops_engine.query.esql.operators import finite, narrowed
from anomalyops_engine.query.esql.scope import Scope, fail
from anomalyops_engine.query.esql.spans import HUMAN_SPANS, is_plain, truncated, truncated_ms
from anomalyops_engine.query.esql.syntax import Call, TimeSpan
from anomalyops_engine.query.expr import Expr, call, when
from anomalyops_engine.store.gregorian import month_of, start_of_month

_UNITS = {
    **dict.fromkeys(("year", "years", "yy", "yyyy"), 12),
    **dict.fromkeys(("quarter", "quarters", "qq", "q"), 3),
    **dict.fromkeys(("month", "months", "mm", "m"), 1),
}
_LENGTHS = {
    **dict.fromkeys(("week", "weeks", "wk", "ww"), 604_800_000),
    **dict.fromkeys(("dayofyear", "dy", "y", "day", "days", "dd", "d", "weekday", "weekdays", "dw"), 86_400_000),
    **dict.fromkeys(("hour", "hours", "hh"), 3_600_000),
    **dict.fromkeys(("minute", "minutes", "mi", "n"), 60_000),
    **dict.fromkeys(("second", "seconds", "ss", "s"), 1000),
    **dict.fromkeys(("millisecond", "milliseconds", "ms"), 1),
}
_DAY = 86_400_000
_FINER = {
    **dict.fromkeys(("microsecond", "microseconds", "mcs"), 1000),
    **dict.fromkeys(("nanosecond", "nanoseconds", "ns"), 1_000_000),
}


def _now(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    return constant(scope.now_ms, "date")


def _trunc(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    span, moment = operands
    return Operand(truncated(scope.fresh, moment.single, _plain_span(span, node)), moment.type)


def _plain_span(operand: Operand, node: Call) -> TimeSpan:
    span = operand.value
    if not isinstance(span, TimeSpan) or not is_plain(span):
        if isinstance(span, TimeSpan) and (span.months <= 0 and span.days <= 0 and span.milliseconds <= 0):
            fail(node.at, "Zero or negative time interval is not supported")
        fail(node.at, "Time interval is not supported")
    return span


# --- BUCKET ---


def _bucket(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    value, width, *ends = operands
    if value.type in MOMENTS:
        return _bucket_of_time(scope, node, value, width, ends)
    if width.type in SPANS:
        fail(node.at, f"second argument of [{node.text}] must be [numeric], found value [{node.arguments[1].text}] "
             f"type [{width.type}]")  # fmt: skip
    number = as_type(value, "double").single
    if not ends:
        step = float(width.value)
    else:
        low, high = (_number(end, node) for end in _both(ends, node))
        step = _round_step(low, high, _count(width, node))
    if not step > 0 or not math.isfinite(step):
        fail(node.at, f"the size of the buckets of [{node.text}] must be positive")
    return Operand(finite(scope, attempt(call("floor", number / step) * step)), "double")


def _round_step(low: float, high: float, count: int) -> float:
    precise = (high - low) / count
    if not precise > 0 or not math.isfinite(precise):
        return 0.0
    power = 10.0 ** math.ceil(math.log10(precise))
    return power / 2 if precise < power / 2 else power


def _both(ends: list[Operand], node: Call) -> list[Operand]:
    if len(ends) != 2:
        fail(node.at, f"function expects exactly four arguments when the first one is of type [{ends[0].type}] and the "
             "second of type [INTEGER]")  # fmt: skip
    return ends


def _number(end: Operand, node: Call) -> float:
    if end.type not in NUMBERS or end.value is None:
        fail(node.at, f"third argument of [{node.text}] must be [numeric], found type [{end.type}]")
    return float(end.value)


def _count(width: Operand, node: Call) -> int:
    count = width.value
    if width.type != "integer" or not isinstance(count, int) or count < 1:
        fail(node.at, f"second argument of [{node.text}] must be [integer] and positive, found value "
             f"[{node.arguments[1].text}]")  # fmt: skip
    return count


def _bucket_of_time(scope: Scope, node: Call, value: Operand, width: Operand, ends: list[Operand]) -> Operand:
    if width.type in SPANS:
        if ends:
            fail(node.at, "function expects exactly two arguments when the first one is of type [DATETIME] and the "
                 f"second of type [{width.type.upper()}]")  # fmt: skip
        return Operand(truncated(scope.fresh, value.single, _plain_span(width, node)), value.type)
    if not ends:
        fail(node.at, "function expects exactly four arguments when the first one is of type [DATETIME] and the second "
             "of type [INTEGER]")  # fmt: skip
    low, high = (_moment(end, node) for end in _both(ends, node))
    span = _chosen_span(node, low, high, _count(width, node))
    return Operand(truncated(scope.fresh, value.single, span), value.type)


def _moment(end: Operand, node: Call) -> int:
    if not isinstance(end.value, int) or end.type in {"double", "boolean"}:
        fail(node.at, f"the bounds of [{node.text}] must be dates, found type [{end.type}]")
    return end.value


def _chosen_span(node: Call, low: int, high: int, count: int) -> TimeSpan:
    """Return the shortest span of which so many cover a stretch."""
    best = TimeSpan(node.at, **HUMAN_SPANS[0])
    for parts in HUMAN_SPANS[1:]:
        span = TimeSpan(node.at, **parts)
        first = truncated_ms(low, span)
        if span.months:
            end = start_of_month(month_of(first) + span.months * count)
        else:
            end = first + (span.days * _DAY + span.milliseconds) * count
        if end < high:
            return best
        best = span
    return best


# --- parts and distances ---


def _diff(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    unit, start, end = operands
    name = str(unit.value).lower()
    one, two = start.single, end.single
    if name in _UNITS:
        months = call("date_sub", "month", call("epoch_ms", one), call("epoch_ms", two))
        return Operand(narrowed(attempt(months // _UNITS[name])), "integer")
    if name in _FINER:
        return Operand(narrowed(attempt((two - one) * _FINER[name])), "integer")
    length = _LENGTHS.get(name)
    if length is None:
        known = ", ".join(sorted({*_UNITS, *_LENGTHS, *_FINER}))
        fail(node.at, f"A value of [{known}] or their aliases is required; received [{unit.value}]")
    return Operand(narrowed(attempt((two - one) // length)), "integer")


def _part(function: str) -> Callable[[Expr], Expr]:
    return lambda value: call("date_part", function, call("epoch_ms", value))


def _rest(length: int, unit: int) -> Callable[[Expr], Expr]:
    return lambda value: ((value % length + length) % length) // unit


_PARTS: Final[Mapping[str, Callable[[Expr], Expr]]] = {
    "aligned_day_of_week_in_month": lambda v: (_part("day")(v) - 1) % 7 + 1,
    "aligned_day_of_week_in_year": lambda v: (_part("doy")(v) - 1) % 7 + 1,
    "aligned_week_of_month": lambda v: (_part("day")(v) - 1) // 7 + 1,
    "aligned_week_of_year": lambda v: (_part("doy")(v) - 1) // 7 + 1,
    "ampm_of_day": _rest(_DAY, _DAY // 2),
    "clock_hour_of_ampm": lambda v: (_rest(_DAY // 2, 3_600_000)(v) + 11) % 12 + 1,
    "clock_hour_of_day": lambda v: (_rest(_DAY, 3_600_000)(v) + 23) % 24 + 1,
    "day_of_month": _part("day"),
    "day_of_week": _part("isodow"),
    "day_of_year": _part("doy"),
    "epoch_day": lambda v: (v - _rest(_DAY, 1)(v)) // _DAY,
    "era": lambda v: when(_part("year")(v) > 0, 1, 0),
    "hour_of_ampm": _rest(_DAY // 2, 3_600_000),
    "hour_of_day": _rest(_DAY, 3_600_000),
    "instant_seconds": lambda v: (v - _rest(1000, 1)(v)) // 1000,
    "micro_of_day": lambda v: _rest(_DAY, 1)(v) * 1000,
    "micro_of_second": lambda v: _rest(1000, 1)(v) * 1000,
    "milli_of_day": _rest(_DAY, 1),
    "milli_of_second": _rest(1000, 1),
    "minute_of_day": _rest(_DAY, 60_000),
    "minute_of_hour": _rest(3_600_000, 60_000),
    "month_of_year": _part("month"),
    "nano_of_day": lambda v: _rest(_DAY, 1)(v) * 1_000_000,
    "nano_of_second": lambda v: _rest(1000, 1)(v) * 1_000_000,
    "proleptic_month": lambda v: _part("year")(v) * 12 + _part("month")(v) - 1,
    "second_of_day": _rest(_DAY, 1000),
    "second_of_minute": _rest(60_000, 1000),
    "year": _part("year"),
    "year_of_era": lambda v: call("abs", _part("year")(v)),
}


def _extract(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    part, moment = operands
    made = _PARTS.get(str(part.value).lower())
    if made is None:
        if str(part.value).lower() == "offset_seconds":
            return Operand(moment.single * 0, "long")
        fail(node.at, f"invalid date field for [{node.text}]: {part.value}")
    return Operand(attempt(scope.fresh.let(moment.single, made)), "long")


def _format(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    *pattern, moment = operands
    if not pattern or pattern[0].value in {"strict_date_optional_time", "strict_date_time", "date_optional_time"}:
        return Operand(shown_moment(moment.single), "keyword")
    if pattern[0].fixed and pattern[0].value is None:
        return nothing("keyword")
    if not pattern[0].fixed:
        raise not_served("[DATE_FORMAT] with formats that differ between rows", node.at)
    written = strptime_format(str(pattern[0].value), node)
    return Operand(attempt(call("strftime", call("epoch_ms", moment.single), written)), "keyword")


def _parse(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    *pattern, text = operands
    if not pattern or pattern[0].value in {"strict_date_optional_time", "date_optional_time"}:
        return Operand(scope.fresh.let(text.single, moment_in), "date")
    if pattern[0].fixed and pattern[0].value is None:
        return nothing("date")
    if not pattern[0].fixed:
        raise not_served("[DATE_PARSE] with formats that differ between rows", node.at)
    written = strptime_format(str(pattern[0].value), node)
    return Operand(attempt(call("epoch_ms", call("try_strptime", text.single, written))), "date")


def _name_of(written: str) -> Callable[[Scope, Call, list[Operand]], Operand]:
    return lambda scope, node, operands: Operand(
        attempt(call("strftime", call("epoch_ms", operands[0].single), written)), "keyword"
    )


_SPAN = Parameter(("date_period", "time_duration"), "dateperiod or timeduration", fixed=True)
_WIDTH: tuple[DataType, ...] = ("integer", "long", "double", "unsigned_long", "date_period", "time_duration")
_BUCKETED: tuple[DataType, ...] = ("date", "date_nanos", *NUMBERS)
_END = Parameter(("date", "date_nanos", *NUMBERS), "datetime or numeric", optional=True, fixed=True)
_BUCKET = (
    Parameter(_BUCKETED, "datetime or numeric"),
    Parameter(_WIDTH, "integral, date_period or time_duration", fixed=True),
    *(_END, _END),
)

FUNCTIONS: Final[Mapping[str, Function]] = {
    "bin": Function(_BUCKET, _bucket),
    "bucket": Function(_BUCKET, _bucket),
    "date_diff": Function((FIXED_TEXT, MOMENT, MOMENT), _diff),
    "date_extract": Function((FIXED_TEXT, MOMENT), _extract),
    "date_trunc": Function((_SPAN, MOMENT), _trunc),
    "day_name": Function((MOMENT,), _name_of("%A")),
    "month_name": Function((MOMENT,), _name_of("%B")),
    "now": Function((), _now),
    "date_format": Function((FIXED_TEXT, MOMENT), _format, headless=True),
    "date_parse": Function((FIXED_TEXT, TEXT), _parse, headless=True),
}
