"""Looking without acting: the plan for every pair, and the status of every pair."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from anomalyops.local.applying import CLUSTER, now
from anomalyops.local.connections import Target, open_gateway
from anomalyops.local.pairs import retaining
from anomalyops.local.progress import with_statuses
from anomalyops.plan import Plan
from anomalyops.reconciler import Observer, Pair, Reconciler
from anomalyops.resources import AnomalyFilter, AnyResource


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Resources that are planned together, and what applying them would do."""

    resources: tuple[AnyResource, ...]
    plan: Plan


async def plan(target: Target) -> list[Planned]:
    """What applying would do on this server; nothing is changed.

    Raises:
        GatewayError: The server does not answer, or does not let us in.
    """
    async with open_gateway(target.connection, target.credentials) as gateway:
        await gateway.info()
        coming = frozenset(one.resource.server_id for one in target.shared if one.resource.KIND == AnomalyFilter.KIND)
        reconciler = Reconciler(gateway, cluster=CLUSTER, coming=coming)
        plans = await asyncio.gather(*(reconciler.plan(pair) for pair in target.pairs))
        return [Planned(resources=pair.resources, plan=made) for pair, made in zip(target.pairs, plans, strict=True)]


async def status(target: Target, *, clock: Callable[[], datetime] = now) -> list[Pair]:
    """The pairs with their statuses as the server has them now.

    Nothing is remembered between commands: about a pair that is not as its files say, the server is asked once more,
    so that the status says what `apply` met or would meet.

    Raises:
        GatewayError: The server does not answer, or does not let us in.
    """
    async with open_gateway(target.connection, target.credentials) as gateway:
        observation = await Observer(gateway, cluster=CLUSTER, clock=clock).observe(
            configs=True, retaining=retaining(target.pairs)
        )
        reconciler = Reconciler(gateway, cluster=CLUSTER, clock=clock)

        async def look(pair: Pair) -> Pair:
            assessment = observation.assess(pair)
            told = assessment.job_status, assessment.datafeed_status
            if assessment.needs_reconcile and pair.job is not None:
                told = await reconciler.examine(with_statuses(pair, *told))
            return with_statuses(pair, *told)

        return list(await asyncio.gather(*(look(pair) for pair in target.pairs)))
