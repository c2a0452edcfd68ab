"""Lucene's query syntax (`query_string`): `level:error AND (host:web* OR took:[100 TO *]) -debug`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from anomalyops_engine.query.dsl.clause import Clause
from anomalyops_engine.query.dsl.compound import Bool, MatchAll
from anomalyops_engine.query.dsl.written.leaves import (
    Manner,
    between,
    exists,
    expression,
    glob,
    malformed,
    phrase,
    words,
)
from anomalyops_engine.query.errors import UnsupportedQueryError

_DEEPEST = 100
_PLAIN = r"""[^\s+\-!(){}\[\]^"~*?:\\/&|<>=]|\\.|[&](?!&)|[|](?!\|)|[<>=]"""
_TERM = re.compile(rf"(?:{_PLAIN}|[*?])(?:{_PLAIN}|[*?+\-!])*", re.DOTALL)
_TOKEN = re.compile(
    r"(?P<blank>\s+)|(?P<and>AND\b(?!\s*:)|&&)|(?P<or>OR\b(?!\s*:)|\|\|)|(?P<not>NOT\b(?!\s*:)|!)|(?P<plus>\+)|(?P<minus>-)"
    r'|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<regex>/(?:[^/\\]|\\.)*/)'
    r"|(?P<open>\()|(?P<close>\))|(?P<colon>:)|(?P<boost>\^\d*\.?\d+)|(?P<fuzzy>~\d*\.?\d*)"
    r"|(?P<compare>[<>]=?)|(?P<range>[\[{])",
    re.DOTALL,
)
_RANGE = re.compile(
    r'([\[{])\s*("(?:[^"\\]|\\.)*"|[^\s\]}]+)\s+TO\s+("(?:[^"\\]|\\.)*"|[^\s\]}]+)\s*([\]}])', re.DOTALL
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_EXISTS = "_exists_"


class Occur(Enum):
    """How a clause takes part in the one around it."""

    SHOULD = "should"
    MUST = "must"
    MUST_NOT = "must_not"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    spaced: bool


def parse(text: str, fields: tuple[str, ...], manner: Manner, *, minimum: int | str | None = None) -> Clause:
    """Return the clauses of a text.

    Args:
        text: the query.
        fields: where words without a field are looked for.
        manner: how.
        minimum: `minimum_should_match` of the outermost clauses.

    Raises:
        QueryParsingError: it is no query.
        UnsupportedQueryError: it uses something that this engine lacks.
    """
    if not text.strip():
        return Bool(excluded=(MatchAll(),))
    reader = _Reader(text, manner)
    found = reader.query(fields, 0)
    if reader.left:
        raise malformed(text)
    return _joined(found, minimum)


def unescaped(text: str) -> str:
    """Return a text with the characters that a backslash protects."""

    def one(found: re.Match[str]) -> str:
        return chr(int(found[1][1:], 16)) if len(found[1]) == 5 else found[1]

    return _ESCAPE.sub(one, text)


def has_wildcard(text: str) -> bool:
    """Return whether a text has a `*` or `?` that no backslash protects."""
    return re.search(r"[*?]", _ESCAPE.sub("", text)) is not None


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at, spaced = 0, False
    while at < len(text):
        special = _TOKEN.match(text, at)
        kind = special.lastgroup if special is not None else None
        if special is not None and kind == "blank":
            at, spaced = special.end(), True
            continue
        token = _range_at(text, at) if kind == "range" else special if special is not None else _TERM.match(text, at)
        if token is None or token.end() == at:
            raise malformed(text)
        found.append(_Token(kind or "term", token[0], spaced))
        at, spaced = token.end(), False
    return found


def _range_at(text: str, at: int) -> re.Match[str]:
    found = _RANGE.match(text, at)
    if found is None:
        raise malformed(text)
    return found


class _Reader:
    """Reads the tokens of a query."""

    def __init__(self, text: str, manner: Manner) -> None:
        self._text = text
        self._manner = manner
        self._tokens = _tokens(text)
        self._at = 0

    @property
    def left(self) -> bool:
        return self._at < len(self._tokens)

    def _kind(self, distance: int = 0) -> str:
        place = self._at + distance
        return self._tokens[place].kind if place < len(self._tokens) else ""

    def _take(self) -> _Token:
        if not self.left:
            raise malformed(self._text)
        self._at += 1
        return self._tokens[self._at - 1]

    def _takes(self, *kinds: str) -> _Token | None:
        return self._take() if self._kind() in kinds else None

    def query(self, fields: tuple[str, ...], depth: int) -> list[tuple[Occur, Clause]]:
        """Return the clauses up to the end or a closing parenthesis, and how each takes part."""
        if depth > _DEEPEST:
            raise malformed(self._text, ": it is nested too deep")
        clauses: list[tuple[Occur, Clause]] = []
        while self.left and self._kind() != "close":
            joined = self._takes("and", "or") if clauses else None
            sign = self._takes("plus", "minus", "not")
            clause = self._clause(fields, depth)
            self._add(clauses, joined.kind if joined else "", sign.kind if sign else "", clause)
        if not clauses:
            raise malformed(self._text)
        return clauses

    def _add(self, clauses: list[tuple[Occur, Clause]], joined: str, sign: str, clause: Clause) -> None:
        """Add a clause as Lucene's parser does: an AND makes both its sides required."""
        every = self._manner.operator == "and"
        if clauses and clauses[-1][0] is not Occur.MUST_NOT:
            if joined == "and":
                clauses[-1] = (Occur.MUST, clauses[-1][1])
            elif joined == "or" and every:
                clauses[-1] = (Occur.SHOULD, clauses[-1][1])
        if sign in {"minus", "not"}:
            occur = Occur.MUST_NOT
        elif sign == "plus" or joined == "and" or (every and joined != "or"):
            occur = Occur.MUST
        else:
            occur = Occur.SHOULD
        clauses.append((occur, clause))

    def _clause(self, fields: tuple[str, ...], depth: int) -> Clause:
        if self._kind() == "term" and self._kind(1) == "colon":
            name = unescaped(self._take().text)
            self._take()
            if name == _EXISTS:
                return self._existing()
            fields = (name,)
        opened = self._takes("open")
        if opened is not None:
            found = self.query(fields, depth + 1)
            if self._takes("close") is None:
                raise malformed(self._text)
            return self._boosted(_joined(found, None))
        return self._leaf(fields)

    def _existing(self) -> Clause:
        token = self._takes("term", "quoted")
        if token is None:
            raise malformed(self._text)
        return exists((unescaped(token.text.strip('"')),), self._manner)

    def _leaf(self, fields: tuple[str, ...]) -> Clause:
        token = self._take()
        if token.kind == "quoted":
            self._refuse_fuzzy()
            found = phrase(fields, unescaped(token.text[1:-1]), self._manner)
        elif token.kind == "regex":
            found = expression(fields, token.text[1:-1], self._manner)
        elif token.kind == "range":
            found = self._range(fields, token.text)
        elif token.kind == "compare":
            value = self._takes("term", "quoted")
            if value is None:
                raise malformed(self._text)
            word = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}[token.text]
            found = between(fields, {word: unescaped(value.text.strip('"'))}, self._manner)
        elif token.kind == "term":
            found = self._words(fields, token)
        else:
            raise malformed(self._text)
        return self._boosted(found)

    def _boosted(self, clause: Clause) -> Clause:
        token = self._takes("boost")
        return clause if token is None else replace(clause, boost=clause.boost * float(token.text[1:]))

    def _refuse_fuzzy(self) -> None:
        if self._takes("fuzzy") is not None:
            raise UnsupportedQueryError("[query_string] with [~] is not supported by this engine")

    def _words(self, fields: tuple[str, ...], first: _Token) -> Clause:
        """Return what a word finds, together with those behind it: words in a row are one text."""
        if has_wildcard(first.text):
            if first.text == "*" and fields == ("*",):
                return MatchAll()
            return glob(fields, first.text, self._manner)
        parts = [first.text]
        named = self._at >= 2 and self._tokens[self._at - 2].kind == "colon"
        while not named and self._kind() == "term" and self._kind(1) not in {"colon", "fuzzy", "boost"}:
            if has_wildcard(self._tokens[self._at].text):
                break
            parts.append(self._take().text)
        self._refuse_fuzzy()
        return words(fields, unescaped(" ".join(parts)), self._manner)

    def _range(self, fields: tuple[str, ...], text: str) -> Clause:
        found = _range_at(text, 0)
        low, high = (unescaped(part.strip('"')) for part in (found[2], found[3]))
        bounds = {}
        if low != "*":
            bounds["gte" if found[1] == "[" else "gt"] = low
        if high != "*":
            bounds["lte" if found[4] == "]" else "lt"] = high
        return between(fields, bounds, self._manner) if bounds else exists(fields, self._manner)


def _joined(clauses: Sequence[tuple[Occur, Clause]], minimum: int | str | None) -> Clause:
    if len(clauses) == 1 and clauses[0][0] is not Occur.MUST_NOT and minimum is None:
        return clauses[0][1]
    by_occur = {occur: tuple(clause for each, clause in clauses if each is occur) for occur in Occur}
    optional = by_occur[Occur.SHOULD]
    return Bool(
        required=by_occur[Occur.MUST],
        optional=optional,
        excluded=by_occur[Occur.MUST_NOT],
        minimum=minimum if optional else None,
    )
