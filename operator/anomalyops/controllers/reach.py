"""Which connection an object uses, which one leads to where it lives, and why neither can be used."""

from __future__ import annotations

from anomalyops.controllers.connection.controller import ConnectionController
from anomalyops.controllers.connection.runtime import ConnectionRuntime
from anomalyops.controllers.place import Place
from anomalyops.health import Failure, FailureKind
from anomalyops.resources import ConnectionReference, ElasticsearchConnection
from anomalyops.watching.choice import Known, chosen_connection, why_barred
from anomalyops.watching.objects import Objects
from anomalyops.watching.options import ObjectKey


class Reach:
    """The servers, as objects of a namespace reach them.

    Args:
        objects: All objects.
        connections: The servers.
        default_connection: The installation's default, for namespaces without a connection named `default`.
    """

    def __init__(
        self, objects: Objects, connections: ConnectionController, default_connection: ObjectKey | None
    ) -> None:
        self._objects = objects
        self._connections = connections
        self._default = default_connection

    def runtime(
        self, connection: ObjectKey | None, lives: Place | None, namespace: str
    ) -> tuple[ObjectKey | None, ConnectionRuntime | None]:
        """The connection that an object is worked on over, and its runtime when it exists.

        Args:
            connection: The one that it uses.
            lives: Where it is to be deleted; None when it is not. A deletion needs no resource of the connection: in a
                namespace that is deleted, connections go before the objects that wait for their finalizer.
            namespace: The object's.
        """
        if lives is not None:
            known = self._connections.runtimes.get(lives.connection)
            for runtime in (known, self.server_of(lives, namespace)):
                usable = runtime is not None and runtime.usable
                if runtime is not None and usable and Place(runtime.key, runtime.cluster_uuid).is_server_of(lives):
                    return runtime.key, runtime
            if known is not None and not known.usable:
                return lives.connection, known
        return connection, self._connections.runtime(connection) if connection is not None else None

    def server_of(self, lives: Place, namespace: str) -> ConnectionRuntime | None:
        """A connection that an object of a namespace may use and that leads to where it lives."""
        namespaces = {namespace} | ({self._default.namespace} if self._default is not None else set())
        return self._connections.leading_to(lives.cluster_uuid, namespaces) if lives.cluster_uuid else None

    def why_unusable(self, connection: ObjectKey | None, runtime: ConnectionRuntime | None) -> Failure:
        """Why an object cannot be worked on over its connection.

        Args:
            connection: The connection that it uses, None for none.
            runtime: What is known of it, None when there is none of that name.
        """
        if runtime is not None and runtime.failure is not None:
            return runtime.failure
        if connection is not None and (refusal := why_barred(connection)):
            return Failure(kind=FailureKind.CONNECTION_NOT_ALLOWED, message=refusal)
        seen = self._objects.of(ElasticsearchConnection).get(connection) if connection is not None else None
        if seen is not None and seen.problem:
            return Failure(
                kind=FailureKind.NOT_SUPPORTED, message=f"ElasticsearchConnection {connection}: {seen.problem}"
            )
        wanted = f"ElasticsearchConnection {connection}" if connection is not None else "a default connection"
        return Failure(kind=FailureKind.CONNECTION_NOT_FOUND, message=f"{wanted} does not exist")


def connection_for(
    objects: Objects, namespace: str, reference: ConnectionReference | None, default: ObjectKey | None
) -> ObjectKey | None:
    """The connection that an object of a namespace uses, as `chosen_connection` has it."""
    known = objects.of(ElasticsearchConnection)
    return chosen_connection(
        lambda key: Known(key in known, known[key].resource if key in known else None), namespace, reference, default
    )
