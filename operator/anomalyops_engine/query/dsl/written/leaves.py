"""What a written query says of fields: a word, a phrase, a pattern, a range, and in which fields it is looked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from anomalyops_engine.query.dsl.clause import Clause, Scope
from anomalyops_engine.query.dsl.existence import read_exists
from anomalyops_engine.query.dsl.fulltext import read_match, read_match_phrase
from anomalyops_engine.query.dsl.patterns import pattern_leaf, read_prefix, read_wildcard, some_fits
from anomalyops_engine.query.dsl.ranges import read_range
from anomalyops_engine.query.dsl.scoring import Scoring, best
from anomalyops_engine.query.errors import QueryError, QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.expr import FALSE, Expr, Literal, any_of
from anomalyops_engine.query.fields import leaves_matching
from anomalyops_engine.query.limits import limit_of
from anomalyops_engine.query.regexes import full_match_pattern, too_long
from anomalyops_engine.query.values import not_created

_BOOST = re.compile(r"\^(\d*\.?\d+)$")
# Fields of every document that a query may name.
_OF_EVERY_DOCUMENT = frozenset({"_id", "_index"})


@dataclass(frozen=True, slots=True)
class Manner:
    """How the words of a query are looked for.

    Attributes:
        operator: of several words in a row, `or` or `and`.
        lenient: a value that does not fit a field finds nothing there, instead of being refused.
        phrases: words in a row are a phrase (`type: phrase`).
        time_zone: zone of dates without one, as it is written; None for UTC.
        tie_breaker: how much of the score of other fields is added to that of the best one.
    """

    operator: str = "or"
    lenient: bool = False
    phrases: bool = False
    time_zone: str | None = None
    tie_breaker: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class InFields(Clause):
    """What is looked for in fields: those that are named, or whose names fit a pattern.

    Attributes:
        fields: names and patterns, each perhaps with a boost (`name^2`); several find what one of them finds.
        body: the clause on one field.
        tie_breaker: how much of the score of the other fields is added to that of the best one.
        lenient: as in `Manner`; patterns are always lenient.
    """

    fields: tuple[str, ...]
    body: Callable[[str], Clause]
    lenient: bool = False
    tie_breaker: float = 0.0

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        return any_of(
            found for name, lenient, _ in self._names(scope) for found in self._one(scope, name, lenient=lenient)
        )

    def score(self, scoring: Scoring) -> Expr:
        """Return the score of the field that matches best; see `Clause.score`."""
        inner, scope = scoring.times(self.boost), scoring.scope
        there = [
            (name, inner.times(boost))
            for name, lenient, boost in self._names(scope)
            for found in self._one(scope, name, lenient=lenient)
            if found != FALSE
        ]
        if not self.tie_breaker or len(there) == 1:
            scores = [self.body(name).score(each) for name, each in there]
            if len(scores) == 1 or (scores and self._alike(scores)):
                return scores[0]
        return best([self.body(name).share(each) for name, each in there], self.tie_breaker)

    @staticmethod
    def _alike(scores: Sequence[Expr]) -> bool:
        return isinstance(scores[0], Literal) and all(score == scores[0] for score in scores)

    def _names(self, scope: Scope) -> Iterator[tuple[str, bool, float]]:
        # Of a name that is given twice the last boost counts.
        for name, boost in dict(map(_boosted, self.fields)).items():
            if "*" not in name:
                yield name, self.lenient, boost
                continue
            for leaf in leaves_matching(scope.index, name):
                if leaf.searchable and leaf.type not in {"binary", "geo_point"}:
                    yield leaf.path, True, boost

    def _one(self, scope: Scope, name: str, *, lenient: bool) -> Iterator[Expr]:
        try:
            yield self.body(name).lower(scope)
        except UnsupportedQueryError:
            raise
        except QueryError:
            if not lenient:
                raise
            yield FALSE


def _boosted(name: str) -> tuple[str, float]:
    """Return the name of a field and the boost that stands behind it."""
    found = _BOOST.search(name)
    return (name, 1.0) if found is None else (name[: found.start()], float(found[1]))


def words(fields: tuple[str, ...], text: str, manner: Manner) -> Clause:
    """Return what finds words, or the whole text as one value in fields that are not analysed."""

    def body(name: str) -> Clause:
        if manner.phrases:
            return read_match_phrase({name: {"query": text}})
        return read_match({name: {"query": text, "operator": manner.operator}})

    return InFields(fields=fields, body=body, lenient=manner.lenient, tie_breaker=manner.tie_breaker)


def phrase(fields: tuple[str, ...], text: str, manner: Manner) -> Clause:
    """Return what finds words one after the other."""

    def body(name: str) -> Clause:
        return read_match_phrase({name: {"query": text}})

    return InFields(fields=fields, body=body, lenient=manner.lenient, tie_breaker=manner.tie_breaker)


def glob(fields: tuple[str, ...], pattern: str, manner: Manner) -> Clause:
    r"""Return what finds texts that fit a pattern of `*` and `?`, in which a `\` makes a character stand for itself."""
    if pattern == "*":
        return exists(fields, manner)

    def body(name: str) -> Clause:
        return _Pattern(field=name, pattern=pattern)

    return InFields(fields=fields, body=body, lenient=manner.lenient, tie_breaker=manner.tie_breaker)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pattern(Clause):
    """A pattern in one field; the words of analysed text are lower case, and so is what is looked for."""

    field: str
    pattern: str

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        leaf = scope.searched(self.field)
        pattern = self.pattern.lower() if leaf is not None and leaf.is_text else self.pattern
        inner = pattern[:-1]
        if pattern.endswith("*") and not any(character in inner for character in "*?\\"):
            return read_prefix({self.field: {"value": inner}}).lower(scope)
        return read_wildcard({self.field: {"value": pattern}}).lower(scope)


def exists(fields: tuple[str, ...], manner: Manner) -> Clause:
    """Return what finds documents with a value in a field."""
    return InFields(fields=fields, body=lambda name: read_exists({"field": name}), tie_breaker=manner.tie_breaker)


def expression(fields: tuple[str, ...], pattern: str, manner: Manner) -> Clause:
    """Return what finds texts that fit a regular expression whole."""
    regex = full_match_pattern(pattern)

    def body(name: str) -> Clause:
        return _Regex(field=name, pattern=pattern, regex=regex)

    return InFields(fields=fields, body=body, lenient=manner.lenient, tie_breaker=manner.tie_breaker)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Regex(Clause):
    """A regular expression in one field."""

    field: str
    pattern: str
    regex: str

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        limit = limit_of(scope.index, "max_regex_length")
        if len(self.pattern) > limit:
            raise not_created(too_long("regex", self.pattern, "[query_string]", limit))
        leaf = pattern_leaf("regexp", self.field, scope)
        return FALSE if leaf is None else some_fits(leaf, self.regex, insensitive=False)


def between(fields: tuple[str, ...], bounds: Mapping[str, str], manner: Manner) -> Clause:
    """Return what finds values between bounds (`gt`, `gte`, `lt`, `lte`)."""
    more = {} if manner.time_zone is None else {"time_zone": manner.time_zone}

    def body(name: str) -> Clause:
        return read_range({name: {**bounds, **more}})

    return InFields(fields=fields, body=body, lenient=manner.lenient, tie_breaker=manner.tie_breaker)


def malformed(text: str, what: str = "") -> QueryParsingError:
    """Return the refusal of a text that is no query."""
    return QueryParsingError(f"Failed to parse query [{text[:1000]}]{what}")
