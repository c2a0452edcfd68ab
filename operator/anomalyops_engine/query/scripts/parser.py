"""Reading the text of a script. What the grammar does not have is refused by name, where it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from anomalyops_engine.query.scripts.errors import ScriptError
from anomalyops_engine.query.scripts.syntax import (
    Assignment,
    Branch,
    Choice,
    Constant,
    Evaluation,
    Infix,
    Invocation,
    Item,
    Member,
    Name,
    Node,
    Return,
    Statement,
    Unary,
)

_TOKEN: Final = re.compile(
    r"(?P<blank>\s+|//[^\n]*|/\*.*?\*/)"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[lLfFdD]?)"
    r"|(?P<text>'(?:[^'\\]|\\['\\])*'|\"(?:[^\"\\]|\\[\"\\])*\")"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>===|!==|==|!=|<=|>=|&&|\|\||\?:|\?\.|[-+*/%<>!?:;,.(){}\[\]=])",
    re.DOTALL | re.ASCII,
)
_TYPES: Final = frozenset({"boolean", "byte", "def", "double", "float", "int", "long", "short", "String", "var"})
_CASTS: Final = frozenset({"double", "float", "int", "long"})
_WORDS: Final = {"true": True, "false": False, "null": None}
_ELSEWHERE: Final = frozenset(
    {"break", "continue", "do", "for", "import", "instanceof", "new", "throw", "try", "while"}
)
# Operators by how tightly they bind, the loosest first.
_LEVELS: Final = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="), ("+", "-"), ("*", "/", "%"))
_DEEPEST: Final = 100
_LONGEST: Final = 65_535


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    place: int


def parse(source: str) -> tuple[Statement, ...]:
    """Return the statements of a script.

    Raises:
        ScriptError: 400; it is none, or outside the part of the language that is known.
    """
    if len(source) > _LONGEST:
        raise ScriptError(f"Scripts may be no longer than [{_LONGEST}] characters")
    parser = _Parser(_tokens(source))
    statements = parser.statements("")
    if not statements:
        raise ScriptError("a script must do something")
    return statements


def _tokens(source: str) -> list[_Token]:
    tokens, place = [], 0
    while place < len(source):
        match = _TOKEN.match(source, place)
        if match is None:
            raise ScriptError(f"unexpected character [{source[place]}] at [{place}]")
        if match.lastgroup != "blank":
            tokens.append(_Token(str(match.lastgroup), match[0], place))
        place = match.end()
    return [*tokens, _Token("end", "", place)]


class _Parser:
    """Reads tokens from left to right, by recursive descent."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0

    # --- tokens ---

    def _peek(self, ahead: int = 0) -> _Token:
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)]

    def _take(self) -> _Token:
        token = self._peek()
        self._next += 1
        return token

    def _at(self, *texts: str) -> bool:
        token = self._peek()
        return token.kind in {"sign", "name"} and token.text in texts

    def _skip(self, text: str) -> bool:
        found = self._at(text)
        self._next += found
        return found

    def _expect(self, text: str) -> None:
        if not self._skip(text):
            raise self._unexpected(f", expected [{text}]")

    def _unexpected(self, hint: str = "") -> ScriptError:
        token = self._peek()
        if token.text in _ELSEWHERE:
            return ScriptError(f"[{token.text}] at [{token.place}] is not supported by this engine")
        shown = "end of script" if token.kind == "end" else f"token [{token.text}]"
        return ScriptError(f"unexpected {shown} at [{token.place}]{hint}")

    # --- statements ---

    def statements(self, end: str) -> tuple[Statement, ...]:
        """Read statements up to a closing sign, or to the end of the script."""
        found: list[Statement] = []
        while not (self._at(end) if end else self._peek().kind == "end"):
            if self._skip(";"):
                continue
            found += self._statement()
        return tuple(found)

    def _block(self) -> tuple[Statement, ...]:
        self._deepen()
        try:
            if not self._skip("{"):
                return tuple(self._statement())
            inner = self.statements("}")
            self._expect("}")
            return inner
        finally:
            self._depth -= 1

    def _statement(self) -> list[Statement]:
        if self._at("if"):
            return [self._branch()]
        if self._skip("return"):
            value = None if self._at(";", "}") or self._peek().kind == "end" else self._expression()
            found: list[Statement] = [Return(value)]
        elif self._peek().text in _TYPES and self._peek(1).kind == "name":
            found = self._declarations()
        elif self._peek().kind == "name" and self._peek(1).text == "=":
            name = self._take().text
            self._take()
            found = [Assignment(name, self._expression(), declared=False)]
        else:
            found = [Evaluation(self._expression())]
        if not self._skip(";") and self._peek().kind != "end" and not self._at("}"):
            raise self._unexpected()
        return found

    def _declarations(self) -> list[Statement]:
        kind = self._take().text
        found: list[Statement] = []
        while True:
            name = self._take()
            if name.kind != "name":
                raise ScriptError(f"unexpected token [{name.text}] at [{name.place}], expected a name")
            self._expect("=")
            value = self._expression()
            found.append(Assignment(name.text, Unary(kind, value) if kind in _CASTS else value, declared=True))
            if not self._skip(","):
                return found

    def _branch(self) -> Branch:
        self._take()
        self._expect("(")
        condition = self._expression()
        self._expect(")")
        then = self._block()
        otherwise = self._block() if self._skip("else") else ()
        return Branch(condition, then, otherwise)

    # --- expressions ---

    def _deepen(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ScriptError(f"scripts may be nested no deeper than [{_DEEPEST}] levels")

    def _expression(self) -> Node:
        self._deepen()
        try:
            found = self._infix(0)
            if self._skip("?:"):
                return Infix("?:", found, self._expression())
            if not self._skip("?"):
                return found
            one = self._expression()
            self._expect(":")
            return Choice(found, one, self._expression())
        finally:
            self._depth -= 1

    def _infix(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._prefixed()
        found, chained = self._infix(level + 1), 0
        while self._at(*_LEVELS[level]):
            chained += 1
            if chained > _DEEPEST:
                raise ScriptError(f"expressions may have no more than [{_DEEPEST}] operands")
            operator = self._take().text
            found = Infix(operator, found, self._infix(level + 1))
        return found

    def _prefixed(self) -> Node:
        self._deepen()
        try:
            if self._at("!", "-", "+"):
                return Unary(self._take().text, self._prefixed())
            if self._at("(") and self._peek(1).text in _CASTS and self._peek(2).text == ")":
                self._take()
                kind = self._take().text
                self._take()
                return Unary(kind, self._prefixed())
            return self._postfixed()
        finally:
            self._depth -= 1

    def _postfixed(self) -> Node:
        found = self._primary()
        while True:
            if self._skip("["):
                found = Item(found, self._expression())
                self._expect("]")
            elif self._skip("."):
                name = self._take()
                if name.kind != "name":
                    raise ScriptError(f"unexpected token [{name.text}] at [{name.place}], expected a name")
                found = Invocation(found, name.text, self._arguments()) if self._at("(") else Member(found, name.text)
            else:
                return found

    def _arguments(self) -> tuple[Node, ...]:
        self._expect("(")
        found: list[Node] = []
        while not self._skip(")"):
            if found:
                self._expect(",")
            found.append(self._expression())
        return tuple(found)

    def _primary(self) -> Node:
        token = self._peek()
        if token.kind == "number":
            self._take()
            return Constant(_number(token.text))
        if token.kind == "text":
            self._take()
            return Constant(re.sub(r"\\(.)", r"\1", token.text[1:-1]))
        if self._skip("("):
            inner = self._expression()
            self._expect(")")
            return inner
        if token.kind != "name" or token.text in _ELSEWHERE:
            raise self._unexpected()
        self._take()
        if token.text in _WORDS:
            return Constant(_WORDS[token.text])
        return Invocation(None, token.text, self._arguments()) if self._at("(") else Name(token.text)


def _number(text: str) -> int | float:
    plain = text.rstrip("lLfFdD")
    if plain.isdigit() and text[-1] not in "fFdD":
        if int(plain) >= 2**63:
            raise ScriptError(f"Invalid int constant [{text}].")
        return int(plain)
    return float(plain)
