"""Bulk requests: loaders as they are written, and lines at their edges."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from judge.cases import Case, Request
from judge.generate.families import case, family
from judge.generate.worlds import index, load

AREA = "bulk"
_PER_BATCH = 6
_LOOK = Request("POST", "/_search", {"size": 100, "version": True})
_SETUP = (
    index("i", {"properties": {"n": {"type": "long"}, "k": {"type": "keyword"}}}),
    load("i", [{"n": number, "k": f"k{number}"} for number in range(4)]),
)


def _document(rng: Random) -> dict[str, Any]:
    return {"n": rng.randrange(9), "k": rng.choice(["a", "b"])}


@family(AREA, ordinary=True)
def loaders(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        lines: list[Any] = []
        for number in range(rng.randrange(1, 6)):
            action = rng.choice(["index", "index", "create"])
            lines.append(
                {action: rng.choice([{}, {"_id": f"n{number}"}, {"_index": "i", "_id": str(rng.randrange(8))}])}
            )
            lines.append(_document(rng) | ({"n": "no number"} if rng.random() < 0.1 else {}))
        yield case(_SETUP, Request("POST", "/i/_bulk?refresh=true", lines=lines), _LOOK, changes=True)


@family(AREA, ordinary=True)
def mixed_actions(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        lines: list[Any] = []
        for _ in range(rng.randrange(2, 8)):
            action, target = (
                rng.choice(["index", "create", "update", "delete"]),
                {"_index": "i", "_id": str(rng.randrange(6))},
            )
            lines.append({action: target})
            if action == "update":
                lines.append(rng.choice([{"doc": _document(rng)}, {"doc": {"k": "z"}, "doc_as_upsert": True}]))
            elif action != "delete":
                lines.append(_document(rng))
        yield case(_SETUP, Request("POST", "/_bulk?refresh=wait_for", lines=lines), _LOOK, changes=True)


_META: dict[str, list[Any]] = {
    "_index": ["i", "new", "I", "_x", "al", "", None, 5, "a*", "i,j"],
    "_id": ["1", "", None, 5, "x" * 513, "ä", " "],
    "routing": ["a", None, 5],
    "version": [1, 7, "x", -1],
    "version_type": ["external", "internal", "foo"],
    "if_seq_no": [0, 3, 99],
    "if_primary_term": [1, 2],
    "require_alias": [True, False],
    "retry_on_conflict": [3],
    "pipeline": ["p", "_none"],
    "dynamic_templates": [{}],
    "_type": ["_doc"],
    "foo": [1],
    "op_type": ["create"],
}


@family(AREA, ordinary=False)
def odd_metadata(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        meta = {name: rng.choice(_META[name]) for name in rng.sample(sorted(_META), rng.randrange(1, 4))}
        action = rng.choice(["index", "create", "update", "delete"])
        lines: list[Any] = [{"index": {"_id": "before"}}, {"n": 1}, {action: meta}]
        if action != "delete":
            lines.append({"doc": {"n": 1}} if action == "update" else {"n": 1})
        lines += [{"index": {"_id": "after"}}, {"n": 1}]
        yield case(_SETUP, Request("POST", "/i/_bulk?refresh=true", lines=lines), _LOOK, changes=True)


@family(AREA, ordinary=False)
def odd_updates(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        options: dict[str, list[Any]] = {
            "doc": [{"n": 1}, {"n": 0}, {}, None, [], 5],
            "upsert": [{"n": 9}, {}, None],
            "doc_as_upsert": [True, False, "true"],
            "detect_noop": [True, False],
            "_source": [True, False, ["n"], "k"],
            "scripted_upsert": [False],
            "foo": [1],
        }
        body = {name: rng.choice(options[name]) for name in rng.sample(sorted(options), rng.randrange(1, 4))}
        lines = [{"update": {"_id": rng.choice(["0", "9"])}}, body]
        yield case(_SETUP, Request("POST", "/i/_bulk?refresh=true", lines=lines), _LOOK, changes=True)


@family(AREA, ordinary=False)
def odd_lines(rng: Random) -> Iterator[Case]:
    good = '{"index":{"_id":"g"}}\n{"n":1}\n'
    bad = [
        *(
            '{"index":{}}\n',
            '{"foo":{}}\n{"n":1}\n',
            "{}\n{}\n",
            "[]\n",
            "x\n",
            '{"index":[]}\n{"n":1}\n',
            '{"index":5}\n{"n":1}\n',
        ),
        *(
            '{"index":{},"create":{}}\n{"n":1}\n',
            '{"delete":{}}\n',
            '{"index":{"_id":"1"}}\n{"n":\n',
            '{"index":{"_id":"1"}}\n[]\n',
        ),
        *(
            '{"index":{"_id":"1"}}\n5\n',
            '{"index":{"_id":"1"}}\n\n',
            "\n",
            "",
            '{"index":{"_id":"1"}}\n{"n":1}',
            '{"index":{}}\n{"n":1,"n":2}\n',
        ),
        *(
            '{"update":{"_id":"0"}}\n{"n":1}\n',
            '{"update":{"_id":"0"}}\n[]\n',
            '{"create":{"_id":"0"}}\n{"n":"x"}\n',
            '{"index":null}\n{"n":1}\n',
        ),
        *(
            '{"index":{}} {"n":1}\n',
            '{"index":{"_id":"1"}}\r\n{"n":1}\r\n',
            '{"index":{"_id":"1"}}\n{"":1}\n',
            '{"index":{"_id":"1"}}\n{"a..b":1}\n',
        ),
    ]
    for _ in range(_PER_BATCH):
        odd = rng.choice(bad)
        text = rng.choice([odd, good + odd, good + odd + good])
        path = rng.choice(["/i/_bulk", "/_bulk", "/new/_bulk"])
        yield case(_SETUP, Request("POST", f"{path}?refresh=true", text=text), _LOOK, changes=True)


@family(AREA, ordinary=False, held_out=True)
def odd_bulk_parameters(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        parameter = rng.choice(
            [
                *(
                    "refresh",
                    "refresh=x",
                    "refresh=false",
                    "wait_for_active_shards=1",
                    "wait_for_active_shards=5",
                    "timeout=1x",
                ),
                *(
                    "require_alias=true",
                    "_source=true",
                    "_source_includes=n",
                    "pipeline=p",
                    "routing=a",
                    "foo=1",
                    "filter_path=errors",
                ),
                *(
                    "list_executed_pipelines=true",
                    "filter_path=items.*.status",
                    "error_trace=true",
                    "require_data_stream=true",
                ),
            ]
        )
        lines = [{"update": {"_id": "0"}}, {"doc": _document(rng)}, {"index": {"_id": "7"}}, _document(rng)]
        yield case(
            _SETUP,
            Request("POST", f"/i/_bulk?{parameter}", lines=lines),
            Request("POST", "/_refresh"),
            _LOOK,
            changes=True,
        )
