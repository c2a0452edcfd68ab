"""Letting go of everything at once, when the operator is to go: nothing is done on any server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from anomalyops.resources import FINALIZER, KINDS, Metadata
from anomalyops.watching.kubeapi import KubeApi, KubeApiError
from anomalyops.watching.listing import Scope, list_scope, scopes

SETTLED = 3.0  # seconds after which a running operator would have taken an object again
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


async def release_all(namespaces: Sequence[str]) -> list[Released]:
    """Take the operator's finalizer, and no other, off every object; what is on servers stays as it is.

    Args:
        namespaces: Where; none for everywhere.

    Raises:
        KubeApiError: the API refused or did not answer; what was released until then stays so.
        OperatorRunsError: an operator still runs.
    """
    api = await KubeApi.connect()
    try:
        released = await _release(api, await _held(api, namespaces))
        if released:
            await asyncio.sleep(SETTLED)
            if taken := await _held(api, namespaces):
                raise OperatorRunsError(
                    f"{len(taken)} objects have the finalizer again: an operator still runs. Stop it first, for "
                    "example with `kubectl scale deployment anomalyops -n anomalyops-system --replicas=0`"
                )
        return released
    finally:
        await api.close()


async def _held(api: KubeApi, namespaces: Sequence[str]) -> list[tuple[str, str, Metadata]]:
    """Path, kind and metadata of each object that has the finalizer."""
    held = []
    for kind in KINDS:
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
