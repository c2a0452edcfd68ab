"""What comes back of a document: `_source`, `fields`, `docvalue_fields`."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from judge.cases import Case, Request
from judge.generate.families import case, family
from judge.generate.worlds import edges, index, load, logs

AREA = "source and fields"
_PER_WORLD = 12


@family(AREA, ordinary=True)
def source_filters(rng: Random) -> Iterator[Case]:
    world = logs(rng)
    for _ in range(_PER_WORLD):
        names = rng.sample(["host", "status", "message", "@timestamp", "*a*", "client", "nothing"], rng.randrange(1, 4))
        source = rng.choice([True, False, names[0], names, {"includes": names}, {"excludes": names}])
        body = {"size": 3, "sort": [{"@timestamp": "asc"}, {"bytes": "asc"}], "_source": source}
        yield case(world.setup, world.search(body))


@family(AREA, ordinary=True)
def fields_of_datafeeds(rng: Random) -> Iterator[Case]:
    world = logs(rng, dynamic=rng.random() < 0.4)
    for _ in range(_PER_WORLD):
        names = rng.sample([name for name, kind in world.fields.items() if kind != "text"], rng.randrange(1, 5))
        wanted: list[Any] = [
            {"field": "@timestamp", "format": rng.choice(["epoch_millis", "strict_date_optional_time"])},
            *(name for name in names if name != "@timestamp"),
        ]
        kind = rng.choice(["docvalue_fields", "fields"])
        body = {"size": 4, "sort": [{"@timestamp": "asc"}, {"bytes": "asc"}], "_source": False, kind: wanted}
        yield case(world.setup, world.search(body))


_NESTED: list[Any] = [
    {"a": {"b": 1, "c": {"d": "x"}}, "e": [1, 2]},
    {"a": [{"b": 1}, {"b": 2, "c": None}], "e": []},
    {"a.b": 3, "x": {"y": {"z": 1}}},
    {"a": {"b": None}, "x.y.z": 2, "f": None},
    {"a": {}, "x": [], "g": [{"h": [1]}, {"h": [2]}]},
]


@family(AREA, ordinary=False)
def nested_sources(rng: Random) -> Iterator[Case]:
    setup = (index("deep"), load("deep", _NESTED))
    patterns = [
        "a",
        "a.*",
        "a.b",
        "*.b",
        "a.c.d",
        "x",
        "x.y",
        "x.*.z",
        "*",
        "",
        "g.h",
        "e",
        "*e",
        "**",
        "a*",
        ".",
        "a.",
    ]
    for _ in range(_PER_WORLD):
        some = rng.sample(patterns, rng.randrange(1, 3))
        source = rng.choice(
            [
                *(some[0], some, {"includes": some}, {"excludes": some}, {"include": some}, {"exclude": some[0]}),
                {"includes": some, "excludes": rng.sample(patterns, 1)},
                *({}, [], None, 5, "true", "false", {"foo": 1}, [5], {"includes": None}),
            ]
        )
        if rng.random() < 0.25:
            path = f"/deep/_doc/{rng.randrange(5)}"
            key = rng.choice(["_source", "_source_includes", "_source_excludes"])
            yield case(setup, Request("GET", f"{path}?{key}={','.join(some)}"))
        else:
            body = {"size": 10, "sort": ["_doc"], "_source": source}
            yield case(setup, Request("POST", "/deep/_search", body))


@family(AREA, ordinary=False)
def odd_fields(rng: Random) -> Iterator[Case]:
    world = edges(rng)
    for _ in range(_PER_WORLD):
        name = rng.choice([*world.fields, "missing", "o", "o.*", "*", "d*", "_id", "_index", "_source"])
        formats = ["epoch_millis", "yyyy", "strict_date_time", "epoch_second", "0.00", "#", "wkt", "nonsense", "", None]
        wanted = rng.choice(
            [name, name, {"field": name}, {"field": name, "format": rng.choice(formats)}, {"fields": name}, 5]
        )
        kind = rng.choice(["fields", "fields", "docvalue_fields", "stored_fields"])
        body = {"size": 50, "sort": ["_doc"], "_source": False, kind: rng.choice([[wanted], [wanted], wanted])}
        yield case(world.setup, world.search(body))


@family(AREA, ordinary=False, held_out=True)
def hit_metadata(rng: Random) -> Iterator[Case]:
    world = edges(rng)
    for _ in range(_PER_WORLD):
        body: dict[str, Any] = {"size": 5, "sort": ["_doc"], "_source": False}
        for key in rng.sample(["version", "seq_no_primary_term", "explain", "stored_fields", "indices_boost"], 2):
            body[key] = rng.choice([True, False, "true", "_none_", [], None])
        yield case(world.setup, world.search(body))
