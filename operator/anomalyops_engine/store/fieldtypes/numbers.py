"""Numbers: rounded, cut off and bounded as their types say (Elasticsearch's numeric field types)."""

from __future__ import annotations

import math
import re
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anomalyops_engine.store.fieldtypes.reader import Reader, shown

INTEGER_LIMITS: Final = {
    "long": (-(2**63), 2**63 - 1),
    "integer": (-(2**31), 2**31 - 1),
    "short": (-(2**15), 2**15 - 1),
    "byte": (-128, 127),
    "unsigned_long": (0, 2**64 - 1),
}
# Types that are kept in no more than single precision.
SINGLES: Final = frozenset({"float", "half_float"})
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
# What Java's `Double.parseDouble` takes: no underscores, but hexadecimal numbers and a suffix.
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_HEXADECIMAL = re.compile(r"[+-]?0[xX][0-9a-fA-F]*\.?[0-9a-fA-F]*[pP][+-]?\d+", re.ASCII)
# What Java's `String.trim` takes off.
_BLANKS = "".join(map(chr, range(33)))
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "+Infinity": math.inf, "-Infinity": -math.inf}


class Integers(Reader):
    """Whole numbers of a width.

    Args:
        kind: type of the field.
        coerce: fractions are cut off and texts are read.
    """

    def __init__(self, kind: str, *, coerce: bool = True, **options: Any) -> None:
        self._kind = kind
        self._coerce = coerce
        self._low, self._high = INTEGER_LIMITS[kind]
        super().__init__("UBIGINT" if kind == "unsigned_long" else "BIGINT", kept_as=(kind, coerce), **options)

    def read(self, value: Any) -> int | None:
        """Return the whole number."""
        if isinstance(value, str):
            number = self._from_text(value)
            if number is None:
                return None
        elif isinstance(value, int | float) and not isinstance(value, bool):
            number = value
        else:
            raise _no_number(value)
        return self._whole(number)

    def read_all(self, values: list[Any], kinds: set[type]) -> pa.Array | None:
        """Return whole numbers as they are."""
        if not kinds <= {int}:
            return None
        column = pa.array(values, self.arrow_type)
        return column if self._fit(column) else None

    @property
    def json_types(self) -> tuple[pa.DataType, ...]:
        """Whole numbers."""
        return (self.arrow_type,)

    def read_column(self, column: pa.Array) -> pa.Array:
        """Return whole numbers as they are."""
        return column if self._fit(column) else super().read_column(column)

    def _fit(self, column: pa.Array) -> bool:
        if self._kind in {"long", "unsigned_long"}:
            return True
        bounds = pc.min_max(column)
        return bounds["min"].as_py() is None or (
            self._low <= bounds["min"].as_py() and bounds["max"].as_py() <= self._high
        )

    def _from_text(self, text: str) -> int | float | None:
        if self._kind == "unsigned_long":
            # Texts of fractions are not cut off for this type.
            if _INTEGER.fullmatch(text) is None:
                raise ValueError(f'For input string: "{shown(text)}"')
            return int(text)
        if not self._coerce:
            raise ValueError(f"{self._kind.capitalize()} value passed as String")
        if not text:
            return None
        if _INTEGER.fullmatch(text):
            return int(text)
        if _DECIMAL.fullmatch(text):
            return float(text)
        if self._kind != "long":  # narrower widths are read as doubles are
            number = _from_text(text)
            if math.isfinite(number):
                return number
        raise ValueError(f'For input string: "{shown(text)}"')

    def _whole(self, number: float) -> int:
        if isinstance(number, float):
            if not math.isfinite(number):
                raise ValueError(f"Value [{number}] is out of range for a {self._kind}")
            # The widths that Java has a reader of its own for look at the fraction as well.
            if self._kind == "integer" and not number.is_integer() and not self._low <= number <= self._high:
                raise ValueError(f"Value [{number}] out of range for an integer")
            if not number.is_integer() and not self._coerce:
                raise ValueError(f"{number} cannot be converted to {self._kind.capitalize()} without data loss")
        whole = int(number)
        if not self._low <= whole <= self._high:
            article = "an" if self._kind == "integer" else "a"
            raise ValueError(f"Value [{shown(number)}] is out of range for {article} {self._kind}")
        return whole


