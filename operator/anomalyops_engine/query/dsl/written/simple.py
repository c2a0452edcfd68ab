"""The simple syntax (`simple_query_string`), which has no errors: `"a phrase" +word | (other -not) pre*`."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from anomalyops_engine.query.dsl.clause import Clause
from anomalyops_engine.query.dsl.compound import Bool, MatchAll
from anomalyops_engine.query.dsl.written.leaves import Manner, glob, phrase, words
from anomalyops_engine.query.errors import UnsupportedQueryError

FLAGS = frozenset(
    {
        "ALL",
        "NONE",
        "AND",
        "OR",
        "NOT",
        "PREFIX",
        "PHRASE",
        "PRECEDENCE",
        "ESCAPE",
        "WHITESPACE",
        "FUZZY",
        "NEAR",
        "SLOP",
    }
)
_FUZZY = re.compile(r"~\d*$")
_DEEPEST = 100


@dataclass(slots=True)
class _Level:
    """What was read between parentheses so far."""

    found: Clause | None = None
    operator: str = ""
    negated: bool = False


def parse(
    text: str, fields: tuple[str, ...], manner: Manner, flags: Collection[str], *, minimum: int | str | None = None
) -> Clause:
    """Return the clauses of a text, whatever it is.

    Args:
        text: the query.
        fields: where it is looked for.
        manner: how; its operator joins what stands side by side.
        flags: the signs that mean something.
        minimum: `minimum_should_match` of the outermost clauses.

    Raises:
        UnsupportedQueryError: it uses something that this engine lacks.
    """
    found = _Reader(text, fields, manner, flags).whole()
    if found is None:
        return Bool(excluded=(MatchAll(),))
    if minimum is not None and isinstance(found, Bool) and found.optional:
        return Bool(optional=found.optional, minimum=minimum)
    return found


class _Reader:
    """Reads a text from left to right."""

    def __init__(self, text: str, fields: tuple[str, ...], manner: Manner, flags: Collection[str]) -> None:
        self._text = text
        self._fields = fields
        self._manner = manner
        self._flags = flags
        self._at = 0

    def _on(self, flag: str) -> bool:
        return "ALL" in self._flags or flag in self._flags

    def whole(self) -> Clause | None:
        """Return what the text says; a parenthesis that closes nothing says nothing."""
        levels = [_Level()]
        while self._at < len(self._text):
            sign = self._text[self._at]
            if sign == "(" and self._on("PRECEDENCE") and len(levels) < _DEEPEST:
                self._at += 1
                levels.append(_Level())
            elif sign == ")" and self._on("PRECEDENCE"):
                self._at += 1
                if len(levels) > 1:
                    inner = levels.pop()
                    self._put(levels[-1], inner.found)
            else:
                self._part(levels[-1], sign)
        while len(levels) > 1:
            inner = levels.pop()
            self._put(levels[-1], inner.found)
        return levels[0].found

    def _part(self, level: _Level, sign: str) -> None:
        if sign in "+|" and self._on("AND" if sign == "+" else "OR"):
            self._at += 1
            if not level.operator and level.found is not None:
                level.operator = "and" if sign == "+" else "or"
        elif sign == "-" and self._on("NOT"):
            self._at += 1
            level.negated = not level.negated
        elif sign == '"' and self._on("PHRASE"):
            self._put(level, self._phrase())
        elif sign.isspace() and self._on("WHITESPACE"):
            self._at += 1
        else:
            self._put(level, self._word())

    def _put(self, level: _Level, clause: Clause | None) -> None:
        negated, level.negated = level.negated, False
        operator, level.operator = level.operator or self._manner.operator, ""
        if clause is None:
            return
        if negated:
            clause = Bool(excluded=(clause,))
        if level.found is None:
            level.found = clause
        elif operator == "and":
            level.found = Bool(required=(level.found, clause))
        else:
            before = level.found.optional if isinstance(level.found, _Either) else (level.found,)
            level.found = _Either(optional=(*before, clause))

    def _phrase(self) -> Clause | None:
        text, closed, at = [], False, self._at + 1
        while at < len(self._text) and not closed:
            character = self._text[at]
            if character == "\\" and self._on("ESCAPE") and at + 1 < len(self._text):
                at += 1
                text.append(self._text[at])
            elif character == '"':
                closed = True
            else:
                text.append(character)
            at += 1
        if not closed:
            # Without an end it is a sign like any other.
            self._at += 1
            return None
        self._at = at
        slop = _FUZZY_AHEAD.match(self._text, at)
        if slop is not None and (self._on("NEAR") or self._on("SLOP")):
            if slop[0] not in {"~", "~0"}:
                raise UnsupportedQueryError("[simple_query_string] with [~] is not supported by this engine")
            self._at = slop.end()
        return phrase(self._fields, "".join(text), self._manner) if text else None

    def _word(self) -> Clause | None:
        text: list[str] = []
        plain = True
        while self._at < len(self._text):
            character = self._text[self._at]
            if character == "\\" and self._on("ESCAPE") and self._at + 1 < len(self._text):
                self._at += 1
                plain = False
                text.append(self._text[self._at])
            elif self._ends(character):
                break
            else:
                plain = True
                text.append(character)
            self._at += 1
        word = "".join(text)
        if plain and self._on("FUZZY") and _FUZZY.search(word):
            raise UnsupportedQueryError("[simple_query_string] with [~] is not supported by this engine")
        if plain and word.endswith("*") and self._on("PREFIX") and len(word) > 1:
            literal = re.sub(r"([*?\\])", r"\\\1", word[:-1])
            return glob(self._fields, f"{literal}*", self._manner)
        if word == "*" and plain and self._on("PREFIX"):
            return MatchAll()
        return words(self._fields, word, self._manner) if word else None

    def _ends(self, character: str) -> bool:
        return (
            (character.isspace() and self._on("WHITESPACE"))
            or (character == "+" and self._on("AND"))
            or (character == "|" and self._on("OR"))
            or (character in "()" and self._on("PRECEDENCE"))
            or (character == '"' and self._on("PHRASE"))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Either(Bool):
    """Clauses that stand side by side, of which one must match, or so many."""


_FUZZY_AHEAD = re.compile(r"~\d*")
