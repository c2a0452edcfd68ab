"""The objects of an embedded engine, as a connection wants them.

Every one belongs to the connection and goes with it, but for the volume, which the StatefulSet keeps or deletes as
`storage.whenDeleted` says. The pod gets no token of the Kubernetes API and no right there.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from anomalyops.resources import (
    API_VERSION,
    ENGINE_METRICS_PORT,
    ENGINE_PORT,
    ElasticsearchConnection,
    Embedded,
    EngineClients,
)

JsonObject = dict[str, Any]

ENGINE_LABEL: Final = "anomalyops.io/engine-of"
"""A label of all objects of an engine and of its pod: the connection's name."""

SECRETS_ANNOTATION: Final = "anomalyops.io/secrets"
"""An annotation of the pod that changes with what it reads from its Secret, so that it restarts."""

AUTHORITY: Final = "authority"  # the part of an engine whose Secret nobody mounts

_USER: Final = 65532  # of the image
_SECRET_MODE: Final = 0o440
_MOUNTED: Final = ("password", "tls.crt", "tls.key")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """What an installation says of all embedded engines.

    Attributes:
        image: For engines whose connection names none.
        operator_namespace: Where the operator's pods run; None where that is not known.
    """

    image: str
    operator_namespace: str | None = None


def authority_name(connection: ElasticsearchConnection) -> str:
    """The Secret with the authority's certificate and key, which no pod mounts."""
    return f"{connection.engine}-{AUTHORITY}"


def volume_claim(connection: ElasticsearchConnection) -> str:
    """The PersistentVolumeClaim that the StatefulSet makes."""
    return f"data-{connection.engine}-0"


def host_names(connection: ElasticsearchConnection) -> tuple[str, ...]:
    """The names that the engine's certificate is for, beside the loopback ones."""
    engine, namespace = connection.engine, connection.namespace
    service = f"{engine}.{namespace}.svc"
    return service, engine, f"{engine}.{namespace}", f"{service}.cluster.local"


def of_connection(connection: ElasticsearchConnection, live: Mapping[str, Any]) -> bool:
    """Whether an object belongs to this very connection."""
    owners = live["metadata"].get("ownerReferences", ())
    return any(owner.get("uid") == connection.metadata.uid for owner in owners)


def secret_object(
    connection: ElasticsearchConnection, name: str, data: Mapping[str, bytes], *, version: str | None = None
) -> JsonObject:
    """A Secret of the engine.

    Args:
        connection: Whose engine it is.
        name: The Secret's.
        data: All of its values.
        version: The one that it replaces, None for none: a write over a newer one is refused.
    """
    metadata = _metadata(connection, name) | ({} if version is None else {"resourceVersion": version})
    encoded = {key: base64.b64encode(value).decode() for key, value in sorted(data.items())}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": encoded}


def engine_objects(
    connection: ElasticsearchConnection, settings: EngineSettings, *, secrets: str
) -> tuple[JsonObject, ...]:
    """Service, NetworkPolicy and StatefulSet, in the order in which they are made.

    Args:
        connection: One with `spec.embedded`.
        settings: What the installation says.
        secrets: Changes with what the pod reads from its Secret.
    """
    embedded = connection.spec.embedded
    if embedded is None:
        raise ValueError(f"connection {connection.name} has no spec.embedded")
    return (
        _service(connection, embedded),
        _network_policy(connection, embedded, settings),
        _stateful_set(connection, embedded, settings, secrets),
    )


def _selector(connection: ElasticsearchConnection) -> JsonObject:
    return {"app.kubernetes.io/name": "anomalyops-engine", ENGINE_LABEL: connection.name}


def _metadata(connection: ElasticsearchConnection, name: str) -> JsonObject:
    owner = {"apiVersion": API_VERSION, "kind": connection.KIND, "name": connection.name, "controller": True}
    return {
        "name": name,
        "namespace": connection.namespace,
        "labels": {**_selector(connection), "app.kubernetes.io/managed-by": "anomalyops"},
        "ownerReferences": [{**owner, "uid": connection.metadata.uid}],
    }