class Floats(Reader):
    """Numbers with a fraction, rounded to what their type can hold; kept in a column of doubles.

    Args:
        kind: type of the field.
        coerce: texts are read.
        factor: of `scaled_float`, what values are multiplied with before they are rounded.
    """

    def __init__(self, kind: str, *, coerce: bool = True, factor: float = 1.0, **options: Any) -> None:
        self._kind = kind
        self._coerce = coerce
        self._factor = factor
        super().__init__("DOUBLE", kept_as=(kind, coerce, factor), **options)

    def read(self, value: Any) -> float | None:
        """Return the rounded number."""
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise _no_number(value)
        if isinstance(value, str):
            if not self._coerce:
                raise ValueError(f"{self._kind.capitalize()} value passed as String")
            if not value:
                return None
            number = _from_text(value)
        else:
            number = float(value)
        rounded = self._round(number)
        if not math.isfinite(rounded):
            raise ValueError(f"[{self._kind}] supports only finite values, but got [{_java(number, rounded)}]")
        return rounded

    def read_all(self, values: list[Any], kinds: set[type]) -> pa.Array | None:
        """Return the rounded numbers."""
        if not kinds <= {int, float}:
            return None
        return self._rounded(pa.array(values, pa.float64()))

    @property
    def json_types(self) -> tuple[pa.DataType, ...]:
        """Numbers."""
        return (pa.float64(),)

    def read_column(self, column: pa.Array) -> pa.Array:
        """Return the rounded numbers."""
        rounded = self._rounded(column)
        return super().read_column(column) if rounded is None else rounded

    def _rounded(self, column: pa.Array) -> pa.Array | None:
        """Return rounded numbers, None where one cannot be."""
        if self._kind == "double":
            return column
        if self._kind == "scaled_float":
            return None if self._factor == 0 and column.null_count < len(column) else self._scaled(column)
        with np.errstate(over="ignore"):
            numbers = column.to_numpy(zero_copy_only=False)
            rounded = numbers.astype(np.float32 if self._kind == "float" else np.float16).astype(np.float64)
        if np.isinf(rounded).any():
            return None
        return pa.array(rounded, pa.float64(), mask=np.asarray(column.is_null()))

    def _scaled(self, column: pa.Array) -> pa.Array:
        numbers = column.to_numpy(zero_copy_only=False)
        return pa.array(_scale(numbers, self._factor), pa.float64(), mask=np.asarray(column.is_null()))

    def _round(self, number: float) -> float:
        return rounded(self._kind, number, self._factor)


def rounded(kind: str, number: float, factor: float = 1.0) -> float:
    """Return a number in the precision of a type; an infinity where it is too large for it.

    Args:
        kind: name of the type.
        number: any number.
        factor: scaling factor, of `scaled_float`.
    """
    if kind == "scaled_float":
        return float(_scale(np.float64(number), factor)) if math.isfinite(number) else number
    if kind not in SINGLES:
        return number
    with np.errstate(over="ignore"):
        return float(np.float32(number) if kind == "float" else np.float16(number))


def single_digits(number: float) -> float:
    """Return a number with the fewest digits that tell it from its neighbours in single precision."""
    return float(str(np.float32(number)))


def _no_number(value: object) -> ValueError:
    if isinstance(value, dict):
        return ValueError("Cannot parse object as number")
    return ValueError(f"Current token ({shown(value)}) not numeric, can not use numeric value accessors")


def _scale(numbers: Any, factor: float) -> Any:
    """Return numbers rounded to multiples of 1 / factor: halves are rounded up, as Java's `Math.round` does."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = numbers * factor
        whole = np.floor(scaled)
        return (whole + (scaled - whole >= 0.5)) / factor


def _from_text(text: str) -> float:
    plain = text.strip(_BLANKS)
    if plain in _NOT_FINITE:
        return _NOT_FINITE[plain]
    if plain[-1:] in "dDfF" and not plain[:2].lower().startswith("0x"):
        plain = plain[:-1]
    if _DECIMAL.fullmatch(plain):
        return float(plain)
    if _HEXADECIMAL.fullmatch(plain):
        return float.fromhex(plain)
    raise ValueError(f'For input string: "{shown(text)}"')


def _java(number: float, rounded: float) -> str:
    if math.isnan(number):
        return "NaN"
    found = rounded if math.isinf(number) or abs(number) > 3.5e38 else number
    return ("Infinity" if found > 0 else "-Infinity") if math.isinf(found) else repr(found)
