"""Quantities of Kubernetes: `500m`, `2`, `10Gi`."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from anomalyops.resources.identifiers import Text

_UNITS = {
    "n": Decimal(10) ** -9,
    "u": Decimal(10) ** -6,
    "m": Decimal(10) ** -3,
    "": Decimal(1),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", start=1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)},
}
_QUANTITY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)([numkMGTPE]?|[KMGTPE]i)", re.ASCII)
_SIZE_FORM = "write a number of bytes above zero with a unit of Ki, Mi, Gi, Ti, k, M, G or T, such as 10Gi"

ByteQuantity = Annotated[str, Text(pattern=r"^[1-9][0-9]{0,14}([KMGT]i|[kMGT])$", form=_SIZE_FORM, maximum=20)]
"""So many bytes, more than none."""

CpuQuantity = Annotated[
    str,
    Text(
        pattern=r"^([1-9][0-9]{0,14}m?|[0-9]{1,9}\.[0-9]{0,2}[1-9])$",
        form="write processors above zero, such as 2, 0.5 or 500m",
        maximum=20,
    ),
]
"""So many processors, more than none."""


def parse_quantity(text: str) -> Decimal:
    """The number that a quantity is.

    Raises:
        ValueError: `text` is no quantity in decimal notation with one of Kubernetes' suffixes.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a quantity")
    number, unit = match.groups()
    return Decimal(number) * _UNITS[unit]
