"""Points on the globe, in every form that Elasticsearch reads; kept as `lat,lon` text."""

from __future__ import annotations

import math
import re
from typing import Any

from anomalyops_engine.store.fieldtypes.reader import Reader, ValueParseError, shown

_KEYS = ("lon", "lat", "z", "type", "coordinates")
_GEOHASH = {character: number for number, character in enumerate("0123456789bcdefghjkmnpqrstuvwxyz")}
_NUMBER = r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
_WKT = re.compile(rf"point\s*\(\s*{_NUMBER}\s+{_NUMBER}(?:\s+{_NUMBER})?\s*\)", re.IGNORECASE | re.ASCII)


class Points(Reader):
    """Geo points.

    Args:
        ignore_z: a third dimension is left out instead of refused.
    """

    takes_objects = True
    takes_lists = True

    def __init__(self, *, ignore_z: bool = True, **options: Any) -> None:
        self._ignore_z = ignore_z
        super().__init__("VARCHAR", kept_as=("geo_point", ignore_z), **options)

    def read(self, value: Any) -> str:
        """Return the point."""
        lat, lon, *z = self._coordinates(value)
        if z and not self._ignore_z:
            raise ValueParseError(
                f"Exception parsing coordinates: found Z value [{z[0]}] but [ignore_z_value] parameter is [false]"
            )
        if math.isnan(lat) or not -90 <= lat <= 90:
            raise ValueError(f"illegal latitude value [{lat}]")
        if math.isnan(lon) or not -180 <= lon <= 180:
            raise ValueError(f"illegal longitude value [{lon}]")
        return f"{lat!r},{lon!r}"

    def _coordinates(self, value: Any) -> list[float]:
        """Return latitude, longitude and perhaps a height."""
        if isinstance(value, dict):
            return _of_object(value)
        if isinstance(value, list):
            return _of_list(value)
        if isinstance(value, str):
            return _of_text(value)
        raise ValueParseError("geo_point expected")


def is_point_list(value: Any) -> bool:
    """Return whether a list is one point (`[lon, lat]`) and not a list of points."""
    return (
        isinstance(value, list) and bool(value) and isinstance(value[0], int | float) and not isinstance(value[0], bool)
    )


def _of_object(value: dict[str, Any]) -> list[float]:
    for key in value:
        if key not in _KEYS:
            raise ValueParseError(f"field [{key}] not supported - must be one of: {', '.join(_KEYS)}")
    if "type" in value or "coordinates" in value:
        if str(value.get("type")).lower() != "point":
            raise ValueParseError("[type] for geo_point can only be 'Point'")
        if not isinstance(value.get("coordinates"), list):
            raise ValueParseError("Required [coordinates]")
        return _of_list(value["coordinates"])
    for key in ("lat", "lon"):
        if key not in value:
            raise ValueParseError(f"Required [{key}]")
    names = ("lat", "latitude"), ("lon", "longitude"), ("z", "z")
    return [_number(value[key], name) for key, name in names if key in value]


def _of_list(value: list[Any]) -> list[float]:
    if not 2 <= len(value) <= 3:
        raise ValueParseError("geo_point expected")
    lon, lat, *z = (_number(item, "coordinates") for item in value)
    return [lat, lon, *z]


def _of_text(text: str) -> list[float]:
    if "," in text:
        parts = text.split(",")
        if len(parts) > 3:
            raise ValueParseError(f"expected 2 or 3 coordinates but found: [{len(parts)}]")
        return [_number(part.strip(), name) for part, name in zip(parts, ("latitude", "longitude", "z"), strict=False)]
    found = _WKT.fullmatch(text.strip())
    if found is not None:
        lon, lat, z = found.groups()
        return [float(lat), float(lon), *([] if z is None else [float(z)])]
    return _of_geohash(text)


def _of_geohash(text: str) -> list[float]:
    """Return the corner of a geohash's cell with the lowest latitude and longitude."""
    if not text:
        raise ValueParseError("empty geohash")
    low, high = [-180.0, -90.0], [180.0, 90.0]
    even = 0
    for character in text:
        number = _GEOHASH.get(character)
        if number is None:
            raise ValueParseError(f"unsupported symbol [{character}] in geohash [{shown(text)}]")
        for bit in (16, 8, 4, 2, 1):
            middle = (low[even] + high[even]) / 2
            (low if number & bit else high)[even] = middle
            even = 1 - even
    return [low[1], low[0]]


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueParseError(f"{name} must be a number")
    try:
        return float(value)
    except ValueError:
        raise ValueParseError(f"{name} must be a number") from None
