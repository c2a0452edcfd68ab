"""The embedded engines: what connections with `spec.embedded` want is made, kept, and renewed.

A run of a key looks at all objects of one engine and applies what differs; nothing is remembered between runs, so one
that was cut off anywhere is done by the next. Objects go with their connection, which owns them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from anomalyops.controllers.connection.controller import ConnectionController
from anomalyops.controllers.embedded.keys import Keys, keys
from anomalyops.controllers.embedded.watches import ObjectWatch, Place
from anomalyops.health import EngineFacts, Failure, FailureKind, Notice
from anomalyops.plan.embedded import (
    Change,
    EnginePlan,
    EngineSettings,
    Found,
    Growth,
    Refused,
    authority_name,
    engine_objects,
    host_names,
    name_taken,
    plan_engine,
    pod_trouble,
    rolled_out,
    secret_object,
    stuck_pod,
    volume_claim,
    volume_grows,
    volume_size,
)
from anomalyops.resources import ElasticsearchConnection, Reason, SecretManifest
from anomalyops.watching.controller import Report
from anomalyops.watching.kubeapi import JsonObject, KubeApi, KubeApiError
from anomalyops.watching.objects import Objects, Seen
from anomalyops.watching.options import ObjectKey
from anomalyops.watching.work import Work

logger = logging.getLogger(__name__)

MANAGER: Final = "anomalyops"
_REFUSED_RETRY: Final = 5.0  # seconds until a right that is missing is asked for again
_TAKEN_RETRY: Final = 5.0  # seconds until it is looked whether a name is free
_STARTING_LOOK: Final = 15.0  # seconds between two looks at what a pod waits for, of which no watch tells
_LOOK: Final = 86_400.0  # seconds between two looks at when a certificate ends
_COLLECTIONS: Final = {
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Service": "/api/v1/namespaces/{}/services",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
}


def place(kind: str, namespace: str, name: str) -> Place:
    """Where an object of an engine is."""
    return Place(_COLLECTIONS[kind].format(namespace), name)


@dataclass(frozen=True, slots=True)
class _Held:
    """A Secret that is there."""

    manifest: JsonObject

    @property
    def data(self) -> dict[str, bytes]:
        return dict(SecretManifest.from_object(self.manifest).data)

    @property
    def version(self) -> str:
        return str(self.manifest["metadata"]["resourceVersion"])


class EmbeddedController:
    """Runs the engine of each connection with `spec.embedded`: its keys are connections.

    Args:
        objects: All objects.
        work: The queue.
        api: The Kubernetes API.
        connections: Are told how the engines are.
        settings: What the installation says of all engines.
        now: The present time.
    """

    name: ClassVar[str] = "embedded-engine"

    def __init__(
        self,
        objects: Objects,
        work: Work,
        api: KubeApi,
        connections: ConnectionController,
        settings: EngineSettings,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._objects = objects
        self._work = work
        self._api = api
        self._connections = connections
        self._settings = settings
        self._now = now
        self._watches: dict[ObjectKey, list[ObjectWatch]] = {}

    def concerned(self, seen: Seen[Any]) -> Iterable[ObjectKey]:
        """A connection with an engine, and one that had one."""
        if seen.kind.model is not ElasticsearchConnection:
            return []
        embedded = seen.resource is not None and seen.resource.spec.embedded is not None
        return [seen.key] if embedded or seen.key in self._watches else []

    def lane(self, key: ObjectKey) -> Hashable:
        """One engine waits for no other."""
        return ("engine", key)

    async def stop(self) -> None:
        """End all watches."""
        for key in list(self._watches):
            await self._forget(key)

    async def process(self, key: ObjectKey) -> Report:
        """Look at all objects of an engine and apply what differs."""
        seen = self._objects.of(ElasticsearchConnection).get(key)
        connection = seen.resource if seen is not None else None
        if seen is None or connection is None or connection.spec.embedded is None:
            await self._forget(key)
            return Report()
        if connection.deletion_requested is not None:  # its objects go with it
            return Report()
        self._watch(key, connection)
        try:
            facts, report = await self._keep(seen, connection)
        except KubeApiError as error:
            if error.outdated and not error.refused:
                raise  # a Secret has changed meanwhile
            if not (error.forbidden or error.refused):
                raise
            facts, report = _facts(connection, failure=_failure(connection, error)), _later(_REFUSED_RETRY)
        self._connections.engine_seen(key, facts)
        return report

    async def _keep(self, seen: Seen[Any], connection: ElasticsearchConnection) -> tuple[EngineFacts, Report]:
        """Make what is missing, change what differs, renew what ends."""
        authority = await self._secret(connection, authority_name(connection))
        engine = await self._secret(connection, connection.engine)
        taken = name_taken(connection, [one.manifest for one in (authority, engine) if one is not None])
        if taken is not None:
            return _refused(connection, taken)
        held = keys(
            authority.data if authority is not None else None,
            engine.data if engine is not None else None,
            host_names(connection),
            self._now(),
        )
        done = await self._store(connection, held, authority, engine)
        wanted = engine_objects(connection, self._settings, secrets=held.mark)
        there = {one["kind"]: await self._get(_place_of(one)) for one in wanted}
        claim = await self._get_allowed(_claim_place(connection))
        found = Found(objects={**there, "PersistentVolumeClaim": claim})
        made = plan_engine(connection, wanted, found)
        if made.refused is not None and made.refused.taken:
            return _refused(connection, made.refused)
        for change in made.changes:
            await self._apply(change.manifest)
        failure = await self._grow(connection, made)
        ready = rolled_out(found.of("StatefulSet")) and not made.changes
        trouble, replaced = "", ""
        if not ready:
            trouble, replaced = await self._starting(connection, found)
        growing = volume_grows(claim) or (str(made.growth) if made.growth is not None else "")
        settled = ready and not growing and failure is None
        report = Report(
            notices=_notices(seen, done, made, replaced, grown=failure is None),
            retry_after=self._until(held) if settled else _STARTING_LOOK,
        )
        facts = _facts(connection, failure=failure, ready=ready, made=True, ends=held.ends)
        told = growing if failure is None else ""
        return replace(facts, trouble=trouble, volume_size=volume_size(claim), growing=told), report

    async def _grow(self, connection: ElasticsearchConnection, made: EnginePlan) -> Failure | None:
        """Let the volume grow; why it is not as the manifest wants it, None where it is or will be."""
        kind = FailureKind.ENGINE_STORAGE_FIXED
        if made.refused is not None:
            return Failure(kind=kind, message=made.refused.message)
        if made.growth is None:
            return None
        try:
            await self._api.merge_patch(_claim_place(connection).path, made.growth.patch)
        except KubeApiError as error:
            if not (error.forbidden or error.status == 422) or " cannot patch " in str(error):
                raise
            return Failure(kind=kind, message=_not_grown(made.growth, error))
        return None

    async def _starting(self, connection: ElasticsearchConnection, found: Found) -> tuple[str, str]:
        """What the pod waits for, and why it was replaced; nothing where it may not be looked at."""
        where = Place(f"/api/v1/namespaces/{connection.namespace}/pods", f"{connection.engine}-0")
        pod = await self._get_allowed(where)
        stuck = stuck_pod(found.of("StatefulSet"), pod)
        if stuck and pod is not None:
            await self._api.delete(where.path, uid=pod["metadata"]["uid"])
        return pod_trouble(pod), stuck

    async def _get_allowed(self, where: Place) -> JsonObject | None:
        """An object; None for one that may not be looked at, too."""
        try:
            return await self._get(where)
        except KubeApiError as error:
            if not error.forbidden:
                raise
            return None

    async def _store(
        self, connection: ElasticsearchConnection, held: Keys, authority: _Held | None, engine: _Held | None
    ) -> tuple[str, ...]:
        """Write the Secrets that differ, the authority's first; what was made, in words."""
        names = (authority_name(connection), connection.engine)
        for name, had, data in zip(names, (authority, engine), (held.authority, held.engine), strict=True):
            if had is None:
                await self._create(connection, name, data)
            elif any(had.data.get(key) != value for key, value in data.items()):
                await self._apply(secret_object(connection, name, data, version=had.version))
        return held.made

    async def _create(self, connection: ElasticsearchConnection, name: str, data: Any) -> None:
        """Create a Secret: one that has appeared meanwhile is not written over."""
        where = place("Secret", connection.namespace, name)
        await self._api.create(f"{where.collection}?fieldManager={MANAGER}", secret_object(connection, name, data))

    async def _apply(self, manifest: JsonObject) -> None:
        await self._api.apply(_place_of(manifest).path, manifest, manager=MANAGER)

    async def _secret(self, connection: ElasticsearchConnection, name: str) -> _Held | None:
        found = await self._get(place("Secret", connection.namespace, name))
        return None if found is None else _Held({"kind": "Secret", **found})

    async def _get(self, where: Place) -> JsonObject | None:
        try:
            return await self._api.get(where.path)
        except KubeApiError as error:
            if not error.missing:
                raise
            return None

    def _until(self, held: Keys) -> float:
        return min(_LOOK, max(1.0, (held.due - self._now()).total_seconds()))

    def _watch(self, key: ObjectKey, connection: ElasticsearchConnection) -> None:
        """Be told of each change of the engine's objects."""
        if key in self._watches:
            return
        names = {kind: [connection.engine] for kind in _COLLECTIONS}
        names["Secret"].append(authority_name(connection))
        places = [place(kind, key.namespace, name) for kind, those in names.items() for name in those]
        self._watches[key] = [ObjectWatch(self._api, one, lambda: self._work.add(self.name, key)) for one in places]

    async def _forget(self, key: ObjectKey) -> None:
        for watch in self._watches.pop(key, ()):
            await watch.stop()


