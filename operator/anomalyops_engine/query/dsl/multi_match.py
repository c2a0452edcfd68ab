"""`multi_match`: a text that is looked for in several fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from anomalyops_engine.query.dsl.beginnings import read_match_bool_prefix, read_match_phrase_prefix
from anomalyops_engine.query.dsl.clause import Clause, ClauseSubject, Scope, options_body
from anomalyops_engine.query.dsl.fulltext import read_match, read_match_phrase
from anomalyops_engine.query.dsl.scoring import Scoring, unscored
from anomalyops_engine.query.dsl.written.leaves import InFields
from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.expr import Expr
from anomalyops_engine.query.options import (
    Scalar,
    any_number,
    boolean,
    integer,
    list_of,
    option,
    read_options,
    scalar,
    spoken,
    text,
    word,
)

_TYPES = frozenset({"best_fields", "most_fields", "cross_fields", "phrase", "phrase_prefix", "bool_prefix"})
_READERS = {
    "best_fields": read_match,
    "most_fields": read_match,
    # With one word of several enough, it is no matter in which field that is.
    "cross_fields": read_match,
    "phrase": read_match_phrase,
    "phrase_prefix": read_match_phrase_prefix,
    "bool_prefix": read_match_bool_prefix,
}
# What each kind hands on to the clause on one field.
_HANDED_ON = {
    "best_fields": ("operator", "minimum_should_match", "zero_terms_query"),
    "most_fields": ("operator", "minimum_should_match", "zero_terms_query"),
    "cross_fields": ("zero_terms_query",),
    "phrase": ("slop", "zero_terms_query"),
    "phrase_prefix": ("slop", "max_expansions", "zero_terms_query"),
    "bool_prefix": ("operator", "minimum_should_match"),
}


def _fields(value: object) -> tuple[str, ...]:
    """Read names and patterns of fields, each perhaps with a boost."""
    return list_of(text)(value)


def _kind(value: object) -> str:
    wanted = text(value)
    if wanted.lower() not in _TYPES:
        raise QueryParsingError(f"failed to parse [multi_match] query type [{wanted}]. unknown type.")
    return wanted.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiMatch(Clause):
    """Documents in which one of several fields has a text."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset(
        {"analyzer", "fuzziness", "prefix_length", "fuzzy_rewrite", "fuzzy_transpositions"}
    )

    query: Scalar = option(spoken)
    fields: tuple[str, ...] = option(_fields, ())
    type: str = option(_kind, "best_fields")
    operator: str = option(word({"or", "and"}), "or")
    minimum_should_match: Scalar | None = option(scalar, None, nullable=True)
    zero_terms_query: str = option(text, "none")
    slop: int = option(integer(at_least=0), 0)
    max_expansions: int = option(integer(at_least=0), 50)
    lenient: bool = option(boolean, default=False)
    tie_breaker: float | None = option(any_number, None, nullable=True)
    # Without synonyms there is nothing to do.
    auto_generate_synonyms_phrase_query: bool = option(boolean, default=True)

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        return self._in_fields().lower(scope)

    def score(self, scoring: Scoring) -> Expr:
        """Return the score of the field that matches best; see `Clause.score`.

        Raises:
            UnsupportedQueryError: the fields are to be scored as if they were one.
        """
        if self.type == "cross_fields" and (len(self.fields) != 1 or "*" in self.fields[0]):
            raise unscored("[multi_match] of type [cross_fields]")
        return self._in_fields().score(scoring.times(self.boost))

    def _in_fields(self) -> InFields:
        usual = 1.0 if self.type in {"most_fields", "bool_prefix"} else 0.0
        tie = usual if self.tie_breaker is None else float(self.tie_breaker)
        return InFields(fields=self.fields or ("*",), body=self._on, lenient=self.lenient, tie_breaker=tie)

    def _on(self, name: str) -> Clause:
        options: dict[str, Any] = {key: getattr(self, key) for key in _HANDED_ON[self.type]}
        if options.get("minimum_should_match", "") is None:
            del options["minimum_should_match"]
        return _READERS[self.type]({name: {"query": self.query, **options}})


def read_multi_match(body: object) -> Clause:
    """Read `multi_match`.

    Raises:
        QueryError: malformed or not supported.
    """
    clause = read_options(MultiMatch, options_body("multi_match", body), ClauseSubject("multi_match"))
    if clause.type == "bool_prefix" and clause.slop:
        raise IllegalQueryError("[slop] not allowed for type [bool_prefix]")
    if clause.type == "cross_fields" and (clause.operator == "and" or clause.minimum_should_match is not None):
        raise UnsupportedQueryError(
            "[multi_match] of type [cross_fields] with [operator: and] or [minimum_should_match] is not supported by "
            "this engine"
        )
    clause._on("any")
    return clause
