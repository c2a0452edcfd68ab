"""`composite`: buckets by the combinations of several keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, ClassVar, TypeAlias

from anomalyops_engine.query.aggregations.aggregation import Aggregation, Bucketing, Found, Inner
from anomalyops_engine.query.aggregations.date_buckets import (
    Interval,
    calendar_interval,
    fixed_interval,
    interval_of,
    offset,
)
from anomalyops_engine.query.aggregations.date_histogram import date_column
from anomalyops_engine.query.aggregations.geo_grids import points_of, tile_key, tile_precision
from anomalyops_engine.query.aggregations.intervals import keys_over
from anomalyops_engine.query.aggregations.rows import Rows, Values
from anomalyops_engine.query.aggregations.zoned_buckets import buckets_in
from anomalyops_engine.query.date_options import date_format, time_zone
from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.expr import Cast, Expr, ListOf, call, null, when
from anomalyops_engine.query.fields import ValueType, list_type
from anomalyops_engine.query.limits import limits
from anomalyops_engine.query.options import (
    Subject,
    boolean,
    integer,
    list_of,
    mapping,
    number,
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
        column = rows.column(self.field)
        return _keyed(
            name, column.values, lambda value: value, keeps_missing=self.missing_bucket, is_ip=column.field.is_ip
        )


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
        buckets = buckets_in(self.time_zone, interval_of(self, name), self.offset)
        return _keyed(name, date_column(self.field, rows).values, buckets.key_of, keeps_missing=self.missing_bucket)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSource:
    """The buckets of a histogram."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"script", "missing_order", "value_type", "format"})

    field: str = option(text)
    interval: float = option(number(above=0))
    order: str = option(word({"asc", "desc"}), "asc")
    missing_bucket: bool = option(boolean, default=False)

    def bucketing(self, name: str, rows: Rows) -> Bucketing:
        """Return the keys of the rows.

        Raises:
            IllegalQueryError: the field is no number.
        """
        column, width = rows.column(self.field), self.interval
        if not column.field.is_numeric:
            raise IllegalQueryError(
                f"Field [{self.field}] of type [{column.type_name}] is not supported by [histogram]"
            )

        def key_of(value: Expr) -> Expr:
            return call("floor", Cast(value, "DOUBLE") / width) * width

        return _keyed(name, column.values, key_of, keeps_missing=self.missing_bucket)


@dataclass(frozen=True, slots=True, kw_only=True)
class TileSource:
    """The map tiles of points."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"bounds", "script", "missing_order", "value_type", "format"})

    field: str = option(text)
    precision: int = option(tile_precision, 7)
    order: str = option(word({"asc", "desc"}), "asc")
    missing_bucket: bool = option(boolean, default=False)

    def bucketing(self, name: str, rows: Rows) -> Bucketing:
        """Return the keys of the rows.

        Raises:
            IllegalQueryError: the field has others than points.
        """

        def key_of(value: Expr) -> Expr:
            return tile_key(value, self.precision)

        values = points_of(self.field, rows, "geotile_grid")
        return _keyed(name, values, key_of, keeps_missing=self.missing_bucket, key_type="BIGINT")


def _keyed(
    name: str,
    values: Values,
    key_of: Callable[[Expr], Expr],
    *,
    keeps_missing: bool,
    is_ip: bool = False,
    key_type: ValueType | None = None,
) -> Bucketing:
    """Return the bucketing of a source; with `keeps_missing` rows without a value have a bucket too, of no key."""
    key = keys_over(values, key_of, hard=None)
    if values.multi and keeps_missing:
        kind = key_type or values.type
        none = ListOf((null(kind),))
        key = when(call("coalesce", call("len", values.expression), 0) > 0, key, Cast(none, list_type(kind)))
    return Bucketing(
        name=name,
        typed_name="composite",
        key=key,
        render=_not_rendered,
        is_list=values.multi,
        is_ip=is_ip,
        keeps_missing=keeps_missing,
    )


Source: TypeAlias = TermsSource | DateSource | NumberSource | TileSource
_SOURCES: dict[str, type[Source]] = {
    "terms": TermsSource,
    "date_histogram": DateSource,
    "histogram": NumberSource,
    "geotile_grid": TileSource,
}


def _source(value: object) -> tuple[str, Source]:
    named = mapping(value)
    if len(named) != 1:
        raise QueryParsingError(f"a source of [composite] must have one name, got [{shown(value)}]")
    ((name, definition),) = named.items()
    if not isinstance(definition, dict) or len(definition) != 1:
        raise QueryParsingError(f"composite source [{name}] must have one type, got [{shown(definition)}]")
    ((kind, options),) = definition.items()
    if kind not in _SOURCES:
        raise QueryParsingError(f"Unknown composite source [{kind}] of [{name}]")
    return name, read_options(_SOURCES[kind], mapping(options), Subject(kind, f" in source [{name}]"))


def _sources(value: object) -> tuple[tuple[str, Source], ...]:
    if not value:
        raise IllegalQueryError("Composite [sources] cannot be null or empty")
    return list_of(_source)(value)


def _size(value: object) -> int:
    size = integer(at_least=1)(value)
    most = limits().buckets
    if size > most:
        raise IllegalQueryError(
            f"Trying to create too many buckets. Must be less than or equal to: [{most}] but was [{size}]. This "
            "limit can be set by changing the [search.max_buckets] cluster level setting."
        )
    return size


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite(Aggregation):
    """Buckets by the combinations of several keys."""

    sources: tuple[tuple[str, Source], ...] = option(_sources)
    size: int = option(_size, 10)
    after: dict[str, Any] | None = option(mapping, None)

    def bucketings(self, name: str, rows: Rows) -> list[tuple[Bucketing, str | None]]:
        """Return the bucketing of each source for a datafeed, with its column's name; None for the date histogram.

        Raises:
            QueryError: not allowed for a field, not supported, or not with exactly one date histogram.
        """
        for source_name, source in self.sources:
            if isinstance(source, TileSource):
                raise UnsupportedQueryError(
                    f"composite source [{source_name}] of type [geotile_grid] in a datafeed is not supported by this "
                    "engine"
                )
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
