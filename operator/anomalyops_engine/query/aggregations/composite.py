"""`composite`: buckets by the combinations of several keys; only datafeeds read it so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, ClassVar

from anomalyops_engine.query.aggregations.aggregation import Aggregation, Bucketing, Found, Inner
from anomalyops_engine.query.aggregations.date_buckets import (
    Interval,
    calendar_interval,
    fixed_interval,
    interval_of,
    offset,
)
from anomalyops_engine.query.aggregations.date_histogram import date_column
from anomalyops_engine.query.aggregations.intervals import keys_over
from anomalyops_engine.query.aggregations.rows import Rows
from anomalyops_engine.query.aggregations.zoned_buckets import buckets_in
from anomalyops_engine.query.date_options import date_format, time_zone
from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.expr import Expr, call
from anomalyops_engine.query.options import (
    Subject,
    boolean,
    integer,
    list_of,
    mapping,
    option,
    read_options,
    shown,
    text,
    word,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsSource:
    """The values of a field."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"script", "missing_order", "value_type", "format"})

    field: str = option(text)
    order: str = option(word({"asc", "desc"}), "asc")
    missing_bucket: bool = option(boolean, default=False)

    def bucketing(self, name: str, rows: Rows) -> Bucketing:
        """Return the keys of the rows.

        Raises:
            QueryError: not allowed for the field, or not supported.
        """
        _refuse_missing(name, given=self.missing_bucket)
        column = rows.column(self.field)
        values = column.values
        key = call("list_distinct", values.expression) if values.multi else values.expression
        return _bucketing(name, key, is_list=values.multi, is_ip=column.field.is_ip)


@dataclass(frozen=True, slots=True, kw_only=True)
class DateSource:
    """The buckets of a date histogram."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"script", "missing_order", "value_type"})

    field: str = option(text)
    fixed_interval: Interval | None = option(fixed_interval, None)
    calendar_interval: Interval | None = option(calendar_interval, None)
    offset: int = option(offset, 0)
    time_zone: tzinfo = option(time_zone, UTC)
    format: str | None = option(date_format, None)
    order: str = option(word({"asc", "desc"}), "asc")
    missing_bucket: bool = option(boolean, default=False)

    def bucketing(self, name: str, rows: Rows) -> Bucketing:
        """Return the keys of the rows.

        Raises:
            QueryError: not allowed for the field, or not supported.
        """
        _refuse_missing(name, given=self.missing_bucket)
        buckets = buckets_in(self.time_zone, interval_of(self, name), self.offset)
        values = date_column(self.field, rows).values
        return _bucketing(name, keys_over(values, buckets.key_of, hard=None), is_list=values.multi)


def _bucketing(name: str, key: Expr, *, is_list: bool, is_ip: bool = False) -> Bucketing:
    return Bucketing(name=name, typed_name="composite", key=key, render=_not_rendered, is_list=is_list, is_ip=is_ip)


def _refuse_missing(name: str, *, given: bool) -> None:
    if given:
        raise UnsupportedQueryError(f"[missing_bucket] of [{name}] is not supported by this engine")


_SOURCES: dict[str, type[TermsSource | DateSource]] = {"terms": TermsSource, "date_histogram": DateSource}
_ELSEWHERE = frozenset({"histogram", "geotile_grid"})


def _source(value: object) -> tuple[str, TermsSource | DateSource]:
    named = mapping(value)
    if len(named) != 1:
        raise QueryParsingError(f"a source of [composite] must have one name, got [{shown(value)}]")
    ((name, definition),) = named.items()
    if not isinstance(definition, dict) or len(definition) != 1:
        raise QueryParsingError(f"composite source [{name}] must have one type, got [{shown(definition)}]")
    ((kind, options),) = definition.items()
    if kind in _ELSEWHERE:
        raise UnsupportedQueryError(f"composite source [{name}] of type [{kind}] is not supported by this engine")
    if kind not in _SOURCES:
        raise QueryParsingError(f"Unknown composite source [{kind}] of [{name}]")
    return name, read_options(_SOURCES[kind], mapping(options), Subject(kind, f" in source [{name}]"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite(Aggregation):
    """Buckets by the combinations of several keys."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"after"})

    sources: tuple[tuple[str, TermsSource | DateSource], ...] = option(list_of(_source, least=1))
    size: int = option(integer(at_least=1), 10)

    def bucketings(self, name: str, rows: Rows) -> list[tuple[Bucketing, str | None]]:
        """Return the bucketing of each source for a datafeed, with its column's name; None for the date histogram.

        Raises:
            QueryError: not allowed for a field, not supported, or not with exactly one date histogram.
        """
        dates = sum(isinstance(source, DateSource) for _, source in self.sources)
        if dates != 1:
            raise IllegalQueryError(
                f"Composite aggregation [{name}] must have exactly one date_histogram source, found [{dates}]"
            )
        return [
            (source.bucketing(source_name, rows), None if isinstance(source, DateSource) else source_name)
            for source_name, source in self.sources
        ]


def _not_rendered(found: Sequence[Found], inner: Inner) -> dict[str, Any]:
    raise UnsupportedQueryError("[composite] in a search is not supported by this engine")
