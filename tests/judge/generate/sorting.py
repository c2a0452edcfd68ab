"""Order and paging."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from judge.cases import Case, Request
from judge.generate.families import case, family
from judge.generate.queries import compound
from judge.generate.worlds import edges, logs, several

AREA = "sort and paging"
_PER_WORLD = 12
_SORTABLE = ("keyword", "integer", "long", "double", "float", "boolean", "date", "ip")


@family(AREA, ordinary=True)
def newest_first(rng: Random) -> Iterator[Case]:
    world = rng.choice([logs, several])(rng)
    for _ in range(_PER_WORLD):
        order = rng.choice(["asc", "desc"])
        sort = rng.choice(
            [
                [{"@timestamp": order}],
                [{"@timestamp": {"order": order}}],
                {"@timestamp": order},
                ["@timestamp"],
                [{"@timestamp": {"order": order, "unmapped_type": "boolean"}}],
                [{"@timestamp": {"order": order, "format": "strict_date_optional_time"}}],
            ]
        )
        body = {"sort": sort, "size": rng.choice([5, 10, 100]), "from": rng.choice([0, 0, 5]), "_source": ["host"]}
        yield case(world.setup, world.search(body))


@family(AREA, ordinary=True)
def by_values(rng: Random) -> Iterator[Case]:
    world = rng.choice([logs, logs, several])(rng)
    for _ in range(_PER_WORLD):
        names = rng.sample(world.of(*_SORTABLE), 2)
        sort: list[Any] = [{name: rng.choice(["asc", "desc"])} for name in names]
        if rng.random() < 0.4:
            sort[0] = {names[0]: {"order": rng.choice(["asc", "desc"]), "missing": rng.choice(["_last", "_first"])}}
        body = {"sort": sort, "size": rng.choice([3, 10, 200]), "_source": False, "query": compound(world, rng, 1)}
        yield case(world.setup, world.search(body))


@family(AREA, ordinary=True)
def totals(rng: Random) -> Iterator[Case]:
    world = logs(rng)
    for _ in range(_PER_WORLD):
        body: dict[str, Any] = {"size": 0, "query": compound(world, rng, 1)}
        parameters = rng.choice(["", "", "?rest_total_hits_as_int=true", "?filter_path=hits.total", "?size=0"])
        if "rest_total" not in parameters:
            body["track_total_hits"] = rng.choice([True, False, 10_000, 5])
        yield case(world.setup, world.search(body, parameters))


@family(AREA, ordinary=True, held_out=True)
def pages_after(rng: Random) -> Iterator[Case]:
    world = logs(rng)
    for _ in range(_PER_WORLD):
        after = [rng.randrange(1714953600000, 1715212800000), rng.choice(["web-2", "web-4"])]
        body = {"sort": [{"@timestamp": "asc"}, {"host": "asc"}], "size": 5, "search_after": after, "_source": False}
        yield case(world.setup, world.search(body))


@family(AREA, ordinary=False)
def odd_sorts(rng: Random) -> Iterator[Case]:
    world = edges(rng)
    for _ in range(_PER_WORLD):
        name = rng.choice([*world.fields, "missing", "_score", "_doc", "_id", "_index", "o"])
        options: dict[str, Any] = {
            "order": ["asc", "desc", "DESC", "up", None],
            "missing": ["_first", "_last", 0, "x", "2024-01-01", -5],
            "mode": ["min", "max", "avg", "sum", "median", "foo"],
            "unmapped_type": ["long", "keyword", "date", "foo"],
            "numeric_type": ["long", "double", "date", "date_nanos"],
            "format": ["yyyy", "epoch_second", "strict_date_optional_time_nanos", "nonsense"],
            "nested": [{"path": "o"}],
        }
        chosen = {key: rng.choice(options[key]) for key in rng.sample(sorted(options), rng.randrange(3))}
        sort = rng.choice([[{name: chosen or "asc"}], {name: chosen}, [name], name, [{name: "desc"}], [[name]]])
        yield case(world.setup, world.search({"sort": sort, "size": 100, "_source": False}))


@family(AREA, ordinary=False)
def several_keys(rng: Random) -> Iterator[Case]:
    world = edges(rng)
    for _ in range(_PER_WORLD):
        names = rng.sample([name for name in world.fields if name not in {"g", "t"}], rng.randrange(1, 4))
        sort = [{name: rng.choice(["asc", "desc"])} for name in names]
        body = {"sort": sort, "size": rng.choice([3, 100]), "from": rng.choice([0, 2]), "_source": False}
        yield case(world.setup, world.search(body))


@family(AREA, ordinary=False)
def odd_paging(rng: Random) -> Iterator[Case]:
    world = edges(rng)
    values: list[Any] = [None, -1, 0, 5, "5", 10_001, 10_000, 2.5, "x", True, {}, []]
    for _ in range(_PER_WORLD):
        key = rng.choice(
            ["size", "from", "track_total_hits", "timeout", "terminate_after", "min_score", "search_after"]
        )
        extra = [] if key != "timeout" else ["5s", "1x", "-1"]
        body = {"sort": [{"l": "asc"}], "_source": False, key: rng.choice(values + extra)}
        parameter = rng.choice(["", "", "", f"?size={rng.choice(['5', '-1', 'x', ''])}", "?from=2", "?sort=l:desc"])
        yield case(world.setup, world.search(body, parameter))


@family(AREA, ordinary=False)
def odd_parameters(rng: Random) -> Iterator[Case]:
    world = logs(rng)
    for _ in range(_PER_WORLD):
        parameter = rng.choice(
            [
                *("sort=bytes", "sort=bytes:desc,host:asc", "sort=bytes:up", "sort=", "q=host:web-1", "q=*", "df=host"),
                *("track_total_hits=true", "track_total_hits=3", "track_total_hits=x", "search_type=foo", "timeout=1x"),
                *("search_type=dfs_query_then_fetch", "preference=_local", "routing=x", "request_cache=true", "foo=1"),
                *(
                    "batched_reduce_size=1",
                    "ignore_unavailable=true",
                    "allow_no_indices=false",
                    "expand_wildcards=none",
                ),
                *("expand_wildcards=foo", "typed_keys=true", "version=true", "seq_no_primary_term=true", "pretty"),
                *("explain=true", "stats=a", "scroll=1m", "size=3&from=1", "max_concurrent_shard_requests=0"),
            ]
        )
        body = rng.choice([None, {}, {"size": 100}, {"size": 3, "sort": [{"bytes": "asc"}]}])
        target = rng.choice(["logs", "logs", "log*", "nothing", "nothing*", "logs,nothing", "_all", "*"])
        yield case(world.setup, Request("POST", f"/{target}/_search?{parameter}", body))