def _place_of(manifest: JsonObject) -> Place:
    metadata = manifest["metadata"]
    return place(manifest["kind"], metadata["namespace"], metadata["name"])


def _claim_place(connection: ElasticsearchConnection) -> Place:
    collection = f"/api/v1/namespaces/{connection.namespace}/persistentvolumeclaims"
    return Place(collection, volume_claim(connection))


def _not_grown(growth: Growth, error: KubeApiError) -> str:
    return (
        f"spec.embedded.storage asks for {growth.size}, and Kubernetes does not let PersistentVolumeClaim "
        f"{growth.claim} grow from {growth.had}: {error}. Set it back, or let its StorageClass have "
        "allowVolumeExpansion; the engine goes on with the volume that it has"
    )


def _later(seconds: float) -> Report:
    return Report(retry_after=seconds)


def _refused(connection: ElasticsearchConnection, refused: Refused) -> tuple[EngineFacts, Report]:
    """A name is taken: for good, or until what is being deleted is gone."""
    kind = FailureKind.ENGINE_STARTING if refused.passing else FailureKind.ENGINE_NAME_TAKEN
    return _facts(connection, failure=Failure(kind=kind, message=refused.message)), _later(_TAKEN_RETRY)


def _facts(
    connection: ElasticsearchConnection,
    *,
    failure: Failure | None = None,
    ready: bool = False,
    made: bool = False,
    ends: datetime | None = None,
) -> EngineFacts:
    return EngineFacts(
        name=connection.engine,
        volume_claim=volume_claim(connection),
        made=made,
        ready=ready,
        failure=failure,
        certificate_ends=ends,
    )


