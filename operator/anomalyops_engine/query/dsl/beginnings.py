"""Clauses of which the last word is the beginning of one: `match_bool_prefix`, `match_phrase_prefix`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from anomalyops_engine.query import analysis
from anomalyops_engine.query.dsl.clause import Clause, Scope, read_field_clause, some_value
from anomalyops_engine.query.dsl.fulltext import check_words, read_zero_terms, spaced
from anomalyops_engine.query.dsl.minimum import Minimum, read_minimum
from anomalyops_engine.query.dsl.patterns import read_prefix
from anomalyops_engine.query.dsl.scoring import (
    Scoring,
    counted,
    phrase_score,
    total,
    unscored,
    word_scores,
    words_in,
)
from anomalyops_engine.query.errors import IllegalQueryError, QueryShardError, UnsupportedQueryError
from anomalyops_engine.query.expr import Binary, Column, Expr, Lambda, Not, all_of, any_of, call, lift, when
from anomalyops_engine.query.options import Scalar, integer, option, spoken, word
from anomalyops_engine.query.values import as_text

_NO_QUERY = partial(IllegalQueryError, "[match_bool_prefix] requires query value")
_NO_PHRASE = partial(IllegalQueryError, "[match_phrase_prefix] requires query value")


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchBoolPrefix(Clause):
    """Documents that have some or all words of a text, the last of which need only be the beginning of a word."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset(
        {"analyzer", "fuzziness", "prefix_length", "max_expansions", "fuzzy_rewrite", "fuzzy_transpositions"}
    )

    field: str
    query: Scalar = option(spoken, nullable=True)
    operator: str = option(word({"or", "and"}), "or")
    minimum_should_match: Minimum | None = option(read_minimum, None, nullable=True)

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        leaf = scope.searched(self.field)
        text = as_text(self.query)
        if leaf is None or not leaf.is_text:
            return read_prefix({self.field: text}).lower(scope)
        check_words(text, leaf.search_analyzer)
        wanted = analysis.words_of_query(text, leaf.search_analyzer)
        return some_value(leaf, lambda value: self._matches(analysis.words_of(value, leaf.analyzer), wanted))

    def score(self, scoring: Scoring) -> Expr:
        """Return the score of the whole words, and the boost where the last one is begun; see `Clause.score`."""
        inner, leaf = scoring.times(self.boost), scoring.scope.index.get(self.field)
        text = as_text(self.query)
        if leaf is None or not leaf.is_text:
            return inner.constant
        found = analysis.split_words(text, leaf.search_analyzer)
        if len(found) < 2:
            return inner.constant
        begun = read_prefix({self.field: found[-1]}).lower(scoring.scope)
        return total([word_scores(leaf, found[:-1], inner), counted(begun, inner.constant)])

    def _matches(self, words: Expr, wanted: Expr) -> Expr:
        """Return that words have those that are wanted; nothing has none."""
        whole = call("list_distinct", call("list_slice", wanted, 1, -2))
        begun = call("starts_with", Column("word"), call("list_extract", wanted, -1))
        last = call("coalesce", call("list_bool_or", call("list_transform", words, Lambda("word", begun))), lift(False))  # noqa: FBT003 (a constant)
        if self.minimum_should_match is not None:
            needed = self.minimum_should_match.of_expression(call("len", wanted))
            common = call("len", call("list_intersect", words, whole)) + when(last, lift(1), lift(0))
            found = all_of([common >= needed, common > 0])
        elif self.operator == "and":
            found = all_of([call("list_has_all", words, whole), last])
        else:
            found = any_of([call("list_has_any", words, whole), last])
        return all_of([call("len", wanted) > 0, found])


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchPhrasePrefix(Clause):
    """Documents that have the words of a text one after the other, and then one that begins as the last of them.

    Every word that begins so is looked for, so that `max_expansions` leaves nothing out.
    """

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"analyzer"})

    field: str
    query: Scalar = option(spoken, nullable=True)
    slop: int = option(integer(at_least=0), 0)
    max_expansions: int = option(integer(at_least=0), 50)
    zero_terms_query: str = option(read_zero_terms, "none")

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        leaf = scope.searched(self.field)
        if leaf is None:
            return lift(False)  # noqa: FBT003 (a constant)
        if not leaf.is_text:
            raise QueryShardError(
                f"failed to create query: Can only use phrase prefix queries on text fields - not on [{self.field}] "
                f"which is of type [{leaf.type}]"
            )
        phrase = analysis.words_of_query(as_text(self.query), leaf.phrase_analyzer)
        begun = Binary("||", lift(" "), call("array_to_string", phrase, " "))

        def has_beginning(value: Expr) -> Expr:
            return call("contains", spaced(analysis.words_of(value, leaf.analyzer)), begun)

        found = some_value(leaf, has_beginning)
        any_words = call("len", phrase) > 0
        return any_of([Not(any_words), found]) if self.zero_terms_query == "all" else all_of([any_words, found])

    def score(self, scoring: Scoring) -> Expr:
        """Return the score of the phrase with any of the words that begin so; see `Clause.score`.

        Raises:
            UnsupportedQueryError: there are more than are looked for, of which it depends which those are.
        """
        inner, leaf = scoring.times(self.boost), scoring.scope.index.get(self.field)
        if leaf is None or not leaf.is_text:
            return inner.constant
        found = analysis.split_words(as_text(self.query), leaf.phrase_analyzer)
        if not found or leaf.type == "match_only_text":
            return inner.constant
        last = scoring.statistics.words_beginning(words_in(leaf), found[-1], self.max_expansions + 1)
        if len(last) > self.max_expansions:
            raise unscored(f"[match_phrase_prefix] with more words beginning with [{found[-1]}] than [max_expansions]")
        if len(found) == 1:
            return word_scores(leaf, last, inner)
        return phrase_score(leaf, found[:-1], inner, last=last)


def read_match_bool_prefix(body: object) -> Clause:
    """Read `match_bool_prefix`.

    Raises:
        QueryError: malformed or not supported.
    """
    return read_field_clause(MatchBoolPrefix, "match_bool_prefix", body, short="query", required=_NO_QUERY)


def read_match_phrase_prefix(body: object) -> Clause:
    """Read `match_phrase_prefix`.

    Raises:
        QueryError: malformed or not supported.
    """
    clause = read_field_clause(MatchPhrasePrefix, "match_phrase_prefix", body, short="query", required=_NO_PHRASE)
    if clause.slop:
        raise UnsupportedQueryError("[match_phrase_prefix] with [slop] is not supported by this engine")
    return clause
