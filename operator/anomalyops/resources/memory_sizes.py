"""Memory sizes as Elasticsearch reads them: `512mb`, `1gb`, or a number of mebibytes."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

_UNITS = {"b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "p": 2**50}
MEBIBYTE = _UNITS["m"]
MEMORY_PATTERN = r"^[0-9]{1,15}([bB]|[kKmMgGtTpP][bB]?)$"
_MEMORY = re.compile(r"([0-9]{1,15})([bkmgtp])b?", re.IGNORECASE)
MEMORY_FORM = "write a whole number and a unit of b, kb, mb, gb, tb or pb, such as 512mb, or a number of mebibytes"


def parse_memory(value: str | int) -> int:
    """Bytes of a memory size: a string with a unit (powers of 1024) or a number of mebibytes.

    Raises:
        ValueError: `value` is not a size as Elasticsearch's `ByteSizeValue` reads it.
    """
    if isinstance(value, int):
        if isinstance(value, bool) or value < 0:
            raise ValueError(f"{value!r} is not a memory size: {MEMORY_FORM}")
        return value * MEBIBYTE
    match = _MEMORY.fullmatch(value)
    if match is None or value.lower().endswith("bb"):
        raise ValueError(f"'{value}' is not a memory size: {MEMORY_FORM}")
    number, unit = match.groups()
    return int(number) * _UNITS[unit.lower()]


def format_memory(size: int) -> str:
    """A size in bytes as the server prints a memory limit: whole mebibytes, rounded down, as `<N>mb`."""
    return f"{size // MEBIBYTE}mb"


class _MemoryLimit:
    """Marks a `str | int` field as a memory size of at least one mebibyte after rounding down."""

    _TOO_SMALL = "too small: write at least 1mb (sizes are rounded down to whole mebibytes)"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        """A strict string or integer that is checked as a size."""
        union = core_schema.union_schema(
            [core_schema.int_schema(strict=True), core_schema.str_schema(strict=True)],
            custom_error_type="memory_size",
            custom_error_message=f"not a memory size: {MEMORY_FORM}",
        )
        return core_schema.no_info_after_validator_function(cls._check, union)

    @classmethod
    def _check(cls, value: str | int) -> str | int:
        if parse_memory(value) < MEBIBYTE:
            raise ValueError(f"{value!r} is {cls._TOO_SMALL}")
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """`x-kubernetes-int-or-string`, with the format and the lower limit as CEL rules."""
        text = "string(self).lowerAscii()"
        well_formed = f"string(self).matches('{MEMORY_PATTERN}')"
        number = f"int({text}.find('^[0-9]+'))"
        # How many of each unit make a mebibyte.
        needed = ", ".join(f"'{unit}': {max(1, MEBIBYTE // size)}" for unit, size in _UNITS.items())
        return {
            "x-kubernetes-int-or-string": True,
            "maxLength": 24,
            "pattern": MEMORY_PATTERN,
            "x-kubernetes-validations": [
                {
                    "rule": f"type(self) == int || {well_formed}",
                    "message": f"not a memory size: {MEMORY_FORM}",
                },
                {
                    "rule": (
                        f"type(self) == int ? self >= 1 : !{well_formed} || "
                        f"{number} >= {{{needed}}}[{text}.find('[a-z]').substring(0, 1)]"
                    ),
                    "message": cls._TOO_SMALL,
                },
            ],
        }


MemoryLimit = Annotated[str | int, _MemoryLimit]
