"""Single Secrets and ConfigMaps, each watched by name for as long as somebody reads it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from anomalyops.health import FailureKind
from anomalyops.resources import SecretManifest
from anomalyops.watching.kubeapi import KubeApi, KubeApiError

logger = logging.getLogger(__name__)

RETRY = 5.0  # seconds after a watch that broke
FORBIDDEN_RETRY = 5.0  # seconds until a right that is missing is asked for again


class Source(NamedTuple):
    """One Secret or ConfigMap: `collection` is `secrets` or `configmaps`."""

    collection: str
    namespace: str
    name: str

    def __str__(self) -> str:
        kind = "Secret" if self.collection == "secrets" else "ConfigMap"
        return f"{kind} {self.namespace}/{self.name}"


@dataclass(slots=True, unsafe_hash=True)
class SourceError(Exception):
    """The content cannot be had; the message names the object and key, never a value."""

    kind: FailureKind
    message: str


class SourceWatch:
    """Keeps the content of one Secret or ConfigMap up to date, with a watch by name.

    Args:
        api: The Kubernetes API.
        source: What to watch.
        changed: Called after each change of the content or of the reason why there is none.
    """

    def __init__(self, api: KubeApi, source: Source, changed: Callable[[], None]) -> None:
        self.source = source
        self._api = api
        self._changed = changed
        self._data: Mapping[str, bytes] | None = None
        self._error: SourceError | None = None
        self._looked = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    @property
    def has_looked(self) -> bool:
        """Whether there was a first look."""
        return self._looked.is_set()

    async def looked(self) -> None:
        """Waits for the first look."""
        await self._looked.wait()

    def value(self, key: str) -> str:
        """The text under a key, without the blanks around it.

        Raises:
            SourceError: the object or the key is missing, may not be read, or is not text.
        """
        return self.text(key).strip()

    def text(self, key: str) -> str:
        """The text under a key as it is.

        Raises:
            SourceError: the object or the key is missing, may not be read, or is not text.
        """
        if self._error is not None:
            raise self._error
        data = self._data or {}
        if key not in data:
            have = ", ".join(sorted(data)) or "none"
            raise SourceError(FailureKind.SECRET_INVALID, f"{self.source} has no key {key!r}; its keys: {have}")
        try:
            return data[key].decode()
        except UnicodeDecodeError:
            raise SourceError(FailureKind.SECRET_INVALID, f"{self.source}: the value of {key!r} is not text") from None

    async def stop(self) -> None:
        """Ends the watch."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        while True:
            try:
                version = await self._look()
                await self._follow(version)
            except KubeApiError as error:
                pause = self._refused(error)
                await asyncio.sleep(pause)

    async def _look(self) -> str:
        """Reads the object; returns the version to watch from, empty when there is no object."""
        collection, namespace, name = self.source
        try:
            found = await self._api.get(f"/api/v1/namespaces/{namespace}/{collection}/{name}")
        except KubeApiError as error:
            if not error.missing:
                raise
            self._set(None, SourceError(FailureKind.SECRET_NOT_FOUND, f"{self.source} does not exist"))
            return ""
        self._set(SecretManifest.from_object(found).data, None)
        return str(found["metadata"]["resourceVersion"])

    async def _follow(self, version: str) -> None:
        collection, namespace, name = self.source
        path = f"/api/v1/namespaces/{namespace}/{collection}"
        async for event in self._api.watch(path, name=name, resource_version=version):
            if event["type"] == "DELETED":
                self._set(None, SourceError(FailureKind.SECRET_NOT_FOUND, f"{self.source} was deleted"))
            else:
                self._set(SecretManifest.from_object(event["object"]).data, None)

    def _refused(self, error: KubeApiError) -> float:
        """Takes note of a refusal; returns the seconds until the next try."""
        if error.gone:
            return 0.0
        if not error.forbidden:
            logger.warning("%s cannot be read, trying again: %s", self.source, error)
            return RETRY
        if self._data is None:
            advice = _how_to_allow(self.source, str(error))
            self._set(None, SourceError(FailureKind.SECRET_FORBIDDEN, advice))
        return FORBIDDEN_RETRY

    def _set(self, data: Mapping[str, bytes] | None, error: SourceError | None) -> None:
        changed = (data, error) != (self._data, self._error) or not self._looked.is_set()
        self._data, self._error = data, error
        self._looked.set()
        if changed:
            self._changed()


def _how_to_allow(source: Source, refusal: str) -> str:
    """The command that gives the right which the API's refusal says is missing."""
    found = re.search(r"system:serviceaccount:([a-z0-9.-]+:[a-z0-9.-]+)", refusal)
    account = found.group(1) if found else "anomalyops-system:anomalyops"
    role = "anomalyops-secret-reader" if source.collection == "secrets" else "anomalyops-config-map-reader"
    return (
        f"the operator may not read {source}; allow it with: kubectl create rolebinding {role} "
        f"-n {source.namespace} --clusterrole={role} --serviceaccount={account}"
    )
