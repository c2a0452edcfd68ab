"""From the JSON of a query to its clauses."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from anomalyops_engine.query.dsl.clause import Clause, Scope
from anomalyops_engine.query.dsl.compound import read_bool, read_constant_score, read_match_all, read_match_none
from anomalyops_engine.query.dsl.existence import read_exists
from anomalyops_engine.query.dsl.fulltext import read_match, read_match_phrase
from anomalyops_engine.query.dsl.patterns import read_prefix, read_wildcard
from anomalyops_engine.query.dsl.ranges import read_range
from anomalyops_engine.query.dsl.terms import read_ids, read_term, read_terms
from anomalyops_engine.query.errors import IllegalQueryError, QueryParsingError, UnsupportedQueryError
from anomalyops_engine.query.expr import Expr, all_of
from anomalyops_engine.store import Index

_MAX_DEPTH = 30


class Parser:
    """Reads queries down to a depth.

    Args:
        depth: how many clauses the next one lies in.
    """

    def __init__(self, depth: int = 0) -> None:
        self._depth = depth

    def query(self, body: object) -> Clause:
        """Return one query clause (`{"term": {...}}`).

        Raises:
            QueryError: malformed, not supported, or nested too deep.
        """
        if not isinstance(body, dict):
            raise QueryParsingError(f"[_na] query malformed, must start with start_object, got [{body}]")
        if len(body) != 1:
            if not body:
                raise QueryParsingError("query malformed, empty clause found")
            names = ", ".join(body)
            raise QueryParsingError(f"[{next(iter(body))}] malformed query, expected one clause but found [{names}]")
        ((name, options),) = body.items()
        if name not in _COMPOUNDS and name not in _LEAVES:
            if name in _KNOWN_ELSEWHERE:
                raise UnsupportedQueryError(
                    f"query [{name}] is not supported by this engine; supported: [{_SUPPORTED}]"
                )
            raise QueryParsingError(f"unknown query [{name}]")
        if self._depth >= _MAX_DEPTH:
            raise IllegalQueryError(f"The nested depth of the query exceeds the maximum nested depth of [{_MAX_DEPTH}]")
        if name in _COMPOUNDS:
            return _COMPOUNDS[name](options, Parser(self._depth + 1).query)
        return _LEAVES[name](options)


def parse_query(body: object) -> Clause:
    """Return the clauses of a query.

    Raises:
        QueryParsingError: the query is malformed.
        UnsupportedQueryError: it uses something this engine lacks.
    """
    return Parser().query(body)


def check_query(query: object) -> None:
    """Check that a query is well formed and supported, without an index to look at.

    Raises:
        QueryError: it is not.
    """
    parse_query(query)


def where(index: Index, query: dict[str, Any] | None, *, now_ms: int | None = None) -> Expr:
    """Return the condition of a query on an index, including the filters of the alias it was named by.

    Raises:
        QueryParsingError: the query is malformed.
        UnsupportedQueryError: it uses something this engine lacks.
        IllegalQueryError: a value does not fit its field.
    """
    scope = Scope(index, int(time.time() * 1000) if now_ms is None else now_ms)
    queries = [*index.filters, *([] if query is None else [query])]
    return all_of([parse_query(body).lower(scope) for body in queries])


_COMPOUNDS: dict[str, Callable[[object, Callable[[object], Clause]], Clause]] = {
    "bool": read_bool,
    "constant_score": read_constant_score,
}
_LEAVES: dict[str, Callable[[object], Clause]] = {
    "exists": read_exists,
    "ids": read_ids,
    "match": read_match,
    "match_all": read_match_all,
    "match_none": read_match_none,
    "match_phrase": read_match_phrase,
    "prefix": read_prefix,
    "range": read_range,
    "term": read_term,
    "terms": read_terms,
    "wildcard": read_wildcard,
}
_SUPPORTED = ", ".join(sorted(_COMPOUNDS | _LEAVES))
_KNOWN_ELSEWHERE = frozenset(
    {"boosting", "combined_fields", "dis_max", "distance_feature", "function_score", "fuzzy", "geo_bounding_box"}
    | {"geo_distance", "geo_shape", "geo_polygon", "has_child", "has_parent", "intervals", "knn", "match_bool_prefix"}
    | {"match_phrase_prefix", "more_like_this", "multi_match", "nested", "parent_id", "percolate", "pinned"}
    | {"query_string", "rank_feature", "regexp", "rule", "script", "script_score", "semantic", "shape"}
    | {"simple_query_string", "span_term", "span_near", "sparse_vector", "terms_set", "text_expansion", "wrapper"}
)
