"""Lucene's regular expressions as those of the database (RE2), for patterns that whole values must match.

The grammar is that of `org.apache.lucene.util.automaton.RegExp` with all its operators: `^` and `$` are plain
characters, `@` is any text, `#` no text at all, and `"..."` quotes. Complement (`~`), intersection (`&`) and numeric
intervals (`<1-9>`) have no counterpart in RE2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from anomalyops_engine.query.errors import IllegalQueryError, UnsupportedQueryError
from anomalyops_engine.query.options import shown

_MOST_REPEATS = 1000
# What a pattern may grow to when its repetitions are written out; Lucene's limit on states is the same number.
_LARGEST = 10_000
_MOST_NESTED = 100
_CLASSES = frozenset("dDsSwW")
_COUNTS = re.compile(r"\{(\d+)(?:(,)(\d*))?\}", re.ASCII)
_OTHER = {"~": "complement", "&": "intersection", "<": "a numeric interval"}


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a pattern, how large it is with repetitions written out, and how often its innermost part repeats."""

    text: str
    size: int = 1
    repeats: int = 1


def full_match_pattern(pattern: str) -> str:
    """Return the RE2 pattern of a Lucene pattern, for matching whole values; `.` must be told to match line ends.

    Raises:
        IllegalQueryError: it is no regular expression, or too large.
        UnsupportedQueryError: it uses an operator that RE2 lacks.
    """
    return _Translator(pattern).translate()


def too_long(what: str, pattern: str, where: str, limit: int) -> IllegalQueryError:
    """Return the refusal of a pattern that is longer than an index allows.

    Args:
        what: what kind of pattern it is.
        pattern: the pattern.
        where: what it is used in.
        limit: its longest length, characters (`index.max_regex_length`).
    """
    return IllegalQueryError(
        f"The length of {what} [{len(pattern)}] used in the {where} has exceeded the allowed maximum of [{limit}]. "
        "This maximum can be set by changing the [index.max_regex_length] index level setting."
    )


def literal_pattern(text: str) -> str:
    """Return the RE2 pattern of a text itself."""
    return "".join(map(_character, text))


def _character(character: str) -> str:
    plain = character.isascii() and (character.isalnum() or character in " _-/:,;=!%")
    return character if plain else f"\\x{{{ord(character):x}}}"


class _Translator:
    """Reads one pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._depth = 0

    def translate(self) -> str:
        whole = self._union()
        if self._at < len(self._pattern):
            raise self._error("end-of-string expected")
        return whole.text

    def _error(self, what: str) -> IllegalQueryError:
        return IllegalQueryError(f"{what} at position {self._at} of regular expression [{shown(self._pattern)}]")

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _take(self) -> str:
        character = self._peek()
        if not character:
            raise self._error("unexpected end-of-string")
        self._at += 1
        return character

    def _union(self) -> _Part:
        branches = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            branches.append(self._sequence())
        if len(branches) == 1:
            return branches[0]
        return self._joined(f"(?:{'|'.join(part.text for part in branches)})", branches)

    def _sequence(self) -> _Part:
        parts = []
        while self._peek() not in {"", "|", ")"}:
            parts.append(self._repeated())
        return self._joined("".join(part.text for part in parts), parts)

    def _joined(self, text: str, parts: list[_Part]) -> _Part:
        size = sum(part.size for part in parts)
        if size > _LARGEST:
            raise self._error(f"more than [{_LARGEST}] states")
        return _Part(text, size, max((part.repeats for part in parts), default=1))

    def _repeated(self) -> _Part:
        part = self._atom()
        while True:
            counts = _COUNTS.match(self._pattern, self._at)
            if self._peek() in {"*", "+", "?"}:
                part = _Part(f"(?:{part.text}){self._take()}", part.size, part.repeats)
            elif counts is not None:
                self._at = counts.end()
                part = self._counted(part, counts)
            else:
                return part

    def _counted(self, part: _Part, counts: re.Match[str]) -> _Part:
        low, comma, high = counts.groups()
        most = max(int(low), int(high or 0), 1) if len(counts[0]) < 12 else _MOST_REPEATS + 1
        if most * part.repeats > _MOST_REPEATS:
            raise self._error(f"more than [{_MOST_REPEATS}] repetitions")
        if comma and high and int(high) < int(low):
            raise self._error("repetition counts in the wrong order")
        repeated = _Part(f"(?:{part.text}){counts[0]}", part.size * most, part.repeats * most)
        return self._joined(repeated.text, [repeated])

    def _atom(self) -> _Part:
        character = self._take()
        if character == "(":
            return self._group()
        if character == "[":
            return _Part(self._class())
        if character == ".":
            return _Part(".")
        if character == "@":
            return _Part("(?:.*)")
        if character == "#":
            return _Part("[^\\x{0}-\\x{10ffff}]")
        if character == '"':
            return self._quoted()
        if character == "\\":
            return _Part(self._escaped())
        if character in _OTHER:
            raise UnsupportedQueryError(f"{_OTHER[character]} [{character}] in a regular expression is not supported")
        if character in "*+?{)":
            raise self._error(f"unexpected [{character}]")
        return _Part(_character(character))

    def _group(self) -> _Part:
        self._depth += 1
        if self._depth > _MOST_NESTED:
            raise self._error(f"more than [{_MOST_NESTED}] nested groups")
        inner = self._union()
        if self._peek() != ")":
            raise self._error("expected ')'")
        self._at += 1
        self._depth -= 1
        return _Part(f"(?:{inner.text})", max(inner.size, 1), inner.repeats)

    def _quoted(self) -> _Part:
        end = self._pattern.find('"', self._at)
        if end < 0:
            raise self._error("expected '\"'")
        text, self._at = self._pattern[self._at : end], end + 1
        return _Part(f"(?:{literal_pattern(text)})", max(len(text), 1))

    def _escaped(self) -> str:
        character = self._take()
        return f"\\{character}" if character in _CLASSES else _character(character)

    def _class(self) -> str:
        """Return a class of characters, after its opening bracket."""
        negated = self._peek() == "^"
        self._at += negated
        items: list[str] = []
        while self._peek() != "]" or not items:
            item = self._class_item()
            if self._peek() == "-" and self._pattern[self._at + 1 : self._at + 2] not in {"", "]"}:
                self._at += 1
                last = self._class_item()
                if (item.startswith("\\") and item[1] in _CLASSES) or (last.startswith("\\") and last[1] in _CLASSES):
                    raise self._error("a class of characters is no end of a range")
                if _ordinal(item) > _ordinal(last):
                    raise self._error("invalid range: from > to")
                item = f"{item}-{last}"
            items.append(item)
        self._at += 1
        return f"[{'^' if negated else ''}{''.join(items)}]"

    def _class_item(self) -> str:
        character = self._take()
        if character == "\\":
            escaped = self._take()
            return f"\\{escaped}" if escaped in _CLASSES else f"\\x{{{ord(escaped):x}}}"
        return f"\\x{{{ord(character):x}}}"


def _ordinal(item: str) -> int:
    return int(item[3:-1], 16)
