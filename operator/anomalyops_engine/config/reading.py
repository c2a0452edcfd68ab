"""Strict, table-driven parsing of request bodies.

Each parser is a name (as Elasticsearch's error texts show it) and a table of fields. An unknown key, a value
of the wrong JSON type and an error inside a nested object are refused with the wrapping that Elasticsearch's
`ObjectParser` produces, so that clients find the text where they expect it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from anomalyops_engine.config.units import Duration
from anomalyops_engine.json_types import Json, JsonObject
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
        """Return the fields that `body` sets.

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


def read_field(owner: str, field: str, reader: Read, value: Json) -> Any:
    """Return the value of one field, as its reader takes it.

    Args:
        owner: what the field is of, for the error.
        field: its name.
        reader: its reader.
        value: what was given.

    Raises:
        MlError: 400 for a value of another JSON type, or what else the reader refuses.
    """
    return Parser(owner, {field: reader}).parse({field: value})[field]


def token(value: object) -> str:
    """Return the name of a JSON value's token, as Elasticsearch's texts have it."""
    if isinstance(value, bool):
        return "VALUE_BOOLEAN"
    names = {dict: "START_OBJECT", list: "START_ARRAY", str: "VALUE_STRING", int: "VALUE_NUMBER"}
    return names.get(type(value), "VALUE_NUMBER" if isinstance(value, float) else "VALUE_NULL")


def text(_: str, value: Json) -> str:
    """Read a string."""
    if not isinstance(value, str):
        raise WrongType
    return value


def text_or_null(_: str, value: Json) -> str | None:
    """Read a string; null is none."""
    if value is not None and not isinstance(value, str):
        raise WrongType
    return value


def number(_: str, value: Json) -> float:
    """Read a double; a string with one counts."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise WrongType
    try:
        read = float(value)
    except (ValueError, OverflowError):
        raise _no_number(value) from None
    if not math.isfinite(read):
        raise illegal_argument(f"[{value}] is not a finite number")
    return read


def integer(_: str, value: Json) -> int:
    """Read a whole number of 64 bits: fractions are cut off, a string with a number counts."""
    return _whole(value, 64, illegal_argument(f'For input string: "{value}"'))


def small_integer(_: str, value: Json) -> int:
    """Read a whole number of 32 bits, like `integer`."""
    return _whole(value, 32, _no_number(value))


def _whole(value: Json, bits: int, refusal: MlError) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise WrongType
    try:
        read = int(Decimal(value) if isinstance(value, str) else value)
    except (ArithmeticError, ValueError):
        raise refusal from None
    if not -(2 ** (bits - 1)) <= read < 2 ** (bits - 1):
        raise illegal_argument(f"Value [{value}] is out of range for {'a long' if bits == 64 else 'an integer'}")
    return read


def _no_number(value: Json) -> MlError:
    reason = "empty String" if value == "" else f'For input string: "{value}"'
    return MlError(400, "number_format_exception", reason)


def boolean(_: str, value: Json) -> bool:
    """Read `true` or `false`, also as a string; an empty string is false."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise WrongType
    if value not in {"true", "false", ""}:
        raise illegal_argument(f"Failed to parse value [{value}] as only [true] or [false] are allowed.")
    return value == "true"


def duration(field: str, value: Json) -> Duration:
    """Read a duration."""
    return Duration.read(text(field, value), field)


def mapping(_: str, value: Json) -> JsonObject:
    """Read an object that is kept as it is."""
    if not isinstance(value, dict):
        raise WrongType
    return value


def texts(_: str, value: Json) -> tuple[str, ...]:
    """Read a list of strings, where numbers and booleans count by their text; one string is a list of one."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        raise WrongType
    return tuple(_item_text(item) for item in value)


def nested_list() -> MlError:
    """Return the refusal of a list within a list."""
    return MlError(400, "illegal_state_exception", "expected value but got [START_ARRAY]")


def _item_text(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    if isinstance(value, list):
        raise nested_list()
    raise illegal_argument(f"Expected text but found {token(value)}")


def choice(*allowed: str) -> Read:
    """Return a reader of an enumeration, which takes any letter case and returns lower case."""

    def read(field: str, value: Json) -> str:
        name = text(field, value).strip().lower()
        if name not in allowed:
            raise illegal_argument(f"[{field}] has unknown value [{value}]; accepted are [{', '.join(allowed)}]")
        return name

    return read


def choices(*allowed: str) -> Read:
    """Return a reader of a set of words of an enumeration, in its order; one word is a set of one."""
    word = choice(*allowed)

    def read(field: str, value: Json) -> tuple[str, ...]:
        found = {word(field, item) for item in texts(field, value)}
        return tuple(name for name in allowed if name in found)

    return read
