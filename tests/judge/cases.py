"""A case: what makes its world, and what is asked in it. Plain data, to be shrunk, recorded and replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

JSON = "application/json"
NDJSON = "application/x-ndjson"


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        method: HTTP method.
        path: path and query string.
        body: a JSON value; None for no body.
        lines: the JSON values of an NDJSON body, instead of `body`.
        text: the body as it is, instead of both.
    """

    method: str
    path: str
    body: Any = None
    lines: Sequence[Any] | None = None
    text: str | None = None

    def payload(self) -> tuple[bytes, str] | None:
        """Return the body and its content type, None for no body."""
        if self.lines is not None:
            return "".join(json.dumps(line) + "\n" for line in self.lines).encode(), NDJSON
        if self.text is not None:
            return self.text.encode(), NDJSON if "_bulk" in self.path or "_msearch" in self.path else JSON
        return None if self.body is None else (json.dumps(self.body).encode(), JSON)

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        said = {"method": self.method, "path": self.path}
        given = {"body": self.body, "lines": None if self.lines is None else list(self.lines), "text": self.text}
        return said | {name: value for name, value in given.items() if value is not None}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Request:
        """Return the request of a JSON value."""
        return cls(**value)


@dataclass(frozen=True)
class Answer:
    """A response: its status, and its body as JSON or, where it is none, as text."""

    status: int
    body: Any

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return {"status": self.status, "body": self.body}


@dataclass(frozen=True)
class Case:
    """One thing to hold the engine to.

    Attributes:
        area: the row of the table it counts in.
        family: the generator that made it.
        ordinary: sensible use; otherwise an edge.
        setup: requests that make the world, which both servers must carry out; shared by cases in a row.
        steps: what is asked, in order; each answer is compared.
        seed: what made it, for the report.
        changes: whether the steps change the world, so that the next case needs a new one.
    """

    area: str
    family: str
    ordinary: bool
    setup: tuple[Request, ...]
    steps: tuple[Request, ...]
    seed: str = ""
    changes: bool = field(default=False)

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return {
            "area": self.area,
            "family": self.family,
            "ordinary": self.ordinary,
            "seed": self.seed,
            "changes": self.changes,
            "setup": [request.to_json() for request in self.setup],
            "steps": [request.to_json() for request in self.steps],
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Case:
        """Return the case of a JSON value."""
        requests = {part: tuple(map(Request.from_json, value[part])) for part in ("setup", "steps")}
        kept = {name: value[name] for name in ("area", "family", "ordinary", "seed", "changes") if name in value}
        return cls(**kept, **requests)

    def with_parts(self, setup: Sequence[Request], steps: Sequence[Request]) -> Case:
        """Return the case with other requests."""
        return replace(self, setup=tuple(setup), steps=tuple(steps))

    def size(self) -> int:
        """Return how long it is, in characters of JSON."""
        return len(json.dumps([request.to_json() for request in (*self.setup, *self.steps)]))


def mapped_fields(case: Case) -> dict[str, dict[str, Any]]:
    """Return the mapping of every field, by its path, that the setup declares."""
    found: dict[str, dict[str, Any]] = {}
    for request in case.setup:
        if request.method == "PUT" and isinstance(request.body, dict):
            mappings = request.body.get("mappings", request.body if request.path.endswith("_mapping") else {})
            if isinstance(mappings, dict):
                found.update(_fields_of(mappings.get("properties"), ""))
    return found


def _fields_of(properties: Any, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(properties, dict):
        return
    for name, mapping in properties.items():
        if isinstance(mapping, dict):
            yield prefix + name, mapping
            yield from _fields_of(mapping.get("properties"), f"{prefix}{name}.")
            yield from _fields_of(mapping.get("fields"), f"{prefix}{name}.")
