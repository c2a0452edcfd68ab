"""Filter lists, and the jobs that wait for them or that they wait for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from anomalyops.controllers.pair.controller import PairController
from anomalyops.controllers.shared.controller import SharedController
from anomalyops.reconciler import SharedOutcome
from anomalyops.resources import AnomalyFilter, AnomalyJob
from anomalyops.watching.objects import Seen
from anomalyops.watching.options import ObjectKey


class FilterController(SharedController[AnomalyFilter]):
    """AnomalyFilters."""

    name: ClassVar[str] = "filter"
    model = AnomalyFilter

    def concerned(self, seen: Seen[Any]) -> Iterable[ObjectKey]:
        """A filter concerns itself. A job that goes, or uses others from now on, lets filters go that wait for that."""
        if seen.kind.model is AnomalyFilter:
            return [seen.key]
        if seen.kind.model is not AnomalyJob:
            return []
        there = self.in_namespace(seen.key.namespace)
        return [one.key for one in there if one.metadata.deletion_timestamp is not None]

    def carried_out(self, seen: Seen[AnomalyFilter], outcome: SharedOutcome) -> None:
        """Jobs whose rules name the filter may have waited for it."""
        if seen.resource is None or not outcome.exists:
            return
        for key, job in self.objects.of(AnomalyJob).items():
            named = job.resource.spec.filter_ids if job.resource is not None else frozenset()
            if key.namespace == seen.key.namespace and seen.resource.server_id in named:
                self.work.add(PairController.name, key)
