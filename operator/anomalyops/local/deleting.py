"""Deleting pairs from one server, as their deletion policies say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from anomalyops.local.applying import CLUSTER, now
from anomalyops.local.connections import Target, open_gateway
from anomalyops.plan import Observed, Obstacle, Owner, Step, is_ours, owner_of
from anomalyops.reconciler import Outcome, Pair, Reconciler, owner_of_pair
from anomalyops.resources import AnomalyJob, Datafeed, DeletionPolicy

_POLL = 0.5  # seconds between attempts where the server is not ready yet
_Kind = TypeVar("_Kind", AnomalyJob, Datafeed)


class Fate(StrEnum):
    """What carrying out a deletion policy came to."""

    DONE = "done"
    ABSENT = "absent"  # the server had nothing of that id
    NOT_OURS = "not ours"  # it is there, but another resource or nobody manages it: not touched
    UNSEEN = "unseen"  # nothing says on which job the datafeed works: not looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """What became of a pair.

    Attributes:
        pair: As it was asked for, with the policies that were carried out.
        steps: Everything that was done.
        released: Whether the policies have been carried out to the end.
        obstacles: What is in the way, if not.
        observed: What is on the server in the end; None when it was not looked at.
        error: What the server answered, if that is why not; empty otherwise.
    """

    pair: Pair
    steps: tuple[Step, ...]
    released: bool
    obstacles: tuple[Obstacle, ...] = ()
    observed: Observed | None = None
    error: str = ""

    def fate(self, resource: AnomalyJob | Datafeed) -> Fate:
        """What became of one resource of a released pair on the server."""
        if self.observed is None:
            return Fate.UNSEEN
        if self.steps:
            return Fate.DONE
        job = self.observed.job
        if (job if resource is self.pair.job else self.observed.datafeed) is None:
            return Fate.ABSENT
        owner = owner_of_pair(self.pair, CLUSTER)
        return Fate.DONE if job is not None and is_ours(owner, job.config) else Fate.NOT_OURS

    @property
    def owner(self) -> Owner | None:
        """Who manages the job on the server now; None for nobody."""
        job = self.observed.job if self.observed is not None else None
        return owner_of(job.config) if job is not None else None


async def delete(
    target: Target,
    *,
    policy: DeletionPolicy | None,
    seconds: float,
    clock: Callable[[], datetime] = now,
) -> list[Deleted]:
    """Carries out the deletion policies of all pairs, one after the other.

    Args:
        target: The server and its pairs.
        policy: Instead of what the resources say.
        seconds: How long to try altogether.
        clock: The present time.

    Raises:
        GatewayError: The server does not answer, or does not let us in.
    """
    async with open_gateway(target.connection, target.credentials) as gateway:
        await gateway.info()
        reconciler = Reconciler(gateway, cluster=CLUSTER, clock=clock)
        deadline = asyncio.get_running_loop().time() + seconds
        return [await _delete(marked(pair, policy, clock()), reconciler, deadline) for pair in target.pairs]


def marked(pair: Pair, policy: DeletionPolicy | None, moment: datetime) -> Pair:
    """The pair as the API server shows it when its deletion has been asked for."""
    return Pair(job=_marked(pair.job, policy, moment), datafeed=_marked(pair.datafeed, policy, moment))


def _marked(resource: _Kind | None, policy: DeletionPolicy | None, moment: datetime) -> _Kind | None:
    if resource is None:
        return None
    change: dict[str, Any] = {"metadata": resource.metadata.model_copy(update={"deletion_timestamp": moment})}
    if policy is not None:
        change["spec"] = resource.spec.model_copy(update={"deletion_policy": policy})
    return resource.model_copy(update=change)


async def _delete(pair: Pair, reconciler: Reconciler, deadline: float) -> Deleted:
    steps: list[Step] = []
    while True:
        outcome = await reconciler.reconcile(pair)
        steps += outcome.executed
        released = _released(pair, outcome)
        if released or outcome.plan.stalled or asyncio.get_running_loop().time() >= deadline:
            return Deleted(
                pair=pair,
                steps=tuple(steps),
                released=released,
                obstacles=outcome.plan.obstacles,
                observed=outcome.observed,
                error=str(outcome.error) if outcome.error is not None else "",
            )
        await asyncio.sleep(min(outcome.retry_after or _POLL, _POLL))


def _released(pair: Pair, outcome: Outcome) -> bool:
    return (pair.job is None or outcome.job_released) and (pair.datafeed is None or outcome.datafeed_released)
