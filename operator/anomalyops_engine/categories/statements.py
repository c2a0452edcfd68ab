"""From a message to the statement that may have written it: its words in order, and the places of values.

What is a value is seen from the message alone: tokens with digits, paths, addresses; what stands behind `=` or a key of
JSON, in quotes, behind a word that comes before names (`user`, `from`). Known parsers mask such tokens by expressions
that are tuned for each source (He et al., Drain, 2017); here the same rules hold for all. The words that are left are
either ones that statements are made of (`words`), or ones that may be names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from anomalyops_engine.analyzers.analyzer import Analyzer
from anomalyops_engine.analyzers.tokenizers import Token
from anomalyops_engine.analyzers.words import ENTITIES, STATEMENT_KEYS, TIMES, UNITS, is_statement_word

VALUE: Final = "*"
MOST_TOKENS: Final = 256
"""Tokens of a message that are looked at."""

_ALNUM: Final = re.compile(r"[^\W_]+")
_HAS_VALUE: Final = re.compile(r"[\d@]")
_PATH: Final = re.compile(r"[\\/]|[^/\\]*[/\\][^/\\]*[/\\]|[^/\\]*\.[^/\\]*[/\\]|[^/\\]*[/\\][^/\\]*\.|\w+:/")
_LEFT_OUT: Final = re.compile(r"[^\W_]+(?:[-_.:/@]+[^\W_]+)*")
_LONGEST_NAME: Final = 100
_QUOTES: Final = "'\"`"
_BRACKETS: Final = ("[]", "()")
_ENDS_VALUE: Final = ",;)]}|"
_JSON_COLON: Final = re.compile(r'"\s*:\s*"\Z')
_ASSIGNED: Final = re.compile(r"\s*[=]\s?[\"']?\Z")
_COLON: Final = re.compile(r"\s*:\s*\Z")
_JOINT: Final = re.compile(r"\s*[:#]?\s*[\"'\[(<]?\Z")
_GLUE: Final = re.compile(r"[^\s\"'()\[\]{}<>,;|]+\Z")


class Word(NamedTuple):
    """A word of a statement.

    Attributes:
        term: the word as the analyzer made it.
        surface: the word as it stands in the message; empty for one that the analyzer left out.
        firm: whether it is of the kind that statements are made of.
    """

    term: str
    surface: str
    firm: bool


Element = Word | None
"""A word, or None for one value or several in a row."""


@dataclass(frozen=True, slots=True)
class Statement:
    """The words and values of a message.

    Attributes:
        elements: in order; no two values stand side by side.
    """

    elements: tuple[Element, ...]


def read_statement(analyzer: Analyzer, filtered: str) -> Statement | None:
    """Return the statement of a message; None when it has no tokens.

    Args:
        analyzer: what makes its tokens.
        filtered: the message behind the analyzer's character filters.
    """
    tokens = analyzer.cut(filtered)
    if not tokens:
        return None
    reader = _Reader(filtered)
    for token in tokens[:MOST_TOKENS]:
        reader.take(token)
    if len(tokens) <= MOST_TOKENS:
        reader.take_gap(filtered[reader.end :])
    return Statement(tuple(reader.elements))


class _Reader:
    """Reads a message from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.elements: list[Element] = []
        self.end = 0
        self._previous: Token | None = None
        self._in_path = False
        self._quoted_to = 0

    def take(self, token: Token) -> None:
        gap = self._text[self.end : token.start]
        glued = self._in_path and _GLUE.match(gap) is not None
        self._in_path = False
        if not glued:
            self.take_gap(gap)
        surface = self._text[token.start : token.end]
        plain = surface.isalpha()
        if not plain and not _ALNUM.search(token.term):
            pass
        elif token.start < self._quoted_to:
            self._value()
        elif glued or (not plain and _PATH.match(surface)):
            self._in_path = True
            self._value()
        elif (not plain and _HAS_VALUE.search(surface)) or self._is_value(token, gap):
            self._value()
        else:
            self._word(token.term, surface)
        self.end = token.end
        self._previous = token

    def take_gap(self, gap: str) -> None:
        """Take what the analyzer left out: numbers and the like, but also words like `a`, `add` and `bad`."""
        if not gap or gap == " ":
            return
        for match in _LEFT_OUT.finditer(gap):
            if is_statement_word(match[0]) and match[0].lower() not in TIMES:
                self._word(match[0], "")
            else:
                self._value()
            self._previous = None

    def _value(self) -> None:
        if not self.elements or self.elements[-1] is not None:
            self.elements.append(None)

    def _word(self, term: str, surface: str) -> None:
        firm = is_statement_word(term) or _is_of_another_script(term) or self._text.isupper()
        if not self.elements and not firm:
            # The first word names the statement, or the part of the program that wrote it.
            firm = (term.istitle() or self._text.startswith(":", self.end + len(term))) and term.isalpha()
        self.elements.append(Word(term, surface, firm))

    def _is_value(self, token: Token, gap: str) -> bool:
        """Return whether a word stands where values do."""
        before, after = gap[-1:], self._text[token.end : token.end + 1]
        key = self._previous.term.lower() if self._previous is not None else ""
        if gap[-1:].strip() == "" and self.elements and self.elements[-1] is None and token.term.lower() in UNITS:
            return True
        if _JSON_COLON.search(gap) and key not in STATEMENT_KEYS and self._names_end(token.start):
            self._quoted_to = self._names_end(token.start)
            return True
        if before and before in _QUOTES and after == before:
            is_key = self._text[token.end + 1 : token.end + 3].lstrip().startswith(":")
            return not is_key and not (_JSON_COLON.search(gap) and key in STATEMENT_KEYS)
        if _ASSIGNED.match(gap) and self._previous is not None:
            if key in STATEMENT_KEYS:
                return False
            if before and before in _QUOTES:
                self._quoted_to = max(self._text.find(before, token.end), 0)
            return True
        if is_statement_word(token.term):
            return False
        if key in ENTITIES and _JOINT.match(gap):
            return True
        if _COLON.match(gap) and self._previous is not None and (not after or after in _ENDS_VALUE):
            return not token.term[0].isupper()
        if gap == "," and self.elements and self.elements[-1] is None:
            return True
        return before + after in _BRACKETS

    def _names_end(self, start: int) -> int:
        """Where a quoted text ends that holds names alone; 0 for another one."""
        end = self._text.find('"', start, start + _LONGEST_NAME)
        words = _ALNUM.findall(self._text[start:end]) if end > 0 else ()
        return end if words and not any(map(is_statement_word, words)) else 0


def _is_of_another_script(term: str) -> bool:
    """Return whether no letter of a word is Latin: what the lists of words cannot know."""
    return all(ord(letter) > 0x24F for letter in term)


def is_identifier(term: str) -> bool:
    """Return whether a word has more than letters in it, as names of things in programs and networks do."""
    return not term.isalpha()
