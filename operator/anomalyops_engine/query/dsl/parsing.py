"""From the JSON of a query to its clauses."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from anomalyops_engine.query.analysis import STANDARD
from anomalyops_engine.query.dsl.beginnings import read_match_bool_prefix, read_match_phrase_prefix
from anomalyops_engine.query.dsl.clause import Clause, Scope
from anomalyops_engine.query.dsl.compound import (
    Exceeding,
    read_bool,
    read_constant_score,
    read_match_all,
    read_match_none,
)
from anomalyops_engine.query.dsl.existence import read_exists
from anomalyops_engine.query.dsl.fulltext import read_match, read_match_phrase
from anomalyops_engine.query.dsl.function_score import read_function_score
from anomalyops_engine.query.dsl.intervals import read_intervals
from anomalyops_engine.query.dsl.mixtures import read_boosting, read_dis_max
from anomalyops_engine.query.dsl.multi_match import read_multi_match
from anomalyops_engine.query.dsl.patterns import read_prefix, read_wildcard
from anomalyops_engine.query.dsl.ranges import read_range
from anomalyops_engine.query.dsl.sharing import with_shared_words
from anomalyops_engine.query.dsl.terms import read_ids, read_term, read_terms
from anomalyops_engine.query.dsl.written.clauses import read_kql, read_query_string, read_simple_query_string
from anomalyops_engine.query.errors import (
    IllegalQueryError,
    QueryParsingError,
    TooManyClausesError,
    TooManyNestedClausesError,
    UnsupportedQueryError,
)
from anomalyops_engine.query.expr import Expr, all_of
from anomalyops_engine.query.limits import limits
from anomalyops_engine.query.options import MistypedError, shown
from anomalyops_engine.store import Index


@dataclass(slots=True)
class Parser:
    """Reads one query.

    Attributes:
        named: the clauses with a `_name`, as they were met.
        clauses: how many clauses without others in them were read.
    """

    named: list[Clause] = field(default_factory=list)
    clauses: int = 0

    def whole(self, body: object) -> Clause:
        """Return a query; one of too many clauses is not read to its end, and refused by every index.

        Raises:
            QueryError: malformed, not supported, or nested too deep.
        """
        try:
            return self.query(body)
        except TooManyClausesError as error:
            self.named.clear()
            return Exceeding(error=error)

    def query(self, body: object, depth: int = 0) -> Clause:
        """Return one query clause (`{"term": {...}}`) that lies in `depth` others.

        Raises:
            QueryError: malformed, not supported, nested too deep, or too many.
        """
        name, options = _named_body(body)
        if name not in _COMPOUNDS and name not in _LEAVES:
            if name in _KNOWN_ELSEWHERE:
                raise UnsupportedQueryError(
                    f"query [{name}] is not supported by this engine; supported: [{_SUPPORTED}]"
                )
            raise QueryParsingError(f"unknown query [{name}]")
        self.clauses += name in _LEAVES
        if self.clauses > limits().clauses:
            raise TooManyNestedClausesError(limits().clauses)
        if depth >= limits().depth:
            raise IllegalQueryError(
                "The nested depth of the query exceeds the maximum nested depth for queries set in "
                "[indices.query.bool.max_nested_depth]"
            )
        if name in _COMPOUNDS:
            clause = _COMPOUNDS[name](options, lambda inner: self.query(inner, depth + 1))
        else:
            clause = _LEAVES[name](options)
        if clause.name is not None:
            self.named.append(clause)
        return clause


def _named_body(body: object) -> tuple[str, object]:
    if not isinstance(body, dict):
        raise QueryParsingError(f"[_na] query malformed, must start with start_object, got [{shown(body)}]")
    if not body:
        raise IllegalQueryError("query malformed, empty clause found")
    if len(body) != 1:
        raise QueryParsingError(
            f"[{next(iter(body))}] malformed query, expected [END_OBJECT] but found [FIELD_NAME], as one clause has "
            f"one name: [{shown(', '.join(body))}]"
        )
    ((name, options),) = body.items()
    return name, options


@dataclass(frozen=True, slots=True)
class Query:
    """A query with the clauses in it that have a name."""

    clause: Clause
    named: tuple[Clause, ...] = ()


def read_query(body: object) -> Query:
    """Read a query, for hits that say which named clauses they match.

    Raises:
        QueryError: malformed, or something this engine lacks.
    """
    if not isinstance(body, dict):
        raise MistypedError(body)
    parser = Parser()
    clause = parser.whole(body)
    return Query(clause, tuple(parser.named))


def parse_query(body: object) -> Clause:
    """Return the clauses of a query.

    Raises:
        QueryError: malformed, or something this engine lacks.
    """
    return Parser().whole(body)


def check_query(query: object) -> None:
    """Check that a query is well formed and supported, without an index to look at.

    Raises:
        QueryError: it is not.
    """
    clause = parse_query(query)
    if isinstance(clause, Exceeding):
        raise clause.error


def condition_on(index: Index, query: Clause | None, *, now_ms: int) -> Expr:
    """Return the condition of a query on an index, including the filters of the alias it was named by.

    Raises:
        QueryError: a value does not fit its field, or something this engine lacks.
    """
    scope = Scope(index, now_ms)
    clauses = [*map(parse_query, index.filters), *([] if query is None else [query])]
    condition = all_of([clause.lower(scope) for clause in clauses])
    return with_shared_words(condition, _single_texts(index))


def _single_texts(index: Index) -> frozenset[str]:
    """Return the columns of the texts of an index of which documents have one, taken apart by the usual analyser."""
    fields = index.mapping.fields.values()
    return frozenset(
        field.column for field in fields if field.is_text and not field.multi and field.analyzer == STANDARD
    )


def where(index: Index, query: dict[str, Any] | None) -> Expr:
    """Return the condition of a query that is not read yet; see `condition_on`.

    Raises:
        QueryError: malformed, a value does not fit its field, or something this engine lacks.
    """
    return condition_on(index, None if query is None else parse_query(query), now_ms=int(time.time() * 1000))


_COMPOUNDS: dict[str, Callable[[object, Callable[[object], Clause]], Clause]] = {
    "bool": read_bool,
    "boosting": read_boosting,
    "constant_score": read_constant_score,
    "dis_max": read_dis_max,
    "function_score": read_function_score,
}
_LEAVES: dict[str, Callable[[object], Clause]] = {
    "exists": read_exists,
    "ids": read_ids,
    "intervals": read_intervals,
    "kql": read_kql,
    "match": read_match,
    "match_all": read_match_all,
    "match_bool_prefix": read_match_bool_prefix,
    "match_none": read_match_none,
    "match_phrase": read_match_phrase,
    "match_phrase_prefix": read_match_phrase_prefix,
    "multi_match": read_multi_match,
    "prefix": read_prefix,
    "query_string": read_query_string,
    "range": read_range,
    "simple_query_string": read_simple_query_string,
    "term": read_term,
    "terms": read_terms,
    "wildcard": read_wildcard,
}
_SUPPORTED = ", ".join(sorted(_COMPOUNDS | _LEAVES))
_KNOWN_ELSEWHERE = frozenset(
    {"combined_fields", "distance_feature", "fuzzy", "geo_bounding_box"}
    | {"geo_distance", "geo_grid", "geo_shape", "geo_polygon", "has_child", "has_parent", "knn"}
    | {"more_like_this", "nested", "parent_id"}
    | {"percolate", "pinned", "rank_feature", "regexp", "rule", "script", "script_score", "semantic"}
    | {"shape", "span_containing", "span_field_masking", "span_first", "span_multi"}
    | {"span_near", "span_not", "span_or", "span_term", "span_within", "sparse_vector", "terms_set"}
    | {"text_expansion", "weighted_tokens", "wrapper", "type"}
)
