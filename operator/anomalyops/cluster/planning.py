"""What merging manifests does on the servers of a cluster's resources, as the operator would do it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from anomalyops.cluster.access import Cluster
from anomalyops.cluster.affected import Affected, ConfigMapsAround, Unit, affected, meaning, reads_others
from anomalyops.cluster.connections import read_secrets
from anomalyops.cluster.errors import ClusterError
from anomalyops.cluster.merging import Action, Change, Merge, is_made, merged
from anomalyops.controllers.pair.place import pinned, refusal
from anomalyops.controllers.place import Place, home
from anomalyops.controllers.shared.place import refusal as refusal_of_shared
from anomalyops.elastic import Gateway, GatewayError
from anomalyops.local.connections import Login, connection_at, credentials_for, open_gateway
from anomalyops.local.errors import LocalError
from anomalyops.local.manifests import Manifests
from anomalyops.plan import CreateJob, DatafeedState, JobState, Observed, Obstacle, Plan, Subject, plan, presumed
from anomalyops.reconciler import Credentials, Pair, Reconciler, SharedObject, SharedReconciler
from anomalyops.reconciler.pair import desired, policy
from anomalyops.resources import (
    BY_NAME,
    KINDS,
    AnomalyFilter,
    AnomalyJob,
    AnyResource,
    ConditionType,
    DataCounts,
    Datafeed,
    DeletionPolicy,
    ElasticsearchConnection,
    MovePolicy,
    Reason,
    SharedResource,
    find_condition,
)
from anomalyops.watching.choice import Known, barred, chosen_connection, why_barred
from anomalyops.watching.kubeapi import KubeApiError
from anomalyops.watching.options import ObjectKey


class Model(StrEnum):
    """What becomes of what a job has learned."""

    NONE = "none"  # there is no job with a model behind this
    NEW = "new"
    KEPT = "kept"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPlan:
    """Resources that are planned together, what changes of them, and what the operator then does on the server.

    Attributes:
        resources: They, as they will be or were.
        changes: What the merge does to them; nothing to a calendar of which only the jobs change.
        plan: What is then done on the server.
        model: What becomes of the model.
        presumed: Why the server was not asked, so that the plan is made from what the cluster says of it; else empty.
        notes: What else it means.
    """

    resources: tuple[AnyResource, ...]
    changes: tuple[Change, ...]
    plan: Plan = field(default_factory=Plan)
    model: Model = Model.NONE
    presumed: str = ""
    notes: tuple[str, ...] = ()

    @property
    def refused(self) -> tuple[str, ...]:
        """What the API server refuses of it."""
        return tuple(words for change in self.changes for words in change.refused)


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePlan:
    """What a merge does to a cluster and its servers.

    Attributes:
        namespaces: Those that were looked at.
        merge: What it does to the objects.
        units: What it does on the servers; only what the merge has to do with.
        unreadable: Live objects that cannot be read, and why.
    """

    namespaces: tuple[str, ...]
    merge: Merge
    units: tuple[UnitPlan, ...]
    unreadable: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing changes, in the cluster or on a server."""
        return self.merge.empty and all(unit.plan.empty for unit in self.units)

    @property
    def destructive(self) -> bool:
        """Whether a model or results are lost."""
        return any(unit.plan.destructive for unit in self.units)

    @property
    def stalled(self) -> bool:
        """Whether a person has to act before the manifests can be fulfilled."""
        return any(unit.plan.stalled or unit.refused for unit in self.units)


