"""Objects of our kinds that come with an installation, made as soon as the cluster serves their kinds.

A kind is not served when its CustomResourceDefinition is accepted: the API server has yet to establish it and to tell
of it, and several API servers do so one after another. Nothing that is asked beforehand says when the next request
will be served, so the request itself is repeated.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from anomalyops.cluster.errors import ClusterError
from anomalyops.resources import BY_NAME, resource_from_object
from anomalyops.watching.kubeapi import JsonObject, KubeApi, KubeApiError
from anomalyops.watching.listing import Scope

MANAGER = "helm"  # whose fields they are: the next upgrade of the release takes the objects over
_RELEASE = ("meta.helm.sh/release-name", "meta.helm.sh/release-namespace")
_POLL = 0.5  # seconds


async def introduce(api: KubeApi, manifest: Mapping[str, Any], *, within: float) -> JsonObject:
    """Create an object of a kind that the cluster may not serve yet, or bring the one of the same release up to date.

    Args:
        api: The Kubernetes API.
        manifest: The object, of one of our kinds.
        within: Seconds until the kind must be served and the object be made.

    Returns:
        The object as the API server has it.

    Raises:
        ManifestError: it is not valid; nothing was sent.
        ClusterError: an object of the name exists and is not of the release, or time is over: with the last answer.
        KubeApiError: the API server refused the object itself.
    """
    resource = resource_from_object(manifest)
    path = f"{Scope(BY_NAME[resource.kind].plural, resource.metadata.namespace).path}/{resource.metadata.name}"
    what = f"{resource.kind} {resource.metadata.namespace}/{resource.metadata.name}"
    deadline = time.monotonic() + within
    while True:
        try:
            await _not_another_ones(api, path, what, manifest)
            return await api.apply(path, manifest, manager=MANAGER)
        except KubeApiError as error:
            if not _passes(error):
                raise
            if time.monotonic() + _POLL > deadline:
                raise ClusterError(f"{what} could not be made within {within:g} s: {error}") from None
        await asyncio.sleep(_POLL)


async def _not_another_ones(api: KubeApi, path: str, what: str, manifest: Mapping[str, Any]) -> None:
    """Refuses to take what is not of the release, as Helm does.

    Raises:
        ClusterError: somebody else made it.
        KubeApiError: the API server refused, or did not answer.
    """
    try:
        found = await api.get(path)
    except KubeApiError as error:
        if error.missing:  # the object, or its kind
            return
        raise
    wanted, has = (_release(one) for one in (manifest, found))
    if wanted != has:
        raise ClusterError(
            f"{what} exists and is not of release {wanted}: delete it, or give it the annotations "
            + " and ".join(_RELEASE)
        )


def _release(manifest: Mapping[str, Any]) -> str:
    """The release that an object says it is of: its namespace and name."""
    annotations = manifest["metadata"].get("annotations") or {}
    name, namespace = (annotations.get(key, "") for key in _RELEASE)
    return f"{namespace}/{name}"


def _passes(error: KubeApiError) -> bool:
    """Whether the same request may be served later: also a right that was given a moment ago is not known at once."""
    return error.status in {0, 403, 404, 409, 429} or error.status >= 500
