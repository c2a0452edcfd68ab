"""Clauses about clauses, and about nothing: `bool`, `constant_score`, `match_all`, `match_none`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from anomalyops_engine.query.dsl.clause import Clause, ClauseSubject, Scope, options_body, read_strict_clause, renamed
from anomalyops_engine.query.dsl.minimum import read_minimum
from anomalyops_engine.query.dsl.scoring import NONE, Scoring, total
from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError, TooManyClausesError
from anomalyops_engine.query.expr import FALSE, TRUE, Case, Expr, Junction, ListOf, all_of, any_of, call, when
from anomalyops_engine.query.limits import limits
from anomalyops_engine.query.options import (
    MistypedError,
    Scalar,
    Subject,
    anything,
    boolean,
    option,
    read_options,
    scalar,
)
from anomalyops_engine.query.values import not_created

# How many conditions of a conjunction are filters of their own, which the database may push into its scan.
_FILTERS = 16
_Parse = Callable[[object], Clause]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchAll(Clause):
    """Every document."""

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        return TRUE


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchNone(Clause):
    """No document."""

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        return FALSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceeding(Clause):
    """A query of more clauses than there may be."""

    error: TooManyClausesError

    def lower(self, scope: Scope) -> Expr:
        """Refuse.

        Raises:
            QueryShardError: always.
        """
        raise not_created(self.error)


def read_match_all(body: object) -> Clause:
    """Read `match_all`.

    Raises:
        QueryError: malformed.
    """
    return read_strict_clause(MatchAll, "match_all", body)


def read_match_none(body: object) -> Clause:
    """Read `match_none`.

    Raises:
        QueryError: malformed.
    """
    return read_options(MatchNone, options_body("match_none", body), ClauseSubject("match_none"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantScore(Clause):
    """What another clause matches, however well."""

    filter: Clause

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        return self.filter.lower(scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ConstantScore(MatchAll):
    filter: Any = option(anything)


def read_constant_score(body: object, parse: _Parse) -> Clause:
    """Read `constant_score`.

    Raises:
        QueryError: malformed or not supported.
    """
    subject = ClauseSubject(
        "constant_score", required=partial(QueryParsingError, "[constant_score] requires a 'filter' element")
    )
    options = read_options(_ConstantScore, options_body("constant_score", body), subject)
    return ConstantScore(filter=parse(options.filter), boost=options.boost, name=options.name)


# --- bool ---


def _clauses(value: object) -> list[object]:
    if not isinstance(value, dict | list):
        raise MistypedError(value)
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True, slots=True, kw_only=True)
class _BoolOptions(MatchAll):
    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset()

    must: Sequence[object] = option(_clauses, (), nullable=True)
    filter: Sequence[object] = option(_clauses, (), nullable=True)
    should: Sequence[object] = option(_clauses, (), nullable=True)
    must_not: Sequence[object] = option(_clauses, (), nullable=True)
    minimum_should_match: Scalar | None = option(scalar, None, nullable=True)
    adjust_pure_negative: bool = option(boolean, default=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bool(Clause):
    """All of `required` and `filters`, none of `excluded`, and at least `minimum` of `optional`; all without any.

    Attributes:
        required: its `must`.
        filters: its `filter`, which adds nothing to the score.
        optional: its `should`.
        excluded: its `must_not`.
        minimum: how many of the optional ones, as `minimum_should_match` has it; None for one where nothing is
            required, else for none.
        pure_negative: with nothing but exclusions, all others match.
    """

    required: tuple[Clause, ...] = ()
    filters: tuple[Clause, ...] = ()
    optional: tuple[Clause, ...] = ()
    excluded: tuple[Clause, ...] = ()
    minimum: Scalar | None = None
    pure_negative: bool = True

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        needed = (*self.required, *self.filters)
        if not (needed or self.optional or self.excluded):
            return TRUE
        # Those of written queries are not counted while they are read.
        if len(needed) + len(self.optional) + len(self.excluded) > limits().clauses:
            raise not_created(TooManyClausesError(limits().clauses))
        if self.excluded and not needed and not self.optional and not self.pure_negative:
            return FALSE
        required = [clause.lower(scope) for clause in needed]
        optional = [clause.lower(scope) for clause in self.optional]
        excluded = [clause.lower(scope) for clause in self.excluded]
        return all_of([*_every(required), _some_of(self._needed(), optional), *_none(excluded)])

    def score(self, scoring: Scoring) -> Expr:
        """Return the scores of the clauses that match, together; see `Clause.score`."""
        inner = scoring.times(self.boost)
        if not (self.required or self.filters or self.optional or self.excluded):
            return inner.constant
        every = self._needed() >= len(self.optional)
        required = [clause.score(inner) for clause in self.required]
        optional = [clause.score(inner) if every else clause.share(inner) for clause in self.optional]
        parts = [total(scores) for scores in (required, optional) if scores]
        return total(parts) if parts else NONE

    def _needed(self) -> int:
        """Return how many of the optional clauses must match.

        Raises:
            QueryShardError: the minimum is none.
        """
        needed = 0
        if self.minimum is not None:
            try:
                needed = read_minimum(self.minimum).of(len(self.optional))
            except IllegalQueryError as error:
                raise not_created(error) from None
        # A query of optional clauses alone finds what one of them finds (Lucene's BooleanQuery).
        return max(needed, 1) if self.optional and not (self.required or self.filters) else needed


def _every(conditions: list[Expr]) -> list[Expr]:
    """Return conditions that hold together where every one of some does.

    Each condition of a conjunction is a filter to the database, whose planning takes time and memory that grow with
    the square of their number: beyond a few, they are one.
    """
    return [*conditions[:_FILTERS], *_none([condition.is_not_true() for condition in conditions[_FILTERS:]])]


def _none(conditions: list[Expr]) -> list[Expr]:
    """Return conditions that hold together where none of some does."""
    if len(conditions) <= _FILTERS:
        return [condition.is_not_true() for condition in conditions]
    return [_any(conditions).is_not_true()]


def _some_of(needed: int, conditions: list[Expr]) -> Expr:
    if needed > len(conditions):
        return FALSE
    if needed == 0:
        return TRUE
    if needed == 1:
        return _any(conditions)
    return call("list_sum", ListOf(tuple(when(condition, 1, 0) for condition in conditions))) >= needed


def _any(conditions: list[Expr]) -> Expr:
    """Return that some condition holds.

    The database rewrites alternatives of which each is several conditions in a time that grows with the square of their
    number and faster: beyond a few, they are tried one after the other.
    """
    groups = [condition for condition in conditions if isinstance(condition, Junction)]
    if len(groups) <= _FILTERS:
        return any_of(conditions)
    others = [condition for condition in conditions if not isinstance(condition, Junction)]
    return any_of([*others, Case(tuple((group, TRUE) for group in groups), FALSE)])


def read_bool(body: object, parse: _Parse) -> Clause:
    """Read `bool`.

    Raises:
        QueryError: malformed or not supported.
    """
    subject = Subject("bool")
    options = read_options(_BoolOptions, options_body("bool", body), subject)

    if sum(map(len, (options.must, options.filter, options.should, options.must_not))) > limits().clauses:
        raise TooManyClausesError(limits().clauses)

    def inner(key: str, bodies: Sequence[object]) -> tuple[Clause, ...]:
        try:
            return tuple(map(parse, bodies))
        except (QueryParsingError, IllegalQueryError) as error:
            raise subject.failed(key, error) from None

    clause = Bool(
        required=inner("must", options.must),
        filters=inner("filter", options.filter),
        optional=inner("should", options.should),
        excluded=inner("must_not", options.must_not),
        minimum=options.minimum_should_match,
        pure_negative=options.adjust_pure_negative,
    )
    return renamed(clause, options)
