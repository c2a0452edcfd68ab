"""How many hits a search has, and the best of their scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anomalyops_engine.query import sql
from anomalyops_engine.query.documents_of import documents_of
from anomalyops_engine.query.expr import Aggregate, Select
from anomalyops_engine.query.hits import Plan, Target
from anomalyops_engine.store import Reader


def max_score(reader: Reader, plan: Plan, found: Sequence[object]) -> float | None:
    """Return the best score of hits, None where they have none to show."""
    request = plan.request
    if not found or (request.sorted_by and not request.track_scores):
        return None
    scores = {target.score for target in plan.targets}
    if len(scores) == 1:
        return scores.pop()
    return max(target.score for target in plan.targets if count_matching(reader, [target]))


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
