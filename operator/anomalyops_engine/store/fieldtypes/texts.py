"""Strings: texts, keywords and their kin; also booleans, binaries and addresses, which are written as strings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from anomalyops_engine.store import ip
from anomalyops_engine.store.fieldtypes.reader import Cached, Reader, shown

# The longest term that Lucene indexes, in bytes of UTF-8.
LONGEST_TERM: Final = 32_766
# Characters that one UTF-16 unit cannot write make a string up to twice as long there.
_UNITS = 2


class Strings(Reader):
    """Strings as they are.

    Args:
        term: the string is indexed as one term, which may not be too long.
        normalise: what is kept of a string.
    """

    def __init__(
        self,
        *,
        term: bool = True,
        normalise: Callable[[str], str] | None = None,
        limit: int | None = None,
        **options: Any,
    ) -> None:
        self._term = term
        self._normalise = normalise
        super().__init__("VARCHAR", limit=limit, kept_as=(normalise,), **options)

    def read(self, value: Any) -> str | None:
        """Return the string; one over the limit is nothing."""
        text = as_text(value)
        if self.limit is not None and utf16_length(text) > self.limit:
            raise OverLimitError(text)
        if self._normalise is not None:
            text = self._normalise(text)
        if self._term:
            check_term(text)
        return text

    def read_all(self, values: list[Any], kinds: set[type]) -> pa.Array | None:
        """Return strings as they are, where none is too long."""
        if not kinds <= {str} or self._normalise is not None:
            return None
        column = pa.array(values, pa.string())
        return column if self.takes_all(column) else None

    @property
    def json_types(self) -> tuple[pa.DataType, ...]:
        """Texts; numbers would be kept as they are spelled."""
        return (pa.string(),)

    def read_column(self, column: pa.Array) -> pa.Array:
        """Return strings as they are, where none is too long."""
        return column if self._normalise is None and self.takes_all(column) else super().read_column(column)

    def over_limit(self, column: pa.Array) -> list[int]:
        """Return the places of the strings that `read` would leave out because they are too long."""
        limit = self.limit
        if limit is None:
            return []
        long = pc.indices_nonzero(pc.greater(pc.utf8_length(column), limit // _UNITS)).to_pylist()
        return [place for place in long if utf16_length(column[place].as_py()) > limit]

    def takes_all(self, column: pa.Array) -> bool:
        """Return whether surely no string of a column is too long for anything."""
        longest = longest_of(column)
        if self._term and longest > LONGEST_TERM // 4:
            return False
        return self.limit is None or longest <= self.limit // _UNITS or not self.over_limit(column)


class OverLimitError(ValueError):
    """A string is longer than `ignore_above`: it is left out of the column, and the document is not refused."""


class Constant(Strings):
    """One value for all documents of an index (`constant_keyword`).

    Args:
        value: the value; None while no document has brought it.
    """

    def __init__(self, value: str | None, **options: Any) -> None:
        self._value = value
        super().__init__(**options)

    def read(self, value: Any) -> str | None:
        """Return the value, and refuse any other."""
        text = as_text(value)
        if self._value is not None and text != self._value:
            raise ValueError(
                "[constant_keyword] field only accepts values that are equal to the value defined in the mappings "
                f"[{self._value}], but got [{shown(text)}]"
            )
        return text

    @property
    def json_types(self) -> tuple[pa.DataType, ...]:
        """None: documents that lack the field have its value too."""
        return ()

    def read_all(self, values: list[Any], kinds: set[type]) -> pa.Array | None:
        """Look at them one by one."""
        return None


class Booleans(Reader):
    """True and false."""

    def __init__(self, **options: Any) -> None:
        super().__init__("BOOLEAN", kept_as=("boolean",), **options)

    def read(self, value: Any) -> bool:
        """Return the boolean."""
        if isinstance(value, bool):
            return value
        if isinstance(value, str):
            if value in {"true", "false", ""}:
                return value == "true"
            raise ValueError(f"Failed to parse value [{shown(value)}] as only [true] or [false] are allowed.")
        raise ValueError(f"Current token ({shown(value)}) not of boolean type")

    def read_all(self, values: list[Any], kinds: set[type]) -> pa.Array | None:
        """Return booleans as they are."""
        return pa.array(values, pa.bool_()) if kinds <= {bool} else None

    @property
    def json_types(self) -> tuple[pa.DataType, ...]:
        """Booleans."""
        return (pa.bool_(),)

    def read_column(self, column: pa.Array) -> pa.Array:
        """Return booleans as they are."""
        return column


class Addresses(Reader):
    """IP addresses, in the form of `store.ip`."""

    def __init__(self, **options: Any) -> None:
        self._known = Cached(ip.stored)
        super().__init__("VARCHAR", kept_as=("ip",), **options)

    def read(self, value: Any) -> str:
        """Return the address."""
        return str(self._known[value if isinstance(value, str) else as_text(value)])

    def read_all(self, values: list[Any], kinds: set[type]) -> pa.Array | None:
        """Return the addresses, each text read once."""
        if not kinds <= {str}:
            return None
        known = self._known
        return pa.array([None if value is None else known[value] for value in values], pa.string())

    @property
    def json_types(self) -> tuple[pa.DataType, ...]:
        """Texts."""
        return (pa.string(),)


def as_text(value: Any) -> str:
    """Return a value as text, as JSON writes it.

    Raises:
        ValueError: it is an object, or no text that can be stored.
    """
    if isinstance(value, str):
        value.encode()  # a lone surrogate cannot be stored
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    raise ValueError("Expected text but found START_OBJECT")


def utf16_length(text: str) -> int:
    """Return the length of a string as Java counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def longest_of(column: pa.Array) -> int:
    """Return the number of characters of the longest string, 0 without any."""
    return pc.max(pc.utf8_length(column)).as_py() or 0


def check_term(text: str) -> None:
    """Check that a string can be a term.

    Raises:
        ValueError: it is too long.
    """
    if len(text) > LONGEST_TERM // 4 and len(text.encode()) > LONGEST_TERM:
        raise ValueError(
            "bytes can be at most 32766 in length; got "
            f"{len(text.encode())}. Please correct the analyzer to not produce such terms. The prefix of the first "
            f"immense term is: '{text[:30]}...'"
        )
