"""What Elasticsearch takes from Java when it draws lots, so that the same job draws the same one here."""

from __future__ import annotations

from typing import Final

_MULTIPLIER: Final = 0x5DEECE66D
_MASK: Final = (1 << 48) - 1


def java_hash(text: str) -> int:
    """Return `String.hashCode`: a signed number of 32 bits."""
    value = 0
    units = text.encode("utf-16-be", "surrogatepass")
    for high, low in zip(units[::2], units[1::2], strict=True):
        value = (31 * value + (high << 8 | low)) & 0xFFFFFFFF
    return _signed(value, 32)


class JavaRandom:
    """`java.util.Random`: the linear congruential generator of its documentation."""

    def __init__(self, seed: int) -> None:
        self._state = (seed ^ _MULTIPLIER) & _MASK

    def below(self, least: int, bound: int) -> int:
        """Return a number in [least, bound), as the first of `longs(least, bound)`."""
        width = bound - least
        while True:
            drawn = (self._long() & 0xFFFFFFFFFFFFFFFF) >> 1
            found = drawn % width
            if drawn + width - 1 - found < 2**63:
                return least + found

    def _long(self) -> int:
        return _signed(((self._next32() << 32) + self._next32()) & 0xFFFFFFFFFFFFFFFF, 64)

    def _next32(self) -> int:
        self._state = (self._state * _MULTIPLIER + 0xB) & _MASK
        return _signed(self._state >> 16, 32)


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value
