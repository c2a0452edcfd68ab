"""What several jobs may use, such as filter lists, from files: planned, applied, looked at and deleted.

It is applied before the pairs, which may need it, and deleted after them, when nobody uses it any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from anomalyops.elastic import Gateway
from anomalyops.local.applying import CLUSTER, now
from anomalyops.local.connections import Target, open_gateway
from anomalyops.local.inspecting import Planned
from anomalyops.local.progress import Verdict, verdict_of_resources
from anomalyops.plan import Obstacle, Step
from anomalyops.reconciler import SharedObject, SharedOutcome, SharedReconciler
from anomalyops.resources import BY_NAME, DeletionPolicy, SharedResource

_POLL = 0.5  # seconds between attempts where the server is not ready yet

OnStep = Callable[[SharedResource, Step], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedShared:
    """What became of a resource.

    Attributes:
        resource: With its present status.
        verdict: Whether there is anything left to wait for.
        message: What it waits for or what is wrong; empty when ready.
    """

    resource: SharedResource
    verdict: Verdict
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedShared:
    """What became of a resource that was to be deleted.

    Attributes:
        resource: With the policy that was carried out.
        steps: Everything that was done.
        released: Whether the policy has been carried out to the end.
        obstacles: What is in the way, if not.
        exists: Whether the server still has the object; None when it was not looked at.
        ours: Whether these files manage the object that is there.
        error: What the server answered, if that is why not; empty otherwise.
    """

    resource: SharedResource
    steps: tuple[Step, ...]
    released: bool
    obstacles: tuple[Obstacle, ...]
    exists: bool | None
    ours: bool
    error: str

    @property
    def result(self) -> str:
        """What is on the server now, in words."""
        what = f"{BY_NAME[self.resource.KIND].server_object} {self.resource.server_id!r}"
        policy = self.resource.spec.deletion_policy
        if not self.released:
            return self.error
        if self.steps and policy is DeletionPolicy.DELETE:
            return f"deleted {what}"
        if not self.exists:
            return f"there is no {what} on the server"
        if not self.steps and not self.ours:
            return f"left {what} alone: these files do not manage it"
        return f"kept {what}" + ("; it is no longer managed" if policy is DeletionPolicy.ORPHAN else "")


async def plan_shared(target: Target) -> list[Planned]:
    """What applying would do on this server; nothing is changed.

    Raises:
        GatewayError: The server does not answer, or does not let us in.
    """
    if not target.shared:
        return []
    async with open_gateway(target.connection, target.credentials) as gateway:
        await gateway.info()
        reconciler = SharedReconciler(gateway, cluster=CLUSTER)
        plans = await asyncio.gather(*(reconciler.plan(shared) for shared in target.shared))
    return [Planned(resources=(shared.resource,), plan=plan) for shared, plan in zip(target.shared, plans, strict=True)]


async def status_shared(target: Target, *, clock: Callable[[], datetime] = now) -> list[SharedResource]:
    """The resources with their statuses as the server has them now.

    Raises:
        GatewayError: The server does not answer, or does not let us in.
    """
    if not target.shared:
        return []
    async with open_gateway(target.connection, target.credentials) as gateway:
        reconciler = SharedReconciler(gateway, cluster=CLUSTER, clock=clock)
        statuses = await asyncio.gather(*(reconciler.examine(shared) for shared in target.shared))
    return [
        shared.resource.model_copy(update={"status": status})
        for shared, status in zip(target.shared, statuses, strict=True)
    ]


async def apply_shared(
    target: Target, on_step: OnStep, *, seconds: float, clock: Callable[[], datetime] = now
) -> list[AppliedShared]:
    """Brings a server to what the resources ask for.

    Args:
        target: The server and its resources.
        on_step: Told of each step before it is sent.
        seconds: How long to try.
        clock: The present time.

    Raises:
        GatewayError: The server does not answer, or does not let us in.
    """
    if not target.shared:
        return []
    async with open_gateway(target.connection, target.credentials) as gateway:
        await gateway.info()
        deadline = asyncio.get_running_loop().time() + seconds
        return [await _apply(shared, gateway, on_step, deadline, clock) for shared in target.shared]


async def _apply(
    shared: SharedObject, gateway: Gateway, on_step: OnStep, deadline: float, clock: Callable[[], datetime]
) -> AppliedShared:
    named = shared.resource
    reconciler = SharedReconciler(gateway, cluster=CLUSTER, clock=clock, on_step=lambda step: on_step(named, step))
    while True:
        outcome = await reconciler.reconcile(shared)
        shared = replace(shared, resource=shared.resource.model_copy(update={"status": outcome.status}))
        verdict, message = verdict_of_resources([shared.resource])
        if verdict is not Verdict.WORKING or _is_late(deadline):
            return AppliedShared(resource=shared.resource, verdict=verdict, message=message)
        await asyncio.sleep(min(outcome.retry_after or _POLL, _POLL))


async def delete_shared(
    target: Target, *, policy: DeletionPolicy | None, seconds: float, clock: Callable[[], datetime] = now
) -> list[DeletedShared]:
    """Carries out the deletion policies, one after the other.

    Args:
        target: The server and its resources.
        policy: Instead of what the resources say.
        seconds: How long to try altogether.
        clock: The present time.

    Raises:
        GatewayError: The server does not answer, or does not let us in.
    """
    if not target.shared:
        return []
    async with open_gateway(target.connection, target.credentials) as gateway:
        await gateway.info()
        reconciler = SharedReconciler(gateway, cluster=CLUSTER, clock=clock)
        deadline = asyncio.get_running_loop().time() + seconds
        return [await _delete(_marked(shared, policy, clock()), reconciler, deadline) for shared in target.shared]


async def _delete(shared: SharedObject, reconciler: SharedReconciler, deadline: float) -> DeletedShared:
    steps: list[Step] = []
    while True:
        outcome = await reconciler.reconcile(shared)
        steps += outcome.executed
        if outcome.released or outcome.plan.stalled or _is_late(deadline):
            return _deleted(shared, steps, outcome)
        await asyncio.sleep(min(outcome.retry_after or _POLL, _POLL))


def _deleted(shared: SharedObject, steps: list[Step], outcome: SharedOutcome) -> DeletedShared:
    return DeletedShared(
        resource=shared.resource,
        steps=tuple(steps),
        released=outcome.released,
        obstacles=outcome.plan.obstacles,
        exists=outcome.exists,
        ours=outcome.ours,
        error=str(outcome.error) if outcome.error is not None else "",
    )


def _marked(shared: SharedObject, policy: DeletionPolicy | None, moment: datetime) -> SharedObject:
    """The resource as the API server shows it when its deletion has been asked for."""
    resource = shared.resource
    change: dict[str, Any] = {"metadata": resource.metadata.model_copy(update={"deletion_timestamp": moment})}
    if policy is not None:
        change["spec"] = resource.spec.model_copy(update={"deletion_policy": policy})
    return replace(shared, resource=resource.model_copy(update=change))


def _is_late(deadline: float) -> bool:
    return asyncio.get_running_loop().time() >= deadline
