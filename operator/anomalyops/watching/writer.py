"""Writes to the operator's own objects: status and finalizer, by JSON patch, only when something changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakValueDictionary

from anomalyops.resources import API_VERSION, FINALIZER
from anomalyops.watching.kubeapi import KubeApi, KubeApiError
from anomalyops.watching.objects import Objects, Seen

CONFLICT_RETRY = 0.2  # seconds; the watch brings the newer version meanwhile


class ObjectWriter:
    """Patches status and finalizers, and takes the answers into the state.

    The patches of an object are sent one after the other, each when the one before was answered: two that are under
    way together could be carried out in the other order, and what was found first would replace what was found last.

    Args:
        api: The Kubernetes API.
        objects: Are told of every answer, so that the next comparison does not wait for the watch.
        gone: Called with an object that turned out to be gone.
    """

    def __init__(self, api: KubeApi, objects: Objects, gone: Callable[[Seen[Any]], None]) -> None:
        self._api = api
        self._objects = objects
        self._gone = gone
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # uid -> whose patch it is
        self._echoes: dict[str, float] = {}  # uid -> when the oldest patch was sent that the watch has not shown

    async def write_status(self, seen: Seen[Any], status: Mapping[str, Any]) -> bool:
        """Replaces the status, which no one else writes.

        False: there was nothing to change, or no object, or it has become valid or invalid, of which an event tells.

        Raises:
            KubeApiError: the API refused the patch for another reason than that the object is gone.
        """
        async with self._turn(seen):
            current = self._objects.current(seen)
            if current is None or (current.resource is None) != (seen.resource is None):
                return False
            return await self._write_status(current, status)

    async def _write_status(self, seen: Seen[Any], status: Mapping[str, Any]) -> bool:
        if _stored_status(seen) == status:
            return False
        operations: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/uid", "value": seen.metadata.uid},
            {"op": "add", "path": "/status", "value": dict(status)},
        ]
        if seen.resource is None:  # what is wrong is said of the spec that was read, never of one that was mended
            operations.insert(1, {"op": "test", "path": "/metadata/generation", "value": seen.metadata.generation})
        return await self._patch(seen, operations, subresource="/status")

    async def add_finalizer(self, seen: Seen[Any], annotations: Mapping[str, str] | None = None) -> bool:
        """Adds the finalizer, and annotations in the same write. False: the object has changed or is gone; look again.

        Raises:
            KubeApiError: the API refused the patch for another reason.
        """
        if FINALIZER in seen.metadata.finalizers:
            return True
        noted = {**seen.metadata.annotations, **(annotations or {})}
        notes = [{"op": "add", "path": "/metadata/annotations", "value": noted}] if annotations else []
        present = seen.metadata.finalizers
        add: dict[str, Any] = {"op": "add", "path": "/metadata/finalizers/-", "value": FINALIZER}
        if not present:
            add = {"op": "add", "path": "/metadata/finalizers", "value": [FINALIZER]}
        async with self._turn(seen):
            return await self._patch(seen, [_same_version(seen), *notes, add])

    async def remove_finalizer(self, seen: Seen[Any]) -> bool:
        """Lets the object go. False: it has changed meanwhile; look again. True as well when it is gone.

        Raises:
            KubeApiError: the API refused the patch for another reason.
        """
        if FINALIZER not in seen.metadata.finalizers:
            return True
        index = seen.metadata.finalizers.index(FINALIZER)
        path = f"/metadata/finalizers/{index}"
        operations = [{"op": "test", "path": path, "value": FINALIZER}, {"op": "remove", "path": path}]
        async with self._turn(seen):
            return await self._patch(seen, [_same_version(seen), *operations])

    def echoed(self, uid: str) -> None:
        """The watch has shown an event of the object."""
        self._echoes.pop(uid, None)

    def echo_age(self) -> float:
        """Seconds for which the watch has owed an event for one of our own patches; 0 when it owes none.

        Every patch that changes an object comes back through the watch, within a second or so. One that does
        not for minutes means that the watch is dead.
        """
        return time.monotonic() - min(self._echoes.values(), default=time.monotonic())

    def _turn(self, seen: Seen[Any]) -> asyncio.Lock:
        """What is held while a patch of the object is under way."""
        return self._turns.setdefault(seen.metadata.uid, asyncio.Lock())

    async def _patch(self, seen: Seen[Any], operations: list[dict[str, Any]], subresource: str = "") -> bool:
        plural, (namespace, name) = seen.kind.plural, seen.key
        path = f"/apis/{API_VERSION}/namespaces/{namespace}/{plural}/{name}{subresource}"
        uid = seen.metadata.uid
        owed_before = uid in self._echoes
        self._echoes.setdefault(uid, time.monotonic())
        try:
            answer = await self._api.json_patch(path, operations)
        except KubeApiError as error:
            if not owed_before:
                self._echoes.pop(uid, None)
            if error.missing:
                self._forget(seen)
                return False
            if error.outdated and not subresource:
                return False
            raise
        self._take_in(answer, seen)
        return True

    def _take_in(self, answer: Mapping[str, Any], seen: Seen[Any]) -> None:
        if answer["metadata"].get("resourceVersion") == seen.metadata.resource_version:
            self._echoes.pop(seen.metadata.uid, None)  # the API found nothing to change
        if "deletionTimestamp" in answer["metadata"] and not answer["metadata"].get("finalizers"):
            self._forget(seen)
            return
        self._objects.put(answer)

    def _forget(self, seen: Seen[Any]) -> None:
        """The object is gone, or goes with the last finalizer."""
        self._echoes.pop(seen.metadata.uid, None)
        self._gone(seen)


def _stored_status(seen: Seen[Any]) -> Mapping[str, Any]:
    if seen.resource is None:
        return seen.status or {}
    status: Mapping[str, Any] = seen.resource.status.manifest() if seen.resource.status is not None else {}
    return status


def _same_version(seen: Seen[Any]) -> dict[str, Any]:
    return {"op": "test", "path": "/metadata/resourceVersion", "value": seen.metadata.resource_version}
