"""Expressions of a statement, read by precedence.

From the loosest: OR, AND, NOT, one comparison (or IN, LIKE, IS NULL, `:`), `+ -`, `* / %`, a sign, `::`.
"""

from __future__ import annotations

import re
from typing import Literal as OneOf

from anomalyops_engine.query.esql.errors import StatementError, not_served
from anomalyops_engine.query.esql.lexer import Kind, Token
from anomalyops_engine.query.esql.parser import RESERVED, Parser, constant_of
from anomalyops_engine.query.esql.syntax import (
    Call,
    Constant,
    Conversion,
    Fits,
    Junction,
    Matches,
    Membership,
    Name,
    Negation,
    Node,
    Not,
    NullTest,
    Operation,
    Star,
    TimeSpan,
)

_DEEPEST = 400
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_UNITS = {
    **dict.fromkeys(("millisecond", "milliseconds", "ms"), ("milliseconds", 1)),
    **dict.fromkeys(("second", "seconds", "sec", "s"), ("milliseconds", 1000)),
    **dict.fromkeys(("minute", "minutes", "min", "m"), ("milliseconds", 60_000)),
    **dict.fromkeys(("hour", "hours", "h"), ("milliseconds", 3_600_000)),
    **dict.fromkeys(("day", "days", "d"), ("days", 1)),
    **dict.fromkeys(("week", "weeks", "w"), ("days", 7)),
    **dict.fromkeys(("month", "months", "mo"), ("months", 1)),
    **dict.fromkeys(("quarter", "quarters", "q"), ("months", 3)),
    **dict.fromkeys(("year", "years", "yr", "y"), ("months", 12)),
}
_LONGEST_SPAN = 2**31
_SPAN = re.compile(r"\s*([+-]?\d{1,18})\s*([A-Za-z]+)\s*", re.ASCII)


