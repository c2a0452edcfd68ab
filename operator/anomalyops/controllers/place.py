"""Where an object lives: the server is noted before the first write to it, and does not change by itself.

The place is in `status.placement`. Until a status is written it is in an annotation, which comes with the finalizer in
one write. The annotation names the object's uid: on a copy of the manifest it says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from anomalyops.health import Notice
from anomalyops.resources import FINALIZER, GROUP, Metadata, Placement, Reason, Resource
from anomalyops.watching.objects import Seen
from anomalyops.watching.options import ObjectKey

NOTE = f"{GROUP}/place"


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


def home(resource: Resource) -> Place | None:
    """Where an object lives, as its status or its annotation says; None when it lives nowhere yet."""
    return placement_of(resource) or _noted(resource.metadata)


def is_held_on(seen: Seen[Any], connection: ObjectKey) -> bool:
    """Whether an object lives where a connection leads, and may have to be deleted there."""
    lives = home(seen.managed) if seen.managed is not None else None
    return lives is not None and lives.connection == connection and FINALIZER in seen.metadata.finalizers


def placement_of(resource: Resource) -> Place | None:
    """The place in an object's status."""
    found: Placement | None = getattr(getattr(resource, "status", None), "placement", None)
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
    status: Any = seen.resource.status or seen.kind.status()
    if status.placement == place.placement():
        return None
    pinned_status: dict[str, Any] = status.model_copy(update={"placement": place.placement()}).manifest()
    return pinned_status


def moved_notice(seen: Seen[Any], message: str) -> Notice:
    """The Event about an object that moves to another server."""
    return Notice(kind=seen.kind.name, name=seen.metadata.name, type="Normal", reason=Reason.MOVED, message=message)


def moved_words(lives: Place, here: Place, left: str) -> str:
    """What is said of an object that moves.

    Args:
        lives: Where it was.
        here: Where it is from now on.
        left: What it is there now; empty where that server could not be reached.
    """
    if not left:
        return f"moves to {here}; what it was on {lives} could not be reached and is left there as it is"
    return f"moves to {here}; on {lives} it is {left}, and nobody manages it any more"
