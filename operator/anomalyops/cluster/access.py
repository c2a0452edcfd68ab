"""A cluster of the kubeconfig: its objects of our kinds, and the few things that a person asks of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from kubernetes.aio.config import ConfigException, list_kube_config_contexts

from anomalyops.cluster.errors import ClusterError
from anomalyops.resources import (
    GROUP,
    KINDS,
    REQUESTED_AT,
    AnomalyJob,
    AnyResource,
    Datafeed,
    ManifestError,
    Resource,
    SecretManifest,
)
from anomalyops.watching.kubeapi import KubeApi, KubeApiError, in_cluster

JsonObject = dict[str, Any]
_Kind = TypeVar("_Kind", bound=Resource)

_VERSION: Final = "v1alpha1"
_PLURALS: Final[Mapping[str, str]] = {kind.model.KIND: kind.plural for kind in KINDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """An open connection to the Kubernetes API.

    Attributes:
        api: The calls.
        namespace: The one that is meant where none is named.
    """

    api: KubeApi
    namespace: str

    async def objects(
        self, model: type[_Kind], namespace: str | None, unreadable: list[str] | None = None
    ) -> list[_Kind]:
        """The resources of a kind in their order, with status; one that cannot be read is left out.

        Args:
            model: The kind.
            namespace: Its namespace; None for all.
            unreadable: Takes a line for each that cannot be read: which, and why.

        Raises:
            KubeApiError: They cannot be listed.
        """
        found = await self._list(_path(model, namespace))
        resources = []
        for item in found:
            try:
                resources.append(model.from_object({**item, "kind": model.KIND, "apiVersion": f"{GROUP}/{_VERSION}"}))
            except ManifestError as error:
                if unreadable is not None:
                    unreadable.append(f"{model.KIND}/{item['metadata']['name']}: {error}")
        return resources

    async def job(self, name: str) -> tuple[AnomalyJob, Datafeed | None]:
        """An AnomalyJob of the namespace and its datafeed.

        Raises:
            ClusterError: There is no such job; says which there are.
            KubeApiError: They cannot be listed.
        """
        namespace = self.namespace
        jobs = await self.objects(AnomalyJob, namespace)
        job = next((one for one in jobs if one.name == name), None)
        if job is None:
            there = ", ".join(one.name for one in jobs) or "none"
            raise ClusterError(f"AnomalyJob {name!r} is not in namespace {namespace!r}; there: {there}")
        feeds = await self.objects(Datafeed, namespace)
        return job, next((feed for feed in feeds if feed.spec.job_ref.name == name), None)

    async def ask_for_a_look(self, resource: AnyResource) -> None:
        """Asks the operator to look at the server now.

        Raises:
            KubeApiError: The annotation may not be written.
        """
        await self._change(resource, {"metadata": {"annotations": {REQUESTED_AT: datetime.now(UTC).isoformat()}}})

    async def suspend(self, resource: AnomalyJob, *, suspended: bool) -> None:
        """Sets `spec.suspend`.

        Raises:
            KubeApiError: The resource may not be changed.
        """
        await self._change(resource, {"spec": {"suspend": suspended}})

    async def events(self, resource: AnyResource) -> list[JsonObject]:
        """The Events about a resource, oldest first.

        Raises:
            KubeApiError: They cannot be listed.
        """
        found = await self._list(f"/apis/events.k8s.io/v1/namespaces/{resource.namespace}/events")
        about = [event for event in found if (event.get("regarding") or {}).get("uid") == resource.metadata.uid]
        return sorted(about, key=_last_seen)

    async def cluster_id(self) -> str:
        """What the operator calls this cluster in its marks: the uid of kube-system.

        Raises:
            KubeApiError: It may not be read.
        """
        return str((await self.api.get("/api/v1/namespaces/kube-system"))["metadata"]["uid"])

    async def secret(self, kind: str, name: str, namespace: str) -> SecretManifest | None:
        """A Secret or ConfigMap; None for one that is not there or may not be read.

        Raises:
            KubeApiError: The API does not answer.
        """
        collection = "secrets" if kind == "Secret" else "configmaps"
        try:
            found = await self.api.get(f"/api/v1/namespaces/{namespace}/{collection}/{name}")
        except KubeApiError as error:
            if error.missing or error.forbidden:
                return None
            raise
        return SecretManifest.from_object({**found, "kind": kind})

    async def _list(self, path: str) -> list[JsonObject]:
        try:
            found: list[JsonObject] = (await self.api.get(path))["items"]
        except KubeApiError as error:
            if error.missing:
                raise ClusterError(f"{path}: the cluster has no such kind: apply the CRDs first") from None
            raise
        return found

    async def _change(self, resource: AnyResource, change: JsonObject) -> None:
        path = _path(type(resource), resource.namespace)
        await self.api.merge_patch(f"{path}/{resource.name}", change)


@asynccontextmanager
async def open_cluster(
    *, kubeconfig: str | None = None, context: str | None = None, namespace: str | None = None
) -> AsyncIterator[Cluster]:
    """The cluster of a kubeconfig, or of the pod that this runs in.

    Args:
        kubeconfig: The file; by default KUBECONFIG, else `~/.kube/config`.
        context: One of its contexts; by default the present one.
        namespace: The one that is meant where none is named; by default the context's.

    Raises:
        ClusterError: There is no kubeconfig, or no such context.
    """
    try:
        api = await KubeApi.connect(kubeconfig=kubeconfig, context=context)
        chosen = namespace or _namespace(kubeconfig, context)
    except ConfigException as error:
        raise ClusterError(f"no cluster: {error}") from None
    try:
        yield Cluster(api=api, namespace=chosen)
    finally:
        await api.close()


def _namespace(kubeconfig: str | None, context: str | None) -> str:
    if kubeconfig is None and context is None and in_cluster():
        return "default"
    contexts, present = list_kube_config_contexts(kubeconfig)  # type: ignore[no-untyped-call]
    named = present if context is None else next((one for one in contexts if one["name"] == context), present)
    return str(named["context"].get("namespace") or "default")


def _path(model: type[Resource], namespace: str | None) -> str:
    scope = f"/namespaces/{namespace}" if namespace is not None else ""
    return f"/apis/{GROUP}/{_VERSION}{scope}/{_PLURALS[model.KIND]}"


def _last_seen(event: Mapping[str, Any]) -> str:
    series = event.get("series") or {}
    return str(series.get("lastObservedTime") or event.get("eventTime") or event.get("deprecatedLastTimestamp") or "")


def event_line(event: Mapping[str, Any]) -> str:
    """One Event as a line: when, how severe, why, what."""
    return f"{_last_seen(event)[:19]}  {event.get('type', ''):7}  {event.get('reason', '')}: {event.get('note', '')}"
