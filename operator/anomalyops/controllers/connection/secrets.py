"""Credentials and authorities of connections, from the Secrets and ConfigMaps that they name."""

from __future__ import annotations

from collections.abc import Callable

from anomalyops.controllers.sources import Source
from anomalyops.reconciler import Credentials
from anomalyops.resources import ElasticsearchConnection


def sources(connection: ElasticsearchConnection) -> frozenset[Source]:
    """The Secrets and ConfigMaps that the connection names."""
    collections = {"Secret": "secrets", "ConfigMap": "configmaps"}
    return frozenset(Source(collections[kind], connection.namespace, name) for kind, name in connection.sources)


def credentials(connection: ElasticsearchConnection, value: Callable[[Source, str], str]) -> Credentials | None:
    """What to log in with; None for a connection that names nothing.

    Args:
        connection: The connection.
        value: The text under a key of a source; raises SourceError when there is none.

    Raises:
        SourceError: a source or key is missing.
    """
    spec, namespace = connection.resolved(), connection.namespace
    found: dict[str, str] = {}
    if spec.auth is not None and (api_key := spec.auth.api_key_secret_ref) is not None:
        found["api_key"] = value(Source("secrets", namespace, api_key.name), api_key.key)
    if spec.auth is not None and (basic := spec.auth.basic_secret_ref) is not None:
        source = Source("secrets", namespace, basic.name)
        found["username"] = basic.username or value(source, basic.username_key)
        found["password"] = value(source, basic.password_key)
    if spec.auth is not None and (bearer := spec.auth.bearer_secret_ref) is not None:
        found["bearer"] = value(Source("secrets", namespace, bearer.name), bearer.key)
    if (shown := spec.client_certificate_secret_ref) is not None:
        source = Source("secrets", namespace, shown.name)
        found["certificate_pem"] = value(source, shown.certificate_key)
        found["key_pem"] = value(source, shown.private_key_key)
    if spec.ca_secret_ref is not None:
        source = Source("secrets", namespace, spec.ca_secret_ref.name)
        found["ca_pem"] = value(source, spec.ca_secret_ref.key)
    if spec.ca_config_map_ref is not None:
        source = Source("configmaps", namespace, spec.ca_config_map_ref.name)
        found["ca_pem"] = value(source, spec.ca_config_map_ref.key)
    return Credentials(**found) if found else None
