"""Values of every JSON type in fields of every type: taken or refused, and what is found of them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from judge.cases import Case, Request
from judge.generate.families import case, family
from judge.generate.worlds import index

AREA = "field types"
_PER_BATCH = 6
_ORDINARY: dict[str, list[Any]] = {
    "keyword": ["a", "web-1", "Ä b", "", ["a", "b"], 5, True, None],
    "text": ["some words here", "", ["one", "two"], 7, None],
    "long": [0, 1, -5, 1714979289000, 9007199254740993, "12", [1, 2, 2], None],
    "integer": [0, 404, -1, "500", [3, 1], 2147483647],
    "short": [1, 32767, -3],
    "byte": [1, 127, -128],
    "double": [0.1, 1, -2.5, 1e10, "3.25", [1.5, 0.5]],
    "float": [30.76, 1.1, 0.3, 5, 16777217],
    "half_float": [1.1, 0.5, 100],
    "boolean": [True, False, "true", "false", [True, False]],
    "date": ["2024-05-06T12:30:00Z", "2024-05-06", 1714979289000, "2024-05-06T12:30:00.123+02:00", "1714979289000"],
    "date_nanos": ["2024-05-06T12:30:00.123456789Z", "2024-05-06T12:30:00Z", 1714979289000],
    "ip": ["10.0.0.1", "192.168.1.20", "2001:db8::1", "::1"],
    "geo_point": [
        "41.12,-71.34",
        {"lat": 41.12, "lon": -71.34},
        [-71.34, 41.12],
        {"type": "Point", "coordinates": [1, 2]},
    ],
    "binary": ["aGVsbG8="],
    "object": [{"a": 1}, {"a": {"b": "x"}}, {}],
    "flattened": [{"a": "x", "b": {"c": 1}}],
    "nested": [{"a": 1}, [{"a": 1}, {"a": 2}]],
    "integer_range": [{"gte": 1, "lte": 5}],
    "date_range": [{"gte": "2024-05-06", "lt": "2024-05-07"}],
}
_ODD: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -0.0,
        1,
        -1,
        1.0,
        1.5,
        1e20,
        1e400,
        -1e400,
        2**31,
        -(2**31) - 1,
        2**63,
        2**64,
        32768,
        128,
        3.5e38,
    ),
    *("", " ", "a", "1", "1.5", " 1", "1e3", "NaN", "Infinity", "true", "TRUE", "yes", "0", "null", "x" * 300),
    *([], [[]], [None], [1, None, 2], [[1, 2], [3]], ["a", 1], [True, "true"], {}, {"a": 1}, [{}], [{"a": 1}, 2]),
    *(
        "2024",
        "2024-05",
        "2024-05-06T12",
        "2024-13-01",
        "now",
        "1969-12-31",
        "2300-01-01",
        "20240506",
        1704067200.5,
        -1,
    ),
    *(
        "10.0.0.1",
        "10.0.0.256",
        "::ffff:10.0.0.1",
        "10.0.0.0/8",
        "1.2",
        "91,0",
        "45,181",
        [1, 2],
        [1, 2, 3],
        {"lat": 1},
    ),
    *(
        {"lat": "1", "lon": "2"},
        {"lat": 91, "lon": 0},
        "POINT (1 2)",
        "drm3btev3e86",
        [{"lat": 1, "lon": 2}],
        "aGVsbG8",
    ),
    *({"gte": 1}, {"gt": 5, "lt": 1}, {"lat": None, "lon": 1}, {"coordinates": [1, 2]}, [[1, 2], [3, 4]], "9" * 25),
]


def asked(mapping: dict[str, Any], value: Any) -> Case:
    """Return the case of one document: whether it is taken, and how it is found, ordered and shown."""
    name = "f"
    steps = [
        Request("PUT", "/i/_doc/1?refresh=true", {name: value}),
        Request("POST", "/i/_count", {"query": {"exists": {"field": name}}}),
        Request("POST", "/i/_search", {"fields": [name], "_source": True}),
    ]
    kind = mapping.get("type", "object")
    if kind not in {"text", "object", "geo_point", "binary", "nested", "integer_range", "date_range"}:
        steps.append(Request("POST", "/i/_search", {"size": 0, "aggs": {"t": {"terms": {"field": name}}}}))
        steps.append(Request("POST", "/i/_search", {"sort": [{name: "asc"}], "_source": False}))
        steps.append(Request("POST", "/i/_search", {"docvalue_fields": [name], "_source": False}))
    return case((index("i", {"properties": {name: mapping}}),), *steps, changes=True)


@family(AREA, ordinary=True)
def usual_values(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        kind = rng.choice(sorted(_ORDINARY))
        yield asked({"type": kind}, rng.choice(_ORDINARY[kind]))


@family(AREA, ordinary=True)
def whole_documents(rng: Random) -> Iterator[Case]:
    kinds = [kind for kind in sorted(_ORDINARY) if kind not in {"nested", "integer_range", "date_range", "flattened"}]
    for _ in range(_PER_BATCH):
        chosen = rng.sample(kinds, 5)
        setup = (index("i", {"properties": {f"f_{kind}": {"type": kind} for kind in chosen}}),)
        document = {f"f_{kind}": rng.choice(_ORDINARY[kind]) for kind in chosen if rng.random() < 0.9}
        fields = [f"f_{kind}" for kind in chosen if kind not in {"object", "binary"}]
        yield case(
            setup,
            Request("POST", "/i/_bulk?refresh=true", lines=[{"index": {"_id": "1"}}, document]),
            Request("GET", "/i/_doc/1"),
            Request("POST", "/i/_search", {"fields": fields}),
            Request("GET", "/i/_mapping"),
            changes=True,
        )


@family(AREA, ordinary=False)
def odd_values(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        kind = rng.choice([kind for kind in sorted(_ORDINARY) if not kind.endswith("_range")])
        yield asked({"type": kind}, rng.choice(_ODD))


@family(AREA, ordinary=False)
def odd_values_of_numbers_and_dates(rng: Random) -> Iterator[Case]:
    kinds = [
        "long",
        "integer",
        "short",
        "byte",
        "double",
        "float",
        "half_float",
        "boolean",
        "date",
        "date_nanos",
        "ip",
        "geo_point",
    ]
    for _ in range(_PER_BATCH):
        yield asked({"type": rng.choice(kinds)}, rng.choice(_ODD))


@family(AREA, ordinary=False, held_out=True)
def values_of_other_types(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        kind, other = rng.sample([kind for kind in sorted(_ORDINARY) if not kind.endswith("_range")], 2)
        value = rng.choice(_ORDINARY[other])
        yield asked({"type": kind}, rng.choice([value, [value], [value, rng.choice(_ORDINARY[kind])]]))
