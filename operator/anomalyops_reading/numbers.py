"""How numbers are written in text: decimal comma or point, thousands, percent, units, and words for no value."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from anomalyops_reading.errors import LoadError

# Words that stand for no value where the others of a column are numbers, booleans or times.
NULL_WORDS: Final = frozenset(
    {"", "-", "--", "?", "na", "n/a", "n.a.", "nan", "#n/a", "null", "none", "nil", "\\n", "missing", "<na>", "nat"}
)
LONG_RANGE: Final = (-(2**63), 2**63 - 1)
UNSIGNED_MAXIMUM: Final = 2**64 - 1
_PLAIN: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_SEPARATED: Final = re.compile(
    r"(?P<before>[-+]?[$€£¥]?)\s*(?P<digits>[-+]?(?:[0-9][0-9.,'\u2019 \u00a0\u202f]*)?[0-9.,])"
    r"(?P<exponent>[eE][+-]?[0-9]+)?\s*(?P<unit>%|[^\W\d_][\w/%]{0,9}|[$€£¥])?"
)
_SPACES: Final = "'\u2019 \u00a0\u202f"


@dataclass(frozen=True, slots=True)
class Notation:
    """How the numbers of a column are written.

    Attributes:
        decimal: between whole part and fraction, `.` or `,`.
        thousands: between groups of three digits, empty for none.
        unit: what stands beside every number, empty for none.
    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""

    @property
    def plain(self) -> bool:
        """Whether numbers are written as JSON writes them."""
        return self == Notation()

    def note(self) -> str:
        """Return in words what is not as JSON writes it."""
        said = []
        if self.decimal == ",":
            said.append("decimal comma")
        if self.thousands:
            said.append(f"thousands separated by {self.thousands!r}")
        if self.unit:
            said.append(f"unit {self.unit!r} left out")
        return ", ".join(said)

    def read(self, text: str) -> str:
        """Return a number as JSON writes it.

        Raises:
            ValueError: it is not written so.
        """
        text = text.strip()
        if self.unit:
            bare = text.removesuffix(self.unit).removeprefix(self.unit).strip()
            if bare == text:
                raise ValueError(f"{text!r} has no unit {self.unit!r}")
            text = bare
        for separator in self.thousands:
            whole, *rest = re.split(r"[eE]|" + re.escape(self.decimal), text)
            if any(separator in part for part in rest):
                raise ValueError(f"{text!r} has thousands behind its decimals")
            if separator in whole and not re.fullmatch(rf"[-+]?\d{{1,3}}(?:{re.escape(separator)}\d{{3}})+", whole):
                raise ValueError(f"{text!r} has no thousands in groups of three")
            text = text.replace(separator, "")
        if self.decimal == ",":
            if "." in text:
                raise ValueError(f"{text!r} has a decimal point")
            text = text.replace(",", ".")
        text = text.removeprefix("+")
        if text.endswith("."):
            text = text[:-1]
        sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
        if digits.startswith("."):
            digits = f"0{digits}"
        if not _PLAIN.fullmatch(digits) or digits.startswith("-"):
            raise ValueError(f"{text!r} is not a number")
        if "e" in digits.lower() and float(digits) == float("inf"):
            raise ValueError(f"{text!r} is larger than any number")
        return sign + digits


PLAIN: Final = Notation()


def find_notation(name: str, values: Iterable[str], decimal: str | None) -> Notation | None:
    """Return how the numbers of a column are written, None when it holds no numbers.

    Args:
        name: of the column, for errors.
        values: its different values, without those that stand for none.
        decimal: `.` or `,` when the user says it.

    Raises:
        LoadError: the numbers can be read in two ways.
    """
    texts = [value.strip() for value in values]
    found = [match for text in texts if (match := _SEPARATED.fullmatch(text))]
    if not found or len(found) < len(texts):
        return None
    units = Counter(match["unit"] or match["before"].strip("+-") or "" for match in found)
    if len(units) > 1:
        return None
    unit = next(iter(units))
    digits = [match["digits"].strip() for match in found]
    spaces = {character for text in digits for character in text if character in _SPACES}
    if len(spaces) > 1:
        return None
    space = next(iter(spaces), "")
    notations = [
        Notation(",", space or ("." if any("." in text for text in digits) else ""), unit),
        Notation(".", space or ("," if any("," in text for text in digits) else ""), unit),
    ]
    if decimal is not None:
        notations = [notation for notation in notations if notation.decimal == decimal]
    fitting = [notation for notation in notations if all(_reads(notation, text) for text in texts)]
    if len(fitting) == 2 and any("," in text or "." in text for text in digits):
        first, second = fitting
        example = next((text for text in texts if first.read(text) != second.read(text)), None)
        if example is not None:
            raise LoadError(
                f"column {name!r}: {example!r} can be read as {first.read(example)} or {second.read(example)}:"
                " say which with --decimal comma or --decimal point"
            )
    return fitting[-1] if fitting else None


def looks_like_number(text: str) -> bool:
    """Return whether a text is a number with separators, a percent sign or a unit."""
    return _SEPARATED.fullmatch(text.strip()) is not None


def is_null(text: str) -> bool:
    """Return whether a text stands for no value among numbers."""
    return text.strip().lower() in NULL_WORDS


def _reads(notation: Notation, text: str) -> bool:
    try:
        notation.read(text)
    except ValueError:
        return False
    return True
