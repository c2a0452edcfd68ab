"""Which connection an object of a namespace uses, and whether it may."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from anomalyops.resources import ConnectionReference, ElasticsearchConnection
from anomalyops.watching.options import DEFAULT_CONNECTION_NAME, ObjectKey


class Known(NamedTuple):
    """Whether a connection is there, and its resource; None for one that cannot be read."""

    there: bool
    resource: ElasticsearchConnection | None


def chosen_connection(
    known: Callable[[ObjectKey], Known],
    namespace: str,
    reference: ConnectionReference | None,
    default: ObjectKey | None,
) -> ObjectKey:
    """The connection that is named, else the namespace's, else the installation's.

    Without a default of the installation, the namespace's own is meant, whether it is there or not.
    One that does not allow the namespace is barred: a key under which there is nothing, and which tells why.

    Args:
        known: What there is under a key.
        namespace: The object's.
        reference: What the object names.
        default: The installation's default connection, which serves every namespace unless it says otherwise.
    """
    if reference is not None:
        found = ObjectKey(reference.namespace or namespace, reference.name)
    else:
        local = ObjectKey(namespace, DEFAULT_CONNECTION_NAME)
        found = local if default is None or known(local).there else default
    resource = known(found).resource if found.namespace != namespace else None
    if resource is None or resource.admits(namespace, by_default=found == default):
        return found
    return barred(namespace, found)


def barred(namespace: str, connection: ObjectKey) -> ObjectKey:
    """What a namespace has in place of a connection that does not allow it; no object's name has a slash."""
    return ObjectKey(namespace, str(connection))


def why_barred(connection: ObjectKey) -> str:
    """Why a connection may not be used, in words; empty where it is not barred."""
    if "/" not in connection.name:
        return ""
    return (
        f"ElasticsearchConnection {connection.name} does not allow namespace {connection.namespace}: add it to "
        "spec.allowedNamespaces there, or use a connection of this namespace"
    )
