"""Hits inside of an answer: those of a group of collapsed hits, and of the buckets of aggregations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from anomalyops_engine.query.aggregations.rows import Rows
from anomalyops_engine.query.collapsing import Collapse, Expand, InnerHits, ShownHits
from anomalyops_engine.query.dsl.scoring import NONE
from anomalyops_engine.query.errors import SearchPhaseError
from anomalyops_engine.query.expr import TRUE, Column, Expr, Order, all_of, one_of
from anomalyops_engine.query.hits import Plan, hits_of, is_ranked
from anomalyops_engine.query.planning import plan_of, scored
from anomalyops_engine.query.request import EVERYTHING, SearchRequest
from anomalyops_engine.query.totals import count_matching, max_score, total_of
from anomalyops_engine.store import Reader


def expansion(reader: Reader, plan: Plan, *, numbers: bool, raw_sources: bool) -> Expand | None:
    """Return what gives the inner hits of a group; None where there are to be none."""
    collapse = plan.request.collapse
    if collapse is None or not collapse.inner_hits:
        return None
    boosts = {target.index.name: target.factor for target in plan.targets}
    indices = [target.index for target in plan.targets]
    inner_plans = {
        name: plan_of(reader, _of_group(plan.request, inner), indices, plan.now_ms, boosts, first=plan.first)
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


def inner_request(request: SearchRequest, inner: ShownHits) -> SearchRequest:
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
    )


def _of_group(request: SearchRequest, inner: InnerHits) -> SearchRequest:
    """Return the search for what is shown of a group of `collapse`."""
    collapse = None if inner.collapse is None else Collapse(field=inner.collapse.field)
    return replace(inner_request(request, inner), collapse=collapse)


# More documents than an index ever has.
_MOST_IN_AN_INDEX = 2**40


class DocumentFinder:
    """Knows the documents of a search as hits.

    Args:
        reader: the snapshot of the search.
        plan: the search.
        numbers: totals are shown as numbers.
        raw_sources: give sources as JSON fragments for orjson instead of parsed objects.
    """

    def __init__(self, reader: Reader, plan: Plan, *, numbers: bool, raw_sources: bool) -> None:
        self.reader = reader
        self.plan = plan
        self.numbers = numbers
        self.raw_sources = raw_sources

    def top(self, wanted: ShownHits, rows: Rows) -> TopDocuments:
        """Return how documents of the rows are told, sorted and shown.

        Raises:
            QueryError: they cannot be sorted so, or have no such field.
        """
        targets = self.plan.targets
        boosts = {target.index.name: target.factor for target in targets}
        indices = [target.index for target in targets]
        request = inner_request(replace(self.plan.request, query=None), wanted)
        inner = plan_of(self.reader, request, indices, self.plan.now_ms, boosts)
        if inner.failures:
            raise SearchPhaseError(inner.failures)
        if request.with_scores:
            targets = scored(self.reader, self.plan)
        named = [
            replace(target, named=mine.named, score=mine.score)
            for target, mine in zip(inner.targets, targets, strict=True)
        ]
        request = replace(request, query=self.plan.request.query)
        return TopDocuments(self, replace(inner, request=request, targets=tuple(named)), rows)


class TopDocuments:
    """Documents of a search that hits are made of.

    Args:
        finder: knows them.
        plan: the hits.
        rows: where they are told and sorted.

    Attributes:
        number: what tells a document from all others of the search.
        order: the order of the hits.
        score: of a document; None where hits show none.
    """

    def __init__(self, finder: DocumentFinder, plan: Plan, rows: Rows) -> None:
        self._finder = finder
        self._plan = plan
        self._noted: set[int] = set()
        self._found: dict[int, dict[str, Any]] | None = None
        targets = plan.targets
        self.number: Expr = rows.given([Column("_seq_no") + place * _MOST_IN_AN_INDEX for place in range(len(targets))])
        scores = {target.score for target in targets}
        order: list[Order] = []
        for place, criterion in enumerate(plan.criteria):
            column = rows.given([target.sort[place].value for target in targets])
            order += replace(criterion, name=column.name).orders()
        self.score: Expr | None = None
        if plan.request.with_scores:
            self.score = rows.given([NONE if target.score is None else target.score for target in targets])
            if not plan.criteria and (len(scores) > 1 or is_ranked(targets)):
                order.append(Order(self.score, descending=True))
        self.order = (*order, Order(self.number))

    def note(self, numbers: Collection[int]) -> None:
        """Note that documents will be shown."""
        self._noted.update(numbers)

    def hits(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """Return noted documents as hits."""
        if self._found is None:
            self._found = self._fetched()
        return [self._found[number] for number in numbers]

    def total(self, count: int) -> object:
        """Return the number of documents of a bucket, as the answer shows it."""
        return count if self._finder.numbers else total_of(count, EVERYTHING)

    def _fetched(self) -> dict[int, dict[str, Any]]:
        """Return all noted documents as hits, by their numbers."""
        if not self._noted:
            return {}
        plan, shows = self._plan, self._plan.request.seq_no_primary_term
        wanted: dict[int, list[int]] = {}
        for number in sorted(self._noted):
            wanted.setdefault(number // _MOST_IN_AN_INDEX, []).append(number % _MOST_IN_AN_INDEX)
        targets = tuple(
            replace(target, condition=one_of(Column("_seq_no"), wanted.get(place, ())))
            for place, target in enumerate(plan.targets)
        )
        request = replace(plan.request, start=0, size=len(self._noted), seq_no_primary_term=True)
        places = {target.index.name: place for place, target in enumerate(targets)}
        whole = replace(plan, request=request, targets=targets)
        found = {}
        for hit in hits_of(self._finder.reader, whole, raw_sources=self._finder.raw_sources):
            found[places[hit["_index"]] * _MOST_IN_AN_INDEX + hit["_seq_no"]] = hit
            if not shows:
                del hit["_seq_no"], hit["_primary_term"]
        return found
