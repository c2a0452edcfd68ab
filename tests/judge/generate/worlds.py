"""Worlds that searches are asked in: indices with mappings and documents."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from judge.cases import Request

START = dt.datetime(2024, 5, 6, tzinfo=dt.UTC)
HOSTS = [f"web-{number}" for number in range(1, 7)]
SERVICES = ["cart", "search", "checkout", "Login", "api gateway"]
MESSAGES = [
    "connection timeout after 30s",
    "user logged in",
    "GET /index.html 200",
    "disk full on /dev/sda1",
    "Failed to open file report.pdf",
    "payment accepted for order 1234",
]
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC", "+02:00", "-05:30"]


@dataclass
class World:
    """Indices with documents.

    Attributes:
        target: what to name in a path.
        setup: the requests that make it.
        fields: the type of every searchable field.
        values: some values of every field, as documents have them.
    """

    target: str
    setup: tuple[Request, ...]
    fields: dict[str, str]
    values: dict[str, list[Any]] = field(default_factory=dict)

    def of(self, *types: str) -> list[str]:
        """Return the fields of some types."""
        return [name for name, kind in self.fields.items() if kind in types]

    def search(self, body: Any, parameters: str = "") -> Request:
        """Return a search in it."""
        return Request("POST", f"/{self.target}/_search{parameters}", body)


def index(name: str, mappings: Any = None, settings: Any = None, aliases: Any = None) -> Request:
    """Return the request that makes an index."""
    parts = {"mappings": mappings, "settings": settings, "aliases": aliases}
    return Request("PUT", f"/{name}", {key: value for key, value in parts.items() if value is not None})


def load(name: str, documents: list[Any]) -> Request:
    """Return the request that indexes documents under the ids 0, 1, ..."""
    lines = [line for n, document in enumerate(documents) for line in ({"index": {"_id": str(n)}}, document)]
    return Request("POST", f"/{name}/_bulk?refresh=true", lines=lines)


def iso(moment: dt.datetime) -> str:
    """Return a time as documents write it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moments(rng: Random, hours: int = 72) -> dt.datetime:
    """Return a time within the world's hours, to the millisecond."""
    return START + dt.timedelta(milliseconds=rng.randrange(hours * 3_600_000))


LOG_TYPES = {
    "@timestamp": "date",
    "host": "keyword",
    "service": "keyword",
    "status": "integer",
    "bytes": "long",
    "latency": "double",
    "load": "float",
    "ok": "boolean",
    "client": "ip",
    "message": "text",
}
_LOG_VALUES: dict[str, Callable[[Random], Any]] = {
    "@timestamp": lambda rng: iso(moments(rng)),
    "host": lambda rng: rng.choice(HOSTS),
    "service": lambda rng: rng.choice(SERVICES),
    "status": lambda rng: rng.choice([200, 200, 200, 201, 301, 404, 404, 500, 503]),
    "bytes": lambda rng: rng.randrange(100_000),
    "latency": lambda rng: round(rng.expovariate(0.01), 3),
    "load": lambda rng: round(rng.uniform(0, 8), 2),
    "ok": lambda rng: rng.random() < 0.8,
    "client": lambda rng: f"10.0.{rng.randrange(3)}.{rng.randrange(256)}",
    "message": lambda rng: rng.choice(MESSAGES),
}


def logs(rng: Random, *, dynamic: bool = False) -> World:
    """Return the world of most users: one index of log lines, some values missing.

    Args:
        rng: source of everything random.
        dynamic: let the mapping come from the documents.
    """
    properties: dict[str, Any] = {name: {"type": kind} for name, kind in LOG_TYPES.items()}
    properties["message"]["fields"] = {"keyword": {"type": "keyword", "ignore_above": 256}}
    documents = [
        {name: make(rng) for name, make in _LOG_VALUES.items() if name == "@timestamp" or rng.random() < 0.92}
        for _ in range(rng.randrange(30, 60))
    ]
    fields = dict(LOG_TYPES) | {"message.keyword": "keyword"}
    if dynamic:
        texts = ("host", "service", "client")
        fields |= {"status": "long", "latency": "float", "load": "float"} | dict.fromkeys(texts, "text")
        fields |= {f"{name}.keyword": "keyword" for name in texts}
    setup = (index("logs", None if dynamic else {"properties": properties}), load("logs", documents))
    return World("logs", setup, fields, _values(fields, documents))


