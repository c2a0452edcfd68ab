"""Patterns of names, in which `*` stands for any text and nothing else is special."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


def matches(pattern: str, name: str) -> bool:
    """Return whether a name matches a pattern (Elasticsearch's `Regex.simpleMatch`)."""
    return pattern == name or ("*" in pattern and _regex(pattern).fullmatch(name) is not None)


def matches_any(patterns: Iterable[str], name: str) -> bool:
    """Return whether a name matches one of some patterns."""
    return any(matches(pattern, name) for pattern in patterns)


@lru_cache(maxsize=4096)
def _regex(pattern: str) -> re.Pattern[str]:
    # A run of stars means what one means. Between stars the text is matched lazily once, so that many stars do not make
    # exponentially many ways: each part is found at its first place (an atomic group keeps it there).
    first, *rest = re.split(r"\*+", pattern)
    if not rest:
        return re.compile(re.escape(first), re.DOTALL)
    *middle, last = rest
    inner = "".join(f"(?>.*?{re.escape(part)})" for part in middle)
    return re.compile(f"{re.escape(first)}{inner}.*{re.escape(last)}", re.DOTALL)
