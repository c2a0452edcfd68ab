"""Kibana's query language: `level: error and (host: web* or took >= 100) and not user: "a b"`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from anomalyops_engine.query.dsl.clause import Clause
from anomalyops_engine.query.dsl.compound import Bool, MatchAll
from anomalyops_engine.query.dsl.written.leaves import Manner, between, exists, glob, malformed, phrase, words
from anomalyops_engine.query.dsl.written.lucene import has_wildcard, unescaped
from anomalyops_engine.query.errors import UnsupportedQueryError

_DEEPEST = 100
_TOKEN = re.compile(
    r'(?P<blank>\s+)|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<compare>[<>]=?)|(?P<open>\()|(?P<close>\))|(?P<colon>:)'
    r'|(?P<brace>[{}])|(?P<word>(?:[^\s"<>():{}\\]|\\.)+)',
    re.DOTALL,
)
_OPERATORS = frozenset({"and", "or", "not"})
_BOUNDS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def parse(text: str, fields: tuple[str, ...], manner: Manner) -> Clause:
    """Return the clauses of a text; an empty one finds every document.

    Args:
        text: the query.
        fields: where words without a field are looked for.
        manner: how.

    Raises:
        QueryParsingError: it is no query.
        UnsupportedQueryError: it uses something that this engine lacks.
    """
    reader = _Reader(text, manner)
    return reader.whole(fields)


class _Reader:
    """Reads the tokens of a query, the loosest operator first."""

    def __init__(self, text: str, manner: Manner) -> None:
        self._text = text
        self._manner = manner
        self._tokens: list[_Token] = []
        self._at = 0
        self._depth = 0
        place = 0
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None:
                raise malformed(text, f": line 1:{place + 1}: token recognition error at: '{text[place : place + 20]}'")
            kind = str(found.lastgroup)
            if kind == "word" and found[0].lower() in _OPERATORS:
                kind = found[0].lower()
            if kind != "blank":
                self._tokens.append(_Token(kind, found[0]))
            place = found.end()

    def whole(self, fields: tuple[str, ...]) -> Clause:
        """Return what the text says."""
        if not self._tokens:
            return MatchAll()
        found = self._either(lambda: self._statement(fields))
        if self._at < len(self._tokens):
            raise self._unexpected()
        return found

    def _kind(self, distance: int = 0) -> str:
        place = self._at + distance
        return self._tokens[place].kind if place < len(self._tokens) else ""

    def _take(self) -> _Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _takes(self, kind: str) -> bool:
        found = self._kind() == kind
        self._at += found
        return found

    def _unexpected(self) -> Exception:
        shown = self._tokens[self._at].text if self._at < len(self._tokens) else "<EOF>"
        return malformed(self._text, f": mismatched input '{shown}'")

    def _either(self, one: Callable[[], Clause]) -> Clause:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise malformed(self._text, ": it is nested too deep")
        terms = [self._all(one)]
        while self._takes("or"):
            terms.append(self._all(one))
        self._depth -= 1
        return terms[0] if len(terms) == 1 else Bool(optional=tuple(terms))

    def _all(self, one: Callable[[], Clause]) -> Clause:
        terms = [self._negated(one)]
        while self._takes("and"):
            terms.append(self._negated(one))
        return terms[0] if len(terms) == 1 else Bool(required=tuple(terms))

    def _negated(self, one: Callable[[], Clause]) -> Clause:
        count = 0
        while self._takes("not"):
            count += 1
        found = self._grouped(one)
        return Bool(excluded=(found,)) if count % 2 else found

    def _grouped(self, one: Callable[[], Clause]) -> Clause:
        if not self._takes("open"):
            return one()
        found = self._either(one)
        if not self._takes("close"):
            raise self._unexpected()
        return found

    def _statement(self, fields: tuple[str, ...]) -> Clause:
        """Return a condition on a field, or what a bare value finds."""
        if self._kind() in {"word", "quoted"} and self._kind(1) in {"colon", "compare"}:
            name = self._name(self._take())
            sign = self._take()
            if sign.kind == "compare":
                return between((name,), {_BOUNDS[sign.text]: self._value()}, self._manner)
            if self._kind() == "brace":
                raise UnsupportedQueryError("[kql] with nested fields is not supported by this engine")
            # Of the fields that a pattern names, every one adds its score.
            each = partial(self._of_field, (name,), replace(self._manner, tie_breaker=1.0))
            return self._grouped(each) if self._kind() == "open" else each()
        return self._of_field(fields, self._manner)

    @staticmethod
    def _name(token: _Token) -> str:
        return unescaped(token.text[1:-1] if token.kind == "quoted" else token.text)

    def _value(self) -> str:
        if self._kind() not in {"word", "quoted"}:
            raise self._unexpected()
        return self._name(self._take())

    def _of_field(self, fields: tuple[str, ...], manner: Manner) -> Clause:
        if self._kind() == "quoted":
            return phrase(fields, self._name(self._take()), manner)
        parts: list[str] = []
        while self._kind() == "word" and (not parts or self._kind(1) not in {"colon", "compare"}):
            parts.append(self._take().text)
        if not parts:
            raise self._unexpected()
        text = " ".join(parts)
        if text == "*":
            return MatchAll() if fields == ("*",) else exists(fields, manner)
        if has_wildcard(text):
            return glob(fields, text, manner)
        return words(fields, unescaped(text), manner)
