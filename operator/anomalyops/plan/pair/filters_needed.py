"""The filter lists that a plan's configurations name: a job is not told of one that the server does not have."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from anomalyops.plan.core.meaning import JsonObject
from anomalyops.plan.core.plans import Obstacle, Plan
from anomalyops.plan.core.steps import Subject
from anomalyops.plan.pair.steps import CreateJob, UpdateJob
from anomalyops.resources import Reason


def filters_needed(found: Plan) -> frozenset[str]:
    """The ids of the filters that the configurations of a plan's steps name."""
    return frozenset(
        name
        for step in found.steps
        if isinstance(step, CreateJob | UpdateJob)
        for name in _named([step.body.get("analysis_config") or {}, step.body])
    )


def without_filters(found: Plan, missing: Collection[str]) -> Plan:
    """What is left of a plan that names filters which the server does not have: it waits, and nothing is stopped."""
    names = ", ".join(sorted(missing))
    message = (
        f"a custom rule names filters that the server does not have yet ({names}): apply an AnomalyFilter of that id, "
        "or correct scope.filterId"
    )
    waits = Obstacle(reason=Reason.WAITING_FOR_FILTER, message=message, subject=Subject.JOB, waiting=True)
    return Plan(obstacles=(waits, *found.obstacles), ownership=found.ownership)


def _named(configs: list[JsonObject]) -> Iterator[str]:
    for config in configs:
        detectors: Any = config.get("detectors") or ()
        for detector in detectors:
            for rule in detector.get("custom_rules") or ():
                yield from (str(scope["filter_id"]) for scope in (rule.get("scope") or {}).values())
