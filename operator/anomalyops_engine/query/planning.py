"""What each index does for a search, and which of them cannot do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from anomalyops_engine.query import sql
from anomalyops_engine.query.collapsing import check_alike, check_single, group_in
from anomalyops_engine.query.documents_of import documents_of
from anomalyops_engine.query.dsl import Scope, condition_on
from anomalyops_engine.query.dsl.compound import MatchAll
from anomalyops_engine.query.dsl.scoring import Scoring
from anomalyops_engine.query.errors import (
    DateBoundError,
    IllegalQueryError,
    QueryError,
    SearchPhaseError,
    ShardFailure,
    UnsupportedQueryError,
)
from anomalyops_engine.query.expr import Column, Expr, Literal, Select, all_of
from anomalyops_engine.query.hit_fields import hit_fields
from anomalyops_engine.query.hits import Plan, Target, best_by
from anomalyops_engine.query.limits import limit_of
from anomalyops_engine.query.request import SearchRequest
from anomalyops_engine.query.slicing import GoesOn, in_slice
from anomalyops_engine.query.sorting import criterion, sort_column
from anomalyops_engine.query.stored_fields import stored_hit_fields
from anomalyops_engine.query.term_statistics import TermStatistics
from anomalyops_engine.store import Index, Reader


def plan_of(
    reader: Reader,
    request: SearchRequest,
    indices: Sequence[Index],
    now_ms: int,
    boosts: Mapping[str, float] | None = None,
    *,
    goes_on: GoesOn | None = None,
    first: int | None = None,
) -> Plan:
    """Return what each index does for a search; with `first` in the documents of so many first writes to it alone.

    Raises:
        UnsupportedQueryError: something that this engine lacks.
        SearchPhaseError: no index can answer it.
    """
    targets: list[Target] = []
    failures: list[ShardFailure] = []
    for index in indices:
        try:
            factor = (boosts or {}).get(index.name, 1.0)
            _check_window(request, index, goes_on)
            target = _target(reader, request, index, len(targets), now_ms, factor=factor, first=first)
            targets.append(target if goes_on is None else _sliced(target, request, goes_on))
        except UnsupportedQueryError:
            raise
        except DateBoundError as error:
            # A range of a field without any value matches nothing, and its bounds are not even read.
            if not _is_empty(reader, index):
                failures.append(failure_of(index, error))
        except QueryError as error:
            failures.append(failure_of(index, error))
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
        raise SearchPhaseError([failure_of(target.index, error) for target in targets]) from None
    return Plan(request, tuple(targets), criteria, tuple(failures), now_ms, first)


def _is_empty(reader: Reader, index: Index) -> bool:
    first = Select((Literal(1).named("one"),), documents_of(index), limit=1)
    return not sql.fetch(reader.connection, first)


def _target(
    reader: Reader,
    request: SearchRequest,
    index: Index,
    number: int,
    now_ms: int,
    *,
    factor: float,
    first: int | None = None,
) -> Target:
    query, scope = request.query, Scope(index, now_ms)
    condition = condition_on(index, None if query is None else query.clause, now_ms=now_ms)
    if first is not None:
        # What was written first lies together, so that the database reads little else.
        condition = all_of([Column("_seq_no") < first, condition])
    group = None if request.collapse is None else group_in(index, request.collapse.field)
    if group is not None:
        check_single(reader, index, condition, group)
    score = None
    if request.min_score is not None or (request.size and request.with_scores):
        score = score_in(reader, request, index, now_ms, factor=factor, first=first)
        if request.min_score is not None:
            condition = all_of([condition, score >= Literal(request.min_score, "FLOAT")])
        if request.size:
            scoring = scoring_in(reader, index, now_ms, factor=1.0, first=first)
            for again in request.rescore:
                chosen = best_by(reader, index, condition, score, again.window)
                score = again.mixed(score, again.query.score(scoring), chosen, again.query.lower(scope))
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
        factor,
        group,
    )


def score_in(
    reader: Reader, request: SearchRequest, index: Index, now_ms: int, *, factor: float, first: int | None
) -> Expr:
    """Return how well documents of an index match a search.

    Args:
        reader: the snapshot.
        request: the search.
        index: the index.
        now_ms: the present, epoch milliseconds.
        factor: what all scores are multiplied by.
        first: how many first writes to the index brought the documents; None for all.

    Raises:
        QueryError: a clause does not go with the index, or this engine cannot tell how well it matches.
    """
    clause = MatchAll() if request.query is None else request.query.clause
    return clause.score(scoring_in(reader, index, now_ms, factor=factor, first=first))


def scoring_in(reader: Reader, index: Index, now_ms: int, *, factor: float, first: int | None) -> Scoring:
    """Return what clauses are scored for in an index; see `score_in`."""
    return Scoring(Scope(index, now_ms), TermStatistics(reader, index, first)).times(factor)


def scored(reader: Reader, plan: Plan) -> tuple[Target, ...]:
    """Return the searches in the indices with scores, where nobody has asked for them before."""

    def with_score(target: Target) -> Target:
        if target.score is not None:
            return target
        index, factor = target.index, target.factor
        made = score_in(reader, plan.request, index, plan.now_ms, factor=factor, first=plan.first)
        return replace(target, score=made)

    return tuple(map(with_score, plan.targets))


def _sliced(target: Target, request: SearchRequest, goes_on: GoesOn) -> Target:
    """Return a search in an index, of the part that is asked for."""
    if request.part is None:
        return target
    return replace(target, condition=all_of([target.condition, in_slice(target.index, request.part, goes_on)]))


def _check_window(request: SearchRequest, index: Index, goes_on: GoesOn | None) -> None:
    limit, end = limit_of(index, "max_result_window"), request.start + request.size
    if end > limit and goes_on == "scroll":
        raise IllegalQueryError(
            f"Batch size is too large, size must be less than or equal to: [{limit}] but was [{end}]. Scroll batch "
            "sizes cost as much memory as result windows so they are controlled by the [index.max_result_window] "
            "index level setting."
        )
    if end > limit:
        raise IllegalQueryError(
            f"Result window is too large, from + size must be less than or equal to: [{limit}] but was [{end}]. See "
            "the scroll api for a more efficient way to request large data sets. This limit can be set by changing the "
            "[index.max_result_window] index level setting."
        )
    limit, asked = limit_of(index, "max_docvalue_fields_search"), len(hit_fields(index, request.docvalue_fields))
    if asked > limit:
        raise IllegalQueryError(
            f"Trying to retrieve too many docvalue_fields. Must be less than or equal to: [{limit}] but was [{asked}]. "
            "This limit can be set by changing the [index.max_docvalue_fields_search] index level setting."
        )


def failure_of(index: Index, error: QueryError) -> ShardFailure:
    """Return that an index has failed."""
    return ShardFailure(index.name, index.uuid, error)
