"""What the operator knows of the cluster: the last seen version of each of its objects, and who belongs to whom.

Fed by the watches and by the answers to the operator's own patches; read by everything else. Nothing here
waits or calls.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, cast

from anomalyops.handlers.options import DEFAULT_CONNECTION_NAME, ObjectKey
from anomalyops.resources import AnomalyJob, Datafeed, ElasticsearchConnection, ManifestError, Metadata

Kind = Literal["AnomalyJob", "Datafeed", "ElasticsearchConnection"]
R = TypeVar("R", AnomalyJob, Datafeed, ElasticsearchConnection)

KINDS: Mapping[Kind, type[AnomalyJob] | type[Datafeed] | type[ElasticsearchConnection]] = {
    "AnomalyJob": AnomalyJob,
    "Datafeed": Datafeed,
    "ElasticsearchConnection": ElasticsearchConnection,
}
PLURALS: Mapping[Kind, str] = {
    "AnomalyJob": "anomalyjobs",
    "Datafeed": "datafeeds",
    "ElasticsearchConnection": "elasticsearchconnections",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Generic[R]):
    """One object as it was last seen.

    `resource` is None when the object breaks a rule that admission could not check; `problem` then says which.
    """

    kind: Kind
    metadata: Metadata
    resource: R | None
    problem: str = ""
    status: Mapping[str, Any] | None = None  # as stored; kept for objects without a resource
    job: str | None = None  # Datafeeds only: the name in spec.jobRef

    @property
    def key(self) -> ObjectKey:
        """Namespace and name."""
        return ObjectKey(self.metadata.namespace, self.metadata.name)


def read(body: Mapping[str, Any]) -> Seen[Any]:
    """Reads an object of the API server; never fails, a bad one carries its problem."""
    kind = cast(Kind, body["kind"])
    metadata = Metadata.model_validate(body["metadata"])
    reference = body.get("spec", {}).get("jobRef", {}).get("name") if kind == "Datafeed" else None
    try:
        resource, problem = KINDS[kind].from_object(dict(body)), ""
    except ManifestError as error:
        resource, problem = None, str(error)
    status = None if resource is not None else body.get("status")
    return Seen(kind=kind, metadata=metadata, resource=resource, problem=problem, status=status, job=reference)


class ClusterState:
    """Jobs, datafeeds and connections by namespace and name.

    Args:
        default_connection: The installation's default, for namespaces without a connection named `default`.
    """

    def __init__(self, default_connection: ObjectKey | None = None) -> None:
        self.default_connection = default_connection
        self.jobs: dict[ObjectKey, Seen[AnomalyJob]] = {}
        self.datafeeds: dict[ObjectKey, Seen[Datafeed]] = {}
        self.connections: dict[ObjectKey, Seen[ElasticsearchConnection]] = {}
        self._feeds_of: defaultdict[ObjectKey, set[ObjectKey]] = defaultdict(set)
        self._last_connection: dict[ObjectKey, ObjectKey] = {}

    def put(self, body: Mapping[str, Any]) -> tuple[Seen[Any], Seen[Any] | None]:
        """Takes in a version of an object and returns what is known now and was before.

        A version older than the known one is dropped: the answer to a patch of our own can overtake the watch.
        """
        seen = read(body)
        objects = self._objects(seen.kind)
        before = objects.get(seen.key)
        if before is not None and _older(seen.metadata, before.metadata):
            return before, before
        objects[seen.key] = seen
        if seen.kind == "Datafeed":
            self._link(before, seen)
        return seen, before

    def remove(self, seen: Seen[Any]) -> None:
        """Forgets an object that is gone; a new one of the same name stays."""
        known = self._objects(seen.kind).get(seen.key)
        if known is not None and known.metadata.uid == seen.metadata.uid:
            del self._objects(seen.kind)[seen.key]
            if seen.kind == "Datafeed":
                self._link(known, None)

    def datafeeds_of(self, job: ObjectKey) -> list[Seen[Datafeed]]:
        """The Datafeeds that refer to the job, the oldest first: it is the one that counts."""
        feeds = [self.datafeeds[key] for key in self._feeds_of.get(job, ())]
        return sorted(feeds, key=lambda feed: (str(feed.metadata.creation_timestamp), feed.metadata.name))

    def pair_keys(self) -> Iterator[ObjectKey]:
        """Namespace and job name of every pair: of every job, and of every job that a Datafeed waits for."""
        yield from self.jobs
        yield from (key for key in self._feeds_of if key not in self.jobs)

    def connection_of(self, pair: ObjectKey) -> ObjectKey | None:
        """The connection that the pair uses: named by the job, else the namespace's, else the installation's.

        A pair whose job is gone keeps the connection that it had. None when there is no default.
        """
        job = self.jobs.get(pair)
        if job is None and pair in self._last_connection:
            return self._last_connection[pair]
        reference = job.resource.spec.connection_ref if job is not None and job.resource is not None else None
        if reference is not None:
            return ObjectKey(pair.namespace, reference.name)
        local = ObjectKey(pair.namespace, DEFAULT_CONNECTION_NAME)
        return local if local in self.connections or self.default_connection is None else self.default_connection

    def remember_connection(self, pair: ObjectKey, connection: ObjectKey) -> None:
        """Keeps the connection that a pair was reconciled on, for the time when its job is gone."""
        self._last_connection[pair] = connection

    def last_connection(self, pair: ObjectKey) -> ObjectKey | None:
        """The connection that a pair was last reconciled on by this process."""
        return self._last_connection.get(pair)

    def remembered_on(self, connection: ObjectKey) -> bool:
        """Whether a pair was last reconciled on this connection."""
        return connection in self._last_connection.values()

    def forget_pair(self, pair: ObjectKey) -> None:
        """Nothing of the pair is left."""
        self._last_connection.pop(pair, None)

    def pairs_on(self, connection: ObjectKey) -> list[ObjectKey]:
        """The pairs that use the connection."""
        return [pair for pair in self.pair_keys() if self.connection_of(pair) == connection]

    def _objects(self, kind: Kind) -> dict[ObjectKey, Seen[Any]]:
        objects: dict[ObjectKey, Seen[Any]]
        objects = {"AnomalyJob": self.jobs, "Datafeed": self.datafeeds}.get(kind, self.connections)  # type: ignore[assignment]
        return objects

    def _link(self, before: Seen[Any] | None, now: Seen[Any] | None) -> None:
        """Keeps the index from jobs to their Datafeeds."""
        if before is not None and before.job is not None:
            job = ObjectKey(before.key.namespace, before.job)
            self._feeds_of[job].discard(before.key)
            if not self._feeds_of[job]:
                del self._feeds_of[job]
        if now is not None and now.job is not None:
            self._feeds_of[ObjectKey(now.key.namespace, now.job)].add(now.key)


def _older(one: Metadata, other: Metadata) -> bool:
    """Whether `one` is an older version of the same object; resource versions grow, as of Kubernetes 1.35."""
    if one.uid != other.uid or not (one.resource_version.isdigit() and other.resource_version.isdigit()):
        return False
    return int(one.resource_version) < int(other.resource_version)
