"""`_search` and `_count`: one statement for the hits, one for their number, and those of the aggregations.

An index in which the search cannot be carried out (a value that does not fit the field there, a sort field that it does
not map) has failed like the shards of a cluster: the others answer, and when there are none the search is refused.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from anomalyops_engine.query import sql
from anomalyops_engine.query.aggregations import aggregate
from anomalyops_engine.query.collapsing import Collapse, Expand, InnerHits, check_alike, check_single, group_in
from anomalyops_engine.query.dsl import Query, Scope, condition_on, read_query
from anomalyops_engine.query.errors import (
    ContentParseError,
    DateBoundError,
    IllegalQueryError,
    InvalidRequestError,
    QueryError,
    QueryParsingError,
    SearchPhaseError,
    ShardFailure,
    TooManyBucketsError,
    UnsupportedQueryError,
)
from anomalyops_engine.query.expr import (
    TRUE,
    Aggregate,
    Literal,
    Select,
    Table,
    all_of,
)
from anomalyops_engine.query.hit_fields import hit_fields
from anomalyops_engine.query.hits import Plan, Target, hits_of
from anomalyops_engine.query.index_boosts import factors
from anomalyops_engine.query.limits import limit_of
from anomalyops_engine.query.request import EVERYTHING, TRACKED, SearchRequest, read_request
from anomalyops_engine.query.search_after import behind
from anomalyops_engine.query.slicing import GoesOn, in_slice
from anomalyops_engine.query.sorting import criterion, sort_column
from anomalyops_engine.query.stored_fields import stored_hit_fields
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

    Raises:
        IndexNotFoundError: there is a boost for one that is not there.
        QueryError: the request is malformed, or asks for something that this engine lacks, or no index can answer it.
    """
    request = read_request(body)
    if parameters:
        request = read_request({**body, **parameters})
    if totals_as_numbers:
        request = _with_exact_total(request)
    boosts = factors(reader, request.indices_boost, ignore_unavailable=ignore_unavailable)
    if request.part is not None and goes_on is None:
        raise InvalidRequestError("[slice] can only be used with [scroll] or [point-in-time] requests")
    plan = _plan(reader, request, indices, int(time.time() * 1000), boosts, goes_on=goes_on)
    _check_after(plan)
    hits: dict[str, Any] = {}
    if request.tracked is not None:
        matching = _count_matching(reader, plan.targets)
        hits["total"] = matching if totals_as_numbers else _total(matching, request.tracked)
    elif totals_as_numbers:
        hits["total"] = -1
    expand = _expansion(reader, plan, numbers=totals_as_numbers, raw_sources=raw_sources)
    found = hits_of(reader, plan, raw_sources=raw_sources, expand=expand) if request.size else []
    hits["max_score"] = _max_score(reader, plan, found) if indices else 0.0
    hits["hits"] = found
    response: dict[str, Any] = {"timed_out": False, "_shards": _shards(plan, len(indices)), "hits": hits}
    if request.nodes:
        targets = [(target.index, target.condition) for target in plan.targets]
        try:
            answer = aggregate(reader, targets, request.nodes, plan.now_ms, typed_keys=typed_keys)
        except (UnsupportedQueryError, TooManyBucketsError):
            raise
        except QueryError as error:
            raise SearchPhaseError([_failure(target.index, error) for target in plan.targets]) from None
        response["aggregations"] = answer
    return response


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


def _max_score(reader: Reader, plan: Plan, found: Sequence[object]) -> float | None:
    request = plan.request
    if not found or (request.sorted_by and not request.track_scores):
        return None
    scores = {target.score for target in plan.targets}
    if len(scores) == 1:
        return scores.pop()
    return max(target.score for target in plan.targets if _count_matching(reader, [target]))


def _expansion(reader: Reader, plan: Plan, *, numbers: bool, raw_sources: bool) -> Expand | None:
    """Return what gives the inner hits of a group; None where there are to be none."""
    collapse = plan.request.collapse
    if collapse is None or not collapse.inner_hits:
        return None
    boosts = {target.index.name: target.score for target in plan.targets}
    indices = [target.index for target in plan.targets]
    inner_plans = {
        name: _plan(reader, _inner_request(plan.request, inner), indices, plan.now_ms, boosts)
        for name, inner in collapse.named().items()
    }
    groups = {target.index.name: target.group for target in plan.targets}

    def expand(value: Any) -> dict[str, Any]:
        expanded = {}
        for name, inner in inner_plans.items():
            targets = []
            for target in inner.targets:
                group = groups[target.index.name]
                within = TRUE if group is None else group.of(value)
                targets.append(replace(target, condition=all_of([target.condition, within])))
            of_group = replace(inner, targets=tuple(targets))
            matching = _count_matching(reader, targets)
            found = hits_of(reader, of_group, raw_sources=raw_sources) if inner.request.size else []
            total: object = matching if numbers else _total(matching, EVERYTHING)
            expanded[name] = {"hits": {"total": total, "max_score": _max_score(reader, of_group, found), "hits": found}}
        return expanded

    return expand


