"""Durations as Elasticsearch reads them: a whole number and a unit from nanoseconds to days."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

_NANOS = {
    "d": 86_400_000_000_000,
    "h": 3_600_000_000_000,
    "m": 60_000_000_000,
    "s": 1_000_000_000,
    "ms": 1_000_000,
    "micros": 1_000,
    "nanos": 1,
}
# As many digits as keep the nanoseconds within a signed 64-bit integer, in which CEL computes them.
_DIGITS = {"d": 5, "h": 6, "m": 8, "s": 9, "ms": 12, "micros": 15, "nanos": 18}
DURATION_PATTERN = f"^(0|{'|'.join(f'[0-9]{{1,{digits}}}{unit}' for unit, digits in _DIGITS.items())})$"
_DURATION = re.compile(DURATION_PATTERN.replace("$", r"\Z"))
_PARTS = re.compile(r"([0-9]+)([a-z]+)")
DURATION_FORM = "write a whole number and a unit of d, h, m, s, ms, micros or nanos, such as 15m"


def duration_nanos(text: str) -> int:
    """Nanoseconds of a duration such as `15m`, `3600s` or `0`.

    Raises:
        ValueError: `text` is not a duration as Elasticsearch's `TimeValue` reads it.
    """
    if not _DURATION.match(text):
        raise ValueError(f"'{text}' is not a duration: {DURATION_FORM}")
    parts = _PARTS.match(text)
    return int(parts[1]) * _NANOS[parts[2]] if parts else 0


def parse_duration(text: str) -> int:
    """Milliseconds of a duration such as `15m`; what is finer than a millisecond is cut off.

    Two durations mean the same when this is equal: `60m` and `1h`.

    Raises:
        ValueError: `text` is not a duration as Elasticsearch reads it (units d, h, m, s, ms, micros, nanos).
    """
    return duration_nanos(text) // _NANOS["ms"]


def cel_nanos(expression: str) -> str:
    """A CEL expression for the nanoseconds of the duration string that `expression` gives.

    CEL's own `duration()` knows neither days nor Elasticsearch's names of the small units.
    """
    units = ", ".join(f"'{unit}': {nanos}" for unit, nanos in _NANOS.items())
    return f"({expression} == '0' ? 0 : int({expression}.find('^[0-9]+')) * {{{units}}}[{expression}.find('[a-z]+$')])"


def cel_is_duration(expression: str) -> str:
    """A CEL expression that says whether the string that `expression` gives is a duration."""
    return f"{expression}.matches('{DURATION_PATTERN}')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """Marks a `str` field as a duration: `Annotated[str, Duration(minimum="1h", multiple="1s")]`.

    Attributes:
        minimum: The shortest accepted duration.
        multiple: What the duration must be a whole multiple of.
    """

    minimum: str = "0"
    multiple: str = "1nanos"

    def __get_pydantic_core_schema__(self, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        """A string that is checked as a duration."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def _check(self, text: str) -> str:
        nanos = duration_nanos(text)
        if nanos < duration_nanos(self.minimum):
            raise ValueError(f"'{text}' is too short: {self._minimum_message}")
        if nanos % duration_nanos(self.multiple):
            raise ValueError(f"'{text}' is too fine: {self._multiple_message}")
        return text

    @property
    def _minimum_message(self) -> str:
        return f"write at least {self.minimum}"

    @property
    def _multiple_message(self) -> str:
        return f"write a whole multiple of {self.multiple}"

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A bounded string with its format as a pattern and its limits as CEL rules."""
        nanos = cel_nanos("self")
        well_formed = cel_is_duration("self")
        rules = [{"rule": well_formed, "message": f"not a duration: {DURATION_FORM}"}]
        if duration_nanos(self.minimum):
            rules.append(
                {
                    "rule": f"!{well_formed} || {nanos} >= {duration_nanos(self.minimum)}",
                    "message": f"too short: {self._minimum_message}",
                }
            )
        if duration_nanos(self.multiple) > 1:
            rules.append(
                {
                    "rule": f"!{well_formed} || {nanos} % {duration_nanos(self.multiple)} == 0",
                    "message": f"too fine: {self._multiple_message}",
                }
            )
        return {
            "type": "string",
            "maxLength": 24,
            "pattern": DURATION_PATTERN,
            "x-kubernetes-validations": rules,
        }
