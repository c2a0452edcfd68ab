"""How many hits a search has, and the best of their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from anomalyops_engine.query import sql
from anomalyops_engine.query.documents_of import documents_of
from anomalyops_engine.query.dsl.scoring import NONE, number_of
from anomalyops_engine.query.expr import Aggregate, Select
from anomalyops_engine.query.hits import Plan, Target, is_ranked, shown_score
from anomalyops_engine.store import Reader


def max_score(reader: Reader, plan: Plan, found: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the best score of hits, None where they have none to show."""
    request = plan.request
    if not found or (request.sorted_by and not request.track_scores):
        return None
    if not request.sorted_by and not request.start and request.collapse is None:
        # The best comes first.
        best: float | None = found[0]["_score"]
        return best
    scores = {target.score for target in plan.targets}
    if len(scores) == 1 and not is_ranked(plan.targets):
        return shown_score(number_of(scores.pop() or NONE))
    return shown_score(max(score for target in plan.targets if (score := _best(reader, target)) is not None))


def _best(reader: Reader, target: Target) -> float | None:
    """Return the best score in an index, None where nothing matches."""
    assert target.score is not None  # noqa: S101 (scores are asked for)
    best = Select((Aggregate("max", (target.score,)).named("best"),), documents_of(target.index), target.condition)
    ((score,),) = sql.fetch(reader.connection, best)
    return None if score is None else float(score)


def count_matching(reader: Reader, targets: Sequence[Target]) -> int:
    """Return how many documents match."""
    total = 0
    for target in targets:
        counted = Select((Aggregate("count").named("matching"),), documents_of(target.index), target.condition)
        ((matching,),) = sql.fetch(reader.connection, counted)
        total += matching
    return total


def total_of(matching: int, limit: int) -> dict[str, Any]:
    """Return the number of hits as an answer shows it that counts up to a limit."""
    return {"value": min(matching, limit), "relation": "gte" if matching > limit else "eq"}
