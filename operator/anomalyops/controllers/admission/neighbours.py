"""What is wrong with a resource among the others of its cluster: the same that makes plans stall, known beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from anomalyops.controllers.reach import connection_for
from anomalyops.resources import (
    AnomalyCalendar,
    AnomalyFilter,
    AnomalyJob,
    AnyResource,
    Datafeed,
    ElasticsearchConnection,
    Fault,
    pair_faults,
)
from anomalyops.watching.choice import why_barred
from anomalyops.watching.objects import Objects, Seen
from anomalyops.watching.options import ObjectKey

Claiming = AnomalyJob | Datafeed | AnomalyFilter | AnomalyCalendar
"""What is one object on a server under an id of its own choice."""


class Neighbours:
    """The other resources, as the operator sees them.

    Args:
        objects: All objects.
        default: The installation's default connection.
    """

    def __init__(self, objects: Objects, default: ObjectKey | None) -> None:
        self._objects = objects
        self._default = default

    def faults(self, resource: AnyResource) -> Iterator[Fault]:
        """What no other change of a manifest that comes with this one is expected to cure."""
        if isinstance(resource, Datafeed):
            yield from self._of_datafeed(resource)
        if isinstance(resource, Claiming):
            yield from self._of_connection(resource)
            yield from self._of_id(resource)

    def warnings(self, resource: AnyResource) -> Iterator[str]:
        """What may well be cured by what is applied next, in words."""
        if isinstance(resource, AnomalyJob):
            for feed in self._feeds_of(resource.namespace, resource.name):
                for fault in pair_faults(resource, feed):
                    yield f"Datafeed {feed.name}: {'.'.join(map(str, fault.path))}: {fault.message}"
        if isinstance(resource, Datafeed):
            name = resource.spec.job_ref.name
            if ObjectKey(resource.namespace, name) not in self._objects.of(AnomalyJob):
                yield f"spec.jobRef.name: AnomalyJob {name} does not exist yet; the datafeed waits for it"
        if isinstance(resource, Claiming):
            connection = self._connection(resource)
            if not why_barred(connection) and connection not in self._objects.of(ElasticsearchConnection):
                yield f"ElasticsearchConnection {connection} does not exist yet; the resource waits for it"

    def _of_datafeed(self, feed: Datafeed) -> Iterator[Fault]:
        name = feed.spec.job_ref.name
        job = self._objects.of(AnomalyJob).get(ObjectKey(feed.namespace, name))
        if job is not None and job.resource is not None:
            yield from pair_faults(job.resource, feed)
        for other in self._feeds_of(feed.namespace, name):
            if other.name != feed.name:
                message = f"the job has Datafeed {other.name} already, and a job has one: delete that one first"
                yield Fault(path=("spec", "jobRef", "name"), message=message, value=f'"{name}"')

    def _of_connection(self, resource: Claiming) -> Iterator[Fault]:
        if (refusal := why_barred(self._connection(resource))) and not isinstance(resource, Datafeed):
            yield Fault(path=("spec", "connectionRef"), message=refusal)

    def _of_id(self, resource: Claiming) -> Iterator[Fault]:
        """Two resources of one server must not claim one id: the older has it."""
        here = self._connection(resource)
        for key, seen in self._objects.of(type(resource)).items():
            other: Any = seen.resource
            if other is None or key == (resource.namespace, resource.name) or _is_leaving(seen):
                continue
            if other.server_id == resource.server_id and self._connection(other) == here:
                field = _ID_FIELDS[resource.KIND]
                message = (
                    f"{resource.KIND} {other.name} of namespace {other.namespace} has this id on the same server "
                    f"({here}): choose another {field}"
                )
                yield Fault(path=("spec", field), message=message, value=f'"{resource.server_id}"')

    def _feeds_of(self, namespace: str, job: str) -> Iterator[Datafeed]:
        for key, seen in self._objects.of(Datafeed).items():
            if key.namespace == namespace and seen.job == job and seen.resource is not None and not _is_leaving(seen):
                yield seen.resource

    def _connection(self, resource: Claiming) -> ObjectKey:
        """The connection that a resource uses; a datafeed that of its job."""
        if isinstance(resource, Datafeed):
            job = self._objects.of(AnomalyJob).get(ObjectKey(resource.namespace, resource.spec.job_ref.name))
            known = job.resource if job is not None else None
            reference = known.spec.connection_ref if known is not None else None
        else:
            reference = resource.spec.connection_ref
        found = connection_for(self._objects, resource.namespace, reference, self._default)
        return found if found is not None else ObjectKey(resource.namespace, "default")


_ID_FIELDS: Mapping[str, str] = {
    AnomalyJob.KIND: "jobId",
    Datafeed.KIND: "datafeedId",
    AnomalyFilter.KIND: "filterId",
    AnomalyCalendar.KIND: "calendarId",
}


def _is_leaving(seen: Seen[Any]) -> bool:
    return seen.metadata.deletion_timestamp is not None
