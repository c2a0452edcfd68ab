"""Clauses about the words of analysed text: `match`, `match_phrase`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from anomalyops_engine.query import analysis
from anomalyops_engine.query.dsl.clause import Clause, Scope, read_field_clause, some_value
from anomalyops_engine.query.dsl.minimum import Minimum, read_minimum
from anomalyops_engine.query.dsl.scoring import NONE, Scoring, phrase_score, word_scores
from anomalyops_engine.query.dsl.terms import exact_score, has_one_of
from anomalyops_engine.query.errors import (
    IllegalQueryError,
    QueryParsingError,
    TooManyClausesError,
    UnsupportedQueryError,
)
from anomalyops_engine.query.expr import (
    FALSE,
    Binary,
    Column,
    Expr,
    Lambda,
    Literal,
    Not,
    all_of,
    any_of,
    call,
    lift,
)
from anomalyops_engine.query.limits import limits
from anomalyops_engine.query.options import Scalar, boolean, integer, option, shown, spoken, text, word
from anomalyops_engine.query.values import as_text, not_created
from anomalyops_engine.store import Field

_NO_PHRASE = partial(IllegalQueryError, "[match_phrase] requires query value")
_NO_TEXT = partial(QueryParsingError, "No text specified for text query")


def read_zero_terms(value: object) -> str:
    """Read `zero_terms_query`: what a text without words finds.

    Raises:
        QueryParsingError: neither of both words.
    """
    wanted = text(value)
    if wanted.lower() not in {"none", "all"}:
        raise QueryParsingError(f"Unsupported zero_terms_query value [{shown(wanted)}]")
    return wanted.lower()


def check_words(text: str, analyzer: str = analysis.STANDARD) -> None:
    """Check that a text of a query has no more words than a query may have clauses.

    Raises:
        QueryShardError: it has.
    """
    most = limits().clauses
    if len(text) > most and len(analysis.split_words(text, analyzer)) > most:
        raise not_created(TooManyClausesError(most))


@dataclass(frozen=True, slots=True, kw_only=True)
class Match(Clause):
    """Documents that have some or all words of a text; the exact value, in fields that are not analysed."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset(
        {"analyzer", "fuzziness", "prefix_length", "max_expansions", "fuzzy_rewrite", "fuzzy_transpositions"}
        | {"cutoff_frequency"}
    )

    field: str
    query: Scalar = option(spoken, nullable=True)
    operator: str = option(word({"or", "and"}), "or")
    minimum_should_match: Minimum | None = option(read_minimum, None, nullable=True)
    lenient: bool = option(boolean, default=False)
    zero_terms_query: str = option(read_zero_terms, "none")
    # Without synonyms there is nothing to do.
    auto_generate_synonyms_phrase_query: bool = option(boolean, default=True)

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        leaf = scope.searched(self.field)
        if leaf is None or not leaf.is_text:
            return self._exact(scope)
        text = as_text(self.query)
        check_words(text, leaf.search_analyzer)
        found = some_value(leaf, lambda value: self._matches(value, text, leaf))
        if self.zero_terms_query == "none":
            return found
        return any_of([call("len", analysis.words_of_query(text, leaf.search_analyzer)).equals(0), found])

    def score(self, scoring: Scoring) -> Expr:
        """Return the score of its words; see `Clause.score`."""
        inner, leaf = scoring.times(self.boost), scoring.scope.index.get(self.field)
        if leaf is None or not leaf.is_text:
            return exact_score(self.field, self.query, inner)
        found = analysis.split_words(as_text(self.query), leaf.search_analyzer)
        return word_scores(leaf, found, inner) if found else inner.constant

    def share(self, scoring: Scoring) -> Expr:
        """Return the score, which is 0 of itself where no word of several is there; see `Clause.share`."""
        leaf = scoring.scope.searched(self.field)
        of_itself = leaf is not None and leaf.is_text and self.operator == "or" and self.minimum_should_match is None
        if leaf is None or not of_itself or not analysis.split_words(as_text(self.query), leaf.search_analyzer):
            return Clause.share(self, scoring)
        return call("coalesce", self.score(scoring), NONE)

    def _matches(self, value: Expr, text: str, leaf: Field) -> Expr:
        analyzers = (leaf.analyzer, leaf.search_analyzer)
        if self.operator == "and" or self.minimum_should_match is None:
            return analysis.has_words_of(value, text, every=self.operator == "and", analyzers=analyzers)
        wanted = analysis.split_words(text, leaf.search_analyzer)
        # A word that the query has twice counts twice; one word alone is wanted, whatever the minimum.
        needed = self.minimum_should_match.of(len(wanted)) if len(wanted) > 1 else 1
        words = analysis.words_of(value, leaf.analyzer)
        there = Lambda("wanted", call("list_contains", words, Column("wanted")))
        common = call("len", call("list_filter", Literal(wanted, "VARCHAR[]"), there))
        return common >= max(needed, 1)

    def _exact(self, scope: Scope) -> Expr:
        try:
            return has_one_of(self.field, (self.query,), scope)
        except (IllegalQueryError, QueryParsingError):
            if self.lenient:
                return FALSE
            raise


def read_match(body: object) -> Clause:
    """Read `match`.

    Raises:
        QueryError: malformed.
    """
    return read_field_clause(Match, "match", body, short="query", required=_NO_TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchPhrase(Clause):
    """Documents that have the words of a text one after the other."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"analyzer"})

    field: str
    query: Scalar = option(spoken, nullable=True)
    slop: int = option(integer(at_least=0), 0)
    zero_terms_query: str = option(read_zero_terms, "none")

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        leaf = scope.searched(self.field)
        if leaf is None or not leaf.is_text:
            return has_one_of(self.field, (self.query,), scope)
        phrase = analysis.words_of_query(as_text(self.query), leaf.phrase_analyzer)

        def has_phrase(value: Expr) -> Expr:
            return call("contains", spaced(analysis.words_of(value, leaf.analyzer)), spaced(phrase))

        found = some_value(leaf, has_phrase)
        any_words = call("len", phrase) > 0
        return any_of([Not(any_words), found]) if self.zero_terms_query == "all" else all_of([any_words, found])

    def score(self, scoring: Scoring) -> Expr:
        """Return the score of the phrase; see `Clause.score`."""
        inner, leaf = scoring.times(self.boost), scoring.scope.index.get(self.field)
        if leaf is None or not leaf.is_text:
            return exact_score(self.field, self.query, inner)
        found = analysis.split_words(as_text(self.query), leaf.phrase_analyzer)
        if not found:
            return inner.constant
        return word_scores(leaf, found, inner) if len(found) == 1 else phrase_score(leaf, found, inner)


def spaced(words: Expr) -> Expr:
    """Return words as one text, with a space before and behind each."""
    joined = call("array_to_string", words, " ")
    return Binary("||", Binary("||", lift(" "), joined), lift(" "))


def read_match_phrase(body: object) -> Clause:
    """Read `match_phrase`.

    Raises:
        QueryError: malformed or not supported.
    """
    clause = read_field_clause(MatchPhrase, "match_phrase", body, short="query", required=_NO_PHRASE)
    if clause.slop:
        raise UnsupportedQueryError("[match_phrase] with [slop] is not supported by this engine")
    return clause
