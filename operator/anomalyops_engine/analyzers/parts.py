"""Reading the parts of an analyzer: names or objects, key by key; what is not read is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from anomalyops_engine.json_types import Json, JsonObject


class UnsupportedAnalyzer(ValueError):  # noqa: N818 - a statement about the configuration, as the API words it
    """A part of an analyzer is malformed or not supported; the message names it and what is supported."""


class Part:
    """A named or described part of an analyzer, read key by key; what is left over is refused."""

    def __init__(self, role: str, body: Json) -> None:
        self.role = role
        self._body: JsonObject = dict(body) if isinstance(body, dict) else {"type": body}
        self._read: set[str] = {"type"}
        kind = self._body.get("type")
        if not isinstance(kind, str):
            raise UnsupportedAnalyzer(f"{role} must be a name or an object with a [type]; found [{body}]")
        self.kind = kind

    def refuse(self, reason: str) -> NoReturn:
        """Raise that the part cannot be."""
        raise UnsupportedAnalyzer(f"{self.role} [{self.kind}]: {reason}")

    def get(self, key: str, default: Json = None) -> Json:
        """Return what stands under a key."""
        self._read.add(key)
        return self._body.get(key, default)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text."""
        value = self.get(key, default)
        if not isinstance(value, str):
            self.refuse(f"[{key}] must be a text; found [{value}]")
        return value

    def texts(self, key: str) -> list[str]:
        """Return a list of texts; an absent one is empty."""
        value = self.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.refuse(f"[{key}] must be a list of texts; found [{value}]")
        return value

    def number(self, key: str, default: int) -> int:
        """Return a whole number."""
        value = self.get(key, default)
        try:
            return int(value)
        except (TypeError, ValueError):
            self.refuse(f"[{key}] must be a whole number; found [{value}]")

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return a boolean."""
        value = self.get(key, default)
        if value not in (True, False, "true", "false"):
            self.refuse(f"[{key}] must be true or false; found [{value}]")
        return value in (True, "true")

    def chosen(self, makers: Mapping[str, Callable[[Part], Any]]) -> Any:
        """Return what the maker of its kind makes of it.

        Raises:
            UnsupportedAnalyzer: there is no maker, or a key that it did not read.
        """
        if self.kind not in makers:
            raise UnsupportedAnalyzer(
                f"{self.role} [{self.kind}] is not supported by this engine; supported: {', '.join(sorted(makers))}"
            )
        made = makers[self.kind](self)
        unread = sorted(self._body.keys() - self._read)
        if unread:
            self.refuse(f"[{unread[0]}] is not supported")
        return made
