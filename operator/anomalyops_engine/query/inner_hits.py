"""Hits inside of an answer: those of a group of collapsed hits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from anomalyops_engine.query.collapsing import Collapse, Expand, InnerHits
from anomalyops_engine.query.expr import TRUE, all_of
from anomalyops_engine.query.hits import Plan, hits_of
from anomalyops_engine.query.planning import plan_of
from anomalyops_engine.query.request import EVERYTHING, SearchRequest
from anomalyops_engine.query.totals import count_matching, max_score, total_of
from anomalyops_engine.store import Reader


def expansion(reader: Reader, plan: Plan, *, numbers: bool, raw_sources: bool) -> Expand | None:
    """Return what gives the inner hits of a group; None where there are to be none."""
    collapse = plan.request.collapse
    if collapse is None or not collapse.inner_hits:
        return None
    boosts = {target.index.name: target.score for target in plan.targets}
    indices = [target.index for target in plan.targets]
    inner_plans = {
        name: plan_of(reader, inner_request(plan.request, inner), indices, plan.now_ms, boosts)
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
            matching = count_matching(reader, targets)
            found = hits_of(reader, of_group, raw_sources=raw_sources) if inner.request.size else []
            total: object = matching if numbers else total_of(matching, EVERYTHING)
            expanded[name] = {"hits": {"total": total, "max_score": max_score(reader, of_group, found), "hits": found}}
        return expanded

    return expand


def inner_request(request: SearchRequest, inner: InnerHits) -> SearchRequest:
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
