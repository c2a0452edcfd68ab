"""`date_histogram`: buckets of fixed length, or of calendar units, over moments."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from anomalyops_engine.query.aggregations.bucketing import Bucketing
from anomalyops_engine.query.aggregations.intervals import interval_renderer, keys_over
from anomalyops_engine.query.aggregations.rows import Rows
from anomalyops_engine.query.aggregations.tree import Node
from anomalyops_engine.query.datemath import resolve_date
from anomalyops_engine.query.errors import IllegalQueryError, UnsupportedQueryError
from anomalyops_engine.query.expr import Expr, Literal, call
from anomalyops_engine.store.dates import format_millis, zone

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIXED_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_CALENDAR_FIXED = {"minute": 60_000, "hour": 3_600_000, "day": 86_400_000, "week": 604_800_000}
_CALENDAR_NAMES = {
    **dict.fromkeys(("1m", "minute"), "minute"),
    **dict.fromkeys(("1h", "hour"), "hour"),
    **dict.fromkeys(("1d", "day"), "day"),
    **dict.fromkeys(("1w", "week"), "week"),
    **dict.fromkeys(("1M", "month"), "month"),
    **dict.fromkeys(("1q", "quarter"), "quarter"),
    **dict.fromkeys(("1y", "year"), "year"),
}
_CALENDAR_MONTHS = {"month": 1, "quarter": 3, "year": 12}
# 1970-01-01 was a Thursday; weeks begin on Monday.
_MONDAY_MS = 4 * 86_400_000


def compile_date_histogram(node: Node, rows: Rows) -> Bucketing:
    """Return a histogram over a date field.

    Raises:
        QueryError: malformed, not allowed for the field, or not supported.
    """
    node.only(
        *("field", "fixed_interval", "calendar_interval", "offset", "time_zone", "min_doc_count", "keyed", "format"),
        *("extended_bounds", "hard_bounds", "order", "missing"),
    )
    column = rows.column(str(node.required("field")))
    leaf = column.leaf
    if leaf is not None and not leaf.is_date:
        raise IllegalQueryError(
            f"Field [{column.name}] of type [{leaf.type}] is not supported for aggregation [date_histogram]"
        )
    formats = str(node.options.get("format", leaf.formats if leaf is not None else "epoch_millis"))
    tz = zone(str(node.options.get("time_zone", "UTC")))
    missing = node.options.get("missing")

    def show(value: Any) -> dict[str, Any]:
        return {"key_as_string": format_millis(value, formats, tz), "key": value}

    key_of, following = date_key(node)
    extended = _bounds(node, "extended_bounds", formats, rows)
    if extended is not None:
        extended = (_floor(extended[0], node), _floor(extended[1], node))
    return Bucketing(
        node,
        keys_over(
            column,
            key_of,
            missing=None if missing is None else Literal(resolve_date(missing, formats, now_ms=rows.now_ms)),
            hard=_bounds(node, "hard_bounds", formats, rows),
        ),
        interval_renderer(node, show, following, extended),
        column.multi,
        typed_name="date_histogram",
    )


def interval_ms(node: Node) -> tuple[int | None, str | None]:
    """Return the (fixed milliseconds, calendar unit) of a date histogram; one of them is None.

    Calendar units of constant length in UTC are given as milliseconds too.

    Raises:
        IllegalQueryError: none or both are given, or it is malformed.
    """
    fixed, calendar = node.options.get("fixed_interval"), node.options.get("calendar_interval")
    if (fixed is None) == (calendar is None):
        raise IllegalQueryError(
            f"Invalid interval specified for aggregation [{node.name}], must be non-null: give one of "
            "[fixed_interval, calendar_interval]"
        )
    if fixed is not None:
        match = re.fullmatch(r"(\d+)(ms|s|m|h|d)", str(fixed))
        if match is None or int(match[1]) == 0:
            raise IllegalQueryError(
                f"failed to parse setting [fixed_interval] with value [{fixed}]: unit must be ms, s, m, h or d"
            )
        return int(match[1]) * _FIXED_MS[match[2]], None
    unit = _CALENDAR_NAMES.get(str(calendar))
    if unit is None:
        raise IllegalQueryError(f"The supplied interval [{calendar}] could not be parsed as a calendar interval.")
    return _CALENDAR_FIXED.get(unit), unit


def date_key(node: Node) -> tuple[Callable[[Expr], Expr], Callable[[int], int]]:
    """Return the key of one moment, and the function from a key to the next.

    Raises:
        QueryError: malformed or unsupported interval, offset or time zone.
    """
    fixed, unit = interval_ms(node)
    shift = _offset_ms(node) - _zone_shift(node)
    if fixed is not None:
        length, origin = fixed, shift + (_MONDAY_MS if unit == "week" else 0)
        return lambda value: value - ((value - origin) % length + length) % length, lambda key: key + length
    months = _CALENDAR_MONTHS[str(unit)]

    def key_of(value: Expr) -> Expr:
        return call("epoch_ms", call("date_trunc", unit, call("epoch_ms", value - shift))) + shift

    def following(key: int) -> int:
        start = _EPOCH + timedelta(milliseconds=key - shift)
        total = start.year * 12 + start.month - 1 + months
        later = start.replace(year=total // 12, month=total % 12 + 1)
        return int((later - _EPOCH) / timedelta(milliseconds=1)) + shift

    return key_of, following


def _zone_shift(node: Node) -> int:
    name = node.options.get("time_zone")
    if name is None:
        return 0
    try:
        offset = zone(str(name)).utcoffset(None)
    except ValueError as error:
        raise IllegalQueryError(f"aggregation [{node.name}]: {error}") from None
    if offset is None:
        raise UnsupportedQueryError(
            f"[time_zone] [{name}] of aggregation [{node.name}] is not supported by this engine; use UTC or an offset"
        )
    return int(offset / timedelta(milliseconds=1))


def _offset_ms(node: Node) -> int:
    value = node.options.get("offset", 0)
    if isinstance(value, int):
        return value
    match = re.fullmatch(r"([+-]?)(\d+)(ms|s|m|h|d)", str(value))
    if match is None:
        raise IllegalQueryError(f"failed to parse [offset] [{value}] of aggregation [{node.name}]")
    return int(match[2]) * _FIXED_MS[match[3]] * (-1 if match[1] == "-" else 1)


def _floor(value: int, node: Node) -> int:
    """Return the key of the bucket that holds a moment."""
    fixed, unit = interval_ms(node)
    shift = _offset_ms(node) - _zone_shift(node)
    if fixed is not None:
        origin = shift + (_MONDAY_MS if unit == "week" else 0)
        return value - (value - origin) % fixed
    months = _CALENDAR_MONTHS[str(unit)]
    start = _EPOCH + timedelta(milliseconds=value - shift)
    month = (start.month - 1) // months * months + 1
    floor = datetime(start.year, month, 1, tzinfo=UTC)
    return int((floor - _EPOCH) / timedelta(milliseconds=1)) + shift


def _bounds(node: Node, name: str, formats: str, rows: Rows) -> tuple[int, int] | None:
    bounds = node.options.get(name)
    if bounds is None:
        return None
    if not isinstance(bounds, dict) or not {"min", "max"} >= bounds.keys() or len(bounds) != 2:
        raise UnsupportedQueryError(f"[{name}] of aggregation [{node.name}] needs both [min] and [max]")
    low, high = (resolve_date(bounds[key], f"{formats}||epoch_millis", now_ms=rows.now_ms) for key in ("min", "max"))
    return low, high