def _failure(connection: ElasticsearchConnection, error: KubeApiError) -> Failure:
    """Why Kubernetes does not take the objects, and what to do: a right is missing, or an object is refused."""
    denied = re.search(r'User "system:serviceaccount:([a-z0-9.-]+:[a-z0-9.-]+)" cannot ', str(error))
    if not error.forbidden or not (denied or " cannot " in str(error)):
        return Failure(kind=FailureKind.REJECTED, message=f"Kubernetes refuses an object of the engine: {error}")
    account = denied.group(1) if denied else "anomalyops-system:anomalyops"
    namespace = connection.namespace
    message = (
        f"the operator may not run an engine in namespace {namespace} ({error}); name the namespace in "
        "rbac.engineNamespaces of the chart, or allow it with: kubectl create rolebinding anomalyops-engine-runner "
        f"-n {namespace} --clusterrole=anomalyops-engine-runner --serviceaccount={account}"
    )
    return Failure(kind=FailureKind.ENGINE_FORBIDDEN, message=message)


def _notices(
    seen: Seen[Any], made: tuple[str, ...], plan: EnginePlan, replaced: str, *, grown: bool
) -> tuple[tuple[Seen[Any], Notice], ...]:
    """What was done, in words without a value of any Secret."""
    told = []
    if made:
        told.append((Reason.CERTIFICATE_RENEWED, f"made anew for the embedded engine: {', '.join(made)}"))
    done: list[Change | Growth] = [*plan.changes]
    if plan.growth is not None and grown:
        done.append(plan.growth)
    if done:
        told.append((Reason.ENGINE_CHANGED, "; ".join(map(str, done))))
    if replaced:
        told.append(
            (Reason.ENGINE_CHANGED, f"a pod that could not start makes way for the newest template: {replaced}")
        )
    for _, message in told:
        logger.info("connection %s: %s", seen.key, message)
    kind, name = ElasticsearchConnection.KIND, seen.key.name
    return tuple(
        (seen, Notice(kind=kind, name=name, type="Normal", reason=reason, message=message)) for reason, message in told
    )
