"""Calendars, and the AnomalyJobs that they choose by name or label."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

from anomalyops.controllers.reach import connection_for
from anomalyops.controllers.shared.controller import SharedController
from anomalyops.reconciler import SharedObject, chosen_jobs
from anomalyops.resources import AnomalyCalendar, AnomalyJob
from anomalyops.watching.objects import Seen
from anomalyops.watching.options import ObjectKey


class CalendarController(SharedController[AnomalyCalendar]):
    """AnomalyCalendars."""

    name: ClassVar[str] = "calendar"
    model = AnomalyCalendar

    def concerned(self, seen: Seen[Any]) -> Iterable[ObjectKey]:
        """A calendar concerns itself. An AnomalyJob concerns those of its namespace that choose AnomalyJobs."""
        if seen.kind.model is AnomalyCalendar:
            return [seen.key]
        return self.choosing(seen.key.namespace) if seen.kind.model is AnomalyJob else []

    def choosing(self, namespace: str) -> list[ObjectKey]:
        """The calendars of a namespace that choose AnomalyJobs; the server takes a job that it deletes out of them."""
        return [
            one.key
            for one in self.in_namespace(namespace)
            if one.resource is not None and (one.resource.spec.job_refs or one.resource.spec.job_selector is not None)
        ]

    def shared(self, seen: Seen[AnomalyCalendar]) -> SharedObject | None:
        """The calendar with the AnomalyJobs that it chooses among those of its namespace on the same server."""
        found = super().shared(seen)
        if found is None or seen.resource is None:
            return found
        here = self.connection_of(seen)
        jobs = [
            job
            for key, one in self.objects.of(AnomalyJob).items()
            if key.namespace == seen.key.namespace
            and (job := one.managed) is not None
            and connection_for(self.objects, key.namespace, job.spec.connection_ref, self.default) == here
        ]
        ids, missing = chosen_jobs(seen.resource, jobs)
        return replace(found, jobs=ids, missing_jobs=missing)
