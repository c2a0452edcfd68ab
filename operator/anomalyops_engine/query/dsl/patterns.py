"""Clauses about parts of values: `wildcard`, `prefix`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from anomalyops_engine.query import analysis
from anomalyops_engine.query.dsl.clause import Clause, Scope, read_field_clause, some_value
from anomalyops_engine.query.dsl.identity import ID_FIELD, INDEX_FIELD, index_fits, refuse_id
from anomalyops_engine.query.dsl.scoring import Scoring, unscored
from anomalyops_engine.query.errors import IllegalQueryError, QueryShardError
from anomalyops_engine.query.expr import FALSE, Column, Expr, Lambda, call
from anomalyops_engine.query.globs import Any, Token, wildcard_tokens
from anomalyops_engine.query.limits import limit_of
from anomalyops_engine.query.options import boolean, option, shown, text
from anomalyops_engine.query.regexes import literal_pattern, too_long
from anomalyops_engine.query.values import not_created
from anomalyops_engine.store import Field

_REWRITES = frozenset(
    {"constant_score", "constant_score_blended", "constant_score_boolean", "scoring_boolean", "constant_score_auto"}
)
# What a clause says that needs a value and has none.
NO_VALUE = partial(IllegalQueryError, "value cannot be null")


def _rewrite(value: object) -> str:
    """Read `rewrite`, which says how a score is made."""
    method = text(value)
    if method not in _REWRITES and re.fullmatch(r"top_terms_(boost_|blended_freqs_)?\d+", method, re.ASCII) is None:
        raise IllegalQueryError(f"Failed to parse rewrite_method [{shown(method)}]")
    return method


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pattern(Clause):
    """A clause that compares texts with a pattern."""

    field: str
    case_insensitive: bool = option(boolean, default=False)
    rewrite: str | None = option(_rewrite, None, nullable=True)

    def score(self, scoring: Scoring) -> Expr:
        """Return the boost; see `Clause.score`."""
        if self.rewrite is not None and not self.rewrite.startswith("constant_score"):
            raise unscored(f"[rewrite] [{self.rewrite}]")
        return scoring.times(self.boost).constant

    def lower_pattern(self, kind: str, pattern: Sequence[Token], scope: Scope) -> Expr:
        """Return that some value fits a pattern whole; that some word does, of analysed text."""
        if self.field == INDEX_FIELD:
            return index_fits(scope.index, pattern, insensitive=self.case_insensitive)
        leaf = pattern_leaf(kind, self.field, scope)
        return FALSE if leaf is None else some_fits(leaf, pattern_regex(pattern), insensitive=self.case_insensitive)


def pattern_leaf(kind: str, name: str, scope: Scope) -> Field | None:
    """Return the field of a clause about parts of values, None when it is not mapped.

    Raises:
        QueryShardError: its values have no parts.
    """
    if name == ID_FIELD:
        raise refuse_id(kind)
    leaf = scope.searched(name)
    if leaf is not None and leaf.type not in {"keyword", "text", "wildcard", "constant_keyword", "match_only_text"}:
        raise QueryShardError(
            f"Can only use {kind} queries on keyword, text and wildcard fields - not on [{name}] which is of type "
            f"[{leaf.type}]"
        )
    return leaf


def some_fits(leaf: Field, regex: str, *, insensitive: bool) -> Expr:
    """Return that some value of a field (some word, of analysed text) fits a regular expression whole."""

    def fits(value: Expr) -> Expr:
        return call("regexp_full_match", value, regex, "si" if insensitive else "s")

    if leaf.is_text:
        return some_value(leaf, lambda value: _some_word(leaf, value, fits(Column("word"))))
    return some_value(leaf, fits)


def _some_word(leaf: Field, value: Expr, condition: Expr) -> Expr:
    words = analysis.words_of(value, leaf.analyzer)
    return call("list_bool_or", call("list_transform", words, Lambda("word", condition)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix(_Pattern):
    """Documents with a value that begins with a text; with such a word, in analysed text."""

    value: str = option(text, nullable=True)

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        limit = limit_of(scope.index, "max_regex_length")
        if len(self.value) > limit:
            raise not_created(too_long("prefix", self.value, "Prefix Query request", limit))
        if self.field == INDEX_FIELD or self.case_insensitive:
            return self.lower_pattern("prefix", [*self.value, Any.TEXT], scope)
        leaf = pattern_leaf("prefix", self.field, scope)
        if leaf is None:
            return FALSE
        if leaf.is_text:
            begins = call("starts_with", Column("word"), self.value)
            return some_value(leaf, lambda value: _some_word(leaf, value, begins))
        return some_value(leaf, lambda value: call("starts_with", value, self.value))


def read_prefix(body: object) -> Clause:
    """Read `prefix`.

    Raises:
        QueryError: malformed.
    """
    return read_field_clause(Prefix, "prefix", body, short="value", required=NO_VALUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wildcard(_Pattern):
    """Documents with a value that fits a pattern of `*` and `?`; with such a word, in analysed text."""

    value: str | None = option(text, None)
    wildcard: str | None = option(text, None)

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        pattern = self.wildcard if self.value is None else self.value
        if not pattern:
            return FALSE
        return self.lower_pattern("wildcard", list(wildcard_tokens(pattern)), scope)


def read_wildcard(body: object) -> Clause:
    """Read `wildcard`.

    Raises:
        QueryError: malformed.
    """
    clause = read_field_clause(Wildcard, "wildcard", body, short="value")
    if clause.value is None and clause.wildcard is None:
        raise NO_VALUE()
    return clause


def pattern_regex(pattern: Sequence[Token]) -> str:
    """Return the regular expression of a pattern."""
    return "".join(
        {Any.TEXT: ".*", Any.CHARACTER: "."}[t] if isinstance(t, Any) else literal_pattern(t) for t in pattern
    )