def several(rng: Random) -> World:
    """Return two daily indices behind an alias, of which one has a field more and one a wider type."""
    first: dict[str, Any] = {name: {"type": kind} for name, kind in LOG_TYPES.items()}
    second = {name: mapping for name, mapping in first.items() if name != "client"} | {"bytes": {"type": "double"}}
    requests, every = [], []
    for day, properties in (("logs-06", first), ("logs-07", second)):
        documents = [
            {name: make(rng) for name, make in _LOG_VALUES.items() if name in properties}
            for _ in range(rng.randrange(10, 25))
        ]
        every += documents
        requests += [index(day, {"properties": properties}, aliases={"logs": {}}), load(day, documents)]
    fields = dict(LOG_TYPES)
    target = rng.choice(["logs", "logs-*", "logs-06,logs-07"])
    return World(target, tuple(requests), fields, _values(fields, every))


EDGE_MAPPINGS: dict[str, dict[str, Any]] = {
    "k": {"type": "keyword"},
    "short": {"type": "keyword", "ignore_above": 5},
    "kn": {"type": "keyword", "null_value": "none"},
    "t": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
    "l": {"type": "long"},
    "i": {"type": "integer", "null_value": -1},
    "s": {"type": "short"},
    "by": {"type": "byte"},
    "f": {"type": "float"},
    "hf": {"type": "half_float"},
    "d": {"type": "double"},
    "b": {"type": "boolean"},
    "ip": {"type": "ip"},
    "dt": {"type": "date"},
    "de": {"type": "date", "format": "epoch_second"},
    "df": {"type": "date", "format": "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd"},
    "dn": {"type": "date_nanos"},
    "g": {"type": "geo_point"},
    "o": {"properties": {"p": {"type": "keyword"}, "q": {"type": "long"}}},
    "al": {"type": "alias", "path": "k"},
    "ni": {"type": "long", "index": False},
}
_EDGE_VALUES: dict[str, list[Any]] = {
    "k": ["a", "b", "B", "", "ä", "a b", ["a", "b"], ["a", "a"], None, [], 5, True, "1"],
    "short": ["abc", "abcdef", ["abc", "abcdef"], "abcde"],
    "kn": ["x", None, ["y", None], "none"],
    "t": ["The quick brown Fox", "fox-trot over_it", "3.5 km", "", "a.b.c", "user@example.org"],
    "l": [1, 2, -5, 9007199254740993, "7", 3.7, [1, 2], [2, 2], 0, None],
    "i": [1, 10, 100, -1, None, "3", 2147483647],
    "s": [1, -32768, 7],
    "by": [1, -128, 127],
    "f": [30.76, 1.1, -0.0, 0.0, "2.5", 16777217, 0.1],
    "hf": [1.1, 0.67, 100, 3],
    "d": [1.5, -2.5, 1e10, 1e-7, 0, -0.0, [1.5, 2.5], 3],
    "b": [True, False, "true", "false", "", [True, False]],
    "ip": ["10.0.0.9", "10.0.0.10", "::ffff:10.0.0.9", "2001:db8::ff", "192.168.1.1"],
    "dt": ["2024-05-06", "2024-05-06T12:30:00Z", "2024-05-06T12:30:00+02:00", 1714979289000, "2024-05", None],
    "de": [1714979289, "1714979290", 0],
    "df": ["2024/05/06 10:00:00", "2024/05/07"],
    "dn": ["2024-05-06T12:30:00.123456789Z", "2024-05-06T12:30:00.123Z"],
    "g": ["41.12,-71.34", {"lat": 1.5, "lon": 2.5}, [2.0, 1.0]],
    "o": [{"p": "x", "q": 1}, {"p": ["y", "z"]}, {}, None, [{"p": "x"}, {"q": 4}]],
    "ni": [1, 2, 3],
}


def edges(rng: Random) -> World:
    """Return a world of every type, with values at the edges of each."""
    names = [name for name in EDGE_MAPPINGS if name not in {"al"}]
    documents = [
        {name: rng.choice(_EDGE_VALUES[name]) for name in names if rng.random() < 0.55}
        for _ in range(rng.randrange(12, 30))
    ]
    fields = {name: str(mapping.get("type", "object")) for name, mapping in EDGE_MAPPINGS.items()}
    del fields["o"]
    fields |= {"o.p": "keyword", "o.q": "long", "t.raw": "keyword", "al": "keyword"}
    setup = (index("edge", {"properties": EDGE_MAPPINGS}), load("edge", documents))
    return World("edge", setup, fields, _values(fields, documents))


def _values(fields: dict[str, str], documents: list[Any]) -> dict[str, list[Any]]:
    """Return the single values that documents have in each field."""
    found: dict[str, list[Any]] = {}
    for name in fields:
        path = name.removesuffix(".keyword").removesuffix(".raw").split(".")
        if name == "al":
            path = ["k"]
        for document in documents:
            value: Any = document
            for part in path:
                value = value.get(part) if isinstance(value, dict) else None
            for item in value if isinstance(value, list) and name != "g" else [value]:
                if item is not None:
                    found.setdefault(name, []).append(item)
    return found
