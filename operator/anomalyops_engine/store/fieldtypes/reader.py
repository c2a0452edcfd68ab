"""How the values of a field become values of its column."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa

ARROW_TYPES: Final = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "UBIGINT": pa.uint64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
}
# What reading a value may raise when the value does not fit.
REFUSALS: Final = (ValueError, TypeError, OverflowError)


class ValueParseError(ValueError):
    """A value does not fit, and Elasticsearch's parser says so with an error of its own kind."""


_SHOWN_DEPTH: Final = 40  # deeper levels would not be seen


class _Absent:
    """The mark of a field that a document does not have, where that differs from a null."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()


class Reader(ABC):
    """Reads the values of one field definition.

    Attributes:
        sql_type: SQL type of the column.
        takes_objects: an object can be one value.
        takes_lists: a list of numbers can be one value.
        limit: strings longer than this are left out of the column (`ignore_above`), in UTF-16 units; None for none.
        ignore_malformed: values that do not fit are left out of the column instead of refusing the document.
        null: what a null is kept as; None for nothing.
    """

    takes_objects = False
    takes_lists = False

    def __init__(
        self,
        sql_type: str,
        *,
        limit: int | None = None,
        ignore_malformed: bool = False,
        null: object = None,
        kept_as: tuple[object, ...] = (),
    ) -> None:
        self.sql_type = sql_type
        self.limit = limit
        self.ignore_malformed = ignore_malformed
        self._kept_as = (sql_type, ignore_malformed, *kept_as)
        self.null = None if null is None else self.read(null)

    @property
    def arrow_type(self) -> pa.DataType:
        """Arrow type of the column."""
        return ARROW_TYPES[self.sql_type]

    @abstractmethod
    def read(self, value: Any) -> Any:
        """Return what is kept of a value; None for nothing.

        Raises:
            ValueError: the value does not fit; the message is the cause as Elasticsearch tells it.
        """

    @property
    def json_types(self) -> tuple[pa.DataType, ...]:
        """Arrow types of the JSON values that `read_column` takes, the usual one first; none where it takes none."""
        return ()

    def read_column(self, column: pa.Array) -> pa.Array:
        """Return the column of many values of one JSON type, each distinct one read once.

        Args:
            column: values of one of `json_types`, null where there is none.

        Raises:
            ValueError, TypeError, OverflowError: some value does not fit.
        """
        encoded = column.dictionary_encode()
        distinct = pa.array([self.read(value) for value in encoded.dictionary.to_pylist()], self.arrow_type)
        return distinct.take(encoded.indices)

    def read_all(self, values: list[Any], kinds: set[type]) -> pa.Array | None:
        """Return the column of many values at once; None where they must be looked at one by one.

        Args:
            values: one a document, None where there is none.
            kinds: the Python types among them, without None.

        Raises:
            pyarrow.ArrowInvalid, OverflowError, UnicodeEncodeError: likewise to be looked at one by one.
        """
        return None

    def same_column_as(self, other: Reader) -> bool:
        """Return whether another reader keeps every value as this one does, but for what `limit` leaves out."""
        return self._kept_as == other._kept_as and (self.null, other.null) == (None, None)


class Cached(dict[Any, Any]):
    """A function's results by argument, for columns with few distinct values."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, key: Any) -> Any:
        value = self._function(key)
        if len(self) < 65_536:
            self[key] = value
        return value


def _written(value: object, depth: int = 0) -> str:
    if depth > _SHOWN_DEPTH:
        return "..."
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={_written(inner, depth + 1)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(_written(item, depth + 1) for item in value)}]"
    return "null" if value is None else str(value)


def shown(value: object) -> str:
    """Return a value as error messages show it, objects and lists as Java writes them."""
    text = _written(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
