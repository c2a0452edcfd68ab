"""Where a pair lives: the server is pinned when the pair is first carried out, and it moves only when told to.

The place is in `status.placement`. Until a status is written it is in an annotation of the job, which comes with the
finalizer in one write. The annotation names the object's uid: on a copy of the manifest it says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from anomalyops.reconciler import Pair
from anomalyops.resources import (
    GROUP,
    AnomalyJob,
    AnomalyJobStatus,
    Datafeed,
    DatafeedStatus,
    DeletionPolicy,
    Metadata,
    Placement,
)
from anomalyops.watching.objects import Seen
from anomalyops.watching.options import ObjectKey

NOTE = f"{GROUP}/place"

R = TypeVar("R", AnomalyJob | None, Datafeed | None)


@dataclass(frozen=True, slots=True)
class Place:
    """A server.

    Attributes:
        connection: The connection that leads or led there.
        cluster_uuid: Its identity; empty when it has none.
    """

    connection: ObjectKey
    cluster_uuid: str

    def is_server_of(self, other: Place) -> bool:
        """Whether both are one server. A server without an identity is known by its connection alone."""
        if self.cluster_uuid and other.cluster_uuid:
            return self.cluster_uuid == other.cluster_uuid
        return self.connection == other.connection

    def __str__(self) -> str:
        of = f"cluster {self.cluster_uuid}" if self.cluster_uuid else "a server without a cluster uuid"
        return f"{of} (connection {self.connection})"

    def placement(self) -> Placement:
        """As a status holds it."""
        return Placement(connection=str(self.connection), cluster_uuid=self.cluster_uuid or None)


def pinned(pair: Pair) -> Place | None:
    """Where a pair lives, as its statuses say; None when it lives nowhere yet."""
    found = (_placement(resource) or _noted(resource.metadata) for resource in pair.resources)
    return next((place for place in found if place is not None), None)


def _placement(resource: AnomalyJob | Datafeed) -> Place | None:
    found = resource.status.placement if resource.status is not None else None
    if found is None or not found.connection:
        return None
    return Place(ObjectKey.parse(found.connection), found.cluster_uuid or "")


def note(metadata: Metadata, place: Place) -> dict[str, str]:
    """The annotation that tells an object's place before its status does."""
    return {NOTE: f"{metadata.uid} {place.connection} {place.cluster_uuid}".rstrip()}


def _noted(metadata: Metadata) -> Place | None:
    """The place in the annotation of this very object; None where there is none that can be read."""
    uid, _, rest = metadata.annotations.get(NOTE, "").partition(" ")
    connection, _, cluster_uuid = rest.partition(" ")
    if not uid or uid != metadata.uid:
        return None
    try:
        return Place(ObjectKey.parse(connection), cluster_uuid)
    except ValueError:
        return None


def with_place(seen: Seen[Any], place: Place) -> dict[str, Any] | None:
    """An object's status with its place; None when that is there already."""
    if seen.resource is None:
        return None
    model = AnomalyJobStatus if seen.kind.model is AnomalyJob else DatafeedStatus
    status = seen.resource.status or model()
    if status.placement == place.placement():
        return None
    pinned_status: dict[str, Any] = status.model_copy(update={"placement": place.placement()}).manifest()
    return pinned_status


def placed(pair: Pair, place: Place) -> Pair:
    """The pair with the place in its statuses; what is being deleted stays where it lives."""
    job, feed, here = pair.job, pair.datafeed, {"placement": place.placement()}
    if job is not None and job.deletion_requested is None and _placement(job) != place:
        status = (job.status or AnomalyJobStatus()).model_copy(update=here)
        job = job.model_copy(update={"status": status})
    if feed is not None and feed.deletion_requested is None and _placement(feed) != place:
        feed_status = (feed.status or DatafeedStatus()).model_copy(update=here)
        feed = feed.model_copy(update={"status": feed_status})
    return replace(pair, job=job, datafeed=feed)


def retained(pair: Pair, now: datetime) -> Pair:
    """The pair as if it were deleted with `Retain`: stopped, and kept for whoever comes back."""
    return Pair(job=_deleted(pair.job, now), datafeed=_deleted(pair.datafeed, now))


def _deleted(resource: R, now: datetime) -> R:
    if resource is None:
        return resource
    metadata = resource.metadata.model_copy(update={"deletion_timestamp": now})
    spec = resource.spec.model_copy(update={"deletion_policy": DeletionPolicy.RETAIN})
    gone: R = resource.model_copy(update={"metadata": metadata, "spec": spec})
    return gone


def refusal(lives: Place, leads: Place) -> str:
    """What is said about a pair whose connection leads elsewhere."""
    return (
        f"it lives on {lives}, and its connection leads to {leads}: nothing is done on either. Let spec.connectionRef "
        "or the connection lead back, or set spec.movePolicy: Move to stop it there and create it here without a model"
    )
