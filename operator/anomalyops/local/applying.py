"""Applying pairs to one server and waiting until they are ready: the operator's loop, for files on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

from anomalyops.elastic import Gateway
from anomalyops.local.connections import Target, open_gateway
from anomalyops.local.pairs import retaining
from anomalyops.local.progress import Progress, Verdict, measure, with_statuses
from anomalyops.plan import LOCAL, Plan, Step
from anomalyops.reconciler import Observation, Observer, Pair, Reconciler

CLUSTER: Final = LOCAL  # the owner's cluster in the marker of jobs that come from files
_POLL: Final = 0.4  # seconds between looks at the server
_CONCURRENT: Final = 4  # pairs that are worked on at a time


class Listener(Protocol):
    """Who wants to know how applying goes on."""

    def plan(self, pair: Pair, plan: Plan) -> None:
        """A plan is about to be executed; it says whose the job is."""

    def step(self, pair: Pair, step: Step) -> None:
        """A step is about to be executed."""

    def progress(self, progress: Progress) -> None:
        """The server was looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of a pair.

    Attributes:
        progress: The last look.
        steps: Everything that was done.
    """

    progress: Progress
    steps: tuple[Step, ...]


@dataclass(slots=True)
class _Tracked:
    """One pair on its way."""

    pair: Pair
    reconciler: Reconciler
    progress: Progress
    due: float | None = 0.0  # loop time of the next reconcile, None for none
    steps: list[Step] = field(default_factory=list)

    @property
    def settled(self) -> bool:
        return self.progress.verdict is not Verdict.WORKING


def now() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)


async def apply(
    target: Target,
    listener: Listener,
    *,
    seconds: float,
    poll: float = _POLL,
    clock: Callable[[], datetime] = now,
) -> list[Applied]:
    """Brings a server to what the pairs ask for, and waits until it is there.

    A bounded lookback is waited for until it is complete, a datafeed in real time until it is started and ready.
    A pair that only a person can help is not waited for.

    Args:
        target: The server and its pairs.
        listener: Told about steps and progress.
        seconds: How long to wait; what was started goes on on the server afterwards.
        poll: Seconds between looks.
        clock: The present time.

    Raises:
        GatewayError: The server does not answer, or does not let us in.
    """
    async with open_gateway(target.connection, target.credentials) as gateway:
        await gateway.info()  # a server that cannot be reached is said at once, not waited for
        tracked = [_track(pair, gateway, listener, clock) for pair in target.pairs]
        observer = Observer(gateway, cluster=CLUSTER, clock=clock)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            await _reconcile_due(tracked, listener, loop.time)
            waiting = [item for item in tracked if not item.settled]
            if not waiting or loop.time() >= deadline:
                return [Applied(progress=item.progress, steps=tuple(item.steps)) for item in tracked]
            await asyncio.sleep(poll)
            # With configurations: only they tell a completed lookback from a datafeed that stopped.
            observation = await observer.observe(configs=True, retaining=retaining(target.pairs))
            for item in waiting:
                _look(item, observation, listener, loop.time())


def _track(pair: Pair, gateway: Gateway, listener: Listener, clock: Callable[[], datetime]) -> _Tracked:
    reconciler = Reconciler(
        gateway,
        cluster=CLUSTER,
        clock=clock,
        on_plan=lambda plan: listener.plan(pair, plan),
        on_step=lambda step: listener.step(pair, step),
    )
    return _Tracked(pair=pair, reconciler=reconciler, progress=Progress(pair=pair, verdict=Verdict.WORKING))


async def _reconcile_due(tracked: list[_Tracked], listener: Listener, time: Callable[[], float]) -> None:
    slots = asyncio.Semaphore(_CONCURRENT)

    async def reconcile(item: _Tracked) -> None:
        async with slots:
            outcome = await item.reconciler.reconcile(item.pair)
        item.pair = with_statuses(item.pair, outcome.job_status, outcome.datafeed_status)
        item.steps += outcome.executed
        item.due = None if outcome.retry_after is None else time() + outcome.retry_after
        item.progress = measure(item.pair, outcome.observed)
        listener.progress(item.progress)

    due = [item for item in tracked if not item.settled and item.due is not None and item.due <= time()]
    await asyncio.gather(*(reconcile(item) for item in due))


def _look(item: _Tracked, observation: Observation, listener: Listener, time: float) -> None:
    assessment = observation.assess(item.pair)
    item.pair = with_statuses(item.pair, assessment.job_status, assessment.datafeed_status)
    item.progress = measure(item.pair, observation.observed(item.pair))
    if assessment.needs_reconcile and item.due is None:
        item.due = time
    listener.progress(item.progress)
