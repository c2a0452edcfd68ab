"""The text of a statement as tokens.

What a character means depends on the command that it stands in: behind `FROM` there are names of indices, in which `*`
and `-` are letters, behind `KEEP`, `DROP` and `RENAME` names of columns with `*`, elsewhere expressions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from anomalyops_engine.query.esql.errors import StatementError
from anomalyops_engine.query.esql.places import Place


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    QUOTED = "quoted name"
    PATTERN = "pattern of names"
    SOURCE = "name of indices"
    INTEGER = "integer"
    DECIMAL = "decimal"
    STRING = "string"
    PARAMETER = "parameter"
    SIGN = "sign"
    END = "<EOF>"


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        kind: what it is.
        text: what it says: the sign, the name, the string without quotes and escapes.
        at: where it stands.
    """

    kind: Kind
    text: str
    at: Place

    @property
    def word(self) -> str:
        """The word in lower case; empty for what is none."""
        return self.text.lower() if self.kind is Kind.WORD else ""

    def is_sign(self, *signs: str) -> bool:
        """Return whether it is one of some signs."""
        return self.kind is Kind.SIGN and self.text in signs


class _Mode(Enum):
    EXPRESSION = "expression"
    SOURCES = "sources"
    NAMES = "names"


_MODES = {"from": _Mode.SOURCES, "ts": _Mode.SOURCES, "keep": _Mode.NAMES, "drop": _Mode.NAMES, "rename": _Mode.NAMES}
_BLANK = re.compile(r"[ \t\r\n]+|//[^\r\n]*")
_COMMENT = re.compile(r"/\*|\*/")
_DECIMAL = re.compile(r"(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+", re.ASCII)
_INTEGER = re.compile(r"\d+", re.ASCII)
_WORD = re.compile(r"[A-Za-z]\w*|[_@]\w+", re.ASCII)
_PATTERN = re.compile(r"[A-Za-z*_@][\w*]*", re.ASCII)
_QUOTED = re.compile(r"`((?:[^`]|``)*)`")
_STRING = re.compile(r'"((?:\\[tnr"\\]|[^\\"\r\n])*)"(?!"")')
_RAW_STRING = re.compile(r'"""(.*?)"""(?!"(?!"))"{0,2}', re.DOTALL)
_PARAMETER = re.compile(r"\?{1,2}(?:[A-Za-z_]\w*|\d+)?", re.ASCII)
_SOURCE = re.compile(r'(?:[^:"=|,\[\]()/ \t\r\n]|/(?![*/]))+')
_SIGN = re.compile(r"::|==|=~|!=|<=|>=|[-+*/%=<>(),.:|\[\]{}]")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r"}


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of a statement; the last one is its end.

    Raises:
        StatementError: there is something that is no token.
    """
    return list(_Lexer(text).tokens())


class _Lexer:
    """Reads a statement from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._mode = _Mode.EXPRESSION
        self._depth = 0

    def tokens(self) -> Iterator[Token]:
        first = True
        while True:
            self._skip_blank()
            if self._at >= len(self._text):
                end = len(self._text)
                yield Token(Kind.END, "<EOF>", Place(self._text, end, end))
                return
            token = self._next()
            if first:
                self._mode = _MODES.get(token.word, _Mode.EXPRESSION)
                first = False
            elif token.is_sign("|"):
                self._mode, first = _Mode.EXPRESSION, True
            yield token

    def _skip_blank(self) -> None:
        while True:
            blank = _BLANK.match(self._text, self._at)
            if blank is not None:
                self._at = blank.end()
            elif self._text.startswith("/*", self._at):
                self._skip_comment()
            else:
                return

    def _skip_comment(self) -> None:
        """Skip a comment, in which others may lie."""
        start, depth = self._at, 0
        for found in _COMMENT.finditer(self._text, self._at):
            depth += 1 if found[0] == "/*" else -1
            if depth == 0:
                self._at = found.end()
                return
        raise self._unreadable(start, len(self._text))

    def _unreadable(self, start: int, end: int) -> StatementError:
        shown = self._text[start : min(end, start + 100)].replace("\n", "\\n")
        return StatementError(Place(self._text, start, end), f"token recognition error at: '{shown}'")

    def _take(self, kind: Kind, found: re.Match[str], text: str | None = None) -> Token:
        self._at = found.end()
        return Token(kind, found[0] if text is None else text, Place(self._text, found.start(), found.end()))

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        return pattern.match(self._text, self._at)

    def _next(self) -> Token:
        quoted = self._quotation()
        if quoted is not None:
            return quoted
        if self._mode is _Mode.SOURCES:
            found = self._match(_SOURCE)
            if found is not None:
                return self._take(Kind.SOURCE, found)
        elif self._mode is _Mode.NAMES:
            found = self._match(_PATTERN)
            if found is not None:
                return self._take(Kind.WORD if "*" not in found[0] else Kind.PATTERN, found)
        return self._plain()

    def _quotation(self) -> Token | None:
        """Return a string, a quoted name or a parameter."""
        character = self._text[self._at]
        if character == '"':
            return self._string()
        if character == "`":
            found = self._match(_QUOTED)
            if found is None:
                raise self._unreadable(self._at, len(self._text))
            return self._take(Kind.QUOTED, found, found[1].replace("``", "`"))
        if character == "?":
            found = self._match(_PARAMETER)
            return None if found is None else self._take(Kind.PARAMETER, found)
        return None

    def _string(self) -> Token:
        if self._text.startswith('"""', self._at):
            found = _RAW_STRING.match(self._text, self._at)
            if found is not None:
                return self._take(Kind.STRING, found, found[0][3:-3])
        found = self._match(_STRING)
        if found is None:
            line_end = re.compile(r"[\r\n]|$").search(self._text, self._at)
            raise self._unreadable(self._at, line_end.start() if line_end is not None else len(self._text))
        return self._take(Kind.STRING, found, _ESCAPE.sub(lambda m: _ESCAPED.get(m[1], m[1]), found[1]))

    def _plain(self) -> Token:
        for kind, pattern in (
            (Kind.DECIMAL, _DECIMAL),
            (Kind.INTEGER, _INTEGER),
            (Kind.WORD, _WORD),
            (Kind.SIGN, _SIGN),
        ):
            found = self._match(pattern)
            if found is not None:
                return self._take(kind, found)
        raise self._unreadable(self._at, self._at + 1)
