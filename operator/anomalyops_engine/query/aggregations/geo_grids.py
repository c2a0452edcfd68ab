"""Cells of the globe as buckets: `geohash_grid` and `geotile_grid`.

A point is first what doc values keep of it, two numbers of 32 bits (Lucene's `GeoEncodingUtils`). The key of a cell is
a whole number that sorts as Elasticsearch sorts cells: the interleaved bits of a geohash (`Geohash`), or column and row
of a map tile in the projection of web maps (`GeoTileUtils`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from anomalyops_engine.query.aggregations.aggregation import BucketAggregation, Bucketing, Found, Inner, Ranking
from anomalyops_engine.query.aggregations.intervals import keys_over
from anomalyops_engine.query.aggregations.rows import RowColumn, Rows, Values
from anomalyops_engine.query.errors import IllegalQueryError, UnsupportedQueryError
from anomalyops_engine.query.expr import Cast, Expr, Literal, call, null, when
from anomalyops_engine.query.options import MistypedError, integer, option, shown, text, token_text

_LETTERS: Final = "0123456789bcdefghjkmnpqrstuvwxyz"
_BITS: Final = 32
# Bits of one letter.
_LETTER: Final = 5
# Where the square map ends.
_LAST_LATITUDE: Final = 85.0511287798066
# Rows of tiles in a key: as many as the finest zoom has.
_ROWS: Final = 2**29
_TILE: Final = re.compile(r"(\d{1,9})/(\d{1,9})/(\d{1,9})", re.ASCII)


def _whole(value: object, most: int, least: int, grid: str) -> int:
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,9}", value, re.ASCII) is None:
        if grid == "geohash_grid" and value:
            raise UnsupportedQueryError(
                f"[precision] of [{grid}] as a distance, [{shown(value)}], is not supported by this engine"
            )
        raise MistypedError(value)
    level = int(value) if isinstance(value, str) else integer()(value)
    if not least <= level <= most:
        what = "geohash aggregation" if grid == "geohash_grid" else grid
        raise IllegalQueryError(f"Invalid {what} precision of {level}. Must be between {least} and {most}.")
    return level


def geohash_precision(value: object) -> int:
    """Read the precision of geohashes: how many letters they have.

    Raises:
        QueryError: it is not from 1 to 12.
    """
    return _whole(value, 12, 1, "geohash_grid")


def tile_precision(value: object) -> int:
    """Read the precision of map tiles: their zoom.

    Raises:
        QueryError: it is not from 0 to 29.
    """
    return _whole(value, 29, 0, "geotile_grid")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid(BucketAggregation):
    """The cells that documents have points in, those with the most first."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"bounds", "script", "missing", "format", "value_type"})
    KIND: ClassVar[str]

    field: str = option(text)
    size: int = option(integer(at_least=1), 10_000)
    # All documents are in one place.
    shard_size: int | None = option(integer(at_least=1), None)

    def compile(self, name: str, rows: Rows) -> Bucketing:
        """Return keys and rendering; see `BucketAggregation.compile`."""
        values = points_of(self.field, rows, self.KIND)

        def render(found: Sequence[Found], inner: Inner) -> dict[str, Any]:
            return {
                "buckets": [{"key": self.shown(one.key), "doc_count": one.count, **inner(one.key)} for one in found]
            }

        return Bucketing(
            name=name,
            typed_name=self.KIND,
            key=keys_over(values, self.key_of, hard=None),
            render=render,
            is_list=values.multi,
            ranking=Ranking((("_count", True), ("_key", True)), self.size, 1),
        )

    def key_of(self, point: Expr) -> Expr:
        """Return the key of the cell of a point."""
        raise NotImplementedError

    def shown(self, key: int) -> str:
        """Return a cell as the answer names it."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class GeohashGrid(_Grid):
    """`geohash_grid`."""

    KIND = "geohash_grid"

    precision: int = option(geohash_precision, 5)

    def key_of(self, point: Expr) -> Expr:
        """Return the interleaved bits of the cell of a point."""
        return geohash_key(point, self.precision)

    def shown(self, key: int) -> str:
        """Return the letters of a cell."""
        return geohash(key, self.precision)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeotileGrid(_Grid):
    """`geotile_grid`."""

    KIND = "geotile_grid"

    precision: int = option(tile_precision, 7)

    def key_of(self, point: Expr) -> Expr:
        """Return column and row of the tile of a point."""
        return tile_key(point, self.precision)

    def shown(self, key: int) -> str:
        """Return zoom, column and row of a tile."""
        return tile(key, self.precision)


def points_of(name: str, rows: Rows, aggregation: str) -> Values:
    """Return the points of a field.

    Raises:
        IllegalQueryError: it has others than points.
    """
    column: RowColumn = rows.column(name)
    for leaf in column.field.leaves:
        if leaf is not None and leaf.type != "geo_point":
            raise IllegalQueryError(
                f"Field [{name}] of type [{leaf.type}] is not supported for aggregation [{aggregation}]"
            )
    return Values(null("VARCHAR"), "VARCHAR", multi=False) if column.leaf is None else column.values


# --- geohashes ---


def geohash_key(point: Expr, letters: int) -> Expr:
    """Return the bits of the geohash of a point, those of longitude and latitude in turns."""
    bits = letters * _LETTER
    halves = (_kept(_part(point, 2), 360.0), bits - bits // 2), (_kept(_part(point, 1), 180.0), bits // 2)
    (lon, lon_bits), (lat, lat_bits) = ((_cell(kept, wanted), wanted) for kept, wanted in halves)
    # The first bit is one of the longitude; each bit of a number goes to its place.
    terms = [
        (number // (1 << low)) % 2 * (1 << bits - 1 - 2 * (own - 1 - low) - later)
        for number, own, later in ((lon, lon_bits, 0), (lat, lat_bits, 1))
        for low in range(own)
    ]
    key = terms[0]
    for term in terms[1:]:
        key = key + term
    # The database's `least` passes over what is NULL.
    return when(point.is_not_null(), key)


def _cell(kept: Expr, bits: int) -> Expr:
    return (Cast(kept, "BIGINT") + (1 << _BITS - 1)) // (1 << _BITS - bits)


def geohash(key: int, letters: int) -> str:
    """Return the geohash of a key."""
    return "".join(_LETTERS[key >> _LETTER * place & 31] for place in reversed(range(letters)))


# --- tiles ---


def tile_key(point: Expr, zoom: int) -> Expr:
    """Return column * 2^29 + row of the tile of a point."""
    tiles = 2**zoom
    lat, lon = (_kept(_part(point, part), span) * (span / 2**_BITS) for part, span in ((1, 180.0), (2, 360.0)))
    column = call("floor", (lon + 180.0) / 360.0 * float(tiles))
    sine = call("sin", call("radians", call("least", call("greatest", lat, -_LAST_LATITUDE), _LAST_LATITUDE)))
    ratio = call("ln", (sine + 1.0) / (Literal(1.0) - sine)) / (4 * math.pi)
    row = call("floor", (Literal(0.5) - ratio) * float(tiles))
    return when(point.is_not_null(), _within(column, tiles) * _ROWS + _within(row, tiles))


def _within(number: Expr, tiles: int) -> Expr:
    return Cast(call("least", call("greatest", number, 0.0), float(tiles - 1)), "BIGINT")


def tile(key: int, zoom: int) -> str:
    """Return the tile of a key, as it is shown."""
    return f"{zoom}/{key // _ROWS}/{key % _ROWS}"


def tile_of(value: object) -> tuple[int, int]:
    """Return zoom and key of a tile as it is shown.

    Raises:
        IllegalQueryError: it is none.
    """
    written = token_text(value) if isinstance(value, str | int | float) else shown(value)
    found = _TILE.fullmatch(written)
    zoom, column, row = map(int, found.groups()) if found is not None else (30, 0, 0)
    if zoom > 29 or max(column, row) >= 2**zoom:
        raise IllegalQueryError(
            f'Invalid geotile_grid hash string of {shown(written)}. Must be three integers in a form "zoom/x/y".'
        )
    return zoom, column * _ROWS + row


# --- points ---


def _part(point: Expr, part: int) -> Expr:
    return Cast(call("list_extract", call("string_split", point, ","), part), "DOUBLE")


def _kept(degrees: Expr, span: float) -> Expr:
    """Return what doc values keep of degrees: steps of which there are 2^32 in the span."""
    return call("least", call("floor", degrees / (span / 2**_BITS)), 2.0 ** (_BITS - 1) - 1)
