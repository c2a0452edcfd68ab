"""Parameters of mappings and settings of indices: taken or refused, shown, and what they do."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from judge.cases import Case, Request
from judge.generate.families import case, family
from judge.generate.worlds import index

AREA = "mapping options"
_PER_BATCH = 6
_SAMPLES: dict[str, list[Any]] = {
    "keyword": ["abc", "abcdefgh", None, "Ä", ["a", "abcdefg"]],
    "text": ["Some Words", "", None],
    "long": [1, "2", 2.5, "x", None, [1, "x"]],
    "integer": [1, 1.9, "abc", None],
    "double": [1.5, "x", None],
    "boolean": [True, "x", None],
    "date": ["2024-05-06", "x", None, 1714979289000],
    "ip": ["10.0.0.1", "x", None],
    "geo_point": ["1,2", "x", None],
}
_OPTIONS: dict[str, list[Any]] = {
    "ignore_above": [5, 0, -1, "5", None],
    "null_value": ["none", 7, True, "2024-01-01", "1.1.1.1", None],
    "ignore_malformed": [True, False, "true"],
    "coerce": [True, False],
    "index": [True, False],
    "doc_values": [True, False],
    "store": [True, False],
    "copy_to": ["all", ["all"], []],
    "normalizer": ["lowercase", "nope"],
    "format": ["yyyy-MM-dd", "epoch_second", "nonsense"],
    "fields": [{"raw": {"type": "keyword"}}, {"n": {"type": "long"}}, {}],
    "meta": [{"unit": "ms"}, {"unit": 5}],
    "analyzer": ["standard", "nope", "whitespace", "keyword"],
    "norms": [False],
    "index_options": ["docs", "freqs"],
    "boost": [2],
    "similarity": ["boolean", "nope"],
    "fielddata": [True],
    "split_queries_on_whitespace": [True],
    "eager_global_ordinals": [True],
    "time_series_dimension": [True],
    "locale": ["de", "en"],
    "ignore_z_value": [True],
    "foo": [1],
    "type": ["nope", None, 5, "string"],
}
_USUAL: list[dict[str, Any]] = [
    *(
        {"type": "keyword", "ignore_above": 5},
        {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 5}}},
    ),
    *(
        {"type": "long", "ignore_malformed": True},
        {"type": "keyword", "null_value": "none"},
        {"type": "date", "format": "yyyy-MM-dd"},
    ),
    *({"type": "integer", "null_value": 0}, {"type": "double", "coerce": True}, {"type": "keyword", "index": False}),
    *(
        {"type": "long", "doc_values": False},
        {"type": "keyword", "copy_to": "all"},
        {"type": "boolean", "null_value": False},
    ),
    *(
        {"type": "date", "ignore_malformed": True},
        {"type": "ip", "ignore_malformed": True},
        {"type": "keyword", "doc_values": False},
    ),
    *(
        {"type": "text", "analyzer": "standard"},
        {"type": "geo_point", "ignore_malformed": True},
        {"type": "keyword", "store": True},
    ),
]


def asked(mapping: dict[str, Any], values: list[Any]) -> Case:
    """Return the case of a mapping: whether it is taken, shown, and what it does to documents."""
    lines: list[Any] = []
    for number, value in enumerate(values):
        lines += [{"index": {"_id": str(number)}}, {"f": value}]
    return case(
        (),
        index("i", {"properties": {"f": mapping}}),
        Request("GET", "/i/_mapping"),
        Request("POST", "/i/_bulk?refresh=true", lines=lines),
        Request("POST", "/i/_search", {"query": {"exists": {"field": "f"}}, "fields": ["*"]}),
        Request("POST", "/i/_search", {"size": 0, "aggs": {"c": {"value_count": {"field": "f"}}}}),
        Request("POST", "/i/_search", {"size": 0, "aggs": {"t": {"terms": {"field": "f"}}}}),
        Request("POST", "/i/_search", {"query": {"term": {"f": values[0]}}, "_source": False}),
        changes=True,
    )


@family(AREA, ordinary=True)
def usual_options(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        mapping = rng.choice(_USUAL)
        some = rng.sample(_SAMPLES[mapping["type"]], 3)
        yield asked(mapping, [some[0] if some[0] is not None else "abc", *some[1:]])


@family(AREA, ordinary=False)
def odd_options(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        kind = rng.choice(sorted(_SAMPLES))
        chosen = {name: rng.choice(_OPTIONS[name]) for name in rng.sample(sorted(_OPTIONS), rng.randrange(1, 3))}
        yield asked({"type": kind} | chosen, rng.sample(_SAMPLES[kind], 2))


@family(AREA, ordinary=True)
def new_fields(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        kinds = rng.sample(sorted(_SAMPLES), 3)
        first = {"a": {"type": kinds[0]}, "o": {"properties": {"p": {"type": kinds[1]}}}}
        second = {"b": {"type": kinds[2]}, "o": {"properties": {"q": {"type": kinds[0]}}}}
        yield case(
            (index("i", {"properties": first}),),
            Request("PUT", "/i/_mapping", {"properties": second}),
            Request("GET", "/i/_mapping"),
            Request("GET", "/i/_mapping/field/o.*"),
            changes=True,
        )


@family(AREA, ordinary=False)
def changed_fields(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        kind = rng.choice(sorted(_SAMPLES))
        name = rng.choice([name for name in sorted(_OPTIONS) if name not in {"foo", "type"}])
        changed = rng.choice(
            [
                {"type": kind, name: rng.choice(_OPTIONS[name])},
                {"type": rng.choice(sorted(_SAMPLES))},
                {"properties": {}},
            ]
        )
        yield case(
            (index("i", {"properties": {"f": {"type": kind}}}),),
            Request("PUT", "/i/_mapping", {"properties": {"f": changed}}),
            Request("GET", "/i/_mapping"),
            changes=True,
        )


_SETTINGS: dict[str, list[Any]] = {
    "number_of_shards": [1, "1", 0, "x"],
    "number_of_replicas": [0, "0", 1, -1],
    "refresh_interval": ["1s", "-1", "x", -1],
    "max_result_window": [5, 0, "100", -1],
    "mapping.total_fields.limit": [1, 2000, "x"],
    "mapping.ignore_malformed": [True],
    "mapping.coerce": [False],
    "blocks.write": [True, False],
    "blocks.read_only": [True],
    "codec": ["best_compression", "nope"],
    "hidden": [True],
    "foo": [1],
    "sort.field": ["a"],
    "default_pipeline": ["p"],
    "query.default_field": ["a"],
    "auto_expand_replicas": ["0-1"],
}


@family(AREA, ordinary=False)
def settings(rng: Random) -> Iterator[Case]:
    for _ in range(_PER_BATCH):
        names = rng.sample(sorted(_SETTINGS), rng.randrange(1, 3))
        flat = {f"{rng.choice(['index.', ''])}{name}": rng.choice(_SETTINGS[name]) for name in names}
        body: dict[str, Any] = {
            "settings": rng.choice([flat, {"index": {name.removeprefix("index."): v for name, v in flat.items()}}])
        }
        body["mappings"] = {"properties": {"a": {"type": "long"}}}
        yield case(
            (),
            Request("PUT", "/i", body),
            Request("GET", "/i/_settings"),
            Request("PUT", "/i/_doc/1?refresh=true", {"a": rng.choice([1, "x", 1.5]), "b": 2}),
            Request("POST", "/i/_search", {"size": rng.choice([1, 10, 200]), "query": {"exists": {"field": "a"}}}),
            changes=True,
        )


@family(AREA, ordinary=False, held_out=True)
def bodies_of_indices(rng: Random) -> Iterator[Case]:
    bodies: list[Any] = [
        *(
            {},
            None,
            [],
            {"mappings": {}},
            {"mappings": None},
            {"mappings": []},
            {"mappings": {"properties": []}},
            {"foo": 1},
        ),
        *({"mappings": {"foo": 1}}, {"mappings": {"properties": {"a": {}}}}, {"mappings": {"properties": {"a": None}}}),
        *(
            {"mappings": {"properties": {"a": {"type": "object", "enabled": False}}}},
            {"settings": None},
            {"aliases": {"x": {}}},
        ),
        *(
            {"aliases": {"i": {}}},
            {"aliases": {"x": {"filter": {"term": {"a": 1}}}}},
            {"aliases": {"x": {"is_write_index": True}}},
        ),
        *(
            {"mappings": {"_meta": {"a": 1}}},
            {"mappings": {"_doc": {"properties": {"a": {"type": "long"}}}}},
            {"settings": {"a": 1}},
        ),
        *(
            {"mappings": {"properties": {"a.b": {"type": "long"}}}},
            {"mappings": {"properties": {"": {"type": "long"}}}},
        ),
        {"mappings": {"properties": {"a": {"type": "keyword", "fields": {"b": {"type": "object"}}}}}},
        {"mappings": {"properties": {"a": {"type": "alias", "path": "nothing"}}}},
        {"mappings": {"properties": {"a": {"type": "alias", "path": "b"}, "b": {"type": "long"}}}},
    ]
    for _ in range(_PER_BATCH):
        yield case((), Request("PUT", "/i", rng.choice(bodies)), Request("GET", "/i"), changes=True)