class ExpressionParser(Parser):
    """Reads expressions."""

    _depth = 0

    def expression(self) -> Node:
        """Read a condition or a value.

        Raises:
            StatementError: it is malformed.
            UnsupportedQueryError: it uses something that this engine lacks.
        """
        self._depth += 1
        if self._depth > _DEEPEST:
            raise StatementError(
                self.token.at, f"ESQL statement exceeded the maximum expression depth allowed ({_DEEPEST})"
            )
        found = self._junction("OR")
        self._depth -= 1
        return found

    def _junction(self, operator: OneOf["AND", "OR"]) -> Node:
        def term() -> Node:
            return self._junction("AND") if operator == "OR" else self._negated()

        terms = [term()]
        while self.takes_word(operator.lower()):
            terms.append(term())
        return terms[0] if len(terms) == 1 else Junction(terms[0].at.to(terms[-1].at), operator, tuple(terms))

    def _negated(self) -> Node:
        start = self.token.at
        count = 0
        while self.takes_word("not"):
            count += 1
        found = self._condition()
        for _ in range(count):
            found = Not(start.to(found.at), found)
        return found

    def _condition(self) -> Node:
        left = self._sum()
        token = self.token
        if token.is_sign("=~"):
            raise not_served("[=~]", token.at)
        if token.is_sign(*_COMPARISONS):
            self.take()
            right = self._sum()
            return Operation(left.at.to(right.at), token.text, left, right)
        if token.is_sign(":") and isinstance(left, Name | Conversion):
            self.take()
            query = self.constant()
            return Matches(left.at.to(self.last), left, query)
        if self.takes_word("is", "not", "null"):
            return NullTest(left.at.to(self.last), left, negated=True)
        if self.takes_word("is", "null"):
            return NullTest(left.at.to(self.last), left, negated=False)
        if token.word == "is":
            self.take()
            raise self.mismatch("{'not', 'null'}")
        return self._listed(left)

    def _listed(self, left: Node) -> Node:
        """Read what may follow a value behind IN, LIKE or RLIKE."""
        negated = self.token.word == "not" and self.ahead(1).word in {"in", "like", "rlike"}
        if negated:
            self.take()
        found = left
        if self.takes_word("in"):
            self.sign("(")
            choices = self.several(self.expression)
            self.sign(")", "{')', ','}")
            found = Membership(left.at.to(self.last), left, choices)
        elif self.token.word in {"like", "rlike"}:
            kind: OneOf["LIKE", "RLIKE"] = "LIKE" if self.take().word == "like" else "RLIKE"
            if self.takes_sign("("):
                patterns = self.several(self.text)
                self.sign(")", "{')', ','}")
            else:
                patterns = (self.text("{QUOTED_STRING, '?', '('}"),)
            found = Fits(left.at.to(self.last), kind, left, patterns)
        return Not(found.at, found) if negated else found

    def _sum(self) -> Node:
        left = self._product()
        while self.token.is_sign("+", "-"):
            operator = self.take().text
            right = self._product()
            left = Operation(left.at.to(right.at), operator, left, right)
        return left

    def _product(self) -> Node:
        left = self._signed()
        while self.token.is_sign("*", "/", "%"):
            operator = self.take().text
            right = self._signed()
            left = Operation(left.at.to(right.at), operator, left, right)
        return left

    def _signed(self) -> Node:
        start = self.token
        signs = []
        while self.token.is_sign("-", "+"):
            signs.append(self.take())
        if signs and self.token.kind in {Kind.INTEGER, Kind.DECIMAL} and self.ahead(1).kind is not Kind.WORD:
            # The smallest long has no counterpart that could be negated.
            first = signs.pop()
            number = self.number(self.take(), -1 if first.text == "-" else 1)
            found = self._converted(Constant(first.at.to(self.last), number.value, number.type))
        else:
            found = self._converted(self._primary())
        for sign in reversed(signs):
            if sign.text == "-":
                at = sign.at.to(found.at)
                if isinstance(found, TimeSpan):
                    found = TimeSpan(at, -found.months, -found.days, -found.milliseconds)
                else:
                    found = Negation(at, found)
        if len(signs) > _DEEPEST:
            raise StatementError(start.at, f"ESQL statement exceeded the maximum expression depth allowed ({_DEEPEST})")
        return found

    def _converted(self, operand: Node) -> Node:
        while self.takes_sign("::"):
            target = self.token
            if target.kind not in {Kind.WORD, Kind.QUOTED}:
                raise self.mismatch("UNQUOTED_IDENTIFIER")
            operand = Conversion(operand.at.to(target.at), operand, self.take().text.lower())
        return operand

    def _primary(self) -> Node:
        token = self.token
        if token.is_sign("("):
            self.take()
            if self.token.word in {"from", "row", "show", "ts"} and self.ahead(1).kind is not Kind.SIGN:
                raise not_served("a subquery", self.token.at)
            inner = self.expression()
            self.sign(")", "{')', 'and', 'or'}")
            return inner
        if token.kind is Kind.INTEGER and self._is_unit(self.ahead(1)):
            return self._span()
        if token.kind is Kind.PARAMETER:
            return self._parameter()
        if token.kind in {Kind.WORD, Kind.QUOTED} and token.word not in RESERVED:
            if token.kind is Kind.WORD and self.ahead(1).is_sign("("):
                return self._call(self.take())
            return self.name()
        return self.constant()

    @staticmethod
    def _is_unit(token: Token) -> bool:
        return token.kind is Kind.WORD and token.word not in RESERVED

    def _span(self) -> TimeSpan:
        amount, unit = self.take(), self.take()
        at = amount.at.to(unit.at)
        found = span_of(amount.text, unit.text)
        if found is None:
            raise StatementError(at, f"Unexpected temporal unit: '{unit.text}'")
        return TimeSpan(at, **found)

    def _parameter(self) -> Node:
        token = self.token
        if self.ahead(1).is_sign("(") and token.text.lstrip("?"):
            name = self._part()
            return self._call(Token(Kind.WORD, name, token.at))
        found = self.parameters.get(token.text, token.at) if token.text.lstrip("?") else None
        if token.text.startswith("??") or (found is not None and found.kind == "identifier"):
            return self.name()
        self.take()
        if found is None:
            found = self.parameters.get(token.text, token.at)
        if found.kind != "value":
            raise StatementError(
                token.at, f"Query parameter [{token.text}] declared as a {found.kind}, cannot be used in the scope of "
                "a value"
            )  # fmt: skip
        return constant_of(token.at, found.value)

    def _call(self, name: Token) -> Node:
        self.sign("(")
        if self.token.is_sign("*"):
            star = Star(self.take().at)
            self.sign(")")
            return Call(name.at.to(self.last), name.text, (star,))
        arguments: list[Node] = []
        options: tuple[tuple[str, Constant], ...] = ()
        if not self.token.is_sign(")"):
            arguments.append(self.expression())
            while self.takes_sign(","):
                if self.token.is_sign("{"):
                    options = self._map()
                    break
                arguments.append(self.expression())
        self.sign(")", "{')', ','}")
        return Call(name.at.to(self.last), name.text, tuple(arguments), options)

    def _map(self) -> tuple[tuple[str, Constant], ...]:
        """Read `{"key": value, ...}`."""
        self.sign("{")

        def entry() -> tuple[str, Constant]:
            key = self.text()
            self.sign(":")
            return key, self.constant()

        entries = self.several(entry) if not self.token.is_sign("}") else ()
        self.sign("}", "{',', '}'}")
        return entries


def span_of(amount: str, unit: str) -> dict[str, int] | None:
    """Return the parts of a stretch of time, None where there is no such unit or it is too long."""
    found = _UNITS.get(unit.lower())
    if found is None or len(amount) > 18 or abs(int(amount) * found[1]) >= _LONGEST_SPAN * 1000:
        return None
    return {found[0]: int(amount) * found[1]}


def span_in_text(text: str) -> dict[str, int] | None:
    """Return the parts of a stretch of time that a text says, such as `1 day`; None where it says none."""
    found = _SPAN.fullmatch(text)
    return None if found is None else span_of(found[1], found[2])
