"""Reading tokens one after the other: what the parsers of expressions and of commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from anomalyops_engine.query.esql.datatypes import wider
from anomalyops_engine.query.esql.errors import StatementError
from anomalyops_engine.query.esql.lexer import Kind, Token
from anomalyops_engine.query.esql.parameters import Parameter, Parameters, held, type_of
from anomalyops_engine.query.esql.places import Place
from anomalyops_engine.query.esql.syntax import Constant, Name, Plain

Read = TypeVar("Read")
_MOST_DIGITS = 400
# Words that are no names of columns without quotes.
RESERVED = frozenset(
    {"and", "as", "asc", "by", "desc", "false", "in", "is", "like", "not", "null", "nulls", "on", "or", "rlike"}
    | {"true", "where", "with"}
)
_EXPRESSION = (
    "{QUOTED_STRING, INTEGER_LITERAL, DECIMAL_LITERAL, 'false', 'not', 'null', '?', 'true', '+', '-', '(', '[', "
    "UNQUOTED_IDENTIFIER, QUOTED_IDENTIFIER}"
)


class Parser:
    """A place among the tokens of a statement.

    Attributes:
        parameters: what `?` and `?name` stand for.
    """

    def __init__(self, tokens: list[Token], parameters: Parameters) -> None:
        self._tokens = tokens
        self._position = 0
        self.parameters = parameters

    # --- looking and taking ---

    @property
    def token(self) -> Token:
        """The next token."""
        return self._tokens[self._position]

    def ahead(self, distance: int) -> Token:
        """Return a later token; the end stays the end."""
        return self._tokens[min(self._position + distance, len(self._tokens) - 1)]

    @property
    def last(self) -> Place:
        """Where the token stands that was taken last."""
        return self._tokens[max(self._position - 1, 0)].at

    def take(self) -> Token:
        """Take the next token."""
        token = self.token
        if token.kind is not Kind.END:
            self._position += 1
        return token

    def takes_sign(self, *signs: str) -> bool:
        """Take one of some signs, if it comes next."""
        found = self.token.is_sign(*signs)
        self._position += found
        return found

    def takes_word(self, *words: str) -> bool:
        """Take some words in a row, if they come next."""
        found = all(self.ahead(distance).word == word for distance, word in enumerate(words))
        self._position += len(words) if found else 0
        return found

    def sign(self, sign: str, expected: str | None = None) -> Token:
        """Take a sign.

        Raises:
            StatementError: something else comes next.
        """
        if not self.token.is_sign(sign):
            raise self.mismatch(f"'{sign}'" if expected is None else expected)
        return self.take()

    def mismatch(self, expected: str = _EXPRESSION) -> StatementError:
        """Return the error that the next token should be another."""
        token = self.token
        shown = token.at.text if token.kind is not Kind.END else "<EOF>"
        return StatementError(token.at, f"mismatched input '{shown[:200]}' expecting {expected}", mismatched=True)

    def several(self, read: Callable[[], Read]) -> tuple[Read, ...]:
        """Read one or more parts with commas between them."""
        found = [read()]
        while self.takes_sign(","):
            found.append(read())
        return tuple(found)

    # --- names and constants ---

    def name(self) -> Name:
        """Read the name of a column: parts with points between them.

        Raises:
            StatementError: there is none.
        """
        start = self.token.at
        parts = [self._part()]
        while self.token.is_sign("."):
            self.take()
            parts.append(self._part())
        return Name(start.to(self.last), ".".join(parts))

    def _part(self) -> str:
        token = self.token
        if token.kind is Kind.QUOTED or (token.kind is Kind.WORD and token.word not in RESERVED):
            return self.take().text
        if token.kind is Kind.PARAMETER:
            parameter = self.parameter(self.take())
            if parameter.kind == "value" and not (token.text.startswith("??") and isinstance(parameter.value, str)):
                raise StatementError(
                    token.at, f"Query parameter [{token.text}] with value [{parameter.value}] is not an identifier"
                )
            if parameter.kind == "pattern":
                raise StatementError(
                    token.at, f"Query parameter [{token.text}][{parameter.value}] declared as a pattern, cannot be "
                    "used as an identifier"
                )  # fmt: skip
            return str(parameter.value)
        raise self.mismatch("{UNQUOTED_IDENTIFIER, QUOTED_IDENTIFIER, '?'}")

    def parameter(self, token: Token) -> Parameter:
        """Return what a parameter stands for."""
        return self.parameters.get(token.text, token.at)

    def text(self, what: str = "QUOTED_STRING") -> str:
        """Read a string, or a parameter with one.

        Raises:
            StatementError: there is none.
        """
        token = self.token
        if token.kind is Kind.STRING:
            return self.take().text
        if token.kind is Kind.PARAMETER:
            found = self.parameter(self.take()).value
            if isinstance(found, str):
                return found
            raise StatementError(token.at, f"expected a string, found [{found}] in parameter [{token.text}]")
        raise self.mismatch(what)

    def number(self, token: Token, sign: int = 1) -> Constant:
        """Return the constant of a token of digits.

        Raises:
            StatementError: it has too many of them, or is too large.
        """
        if len(token.text) > _MOST_DIGITS:
            raise StatementError(token.at, f"Number [{token.text[:100]}...] is too large")
        if token.kind is Kind.INTEGER:
            whole = held(sign * int(token.text))
            return Constant(token.at, whole, type_of(whole))
        value = sign * float(token.text)
        if value in {float("inf"), float("-inf")}:
            raise StatementError(token.at, f"Number [{token.text}] is too large")
        return Constant(token.at, value, "double")

    def constant(self) -> Constant:
        """Read a value that is written down, a list of such, or a parameter.

        Raises:
            StatementError: there is none.
        """
        start = self.token.at
        if self.token.is_sign("["):
            self.take()
            items = self.several(self._scalar)
            self.sign("]", "{',', ']'}")
            return self._list(start.to(self.last), items)
        return self._scalar()

    def _scalar(self) -> Constant:
        token = self.token
        if token.is_sign("-", "+") and self.ahead(1).kind in {Kind.INTEGER, Kind.DECIMAL}:
            sign = -1 if self.take().text == "-" else 1
            found = self.number(self.take(), sign)
            return Constant(token.at.to(self.last), found.value, found.type)
        if token.kind in {Kind.INTEGER, Kind.DECIMAL}:
            return self.number(self.take())
        if token.kind is Kind.STRING:
            return Constant(token.at, self.take().text, "keyword")
        if token.word in {"true", "false"}:
            return Constant(token.at, self.take().word == "true", "boolean")
        if token.word == "null":
            self.take()
            return Constant(token.at, None, "null")
        if token.kind is Kind.PARAMETER:
            given = self.parameter(self.take())
            if given.kind != "value" or token.text.startswith("??"):
                raise StatementError(token.at, f"Query parameter [{token.text}] declared as {given.kind}, not a value")
            return constant_of(token.at, given.value)
        raise self.mismatch()

    def _list(self, at: Place, items: tuple[Constant, ...]) -> Constant:
        kinds = {
            "number" if item.type in {"integer", "long", "unsigned_long", "double"} else item.type for item in items
        }
        if len(kinds) != 1 or kinds & {"null"} or any(isinstance(item.value, tuple) for item in items):
            raise StatementError(at, "the values of a list must be of one type, and not null")
        found = items[0].type
        if "number" in kinds:
            for item in items:
                found = wider(found, item.type)
        values = [item.value for item in items]
        cast: list[Plain] = [float(v) if found == "double" and isinstance(v, int) else v for v in values]  # type: ignore[misc]
        return Constant(at, tuple(cast), found)


def constant_of(at: Place, value: Plain | tuple[Plain, ...]) -> Constant:
    """Return a value of JSON, or a list of such, as a constant."""
    if not isinstance(value, tuple):
        return Constant(at, held(value), type_of(value))
    if not value:
        return Constant(at, None, "null")
    types = [type_of(item) for item in value]
    found = types[0]
    for each in types[1:]:
        found = wider(found, each) if each != found else found
    return Constant(at, value if len(value) > 1 else value[0], found)
