"""Query DSL: filters as people write them, and each clause at its edges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from judge.cases import Case
from judge.generate.families import case, family
from judge.generate.worlds import ZONES, World, edges, iso, logs, moments, several

AREA = "queries"
_PER_WORLD = 12
_NUMBERS = ("integer", "long", "double", "float", "short", "byte", "half_float")


def asked(world: World, query: Any, rng: Random) -> Case:
    """Return the case of one query: its hits, all of them, or their count."""
    if rng.random() < 0.15:
        return case(world.setup, count(world, query))
    return case(world.setup, world.search({"query": query, "size": 200, "_source": False}))


def count(world: World, query: Any) -> Any:
    """Return the request that counts what a query finds."""
    request = world.search({"query": query})
    return type(request)(request.method, request.path.replace("_search", "_count"), request.body)


def value_of(world: World, name: str, rng: Random) -> Any:
    """Return a value that documents have in a field."""
    return rng.choice(world.values.get(name) or ["nothing"])


def term(world: World, rng: Random) -> Any:
    """Return a term or terms clause."""
    name = rng.choice(world.of("keyword", "integer", "long", "boolean", "ip"))
    value = value_of(world, name, rng)
    if rng.random() < 0.4:
        return {"terms": {name: [value_of(world, name, rng) for _ in range(rng.randrange(1, 4))]}}
    return {"term": {name: rng.choice([value, {"value": value}])}}


def number_range(world: World, rng: Random) -> Any:
    """Return a range over numbers."""
    name = rng.choice(world.of(*_NUMBERS))
    bounds = {
        rng.choice(["gte", "gt"]): value_of(world, name, rng),
        rng.choice(["lte", "lt"]): value_of(world, name, rng),
    }
    return {"range": {name: dict(rng.sample(sorted(bounds.items()), rng.randrange(1, 3)))}}


def date_range(world: World, rng: Random) -> Any:
    """Return a range over time, by text, milliseconds or date math."""
    first, last = sorted((moments(rng), moments(rng)))
    form = rng.randrange(6)
    if form == 0:
        bounds: dict[str, Any] = {"gte": int(first.timestamp() * 1000), "lt": int(last.timestamp() * 1000)}
    elif form == 1:
        bounds = {"gte": int(first.timestamp() * 1000), "lte": int(last.timestamp() * 1000), "format": "epoch_millis"}
    elif form == 2:
        unit = rng.choice(["d", "h"])
        bounds = {"gte": f"{first:%Y-%m-%d}||/{unit}", "lt": f"{first:%Y-%m-%d}||+{rng.randrange(1, 40)}h/{unit}"}
    elif form == 3:
        bounds = {"gte": f"{first:%Y-%m-%d}", "lte": f"{last:%Y-%m-%d}", "time_zone": rng.choice(ZONES)}
    elif form == 4:
        bounds = {"gte": f"{first:%Y-%m-%d}", "lt": "now"}
    else:
        bounds = {"gte": iso(first), "lt": iso(last)}
    return {"range": {"@timestamp": bounds}}


def text_search(world: World, rng: Random) -> Any:
    """Return a search for words."""
    name = rng.choice(world.of("text"))
    words = str(value_of(world, name, rng)).split()
    some = " ".join(rng.sample(words, min(len(words), rng.randrange(1, 3)))) or "x"
    return rng.choice(
        [
            {"match": {name: some}},
            {"match": {name: {"query": some, "operator": rng.choice(["and", "or"])}}},
            {"match_phrase": {name: " ".join(words[:2])}},
            {"multi_match": {"query": some, "fields": world.of("text")}},
            {"match": {name: {"query": " ".join(words), "minimum_should_match": rng.choice([1, 2, "75%"])}}},
        ]
    )


def pattern(world: World, rng: Random) -> Any:
    """Return a prefix, wildcard or regexp over keywords."""
    name = rng.choice(world.of("keyword"))
    value = str(value_of(world, name, rng))
    half = value[: max(1, len(value) // 2)]
    return rng.choice(
        [
            {"prefix": {name: half}},
            {"prefix": {name: {"value": half.upper(), "case_insensitive": True}}},
            {"wildcard": {name: {"value": f"{half}*"}}},
            {"wildcard": {name: f"*{value[-1:]}"}},
            {"regexp": {name: f"{half.lower()}.*"} if half.isalnum() else {name: "[a-z]+"}},
        ]
    )


def other(world: World, rng: Random) -> Any:
    """Return a clause without values."""
    name = rng.choice(sorted(world.fields))
    return rng.choice(
        [
            {"exists": {"field": name}},
            {"match_all": {}},
            {"ids": {"values": [str(rng.randrange(40)) for _ in range(3)]}},
            {"bool": {"must_not": [{"exists": {"field": name}}]}},
        ]
    )


_ORDINARY: list[Callable[[World, Random], Any]] = [term, term, number_range, date_range, text_search, pattern, other]


def compound(world: World, rng: Random, depth: int) -> Any:
    """Return a query of clauses in one another."""
    if depth == 0 or rng.random() < 0.2:
        return rng.choice(_ORDINARY)(world, rng)
    parts = {}
    for name in rng.sample(["filter", "must", "must_not", "should"], rng.randrange(1, 4)):
        parts[name] = [compound(world, rng, depth - 1) for _ in range(rng.randrange(1, 3))]
    if "should" in parts and rng.random() < 0.5:
        parts["minimum_should_match"] = 1
    if rng.random() < 0.1:
        return {"constant_score": {"filter": {"bool": parts}}}
    return {"bool": parts}


@family(AREA, ordinary=True)
def single_clauses(rng: Random) -> Iterator[Case]:
    world = rng.choice([logs, logs, several])(rng)
    for _ in range(_PER_WORLD):
        yield asked(world, rng.choice(_ORDINARY)(world, rng), rng)


@family(AREA, ordinary=True)
def filters_of_datafeeds(rng: Random) -> Iterator[Case]:
    world = logs(rng)
    for _ in range(_PER_WORLD):
        clauses = [date_range(world, rng), *(rng.choice(_ORDINARY)(world, rng) for _ in range(rng.randrange(3)))]
        yield asked(world, {"bool": {"filter": clauses}}, rng)


@family(AREA, ordinary=True)
def compound_queries(rng: Random) -> Iterator[Case]:
    world = rng.choice([logs, several, lambda source: logs(source, dynamic=True)])(rng)
    for _ in range(_PER_WORLD):
        yield asked(world, compound(world, rng, 2), rng)


@family(AREA, ordinary=True)
def lucene_syntax(rng: Random) -> Iterator[Case]:
    world = logs(rng)
    for _ in range(_PER_WORLD):
        host, status = value_of(world, "host", rng), value_of(world, "status", rng)
        text = rng.choice(
            [
                f"host:{host}",
                f"status:{status} AND host:{host}",
                "status:[400 TO 599] OR service:cart",
                "NOT ok:true",
                "host:web-* AND NOT status:200",
                "message:timeout",
                f"bytes:>{rng.randrange(50_000)}",
                "_exists_:client",
                '"connection timeout"',
                f"(status:404 OR status:{status}) AND ok:false",
                "*",
            ]
        )
        kind = rng.choice(["query_string", "query_string", "simple_query_string"])
        yield asked(
            world, {kind: {"query": text} | ({"analyze_wildcard": True} if kind == "query_string" else {})}, rng
        )


@family(AREA, ordinary=True, held_out=True)
def saved_searches(rng: Random) -> Iterator[Case]:
    world = rng.choice([logs, several])(rng)
    for _ in range(_PER_WORLD):
        must = [{"match_phrase": {rng.choice(["host", "service"]): value_of(world, "host", rng)}}]
        if rng.random() < 0.5:
            values = [{"match_phrase": {"status": value_of(world, "status", rng)}} for _ in range(2)]
            must.append({"bool": {"should": values, "minimum_should_match": 1}})
        query = {
            "bool": {
                "must": [],
                "filter": [*must, date_range(world, rng)],
                "should": [],
                "must_not": [other(world, rng)],
            }
        }
        yield asked(world, query, rng)


_ODD = [
    *(None, True, False, 0, 1, -1, 2.5, 1e20, -0.0, "", " ", "a", "1", "1.5", "abc", "*", "?", "2024-05-06", "now"),
    *(1714979289000, 1714979289, [], ["a"], {}, {"a": 1}, "10.0.0.0/8", "::1", "true", "TRUE", 9007199254740993),
]


@family(AREA, ordinary=False)
def odd_terms(rng: Random) -> Iterator[Case]:
    world = edges(rng)
    for _ in range(_PER_WORLD):
        name = rng.choice([*world.fields, "missing", "_id", "_index", "o"])
        value = rng.choice([*_ODD, *[value_of(world, name, rng)] * 8])
        clause = rng.choice(
            [
                {"term": {name: value}},
                {
                    "term": {
                        name: {"value": value, rng.choice(["boost", "case_insensitive", "foo"]): rng.choice([2, True])}
                    }
                },
                {"terms": {name: [value, rng.choice(_ODD)]}},
                {"terms": {name: value}},
                {"match": {name: value}},
                {"match_phrase": {name: value}},
                {"prefix": {name: value}},
                {"wildcard": {name: value}},
                {"exists": {"field": name}},
            ]
        )
        yield asked(world, clause, rng)


@family(AREA, ordinary=False)
def odd_ranges(rng: Random) -> Iterator[Case]:
    world = edges(rng)
    for _ in range(_PER_WORLD):
        name = rng.choice([*world.fields, "missing"])
        keys = rng.sample(["gte", "gt", "lte", "lt", "from", "to"], rng.randrange(1, 3))
        bounds = {key: rng.choice([*_ODD, *[value_of(world, name, rng)] * 20]) for key in keys}
        for option, values in (
            ("format", ["epoch_second", "yyyy", "yyyy-MM-dd", "epoch_millis", "nonsense", "strict_date"]),
            ("time_zone", [*ZONES, "Foo", "CET"]),
            ("relation", ["within", "intersects"]),
            ("boost", [2, "x"]),
        ):
            if rng.random() < 0.12:
                bounds[option] = rng.choice(values)
        yield asked(world, {"range": {name: bounds}}, rng)


@family(AREA, ordinary=False)
def date_mathematics(rng: Random) -> Iterator[Case]:
    world = edges(rng)
    for _ in range(_PER_WORLD):
        anchor = rng.choice(["2024-05-06", "2024-05-06T12:30:00Z", "2024-05", "2024", "now", "2024-05-06T12"])
        unit = rng.choice(["y", "M", "w", "d", "h", "H", "m", "s", "x"])
        maths = rng.choice([f"||/{unit}", f"||+1{unit}", f"||-2{unit}/{unit}", f"||+{unit}", "||", "", f"||/{unit}+1h"])
        text = anchor + (maths.replace("||", "") if anchor == "now" else maths)
        key = rng.choice(["gte", "gt", "lte", "lt"])
        body = {key: text} | ({"time_zone": rng.choice(ZONES)} if rng.random() < 0.3 else {})
        yield asked(world, {"range": {rng.choice(["dt", "dt", "dn", "df"]): body}}, rng)


@family(AREA, ordinary=False)
def odd_compounds(rng: Random) -> Iterator[Case]:
    world = edges(rng)
    for _ in range(_PER_WORLD):
        clauses = [{"term": {"l": rng.randrange(3)}}, {"exists": {"field": "k"}}, {"range": {"d": {"gt": 1}}}]
        some = rng.sample(clauses, rng.randrange(4))
        msm = rng.choice([0, 1, 2, 5, -1, "50%", "-50%", "2<75%", "x", None, "100%", 1.5])
        query = rng.choice(
            [
                {"bool": {"should": some, "minimum_should_match": msm}},
                {"bool": {"should": some, "filter": clauses[:1], "minimum_should_match": msm}},
                {"bool": {rng.choice(["must", "filter", "should", "must_not"]): rng.choice([[], {}, None, some, "x"])}},
                {"bool": {"must": some, "boost": rng.choice([2, 0, -1, "2"]), "_name": "q"}},
                {"constant_score": {"filter": rng.choice([*clauses, {}, None, []])}},
                {"dis_max": {"queries": some}},
                {"bool": {"must": {"term": {"l": 1}}, "mustt": []}},
                {"bool": {"adjust_pure_negative": True, "must_not": some}},
                {"boosting": {"positive": clauses[0], "negative": clauses[1], "negative_boost": 0.5}},
                rng.choice(
                    [{}, None, [], {"match_all": {"boost": 1.5}}, {"match_all": []}, {"match_none": {}}, {"foo": {}}]
                ),
                {"term": {"l": 1}, "exists": {"field": "k"}},
                {"nested": {"path": "o", "query": clauses[0]}},
            ]
        )
        yield asked(world, query, rng)


@family(AREA, ordinary=False)
def odd_text(rng: Random) -> Iterator[Case]:
    world = edges(rng)
    words = [
        "fox",
        "Fox",
        "quick brown",
        "brown quick",
        "over",
        "over_it",
        "3.5",
        "3",
        "a.b.c",
        "b",
        "user",
        "example.org",
        "",
    ]
    for _ in range(_PER_WORLD):
        options = {
            "operator": ["AND", "or", "xor"],
            "minimum_should_match": [0, 1, 3, "50%", "-1", "2<50%"],
            "fuzziness": ["AUTO", 1, 5],
            "lenient": [True],
            "zero_terms_query": ["all", "none"],
            "analyzer": ["standard", "keyword", "whitespace", "nope"],
            "slop": [1, 3, -1],
            "boost": [2],
            "max_expansions": [1, 10],
            "auto_generate_synonyms_phrase_query": [False],
        }
        chosen = {key: rng.choice(options[key]) for key in rng.sample(sorted(options), rng.randrange(3))}
        clause = rng.choice(["match", "match", "match_phrase", "match_phrase_prefix", "match_bool_prefix"])
        name = rng.choice(["t", "t", "t", "t.raw", "k", "l", "missing"])
        yield asked(world, {clause: {name: {"query": rng.choice(words), **chosen}}}, rng)


@family(AREA, ordinary=False, held_out=True)
def odd_patterns(rng: Random) -> Iterator[Case]:
    world = edges(rng)
    patterns = [
        "a*",
        "?",
        "*",
        "a?b",
        "\\*",
        "A*",
        "ä",
        "[ab]",
        "a|b",
        ".*",
        "a+",
        "(a",
        "~a",
        "<1-5>",
        "@",
        "",
        "a.b",
        "\\",
    ]
    for _ in range(_PER_WORLD):
        name = rng.choice(["k", "t", "t.raw", "short", "l", "ip", "missing", "al", "b", "dt"])
        options = rng.choice(
            [{}, {}, {"case_insensitive": True}, {"rewrite": "constant_score"}, {"flags": "ALL"}, {"boost": 2}]
        )
        clause = rng.choice(["prefix", "wildcard", "regexp", "regexp", "fuzzy"])
        yield asked(world, {clause: {name: {"value": rng.choice(patterns), **options}}}, rng)
