"""What of an embedded engine differs from what its connection wants.

An object is applied when a field that we write has another value, by whomever, or when what we write has changed: a
field that is not written any more is taken away by server-side apply. What others add to an object stays.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from anomalyops.plan.embedded.objects import JsonObject, of_connection
from anomalyops.resources import ElasticsearchConnection, parse_quantity

_WRITTEN: Final = "anomalyops.io/written"  # an annotation: the digest of what was applied last
_USUAL: Final = frozenset({"ContainerCreating", "PodInitializing"})  # what every pod waits for when it begins
_KEYS: Final = ("name", "uid", "mountPath", "containerPort", "port")
"""By which entries of a list know each other; lists of anything else are compared as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The objects that are there, by kind; None for one that is not."""

    objects: Mapping[str, Mapping[str, Any] | None]

    def of(self, kind: str) -> Mapping[str, Any] | None:
        """The object of a kind."""
        return self.objects.get(kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An object to apply.

    Attributes:
        manifest: All that we write of it.
        fields: The paths that differ; none for an object that is not there.
    """

    manifest: JsonObject
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        metadata = self.manifest["metadata"]
        done = f"changed ({', '.join(self.fields)})" if self.fields else "made"
        return f"{self.manifest['kind']} {metadata['name']} {done}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """A volume that is to become larger, which its PersistentVolumeClaim asks for.

    Attributes:
        claim: The claim's name.
        size: What it is to ask for.
        had: What it asks for.
    """

    claim: str
    size: str
    had: str

    def __str__(self) -> str:
        return f"PersistentVolumeClaim {self.claim} asks for {self.size} instead of {self.had}"

    @property
    def patch(self) -> JsonObject:
        """The patch of the claim."""
        return {"spec": {"resources": {"requests": {"storage": self.size}}}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """What cannot be done.

    Attributes:
        message: What, why, and what a person can do.
        taken: Whether an object of somebody else is in the way; else the volume would have to change.
        passing: Whether that passes by itself.
    """

    message: str
    taken: bool = False
    passing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePlan:
    """What is to be done about an engine.

    Attributes:
        changes: The objects to apply, in order.
        growth: The volume that is to become larger.
        refused: What of the wish cannot be done.
    """

    changes: tuple[Change, ...] = ()
    growth: Growth | None = None
    refused: Refused | None = None


def plan_engine(connection: ElasticsearchConnection, wanted: Iterable[JsonObject], found: Found) -> EnginePlan:
    """What is to be done.

    Nothing is changed while a name is taken. A volume that cannot be had is refused alone: all else is still done.
    """
    wanted = tuple(wanted)
    taken = name_taken(connection, (live for one in wanted if (live := found.of(one["kind"])) is not None))
    if taken is not None:
        return EnginePlan(refused=taken)
    volume: Growth | Refused | None = None
    changes = []
    for one in wanted:
        live, possible = found.of(one["kind"]), one
        if one["kind"] == "StatefulSet" and live is not None:
            possible = _keeping_volume(one, live)
            volume = _plan_volume(connection, one, live, found.of("PersistentVolumeClaim"))
        if (change := _change(possible, live)) is not None:
            changes.append(change)
    growth = volume if isinstance(volume, Growth) else None
    refused = volume if isinstance(volume, Refused) else None
    return EnginePlan(changes=tuple(changes), growth=growth, refused=refused)


def volume_size(claim: Mapping[str, Any] | None) -> str:
    """What a volume holds at the most; empty while there is none."""
    return str((claim or {}).get("status", {}).get("capacity", {}).get("storage", ""))


def volume_grows(claim: Mapping[str, Any] | None) -> str:
    """What a volume waits for that asks for more than it has, in Kubernetes' words; empty for one that has it."""
    has = volume_size(claim)
    if claim is None or not has:
        return ""
    asked = claim["spec"]["resources"]["requests"]["storage"]
    if parse_quantity(has) >= parse_quantity(asked):
        return ""
    said = [_said(one) for one in claim.get("status", {}).get("conditions", ()) if one.get("status") == "True"]
    return f"its volume grows from {has} to {asked}" + "".join(f" ({one})" for one in said)


def stuck_pod(stateful_set: Mapping[str, Any] | None, pod: Mapping[str, Any] | None) -> str:
    """Why a pod of an older template never gives way to the newest one: it cannot start; empty where it does.

    A StatefulSet replaces its pod when that was ready once. One that waits for an image that does not exist, or ends
    whenever it begins, stays until somebody deletes it. No process runs in such a pod.
    """
    if stateful_set is None or pod is None or pod["metadata"].get("deletionTimestamp") is not None:
        return ""
    newest = stateful_set.get("status", {}).get("updateRevision")
    seen = stateful_set.get("status", {}).get("observedGeneration") == stateful_set["metadata"].get("generation")
    has = pod["metadata"].get("labels", {}).get("controller-revision-hash")
    return pod_trouble(pod) if seen and newest and has and has != newest else ""


def name_taken(connection: ElasticsearchConnection, live: Iterable[Mapping[str, Any]]) -> Refused | None:
    """Why objects cannot be made: others have their names."""
    for one in live:
        if of_connection(connection, one):
            continue
        what = f"{one['kind']} {connection.namespace}/{one['metadata']['name']}"
        if _of_an_earlier(connection, one):
            message = f"{what} belongs to an earlier connection of this name and is being deleted with it"
            return Refused(message=message, taken=True, passing=True)
        message = (
            f"{what} is not this connection's, and the engine needs its name: delete it, or give the connection "
            "another name"
        )
        return Refused(message=message, taken=True)
    return None