async def plan_merge(
    cluster: Cluster,
    manifests: Manifests,
    login: Login,
    *,
    prune: bool = False,
    labels: Mapping[str, str] | None = None,
    default_connection: ObjectKey | None = None,
    cluster_id: str = "",
) -> MergePlan:
    """What merging manifests changes; nothing is written anywhere.

    Args:
        cluster: The cluster, whose namespace is that of manifests that name none.
        manifests: What the files hold.
        login: What the command line and the environment say about servers.
        prune: Whether what is in no manifest goes.
        labels: Those that an object must have to be pruned.
        default_connection: The installation's, for namespaces without a connection named `default`.
        cluster_id: What the operator calls this cluster; empty for the uid of kube-system.

    Raises:
        ClusterError: The cluster does not have the kinds, or the files hold nothing.
        KubeApiError: The objects cannot be listed.
    """
    wanted = wanted_resources(manifests)
    read = {namespace for kind, namespace, _ in manifests.secrets if kind == "ConfigMap"}
    if not wanted and not prune and not read:
        raise ClusterError("nothing to plan: no resource of this product is in the files")
    namespaces = tuple(sorted({one.namespace for one in wanted} | read | ({cluster.namespace} if prune else set())))
    live, unreadable = await _live(cluster, namespaces)
    merge = merged(wanted, live, prune=prune, labels=labels)
    servers = _Servers(
        cluster=cluster,
        manifests=manifests,
        login=login,
        default=default_connection,
        identity=cluster_id,
        connections={
            ObjectKey(one.namespace, one.name): one for one in merge.after() if isinstance(one, ElasticsearchConnection)
        },
    )
    await servers.identify()
    others = [
        UnitPlan(resources=(one.resource,), changes=(one,), notes=(words,))
        for one in merge.changes
        if one.action is not Action.UNCHANGED and (words := meaning(one))
    ]
    config_maps = await _config_maps(cluster, manifests, merge)
    units = [*others, *await servers.plan_all(affected(merge, config_maps))]
    return MergePlan(namespaces=namespaces, merge=merge, units=tuple(units), unreadable=tuple(unreadable))


async def _config_maps(cluster: Cluster, manifests: Manifests, merge: Merge) -> ConfigMapsAround:
    """The ConfigMaps that filter lists and calendars name, as they are and as they will be."""
    named = {
        ("ConfigMap", one.namespace, name)
        for one in (*merge.before(), *merge.after())
        if isinstance(one, SharedResource)
        for name in one.config_maps
    }
    live = {}
    for kind, namespace, name in sorted(named):
        if (found := await cluster.secret(kind, name, namespace)) is not None:
            live[kind, namespace, name] = found
    return ConfigMapsAround(before=live, after={**live, **manifests.secrets})


def wanted_resources(manifests: Manifests) -> list[AnyResource]:
    """All resources of the files, without what is made from the AnomalyJobSets among them."""
    return [one for one in manifests.resources() if not is_made(one)]


async def _live(cluster: Cluster, namespaces: Iterable[str]) -> tuple[list[AnyResource], list[str]]:
    found: list[AnyResource] = []
    unreadable: list[str] = []
    for namespace in namespaces:
        for kind in KINDS:
            found += await cluster.objects(kind.model, namespace, unreadable)
    told = "in the cluster and not readable as it is, so that a manifest of it counts as a new object"
    return found, [f"{name}: {told}: {why}" for name, _, why in (line.partition(": ") for line in unreadable)]


