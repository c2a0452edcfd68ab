"""Who belongs to whom: jobs, their Datafeeds, and the connection that each pair uses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from anomalyops.controllers.reach import connection_for
from anomalyops.resources import AnomalyJob, Datafeed
from anomalyops.watching.objects import Objects, Seen
from anomalyops.watching.options import DEFAULT_CONNECTION_NAME, ObjectKey


class PairIndex:
    """Pairs by namespace and name of the AnomalyJob, whether it exists or only a Datafeed waits for it.

    Args:
        objects: All objects.
        default_connection: The installation's default, for namespaces without a connection named `default`.
    """

    def __init__(self, objects: Objects, default_connection: ObjectKey | None = None) -> None:
        self._objects = objects
        self.default_connection = default_connection
        self._feeds_of: defaultdict[ObjectKey, set[ObjectKey]] = defaultdict(set)
        self._job_of: dict[ObjectKey, ObjectKey] = {}
        self._last_connection: dict[ObjectKey, ObjectKey] = {}
        objects.tell(self._link)

    def datafeeds_of(self, job: ObjectKey) -> list[Seen[Datafeed]]:
        """The Datafeeds that refer to the job, the oldest first: it is the one that counts."""
        feeds = [self._objects.of(Datafeed)[key] for key in self._feeds_of.get(job, ())]
        return sorted(feeds, key=lambda feed: (str(feed.metadata.creation_timestamp), feed.metadata.name))

    def keys(self) -> Iterator[ObjectKey]:
        """Namespace and job name of every pair: of every job, and of every job that a Datafeed waits for."""
        jobs = self._objects.of(AnomalyJob)
        yield from jobs
        yield from (key for key in self._feeds_of if key not in jobs)

    def connection_of(self, pair: ObjectKey) -> ObjectKey | None:
        """The connection that the pair uses: named by the job, else the namespace's, else the installation's.

        A pair whose job is gone keeps the connection that it had. None when there is no default.
        """
        job = self._objects.of(AnomalyJob).get(pair)
        if job is None and pair in self._last_connection:
            return self._last_connection[pair]
        known = job.resource or job.remains if job is not None else None
        reference = known.spec.connection_ref if known is not None else None
        return connection_for(self._objects, pair.namespace, reference, self.default_connection)

    def remember_connection(self, pair: ObjectKey, connection: ObjectKey) -> None:
        """Keep the connection that a pair was reconciled on, for the time when its job is gone."""
        self._last_connection[pair] = connection

    def remembered_on(self, connection: ObjectKey) -> bool:
        """Whether a pair was last reconciled on this connection."""
        return connection in self._last_connection.values()

    def forget(self, pair: ObjectKey) -> None:
        """Nothing of the pair is left."""
        self._last_connection.pop(pair, None)

    def touched_by(self, connection: ObjectKey) -> list[ObjectKey]:
        """The pairs that use the connection, did so, or may do so now that it came or went."""
        default = connection.name == DEFAULT_CONNECTION_NAME
        return [
            pair
            for pair in self.keys()
            if connection in (self.connection_of(pair), self._last_connection.get(pair))
            or (default and pair.namespace == connection.namespace)
        ]

    def on(self, connection: ObjectKey) -> list[ObjectKey]:
        """The pairs that use the connection."""
        return [pair for pair in self.keys() if self.connection_of(pair) == connection]

    def _link(self, seen: Seen[Any]) -> None:
        """Keep the index from jobs to their Datafeeds."""
        if seen.kind.model is not Datafeed:
            return
        known = self._objects.of(Datafeed).get(seen.key)
        before = self._job_of.pop(seen.key, None)
        if before is not None:
            self._feeds_of[before].discard(seen.key)
            if not self._feeds_of[before]:
                del self._feeds_of[before]
        if known is not None and known.job is not None:
            job = self._job_of[seen.key] = ObjectKey(seen.key.namespace, known.job)
            self._feeds_of[job].add(seen.key)
