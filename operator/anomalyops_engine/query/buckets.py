"""Bucket aggregations: the SQL of a document's bucket key, and how the buckets look in the response."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from anomalyops_engine.query.aggregation_tree import Node
from anomalyops_engine.query.datemath import resolve_date
from anomalyops_engine.query.errors import (
    IllegalQueryError,
    QueryParsingError,
    TooManyBucketsError,
    UnsupportedQueryError,
)
from anomalyops_engine.query.rows import Column, Rows
from anomalyops_engine.store.dates import format_millis, zone

MAX_BUCKETS = 65_536
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


@dataclass(frozen=True, slots=True)
class Ranking:
    """Which buckets of a level are kept: the first `size` in an order, with at least `minimum` documents.

    Attributes:
        order: (what, descending) pairs; what is `_count`, `_key`, or a metric with an optional part.
        size: how many buckets per parent.
        minimum: fewest documents of a bucket.
    """

    order: tuple[tuple[str, bool], ...]
    size: int
    minimum: int


@dataclass(frozen=True, slots=True)
class Found:
    """One bucket as the database returned it.

    Attributes:
        key: its key within the level.
        count: number of documents.
        siblings: documents of all buckets of the level under the same parent, kept or not.
    """

    key: Any
    count: int
    siblings: int


# Renders the buckets of one parent; the callback gives the sub-aggregations of a bucket by its key.
Render = Callable[[Sequence[Found], Callable[[Any], dict[str, Any]]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Bucketing:
    """A compiled bucket aggregation.

    Attributes:
        node: the aggregation.
        key: SQL expression of the key of a document, NULL when it belongs to no bucket.
        render: makes the response object.
        is_list: the expression is a list: the document belongs to several buckets.
        ranking: limits and order of the buckets, None when all are kept in key order.
        typed_name: type prefix with `typed_keys`.
    """

    node: Node
    key: str
    render: Render
    is_list: bool = False
    ranking: Ranking | None = None
    typed_name: str = field(default="")


def compile_bucketing(node: Node, rows: Rows) -> Bucketing:
    """Return the SQL and the rendering of a bucket aggregation.

    Raises:
        QueryError: malformed, not allowed for the field, or not supported.
    """
    return _COMPILERS[node.kind](node, rows)


# --- histograms ---


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


def date_key(node: Node, column: Column) -> tuple[str, Callable[[int], int]]:
    """Return the SQL of a date histogram's key over one value `{}`, and the function from a key to the next."""
    fixed, unit = interval_ms(node)
    shift = _offset_ms(node) - _zone_shift(node)
    if fixed is not None:
        origin = shift + (_MONDAY_MS if unit == "week" else 0)
        value = f"({{}} - ({origin}))"
        floor = f"{{}} - (({value} % {fixed} + {fixed}) % {fixed})"
        return floor, lambda key: key + fixed
    months = _CALENDAR_MONTHS[str(unit)]
    sql = f"epoch_ms(date_trunc('{unit}', epoch_ms({{}} - ({shift})))) + ({shift})"

    def following(key: int) -> int:
        start = _EPOCH + timedelta(milliseconds=key - shift)
        total = start.year * 12 + start.month - 1 + months
        later = start.replace(year=total // 12, month=total % 12 + 1)
        return int((later - _EPOCH) / timedelta(milliseconds=1)) + shift

    del column
    return sql, following


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


def _date_histogram(node: Node, rows: Rows) -> Bucketing:
    node.only(
        *("field", "fixed_interval", "calendar_interval", "offset", "time_zone", "min_doc_count", "keyed", "format"),
        *("extended_bounds", "hard_bounds", "order", "missing"),
    )
    column = rows.column(str(node.required("field")))
    if column.leaf is not None and not column.is_date:
        raise IllegalQueryError(
            f"Field [{column.name}] of type [{column.leaf.type}] is not supported for aggregation [date_histogram]"
        )
    formats = str(node.options.get("format", column.leaf.formats if column.leaf is not None else "epoch_millis"))
    tz = zone(str(node.options.get("time_zone", "UTC")))
    template, following = date_key(node, column)
    missing = node.options.get("missing")
    if missing is not None:
        missing = resolve_date(missing, formats, now_ms=rows.now_ms)
    key = _over(column, template, missing=missing, hard=_bounds(node, "hard_bounds", formats, rows))

    def show(value: Any) -> dict[str, Any]:
        return {"key_as_string": format_millis(value, formats, tz), "key": value}

    extended = _bounds(node, "extended_bounds", formats, rows)
    if extended is not None:
        extended = (_floor(template, extended[0], node), _floor(template, extended[1], node))
    return Bucketing(
        node, key, _histogram_renderer(node, show, following, extended), column.multi, typed_name="date_histogram"
    )


def _floor(template: str, value: Any, node: Node) -> Any:
    """Return the key of the bucket that holds a bound; histograms with calendar units take the bound's month."""
    fixed, unit = interval_ms(node)
    shift = _offset_ms(node) - _zone_shift(node)
    del template
    if fixed is not None:
        origin = shift + (_MONDAY_MS if unit == "week" else 0)
        return value - (value - origin) % fixed
    months = _CALENDAR_MONTHS[str(unit)]
    start = _EPOCH + timedelta(milliseconds=value - shift)
    month = (start.month - 1) // months * months + 1
    floor = datetime(start.year, month, 1, tzinfo=UTC)
    return int((floor - _EPOCH) / timedelta(milliseconds=1)) + shift


def _histogram(node: Node, rows: Rows) -> Bucketing:
    node.only(
        "field",
        "interval",
        "offset",
        "min_doc_count",
        "keyed",
        "extended_bounds",
        "hard_bounds",
        "order",
        "missing",
        "format",
    )
    column = rows.column(str(node.required("field")))
    if not column.is_numeric:
        raise IllegalQueryError(f"Field [{column.name}] of type [keyword] is not supported for aggregation [histogram]")
    interval = node.required("interval")
    if isinstance(interval, bool) or not isinstance(interval, int | float) or interval <= 0:
        raise IllegalQueryError(f"[interval] must be >0 for histogram aggregation [{node.name}], got [{interval}]")
    offset = float(node.options.get("offset", 0.0))
    template = (
        f"floor((CAST({{}} AS DOUBLE) - ({offset!r})) / {float(interval)!r}) * {float(interval)!r} + ({offset!r})"
    )
    hard = _number_bounds(node, "hard_bounds")
    key = _over(column, template, missing=node.options.get("missing"), hard=hard)
    extended = _number_bounds(node, "extended_bounds")
    if extended is not None:
        low, high = ((bound - offset) // interval * interval + offset for bound in extended)
        extended = (low, high)

    def following(value: float) -> float:
        return (round((value - offset) / interval) + 1) * interval + offset

    return Bucketing(
        node,
        key,
        _histogram_renderer(node, lambda value: {"key": float(value)}, following, extended),
        column.multi,
        typed_name="histogram",
    )


def _over(column: Column, template: str, *, missing: Any, hard: tuple[Any, Any] | None) -> str:
    """Return the key expression over a column, for single values and for lists."""
    if column.multi:
        source = column.sql if missing is None else f"coalesce({column.sql}, [{missing}])"
        kept = (
            source
            if hard is None
            else (f"list_filter({source}, lambda item: item >= {hard[0]!r} AND item < {hard[1]!r})")
        )
        return f"list_distinct(list_transform({kept}, lambda item: {template.replace('{}', 'item')}))"
    source = column.sql if missing is None else f"coalesce({column.sql}, {missing})"
    key = template.replace("{}", source)
    if hard is None:
        return key
    return f"CASE WHEN {source} >= {hard[0]!r} AND {source} < {hard[1]!r} THEN {key} END"


def _bounds(node: Node, name: str, formats: str, rows: Rows) -> tuple[int, int] | None:
    bounds = node.options.get(name)
    if bounds is None:
        return None
    if not isinstance(bounds, dict) or not {"min", "max"} >= bounds.keys() or len(bounds) != 2:
        raise UnsupportedQueryError(f"[{name}] of aggregation [{node.name}] needs both [min] and [max]")
    low, high = (resolve_date(bounds[key], f"{formats}||epoch_millis", now_ms=rows.now_ms) for key in ("min", "max"))
    return low, high


def _number_bounds(node: Node, name: str) -> tuple[float, float] | None:
    bounds = node.options.get(name)
    if bounds is None:
        return None
    if not isinstance(bounds, dict) or bounds.keys() != {"min", "max"}:
        raise UnsupportedQueryError(f"[{name}] of aggregation [{node.name}] needs both [min] and [max]")
    return float(bounds["min"]), float(bounds["max"])


def _histogram_renderer(
    node: Node,
    show: Callable[[Any], dict[str, Any]],
    following: Callable[[Any], Any],
    extended: tuple[Any, Any] | None,
) -> Render:
    minimum = int(node.options.get("min_doc_count", 0))
    order = _order(node, default="_key", descending=False)
    if len(order) > 1 or order[0][0] not in {"_key", "_count"}:
        raise UnsupportedQueryError(f"[order] of aggregation [{node.name}] must be by [_key] or [_count]")
    what, descending = order[0]
    keyed = bool(node.options.get("keyed", False))

    def render(found: Sequence[Found], inner: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        counts = {bucket.key: bucket.count for bucket in sorted(found, key=lambda bucket: bucket.key)}
        if minimum == 0:
            counts = _fill(counts, following, extended)
        items = [(key, number) for key, number in counts.items() if number >= minimum]
        if what == "_count":
            items.sort(key=lambda item: -item[1] if descending else item[1])
        elif descending:
            items.reverse()
        buckets = [{**show(key), "doc_count": number, **inner(key)} for key, number in items]
        if keyed:
            return {"buckets": {str(bucket.get("key_as_string", bucket["key"])): bucket for bucket in buckets}}
        return {"buckets": buckets}

    return render


def _fill(counts: dict[Any, int], following: Callable[[Any], Any], extended: tuple[Any, Any] | None) -> dict[Any, int]:
    """Return the counts with the empty buckets between the first and the last key put in."""
    if not counts and extended is None:
        return counts
    edges = [*counts, *(extended or ())]
    key, last = min(edges), max(edges)
    filled: dict[Any, int] = {}
    remaining = dict(counts)
    while key <= last:
        filled[key] = remaining.pop(key, 0)
        key = following(key)
        if len(filled) > MAX_BUCKETS:
            raise TooManyBucketsError(MAX_BUCKETS)
    # A fractional interval may reach a key by another rounding than the database did.
    return dict(sorted({**filled, **remaining}.items())) if remaining else filled


# --- terms ---


def _terms(node: Node, rows: Rows) -> Bucketing:
    node.only(
        *("field", "size", "order", "min_doc_count", "missing", "include", "exclude", "format", "value_type"),
        *("shard_size", "shard_min_doc_count", "execution_hint", "collect_mode", "show_term_doc_count_error"),
    )
    column = rows.column(str(node.required("field")))
    size = node.options.get("size", 10)
    if isinstance(size, bool) or not isinstance(size, int) or size <= 0:
        raise IllegalQueryError(f"[size] must be greater than 0. Found [{size}] in [{node.name}]")
    minimum = node.options.get("min_doc_count", 1)
    if not isinstance(minimum, int) or minimum < 1:
        raise UnsupportedQueryError(
            f"[min_doc_count] of aggregation [{node.name}] must be at least 1 in this engine, got [{minimum}]"
        )
    order = _order(node, default="_count", descending=True)
    if order[-1][0] != "_key":
        order = (*order, ("_key", False))
    key = _term_key(node, column)
    formats = str(node.options.get("format", column.leaf.formats)) if column.is_date and column.leaf else ""

    def show(value: Any) -> dict[str, Any]:
        if column.is_date:
            return {"key": value, "key_as_string": format_millis(value, formats)}
        if isinstance(value, bool):
            return {"key": int(value), "key_as_string": "true" if value else "false"}
        return {"key": value}

    def render(found: Sequence[Found], inner: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        total = found[0].siblings if found else 0
        return {
            "doc_count_error_upper_bound": 0,
            "sum_other_doc_count": total - sum(bucket.count for bucket in found),
            "buckets": [{**show(bucket.key), "doc_count": bucket.count, **inner(bucket.key)} for bucket in found],
        }

    typed = {"VARCHAR": "sterms", "DOUBLE": "dterms"}.get(column.type, "lterms")
    return Bucketing(node, key, render, column.multi, Ranking(order, size, minimum), typed)


def _term_key(node: Node, column: Column) -> str:
    missing = node.options.get("missing")
    expression = column.sql
    if missing is not None:
        literal = _literal(missing)
        expression = f"coalesce({expression}, {f'[{literal}]' if column.multi else literal})"
    keep = [
        _term_filter(node, "include", "{} AND"),
        _term_filter(node, "exclude", "NOT {} AND"),
    ]
    condition = "".join(part for part in keep if part) + " TRUE"
    if condition == " TRUE":
        return f"list_distinct({expression})" if column.multi else expression
    if column.multi:
        return f"list_distinct(list_filter({expression}, lambda item: {condition.replace('@', 'item')}))"
    return f"CASE WHEN {condition.replace('@', expression)} THEN {expression} END"


def _term_filter(node: Node, option: str, form: str) -> str:
    """Return the condition of include or exclude over the placeholder `@`, empty when it is not given."""
    value = node.options.get(option)
    if value is None:
        return ""
    if isinstance(value, str):
        return " " + form.format(f"regexp_full_match(CAST(@ AS VARCHAR), {_literal(value)})")
    if isinstance(value, list) and value:
        return " " + form.format(f"@ IN ({', '.join(_literal(item) for item in value)})")
    raise UnsupportedQueryError(
        f"[{option}] of aggregation [{node.name}] must be a regular expression or a list of values, got [{value}]"
    )


def _order(node: Node, *, default: str, descending: bool) -> tuple[tuple[str, bool], ...]:
    option = node.options.get("order")
    if option is None:
        return ((default, descending),)
    out = []
    for item in option if isinstance(option, list) else [option]:
        if not isinstance(item, dict) or len(item) != 1:
            raise QueryParsingError(f"Must specify one order per object in [order] of [{node.name}], got [{item}]")
        ((what, direction),) = item.items()
        if str(direction).lower() not in {"asc", "desc"}:
            raise QueryParsingError(f"Unknown order direction [{direction}] in aggregation [{node.name}]")
        out.append((what, str(direction).lower() == "desc"))
    return tuple(out)


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


# --- buckets by condition ---


def _filter(node: Node, rows: Rows) -> Bucketing:
    column = rows.condition(node.options)

    def render(found: Sequence[Found], inner: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return {"doc_count": found[0].count if found else 0, **inner(0)}

    return Bucketing(node, f"CASE WHEN {column} THEN 0 END", render, typed_name="filter")


def _filters(node: Node, rows: Rows) -> Bucketing:
    node.only("filters", "other_bucket", "other_bucket_key", "keyed")
    given = node.required("filters")
    if not isinstance(given, dict | list) or not given:
        raise QueryParsingError(f"[filters] of aggregation [{node.name}] must be an object or a list of queries")
    names = list(given) if isinstance(given, dict) else None
    columns = [rows.condition(query) for query in (given.values() if isinstance(given, dict) else given)]
    conditions = list(columns)
    if node.options.get("other_bucket") or "other_bucket_key" in node.options:
        conditions.append(f"({' OR '.join(columns)}) IS NOT TRUE")
        if names is not None:
            names.append(str(node.options.get("other_bucket_key", "_other_")))
    keyed = names is not None and node.options.get("keyed", True)

    def render(found: Sequence[Found], inner: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        counts = {bucket.key: bucket.count for bucket in found}
        buckets = [{"doc_count": counts.get(number, 0), **inner(number)} for number in range(len(conditions))]
        if keyed and names is not None:
            return {"buckets": dict(zip(names, buckets, strict=True))}
        if names is not None:
            buckets = [{"key": name, **bucket} for name, bucket in zip(names, buckets, strict=True)]
        return {"buckets": buckets}

    return Bucketing(node, _numbers_of(conditions), render, is_list=True, typed_name="filters")


def _range(node: Node, rows: Rows) -> Bucketing:
    node.only("field", "ranges", "keyed", "format", "missing", "time_zone")
    column = rows.column(str(node.required("field")))
    dates = node.kind == "date_range"
    formats = str(node.options.get("format", column.leaf.formats if column.leaf and column.is_date else "epoch_millis"))
    shown: list[dict[str, Any]] = []
    conditions: list[str] = []
    for item in node.required("ranges"):
        if not isinstance(item, dict) or not item.keys() <= {"from", "to", "key"}:
            raise QueryParsingError(f"[ranges] of aggregation [{node.name}]: expected from, to and key, got [{item}]")
        bounds = {
            key: resolve_date(item[key], f"{formats}||epoch_millis", now_ms=rows.now_ms) if dates else float(item[key])
            for key in ("from", "to")
            if item.get(key) is not None
        }
        shown.append(_shown_range(item.get("key"), bounds, formats if dates else None))
        tests = [f"{{}} {'>=' if key == 'from' else '<'} {bound!r}" for key, bound in bounds.items()]
        test = " AND ".join(tests) or "{} IS NOT NULL"
        if column.multi:
            test = f"len(list_filter({column.sql}, lambda item: {test.replace('{}', 'item')})) > 0"
        conditions.append(test.replace("{}", column.sql))
    keyed = bool(node.options.get("keyed", False))

    def render(found: Sequence[Found], inner: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        counts = {bucket.key: bucket.count for bucket in found}
        buckets = [{**shown[n], "doc_count": counts.get(n, 0), **inner(n)} for n in range(len(shown))]
        if keyed:
            return {"buckets": {bucket.pop("key"): bucket for bucket in buckets}}
        return {"buckets": buckets}

    return Bucketing(node, _numbers_of(conditions), render, is_list=True, typed_name=node.kind)


def _shown_range(key: str | None, bounds: dict[str, Any], formats: str | None) -> dict[str, Any]:
    def text(name: str) -> str:
        if name not in bounds:
            return "*"
        return format_millis(bounds[name], formats) if formats is not None else str(bounds[name])

    shown: dict[str, Any] = {"key": key if key is not None else f"{text('from')}-{text('to')}"}
    for name, value in bounds.items():
        shown[name] = float(value)
        if formats is not None:
            shown[f"{name}_as_string"] = text(name)
    return shown


def _missing(node: Node, rows: Rows) -> Bucketing:
    node.only("field")
    column = rows.column(str(node.required("field")))

    def render(found: Sequence[Found], inner: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return {"doc_count": found[0].count if found else 0, **inner(0)}

    return Bucketing(node, f"CASE WHEN {column.sql} IS NULL THEN 0 END", render, typed_name="missing")


def _numbers_of(conditions: Sequence[str]) -> str:
    """Return the list of the numbers of those conditions that hold."""
    cases = ", ".join(f"CASE WHEN {condition} THEN {number} END" for number, condition in enumerate(conditions))
    return f"list_filter([{cases}], lambda item: item IS NOT NULL)"


_COMPILERS: dict[str, Callable[[Node, Rows], Bucketing]] = {
    "date_histogram": _date_histogram,
    "date_range": _range,
    "filter": _filter,
    "filters": _filters,
    "histogram": _histogram,
    "missing": _missing,
    "range": _range,
    "terms": _terms,
}
