"""How well a document matches a query: BM25, as Lucene computes it and Elasticsearch sets it up.

A clause that is no matter of more or less gives every document that matches its boost. Words of a text, and the terms
of fields that are kept as terms (`keyword`, `boolean`, `version`), are worth the more the fewer documents have them,
and words also the more often they stand in a text and the shorter that is (Robertson, Zaragoza: The Probabilistic
Relevance Framework: BM25 and Beyond, 2009; `BM25Similarity` of Lucene with k1 = 1.2 and b = 0.75, times k1 + 1 as
`LegacyBM25Similarity` has it). The figures are those of the documents that the index has: none that was deleted counts.

Scores are of single precision, step by step as Lucene's are, so that they agree to the last digit but for the order in
which a sum is made.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from anomalyops_engine.query import analysis
from anomalyops_engine.query.dsl.clause import Scope
from anomalyops_engine.query.errors import UnsupportedQueryError
from anomalyops_engine.query.expr import TRUE, Cast, Column, Expr, Lambda, ListOf, Literal, any_of, call, when
from anomalyops_engine.store import Field
from anomalyops_engine.store.fieldtypes.numbers import rounded

K1: Final = rounded("float", 1.2)
B: Final = 0.75
# Lengths of up to this many words are kept exactly, longer ones with four significant bits (Lucene's `SmallFloat`).
_EXACT_LENGTHS: Final = 24
_SIGNIFICANT_BITS: Final = 4
_MOST_LOOKED_FOR: Final = 8
NONE: Final = Literal(0.0, "FLOAT")


@dataclass(frozen=True, slots=True)
class FieldFigures:
    """What an index knows of a field whose terms are scored.

    Attributes:
        documents: how many have a term in it.
        terms: how many terms they have there, all together.
    """

    documents: int
    terms: int


class Statistics(Protocol):
    """Counts documents of an index, as a search sees it."""

    @abstractmethod
    def of_field(self, leaf: Field, words: Expr) -> FieldFigures:
        """Return the figures of a field.

        Args:
            leaf: the field.
            words: the list of its terms in a document; NULL for none.
        """

    @abstractmethod
    def counts(self, conditions: Sequence[Expr]) -> list[int]:
        """Return how many documents fulfil each condition."""

    @abstractmethod
    def having(self, words: Expr, wanted: Sequence[str], likely: Expr) -> list[int]:
        """Return how many documents have each of some words.

        Args:
            words: the list of those of a document.
            wanted: the words.
            likely: true for all documents that have one of them.
        """

    @abstractmethod
    def words_beginning(self, words: Expr, begun: str, most: int) -> list[str]:
        """Return the words of documents that begin so, at most so many, in the order of their bytes."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """What clauses are scored for.

    Attributes:
        scope: the index whose documents are scored, and the present.
        statistics: of that index.
        factor: what the clauses around multiply a score by.
    """

    scope: Scope
    statistics: Statistics
    factor: float = 1.0

    def times(self, boost: float) -> Scoring:
        """Return what a clause inside of one with a boost is scored for."""
        return self if boost == 1 else replace(self, factor=single(self.factor * single(boost)))

    @property
    def constant(self) -> Expr:
        """The score of a clause that has nothing to weigh."""
        return Literal(self.factor, "FLOAT")


def single(number: float) -> float:
    """Return a number in single precision."""
    return rounded("float", number) if math.isfinite(number) else number


def unscored(what: str) -> UnsupportedQueryError:
    """Return the refusal to tell a score."""
    return UnsupportedQueryError(
        f"the score of {what} is not supported by this engine; sort by a field, or put the clause into [filter] or "
        "[constant_score]"
    )


# --- terms ---


def terms_of(leaf: Field) -> Expr:
    """Return the terms that a document has in a field that keeps terms, each once; NULL for none."""
    column = Column(leaf.column)
    return call("list_distinct", column) if leaf.multi else when(column.is_not_null(), ListOf((column,)))


def words_in(leaf: Field) -> Expr:
    """Return the words that a document has in a text field; NULL for none."""
    column = Column(leaf.column)
    if not leaf.multi:
        return analysis.words_of(column, leaf.analyzer)
    each = Lambda("value", analysis.words_of(Column("value"), leaf.analyzer))
    return call("flatten", call("list_transform", column, each))


def term_score(leaf: Field, has_term: Expr, scoring: Scoring) -> Expr:
    """Return the score of a term of a field that keeps terms: as all documents have it once, or not, it is one number.

    Raises:
        UnsupportedQueryError: the mapping notes more of the field than which documents have a term.
    """
    if leaf.definition.get("norms", False) or leaf.definition.get("index_options", "docs") != "docs":
        raise unscored(f"a term of [{leaf.path}], whose mapping sets [norms] or [index_options],")
    (having,) = scoring.statistics.counts([has_term])
    if not having:
        return NONE
    figures = scoring.statistics.of_field(leaf, terms_of(leaf))
    weight = single(_weight(scoring.factor) * _rarity(having, figures.documents))
    average = single(figures.terms / figures.documents)
    norm = single(1 / single(K1 * single(0.25 + single(B / average))))
    return Literal(single(weight - single(weight / single(1 + norm))), "FLOAT")


def word_scores(leaf: Field, words: Sequence[str], scoring: Scoring) -> Expr:
    """Return the score of the words of a query in a text field; those that a document does not have add nothing."""
    if not words:
        return NONE
    if leaf.type == "match_only_text":
        return total([counted(_has_word(leaf, word), scoring.constant) for word in words])
    having = scoring.statistics.having(words_in(leaf), words, _likely(leaf, words))
    if not any(having):
        return NONE
    figures = scoring.statistics.of_field(leaf, words_in(leaf))
    weights = [
        (word, single(_weight(scoring.factor) * _rarity(count, figures.documents)))
        for word, count in zip(words, having, strict=True)
        if count
    ]

    def body(found: Expr, norm: Expr) -> Expr:
        return total([_saturated(weight, _times(found, word), norm) for word, weight in weights])

    return _with_words(words_in(leaf), leaf, figures, body)


def phrase_score(leaf: Field, words: Sequence[str], scoring: Scoring, *, last: Sequence[str] | None = None) -> Expr:
    """Return the score of words that stand one after the other in a text field.

    Args:
        leaf: the field.
        words: at least two, or one with `last`.
        scoring: what is scored.
        last: the words of which one must follow, None for nothing more.
    """
    if leaf.type == "match_only_text":
        return scoring.constant
    every = [*words, *(last or ())]
    having = scoring.statistics.having(words_in(leaf), every, _likely(leaf, every))
    figures = scoring.statistics.of_field(leaf, words_in(leaf))
    rarity = single(sum(_rarity(count, figures.documents) for count in having if count))
    weight = single(_weight(scoring.factor) * rarity)
    parted = words_in(leaf)
    if leaf.multi:
        # No phrase goes over from one value to the next.
        spread = call("list_concat", analysis.words_of(Column("value"), leaf.analyzer), ListOf((Literal(""),)))
        parted = call("flatten", call("list_transform", Column(leaf.column), Lambda("value", spread)))

    def body(found: Expr, norm: Expr) -> Expr:
        length = len(words) + (last is not None)
        places = call("range", 1, call("len", found) - (length - 2))
        place = Column("place")
        here: Expr = call("list_slice", found, place, place + (len(words) - 1)).equals(
            Literal(tuple(words), "VARCHAR[]")
        )
        if last is not None:
            following = call("list_contains", Literal(tuple(last), "VARCHAR[]"), _item(found, place + len(words)))
            here = when(here, following, otherwise=False)
        times = call("len", call("list_filter", places, Lambda("place", here)))
        return _saturated(weight, Cast(times, "FLOAT"), norm)

    return _with_words(parted, leaf, figures, body)


def _item(listed: Expr, place: Expr) -> Expr:
    return call("list_extract", listed, place)


def _has_word(leaf: Field, word: str) -> Expr:
    column = Column(leaf.column)
    if not leaf.multi:
        return analysis.has_a_word(column, [word], leaf.analyzer)
    has = Lambda("item", analysis.has_a_word(Column("item"), [word], leaf.analyzer))
    return call("len", call("list_filter", column, has)) > 0


def _likely(leaf: Field, words: Sequence[str]) -> Expr:
    """Return a condition that all documents with one of some words fulfil, and that is soon told."""
    if leaf.multi or leaf.analyzer != analysis.STANDARD or len(words) > _MOST_LOOKED_FOR:
        return TRUE
    lowered = call("lower", Column(leaf.column))
    return any_of([call("contains", lowered, word) for word in words])


def _times(words: Expr, word: str) -> Expr:
    """Return how often a word stands among others."""
    same = Lambda("word", Column("word").equals(word))
    return Cast(call("len", call("list_filter", words, same)), "FLOAT")


def _weight(factor: float) -> float:
    return single(factor * single(1 + K1))


def _rarity(having: int, documents: int) -> float:
    """Return the inverse document frequency of a term."""
    return single(math.log(1 + (documents - having + 0.5) / (having + 0.5)))


def _saturated(weight: float, times: Expr, norm: Expr) -> Expr:
    """Return the worth of a term that a document has so many times."""
    whole = Literal(weight, "FLOAT")
    return whole - whole / (Literal(1.0, "FLOAT") + times * norm)


def _with_words(words: Expr, leaf: Field, figures: FieldFigures, body: Body) -> Expr:
    """Return an expression over the words of a document and the norm of their number, each of them made once."""
    found, norm, length = Column("found"), Column("norm"), Column("length")
    average = Literal(single(figures.terms / max(figures.documents, 1)), "FLOAT")
    with_norms = leaf.definition.get("norms", True)
    relative = Literal(B, "FLOAT") * (_kept_length(length) if with_norms else Literal(1.0, "FLOAT")) / average
    inverse = Literal(1.0, "FLOAT") / (Literal(K1, "FLOAT") * (Literal(0.25, "FLOAT") + relative))
    number: Expr = call("len", found)
    if leaf.multi:
        number = number - call("len", call("list_filter", found, Lambda("word", Column("word").equals(""))))
    inner = _bound(number, Lambda("length", _bound(inverse, Lambda("norm", body(found, norm)))))
    return _bound(words, Lambda("found", inner))


class Body(Protocol):
    """Makes an expression of the words of a document and their norm."""

    def __call__(self, found: Expr, norm: Expr) -> Expr:
        """Return it."""


def _bound(value: Expr, body: Lambda) -> Expr:
    return call("list_extract", call("list_transform", ListOf((value,)), body), 1)


def _kept_length(number: Expr) -> Expr:
    """Return a number of words as Lucene's norm of a document keeps it in a byte."""
    least = 2**_SIGNIFICANT_BITS
    over = call("greatest", number - _EXACT_LENGTHS, least)
    step = Cast(call("pow", 2, call("length", call("to_base", over, 2)) - _SIGNIFICANT_BITS), "BIGINT")
    return Cast(when(number < _EXACT_LENGTHS + least, number, number - over % step), "FLOAT")


