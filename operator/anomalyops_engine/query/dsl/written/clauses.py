"""The clauses that hold a written query: `query_string`, `simple_query_string`, `kql`."""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from anomalyops_engine.query.date_options import named_zone
from anomalyops_engine.query.dsl.clause import Clause, ClauseSubject, Scope, options_body
from anomalyops_engine.query.dsl.scoring import Scoring
from anomalyops_engine.query.dsl.written import kql, lucene, simple
from anomalyops_engine.query.dsl.written.leaves import Manner
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
    text,
    word,
)

_SPECIAL = re.compile(r'([+\-!(){}\[\]^"~*?:\\/&|<>=])')
# Where words without a field are looked for (`index.query.default_field` is served as this alone).
_EVERYWHERE = ("*",)
_TYPES = ("best_fields", "most_fields", "phrase")


def _fields(value: object) -> tuple[str, ...]:
    """Read names and patterns of fields, each perhaps with a boost."""
    return list_of(text)(value if isinstance(value, list) else [value])


def _kind(value: object) -> str:
    wanted = text(value)
    if wanted not in _TYPES:
        if wanted in {"cross_fields", "phrase_prefix", "bool_prefix"}:
            raise UnsupportedQueryError(f"[query_string] with [type={wanted}] is not supported by this engine")
        raise IllegalQueryError(f"failed to parse [query_string] query type [{wanted}]. unknown type.")
    return wanted


def _no_slop(value: object) -> int:
    slop = integer(at_least=0)(value)
    if slop:
        raise UnsupportedQueryError("[query_string] with [phrase_slop] is not supported by this engine")
    return slop


def _zone(value: object) -> str:
    """Read the name of a zone, which ranges read again.

    Raises:
        QueryError: it is none.
    """
    named_zone(value)
    return text(value)


