"""Functions of points on the earth, which are kept as `latitude,longitude`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from anomalyops_engine.query.esql.functions.function import Build, Function, Parameter
from anomalyops_engine.query.esql.operands import Fresh, Operand, attempt
from anomalyops_engine.query.esql.operators import finite
from anomalyops_engine.query.esql.scope import Scope
from anomalyops_engine.query.esql.syntax import Call
from anomalyops_engine.query.expr import Binary, Cast, Expr, Literal, all_of, call, when

_NUMBER: Final = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_POINT: Final = rf"\s*POINT\s*\(\s*({_NUMBER})\s+({_NUMBER})\s*\)\s*"
# The mean radius that Lucene computes with, in metres (`GeoUtils`).
_RADIUS: Final = 6_371_008.7714
_GEO_POINT: Final = Parameter(("geo_point",), "geo_point")


def point_in(fresh: Fresh, text: Expr) -> Expr:
    """Return the point that a text says in the words of WKT, NULL where it says none."""

    def made(value: Expr) -> Expr:
        fits = call("regexp_full_match", value, _POINT, "i")
        longitude, latitude = (
            Cast(call("regexp_extract", value, f"(?i){_POINT}", group), "DOUBLE", lenient=True) for group in (1, 2)
        )
        inside = all_of([latitude >= -90, latitude <= 90, longitude >= -180, longitude <= 180])
        written = Binary("||", Binary("||", Cast(latitude, "VARCHAR"), Literal(",")), Cast(longitude, "VARCHAR"))
        return when(all_of([fits, inside]), written)

    return fresh.let(text, made)


def _part(point: Expr, place: int) -> Expr:
    return Cast(call("list_extract", call("string_split", point, ","), place), "DOUBLE", lenient=True)


def _of_point(place: int) -> Build:
    return lambda scope, node, operands: Operand(_part(operands[0].single, place), "double")


def _distance(scope: Scope, node: Call, operands: list[Operand]) -> Operand:
    """Return the metres between two points on a sphere (the haversine formula)."""
    one, two = (operand.single for operand in operands)
    (lat1, lon1), (lat2, lon2) = (tuple(call("radians", _part(p, place)) for place in (1, 2)) for p in (one, two))
    squares = (call("pow", call("sin", (b - a) / 2.0), 2) for a, b in ((lat1, lat2), (lon1, lon2)))
    up, along = squares
    h = call("least", up + call("cos", lat1) * call("cos", lat2) * along, 1.0)
    return Operand(finite(scope, attempt(call("asin", call("sqrt", h)) * (2 * _RADIUS))), "double")


FUNCTIONS: Final[Mapping[str, Function]] = {
    "st_distance": Function((_GEO_POINT, _GEO_POINT), _distance),
    "st_x": Function((_GEO_POINT,), _of_point(2)),
    "st_y": Function((_GEO_POINT,), _of_point(1)),
}
