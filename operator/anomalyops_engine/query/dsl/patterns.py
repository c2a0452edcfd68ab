"""Clauses about parts of values: `wildcard`, `prefix`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from anomalyops_engine.query import analysis
from anomalyops_engine.query.dsl.bodies import field_body, only
from anomalyops_engine.query.dsl.clause import Clause, Scope, some_value
from anomalyops_engine.query.errors import IllegalQueryError
from anomalyops_engine.query.expr import FALSE, Column, Expr, Lambda, call
from anomalyops_engine.store import Field


@dataclass(frozen=True, slots=True)
class Pattern(Clause):
    """Documents with a value that fits a regular expression; with such a word, in analysed text."""

    field: str
    regex: str
    insensitive: bool

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        leaf = scope.index.get(self.field)
        _must_be_string("wildcard", self.field, leaf)
        if leaf is None:
            return FALSE

        def fits(text: Expr) -> Expr:
            return call("regexp_matches", text, self.regex, "si" if self.insensitive else "s")

        if leaf.is_text:
            word = Lambda("word", fits(Column("word")))
            return some_value(
                leaf,
                lambda text: call("list_bool_or", call("list_transform", analysis.words_of(text), word)),
            )
        return some_value(leaf, fits)


@dataclass(frozen=True, slots=True)
class Prefix(Clause):
    """Documents with a value that begins with a text; with such a word, in analysed text."""

    field: str
    text: str
    insensitive: bool

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        leaf = scope.index.get(self.field)
        if self.insensitive or (leaf is not None and leaf.is_text):
            return Pattern(self.field, "^" + re.escape(self.text), self.insensitive).lower(scope)
        _must_be_string("prefix", self.field, leaf)
        if leaf is None:
            return FALSE
        return some_value(leaf, lambda value: call("starts_with", value, self.text))


def _must_be_string(kind: str, name: str, leaf: Field | None) -> None:
    if leaf is not None and not leaf.is_string:
        raise IllegalQueryError(
            f"Can only use {kind} queries on keyword, text and wildcard fields - not on [{name}] which is of type "
            f"[{leaf.type}]"
        )


def read_wildcard(body: object) -> Clause:
    """Read `wildcard`.

    Raises:
        QueryError: malformed.
    """
    name, options = field_body("wildcard", body, short="value")
    only("wildcard", options, {"value", "wildcard", "case_insensitive", "boost", "rewrite", "_name"})
    value = options.get("value", options.get("wildcard"))
    if value is None:
        raise IllegalQueryError("value cannot be null")
    return Pattern(name, _wildcard_regex(str(value)), insensitive=options.get("case_insensitive") is True)


def read_prefix(body: object) -> Clause:
    """Read `prefix`.

    Raises:
        QueryError: malformed.
    """
    name, options = field_body("prefix", body, short="value")
    only("prefix", options, {"value", "case_insensitive", "boost", "rewrite", "_name"})
    if options.get("value") is None:
        raise IllegalQueryError("value cannot be null")
    return Prefix(name, str(options["value"]), insensitive=options.get("case_insensitive") is True)


def _wildcard_regex(pattern: str) -> str:
    out, escaped = [], False
    for character in pattern:
        if escaped:
            out.append(re.escape(character))
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            out.append({"*": ".*", "?": "."}.get(character) or re.escape(character))
    return f"^{''.join(out)}$"


def wildcard_match(pattern: str, name: str) -> bool:
    """Return whether a name fits a pattern of `*` and `?`."""
    return re.match(_wildcard_regex(pattern), name, re.DOTALL) is not None
