"""Clauses about the words of analysed text: `match`, `match_phrase`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from anomalyops_engine.query import analysis
from anomalyops_engine.query.dsl.bodies import field_body, only
from anomalyops_engine.query.dsl.clause import Clause, Scope, some_value
from anomalyops_engine.query.dsl.compound import at_least
from anomalyops_engine.query.dsl.terms import Terms
from anomalyops_engine.query.errors import QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.expr import FALSE, TRUE, Binary, Expr, Literal, call, lift

_MATCH_OPTIONS = frozenset({"query", "operator", "minimum_should_match", "boost", "_name", "lenient"}) | frozenset(
    {"zero_terms_query", "auto_generate_synonyms_phrase_query"}
)


@dataclass(frozen=True, slots=True)
class Match(Clause):
    """Documents that have some or all words of a text; the exact value, in fields that are not analysed.

    Attributes:
        field: its name.
        text: the text or value.
        every: all words are needed.
        minimum: how many words are needed, as `minimum_should_match` says it; None for one.
        all_without_words: a text without words matches everything.
    """

    field: str
    text: Any
    every: bool = False
    minimum: object = None
    all_without_words: bool = False

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        leaf = scope.index.get(self.field)
        if leaf is None or not leaf.is_text:
            return Terms(self.field, (self.text,)).lower(scope)
        words = tuple(dict.fromkeys(analysis.words(str(self.text))))
        if not words:
            return TRUE if self.all_without_words else FALSE
        wanted = Literal(words)
        if self.minimum is not None and not self.every:
            needed = at_least(self.minimum, len(words))
            return some_value(
                leaf,
                lambda text: call("len", call("list_intersect", analysis.words_of(text), wanted)) >= needed,
            )
        if self.every:
            return some_value(leaf, lambda text: call("list_has_all", analysis.words_of(text), wanted))
        return some_value(leaf, lambda text: call("list_has_any", analysis.words_of(text), wanted))


def read_match(body: object) -> Clause:
    """Read `match`.

    Raises:
        QueryError: malformed.
    """
    name, options = field_body("match", body, short="query")
    only("match", options, _MATCH_OPTIONS)
    value = options.get("query")
    if value is None:
        raise QueryParsingError(f"No text specified for text query on field [{name}]")
    operator = str(options.get("operator", "or")).lower()
    if operator not in {"or", "and"}:
        raise QueryParsingError(f"[match] operator must be [or] or [and], got [{options['operator']}]")
    return Match(
        name,
        value,
        every=operator == "and",
        minimum=options.get("minimum_should_match"),
        all_without_words=options.get("zero_terms_query") == "all",
    )


@dataclass(frozen=True, slots=True)
class Phrase(Clause):
    """Documents that have the words of a text one after the other."""

    field: str
    text: Any

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        leaf = scope.index.get(self.field)
        if leaf is None or not leaf.is_text:
            return Terms(self.field, (self.text,)).lower(scope)
        phrase = analysis.words("" if self.text is None else str(self.text))
        if not phrase:
            return FALSE
        return some_value(leaf, lambda text: call("contains", _spaced(analysis.words_of(text)), _line(phrase)))


def _line(words: Sequence[str]) -> str:
    return f" {' '.join(words)} "


def _spaced(words: Expr) -> Expr:
    joined = call("array_to_string", words, " ")
    return Binary("||", Binary("||", lift(" "), joined), lift(" "))


def read_match_phrase(body: object) -> Clause:
    """Read `match_phrase`.

    Raises:
        QueryError: malformed or not supported.
    """
    name, options = field_body("match_phrase", body, short="query")
    only("match_phrase", options, {"query", "boost", "_name", "slop"})
    if options.get("slop", 0) != 0:
        raise UnsupportedQueryError("[match_phrase] with [slop] is not supported by this engine")
    return Phrase(name, options.get("query"))
