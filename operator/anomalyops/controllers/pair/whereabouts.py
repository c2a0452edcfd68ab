"""Where a pair is: the connection that it uses, the server that it lives on, and why neither can be reached."""

from __future__ import annotations

from anomalyops.controllers.connection.controller import ConnectionController
from anomalyops.controllers.connection.runtime import ConnectionRuntime
from anomalyops.controllers.pair.index import PairIndex
from anomalyops.controllers.pair.place import Place
from anomalyops.health import Failure, FailureKind
from anomalyops.resources import ElasticsearchConnection
from anomalyops.watching.objects import Objects
from anomalyops.watching.options import ObjectKey


class Whereabouts:
    """The connections of pairs.

    Args:
        objects: All objects.
        pairs: What each pair refers to.
        connections: The servers.
    """

    def __init__(self, objects: Objects, pairs: PairIndex, connections: ConnectionController) -> None:
        self._objects = objects
        self._pairs = pairs
        self._connections = connections

    def connection(self, key: ObjectKey, lives: Place | None) -> tuple[ObjectKey | None, ConnectionRuntime | None]:
        """The connection that a pair uses, and its runtime when it exists.

        Args:
            key: The pair.
            lives: Where it is to be deleted; None when it is not. A deletion needs no resource of the connection: in a
                namespace that is deleted, connections go before the jobs that wait for their finalizer.
        """
        if lives is not None:
            known = self._connections.runtimes.get(lives.connection)
            for runtime in (known, self.server_of(lives, key)):
                usable = runtime is not None and runtime.usable
                if runtime is not None and usable and Place(runtime.key, runtime.cluster_uuid).is_server_of(lives):
                    return runtime.key, runtime
            if known is not None and not known.usable:
                return lives.connection, known
        connection = self._pairs.connection_of(key)
        return connection, self._connections.runtime(connection) if connection is not None else None

    def server_of(self, lives: Place, key: ObjectKey) -> ConnectionRuntime | None:
        """A connection that a pair may use and that leads to where it lives."""
        default = self._pairs.default_connection
        namespaces = {key.namespace} | ({default.namespace} if default is not None else set())
        return self._connections.leading_to(lives.cluster_uuid, namespaces) if lives.cluster_uuid else None

    def why_unusable(self, connection: ObjectKey | None, runtime: ConnectionRuntime | None) -> Failure:
        """Why a pair cannot be worked on over its connection.

        Args:
            connection: The connection that it uses, None for none.
            runtime: What is known of it, None when there is none of that name.
        """
        if runtime is not None and runtime.failure is not None:
            return runtime.failure
        seen = self._objects.of(ElasticsearchConnection).get(connection) if connection is not None else None
        if seen is not None and seen.problem:
            return Failure(
                kind=FailureKind.NOT_SUPPORTED, message=f"ElasticsearchConnection {connection}: {seen.problem}"
            )
        wanted = f"ElasticsearchConnection {connection}" if connection is not None else "a default connection"
        return Failure(kind=FailureKind.CONNECTION_NOT_FOUND, message=f"{wanted} does not exist")
