"""`composite` in a search: its buckets in the order of their keys, from behind those that the last page ended with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from anomalyops_engine.query.aggregations.aggregation import Bucketing, Found, Inner
from anomalyops_engine.query.aggregations.composite import Composite, DateSource, Source, TileSource
from anomalyops_engine.query.aggregations.geo_grids import tile, tile_of
from anomalyops_engine.query.aggregations.levels import Level
from anomalyops_engine.query.aggregations.rows import Rows
from anomalyops_engine.query.datemath import resolve_date
from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.expr import FALSE, Column, Expr, Not, Order, Relation, Select, all_of, any_of
from anomalyops_engine.query.options import Scalar, shown
from anomalyops_engine.query.values import filler
from anomalyops_engine.store import ip
from anomalyops_engine.store.dates import format_millis

Show = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Page:
    """A compiled composite aggregation.

    Attributes:
        bucketings: one for each source, the first outermost.
        names: of the sources.
        descending: whether keys of a source come from the largest on.
        shows: how a key of a source is shown.
        after: the keys behind which the page begins; None for the first page.
        size: how many buckets it has at most.
    """

    bucketings: tuple[Bucketing, ...]
    names: tuple[str, ...]
    descending: tuple[bool, ...]
    shows: tuple[Show, ...]
    after: tuple[Scalar | None, ...] | None
    size: int

    def grouped(self, level: Level, rows: Rows) -> Relation:
        """Return the buckets of the page: their keys, count and siblings, then the metrics' aggregates."""
        depth = len(self.bucketings)
        keys = [Column(f"k{number}") for number in range(depth)]
        width = sum(len(metric.expressions) for metric in level.metrics[depth - 1])
        columns = [*keys, Column("n"), Column("siblings"), *(Column(f"m{number}") for number in range(width))]
        return Select(
            tuple(column.named(column.name) for column in columns),
            level.groups(rows, depth),
            where=None if self.after is None else self._behind(keys, self.after),
            order=tuple(
                Order(key, descending, nulls_first=not descending)
                for key, descending in zip(keys, self.descending, strict=True)
            ),
            limit=self.size,
        )

    def render(self, found: Sequence[Found], inner: Inner) -> dict[str, Any]:
        """Return the answer; the keys of its last bucket are where the next page begins."""
        buckets = [{"key": self._key(one.key), "doc_count": one.count, **inner(one.key)} for one in found]
        return {**({"after_key": buckets[-1]["key"]} if buckets else {}), "buckets": buckets}

    def _key(self, keys: Sequence[Any]) -> dict[str, Any]:
        return {name: show(key) for name, show, key in zip(self.names, self.shows, keys, strict=True)}

    def up_to(self, last: Sequence[Any]) -> Expr:
        """Return that the keys of a document lie in the page, whose last ones are known."""
        keys = [Column(f"k{number}") for number in range(len(self.bucketings))]
        first = [] if self.after is None else [self._behind(keys, self.after)]
        return all_of([*first, Not(self._behind(keys, last))])

    def _behind(self, keys: Sequence[Column], values: Sequence[Scalar | None]) -> Expr:
        """Return that keys come behind some values: the first that differs does."""
        ways = []
        for place, (key, value) in enumerate(zip(keys, values, strict=True)):
            same = [_is(keys[before], values[before]) for before in range(place)]
            ways.append(all_of([*same, _follows(key, value, descending=self.descending[place])]))
        return any_of(ways)


def _is(key: Column, value: Scalar | None) -> Expr:
    return key.is_null() if value is None else all_of([key.is_not_null(), key.equals(value)])


def _follows(key: Column, value: Scalar | None, *, descending: bool) -> Expr:
    """Return that a key comes behind a value; no key at all comes before every other, or at the end of the descent."""
    if value is None:
        return FALSE if descending else key.is_not_null()
    if descending:
        return any_of([key.is_null(), all_of([key.is_not_null(), key < value])])
    return all_of([key.is_not_null(), key > value])


def page_of(composite: Composite, name: str, rows: Rows) -> Page:
    """Return a composite aggregation for the rows of a search.

    Raises:
        QueryError: not allowed for a field, or not supported; or `after` does not go with the sources.
    """
    names = [source_name for source_name, _ in composite.sources]
    repeated = sorted({one for one in names if names.count(one) > 1})
    if repeated:
        raise IllegalQueryError(f"Composite source names must be unique, found duplicates: [{', '.join(repeated)}]")
    return Page(
        bucketings=tuple(source.bucketing(source_name, rows) for source_name, source in composite.sources),
        names=tuple(names),
        descending=tuple(source.order == "desc" for _, source in composite.sources),
        shows=tuple(_show(source, rows) for _, source in composite.sources),
        after=None if composite.after is None else _after(composite, composite.after, rows),
        size=composite.size,
    )


def _show(source: Source, rows: Rows) -> Show:
    if isinstance(source, TileSource):
        precision = source.precision
        return lambda value: None if value is None else tile(value, precision)
    if not isinstance(source, DateSource):
        return _shown_address if rows.column(source.field).field.is_ip else _as_it_is
    formats, zone = source.format, source.time_zone
    if formats is None:
        return _as_it_is
    return lambda value: None if value is None else format_millis(value, formats, zone)


def _shown_address(value: Any) -> Any:
    return None if value is None else ip.shown(value)


def _as_it_is(value: Any) -> Any:
    return value


def _after(composite: Composite, after: dict[str, Any], rows: Rows) -> tuple[Scalar | None, ...]:
    if len(after) != len(composite.sources):
        raise IllegalQueryError(f"[after] has {len(after)} value(s) but [sources] has {len(composite.sources)}")
    found: list[Scalar | None] = []
    for name, source in composite.sources:
        if name not in after:
            raise IllegalQueryError(f"Missing value for [after.{name}]")
        value = after[name]
        if value is None and source.missing_bucket:
            found.append(None)
            continue
        if not isinstance(value, str | int | float):
            raise IllegalQueryError(f"Invalid value for [after.{name}], got [{shown(value)}]")
        found.append(_key_of(source, value, rows))
    return tuple(found)


def _key_of(source: Source, value: Scalar, rows: Rows) -> Scalar:
    """Return a value of `after` as the database has the keys of a source."""
    column = rows.column(source.field)
    if isinstance(source, TileSource):
        zoom, key = tile_of(value)
        if zoom != source.precision:
            raise IllegalQueryError(
                f"[after] has a tile of zoom [{zoom}] where the precision of the source is [{source.precision}]"
            )
        return key
    if isinstance(source, DateSource):
        if source.format is None and isinstance(value, str):
            raise IllegalQueryError(f"error while formatting [{shown(value)}]: the key of a moment is a number")
        if source.format is None:
            return int(value)
        return resolve_date(value, source.format, tz=source.time_zone, now_ms=rows.now_ms)
    if column.leaf is None:
        return value
    formats = column.leaf.formats if isinstance(value, str) else "epoch_millis"
    return filler(column.field, value, formats, rows.now_ms)[0]
