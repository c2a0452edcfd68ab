"""Strict, table-driven parsing of request bodies.

Each parser is a name (as Elasticsearch's error texts show it) and a table of fields. An unknown key, a value
of the wrong JSON type and an error inside a nested object are refused with the wrapping that Elasticsearch's
`ObjectParser` produces, so that clients find the text where they expect it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from anomalyops_engine.config.units import Duration
from anomalyops_engine.json_types import Json
from anomalyops_engine.refusals import MlError, field_failure, illegal_argument, parse_failure

Read = Callable[[str, Any], Any]


class WrongType(Exception):  # noqa: N818 - a signal between a reader and its parser, never seen outside
    """A reader does not take values of this JSON type."""


@dataclass(frozen=True, slots=True)
class Parser:
    """A strict object parser: `fields` from key to reader, `aliases` from old to new key."""

    name: str
    fields: Mapping[str, Read]
    aliases: Mapping[str, str] | None = None
    required: tuple[str, ...] = ()

    def parse(self, body: Json) -> dict[str, Any]:
        """Return the fields that `body` sets; a JSON null counts as not set.

        Raises:
            MlError: 400 `x_content_parse_exception`.
        """
        if not isinstance(body, dict):
            raise parse_failure(f"[{self.name}] Expected START_OBJECT but was: {token(body)}")
        parsed: dict[str, Any] = {}
        for given, value in body.items():
            key = (self.aliases or {}).get(given, given)
            reader = self.fields.get(key)
            if reader is None:
                raise parse_failure(f"[{self.name}] unknown field [{given}]")
            if value is None:
                continue
            try:
                parsed[key] = reader(key, value)
            except WrongType:
                raise parse_failure(f"[{self.name}] {key} doesn't support values of type: {token(value)}") from None
            except MlError as error:
                raise field_failure(self.name, key, error) from error
        missing = [key for key in self.required if key not in parsed]
        if missing:
            raise illegal_argument(f"Required [{', '.join(missing)}]")
        return parsed


def token(value: object) -> str:
    """Return the name of a JSON value's token, as Elasticsearch's texts have it."""
    if isinstance(value, bool):
        return "VALUE_BOOLEAN"
    names = {dict: "START_OBJECT", list: "START_ARRAY", str: "VALUE_STRING", int: "VALUE_NUMBER"}
    return names.get(type(value), "VALUE_NUMBER" if isinstance(value, float) else "VALUE_NULL")


def text(_: str, value: Json) -> str:
    """Read a string (a number or boolean is taken by its text)."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    raise WrongType


def number(field: str, value: Json) -> float:
    """Read a double."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise WrongType
    try:
        return float(value)
    except ValueError:
        raise illegal_argument(f'For input string: "{value}"') from None


def integer(field: str, value: Json) -> int:
    """Read a whole number; a string of digits counts."""
    as_number = number(field, value)
    if as_number != int(as_number):
        raise illegal_argument(f"{value} cannot be converted to Long without data loss")
    return int(value) if isinstance(value, int) else int(as_number)


def boolean(field: str, value: Json) -> bool:
    """Read `true` or `false`, also as a string."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    if isinstance(value, str):
        raise illegal_argument(f"Failed to parse value [{value}] as only [true] or [false] are allowed.")
    raise WrongType


def duration(field: str, value: Json) -> Duration:
    """Read a duration."""
    if not isinstance(value, str):
        raise WrongType
    return Duration.read(value, field)


def mapping(_: str, value: Json) -> dict[str, Any]:
    """Read an object that is kept as it is."""
    if not isinstance(value, dict):
        raise WrongType
    return value


def texts(field: str, value: Json) -> tuple[str, ...]:
    """Read a list of strings; a single string counts as a list of one."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        raise WrongType
    return tuple(text(field, item) for item in value)


def choice(*allowed: str) -> Read:
    """Return a reader of an enumeration, which takes any letter case and returns lower case."""

    def read(field: str, value: Json) -> str:
        if not isinstance(value, str):
            raise WrongType
        if value.strip().lower() not in allowed:
            raise illegal_argument(f"[{field}] has unknown value [{value}]; accepted are [{', '.join(allowed)}]")
        return value.strip().lower()

    return read
