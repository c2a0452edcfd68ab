"""What the operator knows of the cluster: the last seen version of each of its objects.

Fed by the watches and by the answers to the operator's own patches; read by everything else. Nothing here
waits or calls.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from anomalyops.resources import (
    BY_NAME,
    FINALIZER,
    KINDS,
    AnyResource,
    Datafeed,
    Kind,
    ManifestError,
    Metadata,
    remains_of,
)
from anomalyops.watching.options import ObjectKey

R = TypeVar("R", bound=AnyResource)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Generic[R]):
    """One object as it was last seen.

    `resource` is None when the object breaks a rule that admission could not check; `problem` then says which, and
    `remains` is what can be read of it all the same.
    """

    kind: Kind
    metadata: Metadata
    resource: R | None
    problem: str = ""
    remains: R | None = None
    status: Mapping[str, Any] | None = None  # as stored; kept for objects without a resource
    job: str | None = None  # Datafeeds only: the name in spec.jobRef

    @property
    def managed(self) -> R | None:
        """The resource; of an invalid one that has a server side, what can be read of it."""
        if self.resource is not None:
            return self.resource
        return self.remains if FINALIZER in self.metadata.finalizers else None

    @property
    def key(self) -> ObjectKey:
        """Namespace and name."""
        return ObjectKey(self.metadata.namespace, self.metadata.name)


def read(body: Mapping[str, Any]) -> Seen[Any]:
    """Read an object of the API server; a bad one carries its problem.

    Raises:
        KeyError: the operator does not know its kind.
    """
    kind = BY_NAME[body["kind"]]
    spec = body.get("spec", {})
    reference = spec.get("jobRef", {}).get("name") if kind.model is Datafeed else None
    try:
        resource = kind.model.from_object(dict(body))
    except ManifestError as error:
        metadata = Metadata.model_validate(body["metadata"])
        remains = remains_of(kind.model, body, metadata)
        problem, status = str(error), body.get("status")
        return Seen(
            kind=kind, metadata=metadata, resource=None, problem=problem, remains=remains, status=status, job=reference
        )
    return Seen(kind=kind, metadata=resource.metadata, resource=resource, job=reference)


class Objects:
    """The objects of all kinds, by kind, namespace and name."""

    def __init__(self) -> None:
        self._of_kind: dict[str, dict[ObjectKey, Seen[Any]]] = {kind.name: {} for kind in KINDS}
        self._told: list[Callable[[Seen[Any]], None]] = []

    def tell(self, changed: Callable[[Seen[Any]], None]) -> None:
        """Have a function called after each change, with the version that came or the object that went."""
        self._told.append(changed)

    def of(self, model: type[R]) -> Mapping[ObjectKey, Seen[R]]:
        """All objects of a kind."""
        return self._of_kind[model.KIND]

    def everything(self) -> Iterator[Seen[Any]]:
        """All objects, kind by kind."""
        return itertools.chain.from_iterable(objects.values() for objects in self._of_kind.values())

    def counts(self) -> dict[str, int]:
        """How many objects there are, by plural."""
        return {kind.plural: len(self._of_kind[kind.name]) for kind in KINDS}

    def of_kind(self, kind: Kind) -> Mapping[ObjectKey, Seen[Any]]:
        """All objects of a kind that is known by its record."""
        return self._of_kind[kind.name]

    def current(self, seen: Seen[Any]) -> Seen[Any] | None:
        """The newest version of the same object; None when it is gone."""
        known = self._of_kind[seen.kind.name].get(seen.key)
        return known if known is not None and known.metadata.uid == seen.metadata.uid else None

    def put(self, body: Mapping[str, Any], *, force: bool = False) -> tuple[Seen[Any], Seen[Any] | None]:
        """Take in a version of an object; return what is known now and was before.

        A version older than the known one is dropped: the answer to a patch of our own can overtake the watch. With
        `force` it is taken: versions went back. The known version is not read again: after a start every object comes
        twice, from our listing and from the first one of the watch, and what was read once stays where it is in memory.
        """
        if not force and (known := self._known(body)) is not None:
            return known, known
        seen = read(body)
        objects = self._of_kind[seen.kind.name]
        before = objects.get(seen.key)
        if not force and before is not None and _older(seen.metadata, before.metadata):
            return before, before
        objects[seen.key] = seen
        self._changed(seen)
        return seen, before

    def _known(self, body: Mapping[str, Any]) -> Seen[Any] | None:
        """The object as it is known, when that is this version of it."""
        metadata = body["metadata"]
        known = self._of_kind[body["kind"]].get(ObjectKey(metadata.get("namespace", ""), metadata["name"]))
        if known is None or known.metadata.uid != metadata.get("uid"):
            return None
        version = known.metadata.resource_version
        return known if version and version == metadata.get("resourceVersion") else None

    def remove(self, seen: Seen[Any]) -> None:
        """Forget an object that is gone; a new one of the same name stays."""
        if self.current(seen) is not None:
            del self._of_kind[seen.kind.name][seen.key]
            self._changed(seen)

    def _changed(self, seen: Seen[Any]) -> None:
        for tell in self._told:
            tell(seen)


def version_of(text: str) -> int:
    """A resource version as a number, which grows, as of Kubernetes 1.35; 0 for one that is none."""
    return int(text) if text.isdecimal() else 0


def _older(one: Metadata, other: Metadata) -> bool:
    """Whether `one` is an older version of the same object."""
    return one.uid == other.uid and 0 < version_of(one.resource_version) < version_of(other.resource_version)
