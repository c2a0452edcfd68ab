"""Letting go of everything at once, when the operator is to go: nothing is done on any server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from anomalyops.resources import FINALIZER, KINDS, Metadata
from anomalyops.watching.kubeapi import KubeApi, KubeApiError
from anomalyops.watching.listing import Scope, list_scope, scopes
from anomalyops.watching.options import ObjectKey

SETTLED = 3.0  # seconds after which a running operator would have taken an object again
STOPPING = 120.0  # seconds in which an operator that was told to stop may end what it is at
_POLL = 0.5  # seconds
_AT_A_TIME = 8


class OperatorRunsError(Exception):
    """An operator holds the objects again as fast as they are released."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """One object that was let go.

    Attributes:
        kind: Its kind.
        namespace: Its namespace.
        name: Its name.
        gone: Whether it went with that: its deletion had been asked for.
    """

    kind: str
    namespace: str
    name: str
    gone: bool

    @property
    def key(self) -> str:
        """What it is called."""
        return f"{self.kind} {self.namespace}/{self.name}"


async def release_all(namespaces: Sequence[str], *, operator: ObjectKey | None = None) -> list[Released]:
    """Take the operator's finalizer, and no other, off every object; what is on servers stays as it is.

    Args:
        namespaces: Where; none for everywhere.
        operator: Its Deployment, which is scaled to nothing first; None when it does not run.

    Raises:
        KubeApiError: the API refused or did not answer; what was released until then stays so.
        OperatorRunsError: an operator still runs.
    """
    api = await KubeApi.connect()
    try:
        deadline = time.monotonic() + (STOPPING if operator is not None else 0)
        if operator is not None:
            await _stop(api, operator, deadline)
        released: dict[str, Released] = {}
        while held := await _held(api, namespaces):
            if released and time.monotonic() > deadline:
                raise OperatorRunsError(
                    f"{len(held)} objects have the finalizer again: an operator still runs. Stop it first, for "
                    "example with `kubectl scale deployment anomalyops -n anomalyops-system --replicas=0`"
                )
            released |= {one.key: one for one in await _release(api, held)}
            await asyncio.sleep(SETTLED)
        return list(released.values())
    finally:
        await api.close()


async def _stop(api: KubeApi, operator: ObjectKey, deadline: float) -> None:
    """Scale a Deployment to nothing, and wait until no pod of it is left that is not ending."""
    path = f"/apis/apps/v1/namespaces/{operator.namespace}/deployments/{operator.name}/scale"
    try:
        scale = await api.merge_patch(path, {"spec": {"replicas": 0}})
        while scale.get("status", {}).get("replicas", 0):
            if time.monotonic() > deadline:
                raise OperatorRunsError(
                    f"Deployment {operator} still has a pod {STOPPING:g} s after it was told to stop"
                )
            await asyncio.sleep(_POLL)
            scale = await api.get(path)
    except KubeApiError as error:
        if not error.missing:
            raise


async def _held(api: KubeApi, namespaces: Sequence[str]) -> list[tuple[str, str, Metadata]]:
    """Path, kind and metadata of each object that has the finalizer."""
    held = []
    for kind in (kind for kind in KINDS if kind.finalized):
        for scope in scopes([kind.plural], namespaces):
            for body in (await list_scope(api, scope)).objects:
                metadata = Metadata.model_validate(body["metadata"])
                if FINALIZER in metadata.finalizers:
                    path = f"{Scope(kind.plural, metadata.namespace).path}/{metadata.name}"
                    held.append((path, kind.name, metadata))
    return held


async def _release(api: KubeApi, held: Sequence[tuple[str, str, Metadata]]) -> list[Released]:
    slots = asyncio.Semaphore(_AT_A_TIME)

    async def release(path: str, kind: str, metadata: Metadata) -> Released:
        place = f"/metadata/finalizers/{metadata.finalizers.index(FINALIZER)}"
        operations: list[dict[str, Any]] = [
            {"op": "test", "path": place, "value": FINALIZER},
            {"op": "remove", "path": place},
        ]
        async with slots:
            try:
                await api.json_patch(path, operations)
            except KubeApiError as error:
                if not error.missing:
                    raise
        gone = metadata.deletion_timestamp is not None and metadata.finalizers == [FINALIZER]
        return Released(kind=kind, namespace=metadata.namespace, name=metadata.name, gone=gone)

    return list(await asyncio.gather(*(release(*one) for one in held)))
