"""The connections of a cluster with their Secrets, as far as a person may read them."""

from __future__ import annotations

from anomalyops.cluster.access import Cluster
from anomalyops.local.manifests import Manifests
from anomalyops.resources import AnomalyJob, ElasticsearchConnection


async def with_connections(cluster: Cluster, job: AnomalyJob) -> Manifests:
    """A job, and what leads from it to its server, as files would say it.

    Raises:
        KubeApiError: The connections cannot be listed.
    """
    found = Manifests(jobs=[job])
    for connection in await cluster.objects(ElasticsearchConnection, job.namespace):
        found.connections[connection.namespace, connection.name] = connection
        await read_secrets(cluster, connection, found)
    return found


async def read_secrets(cluster: Cluster, connection: ElasticsearchConnection, found: Manifests) -> None:
    """Adds the Secrets and ConfigMaps that a connection names to what was found, those that may be read.

    Raises:
        KubeApiError: The API does not answer.
    """
    namespace = connection.namespace
    for kind, name in sorted(connection.sources):
        if (kind, namespace, name) in found.secrets:
            continue
        secret = await cluster.secret(kind, name, namespace)
        if secret is not None:
            found.secrets[kind, namespace, name] = secret