# --- scores of several clauses ---


def total(scores: Sequence[Expr]) -> Expr:
    """Return the sum of scores."""
    if all(isinstance(score, Literal) for score in scores):
        return Literal(single(sum(number_of(score) for score in scores)), "FLOAT")
    kept = [score for score in scores if score != NONE]
    if len(kept) == 1:
        return kept[0]
    return Cast(_sum(kept), "FLOAT")


def _sum(scores: Sequence[Expr]) -> Expr:
    """Return the sum of scores in double precision; of any number of them, so none inside of another."""
    return call("list_sum", ListOf(tuple(Cast(score, "DOUBLE") for score in scores)))


def best(scores: Sequence[Expr], tie_breaker: float) -> Expr:
    """Return the best of scores, and so much of each of the others; those of clauses that do not match are 0."""
    if len(scores) == 1:
        return scores[0]
    if not scores:
        return NONE
    first = call("greatest", *scores)
    if not tie_breaker:
        return first
    if tie_breaker == 1:
        return total(scores)
    most = Cast(first, "DOUBLE")
    return Cast(most + (_sum(scores) - most) * Literal(single(tie_breaker), "DOUBLE"), "FLOAT")


def number_of(score: Expr) -> float:
    """Return the number that a score is, which is the same for all documents."""
    assert isinstance(score, Literal)  # noqa: S101 (whoever asks has looked)
    assert isinstance(score.value, float)  # noqa: S101
    return score.value


def counted(matches: Expr, score: Expr) -> Expr:
    """Return the score of a clause that need not match."""
    return score if score == NONE else when(matches, score, NONE)
