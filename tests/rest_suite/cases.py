"""Tests as values: what to do, what to expect, and which of it an engine of today is not asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Step = tuple[str, Any]
"""What to do or to check, and with what."""

_FEATURES = frozenset(
    {
        "default_shards",
        "warnings",
        "allowed_warnings",
        "headers",
        "stash_in_key",
        "stash_in_path",
        "contains",
        "close_to",
        "arbitrary_key",
    }
)
"""What a runner must be able to do, of which this one can."""
_VERSION = (8, 19, 0)
_REMOVED = re.compile(r"with_types|/typed_keys$")


@dataclass(frozen=True)
class Test:
    """One test.

    Attributes:
        folder: What it is about.
        name: File and title.
        steps: Those of its setup and its own.
        teardown: What is done behind it, whatever came of it.
    """

    folder: str
    name: str
    steps: tuple[Step, ...]
    teardown: tuple[Step, ...]

    @property
    def skipped(self) -> str:
        """Why it is not run; empty when it is."""
        if _REMOVED.search(self.name.partition(":")[0]):
            return "removed in 8.0"
        for kind, body in self.steps:
            if kind == "skip" and (reason := _skip_reason(body)):
                return reason
            if kind == "do" and _is_removed(body):
                return "removed in 8.0"
        return ""


def cases_of(path: str, documents: Sequence[dict[str, Any]]) -> Iterator[Test]:
    """The tests of a file."""
    parts = {"setup": [], "teardown": []} | {
        name: steps for document in documents if document for name, steps in document.items() if name in _AROUND
    }
    folder = path.rpartition("/")[0] or path.removesuffix(".yml")
    for document in documents:
        for name, steps in (document or {}).items():
            if name not in _AROUND:
                mine = (*_steps(parts["setup"]), *_steps(steps))
                yield Test(folder, f"{path.removesuffix('.yml')}: {name}", mine, _steps(parts["teardown"]))


_AROUND = ("setup", "teardown")


def _steps(raw: Sequence[dict[str, Any]] | None) -> tuple[Step, ...]:
    return tuple((kind, body) for step in raw or () for kind, body in step.items())


def _skip_reason(body: dict[str, Any]) -> str:
    features = body.get("features", [])
    for feature in [features] if isinstance(features, str) else features:
        if feature not in _FEATURES:
            return f"the runner lacks {feature}"
    for versions in str(body.get("version", "")).split(","):
        if versions.strip() == "all" or (versions.strip() and _holds(versions)):
            return "for another version"
    return ""


def _holds(versions: str) -> bool:
    low, _, high = versions.partition("-")
    return _parsed(low, (0, 0, 0)) <= _VERSION <= _parsed(high, (99, 0, 0))


def _parsed(text: str, otherwise: tuple[int, ...]) -> tuple[int, ...]:
    numbers = tuple(int(part) for part in re.findall(r"\d+", text)[:3])
    return numbers or otherwise


def _is_removed(body: dict[str, Any]) -> bool:
    """Whether a request needs what 8.0 removed: types of mappings."""
    return any(
        arguments.get("include_type_name") is True or "type" in arguments
        for name, arguments in body.items()
        if isinstance(arguments, dict) and name != "headers"
    )
