"""How well documents match: every clause's score, which the sort values of the hits show."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from judge.cases import Case
from judge.generate.families import case, family
from judge.generate.worlds import World, index, load

AREA = "relevance"
_PER_WORLD = 25
_WORDS = ("disk", "full", "error", "on", "node", "timeout", "of", "request", "slow", "gateway", "disco", "errors")
_HOSTS = ("web-1", "web-2", "db-1", "cache")
_TAGS = ("a", "b", "c", "rare")


def _text(rng: Random, most: int) -> str:
    return " ".join(rng.choice(_WORDS) for _ in range(rng.randrange(1, most)))


def _world(rng: Random) -> World:
    """Return texts of all lengths, and values of other types beside them, some of them missing."""
    mappings = {
        "properties": {
            "n": {"type": "integer"},
            "title": {"type": "text"},
            "body": {"type": "text"},
            "flat": {"type": "text", "norms": False},
            "host": {"type": "keyword"},
            "tag": {"type": "keyword"},
            "up": {"type": "boolean"},
            "took": {"type": "long"},
            "load": {"type": "double"},
            "at": {"type": "date"},
            "place": {"type": "geo_point"},
            "ip": {"type": "ip"},
        }
    }
    documents: list[Any] = []
    for number in range(rng.randrange(1, 60)):
        document: dict[str, Any] = {
            "n": number,
            "title": _text(rng, 6),
            "body": [_text(rng, 10), _text(rng, 4)] if rng.random() < 0.2 else _text(rng, rng.choice([8, 40, 90])),
            "flat": _text(rng, 8),
            "host": rng.choice(_HOSTS),
            "tag": rng.choices(_TAGS, [6, 3, 2, 1], k=rng.randrange(1, 4)),
            "up": rng.random() < 0.7,
            "took": rng.randrange(1, 500),
            "load": round(rng.uniform(0, 4), 3),
            "at": f"2024-05-{rng.randrange(1, 29):02d}T{rng.randrange(24):02d}:00:00Z",
            "place": {"lat": round(rng.uniform(-60, 60), 3), "lon": round(rng.uniform(-170, 170), 3)},
            "ip": f"10.0.0.{rng.randrange(9)}",
        }
        documents.append({key: value for key, value in document.items() if key == "n" or rng.random() < 0.9})
    types = {name: str(found["type"]) for name, found in mappings["properties"].items()}
    return World("docs", (index("docs", mappings), load("docs", documents)), types)


def _boosted(options: dict[str, Any], rng: Random) -> dict[str, Any]:
    return options | ({"boost": rng.choice([0, 0.5, 2, 3.3])} if rng.random() < 0.25 else {})


def _words(rng: Random, most: int = 4) -> str:
    return _text(rng, most + 1)


def _match(rng: Random) -> Any:
    name = rng.choice(["title", "body", "flat"])
    options: dict[str, Any] = {"query": _words(rng)}
    if rng.random() < 0.3:
        options |= rng.choice([{"operator": "and"}, {"minimum_should_match": "60%"}, {"minimum_should_match": 2}])
    return {"match": {name: _boosted(options, rng)}}


def _phrase(rng: Random) -> Any:
    kind = rng.choice(["match_phrase", "match_phrase", "match_phrase_prefix"])
    text = _words(rng, 2)
    return {kind: {rng.choice(["title", "body"]): _boosted({"query": text[:-1] if "prefix" in kind else text}, rng)}}


def _begun(rng: Random) -> Any:
    return {"match_bool_prefix": {rng.choice(["title", "body"]): _boosted({"query": _words(rng, 3)[:-1]}, rng)}}


def _several(rng: Random) -> Any:
    fields = rng.sample(["title", "body", "flat", "host", "title^2", "body^0.5"], rng.randrange(1, 4))
    kind = rng.choice(["best_fields", "most_fields", "phrase", "phrase_prefix", "bool_prefix"])
    options: dict[str, Any] = {"query": _words(rng, 2), "fields": fields, "type": kind}
    if rng.random() < 0.3:
        options["tie_breaker"] = rng.choice([0, 0.3, 1.0])
    if kind == "phrase_prefix":
        options["fields"] = rng.sample(["title", "body", "title^2"], rng.randrange(1, 3))
    return {"multi_match": _boosted(options, rng)}


def _exact(rng: Random) -> Any:
    options: Any = rng.choice(
        [
            ("term", "host", rng.choice(_HOSTS)),
            ("term", "tag", rng.choice(_TAGS)),
            ("term", "up", rng.random() < 0.5),
            ("term", "took", rng.randrange(1, 500)),
            ("term", "ip", f"10.0.0.{rng.randrange(9)}"),
            ("term", "title", rng.choice(_WORDS)),
            ("match", "host", rng.choice(_HOSTS)),
            ("match", "tag", rng.choice(_TAGS)),
            ("match_phrase", "host", rng.choice(_HOSTS)),
            ("prefix", "host", "web"),
            ("prefix", "title", "dis"),
            ("wildcard", "host", "*-1"),
        ]
    )
    kind, name, value = options
    key = "query" if kind.startswith("match") else "value"
    return {kind: {name: _boosted({key: value}, rng)}}


def _constant(rng: Random) -> Any:
    return rng.choice(
        [
            {"match_all": _boosted({}, rng)},
            {"exists": _boosted({"field": rng.choice(["host", "title", "took"])}, rng)},
            {"range": {"took": _boosted({"gte": rng.randrange(500)}, rng)}},
            {"range": {"at": _boosted({"gte": "2024-05-10"}, rng)}},
            {"terms": _boosted({"host": rng.sample(_HOSTS, 2)}, rng)},
            {"terms": {"title": rng.sample(_WORDS, 2)}},
            {"ids": _boosted({"values": [str(rng.randrange(30)) for _ in range(5)]}, rng)},
            {"term": {"host": {"value": "WEB-1", "case_insensitive": True}}},
        ]
    )


def _written(rng: Random) -> Any:
    one, two, three = (rng.choice(_WORDS) for _ in range(3))
    text = rng.choice(
        [
            f"{one} {two}",
            f"{one} AND {two}",
            f"title:{one} OR body:{two}",
            f"+title:{one} {two} -{three}",
            f'"{one} {two}"',
            f"title:{one}^2 body:{two}",
            f"title:({one} {two})^3",
            f"host:web* {one}",
            f"took:[10 TO 200] AND title:{one}",
            "*",
        ]
    )
    fields = rng.choice([["title"], ["title", "body"], ["title^2", "body"], ["title", "host", "flat"]])
    if rng.random() < 0.3:
        simple = rng.choice([f"{one} {two}", f"{one} + {two}", f"{one} | {two}", f'"{one} {two}"', f"{one} -{two}"])
        return {"simple_query_string": _boosted({"query": simple, "fields": fields}, rng)}
    options: dict[str, Any] = {"query": text, "fields": fields}
    if rng.random() < 0.3:
        options |= rng.choice([{"tie_breaker": 0.4}, {"type": "most_fields"}, {"default_operator": "and"}])
    return {"query_string": _boosted(options, rng)}


_LEAVES = (_match, _match, _phrase, _begun, _several, _exact, _exact, _constant, _written)


def _compound(rng: Random, depth: int) -> Any:
    if depth == 0 or rng.random() < 0.3:
        return rng.choice(_LEAVES)(rng)
    kind = rng.random()
    if kind < 0.15:
        return {"constant_score": _boosted({"filter": _compound(rng, depth - 1)}, rng)}
    if kind < 0.3:
        queries = [_compound(rng, depth - 1) for _ in range(rng.randrange(1, 4))]
        options = {"queries": queries} | rng.choice([{}, {"tie_breaker": 0.7}, {"tie_breaker": 1}])
        return {"dis_max": _boosted(options, rng)}
    if kind < 0.38:
        parts = {"positive": _compound(rng, depth - 1), "negative": _compound(rng, depth - 1)}
        return {"boosting": _boosted(parts | {"negative_boost": rng.choice([0, 0.2, 0.5])}, rng)}
    names = rng.sample(["must", "should", "filter", "must_not"], rng.randrange(1, 4))
    bodies = {name: [_compound(rng, depth - 1) for _ in range(rng.randrange(1, 3))] for name in names}
    if "should" in names and rng.random() < 0.3:
        bodies["minimum_should_match"] = rng.choice([1, 2, "50%"])  # type: ignore[assignment]
    return {"bool": _boosted(bodies, rng)}


def _asked(world: World, query: Any, rng: Random) -> Case:
    body: dict[str, Any] = {"query": query, "_source": False, "size": rng.choice([3, 10, 100])}
    form = rng.random()
    if form < 0.7:
        body["sort"] = [{"_score": rng.choice(["desc", "desc", "asc"])}, {"n": "asc"}]
    elif form < 0.8:
        body |= {"sort": [{"n": "asc"}], "track_scores": True}
    if rng.random() < 0.15:
        body["min_score"] = rng.choice([0.2, 0.5, 1, 2.5])
    if rng.random() < 0.1:
        body["aggs"] = {
            "h": {"terms": {"field": "host"}, "aggs": {"best": {"top_hits": {"size": 1, "_source": False}}}}
        }
    return case(world.setup, world.search(body))


@family(AREA, ordinary=True)
def single_clauses(rng: Random) -> Iterator[Case]:
    world = _world(rng)
    for _ in range(_PER_WORLD):
        yield _asked(world, rng.choice(_LEAVES)(rng), rng)


@family(AREA, ordinary=True)
def clauses_together(rng: Random) -> Iterator[Case]:
    world = _world(rng)
    for _ in range(_PER_WORLD):
        yield _asked(world, _compound(rng, 2), rng)


@family(AREA, ordinary=True)
def intervals(rng: Random) -> Iterator[Case]:
    world = _world(rng)
    for _ in range(_PER_WORLD):
        words = {"query": _words(rng, 3), "ordered": rng.random() < 0.5, "max_gaps": rng.choice([-1, 0, 2])}
        other = {"query": _words(rng, 2), "ordered": rng.random() < 0.5}
        rule = rng.choice(
            [
                {"match": words},
                {"prefix": {"prefix": "dis"}},
                {"all_of": {"intervals": [{"match": words}, {"match": other}], "ordered": rng.random() < 0.5}},
            ]
        )
        yield _asked(world, {"intervals": {rng.choice(["title", "body"]): _boosted(rule, rng)}}, rng)


def _function(rng: Random) -> dict[str, Any]:
    number = rng.choice(["took", "load"])
    factor: dict[str, Any] = {"field": number, "factor": rng.choice([1, 0.1, 3]), "missing": 1}
    modifiers = ["none", "log1p", "log2p", "ln1p", "ln2p", "square", "sqrt"]
    functions: list[dict[str, Any]] = [
        {"field_value_factor": factor | {"modifier": rng.choice(modifiers)}},
        {"gauss": {number: {"origin": 2, "scale": rng.choice([1, 50]), "offset": rng.choice([0, 5])}}},
        {"exp": {number: {"origin": 100, "scale": 30, "decay": 0.3}}},
        {"linear": {number: {"origin": 0, "scale": 200}}},
        {"gauss": {"at": {"origin": "2024-05-10", "scale": "5d", "offset": "1d", "decay": 0.4}}},
        {"exp": {"at": {"origin": "2024-05-20T00:00:00Z", "scale": "48h"}}},
        {"linear": {"at": {"origin": "2024-05-01", "scale": "10d"}}},
        {},
    ]
    function = rng.choice(functions)
    if not function or rng.random() < 0.4:
        function = function | {"weight": rng.choice([0.5, 2, 7.7])}
    return function


@family(AREA, ordinary=True)
def functions(rng: Random) -> Iterator[Case]:
    world = _world(rng)
    for _ in range(_PER_WORLD):
        listed = [_function(rng) for _ in range(rng.randrange(1, 4))]
        for each in listed:
            if rng.random() < 0.5:
                each["filter"] = _compound(rng, 0)
        body: dict[str, Any] = {"query": _compound(rng, 1), "functions": listed}
        modes = ["multiply", "sum", "avg", "max", "min"]
        if rng.random() < 0.6:
            body["score_mode"] = rng.choice([*modes, "first"])
        if rng.random() < 0.6:
            body["boost_mode"] = rng.choice([*modes, "replace"])
        if rng.random() < 0.3:
            body["max_boost"] = rng.choice([1, 3.5])
        yield _asked(world, {"function_score": _boosted(body, rng)}, rng)


@family(AREA, ordinary=True)
def second_looks(rng: Random) -> Iterator[Case]:
    world = _world(rng)
    for _ in range(_PER_WORLD):
        looks = []
        for _ in range(rng.randrange(1, 3)):
            query: dict[str, Any] = {"rescore_query": _compound(rng, 1)}
            if rng.random() < 0.5:
                query |= {"query_weight": rng.choice([0.5, 2]), "rescore_query_weight": rng.choice([0.3, 4])}
            if rng.random() < 0.5:
                query["score_mode"] = rng.choice(["total", "multiply", "avg", "max", "min"])
            looks.append({"window_size": rng.choice([3, 20, 100]), "query": query})
        # All hits, whose scores are compared apart from their order.
        body = {"query": _compound(rng, 1), "rescore": rng.choice([looks, looks[0]]), "_source": False, "size": 100}
        yield case(world.setup, world.search(body))


def _edge(rng: Random) -> dict[str, Any]:
    """Return a search with one thing at the edge of what a score can be asked for, or beyond."""
    match = {"match": {"title": {"query": "disk", "boost": rng.choice([-1, 0, "2", "x", 1e38, None])}}}
    factor = {"field": rng.choice(["took", "gone", "host"]), "factor": rng.choice([1, -1, "x"])}
    factor |= rng.choice([{}, {"missing": -3}, {"missing": 1, "modifier": "cube"}, {"missing": 0, "modifier": "log"}])
    decay = {"origin": rng.choice([2, "now"]), "scale": rng.choice([0, -1, 1, "5d"]), "decay": rng.choice([0, 0.5, 1])}
    looked: dict[str, Any] = {
        "window_size": rng.choice([-1, 0, 20_000]),
        "query": {"rescore_query": {"match": {"title": "full"}}},
    }
    positive, negative = {"match_all": {}}, {"term": {"host": "db-1"}}
    return rng.choice(
        [
            {"query": match},
            {"query": {"function_score": {"functions": [{"field_value_factor": factor}]}}},
            {"query": {"function_score": {"gauss": {rng.choice(["took", "gone", "title"]): decay}}}},
            {"query": {"function_score": {"weight": rng.choice([-1, "x"]), "functions": []}}},
            {"query": {"function_score": {"functions": [{"weight": 2}], "score_mode": rng.choice(["median", 1])}}},
            {"query": {"function_score": {"functions": [{"weight": 2, "wait": 3}]}}},
            {"query": {"boosting": {"positive": positive, "negative": negative}}},
            {"query": {"boosting": {"positive": positive, "negative": negative, "negative_boost": -1}}},
            {"query": {"dis_max": rng.choice([{"queries": []}, {"tie_breaker": 0.3}, {"queries": [match, positive]}])}},
            {"query": {"constant_score": rng.choice([{}, {"filter": positive, "boost": "a"}, {"query": positive}])}},
            {"query": positive, "min_score": rng.choice(["x", "1", -1, None])},
            {"query": positive, "rescore": looked},
            {"query": positive, "rescore": {"window_size": 5}},
            {"query": positive, "rescore": looked | {"window_size": 5}, "sort": [{"n": "asc"}]},
            {"query": positive, "track_scores": rng.choice(["yes", 1])},
        ]
    )


@family(AREA, ordinary=False)
def edges_of_scores(rng: Random) -> Iterator[Case]:
    world = _world(rng)
    for _ in range(_PER_WORLD):
        yield case(world.setup, world.search(_edge(rng) | {"_source": False, "size": 100}))
