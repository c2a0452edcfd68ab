"""Token filters: what changes tokens, or takes some out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from anomalyops_engine.analyzers.parts import Part
from anomalyops_engine.analyzers.replacing import replacing
from anomalyops_engine.analyzers.tokenizers import Token

TokenFilter = Callable[[list[Token]], list[Token]]


def _terms(change: Callable[[str], str]) -> TokenFilter:
    return lambda tokens: [replace(token, term=change(token.term)) for token in tokens]


def _keeping(wanted: Callable[[str], bool]) -> TokenFilter:
    return lambda tokens: [token for token in tokens if wanted(token.term)]


_ENGLISH_WORDS: Final = """
a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was
will with
"""
_ENGLISH: Final = frozenset(_ENGLISH_WORDS.split())


def _stop(part: Part) -> TokenFilter:
    given = part.get("stopwords", "_english_")
    words = set(part.texts("stopwords")) if isinstance(given, list) else {str(given)}
    for name in [word for word in words if word.startswith("_") and word.endswith("_")]:
        if name not in {"_english_", "_none_"}:
            part.refuse(f"stop words [{name}] are not supported; supported: _english_, _none_, lists")
        words.discard(name)
        words |= _ENGLISH if name == "_english_" else set()
    if part.flag("ignore_case"):
        folded = {word.lower() for word in words}
        return _keeping(lambda term: term.lower() not in folded)
    return _keeping(lambda term: term not in words)


def _length(part: Part) -> TokenFilter:
    least, most = part.number("min", 0), part.number("max", 2**31 - 1)
    return _keeping(lambda term: least <= len(term) <= most)


def _truncate(part: Part) -> TokenFilter:
    length = part.number("length", 10)
    return _terms(lambda term: term[:length])


def _limit(part: Part) -> TokenFilter:
    most = part.number("max_token_count", 1)
    return lambda tokens: tokens[:most]


def _unique(part: Part) -> TokenFilter:
    if part.flag("only_on_same_position"):
        part.refuse("[only_on_same_position] is not supported")

    def change(tokens: list[Token]) -> list[Token]:
        first: dict[str, Token] = {}
        for token in tokens:
            first.setdefault(token.term, token)
        return list(first.values())

    return change


def _replace_in_terms(part: Part) -> TokenFilter:
    pattern, replacement = replacing(part)
    count = 0 if part.flag("all", default=True) else 1
    return _terms(lambda term: pattern.sub(replacement, term, count=count))


TOKEN_FILTERS: Final[Mapping[str, Callable[[Part], TokenFilter]]] = {
    "lowercase": lambda _: _terms(str.lower),
    "uppercase": lambda _: _terms(str.upper),
    "trim": lambda _: _terms(str.strip),
    "stop": _stop,
    "length": _length,
    "truncate": _truncate,
    "limit": _limit,
    "unique": _unique,
    "pattern_replace": _replace_in_terms,
}
