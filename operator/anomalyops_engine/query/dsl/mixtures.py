"""Clauses that weigh the scores of others: `dis_max`, `boosting`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from anomalyops_engine.query.dsl.clause import Clause, ClauseOptions, ClauseSubject, Scope, options_body
from anomalyops_engine.query.dsl.scoring import Scoring, best, single
from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError
from anomalyops_engine.query.expr import Cast, Expr, Literal, any_of, when
from anomalyops_engine.query.options import anything, number, option, read_options

_Parse = Callable[[object], Clause]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisMax(Clause):
    """What some clause matches, as well as the best of them.

    Attributes:
        queries: the clauses.
        tie_breaker: how much of the score of the other clauses is added.
    """

    queries: tuple[Clause, ...]
    tie_breaker: float = 0.0

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        return any_of(clause.lower(scope) for clause in self.queries)

    def score(self, scoring: Scoring) -> Expr:
        """Return the best score; see `Clause.score`."""
        inner = scoring.times(self.boost)
        if len(self.queries) == 1:
            return self.queries[0].score(inner)
        scores = [clause.share(inner) for clause in self.queries]
        return best(scores, self.tie_breaker)


@dataclass(frozen=True, slots=True, kw_only=True)
class _DisMaxOptions(ClauseOptions):
    queries: Any = option(anything)
    tie_breaker: float = option(number(), 0.0)


def read_dis_max(body: object, parse: _Parse) -> Clause:
    """Read `dis_max`.

    Raises:
        QueryError: malformed or not supported.
    """
    missing = partial(QueryParsingError, "[dis_max] requires 'queries' field with at least one clause")
    subject = ClauseSubject("dis_max", required=missing)
    options = read_options(_DisMaxOptions, options_body("dis_max", body), subject)
    listed = options.queries if isinstance(options.queries, list) else [options.queries]
    if not listed:
        raise missing()
    queries = tuple(map(parse, listed))
    return DisMax(queries=queries, tie_breaker=options.tie_breaker, boost=options.boost, name=options.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosting(Clause):
    """What one clause matches, less well where another one matches too.

    Attributes:
        positive: the one.
        negative: the other.
        negative_boost: what the score is multiplied by then.
    """

    positive: Clause
    negative: Clause
    negative_boost: float

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        return self.positive.lower(scope)

    def score(self, scoring: Scoring) -> Expr:
        """Return the score; see `Clause.score`."""
        found = self.positive.score(scoring.times(self.boost))
        less = Cast(found * Literal(single(self.negative_boost), "FLOAT"), "FLOAT")
        return when(self.negative.lower(scoring.scope), less, found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _BoostingOptions(ClauseOptions):
    positive: Any = option(anything, None)
    negative: Any = option(anything, None)
    negative_boost: float = option(number(), -1.0)


def read_boosting(body: object, parse: _Parse) -> Clause:
    """Read `boosting`.

    Raises:
        QueryError: malformed or not supported.
    """
    options = read_options(_BoostingOptions, options_body("boosting", body), ClauseSubject("boosting"))
    for name in ("positive", "negative"):
        if getattr(options, name) is None:
            raise QueryParsingError(f"[boosting] query requires '{name}' query to be set'")
    if options.negative_boost < 0:
        raise IllegalQueryError("[boosting] query requires 'negative_boost' to be set to be a positive value'")
    return Boosting(
        positive=parse(options.positive),
        negative=parse(options.negative),
        negative_boost=options.negative_boost,
        boost=options.boost,
        name=options.name,
    )
