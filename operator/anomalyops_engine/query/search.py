"""`_search` and `_count`: one statement for the hits, one for their number, and those of the aggregations.

An index in which the search cannot be carried out (a value that does not fit the field there, a sort field that it does
not map) has failed like the shards of a cluster: the others answer, and when there are none the search is refused.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from anomalyops_engine.query.aggregations import aggregate
from anomalyops_engine.query.dsl import Query, read_query
from anomalyops_engine.query.errors import (
    ContentParseError,
    IllegalQueryError,
    InvalidRequestError,
    QueryError,
    QueryParsingError,
    SearchPhaseError,
    TooManyBucketsError,
    UnsupportedQueryError,
)
from anomalyops_engine.query.hits import Plan, hits_of
from anomalyops_engine.query.index_boosts import factors
from anomalyops_engine.query.inner_hits import DocumentFinder, expansion
from anomalyops_engine.query.lookups import looking_up
from anomalyops_engine.query.planning import failure_of, plan_of
from anomalyops_engine.query.request import EVERYTHING, TRACKED, SearchRequest, read_request
from anomalyops_engine.query.search_after import behind
from anomalyops_engine.query.slicing import GoesOn
from anomalyops_engine.query.totals import count_matching, max_score, total_of
from anomalyops_engine.store import Index, Reader


def search(
    reader: Reader,
    indices: Sequence[Index],
    body: dict[str, Any],
    *,
    parameters: Mapping[str, Any] | None = None,
    typed_keys: bool = False,
    totals_as_numbers: bool = False,
    raw_sources: bool = False,
    ignore_unavailable: bool = False,
    goes_on: GoesOn | None = None,
    first: int | None = None,
) -> dict[str, Any]:
    """Return the response of a search, all but `took`.

    Args:
        reader: the snapshot that `indices` were resolved in.
        indices: where to search.
        body: request body.
        parameters: keys of the body that the address of the request gives, which win over the body's.
        typed_keys: name aggregations `type#name`.
        totals_as_numbers: give the total as a number, as clients of before version 7 expect it.
        raw_sources: give sources as JSON fragments for orjson instead of parsed objects.
        ignore_unavailable: pass over boosts of indices that are not there.
        goes_on: how the search goes on with others, None for one by itself.
        first: search the documents of this many first writes to each index alone; None for all.

    Raises:
        IndexNotFoundError: there is a boost for one that is not there.
        QueryError: the request is malformed, or asks for something that this engine lacks, or no index can answer it.
    """
    request = read_request(body)
    if parameters:
        request = read_request({**body, **parameters})
    if totals_as_numbers:
        request = with_exact_total(request)
    if request.part is not None and goes_on is None:
        raise InvalidRequestError("[slice] can only be used with [scroll] or [point-in-time] requests")
    boosts = factors(reader, request.indices_boost, ignore_unavailable=ignore_unavailable)
    with looking_up(reader):
        plan = plan_of(reader, request, indices, int(time.time() * 1000), boosts, goes_on=goes_on, first=first)
        _check_after(plan)
        finder = DocumentFinder(reader, plan, numbers=totals_as_numbers, raw_sources=raw_sources)
        hits = _hits(plan, finder)
        hits["max_score"] = max_score(reader, plan, hits["hits"]) if indices else 0.0
        response: dict[str, Any] = {"timed_out": False, "_shards": _shards(plan, len(indices)), "hits": hits}
        if request.nodes:
            response["aggregations"] = _aggregations(plan, finder, typed_keys=typed_keys)
    return response


def _hits(plan: Plan, finder: DocumentFinder) -> dict[str, Any]:
    """Return the hits of a search and their number."""
    hits: dict[str, Any] = {}
    reader, request, numbers, raw = finder.reader, plan.request, finder.numbers, finder.raw_sources
    if request.tracked is not None:
        matching = count_matching(reader, plan.targets)
        hits["total"] = matching if numbers else total_of(matching, request.tracked)
    elif numbers:
        hits["total"] = -1
    expand = expansion(reader, plan, numbers=numbers, raw_sources=raw)
    found = hits_of(reader, plan, raw_sources=raw, expand=expand) if request.size else []
    return {**hits, "max_score": None, "hits": found}


def _aggregations(plan: Plan, finder: DocumentFinder, *, typed_keys: bool) -> dict[str, Any]:
    """Return the aggregations of a search.

    Raises:
        QueryError: they are not supported, give too many buckets, or cannot be computed in any index.
    """
    targets = [(target.index, target.condition) for target in plan.targets]
    nodes = plan.request.nodes
    try:
        return aggregate(finder.reader, targets, nodes, plan.now_ms, typed_keys=typed_keys, finder=finder)
    except (UnsupportedQueryError, InvalidRequestError, TooManyBucketsError, SearchPhaseError):
        raise
    except QueryError as error:
        raise SearchPhaseError([failure_of(target.index, error) for target in plan.targets]) from None


def _check_after(plan: Plan) -> None:
    """Check that a search can go on where it is told to, also when no hit is wanted.

    Raises:
        IllegalQueryError: it cannot.
    """
    request = plan.request
    if request.search_after is None:
        return
    if request.start > 0:
        raise IllegalQueryError("[from] parameter must be set to 0 when [search_after] is used")
    if request.collapse is not None and [key.field for key in request.sorted_by] != [request.collapse.field]:
        raise IllegalQueryError(
            "cannot use `collapse` in conjunction with `search_after` unless the search is sorted on the same field. "
            "Multiple sort fields are not allowed."
        )
    if not request.sorted_by:
        raise IllegalQueryError("Sort must contain at least one field.")
    if plan.targets:
        behind(plan.criteria, request.search_after)


def counted(reader: Reader, indices: Sequence[Index], query: object) -> dict[str, Any]:
    """Return the response of a count.

    Raises:
        QueryError: malformed, or something that this engine lacks, or no index can answer it.
    """
    request = SearchRequest(query=_counted_query(query), size=0)
    with looking_up(reader):
        plan = plan_of(reader, request, indices, int(time.time() * 1000))
    return {"count": count_matching(reader, plan.targets), "_shards": _shards(plan, len(indices))}


def count(reader: Reader, indices: Sequence[Index], query: dict[str, Any] | None) -> int:
    """Return how many documents match a query, None for all.

    Raises:
        QueryError: malformed, or something that this engine lacks, or no index can answer it.
    """
    response = counted(reader, indices, {"match_all": {}} if query is None else query)
    return int(response["count"])


def _counted_query(query: object) -> Query:
    """Read the query of a count, whose parser tells every error of others as its own.

    Raises:
        QueryParsingError: malformed.
        UnsupportedQueryError: something that this engine lacks.
    """
    try:
        return read_query(query)
    except (IllegalQueryError, ContentParseError) as error:
        raise QueryParsingError("Failed to parse", error) from None


def with_exact_total(request: SearchRequest) -> SearchRequest:
    """Return a request whose total is one number, and so must be exact or absent.

    Raises:
        IllegalQueryError: it asks for a total up to some number.
    """
    if request.tracked in {None, EVERYTHING}:
        return request
    if request.tracked != TRACKED:
        raise IllegalQueryError(
            "[rest_total_hits_as_int] cannot be used if the tracking of total hits is not accurate, got "
            f"{request.tracked}"
        )
    return replace(request, tracked=EVERYTHING)


def _shards(plan: Plan, total: int) -> dict[str, Any]:
    failed = len(plan.failures)
    shards: dict[str, Any] = {"total": total, "successful": total - failed, "skipped": 0, "failed": failed}
    if plan.failures:
        shards["failures"] = [failure.render() for failure in plan.failures]
    return shards