def _minimum(value: Scalar | None) -> int | str | None:
    return None if value is None else value if isinstance(value, int) and not isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written(Clause):
    """What every written query has.

    Attributes:
        query: its text.
        inner: its clauses.
    """

    query: str = option(text)

    @abstractmethod
    def inner(self) -> Clause:
        """Return its clauses."""

    def lower(self, scope: Scope) -> Expr:
        """Return the condition; see `Clause.lower`."""
        return self.inner().lower(scope)

    def score(self, scoring: Scoring) -> Expr:
        """Return the score of its clauses; see `Clause.score`."""
        return self.inner().score(scoring.times(self.boost))


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryString(_Written):
    """A query in Lucene's syntax."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"analyzer", "quote_analyzer", "quote_field_suffix", "fuzziness"})

    default_field: str | None = option(text, None, nullable=True)
    fields: tuple[str, ...] = option(_fields, ())
    type: str = option(_kind, "best_fields")
    default_operator: str = option(word({"or", "and"}), "or")
    lenient: bool = option(boolean, default=False)
    minimum_should_match: Scalar | None = option(scalar, None, nullable=True)
    time_zone: str | None = option(_zone, None, nullable=True)
    escape: bool = option(boolean, default=False)
    phrase_slop: int = option(_no_slop, 0)
    tie_breaker: int | float | None = option(any_number, None, nullable=True)
    # What has nothing to act on: fuzziness (which is refused where it is used), synonyms, sizes of automata.
    allow_leading_wildcard: bool = option(boolean, default=True)
    analyze_wildcard: bool = option(boolean, default=False)
    auto_generate_synonyms_phrase_query: bool = option(boolean, default=True)
    enable_position_increments: bool = option(boolean, default=True)
    fuzzy_max_expansions: int = option(integer(at_least=0), 50)
    fuzzy_prefix_length: int = option(integer(at_least=0), 0)
    fuzzy_rewrite: str | None = option(text, None, nullable=True)
    fuzzy_transpositions: bool = option(boolean, default=True)
    max_determinized_states: int = option(integer(at_least=0), 10_000)
    rewrite: str | None = option(text, None, nullable=True)

    def inner(self) -> Clause:
        """Return its clauses."""
        fields = self.fields or ((self.default_field,) if self.default_field else _EVERYWHERE)
        written = _SPECIAL.sub(r"\\\1", self.query) if self.escape else self.query
        tie = (1.0 if self.type == "most_fields" else 0.0) if self.tie_breaker is None else float(self.tie_breaker)
        manner = Manner(self.default_operator, self.lenient, self.type == "phrase", self.time_zone, tie)
        if not self.allow_leading_wildcard and re.search(r"(^|[\s:(])[*?]\S", written):
            raise QueryParsingError(f"Failed to parse query [{self.query}]: '*' or '?' not allowed as first character")
        return lucene.parse(written, fields, manner, minimum=_minimum(self.minimum_should_match))


def read_query_string(body: object) -> Clause:
    """Read `query_string`.

    Raises:
        QueryError: malformed or not supported.
    """
    options = options_body("query_string", body)
    if "fields" in options and "default_field" in options:
        raise IllegalQueryError("cannot use [fields] parameter in conjunction with [default_field]")
    clause = read_options(QueryString, options, ClauseSubject("query_string"))
    clause.inner()
    return clause


def _flags(value: object) -> frozenset[str]:
    if isinstance(value, int) and not isinstance(value, bool):
        if value == -1:
            return frozenset({"ALL"})
        raise UnsupportedQueryError("[simple_query_string] with [flags] as a number is not supported by this engine")
    found = frozenset(part.strip().upper() for part in text(value).split("|"))
    unknown = found - simple.FLAGS
    if unknown:
        raise IllegalQueryError(f"Unknown simple_query_string flag [{sorted(unknown)[0]}]")
    return found or frozenset({"ALL"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleQueryString(_Written):
    """A query in the simple syntax."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"analyzer", "quote_field_suffix"})

    fields: tuple[str, ...] = option(_fields, ())
    default_operator: str = option(word({"or", "and"}), "or")
    flags: frozenset[str] = option(_flags, frozenset({"ALL"}))
    lenient: bool = option(boolean, default=False)
    minimum_should_match: Scalar | None = option(scalar, None, nullable=True)
    # What has nothing to act on.
    analyze_wildcard: bool = option(boolean, default=False)
    auto_generate_synonyms_phrase_query: bool = option(boolean, default=True)
    fuzzy_max_expansions: int = option(integer(at_least=0), 50)
    fuzzy_prefix_length: int = option(integer(at_least=0), 0)
    fuzzy_transpositions: bool = option(boolean, default=True)

    def inner(self) -> Clause:
        """Return its clauses."""
        manner = Manner(self.default_operator, self.lenient, tie_breaker=1.0)
        minimum = _minimum(self.minimum_should_match)
        return simple.parse(self.query, self.fields or _EVERYWHERE, manner, self.flags, minimum=minimum)


def read_simple_query_string(body: object) -> Clause:
    """Read `simple_query_string`.

    Raises:
        QueryError: malformed or not supported.
    """
    options = options_body("simple_query_string", body)
    clause = read_options(SimpleQueryString, options, ClauseSubject("simple_query_string"))
    clause.inner()
    return clause


@dataclass(frozen=True, slots=True, kw_only=True)
class Kql(_Written):
    """A query in Kibana's language."""

    default_field: str | None = option(text, None, nullable=True)
    time_zone: str | None = option(_zone, None, nullable=True)
    case_insensitive: bool = option(boolean, default=False)

    def inner(self) -> Clause:
        """Return its clauses."""
        fields = (self.default_field,) if self.default_field else _EVERYWHERE
        return kql.parse(self.query, fields, Manner(time_zone=self.time_zone))


def read_kql(body: object) -> Clause:
    """Read `kql`.

    Raises:
        QueryError: malformed or not supported.
    """
    clause = read_options(Kql, options_body("kql", body), ClauseSubject("kql"))
    if clause.case_insensitive:
        raise UnsupportedQueryError("[kql] with [case_insensitive] is not supported by this engine")
    clause.inner()
    return clause
