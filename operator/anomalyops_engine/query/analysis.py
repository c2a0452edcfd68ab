"""The standard analyser: words in lower case, for `match` and for terms on text fields.

The rule is a simplification of Unicode text segmentation (UAX #29) as Lucene's standard tokenizer applies it: runs of
letters, digits and underscores, joined over single dots and apostrophes inside a word (`example.com`, `don't`). It is
written as one regular expression that Python and the database read alike, so both sides see the same tokens.
"""

from __future__ import annotations

import re

# Python's \w is Unicode-aware; RE2 (in the database) wants the classes spelled out.
_SQL_WORD = r"[\p{L}\p{M}\p{N}_]+(?:[.''’][\p{L}\p{M}\p{N}_]+)*"  # noqa: RUF001 (the typographic apostrophe is meant); '' is one quote in SQL
_PYTHON_WORD = re.compile(r"\w+(?:[.'’]\w+)*")  # noqa: RUF001


def tokens(text: str) -> list[str]:
    """Return the lower-case words of a text, in order."""
    return _PYTHON_WORD.findall(text.lower())


def tokens_sql(column: str) -> str:
    """Return an SQL expression for the list of words of a VARCHAR expression."""
    return f"regexp_extract_all(lower({column}), '{_SQL_WORD}')"
