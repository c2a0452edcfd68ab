"""Analyzers: character filters, a tokenizer and token filters, as a job or a request puts them together."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from anomalyops_engine.analyzers.char_filters import CHAR_FILTERS, LINES, CharFilter
from anomalyops_engine.analyzers.java_patterns import PatternError, java_pattern
from anomalyops_engine.analyzers.parts import Part, UnsupportedAnalyzer
from anomalyops_engine.analyzers.token_filters import TOKEN_FILTERS, TokenFilter
from anomalyops_engine.analyzers.tokenizers import (
    Token,
    Tokenizer,
    classic,
    matching,
    ml_classic,
    ml_standard,
    separated_by,
    standard,
    whole,
)
from anomalyops_engine.json_types import Json, JsonObject

__all__ = ["Analyzer", "UnsupportedAnalyzer", "categorization_analyzer", "custom_analyzer", "named_analyzer"]


@dataclass(frozen=True, slots=True)
class Analyzer:
    """What makes tokens of a text.

    Attributes:
        char_filters: what changes the text first, in order.
        tokenizer: what cuts it.
        token_filters: what changes, or takes out, tokens.
        line: the name of the first character filter, where it picks a line.
        shape_only: whether, behind the character filters, all digits of a word are as good as each other: such a word
            is one token with a digit in it, or none.
    """

    char_filters: tuple[CharFilter, ...]
    tokenizer: Tokenizer
    token_filters: tuple[TokenFilter, ...]
    line: str | None
    shape_only: bool

    def beginning(self, char_filters: int, token_filters: int) -> Analyzer:
        """Return an analyzer of its tokenizer and the first of its filters."""
        first = self.char_filters[:char_filters]
        return replace(self, char_filters=first, token_filters=self.token_filters[:token_filters])

    def filtered(self, text: str) -> str:
        """Return a text behind all character filters."""
        for change in self.char_filters:
            text = change(text).text
        return text

    def cut(self, filtered: str) -> list[Token]:
        """Return the tokens of a text that went through the character filters; their places are places in it."""
        tokens = self.tokenizer(filtered)
        for change in self.token_filters:
            tokens = change(tokens)
        return tokens

    def analyze(self, text: str) -> list[Token]:
        """Return the tokens of a text; their places are places in it."""
        stages = []
        for change in self.char_filters:
            stages.append(change(text))
            text = stages[-1].text
        tokens = self.cut(text)
        for stage in reversed(stages):
            tokens = [replace(token, start=stage.before(token.start), end=stage.before(token.end)) for token in tokens]
        return tokens


def _pattern_tokenizer(part: Part) -> Tokenizer:
    try:
        pattern = java_pattern(part.text("pattern", r"\W+"), part.text("flags", ""))
    except PatternError as error:
        part.refuse(str(error))
    group = part.number("group", -1)
    if group > pattern.groups:
        part.refuse(f"invalid group specified: pattern only has: {pattern.groups} capturing groups")
    return separated_by(pattern) if group < 0 else matching(pattern, group)


_TOKENIZERS: Final[Mapping[str, Callable[[Part], Tokenizer]]] = {
    "ml_standard": lambda _: ml_standard,
    "ml_classic": lambda _: ml_classic,
    "standard": lambda _: standard,
    "classic": lambda _: classic,
    "whitespace": lambda _: matching(re.compile(r"\S+")),
    "letter": lambda _: matching(re.compile(r"[^\W\d_]+")),
    "keyword": lambda _: whole,
    "pattern": _pattern_tokenizer,
}
# Filters after which a word with a digit is still a word with a digit, or gone.
_BLIND_TO_DIGITS: Final = frozenset({"lowercase", "uppercase", "trim", "stop"})
_NAMED: Final[Mapping[str, JsonObject]] = {
    "standard": {"tokenizer": "standard", "filter": ["lowercase"]},
    "simple": {"tokenizer": "letter", "filter": ["lowercase"]},
    "stop": {"tokenizer": "letter", "filter": ["lowercase", "stop"]},
    "whitespace": {"tokenizer": "whitespace"},
    "keyword": {"tokenizer": "keyword"},
    "pattern": {"tokenizer": "pattern", "filter": ["lowercase"]},
}
_KEYS: Final = ("char_filter", "tokenizer", "filter")


def named_analyzer(name: str) -> Analyzer:
    """Return a built-in analyzer.

    Raises:
        UnsupportedAnalyzer: there is none of that name.
    """
    if name not in _NAMED:
        raise UnsupportedAnalyzer(
            f"analyzer [{name}] is not supported by this engine; supported: {', '.join(sorted(_NAMED))}"
        )
    return custom_analyzer(_NAMED[name])


def custom_analyzer(body: JsonObject, *, keys: Collection[str] = _KEYS) -> Analyzer:
    """Put an analyzer together.

    Args:
        body: `char_filter`, `tokenizer` and `filter`; each part is a name, or an object with a `type`.
        keys: the keys that the body may have.

    Raises:
        UnsupportedAnalyzer: a part is malformed, or not supported.
    """
    unknown = sorted(body.keys() - set(keys))
    if unknown:
        raise UnsupportedAnalyzer(f"unknown field [{unknown[0]}]; known: {', '.join(keys)}")
    if body.get("tokenizer") is None:
        raise UnsupportedAnalyzer("a custom analyzer needs a [tokenizer]")
    chars = [Part("char_filter", part) for part in _listed(body.get("char_filter"))]
    filters = [Part("filter", part) for part in _listed(body.get("filter"))]
    tokenizer = Part("tokenizer", body["tokenizer"])
    return Analyzer(
        tuple(part.chosen(CHAR_FILTERS) for part in chars),
        tokenizer.chosen(_TOKENIZERS),
        tuple(part.chosen(TOKEN_FILTERS) for part in filters),
        line=chars[0].kind if chars and chars[0].kind in LINES else None,
        shape_only=tokenizer.kind == "ml_standard" and all(part.kind in _BLIND_TO_DIGITS for part in filters),
    )


def categorization_analyzer(given: Json) -> Analyzer:
    """Return the analyzer that a job's `categorization_analyzer` names or describes.

    Raises:
        UnsupportedAnalyzer: a part is malformed, or not supported.
    """
    return named_analyzer(given) if isinstance(given, str) else custom_analyzer(given)


def _listed(value: Json) -> list[Json]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
