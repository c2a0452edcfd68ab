"""Reading the options of a request from one table each: a frozen dataclass whose fields are the options.

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Histogram:
        field: str = option(text)
        interval: float = option(number(above=0))
        keyed: bool = option(boolean, default=False)

`read_options(Histogram, ...)` takes what the table names, refuses what it does not name (400) and what Elasticsearch
has and the engine has not (501, the names in `UNSUPPORTED`); so nothing is accepted and ignored. A reader turns the
JSON of one option into its value. Numbers and booleans may be written as text, as Elasticsearch's parsers take them
(`AbstractXContentParser`, number coercion); fractions are cut off where a whole number is wanted, infinities and what
is no number are refused.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import re
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, TypeVar, cast

from anomalyops_engine.query.errors import (
    ContentParseError,
    IllegalQueryError,
    NumberFormatError,
    QueryError,
    QueryParsingError,
    UnsupportedQueryError,
)

T = TypeVar("T")
Scalar = str | int | float | bool

_REQUIRED = object()
_DIGITS = 400
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Subject:
    """What the options belong to, and how its errors are worded.

    Attributes:
        kind: the word in brackets that messages begin with: a type of aggregation or query, or a key.
        place: where it stands, as messages end; empty for nothing.
    """

    # Whether a number or a truth value counts as its text where a text is wanted.
    coerces: ClassVar[bool] = False

    kind: str
    place: str = ""

    def unknown(self, key: str, value: object) -> QueryError:
        """Return the error of an option that nobody knows."""
        return ContentParseError(f"[{self.kind}] unknown field [{key}]{self.place}")

    def unsupported(self, key: str) -> QueryError:
        """Return the error of an option that this engine lacks."""
        return UnsupportedQueryError(f"[{key}] of [{self.kind}]{self.place} is not supported by this engine")

    def mistyped(self, key: str, error: MistypedError) -> QueryError:
        """Return the error of an option that is given another kind of JSON value than it takes."""
        token = token_of(error.value)
        return ContentParseError(f"[{self.kind}] {key} doesn't support values of type: {token}{self.place}")

    def failed(self, key: str, cause: QueryError) -> QueryError:
        """Return the error of an option whose value cannot be read."""
        return ContentParseError(f"[{self.kind}] failed to parse field [{key}]{self.place}", cause)

    def missing(self, key: str) -> QueryError:
        """Return the error of an option that must be there."""
        return IllegalQueryError(f"Required [{key}] is missing in [{self.kind}]{self.place}")


class BodySubject(Subject):
    """A search body, whose parser tells unknown keys and wrong kinds of values alike."""

    __slots__ = ()

    def unknown(self, key: str, value: object) -> QueryError:
        """Return the error of a key that nobody knows."""
        return QueryParsingError(f"Unknown key for a {token_of(value)} in [{key}].")

    def unsupported(self, key: str) -> QueryError:
        """Return the error of a key that this engine lacks."""
        return UnsupportedQueryError(f"[{key}] in a search is not supported by this engine")

    def mistyped(self, key: str, error: MistypedError) -> QueryError:
        """Return the error of a key that is given another kind of JSON value than it takes."""
        plain = isinstance(error.value, str | int | float)
        return (error.of_token() if plain else None) or self.unknown(key, error.value)

    def failed(self, key: str, cause: QueryError) -> QueryError:
        """Return the error of a key whose value cannot be read."""
        return cause


class Wanted(enum.Enum):
    """A kind of JSON value that a parser asks for by name."""

    TEXT = enum.auto()
    NUMBER = enum.auto()
    BOOLEAN = enum.auto()


class MistypedError(IllegalQueryError):
    """A value is of a kind of JSON that the option does not take.

    Attributes:
        value: the value.
        wanted: the kind that it should have been of, None for one of several.
    """

    def __init__(self, value: object, wanted: Wanted | None = None) -> None:
        self.value = value
        self.wanted = wanted
        super().__init__(f"a value of type {token_of(value)} is not accepted: [{shown(value)}]")

    def of_token(self) -> QueryError | None:
        """Return the error of a parser that reads token by token, None where it asks for no kind by name."""
        if self.wanted is None:
            return None
        token = _raw_token(self.value)
        if self.wanted is Wanted.TEXT:
            return IllegalQueryError(f"Expected text but found {token}")
        if self.wanted is Wanted.BOOLEAN:
            return ContentParseError(f"Current token ({token}) not of boolean type")
        return ContentParseError(f"Current token ({token}) not numeric, can not use numeric value accessors")


def option(read: Callable[[object], Any], default: Any = _REQUIRED, *, key: str = "", nullable: bool = False) -> Any:
    """Return a dataclass field that is an option.

    Args:
        read: its reader.
        default: its value when it is not given; without one it must be given.
        key: its name in JSON, where it is not the field's.
        nullable: null means that it is not given, instead of being refused.
    """
    metadata = {"read": read, "key": key, "nullable": nullable}
    if default is _REQUIRED:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def read_options(table: type[T], body: Mapping[str, Any], subject: Subject, **known: Any) -> T:
    """Return the options that a body gives.

    Args:
        table: the options.
        body: what the request says.
        subject: what they belong to.
        known: fields of the table that are no options.

    Raises:
        QueryParsingError: an option is unknown, or its value cannot be read.
        IllegalQueryError: one is missing.
        UnsupportedQueryError: one is not supported by this engine.
    """
    rows = options_of(cast("Any", table))
    values: dict[str, Any] = dict(known)
    for key, value in body.items():
        row = rows.get(key)
        if row is None:
            lacking = key in getattr(table, "UNSUPPORTED", ())
            raise subject.unsupported(key) if lacking else subject.unknown(key, value)
        if value is not None or not row.metadata["nullable"]:
            values[row.name] = _read(row.metadata["read"], value, key, subject)
    for key, row in rows.items():
        if row.default is dataclasses.MISSING and row.name not in values:
            raise subject.missing(key)
    return table(**values)


@cache
def options_of(table: Any) -> dict[str, dataclasses.Field[Any]]:
    """Return the options of a table by their name in JSON."""
    return {row.metadata["key"] or row.name: row for row in dataclasses.fields(table) if "read" in row.metadata}


def _read(read: Callable[[object], Any], value: object, key: str, subject: Subject) -> Any:
    try:
        return read(value)
    except MistypedError as error:
        if subject.coerces and error.wanted is Wanted.TEXT and isinstance(value, int | float):
            return _read(read, token_text(value), key, subject)
        raise subject.mistyped(key, error) from None
    except (IllegalQueryError, QueryParsingError) as error:
        raise subject.failed(key, error) from None


# --- readers ---


def text(value: object) -> str:
    """Read a text."""
    if not isinstance(value, str):
        raise MistypedError(value, Wanted.TEXT)
    return value


def boolean(value: object) -> bool:
    """Read true or false, perhaps written as text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in {"true", "false"}:
        return value == "true"
    if not isinstance(value, str):
        raise MistypedError(value, Wanted.BOOLEAN)
    raise IllegalQueryError(f"Failed to parse value [{shown(value)}] as only [true] or [false] are allowed.")


