"""Ranges of numbers, moments and addresses (Elasticsearch's range field types); kept as `low,high` text.

Both ends are included: an end that a document leaves out is the value beside it, and one that it does not name is the
last that there is. So a range is two values that compare as plain ones do, whatever it was written like.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final, Literal

import numpy as np

from anomalyops_engine.store import ip
from anomalyops_engine.store.dates import parse_date
from anomalyops_engine.store.fieldtypes.numbers import INTEGER_LIMITS, Floats, Integers
from anomalyops_engine.store.fieldtypes.reader import Reader, ValueParseError, shown
from anomalyops_engine.store.fieldtypes.texts import as_text

End = int | float
_LONGS: Final = INTEGER_LIMITS["long"]
_LAST_ADDRESS: Final = 2**128 - 1


@dataclass(frozen=True, slots=True)
class RangeKind:
    """What the ends of a type of ranges are.

    Attributes:
        name: of the type.
        sql_type: of one end, taken out of the text.
        lowest: the first value that there is.
        highest: the last one.
        following: the value after a value.
        preceding: the value before a value.
        written: a value in the text of a range.
    """

    name: str
    sql_type: Literal["BIGINT", "DOUBLE", "VARCHAR"]
    lowest: End
    highest: End
    following: Callable[[Any], End]
    preceding: Callable[[Any], End]
    written: Callable[[Any], str] = repr

    @property
    def element(self) -> str:
        """The type of one end."""
        return self.name.removesuffix("_range")


def _up(value: int) -> int:
    return value + 1


def _down(value: int) -> int:
    return value - 1


def _whole(name: str, limits: tuple[int, int]) -> RangeKind:
    return RangeKind(name, "BIGINT", *limits, _up, _down)


RANGE_KINDS: Final[dict[str, RangeKind]] = {
    kind.name: kind
    for kind in (
        _whole("integer_range", INTEGER_LIMITS["integer"]),
        _whole("long_range", _LONGS),
        _whole("date_range", _LONGS),
        RangeKind(
            "float_range",
            "DOUBLE",
            -math.inf,
            math.inf,
            lambda value: float(np.nextafter(np.float32(value), np.float32(math.inf))),
            lambda value: float(np.nextafter(np.float32(value), np.float32(-math.inf))),
        ),
        RangeKind(
            "double_range",
            "DOUBLE",
            -math.inf,
            math.inf,
            lambda value: math.nextafter(value, math.inf),
            lambda value: math.nextafter(value, -math.inf),
        ),
        RangeKind("ip_range", "VARCHAR", 0, _LAST_ADDRESS, _up, _down, lambda value: f"{value:032x}"),
    )
}


def address_number(text: str) -> int:
    """Return the 128 bits of an address.

    Raises:
        ValueError: it is none.
    """
    return int(ip.stored(text)[: ip.KEY_LENGTH], 16)


class Ranges(Reader):
    """Ranges of a kind.

    Args:
        kind: name of the type.
        coerce: fractions are cut off and texts are read as numbers.
        formats: of the ends of `date_range`.
    """

    takes_objects = True

    def __init__(self, kind: str, *, coerce: bool, formats: str) -> None:
        self.kind = RANGE_KINDS[kind]
        self._formats = formats
        self._numbers: Reader | None = None
        if self.kind.element in INTEGER_LIMITS and kind != "date_range":
            self._numbers = Integers(self.kind.element, coerce=coerce)
        elif self.kind.sql_type == "DOUBLE":
            self._numbers = Floats(self.kind.element, coerce=coerce)
        super().__init__("VARCHAR", kept_as=(kind, coerce, formats))

    def read(self, value: Any) -> str:
        """Return the range."""
        low, high = self._ends(value)
        if low > high:
            raise ValueError(f"min value ({low}) is greater than max value ({high})")
        return f"{self.kind.written(low)},{self.kind.written(high)}"

    def end(self, value: Any, *, round_up: bool = False) -> End:
        """Return one end as it is written, no matter whether it is included.

        Args:
            value: as a document has it.
            round_up: a date that is not written to the millisecond is the last one that it can mean.

        Raises:
            ValueError: it does not fit.
        """
        if isinstance(value, dict | list):
            raise ValueParseError(f"expected a value but got [{shown(value)}]")
        if self._numbers is not None:
            number = self._numbers.read(value)
            if number is None:
                raise ValueError("empty String")
            return int(number) if self.kind.sql_type == "BIGINT" else float(number)
        if self.kind.name == "date_range":
            text = value if isinstance(value, str | int | float) and not isinstance(value, bool) else as_text(value)
            return int(parse_date(text, self._formats, round_up=round_up))
        return address_number(as_text(value))

    def _ends(self, value: Any) -> tuple[End, End]:
        if isinstance(value, str) and self.kind.name == "ip_range":
            return _block(value)
        if not isinstance(value, dict):
            raise ValueParseError(f"expected an object but got [{shown(value)}]")
        low, high = self.kind.lowest, self.kind.highest
        for key, end in value.items():
            if key not in {"gt", "gte", "lt", "lte"}:
                raise ValueParseError(f"unknown parameter [{key}]")
            if end is None:
                continue
            read = self.end(end, round_up=key in {"gt", "lte"})
            if key in {"gt", "gte"}:
                low = self.kind.following(read) if key == "gt" else read
            else:
                high = self.kind.preceding(read) if key == "lt" else read
        return low, high


def _block(text: str) -> tuple[int, int]:
    """Return the first and the last address of a block in CIDR notation.

    Raises:
        ValueParseError: there is no such block.
    """
    try:
        if not ip.is_block(text):
            raise ValueError(text)
        low, above = ip.block(text)
    except ValueError:
        raise ValueParseError(f"Expected [ip/prefix] but was [{shown(text)}]") from None
    return int(low, 16), _LAST_ADDRESS if above is None else int(above, 16) - 1


def shown_block(text: str) -> str:
    """Return a block as hits show it: its first address and the length of its prefix."""
    network = IPv6Network(text, strict=False) if ":" in text else IPv4Network(text, strict=False)
    return str(network)
