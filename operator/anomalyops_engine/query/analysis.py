"""The standard analyser: words in lower case, for `match` and for terms on text fields.

The rule is a simplification of Unicode text segmentation (UAX #29) as Lucene's standard tokenizer applies it: runs of
letters, digits and underscores, joined over single dots and apostrophes inside a word (`example.com`, `don't`). It is
written as one regular expression that Python and the database read alike, so both sides see the same words.
"""

from __future__ import annotations

import re

from anomalyops_engine.query.expr import Expr, call

# Python's \w is Unicode-aware; RE2 (in the database) wants the classes spelled out.
_DATABASE_WORD = r"[\p{L}\p{M}\p{N}_]+(?:[.'’][\p{L}\p{M}\p{N}_]+)*"  # noqa: RUF001 (the typographic apostrophe is meant)
_PYTHON_WORD = re.compile(r"\w+(?:[.'’]\w+)*")  # noqa: RUF001


def words(text: str) -> list[str]:
    """Return the lower-case words of a text, in order."""
    return _PYTHON_WORD.findall(text.lower())


def words_of(text: Expr) -> Expr:
    """Return the list of words of a text in the database."""
    return call("regexp_extract_all", call("lower", text), _DATABASE_WORD)
