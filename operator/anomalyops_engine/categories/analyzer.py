"""Analyzers: character filters, a tokenizer and token filters, as a job or a request puts them together."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

from anomalyops_engine.categories.java_patterns import PatternError, java_pattern, java_replacement
from anomalyops_engine.categories.tokenizers import (
    Token,
    Tokenizer,
    matching,
    ml_classic,
    ml_standard,
    separated_by,
    standard,
    whole,
)
from anomalyops_engine.json_types import Json, JsonObject


class UnsupportedAnalyzer(ValueError):  # noqa: N818 - a statement about the configuration, as the API words it
    """A part of an analyzer is malformed or not supported; the message names it and what is supported."""


@dataclass(frozen=True, slots=True)
class Filtered:
    """A text after a character filter.

    Attributes:
        text: what is left.
        starts: places in `text`, ascending, from which on an offset is shifted.
        shifts: by how much, to be a place in the text before the filter.
    """

    text: str
    starts: Sequence[int] = (0,)
    shifts: Sequence[int] = (0,)

    def before(self, offset: int) -> int:
        """Return the place in the text before the filter."""
        return offset + self.shifts[bisect_right(self.starts, offset) - 1]


CharFilter = Callable[[str], Filtered]
TokenFilter = Callable[[list[Token]], list[Token]]


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


# --- character filters ---

_HAS_LETTER: Final = re.compile(r"[^\W\d_]")
_NOT_BLANK: Final = re.compile(r"\S")
_LINES: Final = {"first_line_with_letters": _HAS_LETTER, "first_non_blank_line": _NOT_BLANK}


def _line(name: str) -> CharFilter:
    wanted = _LINES[name]

    def pick(text: str) -> Filtered:
        found = wanted.search(text)
        if found is None:
            return Filtered("")
        start = text.rfind("\n", 0, found.start()) + 1
        end = text.find("\n", found.start())
        return Filtered(text[start : end if end >= 0 else len(text)].removesuffix("\r"), (0,), (start,))

    return pick


def _pattern_replace(part: _Part) -> CharFilter:
    try:
        pattern = java_pattern(part.text("pattern"), part.text("flags", ""))
        replacement = java_replacement(part.text("replacement", ""), pattern)
    except PatternError as error:
        part.refuse(str(error))

    return lambda text: _substituted(text, pattern, lambda match: match.expand(replacement))


def _substituted(text: str, pattern: re.Pattern[str], written: Callable[[re.Match[str]], str]) -> Filtered:
    pieces: list[str] = []
    starts, shifts, begin, length, shift = [0], [0], 0, 0, 0
    for match in pattern.finditer(text):
        piece = written(match)
        pieces += [text[begin : match.start()], piece]
        length += match.start() - begin + len(piece)
        begin = match.end()
        if len(piece) != match.end() - match.start():
            shift += match.end() - match.start() - len(piece)
            starts.append(length)
            shifts.append(shift)
    pieces.append(text[begin:])
    return Filtered("".join(pieces), starts, shifts)


def _mapping(part: _Part) -> CharFilter:
    rules: dict[str, str] = {}
    for rule in part.texts("mappings"):
        source, arrow, target = rule.partition("=>")
        if not arrow or not source.strip():
            part.refuse(f"Invalid Mapping Rule : [{rule}]")
        rules[source.strip()] = target.strip()
    if not rules:
        part.refuse("[mappings] must be given")
    pattern = re.compile("|".join(re.escape(source) for source in sorted(rules, key=len, reverse=True)))
    return lambda text: _substituted(text, pattern, lambda match: rules[match[0]])


# --- token filters ---


def _terms(change: Callable[[str], str]) -> TokenFilter:
    return lambda tokens: [replace(token, term=change(token.term)) for token in tokens]


def _keeping(wanted: Callable[[str], bool]) -> TokenFilter:
    return lambda tokens: [token for token in tokens if wanted(token.term)]


_ENGLISH_WORDS: Final = """
a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was
will with
"""
_ENGLISH: Final = frozenset(_ENGLISH_WORDS.split())


def _stop(part: _Part) -> TokenFilter:
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


def _length(part: _Part) -> TokenFilter:
    least, most = part.number("min", 0), part.number("max", 2**31 - 1)
    return _keeping(lambda term: least <= len(term) <= most)


def _truncate(part: _Part) -> TokenFilter:
    length = part.number("length", 10)
    return _terms(lambda term: term[:length])


def _limit(part: _Part) -> TokenFilter:
    most = part.number("max_token_count", 1)
    return lambda tokens: tokens[:most]


def _unique(part: _Part) -> TokenFilter:
    if part.flag("only_on_same_position"):
        part.refuse("[only_on_same_position] is not supported")

    def change(tokens: list[Token]) -> list[Token]:
        first: dict[str, Token] = {}
        for token in tokens:
            first.setdefault(token.term, token)
        return list(first.values())

    return change


def _replace_in_terms(part: _Part) -> TokenFilter:
    try:
        pattern = java_pattern(part.text("pattern"), part.text("flags", ""))
        replacement = java_replacement(part.text("replacement", ""), pattern)
    except PatternError as error:
        part.refuse(str(error))
    count = 0 if part.flag("all", default=True) else 1
    return _terms(lambda term: pattern.sub(replacement, term, count=count))


# --- tokenizers ---


def _pattern_tokenizer(part: _Part) -> Tokenizer:
    try:
        pattern = java_pattern(part.text("pattern", r"\W+"), part.text("flags", ""))
    except PatternError as error:
        part.refuse(str(error))
    group = part.number("group", -1)
    if group > pattern.groups:
        part.refuse(f"invalid group specified: pattern only has: {pattern.groups} capturing groups")
    return separated_by(pattern) if group < 0 else matching(pattern, group)


# --- putting together ---


class _Part:
    """A named or described part of an analyzer, read key by key; what is left over is refused."""

    def __init__(self, role: str, body: Json) -> None:
        self.role = role
        self._body: JsonObject = dict(body) if isinstance(body, dict) else {"type": body}
        self._read: set[str] = {"type"}
        kind = self._body.get("type")
        if not isinstance(kind, str):
            raise UnsupportedAnalyzer(f"{role} must be a name or an object with a [type]; found [{body}]")
        self.kind = kind

    def refuse(self, reason: str) -> NoReturn:
        raise UnsupportedAnalyzer(f"{self.role} [{self.kind}]: {reason}")

    def get(self, key: str, default: Json = None) -> Json:
        self._read.add(key)
        return self._body.get(key, default)

    def text(self, key: str, default: str | None = None) -> str:
        value = self.get(key, default)
        if not isinstance(value, str):
            self.refuse(f"[{key}] must be a text; found [{value}]")
        return value

    def texts(self, key: str) -> list[str]:
        value = self.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.refuse(f"[{key}] must be a list of texts; found [{value}]")
        return value

    def number(self, key: str, default: int) -> int:
        value = self.get(key, default)
        try:
            return int(value)
        except (TypeError, ValueError):
            self.refuse(f"[{key}] must be a whole number; found [{value}]")

    def flag(self, key: str, *, default: bool = False) -> bool:
        value = self.get(key, default)
        if value not in (True, False, "true", "false"):
            self.refuse(f"[{key}] must be true or false; found [{value}]")
        return value in (True, "true")

    def chosen(self, makers: Mapping[str, Callable[[_Part], Any]]) -> Any:
        if self.kind not in makers:
            raise UnsupportedAnalyzer(
                f"{self.role} [{self.kind}] is not supported by this engine; supported: {', '.join(sorted(makers))}"
            )
        made = makers[self.kind](self)
        unread = sorted(self._body.keys() - self._read)
        if unread:
            self.refuse(f"[{unread[0]}] is not supported")
        return made


_CHAR_FILTERS: Final[Mapping[str, Callable[[_Part], CharFilter]]] = {
    **{name: lambda part: _line(part.kind) for name in _LINES},
    "pattern_replace": _pattern_replace,
    "mapping": _mapping,
}
_TOKENIZERS: Final[Mapping[str, Callable[[_Part], Tokenizer]]] = {
    "ml_standard": lambda _: ml_standard,
    "ml_classic": lambda _: ml_classic,
    "standard": lambda _: standard,
    "whitespace": lambda _: matching(re.compile(r"\S+")),
    "letter": lambda _: matching(re.compile(r"[^\W\d_]+")),
    "keyword": lambda _: whole,
    "pattern": _pattern_tokenizer,
}
_TOKEN_FILTERS: Final[Mapping[str, Callable[[_Part], TokenFilter]]] = {
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
    chars = [_Part("char_filter", part) for part in _listed(body.get("char_filter"))]
    filters = [_Part("filter", part) for part in _listed(body.get("filter"))]
    tokenizer = _Part("tokenizer", body["tokenizer"])
    return Analyzer(
        tuple(part.chosen(_CHAR_FILTERS) for part in chars),
        tokenizer.chosen(_TOKENIZERS),
        tuple(part.chosen(_TOKEN_FILTERS) for part in filters),
        line=chars[0].kind if chars and chars[0].kind in _LINES else None,
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