# -- servers -------------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class _Servers:
    """The servers of a cluster's resources, as far as they can be asked from here."""

    cluster: Cluster
    manifests: Manifests
    login: Login
    default: ObjectKey | None
    identity: str
    connections: dict[ObjectKey, ElasticsearchConnection]
    unknown: str = ""  # why it is not known whose the marks on servers are

    async def identify(self) -> None:
        """Find out what the operator calls this cluster."""
        try:
            self.identity = self.identity or await self.cluster.cluster_id()
        except KubeApiError as error:
            if not (error.forbidden or error.missing):
                raise
            self.identity = "this cluster"  # in presumed marks alone: no server is compared with it
            self.unknown = (
                "what the operator calls this cluster is not known (namespace kube-system may not be read): "
                "give --cluster-id"
            )

    async def plan_all(self, units: Sequence[Affected]) -> list[UnitPlan]:
        """The plans of units, in their order."""
        grouped: dict[ObjectKey | None, list[Affected]] = {}
        for unit in units:
            grouped.setdefault(self._key(unit.after), []).append(unit)
        planned: dict[int, UnitPlan] = {}
        for key, members in grouped.items():
            found = await self._plan_group(key, members)
            planned |= {id(unit): one for unit, one in zip(members, found, strict=True)}
        return [planned[id(unit)] for unit in units]

    def _key(self, unit: Unit) -> ObjectKey | None:
        """The connection of a unit, as the operator chooses it."""
        if self.login.url:
            return None
        resource = unit.resource if isinstance(unit, SharedObject) else unit.job
        namespace = self._namespace(unit)
        reference = resource.spec.connection_ref if resource is not None else None
        return chosen_connection(
            lambda key: Known(key in self.connections, self.connections.get(key)), namespace, reference, self.default
        )

    async def _plan_group(self, key: ObjectKey | None, units: Sequence[Affected]) -> list[UnitPlan]:
        try:
            if self.unknown:
                raise ClusterError(self.unknown)
            connection, credentials = await self._way(key)
            self._make_sure_it_serves(connection, key, units)
            async with open_gateway(connection, credentials) as gateway:
                uuid = (await gateway.info()).cluster_uuid
                here = Place(key, uuid) if key is not None else None
                return [await self._asked(unit, gateway, here, units) for unit in units]
        except (GatewayError, LocalError, ClusterError) as error:
            return [self._presumed(unit, str(error)) for unit in units]

    def _make_sure_it_serves(
        self, connection: ElasticsearchConnection, key: ObjectKey | None, units: Sequence[Affected]
    ) -> None:
        """A connection of another namespace may have been read only now.

        Raises:
            ClusterError: It does not allow the namespace of a unit.
        """
        for unit in units:
            namespace = self._namespace(unit.after)
            if key is not None and not connection.admits(namespace, by_default=key == self.default):
                raise ClusterError(why_barred(barred(namespace, key)))

    @staticmethod
    def _namespace(unit: Unit) -> str:
        return unit.resource.namespace if isinstance(unit, SharedObject) else unit.namespace

    async def _way(self, key: ObjectKey | None) -> tuple[ElasticsearchConnection, Credentials | None]:
        """How a server is reached.

        Raises:
            ClusterError: There is no such connection, or it may not be read.
            LocalError: Its Secret may not be read, and the environment holds no credentials.
        """
        if key is None:
            connection = connection_at(self.login.url or "")
            return connection, credentials_for(self.manifests, connection, self.login)
        if refusal := why_barred(key):
            raise ClusterError(refusal)
        connection = self.connections.get(key) or await self._read(key)
        known = Manifests(secrets=dict(self.manifests.secrets))
        await read_secrets(self.cluster, connection, known)
        return connection, credentials_for(known, connection, self.login)

    async def _read(self, key: ObjectKey) -> ElasticsearchConnection:
        found = next((one for one in await self._listed(key.namespace) if one.name == key.name), None)
        if found is None:
            raise ClusterError(f"ElasticsearchConnection {key} does not exist, or may not be read")
        return found

    async def _listed(self, namespace: str) -> list[ElasticsearchConnection]:
        try:
            return await self.cluster.objects(ElasticsearchConnection, namespace)
        except KubeApiError as error:
            if error.forbidden or error.missing:
                return []
            raise

    async def _asked(self, unit: Affected, gateway: Gateway, here: Place | None, units: Sequence[Affected]) -> UnitPlan:
        """The plan as the server has things now."""
        after = unit.after
        if isinstance(after, SharedObject):
            lives = home(after.resource)
            if lives is not None and here is not None and not lives.is_server_of(here):
                return _told(unit, _shared_elsewhere(after.resource, refusal_of_shared(lives, here)))
            found = await SharedReconciler(gateway, cluster=self.identity).plan(after)
            return _told(unit, found)
        lives = pinned(after)
        if lives is not None and here is not None and not lives.is_server_of(here):
            return _told(unit, _elsewhere(after, refusal(lives, here)))
        coming = [
            one.after.resource.server_id
            for one in units
            if isinstance(one.after, SharedObject)
            and isinstance(one.after.resource, AnomalyFilter)
            and one.after.resource.deletion_requested is None
        ]
        reconciler = Reconciler(gateway, cluster=self.identity, coming=coming)
        return _told(unit, await reconciler.plan(after))

    def _presumed(self, unit: Affected, why: str) -> UnitPlan:
        """The plan as the cluster says that things are on the server."""
        if isinstance(unit.after, SharedObject):
            return _told(unit, Plan(), why)
        before = unit.before if isinstance(unit.before, Pair) else None
        seen = presumed_server(before, self.identity)
        wanted = desired(unit.after, cluster=self.identity)
        return _told(unit, plan(wanted, seen, policy(unit.after, now=datetime.now(UTC))), why)


