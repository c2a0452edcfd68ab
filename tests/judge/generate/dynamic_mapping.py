"""Mappings that come from documents."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from judge.cases import Case, Request
from judge.generate.families import case, family
from judge.generate.worlds import index

AREA = "dynamic mapping"
_PER_BATCH = 6
_VALUES: list[Any] = [
    *(
        "a",
        "some text",
        1,
        1.5,
        True,
        "2024-05-06",
        "2024-05-06T10:20:30Z",
        "2024/05/06 10:20:30",
        "1.2.3.4",
        "5",
        "5.5",
    ),
    *([1, 2], ["a", "b"], {"b": 1}, {"b": {"c": "x"}}, [{"b": 1}, {"b": 2}], None, [], 0, -1.5, 10**12),
]
_ODD: list[Any] = [
    *(
        {},
        [None],
        [None, 1],
        [[1]],
        [1, 2.5],
        [1, "a"],
        [1, {"b": 1}],
        2**63,
        1e400,
        "",
        "2024",
        "2024-05-06T10:20:30.123456789Z",
    ),
    *(
        "10:20",
        "12/31/2024",
        "2024-13-45",
        [True, 1],
        ["2024-05-06", "x"],
        {"b": []},
        {"b": None},
        {"b.c": 1},
        "true",
        "NaN",
    ),
]
_NAMES = ["a", "b.c", "x.y.z", "a b", "@timestamp", "Ä", "a-b", "_x"]
_ODD_NAMES = [
    "",
    " ",
    "a..b",
    ".a",
    "a.",
    "_id",
    "_source",
    "_index",
    ".",
    "a.*",
    "x" * 300,
    "a\tb",
    "_type",
    "0",
    "a.b.c.d.e.f",
]


def asked(documents: list[Any], mappings: Any = None) -> Case:
    """Return the case of documents in an index: each answer, the mapping that comes of it, what is shown."""
    steps = [Request("PUT", f"/i/_doc/{n}?refresh=true", document) for n, document in enumerate(documents)]
    setup = (index("i", mappings),)
    return case(
        setup, *steps, Request("GET", "/i/_mapping"), Request("POST", "/i/_search", {"fields": ["*"]}), changes=True
    )


@family(AREA, ordinary=True)
def usual_documents(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        names = rng.sample(_NAMES[:7], rng.randrange(1, 5))
        yield asked([{name: rng.choice(_VALUES) for name in names}])


@family(AREA, ordinary=True)
def growing_documents(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        first = {name: rng.choice(_VALUES) for name in rng.sample(["a", "b", "c"], 2)}
        second = {name: rng.choice(_VALUES) for name in rng.sample(["d", "e", "f"], 2)}
        third = {**{name: value for name, value in first.items() if rng.random() < 0.7}, **second}
        yield asked([first, second, third])


@family(AREA, ordinary=False)
def conflicting_documents(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        yield asked([{"a": rng.choice(_VALUES)}, {"a": rng.choice([*_VALUES, *_ODD])}, {"a": rng.choice(_VALUES)}])


@family(AREA, ordinary=False)
def odd_documents(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        yield asked([{rng.choice([*_NAMES, *_ODD_NAMES]): rng.choice([*_ODD, *_VALUES])}])


@family(AREA, ordinary=False)
def settings_of_dynamic(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        options: dict[str, list[Any]] = {
            "dynamic": [True, False, "strict", "true", "false", "runtime", "foo"],
            "date_detection": [True, False],
            "numeric_detection": [True, False],
            "dynamic_date_formats": [["yyyy"], ["MM/dd/yyyy"], []],
            "properties": [
                {"a": {"type": "keyword"}},
                {"a": {"dynamic": "strict", "properties": {}}},
                {"o": {"type": "object", "dynamic": False}},
            ],
            "dynamic_templates": [
                [{"t": {"match_mapping_type": "string", "mapping": {"type": "keyword"}}}],
                [{"t": {"match": "*_n", "mapping": {"type": "double"}}}],
            ],
            "_source": [{"enabled": False}, {"excludes": ["a"]}],
            "subobjects": [False],
        }
        chosen = {name: rng.choice(options[name]) for name in rng.sample(sorted(options), rng.randrange(1, 3))}
        documents = [{"a": rng.choice(_VALUES), "x_n": "5"}, {"o": {"p": rng.choice(_VALUES)}}]
        yield case(
            (),
            index("i", chosen),
            *(Request("PUT", f"/i/_doc/{n}?refresh=true", document) for n, document in enumerate(documents)),
            Request("GET", "/i/_mapping"),
            Request("POST", "/i/_search", {"sort": ["_doc"], "fields": ["*"]}),
            changes=True,
        )


@family(AREA, ordinary=False, held_out=True)
def raw_documents(rng: Random) -> Iterator[Case]:
    texts = [
        *(
            '{"a":1,"a":2}',
            '{"a":1}}',
            '{"a":01}',
            "{'a':1}",
            '{"a":NaN}',
            '{"a":1',
            "[]",
            "5",
            '""',
            "null",
            "",
            '{"a":1}{"b":2}',
        ),
        *(
            '{"a":1e999}',
            '{"a":"\\u0000"}',
            '{"a":.5}',
            '{"a":1,}',
            '// c\n{"a":1}',
            '{"a":"\\ud800"}',
            "{}",
            '{"a":-0}',
            '{"a":1.0}',
        ),
    ]
    for _ in range(_PER_BATCH):
        request = Request("PUT", "/i/_doc/1?refresh=true", text=rng.choice(texts))
        yield case((index("i"),), request, Request("GET", "/i/_doc/1"), Request("GET", "/i/_mapping"), changes=True)
