"""Cells of the globe: every point is in the geohash and in the map tile that halving the globe leads to."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomalyops_engine.query import QueryError, SearchPhaseError, search
from laws import law

latitudes = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, 90.0, 0.0, -0.0, 45.0, 85.06, -85.06, 22.5]))
longitudes = st.one_of(st.floats(-180, 180), st.sampled_from([-180.0, 180.0, 0.0, 90.0, -90.0, 11.25]))
places = st.tuples(latitudes, longitudes)
documents = st.lists(st.one_of(st.lists(places, max_size=3)), min_size=1, max_size=8)


def kept(degrees: float, span: float) -> float:
    """What doc values keep: the beginning of one of 2^32 steps."""
    step = span / 2**32
    return min(math.floor(degrees / step), 2**31 - 1) * step


def geohash(lat: float, lon: float, letters: int) -> str:
    """The geohash by halving, longitude and latitude in turns."""
    ends = [[-180.0, 180.0], [-90.0, 90.0]]
    values = (kept(lon, 360.0), kept(lat, 180.0))
    bits = ""
    for number in range(5 * letters):
        end, value = ends[number % 2], values[number % 2]
        middle = (end[0] + end[1]) / 2
        upper = value >= middle
        end[0 if upper else 1] = middle
        bits += "1" if upper else "0"
    return "".join("0123456789bcdefghjkmnpqrstuvwxyz"[int(bits[at : at + 5], 2)] for at in range(0, len(bits), 5))


def tile(lat: float, lon: float, zoom: int) -> str:
    """The tile in the projection of Mercator."""
    count = 2**zoom
    lat, lon = kept(lat, 180.0), kept(lon, 360.0)
    lat = max(-85.0511287798066, min(85.0511287798066, lat))
    x = (lon + 180) / 360 * count
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * count
    # Where a point lies on an edge to the last digit, either tile is right.
    return f"{zoom}/{min(int(x), count - 1)}/{max(0, min(math.floor(y), count - 1))}"


def on_an_edge(lat: float, zoom: int) -> bool:
    lat = max(-85.0511287798066, min(85.0511287798066, kept(lat, 180.0)))
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**zoom
    return abs(y - round(y)) < 1e-5 and 0 < round(y) < 2**zoom


def buckets(store, points: list[list[tuple[float, float]]], aggregation: dict[str, Any]) -> list[tuple[str, int]]:
    with store.write() as writer:
        if any(index.name == "g" for index in writer.indices()):
            writer.delete_index("g")
        writer.create_index("g", mappings={"properties": {"at": {"type": "geo_point"}}})
        written = [[{"lat": lat, "lon": lon} for lat, lon in listed] for listed in points]
        writer.append("g", [{"at": one[0] if len(one) == 1 else one} for one in written])
    with store.read() as reader:
        answer = search(reader, reader.resolve("g"), {"size": 0, "aggs": {"g": aggregation}})
    return [(bucket["key"], bucket["doc_count"]) for bucket in answer["aggregations"]["g"]["buckets"]]


@law(examples=20)
@given(points=documents, letters=st.integers(1, 12))
def test_points_are_counted_by_the_geohash_that_halving_leads_to(store, points, letters):
    cells = Counter(cell for listed in points for cell in {geohash(*point, letters) for point in listed})
    expected = sorted(cells.items(), key=lambda item: (item[1], item[0]), reverse=True)
    assert buckets(store, points, {"geohash_grid": {"field": "at", "precision": letters}}) == expected


@law(examples=20)
@given(points=documents, zoom=st.integers(0, 29))
def test_points_are_counted_by_their_map_tile(store, points, zoom):
    points = [[point for point in listed if not on_an_edge(point[0], min(zoom, 20))] for listed in points]
    zoom = min(zoom, 20)  # finer than that, two ways to compute a row differ in the last digits
    cells = Counter(cell for listed in points for cell in {tile(*point, zoom) for point in listed})
    found = buckets(store, points, {"geotile_grid": {"field": "at", "precision": zoom}})
    assert dict(found) == cells
    counts = [count for _, count in found]
    assert counts == sorted(counts, reverse=True)


def test_a_grid_is_cut_at_its_size_and_pages_by_tiles(store):
    points = [[(0.0, 0.0)], [(0.0, 0.0)], [(50.0, 100.0)], [(-50.0, -100.0)]]
    assert buckets(store, points, {"geotile_grid": {"field": "at", "precision": 1, "size": 1}}) == [("1/1/1", 2)]
    source = {"geotile_grid": {"field": "at", "precision": 1}}
    keys: list[dict[str, str]] = []
    after: dict[str, Any] = {}
    while True:
        composite = {"sources": [{"t": source}], "size": 1, **after}
        page = buckets(store, points, {"composite": composite})
        if not page:
            break
        keys += [key for key, _ in page]
        after = {"after": keys[-1]}
    assert keys == [{"t": "1/0/1"}, {"t": "1/1/0"}, {"t": "1/1/1"}]


@pytest.mark.parametrize(
    ("aggregation", "said"),
    [
        ({"geohash_grid": {"field": "at", "precision": 13}}, "Must be between 1 and 12"),
        ({"geotile_grid": {"field": "at", "precision": 30}}, "Must be between 0 and 29"),
        ({"geohash_grid": {"field": "at", "precision": "1km"}}, "as a distance"),
        ({"geohash_grid": {"field": "at", "bounds": {}}}, "bounds"),
        ({"geohash_grid": {"field": "n"}}, "is not supported for aggregation [geohash_grid]"),
    ],
)
def test_what_makes_no_grid_is_refused(store, aggregation, said):
    with store.write() as writer:
        writer.create_index("x", mappings={"properties": {"at": {"type": "geo_point"}, "n": {"type": "long"}}})
    with store.read() as reader, pytest.raises(QueryError) as refused:
        search(reader, reader.resolve("x"), {"aggs": {"g": aggregation}})
    error = refused.value
    reasons = [str(failure.error) for failure in error.failures] if isinstance(error, SearchPhaseError) else []
    assert said in " ".join([str(error), str(error.cause), *reasons])