def _inner_request(request: SearchRequest, inner: InnerHits) -> SearchRequest:
    """Return the search for the documents of a group, without what makes it that of the group."""
    return SearchRequest(
        query=request.query,
        start=inner.start,
        size=inner.size,
        sort=inner.sort,
        source=inner.source,
        fields=inner.fields,
        docvalue_fields=inner.docvalue_fields,
        version=inner.version,
        seq_no_primary_term=inner.seq_no_primary_term,
        track_scores=inner.track_scores,
        collapse=None if inner.collapse is None else Collapse(field=inner.collapse.field),
    )


def counted(reader: Reader, indices: Sequence[Index], query: object) -> dict[str, Any]:
    """Return the response of a count.

    Raises:
        QueryError: malformed, or something that this engine lacks, or no index can answer it.
    """
    plan = _plan(reader, SearchRequest(query=_counted_query(query), size=0), indices, int(time.time() * 1000))
    return {"count": _count_matching(reader, plan.targets), "_shards": _shards(plan, len(indices))}


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


def _with_exact_total(request: SearchRequest) -> SearchRequest:
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


# --- planning ---


def _plan(
    reader: Reader,
    request: SearchRequest,
    indices: Sequence[Index],
    now_ms: int,
    boosts: Mapping[str, float] | None = None,
    *,
    goes_on: GoesOn | None = None,
) -> Plan:
    """Return what each index does for a search.

    Raises:
        UnsupportedQueryError: something that this engine lacks.
        SearchPhaseError: no index can answer it.
    """
    targets: list[Target] = []
    failures: list[ShardFailure] = []
    for index in indices:
        try:
            score = (boosts or {}).get(index.name, 1.0)
            target = _target(reader, request, index, len(targets), now_ms, score=score)
            targets.append(target if goes_on is None else _sliced(target, request, goes_on))
        except UnsupportedQueryError:
            raise
        except DateBoundError as error:
            # A range of a field without any value matches nothing, and its bounds are not even read.
            if not _is_empty(reader, index):
                failures.append(_failure(index, error))
        except QueryError as error:
            failures.append(_failure(index, error))
    if failures and not targets:
        raise SearchPhaseError(failures)
    try:
        if request.collapse is not None:
            check_alike([target.group for target in targets if target.group is not None], request.collapse.field)
        criteria = tuple(
            criterion(key, [target.sort[place] for target in targets], f"sort_{place}")
            for place, key in enumerate(request.sorted_by)
        )
    except QueryError as error:
        raise SearchPhaseError([_failure(target.index, error) for target in targets]) from None
    return Plan(request, tuple(targets), criteria, tuple(failures), now_ms)


def _is_empty(reader: Reader, index: Index) -> bool:
    first = Select((Literal(1).named("one"),), Table(index.table), limit=1)
    return not sql.fetch(reader.connection, first)


def _target(reader: Reader, request: SearchRequest, index: Index, number: int, now_ms: int, *, score: float) -> Target:
    _check_window(request, index)
    query, scope = request.query, Scope(index, now_ms)
    condition = condition_on(index, None if query is None else query.clause, now_ms=now_ms)
    group = None if request.collapse is None else group_in(index, request.collapse.field)
    if group is not None:
        check_single(reader, index, condition, group)
    return Target(
        index,
        condition,
        () if query is None else tuple(clause.lower(scope) for clause in query.named),
        tuple(sort_column(key, index, number=number, score=score) for key in request.sorted_by),
        {
            **({} if request.stored is None else stored_hit_fields(index, request.stored)),
            **hit_fields(index, [*request.docvalue_fields, *request.fields]),
        },
        score,
        group,
    )


def _sliced(target: Target, request: SearchRequest, goes_on: GoesOn) -> Target:
    """Return a search in an index, of the part that is asked for."""
    if request.part is None:
        return target
    return replace(target, condition=all_of([target.condition, in_slice(target.index, request.part, goes_on)]))


def _check_window(request: SearchRequest, index: Index) -> None:
    limit, end = limit_of(index, "max_result_window"), request.start + request.size
    if end > limit:
        raise IllegalQueryError(
            f"Result window is too large, from + size must be less than or equal to: [{limit}] but was [{end}]. See "
            "the scroll api for a more efficient way to request large data sets. This limit can be set by changing the "
            "[index.max_result_window] index level setting."
        )
    limit, asked = limit_of(index, "max_docvalue_fields_search"), len(request.docvalue_fields)
    if asked > limit:
        raise IllegalQueryError(
            f"Trying to retrieve too many docvalue_fields. Must be less than or equal to: [{limit}] but was [{asked}]. "
            "This limit can be set by changing the [index.max_docvalue_fields_search] index level setting."
        )


def _failure(index: Index, error: QueryError) -> ShardFailure:
    return ShardFailure(index.name, index.uuid, error)


def _shards(plan: Plan, total: int) -> dict[str, Any]:
    failed = len(plan.failures)
    shards: dict[str, Any] = {"total": total, "successful": total - failed, "skipped": 0, "failed": failed}
    if plan.failures:
        shards["failures"] = [failure.render() for failure in plan.failures]
    return shards


# --- running ---


def _count_matching(reader: Reader, targets: Sequence[Target]) -> int:
    total = 0
    for target in targets:
        counted = Select((Aggregate("count").named("matching"),), Table(target.index.table), target.condition)
        ((matching,),) = sql.fetch(reader.connection, counted)
        total += matching
    return total


def _total(matching: int, limit: int) -> dict[str, Any]:
    return {"value": min(matching, limit), "relation": "gte" if matching > limit else "eq"}
