"""Aggregations: as dashboards and datafeeds ask them, random trees, and each option at its edges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from judge.cases import Case
from judge.generate.families import case, family
from judge.generate.queries import compound
from judge.generate.worlds import START, ZONES, World, edges, logs, moments, several

AREA = "aggregations"
_PER_WORLD = 12
_MEASURES = ("integer", "long", "double", "float")


def asked(world: World, aggs: Any, query: Any = None, parameters: str = "") -> Case:
    """Return the case of one search for aggregations alone."""
    body = {"size": 0, "aggs": aggs} | ({"query": query} if query is not None else {})
    return case(world.setup, world.search(body, parameters))


def metric(world: World, rng: Random) -> Any:
    """Return a metric of a field that has it."""
    kind = rng.choice(
        ["avg", "min", "max", "sum", "stats", "value_count", "cardinality", "percentiles", "extended_stats"]
    )
    every = (*_MEASURES, "keyword", "date", "ip", "boolean") if kind in {"value_count", "cardinality"} else _MEASURES
    body: dict[str, Any] = {"field": rng.choice(world.of(*every))}
    if kind == "percentiles" and rng.random() < 0.5:
        body["percents"] = rng.choice([[50], [50, 95, 99], [1, 99.9]])
    if kind in {"min", "max"} and rng.random() < 0.3:
        body["field"] = rng.choice(world.of("date"))
    return {kind: body}


def histogram_of_dates(world: World, rng: Random) -> Any:
    """Return a date histogram as dashboards ask for it."""
    body: dict[str, Any] = {"field": "@timestamp"}
    if rng.random() < 0.6:
        body["fixed_interval"] = rng.choice(["15m", "30m", "1h", "3h", "12h", "1d", "5400s"])
    else:
        body["calendar_interval"] = rng.choice(["hour", "1h", "day", "1d", "week", "month", "1M", "quarter", "year"])
    if rng.random() < 0.35:
        body["time_zone"] = rng.choice(ZONES)
    if rng.random() < 0.4:
        body["min_doc_count"] = rng.choice([0, 1])
    if rng.random() < 0.2 and "calendar_interval" not in body:
        first = int(START.timestamp() * 1000) - 3_600_000
        body["extended_bounds"] = {"min": first, "max": first + 80 * 3_600_000}
    if rng.random() < 0.15:
        body["format"] = rng.choice(["yyyy-MM-dd", "epoch_millis", "yyyy-MM-dd'T'HH:mm", "HH:mm"])
    return {"date_histogram": body}


def terms(world: World, rng: Random) -> Any:
    """Return a terms aggregation."""
    body: dict[str, Any] = {"field": rng.choice(world.of("keyword", "integer", "boolean", "ip", "long"))}
    if rng.random() < 0.6:
        body["size"] = rng.choice([1, 3, 5, 100])
    if rng.random() < 0.3:
        body["order"] = rng.choice(
            [{"_key": "asc"}, {"_key": "desc"}, {"_count": "asc"}, [{"_count": "desc"}, {"_key": "asc"}]]
        )
    if rng.random() < 0.15:
        body["missing"] = "N/A" if world.fields[body["field"]] == "keyword" else None
        if body["missing"] is None:
            del body["missing"]
    if rng.random() < 0.15:
        body["min_doc_count"] = rng.choice([1, 2, 5])
    return {"terms": body}


def ranges(world: World, rng: Random) -> Any:
    """Return ranges of numbers or dates."""
    if rng.random() < 0.3:
        day = f"{START:%Y-%m-%d}"
        some = [
            {"to": f"{day}||+1d"},
            {"from": f"{day}||+1d", "to": f"{day}||+2d"},
            {"from": f"{day}||+2d", "key": "last"},
        ]
        return {"date_range": {"field": "@timestamp", "ranges": rng.sample(some, rng.randrange(1, 4))}}
    name = rng.choice(world.of(*_MEASURES))
    some = [{"to": 10}, {"from": 10, "to": 400}, {"from": 400}, {"from": 5, "to": 300.5, "key": "some"}]
    body = {"field": name, "ranges": rng.sample(some, rng.randrange(1, 5))}
    return {"range": body | ({"keyed": True} if rng.random() < 0.2 else {})}


def filtered(world: World, rng: Random) -> Any:
    """Return filters."""
    some = [compound(world, rng, 1) for _ in range(rng.randrange(1, 4))]
    return rng.choice(
        [
            {"filter": some[0]},
            {"filters": {"filters": {f"f{n}": query for n, query in enumerate(some)}}},
            {"filters": {"filters": some}},
            {"filters": {"other_bucket": True, "filters": {"errors": some[0]}}},
            {"missing": {"field": rng.choice(world.of("keyword", "integer", "ip", "double"))}},
            {"global": {}},
        ]
    )


def histogram(world: World, rng: Random) -> Any:
    """Return a histogram of numbers."""
    body = {"field": rng.choice(world.of(*_MEASURES)), "interval": rng.choice([50, 1000, 2.5])}
    return {"histogram": body | ({"min_doc_count": 1} if rng.random() < 0.8 else {"interval": 5000})}


_BUCKETS: list[Callable[[World, Random], Any]] = [
    *(histogram_of_dates, histogram_of_dates, terms, terms, ranges, filtered, histogram),
]


def tree(world: World, rng: Random, depth: int) -> Any:
    """Return aggregations in one another."""
    found = {}
    for number in range(rng.randrange(1, 3)):
        if depth == 0 or rng.random() < 0.25:
            found[f"m{number}"] = metric(world, rng)
            continue
        bucket = rng.choice(_BUCKETS)(world, rng)
        if "global" not in bucket and rng.random() < 0.8:
            bucket["aggs"] = tree(world, rng, depth - 1)
        if "global" not in bucket or depth == 2:
            found[f"b{number}"] = bucket
    return found or {"m": metric(world, rng)}


@family(AREA, ordinary=True)
def single_aggregations(rng: Random) -> Iterator[Case]:
    world = rng.choice([logs, logs, several])(rng)
    for _ in range(_PER_WORLD):
        yield asked(world, {"a": rng.choice([metric, *_BUCKETS])(world, rng)})


@family(AREA, ordinary=True)
def dashboards(rng: Random) -> Iterator[Case]:
    world = logs(rng, dynamic=rng.random() < 0.3)
    for _ in range(_PER_WORLD):
        inner = {"1": metric(world, rng), "2": metric(world, rng)}
        split = terms(world, rng)
        outer = histogram_of_dates(world, rng)
        if rng.random() < 0.5:
            split["aggs"] = {"0": outer | {"aggs": inner}}
            aggs = {"0": split}
        else:
            aggs = {"0": outer | {"aggs": {"split": split | {"aggs": inner}}}}
        yield asked(world, aggs, compound(world, rng, 1), rng.choice(["", "", "?typed_keys=true"]))


@family(AREA, ordinary=True)
def top_by_metric(rng: Random) -> Iterator[Case]:
    world = logs(rng)
    for _ in range(_PER_WORLD):
        kind = rng.choice(["avg", "max", "sum", "cardinality"])
        body = {"field": rng.choice(["host", "service"]), "order": {"m": rng.choice(["asc", "desc"])}, "size": 3}
        aggs = {"a": {"terms": body, "aggs": {"m": {kind: {"field": rng.choice(["bytes", "latency", "status"])}}}}}
        yield asked(world, aggs)


@family(AREA, ordinary=True)
def datafeeds(rng: Random) -> Iterator[Case]:
    world = rng.choice([logs, several])(rng)
    for _ in range(_PER_WORLD):
        inner: dict[str, Any] = {"time": {"max": {"field": "@timestamp"}}, "value": metric(world, rng)}
        if rng.random() < 0.5:
            inner["split"] = {"terms": {"field": "host", "size": 50}, "aggs": {"value": metric(world, rng)}}
            del inner["value"]
        if rng.random() < 0.5:
            body: Any = {"date_histogram": {"field": "@timestamp", "fixed_interval": rng.choice(["15m", "1h"])}}
        else:
            sources = [{"date": {"date_histogram": {"field": "@timestamp", "fixed_interval": "1h"}}}]
            sources += [{"host": {"terms": {"field": "host"}}}] if rng.random() < 0.7 else []
            body = {"composite": {"size": rng.choice([10, 100, 1000]), "sources": sources}}
        yield asked(world, {"buckets": body | {"aggs": inner}})


@family(AREA, ordinary=True, held_out=True)
def random_trees(rng: Random) -> Iterator[Case]:
    world = rng.choice([logs, several])(rng)
    for _ in range(_PER_WORLD):
        yield asked(world, tree(world, rng, 3), compound(world, rng, 1))


@family(AREA, ordinary=True)
def latest_documents(rng: Random) -> Iterator[Case]:
    world = logs(rng)
    for _ in range(_PER_WORLD):
        hits = {
            "size": rng.choice([1, 2]),
            "sort": [{"@timestamp": "desc"}, {"bytes": "asc"}],
            "_source": ["host", "status"],
        }
        yield asked(world, {"a": terms(world, rng) | {"aggs": {"latest": {"top_hits": hits}}}})


def _with_options(rng: Random, body: dict[str, Any], options: dict[str, list[Any]], most: int = 2) -> dict[str, Any]:
    return body | {name: rng.choice(options[name]) for name in rng.sample(sorted(options), rng.randrange(most + 1))}


@family(AREA, ordinary=False)
def odd_metrics(rng: Random) -> Iterator[Case]:
    world = edges(rng)
    kinds = [
        *("avg", "min", "max", "sum", "stats", "value_count", "cardinality", "percentiles", "extended_stats"),
        *("percentile_ranks", "median_absolute_deviation", "weighted_avg", "geo_bounds", "geo_centroid"),
    ]
    options = {
        "missing": [0, 1.5, "7", "x", "2024-01-01", None, True],
        "format": ["0.0", "yyyy", "epoch_second", "nonsense", "#,##0.00"],
        "keyed": [True, False],
        "percents": [[50], [50, 50], [0, 100], [], ["50"], [101], 50],
        "precision_threshold": [100, 0, -1, "10"],
        "sigma": [1, -1],
        "values": [[1, 5]],
        "tdigest": [{"compression": 200}],
        "foo": [1],
    }
    for _ in range(_PER_WORLD):
        name = rng.choice([*world.fields, "missing", "_id", "o"])
        yield asked(world, {"a": {rng.choice(kinds): _with_options(rng, {"field": name}, options)}})


@family(AREA, ordinary=False)
def odd_terms(rng: Random) -> Iterator[Case]:
    world = edges(rng)
    options: dict[str, list[Any]] = {
        "size": [0, 1, 2, 1000, -1, "5", None],
        "shard_size": [1, 100],
        "min_doc_count": [0, 1, 2, -1],
        "order": [
            {"_key": "asc"},
            {"_term": "asc"},
            {"_count": "asc", "_key": "asc"},
            [],
            {"m": "asc"},
            {"_key": "up"},
        ],
        "missing": ["N/A", 5, "77", True, "2024-01-01", "a"],
        "include": ["a.*", ["a", "b"], "^a", "(", [1, 2], {"partition": 0, "num_partitions": 2}, ""],
        "exclude": ["b", ["a"], ".*"],
        "execution_hint": ["map", "global_ordinals", "foo"],
        "collect_mode": ["breadth_first", "depth_first", "foo"],
        "value_type": ["long", "string", "foo"],
        "format": ["0.0", "yyyy"],
        "show_term_doc_count_error": [True],
    }
    for _ in range(_PER_WORLD):
        name = rng.choice([*world.fields, "missing", "_id", "_index", "o"])
        body = {"terms": _with_options(rng, {"field": name}, options)}
        if body["terms"].get("order") == {"m": "asc"}:
            body["aggs"] = {"m": {"max": {"field": rng.choice(["l", "d", "missing"])}}}
        yield asked(world, {"a": body})


@family(AREA, ordinary=False)
def odd_histograms_of_dates(rng: Random) -> Iterator[Case]:
    world = edges(rng)
    options: dict[str, list[Any]] = {
        "time_zone": [*ZONES, "Foo", "UTC+2", 2, "+25:00", "CET", "Z"],
        "offset": ["+6h", "-1d", "30m", "x", 3600000, "+1M"],
        "format": ["yyyy-MM-dd", "epoch_second", "EEE", "year", "nonsense", "dd/MMM/yyyy:HH:mm:ss Z", "e w"],
        "min_doc_count": [0, 1, 2, -1],
        "order": [{"_key": "desc"}, {"_count": "asc"}, {"x": "asc"}],
        "keyed": [True],
        "missing": ["2024-05-05", 1714979289000, "x", 0],
        "extended_bounds": [{"min": "2024-05-04", "max": "2024-05-08"}, {"min": 2, "max": 1}, {"min": "2024-05-08"}],
        "hard_bounds": [{"min": "2024-05-06", "max": "2024-05-06T12:00:00Z"}, {"max": "2024-05-06"}],
        "foo": [1],
    }
    for _ in range(_PER_WORLD):
        name = rng.choice(["dt", "dt", "dt", "df", "dn", "missing", "l", "k", "al"])
        unit = rng.choice(["fixed_interval", "calendar_interval", "calendar_interval", "interval"])
        length = rng.choice(
            ["1d", "day", "1h", "12h", "month", "1M", "quarter", "year", "1y", "week", "2d", "second", "0s", "x"]
        )
        body = _with_options(rng, {"field": name, unit: length, "min_doc_count": 1}, options)
        yield asked(world, {"a": {"date_histogram": body}})


@family(AREA, ordinary=False)
def odd_ranges(rng: Random) -> Iterator[Case]:
    world = edges(rng)
    bounds: list[Any] = [0, 1.5, -5, 10, "10", "abc", "2024-05-06", "2024-05-06||+1d", "now", None, 1e300, "NaN", True]
    for _ in range(_PER_WORLD):
        kind = rng.choice(["range", "range", "date_range", "date_range", "ip_range", "histogram"])
        preferred = {"date_range": ["dt", "dt", "df", "de"], "ip_range": ["ip"]}.get(kind, ["l", "d", "i", "f"])
        name = rng.choice([*preferred * 4, *world.fields, "missing"])
        some = [
            {key: rng.choice(bounds) for key in rng.sample(["from", "to", "key"], rng.randrange(1, 3))}
            for _ in range(rng.randrange(1, 4))
        ]
        options: dict[str, list[Any]] = {
            "keyed": [True, False],
            "missing": [5, "2024-05-06", "x"],
            "format": ["yyyy-MM-dd", "0.0", "epoch_second"],
            "time_zone": ZONES if kind == "date_range" else ["UTC"],
        }
        body: dict[str, Any] = {"field": name, "ranges": some}
        if kind == "ip_range":
            body["ranges"] = rng.choice([[{"mask": "10.0.0.0/24"}], [{"to": "10.0.0.10"}, {"from": "10.0.0.10"}], some])
        if kind == "histogram":
            options |= {
                "offset": [1, "x"],
                "min_doc_count": [0, 1],
                "extended_bounds": [{"min": -10, "max": 20}],
                "order": [{"_key": "desc"}],
            }
            body = {
                "field": rng.choice(["l", "i", "f", "k", "missing", "s"]),
                "interval": rng.choice([1e9, "1000000000", 0, -1, 1e8]),
            }
        yield asked(world, {"a": {kind: _with_options(rng, body, options, 1)}})


@family(AREA, ordinary=False)
def odd_bodies(rng: Random) -> Iterator[Case]:
    world = edges(rng)
    one = {"max": {"field": "l"}}
    for _ in range(_PER_WORLD):
        aggs = rng.choice(
            [
                *({}, None, [], {"a": {}}, {"a": None}, {"a": {"max": {}}}, {"a": {"max": None}}, {"a": {"foo": {}}}),
                *({"a>b": one}, {"a[b": one}, {"": one}, {"a b": one}, {"a": {**one, "min": {"field": "l"}}}),
                *({"a": {**one, "aggs": {"b": one}}}, {"a": {**one, "meta": {"x": 1}}}, {"a": {**one, "aggs": {}}}),
                {"a": {"filter": {"term": {"l": 1}}, "aggregations": {"b": one}}},
                {"a": {"filters": {"filters": rng.choice([{}, [], {"x": {}}, [{"match_all": {}}], None])}}},
                {"a": {"filters": {"filters": [{"match_all": {}}, {"term": {"k": "a"}}], "other_bucket_key": "o"}}},
                {"a": {"filters": {"keyed": False, "filters": {"z": {"match_all": {}}, "y": {"term": {"k": "a"}}}}}},
                {"a": {"composite": {"sources": rng.choice([[], [{"k": {"terms": {"field": "k"}}}], None])}}},
                {
                    "a": {
                        "composite": {
                            "sources": [{"k": {"terms": {"field": "k", "order": "desc", "missing_bucket": True}}}]
                        }
                    }
                },
                {
                    "a": {
                        "composite": {
                            "size": 2,
                            "sources": [{"l": {"histogram": {"field": "l", "interval": 5}}}],
                            "after": {"l": 0},
                        }
                    }
                },
                {"a": {"significant_terms": {"field": "k"}}},
                {"a": {"missing": {"field": rng.choice(["k", "missing", "o", "t"])}}},
                {"a": {"nested": {"path": "o"}}},
                {"a": {"rare_terms": {"field": "k"}}},
                {"a": {"sampler": {"shard_size": 100}, "aggs": {"b": one}}},
                {"a": {"top_hits": {"size": 1, "sort": ["_doc"], "_source": False}}},
                {"a": {"variable_width_histogram": {"field": "l", "buckets": 2}}},
            ]
        )
        yield asked(world, aggs)


@family(AREA, ordinary=False, held_out=True)
def odd_trees(rng: Random) -> Iterator[Case]:
    world = edges(rng)
    for _ in range(_PER_WORLD):
        leaf = {rng.choice(["max", "sum", "avg", "value_count"]): {"field": rng.choice(["l", "d", "f", "i", "dt"])}}
        outer = {rng.choice(["k", "kn", "b", "short", "ip"])}
        found: Any = {
            "terms": {"field": outer.pop(), "missing": rng.choice(["0", "true", "::"]), "size": 3},
            "aggs": {"m": leaf},
        }
        if rng.random() < 0.5:
            found = {"filter": compound(logs_like(world), rng, 1), "aggs": {"in": found}}
        if rng.random() < 0.5:
            interval = {"field": "dt", "calendar_interval": "day", "time_zone": rng.choice(ZONES), "min_doc_count": 1}
            found = {"date_histogram": interval, "aggs": {"in": found}}
        first = f"{moments(rng):%Y-%m-%d}"
        yield asked(world, {"a": found}, {"range": {"dt": {"gte": f"{first}||-5y", "time_zone": "Europe/Berlin"}}})


def logs_like(world: World) -> World:
    """Return a world of edges with the names that ordinary clauses ask for."""
    fields = {name: kind for name, kind in world.fields.items() if name in {"k", "l", "t", "d", "b"}}
    return World(world.target, world.setup, fields | {"@timestamp": "date"}, world.values)
