"""Single documents: index, get, update, delete, in sequences; `_mget`, `_count`."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from judge.cases import Case, Request
from judge.generate.families import case, family
from judge.generate.worlds import index, load

AREA = "documents"
_PER_BATCH = 6
_SETUP = (
    index("i", {"properties": {"n": {"type": "long"}, "k": {"type": "keyword"}}}, aliases={"al": {}}),
    load("i", [{"n": number, "k": f"k{number}", "o": {"p": number}} for number in range(4)]),
)
_READ_PARAMETERS = [
    *(
        "_source=false",
        "stored_fields=n",
        "realtime=false",
        "preference=x",
        "version=9",
        "refresh=true",
        "routing=b",
        "foo=1",
    ),
]
_LOOK = Request("POST", "/i/_search", {"size": 100, "version": True})


def _ordinary_step(rng: Random) -> Request:
    identifier = str(rng.randrange(6))
    document = {"n": rng.randrange(9), "k": rng.choice(["a", "b"])}
    return rng.choice(
        [
            Request("PUT", f"/i/_doc/{identifier}", document),
            Request("POST", "/i/_doc", document),
            Request("PUT", f"/i/_create/{identifier}", document),
            Request("GET", f"/i/_doc/{identifier}"),
            Request("GET", f"/i/_source/{identifier}"),
            Request("HEAD", f"/i/_doc/{identifier}"),
            Request("POST", f"/i/_update/{identifier}", {"doc": document}),
            Request("POST", f"/i/_update/{identifier}", {"doc": {"n": 5}, "doc_as_upsert": True}),
            Request("POST", f"/i/_update/{identifier}", {"doc": {"o": {"q": 1}}, "upsert": {"n": 1}}),
            Request("DELETE", f"/i/_doc/{identifier}"),
            Request("DELETE", f"/i/_doc/{identifier}?refresh=true"),
        ]
    )


@family(AREA, ordinary=True)
def lives_of_documents(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        steps = [_ordinary_step(rng) for _ in range(rng.randrange(2, 7))]
        yield case(_SETUP, *steps, Request("POST", "/i/_refresh"), _LOOK, changes=True)


@family(AREA, ordinary=True)
def reads(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        ids = [str(rng.randrange(6)) for _ in range(3)]
        request = rng.choice(
            [
                Request("POST", "/i/_mget", {"ids": ids}),
                Request("POST", "/_mget", {"docs": [{"_index": "i", "_id": one} for one in ids]}),
                Request("POST", "/i/_count", {"query": {"terms": {"n": [0, 2]}}}),
                Request("GET", "/i/_count"),
                Request("GET", f"/i/_doc/{ids[0]}?_source=n"),
                Request("GET", f"/i/_doc/{ids[0]}?_source_includes=o.p"),
                Request("GET", f"/al/_doc/{ids[0]}"),
                Request("POST", "/_msearch", lines=[{"index": "i"}, {"size": 0}, {}, {"query": {"term": {"n": 1}}}]),
            ]
        )
        yield case(_SETUP, request)


@family(AREA, ordinary=False)
def odd_writes(rng: Random) -> Iterator[Case]:
    parameters = [
        *(
            "",
            "refresh",
            "refresh=x",
            "routing=a",
            "version=3",
            "version=3&version_type=external",
            "if_seq_no=0&if_primary_term=1",
        ),
        *(
            "if_seq_no=99&if_primary_term=1",
            "if_seq_no=1",
            "op_type=create",
            "op_type=foo",
            "pipeline=p",
            "require_alias=true",
        ),
        *("wait_for_active_shards=9", "timeout=5x", "foo=1", "version_type=external"),
    ]
    for _ in range(_PER_BATCH):
        identifier = rng.choice(["0", "1", "new", "%20", "ä", "x" * 513, "a%2Fb", "_x"])
        target = rng.choice(["i", "i", "i", "al", "new", "I", "i*", "i,j", "_all", "-x", ".x"])
        method, path = rng.choice(
            [("PUT", "_doc"), ("POST", "_doc"), ("PUT", "_create"), ("DELETE", "_doc"), ("GET", "_doc")]
        )
        body = None if method in {"DELETE", "GET"} else rng.choice([{"n": 1}, {"n": "x"}, {}, [], None, {"n": [1, 2]}])
        parameter = rng.choice(parameters)
        request = Request(method, f"/{target}/{path}/{identifier}" + (f"?{parameter}" if parameter else ""), body)
        yield case(_SETUP, request, Request("POST", "/_refresh"), _LOOK, changes=True)


@family(AREA, ordinary=False)
def odd_updates(rng: Random) -> Iterator[Case]:
    options: dict[str, list[Any]] = {
        "doc": [{"n": 0}, {"n": 1}, {"o": {"p": None}}, {"o": 5}, {}, None, []],
        "upsert": [{"n": 9}, {}, None, []],
        "doc_as_upsert": [True, False, "true", 1],
        "detect_noop": [True, False],
        "_source": [True, False, ["n"], "k", {"excludes": ["n"]}],
        "script": [{"source": "ctx._source.n = 1"}],
        "foo": [1],
    }
    for _ in range(_PER_BATCH):
        body = {name: rng.choice(options[name]) for name in rng.sample(sorted(options), rng.randrange(1, 4))}
        target, identifier = rng.choice(["i", "i", "i", "al", "new"]), rng.choice(["0", "9"])
        parameter = rng.choice(
            ["", "", "?_source=true", "?if_seq_no=0&if_primary_term=1", "?retry_on_conflict=2", "?require_alias=true"]
        )
        update = Request("POST", f"/{target}/_update/{identifier}{parameter}", body)
        yield case(_SETUP, update, Request("POST", "/_refresh"), _LOOK, changes=True)


@family(AREA, ordinary=False)
def odd_reads(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        request = rng.choice(
            [
                Request(
                    "POST",
                    "/i/_mget",
                    rng.choice([{"ids": []}, {}, {"ids": [1]}, {"ids": "1"}, {"foo": 1}, {"docs": []}, None]),
                ),
                Request(
                    "POST",
                    "/_mget",
                    {"docs": [rng.choice([{"_id": "1"}, {"_index": "no", "_id": "1"}, {"_index": "i"}, {}, "1"])]},
                ),
                Request("POST", "/i/_mget", {"docs": [{"_id": "1", "_source": rng.choice([False, ["n"], "k"])}]}),
                Request("POST", "/i/_count", rng.choice([{}, {"foo": 1}, {"query": {}}, {"query": None}, {"size": 1}])),
                Request(
                    "GET",
                    rng.choice(["/nothing/_doc/1", "/nothing/_count", "/nothing*/_count", "/i/_doc/", "/i/_source/9"]),
                ),
                Request(
                    "GET",
                    f"/i/_doc/0?{rng.choice(_READ_PARAMETERS)}",
                ),
                Request("GET", f"/i/_source/0?{rng.choice(['_source=n', '_source_excludes=n', '_source=false'])}"),
                Request(
                    "HEAD", rng.choice(["/i/_doc/9", "/nothing/_doc/1", "/i/_source/1", "/i", "/nothing", "/_alias/al"])
                ),
                Request(
                    "POST",
                    "/_msearch",
                    lines=rng.choice([[{}, {"size": "x"}], [{"index": "no"}, {}], [{"foo": 1}, {}], [{}, {}, {}]]),
                ),
            ]
        )
        yield case(_SETUP, request)


@family(AREA, ordinary=True, held_out=True)
def optimistic_concurrency(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        number = rng.randrange(3)
        first = Request("PUT", f"/i/_doc/{number}?if_seq_no={number}&if_primary_term=1", {"n": 5})
        second = Request("PUT", f"/i/_doc/{number}?if_seq_no={number}&if_primary_term=1", {"n": 6})
        last = Request("DELETE", f"/i/_doc/{number}?if_seq_no=4&if_primary_term=1")
        yield case(_SETUP, first, second, last, Request("GET", f"/i/_doc/{number}"), changes=True)
