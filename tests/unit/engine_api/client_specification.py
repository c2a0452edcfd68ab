"""What the official client can send, read from its own code: for each call the paths and the query parameters."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass

from elasticsearch import Elasticsearch

_NAMESPACES = ("cat", "cluster", "indices", "license", "ml", "security", "tasks", "xpack")
_PATH = re.compile(r"__path = f?['\"](/.*?)['\"]\n")
_PART = re.compile(r'\{__path_parts\["\w+"\]\}')
_METHOD = re.compile(r'perform_request\([^)]*?"(GET|POST|PUT|DELETE|HEAD)"|__method = "(\w+)"')
_QUERY = re.compile(r'__query\["(\w+)"\]')


@dataclass(frozen=True)
class ClientCall:
    """One method of the client on one path.

    Attributes:
        name: such as `ml.open_job`.
        path: path with its parts filled in.
        methods: HTTP methods that it may use.
        parameters: query parameters that it may send.
    """

    name: str
    path: str
    methods: frozenset[str]
    parameters: frozenset[str]


def client_calls() -> Iterator[ClientCall]:
    """Yield all calls of the document, index, search, cluster and machine learning API."""
    with Elasticsearch("http://localhost:9200") as client:  # meant: nothing is asked
        holders = [("", client), *((f"{name}.", getattr(client, name)) for name in _NAMESPACES)]
    for prefix, holder in holders:
        for name, function in inspect.getmembers(type(holder), inspect.isfunction):
            if name.startswith("_"):
                continue
            code = inspect.getsource(inspect.unwrap(function))
            methods = frozenset(found for pair in _METHOD.findall(code) for found in pair if found)
            parameters = frozenset(_QUERY.findall(code))
            for path in _PATH.findall(code):
                yield ClientCall(f"{prefix}{name}", _PART.sub("name", path), methods, parameters)