def any_number(value: object) -> int | float:
    """Read a finite number, perhaps written as text; whole numbers stay whole."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        number: int | float = value
    elif not isinstance(value, str):
        raise MistypedError(value, Wanted.NUMBER)
    elif len(value) > _DIGITS or _NUMBER.fullmatch(value) is None:
        raise NumberFormatError(shown(value))
    else:
        number = int(value) if value.lstrip("+-").isdigit() else float(value)
    if abs(number) > sys.float_info.max or math.isnan(number):
        raise IllegalQueryError(f"expected a finite number, got [{shown(value)}]")
    return number


def number(*, above: float | None = None, at_least: float | None = None) -> Callable[[object], float]:
    """Return the reader of a finite number within limits, given as DOUBLE."""

    def read(value: object) -> float:
        found = any_number(value)
        if above is not None and not found > above:
            raise IllegalQueryError(f"must be greater than [{above:g}], got [{shown(value)}]")
        if at_least is not None and not found >= at_least:
            raise IllegalQueryError(f"must be [{at_least:g}] or more, got [{shown(value)}]")
        return float(found)

    return read


def integer(*, at_least: int = -(2**31), at_most: int = 2**31 - 1) -> Callable[[object], int]:
    """Return the reader of a whole number within limits; the fraction of a number is cut off."""

    def read(value: object) -> int:
        found = any_number(value)
        if not at_least <= found <= at_most:
            raise IllegalQueryError(f"must be from [{at_least}] to [{at_most}], got [{shown(value)}]")
        return int(found)

    return read


def at_least_zero(name: str) -> Callable[[object], int]:
    """Return the reader of a whole number that is not negative, with the message of the search body."""

    def read(value: object) -> int:
        found = integer()(value)
        if found < 0:
            raise IllegalQueryError(f"[{name}] parameter cannot be negative, found [{found}]")
        return found

    return read


def scalar(value: object) -> Scalar:
    """Read a text, number or boolean."""
    if isinstance(value, str | int | float):
        return value
    raise MistypedError(value)


def spoken(value: object) -> Scalar:
    """Read a text; a number or boolean is kept as it is, where one is meant by it."""
    if isinstance(value, str | int | float):
        return value
    raise MistypedError(value, Wanted.TEXT)


def word(allowed: Collection[str]) -> Callable[[object], str]:
    """Return the reader of one of some words, in any case."""

    def read(value: object) -> str:
        found = text(value).lower()
        if found not in allowed:
            raise IllegalQueryError(f"expected any of [{', '.join(sorted(allowed))}], got [{shown(value)}]")
        return found

    return read


def mapping(value: object) -> dict[str, Any]:
    """Read an object."""
    if not isinstance(value, dict):
        raise MistypedError(value)
    return value


def anything(value: object) -> Any:
    """Read any JSON value as it is."""
    return value


def list_of(read: Callable[[object], T], *, least: int = 0) -> Callable[[object], tuple[T, ...]]:
    """Return the reader of a list; one value alone stands for a list of it."""

    def read_list(value: object) -> tuple[T, ...]:
        found = tuple(read(item) for item in (value if isinstance(value, list) else [value]))
        if len(found) < least:
            raise IllegalQueryError(f"expected at least [{least}] values, got [{shown(value)}]")
        return found

    return read_list


def table_of(table: type[T], subject: Subject) -> Callable[[object], T]:
    """Return the reader of an object of options."""
    return lambda value: read_options(table, mapping(value), subject)


def unsupported(what: str) -> Callable[[object], Any]:
    """Return the reader of an option that the engine lacks in every form."""

    def read(value: object) -> Any:
        raise UnsupportedQueryError(f"{what} [{shown(value)}] is not supported by this engine")

    return read


def token_of(value: object) -> str:
    """Return the name of a JSON value's kind, as Elasticsearch's messages have it."""
    if isinstance(value, bool):
        return "VALUE_BOOLEAN"
    if value is None:
        return "VALUE_NULL"
    for kind, name in _TOKENS:
        if isinstance(value, kind):
            return name
    return type(value).__name__


_TOKENS = ((str, "VALUE_STRING"), (int | float, "VALUE_NUMBER"), (list, "START_ARRAY"), (dict, "START_OBJECT"))


def _raw_token(value: object) -> str:
    """Return the name of a token as the JSON parser below has it."""
    if isinstance(value, bool):
        return "VALUE_TRUE" if value else "VALUE_FALSE"
    kinds = {int: "VALUE_NUMBER_INT", float: "VALUE_NUMBER_FLOAT"}
    return kinds.get(type(value)) or token_of(value)


def token_text(value: Scalar) -> str:
    """Return a value as text, as JSON has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def shown(value: object) -> str:
    """Return a value as messages show it."""
    whole = token_text(value) if isinstance(value, bool) else str(value)
    return whole if len(whole) <= 120 else f"{whole[:117]}..."