def presumed_server(pair: Pair | None, cluster: str) -> Observed:
    """What the server has of a pair by its manifests and statuses; nothing where it never was carried out."""
    status = pair.job.status if pair is not None and pair.job is not None else None
    if pair is None or status is None or status.job_state is None:
        return Observed(job=None, datafeed=None)
    feed = pair.datafeed.status if pair.datafeed is not None else None
    ready = find_condition(feed.conditions, ConditionType.READY) if feed is not None else None
    return presumed(
        desired(pair, cluster=cluster),
        policy(pair),
        job_state=JobState(status.job_state),
        feed_state=DatafeedState((feed.datafeed_state if feed is not None else None) or "stopped"),
        completed=ready is not None and ready.reason == Reason.LOOKBACK_COMPLETE,
        model_bytes=(status.memory.model_bytes or 0) if status.memory is not None else 0,
        data_counts=_counts(status.data_counts),
    )


def _counts(known: DataCounts | None) -> dict[str, int] | None:
    """What a job has read, by the server's names; None where the status does not tell."""
    if known is None or known.processed_record_count is None:
        return None
    latest = known.latest_record_time
    counts = {"processed_record_count": known.processed_record_count}
    return counts | ({} if latest is None else {"latest_record_timestamp": round(latest.timestamp() * 1000)})


def _elsewhere(pair: Pair, words: str) -> Plan:
    """What is done about a pair whose connection leads to another server than the one that it lives on."""
    if pair.job is not None and pair.job.spec.move_policy is MovePolicy.MOVE:
        return Plan(unchecked=(f"movePolicy is Move: {words}",))
    obstacle = Obstacle(reason=Reason.PLACE_CHANGED, message=words, subject=Subject.JOB)
    return Plan(obstacles=(obstacle,))


def _shared_elsewhere(resource: SharedResource, words: str) -> Plan:
    """The same about what jobs share."""
    if resource.spec.move_policy is MovePolicy.MOVE:
        return Plan(unchecked=(f"movePolicy is Move: {words}",))
    subject = Subject(BY_NAME[resource.KIND].server_object)
    return Plan(obstacles=(Obstacle(reason=Reason.PLACE_CHANGED, message=words, subject=subject),))


def _told(unit: Affected, found: Plan, why: str = "") -> UnitPlan:
    resources = unit.after.resources if isinstance(unit.after, Pair) else (unit.after.resource,)
    return UnitPlan(
        resources=resources,
        changes=unit.changes,
        plan=found,
        model=_model(unit, found),
        presumed=why,
        notes=tuple(_notes(unit)),
    )


def _model(unit: Affected, found: Plan) -> Model:
    if isinstance(unit.after, SharedObject) or unit.after.job is None:
        return Model.NONE
    if found.destructive:
        return Model.LOST
    if any(isinstance(step, CreateJob) for step in found.steps):
        return Model.NEW
    was_there = isinstance(unit.before, Pair) and unit.before.job is not None and unit.before.job.status is not None
    return Model.KEPT if was_there or found.steps else Model.NONE


_DELETED: Final = {
    DeletionPolicy.RETAIN: "deletionPolicy Retain: it stays on the server, stopped and closed, and nobody manages it",
    DeletionPolicy.DELETE: "deletionPolicy Delete: it is deleted from the server",
    DeletionPolicy.ORPHAN: "deletionPolicy Orphan: it stays on the server as it is, and nobody manages it",
}


def _notes(unit: Affected) -> Iterator[str]:
    for change in unit.changes:
        resource = change.before
        if change.action is Action.REMOVED and isinstance(resource, AnomalyJob | Datafeed | SharedResource):
            words = _DELETED[resource.spec.deletion_policy]
            if isinstance(resource, SharedResource):
                words = words.replace(", stopped and closed,", "")
            yield f"{resource.KIND}/{resource.name}: {words}"
    before, after = unit.before, unit.after
    if isinstance(before, SharedObject) and isinstance(after, SharedObject) and not unit.changes:
        if before.jobs != after.jobs:
            yield "the jobs that it chooses change"
        if reads_others(before, after):
            yield "what its ConfigMaps hold changes"
