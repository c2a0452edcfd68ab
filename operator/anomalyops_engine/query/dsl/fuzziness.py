"""`fuzziness`: how many letters of a word may be others, more or fewer than those of the word that is looked for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.expr import Expr, all_of, call
from anomalyops_engine.query.options import MistypedError, shown

# Lucene's automata know no more.
_MOST = 2


@dataclass(frozen=True, slots=True)
class Fuzziness:
    """How far a word may be away: a number of edits, or by its length.

    Attributes:
        edits: the number; None for by length.
        low: words of fewer letters must be equal.
        high: words of fewer letters may differ in one, longer ones in two.
    """

    edits: int | None = None
    low: int = 3
    high: int = 6

    def of(self, word: str) -> int:
        """Return how many edits a word may be away."""
        if self.edits is not None:
            return self.edits
        return 0 if len(word) < self.low else 1 if len(word) < self.high else _MOST


def read_fuzziness(value: object) -> Fuzziness:
    """Read `fuzziness`: 0, 1, 2, `AUTO` or `AUTO:low,high`.

    Raises:
        IllegalQueryError: something else.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise MistypedError(value)
    written = str(value)
    automatic = re.fullmatch(r"(?i)auto(?::(\d{1,4}),(\d{1,4}))?", written)
    if automatic is not None:
        low, high = int(automatic[1] or 3), int(automatic[2] or 6)
        if low > high:
            raise IllegalQueryError(f"fuzziness cannot be [{shown(written)}]: the lower limit is above the higher one")
        return Fuzziness(None, low, high)
    if re.fullmatch(r"[0-2](\.0*)?", written) is None:
        raise IllegalQueryError(f"Invalid fuzziness value [{shown(written)}], valid values are [0, 1, 2, AUTO]")
    return Fuzziness(int(float(written)))


def is_close(word: Expr, wanted: str, fuzziness: Fuzziness, *, prefix: int = 0, transpositions: bool = True) -> Expr:
    """Return that a word is as far away from another one as it may be, or less.

    Args:
        word: the word.
        wanted: the other one.
        fuzziness: how far it may be.
        prefix: how many letters at the beginning must be the same.
        transpositions: whether two letters that changed places are one edit.
    """
    edits = fuzziness.of(wanted)
    if edits == 0:
        return word.equals(wanted)
    away = call("damerau_levenshtein" if transpositions else "levenshtein", word, wanted)
    return all_of([call("starts_with", word, wanted[:prefix]), away <= edits, call("length", word) > 0])