def _service(connection: ElasticsearchConnection, embedded: Embedded) -> JsonObject:
    """The engine's address; with metrics, as Prometheus finds it by annotations or by a ServiceMonitor."""
    ports = [{"name": "https", "port": ENGINE_PORT, "protocol": "TCP", "targetPort": "https"}]
    metadata = _metadata(connection, connection.engine)
    if embedded.metrics is not None:
        ports.append({"name": "metrics", "port": ENGINE_METRICS_PORT, "protocol": "TCP", "targetPort": "metrics"})
        scraped = {"scrape": "true", "scheme": "https", "port": str(ENGINE_METRICS_PORT), "path": "/metrics"}
        metadata["annotations"] = {f"prometheus.io/{name}": value for name, value in scraped.items()}
    spec = {"type": "ClusterIP", "selector": _selector(connection), "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _network_policy(connection: ElasticsearchConnection, embedded: Embedded, settings: EngineSettings) -> JsonObject:
    """The operator and the clients reach the engine, and Prometheus its metrics; it reaches nobody."""
    home = settings.operator_namespace
    namespaces = {"matchLabels": {"kubernetes.io/metadata.name": home}} if home is not None else {}
    operator = {
        "namespaceSelector": namespaces,
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "anomalyops"}},
    }
    clients = [{"podSelector": {}}] if embedded.clients is None else [_peer(one) for one in embedded.clients]
    rules = [{"ports": [{"port": ENGINE_PORT, "protocol": "TCP"}], "from": [operator, *clients]}]
    if embedded.metrics is not None:
        chosen = embedded.metrics.clients
        readers = [{"namespaceSelector": {}}] if chosen is None else [_peer(one) for one in chosen]
        if readers:  # a rule without peers lets in everybody
            rules.append({"ports": [{"port": ENGINE_METRICS_PORT, "protocol": "TCP"}], "from": readers})
    spec = {
        "podSelector": {"matchLabels": _selector(connection)},
        "policyTypes": ["Ingress", "Egress"],  # and no rule for egress
        "ingress": rules,
    }
    metadata = _metadata(connection, connection.engine)
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def _peer(clients: EngineClients) -> JsonObject:
    selectors = {"namespaceSelector": clients.namespace_selector, "podSelector": clients.pod_selector}
    return {name: selector.manifest() for name, selector in selectors.items() if selector is not None}


def _stateful_set(
    connection: ElasticsearchConnection, embedded: Embedded, settings: EngineSettings, secrets: str
) -> JsonObject:
    policy = {"whenDeleted": embedded.volume.when_deleted.value, "whenScaled": "Retain"}
    metadata = {"labels": _selector(connection), "annotations": {SECRETS_ANNOTATION: secrets}}
    spec = {
        "replicas": 1,  # one process at a time may use the volume
        "serviceName": connection.engine,
        "selector": {"matchLabels": _selector(connection)},
        "persistentVolumeClaimRetentionPolicy": policy,
        "template": {"metadata": metadata, "spec": _pod(connection, embedded, settings)},
        "volumeClaimTemplates": [_claim(embedded)],
    }
    metadata = _metadata(connection, connection.engine)
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": spec}


def _claim(embedded: Embedded) -> JsonObject:
    volume = embedded.volume
    spec: JsonObject = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": volume.size}},
    }
    if volume.class_name is not None:
        spec["storageClassName"] = volume.class_name
    return {"metadata": {"name": "data"}, "spec": spec}


def _pod(connection: ElasticsearchConnection, embedded: Embedded, settings: EngineSettings) -> JsonObject:
    mounted = [{"key": key, "path": key} for key in _MOUNTED]
    secret = {"secretName": connection.engine, "defaultMode": _SECRET_MODE, "items": mounted}
    security = {
        "runAsNonRoot": True,
        "runAsUser": _USER,
        "runAsGroup": _USER,
        "fsGroup": _USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    pod: JsonObject = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 60,
        "securityContext": security,
        "containers": [_container(embedded, settings)],
        "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "secrets", "secret": secret}],
    }
    if embedded.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in embedded.image_pull_secrets]
    if embedded.node_selector:
        pod["nodeSelector"] = dict(embedded.node_selector)
    if embedded.tolerations:
        pod["tolerations"] = [
            one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in embedded.tolerations
        ]
    return pod


def _container(embedded: Embedded, settings: EngineSettings) -> JsonObject:
    security = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    ports = [{"name": "https", "containerPort": ENGINE_PORT, "protocol": "TCP"}]
    metrics = []
    if embedded.metrics is not None:
        ports.append({"name": "metrics", "containerPort": ENGINE_METRICS_PORT, "protocol": "TCP"})
        metrics = [f"--metrics-port={ENGINE_METRICS_PORT}"]
    health = {"httpGet": {"path": "/_health", "port": "https", "scheme": "HTTPS"}}
    return {
        "name": "engine",
        "image": embedded.image or settings.image,
        "args": [
            "engine",
            "--data=/data",
            "--host=0.0.0.0",
            f"--port={ENGINE_PORT}",
            "--password-file=/etc/anomalyops/password",
            "--tls-cert=/etc/anomalyops/tls.crt",
            "--tls-key=/etc/anomalyops/tls.key",
            "--log-format=json",
            *metrics,
        ],
        "ports": ports,
        # A start opens the data and takes up all jobs.
        "startupProbe": {**health, "periodSeconds": 2, "failureThreshold": 300},
        "readinessProbe": {**health, "periodSeconds": 5, "timeoutSeconds": 5},
        "livenessProbe": {**health, "periodSeconds": 20, "timeoutSeconds": 10},
        "resources": _resources(embedded),
        "securityContext": security,
        "volumeMounts": [
            {"name": "data", "mountPath": "/data"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - of a volume of its own
            {"name": "secrets", "mountPath": "/etc/anomalyops", "readOnly": True},
        ],
    }


def _resources(embedded: Embedded) -> JsonObject:
    requests, limits = embedded.requested, embedded.limited
    most = {"memory": limits.memory} | ({} if limits.cpu is None else {"cpu": limits.cpu})
    return {"requests": {"cpu": requests.cpu, "memory": requests.memory}, "limits": most}