def rolled_out(stateful_set: Mapping[str, Any] | None) -> bool:
    """Whether the pod runs as the StatefulSet's newest template wants it, and is ready."""
    if stateful_set is None:
        return False
    status = stateful_set.get("status", {})
    return bool(
        status.get("observedGeneration") == stateful_set["metadata"].get("generation")
        and status.get("readyReplicas", 0) >= 1
        and status.get("currentRevision") == status.get("updateRevision")
    )


def pod_trouble(pod: Mapping[str, Any] | None) -> str:
    """What a pod that is not ready waits for, in Kubernetes' words; empty for nothing unusual."""
    status = pod.get("status", {}) if pod is not None else {}
    for condition in status.get("conditions", ()):
        if (condition["type"], condition["status"]) == ("PodScheduled", "False"):
            return _said(condition)
    for container in status.get("containerStatuses", ()):
        waiting = container.get("state", {}).get("waiting")
        if waiting is not None and waiting.get("reason") not in _USUAL:
            return _said(waiting)
    return ""


def _said(state: Mapping[str, Any]) -> str:
    return ": ".join(part for part in (state.get("reason", ""), state.get("message", "")) if part)


def _of_an_earlier(connection: ElasticsearchConnection, live: Mapping[str, Any]) -> bool:
    owners = live["metadata"].get("ownerReferences", ())
    return any((owner.get("kind"), owner.get("name")) == (connection.KIND, connection.name) for owner in owners)


def _keeping_volume(wanted: JsonObject, live: Mapping[str, Any]) -> JsonObject:
    """The StatefulSet with the claim that it was made with, which cannot change: the volume itself grows."""
    size, class_name = _volume(live["spec"]["volumeClaimTemplates"][0]["spec"])
    wants = _volume(wanted["spec"]["volumeClaimTemplates"][0]["spec"])
    if parse_quantity(size) == parse_quantity(wants[0]) and class_name == wants[1]:
        return wanted
    kept = copy.deepcopy(wanted)
    spec = kept["spec"]["volumeClaimTemplates"][0]["spec"]
    spec["resources"]["requests"]["storage"] = size
    spec.pop("storageClassName", None)
    if class_name is not None:
        spec["storageClassName"] = class_name
    return kept


def _plan_volume(
    connection: ElasticsearchConnection, wanted: JsonObject, live: Mapping[str, Any], claim: Mapping[str, Any] | None
) -> Growth | Refused | None:
    """What becomes of the volume: nothing, it grows, or another one is wanted than there can be."""
    made = _volume(live["spec"]["volumeClaimTemplates"][0]["spec"])
    wants = _volume(wanted["spec"]["volumeClaimTemplates"][0]["spec"])
    has = made if claim is None else (_volume(claim["spec"])[0], made[1])
    if wants[1] == has[1] and parse_quantity(wants[0]) >= parse_quantity(has[0]):
        if claim is None or parse_quantity(wants[0]) == parse_quantity(has[0]):
            return None  # it is as wanted, or grows as soon as it is there
        return Growth(claim=claim["metadata"]["name"], size=wants[0], had=has[0])
    message = (
        f"spec.embedded.storage asks for {_words(wants)}, and the volume of StatefulSet {connection.namespace}/"
        f"{connection.engine} has {_words(has)}: it can neither become smaller nor change its class. Set it back, or "
        "make another connection; the engine goes on with the volume that it has"
    )
    return Refused(message=message)


def _volume(spec: Mapping[str, Any]) -> tuple[str, str | None]:
    return spec["resources"]["requests"]["storage"], spec.get("storageClassName")


def _words(volume: tuple[str, str | None]) -> str:
    size, class_name = volume
    return f"{size} of {'the default class' if class_name is None else f'class {class_name}'}"


def _change(wanted: JsonObject, live: Mapping[str, Any] | None) -> Change | None:
    digest = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:16]
    metadata = wanted["metadata"]
    annotations = metadata.get("annotations", {}) | {_WRITTEN: digest}
    marked = {**wanted, "metadata": {**metadata, "annotations": annotations}}
    if live is None:
        return Change(manifest=marked)
    differing = tuple(dict.fromkeys(_differing(wanted, live, ())))
    if not differing and live["metadata"].get("annotations", {}).get(_WRITTEN) == digest:
        return None
    return Change(manifest=marked, fields=differing or ("fields that are not written any more",))


def _differing(wanted: Any, live: Any, path: tuple[str, ...]) -> Iterator[str]:
    """The paths of what is wanted and not there."""
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        for key, value in wanted.items():
            if key in live or value not in ({}, []):
                yield from _differing(value, live.get(key), (*path, key))
    elif isinstance(wanted, list) and isinstance(live, list):
        key = _key_of(wanted)
        if key is None:
            if len(wanted) != len(live):
                yield ".".join(path)
                return
            pairs = zip(wanted, live, strict=True)
        else:
            there = {entry.get(key): entry for entry in live if isinstance(entry, Mapping)}
            pairs = ((entry, there.get(entry[key])) for entry in wanted)  # type: ignore[assignment]
        for one, other in pairs:
            yield from _differing(one, other, path)
    elif not _same(wanted, live, path):
        yield ".".join(path)


def _key_of(entries: list[Any]) -> str | None:
    """By which field entries know each other: the first that all of them have, each with another value."""
    for key in _KEYS:
        values = [entry.get(key) if isinstance(entry, Mapping) else None for entry in entries]
        if None not in values and len({str(value) for value in values}) == len(values) > 0:
            return key
    return None


def _same(wanted: Any, live: Any, path: tuple[str, ...]) -> bool:
    if wanted == live and isinstance(wanted, bool) == isinstance(live, bool):
        return True
    if "resources" in path and isinstance(wanted, str) and isinstance(live, str):
        try:
            return parse_quantity(wanted) == parse_quantity(live)
        except ValueError:
            return False
    return False
