"""Who is at work on a job: one request at a time, and the pair's own controller only while no request holds the job.

An operation is in the status of its request, stored before anything is done. So it holds after a restart too.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from weakref import WeakValueDictionary

from anomalyops.plan import forecast_holds_job, revert_holds_job
from anomalyops.resources import AnomalyForecast, ModelSnapshotRevert, RequestResource
from anomalyops.watching.objects import Objects, Seen
from anomalyops.watching.options import ObjectKey

_Request = tuple[type[RequestResource], ObjectKey]


class Operations:
    """The requests of each AnomalyJob, and those of them that are at work.

    Args:
        objects: All objects.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._of_job: defaultdict[ObjectKey, set[_Request]] = defaultdict(set)
        self._job_of: dict[_Request, ObjectKey] = {}
        self._holding: set[_Request] = set()
        self._let_go: dict[ObjectKey, datetime] = {}
        self._locks: WeakValueDictionary[ObjectKey, asyncio.Lock] = WeakValueDictionary()
        objects.tell(self._link)

    def lock(self, job: ObjectKey) -> asyncio.Lock:
        """The turn of a job: what is about to begin and what is at work do not miss each other."""
        return self._locks.setdefault(job, asyncio.Lock())

    def of_job(self, job: ObjectKey) -> Iterator[Seen[Any]]:
        """The requests that name an AnomalyJob, in the order of their names."""
        for model, key in sorted(self._of_job.get(job, ()), key=lambda one: (one[0].KIND, one[1])):
            yield self._objects.of(model)[key]

    def holder(self, job: ObjectKey) -> Seen[Any] | None:
        """The request that a job is left to; None when its own controller may change it."""
        return next((seen for seen in self.of_job(job) if holds(seen)), None)

    def let_go_since(self, job: ObjectKey, moment: datetime) -> bool:
        """Whether a request has held the job after a moment: what was seen then is older than what it has done."""
        return job in self._let_go and self._let_go[job] >= moment

    def others_at_work(self, seen: Seen[Any], job: ObjectKey) -> bool:
        """Whether another request than this one is at work on the job."""
        return any(one.metadata.uid != seen.metadata.uid and is_at_work(one) for one in self.of_job(job))

    def _link(self, seen: Seen[Any]) -> None:
        """Keep the index from jobs to their requests."""
        model = seen.kind.model
        if not issubclass(model, RequestResource):
            return
        one = model, seen.key
        before = self._job_of.pop(one, None)
        if before is not None:
            self._of_job[before].discard(one)
            if not self._of_job[before]:
                del self._of_job[before]
        known = self._objects.of(model).get(seen.key)
        if before is not None and one in self._holding and (known is None or not holds(known)):
            self._holding.discard(one)
            self._let_go[before] = datetime.now(UTC)
        elif known is not None and holds(known):
            self._holding.add(one)
        named = (known.resource or known.remains) if known is not None else None
        if named is not None and getattr(named.spec, "job_ref", None) is not None:
            job = self._job_of[one] = ObjectKey(seen.key.namespace, named.spec.job_ref.name)
            self._of_job[job].add(one)


def is_at_work(seen: Seen[Any]) -> bool:
    """Whether a request has begun and has not ended."""
    status = seen.resource.status if seen.resource is not None else None
    return status is not None and status.operation is not None


def holds(seen: Seen[Any]) -> bool:
    """Whether a request has its job for itself. One that cannot be read holds nothing."""
    resource = seen.resource
    if isinstance(resource, AnomalyForecast):
        return forecast_holds_job(resource.status)
    return isinstance(resource, ModelSnapshotRevert) and revert_holds_job(resource.status)
