"""Indices, aliases and wildcards."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from judge.cases import Case, Request
from judge.generate.families import case, family
from judge.generate.worlds import index, load

AREA = "indices and aliases"
_PER_BATCH = 8
_SETUP = (
    index("logs-1", {"properties": {"n": {"type": "long"}}}, aliases={"logs": {}, "first": {}}),
    index("logs-2", {"properties": {"n": {"type": "long"}}}, aliases={"logs": {}}),
    index("metrics", {"properties": {"k": {"type": "keyword"}}}),
    index(".hidden", settings={"index": {"hidden": True}}),
    load("logs-1", [{"n": 1}, {"n": 2}]),
    load("logs-2", [{"n": 3}]),
    load("metrics", [{"k": "a"}]),
)
_TARGETS = ["logs-1", "logs", "logs-*", "logs-1,logs-2", "metrics", "*", "_all"]
_ODD_TARGETS = [
    *(
        "nothing",
        "nothing*",
        "logs-1,nothing",
        "*,-logs-1",
        "-logs-1",
        "logs-*,-logs-2",
        ".*",
        ".hidden",
        "*,.hidden",
        "LOGS",
    ),
    *(
        "logs*,nothing",
        "first",
        "l?gs",
        "",
        ",",
        "logs-1,",
        "<logs-{now/d}>",
        "remote:logs",
        "_foo",
        "logs-1,logs-1",
        "..",
        "a%20b",
    ),
]


@family(AREA, ordinary=True)
def looks(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        target = rng.choice(_TARGETS)
        path = rng.choice(
            [
                *(
                    f"/{target}",
                    f"/{target}/_mapping",
                    f"/{target}/_alias",
                    f"/{target}/_count",
                    f"/{target}/_settings",
                ),
                *(
                    "/_alias",
                    "/_alias/logs",
                    "/_alias/l*",
                    f"/{target}/_alias/logs",
                    "/_mapping",
                    f"/{target}/_search?size=0",
                ),
            ]
        )
        yield case(_SETUP, Request(rng.choice(["GET", "GET", "GET", "HEAD"]), path))


@family(AREA, ordinary=True)
def lives_of_indices(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH // 2):
        steps = rng.sample(
            [
                Request("PUT", "/new", {"mappings": {"properties": {"a": {"type": "date"}}}}),
                Request("DELETE", "/metrics"),
                Request("PUT", "/metrics"),
                Request("PUT", "/logs-2/_alias/extra"),
                Request("POST", "/logs-2/_aliases/extra2", {}),
                Request("DELETE", "/logs-1/_alias/first"),
                Request("HEAD", "/metrics"),
                Request(
                    "POST",
                    "/_aliases",
                    {
                        "actions": [
                            {"add": {"index": "metrics", "alias": "m"}},
                            {"remove": {"index": "logs-1", "alias": "logs"}},
                        ]
                    },
                ),
                Request("POST", "/logs-*/_refresh"),
                Request("PUT", "/metrics/_doc/2?refresh=true", {"k": "b"}),
                Request("DELETE", "/logs-1,logs-2"),
                Request("GET", "/_alias"),
                Request("GET", "/logs/_count"),
            ],
            rng.randrange(2, 6),
        )
        yield case(_SETUP, *steps, Request("GET", "/_alias"), changes=True)


@family(AREA, ordinary=False)
def odd_targets(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        target = rng.choice([*_ODD_TARGETS, *_TARGETS[:3]])
        parameter = rng.choice(
            [
                *(
                    "",
                    "",
                    "",
                    "?ignore_unavailable=true",
                    "?allow_no_indices=false",
                    "?expand_wildcards=all",
                    "?expand_wildcards=none",
                ),
                *(
                    "?expand_wildcards=hidden",
                    "?expand_wildcards=open,closed",
                    "?expand_wildcards=foo",
                    "?allow_no_indices=true",
                ),
                *("?ignore_unavailable=true&allow_no_indices=false", "?foo=1", "?ignore_unavailable=x"),
            ]
        )
        path = rng.choice(
            [
                f"/{target}",
                f"/{target}/_mapping",
                f"/{target}/_alias",
                f"/{target}/_count",
                f"/{target}/_search",
                f"/{target}/_settings",
                f"/{target}/_refresh",
            ]
        )
        method = "POST" if path.endswith("_refresh") else rng.choice(["GET", "GET", "GET", "HEAD"])
        yield case(_SETUP, Request(method, path + parameter))


@family(AREA, ordinary=False)
def odd_deletions(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH // 2):
        path = "/" + rng.choice([*_ODD_TARGETS, *_TARGETS])
        if rng.random() < 0.4:
            path += "/_alias/" + rng.choice(["logs", "l*", "nothing", "_all", "first,logs", "logs,nothing", "*"])
        yield case(_SETUP, Request("DELETE", path), Request("GET", "/_alias?expand_wildcards=all"), changes=True)


@family(AREA, ordinary=False)
def odd_aliases(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH // 2):
        action: dict[str, Any] = {
            "index": rng.choice(["logs-1", "logs-*", "nothing", "", None, "logs", "*"]),
            "alias": rng.choice(["a", "metrics", "A", "a*", "", None, "_a", "logs"]),
        }
        for name, values in (
            ("indices", [["logs-1", "metrics"], []]),
            ("aliases", [["b", "c"]]),
            ("must_exist", [True, False]),
            ("filter", [{"term": {"n": 1}}, {"foo": 1}]),
            ("is_write_index", [True]),
            ("is_hidden", [True]),
            ("foo", [1]),
        ):
            if rng.random() < 0.12:
                action[name] = rng.choice(values)
        kind = rng.choice(["add", "add", "remove", "remove_index", "foo"])
        body = rng.choice(
            [{"actions": [{kind: action}]}, {"actions": [{kind: action}]}, {"actions": []}, {}, {"actions": [{}]}]
        )
        request = rng.choice(
            [
                Request("POST", "/_aliases", body),
                Request(
                    "PUT",
                    f"/{rng.choice(_ODD_TARGETS[:8])}/_alias/{rng.choice(['a', 'metrics', 'A', '_a', 'a*', 'a,b'])}",
                ),
                Request(
                    "PUT",
                    "/logs-1/_alias/a",
                    rng.choice([{}, {"filter": {"term": {"n": 1}}}, {"foo": 1}, {"is_write_index": True}]),
                ),
            ]
        )
        yield case(
            _SETUP, request, Request("GET", "/_alias"), Request("POST", "/a/_search", {"sort": ["n"]}), changes=True
        )


@family(AREA, ordinary=False)
def odd_names(rng: Random) -> Iterator[Case]:
    names = [
        "A",
        "_a",
        "-a",
        "+a",
        "a%20b",
        "a,b",
        "a*",
        "a%3Fb",
        "a%22b",
        "a%3Cb",
        "a%7Cb",
        "a%23b",
        "a:b",
        "..",
        ".",
        ".a",
        "ä",
        "x" * 256,
        "a%5Cb",
        "logs",
        "logs-1",
        "%3Ca-%7B2024-05-06%7C%7C%2Fd%7D%3E",
    ]
    for _ in range(_PER_BATCH // 2):
        name = rng.choice(names)
        method, path = rng.choice(
            [
                ("PUT", f"/{name}"),
                ("PUT", f"/{name}/_doc/1"),
                ("POST", f"/{name}/_doc"),
                ("PUT", f"/metrics/_alias/{name}"),
            ]
        )
        body = {"a": 1} if "_doc" in path else None
        yield case(_SETUP, Request(method, path, body), Request("GET", "/_alias?expand_wildcards=all"), changes=True)


@family(AREA, ordinary=True, held_out=True)
def searches_over_targets(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        target = rng.choice([*_TARGETS, "logs-*,metrics", "first,metrics"])
        body = {
            "query": rng.choice([{"match_all": {}}, {"exists": {"field": "n"}}, {"term": {"k": "a"}}]),
            "aggs": {"i": {"terms": {"field": "_index"}}},
        }
        yield case(_SETUP, Request("POST", f"/{target}/_search", body))
